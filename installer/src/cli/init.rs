//! `installer init`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{FILE, Stop, failed, out};
use crate::settings;

#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Print it instead
    #[arg(long, conflicts_with_all = ["force", "file"])]
    stdout: bool,
    /// The file
    #[arg(long, value_name = "FILE", default_value = FILE)]
    file: PathBuf,
}

pub(super) fn run(args: &InitArgs) -> Result<(), Stop> {
    let text = settings::example();
    if args.stdout {
        out(text.trim_end());
        return Ok(());
    }
    write(&args.file, &text, args.force).map_err(|error| {
        let path = args.file.display();
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                failed(format_args!("{path} exists; --force writes over it"))
            }
            _ => failed(format_args!("cannot write {path}: {error}")),
        }
    })?;
    out(format_args!("{}: written; `installer config check` says what is missing", args.file.display()));
    Ok(())
}

/// Whole or not at all: the text goes to a file beside it that is then given the name.
fn write(path: &Path, text: &str, force: bool) -> std::io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(mode()).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    let named = if force { file.persist(path) } else { file.persist_noclobber(path) };
    named.map(drop).map_err(|error| error.error)
}

/// As any text file, less what the umask takes away; there is no secret in it.
fn mode() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}
