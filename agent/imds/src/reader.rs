//! Reads the metadata tree into the model.
//!
//! Without the instance's id, type and zone there is no answer. Whatever else is missing, garbled or late is left out
//! and noted as a gap: it is worth less than what is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use gpunode_host::metadata::{Identity, Metadata};

use crate::budget::Budget;
use crate::leaf::{self, Expected};
use crate::{Client, Error, enis, identity};

const BLOCK_DEVICES: &str = "meta-data/block-device-mapping/";
const TAGS: &str = "meta-data/tags/instance/";

/// A client with the time that is left for the whole reading, and what it did not get. Clones share both.
#[derive(Clone)]
pub(crate) struct Reader {
    client: Client,
    budget: Budget,
    gaps: Arc<Mutex<Vec<Error>>>,
}

/// What a reading brought.
#[derive(Debug)]
pub struct Reading {
    /// Everything that could be read.
    pub metadata: Metadata,
    /// What could not, each with its path and why. An interface of which something decisive is missing (its id, or
    /// its place) is left out as a whole.
    pub gaps: Vec<Error>,
}

impl Reader {
    pub(crate) fn new(client: Client, budget: Budget) -> Self {
        Self { client, budget, gaps: Arc::default() }
    }

    pub(crate) async fn all(self) -> Result<Reading, Error> {
        let identity = self.identity().await?;
        Ok(self.rest(identity).await)
    }

    pub(crate) async fn identity(&self) -> Result<Identity, Error> {
        identity::read(self).await
    }

    pub(crate) async fn rest(self, identity: Identity) -> Reading {
        let metadata = Metadata {
            identity,
            enis: enis::read(&self).await,
            block_devices: self.block_devices().await,
            tags: self.tags().await,
        };
        let gaps = std::mem::take(&mut *self.gaps.lock().unwrap_or_else(PoisonError::into_inner));
        Reading { metadata, gaps }
    }

    /// Notes what was not to be had, and stands for it.
    pub(crate) fn gap<T: Default>(&self, error: Error) -> T {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        T::default()
    }

    async fn block_devices(&self) -> BTreeMap<String, String> {
        let mut devices = BTreeMap::new();
        let names = self.lines(BLOCK_DEVICES).await.unwrap_or_else(|error| self.gap(error));
        for name in names.unwrap_or_default() {
            match self.required_word(&format!("{BLOCK_DEVICES}{name}")).await {
                Ok(device) => drop(devices.insert(name, device)),
                Err(error) => self.gap(error),
            }
        }
        devices
    }

    async fn tags(&self) -> Option<BTreeMap<String, String>> {
        let keys = self.lines(TAGS).await.unwrap_or_else(|error| self.gap(error))?;
        let mut tags = BTreeMap::new();
        for key in keys {
            // Tags change while an instance runs, so one may be gone since the listing.
            match self.tag(&key).await {
                Ok(value) => tags.extend(value.map(|value| (key, value))),
                Err(error) => self.gap(error),
            }
        }
        Some(tags)
    }

    async fn tag(&self, key: &str) -> Result<Option<String>, Error> {
        let path = format!("{TAGS}{key}");
        let Some(value) = self.bytes(&path).await? else {
            return Ok(None);
        };
        leaf::text(&value)
            .map(|text| Some(text.to_owned()))
            .map_err(|expected| self.bad(&path, &value, expected))
    }

    /// What is at `path`, if anything.
    pub(crate) async fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.client.get_leaf(path, self.budget).await
    }

    /// The lines at `path`: names in a listing, or addresses.
    pub(crate) async fn lines(&self, path: &str) -> Result<Option<Vec<String>>, Error> {
        let Some(bytes) = self.bytes(path).await? else {
            return Ok(None);
        };
        leaf::lines(&bytes).map(Some).map_err(|expected| self.bad(path, &bytes, expected))
    }

    /// The word at `path`, if any.
    pub(crate) async fn word(&self, path: &str) -> Result<Option<String>, Error> {
        let Some(bytes) = self.bytes(path).await? else {
            return Ok(None);
        };
        leaf::word(&bytes).map(Some).map_err(|expected| self.bad(path, &bytes, expected))
    }

    /// The word at `path`, if there is one that can be read.
    pub(crate) async fn optional_word(&self, path: &str) -> Option<String> {
        self.word(path).await.unwrap_or_else(|error| self.gap(error))
    }

    /// The word at a path that every instance has.
    pub(crate) async fn required_word(&self, path: &str) -> Result<String, Error> {
        self.word(path).await?.ok_or_else(|| self.missing(path))
    }

    /// What `parse` makes of a value, or an error that names the path and the value.
    pub(crate) fn parsed<T>(
        &self,
        path: &str,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, Expected>,
    ) -> Result<T, Error> {
        parse(value).map_err(|expected| self.bad(path, value.as_bytes(), expected))
    }

    pub(crate) fn missing(&self, path: &str) -> Error {
        Error::Missing { url: self.url(path) }
    }

    pub(crate) fn bad(&self, path: &str, value: &[u8], expected: Expected) -> Error {
        Error::Value { url: self.url(path), value: leaf::shown(value), expected }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.client.url(path).map_or_else(|_| path.to_owned(), |url| url.to_string())
    }
}
