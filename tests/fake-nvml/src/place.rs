//! For tests: puts the library where a program finds it, and changes its scenario.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The library as cargo built it: beside the test program that calls this.
///
/// # Panics
/// When it is not there.
pub fn built() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    let folders = program.ancestors().skip(1).take(2);
    let found = folders
        .flat_map(|folder| [folder.to_path_buf(), folder.join("deps")])
        .map(|folder| folder.join("libgpunode_fake_nvml.so"))
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("libgpunode_fake_nvml.so is not beside {}", program.display()))
}

/// Makes `folder/libnvidia-ml.so.1` with this scenario, and gives its path.
///
/// # Panics
/// When the folder cannot be written.
pub fn place(folder: &Path, scenario: &str) -> PathBuf {
    let library = folder.join("libnvidia-ml.so.1");
    symlink(built(), &library).expect("the folder can be written");
    change(folder, scenario);
    library
}

/// Gives the library in `folder` another scenario, at once and whole.
///
/// # Panics
/// When the folder cannot be written.
pub fn change(folder: &Path, scenario: &str) {
    let next = folder.join("scenario.next");
    fs::write(&next, scenario).expect("the folder can be written");
    fs::rename(&next, folder.join("scenario.toml")).expect("the folder can be written");
}

/// Takes a function out of the library in `folder` for good: its name is no longer to be found.
///
/// # Panics
/// When the library has no function of this name.
pub fn without(folder: &Path, function: &str) {
    let library = folder.join("libnvidia-ml.so.1");
    let mut bytes = fs::read(&library).expect("the library is placed");
    let name = [b"\0", function.as_bytes(), b"\0"].concat();
    let places: Vec<usize> =
        (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(&name)).collect();
    assert!(!places.is_empty(), "the library has no function {function}");
    for place in places {
        // The loader's hash of the name is left: it leads to a name that is not the one looked for.
        bytes[place + 1] = b'x';
    }
    fs::remove_file(&library).expect("the link can be removed");
    fs::write(&library, bytes).expect("the folder can be written");
}
