//! Python programs of the test bed, in environments with every package pinned, made once and kept.
#![expect(clippy::panic, reason = "a test without the program it tests with has failed, and says what to do")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use crate::{binary, process};

/// Seconds for a program; the linters take ten.
const DEADLINE: u32 = 300;
/// Seconds for making the environment: a download of 60 MB on a slow line.
const MAKING: u32 = 900;

/// Runs `tests/python/<program>` with `words` and returns what it printed.
///
/// # Panics
/// When it ends with anything but 0, with all that it said.
pub fn run(program: &str, words: &[&Path]) -> String {
    let program = binary::bed().join("python").join(program);
    let interpreter = interpreter();
    let mut line = vec![interpreter.as_os_str(), "-B".as_ref(), program.as_os_str()];
    line.extend(words.iter().map(|word| word.as_os_str()));
    go(DEADLINE, &line)
}

/// The interpreter of the environment.
pub(crate) fn interpreter() -> PathBuf {
    interpreter_with(LIST)
}

/// The interpreter of the environment with the packages of `tests/python/<list>`.
pub(crate) fn interpreter_with(list: &str) -> PathBuf {
    environment(list).join("bin/python")
}

/// The AWS CLI, as its package installs it.
///
/// # Panics
/// When it cannot be installed.
pub fn aws_cli() -> PathBuf {
    environment("aws-cli.txt").join("bin/aws")
}

/// Of nearly all programs here.
const LIST: &str = "requirements.txt";

/// The environment for the present list of packages, made first if need be.
fn environment(list: &str) -> PathBuf {
    let list = binary::bed().join("python").join(list);
    let text = fs::read(&list).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
    let digest = Sha256::digest(text);
    let key = digest.iter().take(8).fold(String::new(), |key, byte| format!("{key}{byte:02x}"));
    let cache = binary::cache();
    let folder = cache.join(format!("python-{key}"));
    // Programs in it name their folder, so it is made where it stays; this file says that it is whole.
    let whole = folder.join("whole");
    if whole.exists() {
        return folder;
    }
    let path = cache.join("python.lock");
    let lock = File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let _maker = Flock::lock(lock, FlockArg::LockExclusive)
        .unwrap_or_else(|(_, error)| panic!("cannot lock {}: {error}", path.display()));
    // Another process may have made it while this one waited.
    if !whole.exists() {
        make(&folder, &list);
        File::create(&whole).unwrap_or_else(|error| panic!("{}: {error}", whole.display()));
    }
    folder
}

fn make(folder: &Path, list: &Path) {
    go(MAKING, &["python3".as_ref(), "-m".as_ref(), "venv".as_ref(), "--clear".as_ref(), folder.as_os_str()]);
    let python = folder.join("bin/python");
    let install =
        ["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--requirement"];
    let mut line = vec![python.as_os_str()];
    line.extend(install.iter().map(std::ffi::OsStr::new));
    line.push(list.as_os_str());
    go(MAKING, &line);
}

fn go(seconds: u32, line: &[&std::ffi::OsStr]) -> String {
    let output = process::output(seconds, line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{line:?}: {}\n{said}{complained}", output.status);
    said
}
