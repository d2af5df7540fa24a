//! Step `image`: the record of what the image was made of, when all else is done.

use std::io::{self, Read as _};
use std::sync::OnceLock;

use gpunode_host::image::{self, PATH};
use gpunode_host::reason;
use sha2::{Digest as _, Sha256};

use super::agent;
use crate::context::Context;
use crate::os::{FileSpec, Os};
use crate::report::Report;
use crate::step::{Check, Failure, Step, StepId};

/// The step.
#[derive(Default)]
pub(crate) struct Image {
    /// Of the program that runs; it is asked for several times and does not change.
    sum: OnceLock<String>,
}

impl Step for Image {
    fn id(&self) -> StepId {
        StepId::Image
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        // A record of what is not whole would be taken for one of what is.
        if !cx.troubles().is_empty() {
            return Ok(Check::not_applicable("not recorded, since a step failed"));
        }
        let (image, is_new) = self.look(cx, os)?;
        let count = image.kernels.len();
        let mut check = Check::done(format!("agent {}, {count} kernels, see {PATH}", image.agent.version));
        if is_new {
            check.changes.push(format!("write {PATH}"));
        }
        Ok(check)
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        let (image, is_new) = self.look(cx, os)?;
        if is_new {
            os.write_now(&FileSpec::new(PATH, image.json()))?;
        }
        Ok(())
    }
}

impl Image {
    fn look(&self, cx: &Context, os: &Os) -> Result<(image::Image, bool), Failure> {
        let sum = match self.sum.get() {
            Some(sum) => sum.clone(),
            None => self
                .sum
                .get_or_init({
                    let sum = own_sum()?;
                    || sum
                })
                .clone(),
        };
        look(sum, cx, os)
    }
}

/// The record as it should be, and whether it is another one than the file's. Its time, and sources of an earlier run
/// that this one found installed, stay.
fn look(sum: String, cx: &Context, os: &Os) -> Result<(image::Image, bool), Failure> {
    let text = os.root().read_text(PATH)?.unwrap_or_default();
    let before: Option<image::Image> = serde_json::from_str(&text).ok();
    let mut sources = before.as_ref().map(|image| image.sources.clone()).unwrap_or_default();
    for source in cx.sources() {
        sources.retain(|known| known.name != source.name);
        sources.push(source);
    }
    let agent = image::Agent { version: env!("CARGO_PKG_VERSION").to_owned(), sha256: sum };
    let types = cx.image_for().unwrap_or_default();
    let image = image::Image::read(os.root(), agent, types, sources, Report::now());
    let is_new = !before.as_ref().is_some_and(|before| before.says_the_same(&image));
    Ok((image, is_new))
}

/// Of the program that runs, which is the one that the step `agent` has installed.
fn own_sum() -> Result<String, Failure> {
    let mut sum = Sha256::new();
    let mut file = agent::own()?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = file
            .read(&mut buffer)
            .map_err(|error: io::Error| Failure::of(&reason::FILE_NOT_READ, agent::BINARY, &error))?;
        if length == 0 {
            break;
        }
        sum.update(&buffer[..length]);
    }
    Ok(sum.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}
