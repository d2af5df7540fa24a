//! `installer render`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Common, Stop, err, failed, out};
use crate::exit::Exit;
use crate::render::{What, render};

#[derive(Debug, clap::Args)]
pub(crate) struct RenderArgs {
    /// What
    #[arg(value_enum, default_value = "all")]
    what: What,
    /// The folder for the files; it is made where it is not there, and files of the same name are written over
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &RenderArgs) -> Result<(), Stop> {
    let loaded = args.common.load()?;
    let files = render(&loaded, args.what).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        err(format_args!("installer: {error}{cause}"));
        Exit::Settings
    })?;
    for file in files {
        let path = args.out.join(&file.path);
        write(&path, &file.text)
            .map_err(|error| failed(format_args!("cannot write {}: {error}", path.display())))?;
        out(path.display());
    }
    Ok(())
}

/// Whole or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}
