//! Where the release binaries under test are. `cargo xtask` builds them and says so in the environment.
#![expect(clippy::panic, reason = "a test without the program it tests has failed, and says what to do")]

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The agent, built for this machine.
///
/// # Panics
/// When `GPUNODE_AGENT` names no file.
pub fn agent() -> PathBuf {
    program("GPUNODE_AGENT", "cargo xtask package")
}

/// The daemonset's program, built for this machine.
///
/// # Panics
/// When `GPUNODE_DAEMONSET` names no file.
pub fn daemonset() -> PathBuf {
    program("GPUNODE_DAEMONSET", "cargo xtask package")
}

/// The daemonset's container image, an OCI layout.
///
/// # Panics
/// When `GPUNODE_IMAGE` names no folder.
pub fn image() -> PathBuf {
    let made = variable("GPUNODE_IMAGE").filter(|path| path.is_dir());
    made.unwrap_or_else(|| {
        panic!("GPUNODE_IMAGE is no folder: `cargo xtask image` makes one and prints its path")
    })
}

/// The installer.
///
/// # Panics
/// When `GPUNODE_INSTALLER` names no file.
pub fn installer() -> PathBuf {
    program("GPUNODE_INSTALLER", "cargo build -p installer")
}

/// The agent, built for aarch64.
///
/// # Panics
/// When `GPUNODE_AGENT_AARCH64` names no file.
pub fn agent_aarch64() -> PathBuf {
    program("GPUNODE_AGENT_AARCH64", "cargo xtask package --target aarch64")
}

/// The daemonset's program, built for aarch64.
///
/// # Panics
/// When `GPUNODE_DAEMONSET_AARCH64` names no file.
pub fn daemonset_aarch64() -> PathBuf {
    program("GPUNODE_DAEMONSET_AARCH64", "cargo xtask package --target aarch64")
}

/// What runs an aarch64 program on this machine; `None` where that needs no help.
///
/// # Panics
/// When this is no aarch64 machine and `GPUNODE_EMULATOR_AARCH64` names nothing.
pub fn emulator_aarch64() -> Option<PathBuf> {
    let emulator = variable("GPUNODE_EMULATOR_AARCH64");
    assert!(
        emulator.is_some() || cfg!(target_arch = "aarch64"),
        "GPUNODE_EMULATOR_AARCH64 is not set; run `cargo xtask test --only aarch64`"
    );
    emulator
}

/// Whether `GPUNODE_THOROUGH` asks for every case where a sample is usual.
pub fn thorough() -> bool {
    variable("GPUNODE_THOROUGH").is_some()
}

/// Whether `GPUNODE_REGENERATE` asks that expected files are written instead of compared.
pub fn regenerate() -> bool {
    variable("GPUNODE_REGENERATE").is_some()
}

/// `$XDG_CACHE_HOME/gpunode`, by default below `~/.cache`; made if it is not there.
///
/// # Panics
/// When there is no such place.
pub fn cache() -> PathBuf {
    let base = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let folder = base.unwrap_or_else(|| panic!("set HOME or XDG_CACHE_HOME: neither is set")).join("gpunode");
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// The SHA-256 of a file, in hexadecimal digits.
///
/// # Panics
/// When the file cannot be read.
pub fn sha256(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn program(name: &str, command: &str) -> PathBuf {
    match variable(name) {
        Some(path) if path.is_file() => path,
        Some(path) => panic!("{name}={} is not a file; `{command}` builds it", path.display()),
        None => panic!(
            "{name} is not set: `{command}` builds the program and prints its path; \
             `cargo xtask test` builds it and runs this test"
        ),
    }
}

/// The folder of the test bed in the clone that runs. Cargo says so when it starts a test or program; what the
/// compiler was told is of the clone that compiled, which may be another one with the same target folder.
pub fn bed() -> PathBuf {
    variable("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into())
}

#[expect(clippy::disallowed_methods, reason = "the one place of the test bed that reads the environment")]
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(PathBuf::from)
}
