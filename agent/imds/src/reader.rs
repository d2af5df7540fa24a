//! Reads the metadata tree into the model.

use std::collections::BTreeMap;

use gpunode_host::metadata::Metadata;

use crate::budget::Budget;
use crate::leaf::{self, Expected};
use crate::{Client, Error, enis, identity};

const BLOCK_DEVICES: &str = "meta-data/block-device-mapping/";
const TAGS: &str = "meta-data/tags/instance/";

/// A client with the time that is left for the whole reading.
#[derive(Clone)]
pub(crate) struct Reader {
    client: Client,
    budget: Budget,
}

impl Reader {
    pub(crate) fn new(client: Client, budget: Budget) -> Self {
        Self { client, budget }
    }

    pub(crate) async fn metadata(&self) -> Result<Metadata, Error> {
        Ok(Metadata {
            identity: identity::read(self).await?,
            enis: enis::read(self).await?,
            block_devices: self.block_devices().await?,
            tags: self.tags().await?,
        })
    }

    async fn block_devices(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut devices = BTreeMap::new();
        for name in self.lines(BLOCK_DEVICES).await?.unwrap_or_default() {
            let device = self.required_word(&format!("{BLOCK_DEVICES}{name}")).await?;
            devices.insert(name, device);
        }
        Ok(devices)
    }

    async fn tags(&self) -> Result<Option<BTreeMap<String, String>>, Error> {
        let Some(keys) = self.lines(TAGS).await? else {
            return Ok(None);
        };
        let mut tags = BTreeMap::new();
        for key in keys {
            let path = format!("{TAGS}{key}");
            // Tags change while an instance runs, so one may be gone since the listing.
            if let Some(value) = self.bytes(&path).await? {
                let text = leaf::text(&value).map_err(|expected| self.bad(&path, &value, expected))?;
                tags.insert(key, text.to_owned());
            }
        }
        Ok(Some(tags))
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
