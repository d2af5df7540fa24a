//! From command line, file and environment to settings.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use gpunode_host::Root;
use gpunode_host::root::MAX_FILE;

use super::{Common, Stop};
use crate::environment;
use crate::settings::{CONFIG_FILE, Inputs, LocalSettings};
use crate::step::chain;

impl Common {
    pub(crate) fn root(&self) -> Root {
        Root::new(&self.root)
    }

    /// The settings of this machine. A file that was named must be there; the usual one may be absent.
    pub(crate) fn load(&self) -> Result<LocalSettings, Stop> {
        LocalSettings::load(self.inputs()?).map_err(|errors| Stop::usage(errors.to_string()))
    }

    /// What is right in settings that cannot be used as a whole; a file that cannot be read says nothing.
    pub(super) fn salvage(&self) -> Option<LocalSettings> {
        let without_file =
            || Inputs { environment: environment::pairs(), flags: self.settings.clone(), file: None };
        LocalSettings::salvage(self.inputs().unwrap_or_else(|_| without_file()))
    }

    /// What those settings are made from.
    pub(super) fn inputs(&self) -> Result<Inputs, Stop> {
        let root = Root::existing(&self.root).map_err(|error| Stop::usage(format!("--root {error}")))?;
        let file = match &self.config {
            Some(path) => Some((path.clone(), read_config(path)?)),
            None => root
                .read_text(CONFIG_FILE)
                .map_err(|error| Stop::usage(chain(&error)))?
                .map(|text| (CONFIG_FILE.into(), text)),
        };
        Ok(Inputs { file, environment: environment::pairs(), flags: self.settings.clone() })
    }
}

fn read_config(path: &Path) -> Result<String, Stop> {
    String::from_utf8(read_named(path)?)
        .map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))
}

/// A file that was named on the command line, up to the size of any file that is read here.
pub(super) fn read_named(path: &Path) -> Result<Vec<u8>, Stop> {
    let fail = |why: String| Stop::usage(format!("cannot read {}: {why}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| fail(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fail(format!("larger than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}
