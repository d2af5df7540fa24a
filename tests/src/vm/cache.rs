//! Where things that take long to make are kept between test runs.

use std::path::PathBuf;

use super::Error;
use super::error::at;
use super::programs::variable;

/// `$XDG_CACHE_HOME/gpunode/vm`, by default below `~/.cache`; made if it is not there.
pub(crate) fn folder() -> Result<PathBuf, Error> {
    let base = match (variable("XDG_CACHE_HOME"), variable("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => PathBuf::from(home).join(".cache"),
        (None, None) => {
            return Err(Error::Description(
                "neither XDG_CACHE_HOME nor HOME is set: no place to keep the guest's image".to_owned(),
            ));
        }
    };
    let folder = base.join("gpunode/vm");
    std::fs::create_dir_all(&folder).map_err(at(&folder))?;
    Ok(folder)
}
