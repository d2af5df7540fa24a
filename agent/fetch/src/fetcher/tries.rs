//! Each source in turn, each as often as it makes sense.

use std::time::Duration;

use super::{Proved, Run};
use crate::cause::Next;
use crate::partial::Partial;
use crate::transfer::{self, Got, Request};
use crate::{Attempt, Cause, Error, Source, pause, s3};

/// Bytes that make a broken try a good one: it is not counted. A server that cuts each answer short after less would
/// be asked forever.
const PROGRESS: u64 = 1 << 20;

impl Run<'_> {
    /// The source that gave the file, which is proved and in `partial`, or was in the cache.
    pub(super) async fn some_source(&mut self, partial: &mut Partial) -> Result<(Source, Proved), Error> {
        let mut attempts = Vec::new();
        for source in &self.download.sources {
            match self.all_of(source, partial).await {
                Ok(proved) => return Ok((source.clone(), proved)),
                Err(attempt) => {
                    tracing::debug!(%attempt, "download");
                    let last = attempt.cause.next() == Next::Nothing;
                    attempts.push(attempt);
                    if last {
                        break;
                    }
                }
            }
        }
        Err(Error::Failed { attempts })
    }

    async fn all_of(&mut self, source: &Source, partial: &mut Partial) -> Result<Proved, Attempt> {
        let (mut tries, mut failed) = (0, 0);
        loop {
            tries += 1;
            let (before, resumed) = (partial.bytes, partial.bytes > 0);
            let cause = match self.once(source, partial).await {
                Ok(proved) => return Ok(proved),
                Err(cause) => cause,
            };
            failed = if partial.bytes >= before + PROGRESS { 1 } else { failed + 1 };
            let (bytes, total) = (partial.bytes, partial.note.total);
            let attempt = |cause| Attempt { source: source.to_string(), tries, bytes, total, cause };
            let next = clean_up(&cause, partial, resumed);
            let Next::Again(asked) = next else {
                return Err(attempt(cause));
            };
            if failed >= self.settings.tries {
                return Err(attempt(cause));
            }
            let pause = match cause {
                // It is the file that changed, or our part of it was bad: nobody is helped by waiting.
                Cause::Changed | Cause::Checksum { .. } | Cause::Signature(_) => Duration::ZERO,
                _ => pause::after(self.settings.first_pause, failed, asked),
            };
            self.pace.sleep(pause).await.map_err(attempt)?;
        }
    }

    async fn once(&mut self, source: &Source, partial: &mut Partial) -> Result<Proved, Cause> {
        let name = source.to_string();
        let known = self.cache.known(&name);
        let got = match source {
            Source::File(path) => {
                transfer::local(path, &name, self.download.max_bytes, partial, &mut self.pace)?
            }
            Source::Web(url) => {
                let known = known.as_ref().map(|known| known.etag.as_str());
                self.web(url.clone(), &name, known, partial).await?
            }
            Source::S3 { bucket, key, region } => {
                self.pace.begin();
                let asked = s3::url(&self.s3, bucket, key, region.as_deref());
                let url = self.pace.run(asked).await??;
                self.web(url, &name, known.as_ref().map(|known| known.etag.as_str()), partial).await?
            }
        };
        self.prove(source, got, known.as_ref(), partial).await
    }

    async fn web(
        &mut self,
        url: reqwest::Url,
        source: &str,
        known: Option<&str>,
        partial: &mut Partial,
    ) -> Result<Got, Cause> {
        let pinned = self.download.proof.sha256().is_some();
        // What is known by its checksum was looked for in the cache already.
        let known = known.filter(|_| !pinned);
        let max_bytes = self.download.max_bytes;
        let request = Request { client: &self.client, url, source, max_bytes, pinned, known };
        transfer::web(&request, partial, &mut self.pace).await
    }
}

/// What becomes of the partial file after a failed try, and of the next try.
fn clean_up(cause: &Cause, partial: &mut Partial, resumed: bool) -> Next {
    match cause {
        Cause::NoSpace { .. } => partial.discard(),
        Cause::Changed | Cause::TooLarge { .. } | Cause::Answer(_) => {
            let _ = partial.restart();
        }
        Cause::Checksum { .. } | Cause::Signature(_) => {
            let _ = partial.restart();
            // Parts of two versions, or bytes that a power cut has lost: once more, from the begin.
            if resumed {
                return Next::Again(None);
            }
        }
        _ => {}
    }
    cause.next()
}
