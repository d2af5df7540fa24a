//! Makes what of `manifests/` is made from the programs' own tables: `manifests FOLDER`, rewriting its files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gpunode_tests::manifests::{self, Made};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: manifests FOLDER");
        return ExitCode::from(2);
    };
    match make(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("manifests: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    // The chart's files first: helm reads them.
    write(folder, manifests::chart_files())?;
    write(folder, manifests::kustomize_files(folder)?)?;
    write(folder, vec![("ALERTS.md".into(), manifests::runbook())])
}

fn write(folder: &Path, made: Vec<Made>) -> Result<(), Box<dyn std::error::Error>> {
    for (name, text) in made {
        let path = folder.join(name);
        let at = |error: std::io::Error| format!("{}: {error}", path.display());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(at)?;
        }
        std::fs::write(&path, text).map_err(at)?;
    }
    Ok(())
}
