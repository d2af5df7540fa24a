//! Downloads for steps: what they are proved by says the step; where they are kept, whom they trust and which proxy they
//! use is the same for all.

use std::time::Duration;

use gpunode_fetch::openpgp::Fingerprint;
use gpunode_fetch::{Download, Error, Fetched, Fetcher, Proxies, STORES, Settings, Source, Watch};
use gpunode_host::reason;

use crate::context::Context;
use crate::os::Os;
use crate::step::{Failure, chain};

/// Where downloads are kept until they were used.
pub(crate) const CACHE: &str = "/var/cache/gpunode";

/// A step's way to files that are elsewhere.
pub(crate) struct Downloads {
    fetcher: Fetcher,
    os: Os,
}

impl Downloads {
    pub(crate) fn new(cx: &Context, os: &Os) -> Result<Self, Failure> {
        os.make_dir(CACHE)?;
        let imds = &cx.spec().imds;
        let settings = Settings {
            // The machine's own word on whom it trusts; what cannot be read is as if it were not there.
            store: STORES.iter().find_map(|path| os.root().read(path).ok().flatten()),
            proxies: Proxies::from_environment(cx.local.variables()),
            imds: gpunode_imds::Settings {
                endpoint: imds.endpoint.clone(),
                deadline: Duration::from_secs(imds.deadline_seconds),
                ..gpunode_imds::Settings::default()
            },
            ..Settings::new(os.root().follow(CACHE))
        };
        Ok(Self { fetcher: Fetcher::new(settings), os: os.clone() })
    }

    /// The file, proved. It ends with the step.
    pub(crate) fn fetch(&self, subject: &str, download: &Download) -> Result<Fetched, Failure> {
        let fetched =
            self.fetcher.fetch(download, &WhileWanted(&self.os)).map_err(|error| failure(subject, &error))?;
        tracing::info!(
            url = fetched.url,
            bytes = fetched.bytes,
            from_cache = fetched.from_cache,
            "downloaded"
        );
        Ok(fetched)
    }

    /// The public key with this fingerprint, as a file for a package manager.
    pub(crate) fn key(&self, source: &Source, fingerprint: Fingerprint) -> Result<String, Error> {
        self.fetcher.key(std::slice::from_ref(source), fingerprint, &WhileWanted(&self.os))
    }

    /// It was used: the disk has better uses for the room. A file that stays costs nothing else.
    pub(crate) fn forget(&self, fetched: &Fetched) {
        if let Err(error) = self.fetcher.forget(fetched) {
            tracing::debug!(error = chain(&error), "a downloaded file stays in the cache");
        }
    }
}

struct WhileWanted<'a>(&'a Os);

impl Watch for WhileWanted<'_> {
    fn go_on(&self) -> bool {
        !self.0.is_cancelled()
    }
}

fn failure(subject: &str, error: &Error) -> Failure {
    let reason = if error.is_forged() { &reason::DOWNLOAD_FORGED } else { &reason::DOWNLOAD_FAILED };
    Failure::of(reason, subject, error)
}
