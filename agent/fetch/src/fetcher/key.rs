//! A public key by itself, for a package manager: of it too only the fingerprint is trusted.

use std::time::Duration;

use super::{Fetcher, runtime, wait};
use crate::cache::Cache;
use crate::openpgp::{self, Fingerprint};
use crate::{Cause, Download, Error, Limits, Proof, Signature, Source, Watch};

/// For a key of some kilobytes, all tries and mirrors.
const TOTAL: Duration = Duration::from_secs(120);

impl Fetcher {
    /// The key with this fingerprint from the first source that gives it, as a file for a package manager: see
    /// [`openpgp::only_key`]. Blocks; `watch` may end it.
    pub fn key(
        &self,
        sources: &[Source],
        fingerprint: Fingerprint,
        watch: &dyn Watch,
    ) -> Result<String, Error> {
        let signature = Signature { sources: Vec::new(), key: sources.to_vec(), fingerprint };
        let download = Download {
            sources: Vec::new(),
            proof: Proof::Signature(signature),
            max_bytes: 0,
            limits: Limits { total: TOTAL, ..Limits::default() },
        };
        let cache = Cache::open(&self.settings.cache)?;
        let runtime = runtime()?;
        let mut run = self.run(&download, &cache, watch)?;
        let mut got = None;
        wait(&runtime, Box::pin(async { got = Some(run.small("key", sources).await) }));
        let raw = got.unwrap_or(Err(Cause::Cancelled))?;
        openpgp::only_key(&raw, &fingerprint).map_err(|error| Cause::Signature(error).into())
    }
}
