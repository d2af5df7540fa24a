//! A download from its begin to a proved file in the cache: cache, then each source with its tries, then the proof.

mod key;
mod proof;
mod tries;

use std::fs;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use gpunode_imds as imds;
use reqwest::{Client, Url};
use tokio::runtime::{Handle, Runtime};

use crate::cache::{Cache, Known};
use crate::pace::Pace;
use crate::partial::Partial;
use crate::s3::Place;
use crate::transfer::Got;
use crate::{Cause, Download, Error, Fetched, Proxies, Sha256, Source, Watch, http};

/// What a fetcher is told about the machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cache folder. Only its owner may enter it.
    pub cache: PathBuf,
    /// The machine's trusted certificates as PEM, read from one of [`crate::STORES`]; `None`: no https server is trusted.
    pub store: Option<Vec<u8>>,
    /// The proxies.
    pub proxies: Proxies,
    /// The metadata service, for the credentials that S3 wants.
    pub imds: imds::Settings,
    /// Where S3 answers, if not at the region's public endpoint.
    pub s3_endpoint: Option<Url>,
    /// How often one source is tried when no bytes come.
    pub tries: u32,
    /// The pause after the first failed try; doubled with each further one, up to 15 s.
    pub first_pause: Duration,
}

impl Settings {
    /// The usual ones, with the cache at `cache`.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            store: None,
            proxies: Proxies::default(),
            imds: imds::Settings::default(),
            s3_endpoint: None,
            tries: 4,
            first_pause: Duration::from_millis(500),
        }
    }
}

/// Downloads files.
#[derive(Clone, Debug)]
pub struct Fetcher {
    settings: Settings,
}

/// One download under way.
struct Run<'a> {
    settings: &'a Settings,
    client: Client,
    s3: Place,
    cache: &'a Cache,
    download: &'a Download,
    pace: Pace<'a>,
}

/// A file that is what it should be.
enum Proved {
    /// In the partial file.
    Fresh(Sha256),
    /// In the cache, with its path and length.
    Cached(Sha256, (PathBuf, u64)),
}

impl Fetcher {
    /// With these settings; nothing is done yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// The file, proved: from the cache, else from the first source that gives it. Blocks; `watch` may end it.
    pub fn fetch(&self, download: &Download, watch: &dyn Watch) -> Result<Fetched, Error> {
        check(download)?;
        let cache = Cache::open(&self.settings.cache)?;
        if let Some(fetched) = cached(&cache, download.proof.sha256())? {
            return Ok(fetched);
        }
        let runtime = runtime()?;
        let done = Box::pin(self.run(download, &cache, watch)?.finish());
        let mut fetched = None;
        wait(&runtime, Box::pin(async { fetched = Some(done.await) }));
        fetched.unwrap_or(Err(Error::NoSource))
    }

    fn run<'a>(
        &'a self,
        download: &'a Download,
        cache: &'a Cache,
        watch: &'a dyn Watch,
    ) -> Result<Run<'a>, Error> {
        let limits = download.limits;
        let client = http::client(self.settings.store.as_deref(), &self.settings.proxies, limits.connect)?;
        let s3 = Place { endpoint: self.settings.s3_endpoint.clone(), imds: self.settings.imds.clone() };
        let pace = Pace::new(limits, watch);
        Ok(Run { settings: &self.settings, client, s3, cache, download, pace })
    }

    /// Takes a file out of the cache: it was installed, and the root disk has better uses.
    pub fn forget(&self, fetched: &Fetched) -> Result<(), Error> {
        let cache = Cache::open(&self.settings.cache)?;
        match fs::remove_file(cache.entry(fetched.sha256)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(crate::cache::disk("remove", &fetched.path)(error).into())
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The runtime's loop is large: there is one copy of it for every future.
fn wait(runtime: &Runtime, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
    runtime.block_on(future);
}

/// One for the time of a call.
fn runtime() -> Result<Runtime, Error> {
    if Handle::try_current().is_ok() {
        return Err(Error::Client("an async runtime runs on this thread already".to_owned()));
    }
    let made = tokio::runtime::Builder::new_current_thread().enable_all().build();
    made.map_err(|error| Error::Client(error.to_string()))
}

impl Run<'_> {
    async fn finish(mut self) -> Result<Fetched, Error> {
        let mut partial = self.lock().await?;
        // Who held the lock may have brought it meanwhile.
        if let Some(fetched) = cached(self.cache, self.download.proof.sha256())? {
            return Ok(fetched);
        }
        let (source, proved) = self.some_source(&mut partial).await?;
        let url = source.to_string();
        match proved {
            Proved::Cached(sha256, (path, bytes)) => {
                Ok(Fetched { path, sha256, bytes, from_cache: true, url })
            }
            Proved::Fresh(sha256) => {
                let path = self.cache.publish(&partial.file, &partial.path, sha256)?;
                partial.published();
                Ok(Fetched { path, sha256, bytes: partial.bytes, from_cache: false, url })
            }
        }
    }

    /// The partial file, once no other process holds it.
    async fn lock(&mut self) -> Result<Partial, Error> {
        let key = key(self.download);
        loop {
            if let Some(partial) = Partial::open(self.cache, key)? {
                return Ok(partial);
            }
            match self.pace.sleep(Duration::from_millis(200)).await {
                Ok(()) => {}
                Err(Cause::Deadline { .. }) => {
                    return Err(Error::Busy { path: self.cache.partial(key, ".lock") });
                }
                Err(cause) => return Err(cause.into()),
            }
        }
    }

    /// After a transfer: what was brought is proved, or what the server calls unchanged is taken from the cache.
    async fn prove(
        &mut self,
        source: &Source,
        got: Got,
        known: Option<&Known>,
        partial: &mut Partial,
    ) -> Result<Proved, Cause> {
        match got {
            Got::Known => {
                let sum = known.and_then(|known| known.sha256.parse().ok());
                let hit =
                    sum.map(|sum| self.cache.hit(sum).map(|hit| Some((sum, hit?)))).transpose()?.flatten();
                let (sha256, (path, bytes)) = hit.ok_or(Cause::Changed)?;
                self.signed(&path).await?;
                Ok(Proved::Cached(sha256, (path, bytes)))
            }
            Got::All { etag } => {
                let sum = partial.checksum()?;
                if let Some(expected) = self.download.proof.sha256().filter(|expected| *expected != sum) {
                    return Err(Cause::Checksum { found: sum, expected });
                }
                let path = partial.path.clone();
                self.signed(&path).await?;
                if let Some(etag) = etag {
                    self.cache.remember(&source.to_string(), &Known { etag, sha256: sum.to_string() });
                }
                Ok(Proved::Fresh(sum))
            }
        }
    }
}

fn cached(cache: &Cache, sum: Option<Sha256>) -> Result<Option<Fetched>, Error> {
    let Some(sum) = sum else { return Ok(None) };
    let hit = cache.hit(sum)?;
    Ok(hit.map(|(path, bytes)| {
        let url = format!("file://{}", path.display());
        Fetched { path, sha256: sum, bytes, from_cache: true, url }
    }))
}

/// What is the same download for the partial file: the content where it is known, else the URLs.
fn key(download: &Download) -> Sha256 {
    download.proof.sha256().unwrap_or_else(|| {
        let urls: Vec<_> = download.sources.iter().map(ToString::to_string).collect();
        Sha256::of(urls.join("\n").as_bytes())
    })
}

fn check(download: &Download) -> Result<(), Error> {
    if download.sources.is_empty() {
        return Err(Error::NoSource);
    }
    let unsigned = download.proof.sha256().is_none();
    match download.sources.iter().find(|source| source.is_plain() && unsigned) {
        Some(plain) => Err(Error::Plain { url: plain.to_string() }),
        None => Ok(()),
    }
}
