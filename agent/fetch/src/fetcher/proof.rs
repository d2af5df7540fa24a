//! The signature of a file: it and the key are small downloads of their own, and only the fingerprint is trusted.

use std::fs::File;
use std::path::Path;

use reqwest::Url;

use super::Run;
use crate::cache::disk;
use crate::cause::Next;
use crate::{Cause, Source, http, openpgp, pause, s3};

/// A signature has 600 bytes, a key with many identities some thousand.
const MAX: usize = 256 << 10;

impl Run<'_> {
    /// Whether the file at `path` is signed as the proof says; where it says nothing of a signature, it is.
    pub(super) async fn signed(&mut self, path: &Path) -> Result<(), Cause> {
        let Some(wanted) = self.download.proof.signature() else { return Ok(()) };
        let signature = self.small("signature", &wanted.sources).await?;
        let key = self.small("key", &wanted.key).await?;
        let content = File::open(path).map_err(disk("open", path))?;
        openpgp::verify(content, &signature, &key, &wanted.fingerprint).map_err(Cause::Signature)
    }

    pub(super) async fn small(&mut self, what: &'static str, sources: &[Source]) -> Result<Vec<u8>, Cause> {
        let mut messages = Vec::new();
        for source in sources {
            let mut tries = 0;
            loop {
                tries += 1;
                let cause = match self.bytes(source).await {
                    Ok(bytes) => return Ok(bytes),
                    Err(cause) => cause,
                };
                match cause.next() {
                    Next::Nothing => return Err(cause),
                    Next::Again(asked) if tries < self.settings.tries => {
                        self.pace.sleep(pause::after(self.settings.first_pause, tries, asked)).await?;
                    }
                    Next::Again(_) | Next::Mirror => {
                        messages.push(format!("{source}: {cause}"));
                        break;
                    }
                }
            }
        }
        Err(Cause::Unsigned { what, message: messages.join("; ") })
    }

    async fn bytes(&mut self, source: &Source) -> Result<Vec<u8>, Cause> {
        match source {
            Source::File(path) => {
                use std::io::Read;
                let mut bytes = Vec::new();
                let file = File::open(path).map_err(Cause::Local)?;
                file.take(MAX as u64 + 1).read_to_end(&mut bytes).map_err(Cause::Local)?;
                bounded(bytes)
            }
            Source::Web(url) => self.get(url.clone()).await,
            Source::S3 { bucket, key, region } => {
                self.pace.begin();
                let asked = s3::url(&self.s3, bucket, key, region.as_deref());
                let url = self.pace.run(asked).await??;
                self.get(url).await
            }
        }
    }

    async fn get(&mut self, url: Url) -> Result<Vec<u8>, Cause> {
        self.pace.begin();
        let asked = self.client.get(url).header(reqwest::header::ACCEPT_ENCODING, "identity");
        let mut response = self.pace.run(asked.send()).await?.map_err(|error| http::before_head(&error))?;
        if response.status().as_u16() != 200 {
            return Err(http::of_status(response.status(), response.headers()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) =
            self.pace.run(response.chunk()).await?.map_err(|error| http::in_body(&error))?
        {
            bytes.extend_from_slice(&chunk);
            bytes = bounded(bytes)?;
        }
        Ok(bytes)
    }
}

fn bounded(bytes: Vec<u8>) -> Result<Vec<u8>, Cause> {
    if bytes.len() <= MAX {
        return Ok(bytes);
    }
    Err(Cause::TooLarge { bytes: bytes.len() as u64, at_least: true, max: MAX as u64 })
}
