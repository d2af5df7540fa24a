//! Builds `gpunode-probe` for the same processor as the program that will carry it.
//!
//! The carrier is static; the probe must not be, since only a dynamic program can load vendor libraries. Cargo cannot
//! build one package twice with different flags in one run, so a second cargo runs here: with a target folder of its own
//! (a shared one is locked by the first), the same lock file, and none of the caller's compiler flags. It compiles
//! nothing when nothing changed. Where no cargo can run, `GPUNODE_PROBE_BINARY` names a ready program instead.
#![allow(clippy::disallowed_methods, reason = "a build script reads cargo's variables and runs cargo")]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const VARIABLE: &str = "GPUNODE_PROBE_BINARY";
const PROGRAM: &str = "gpunode-probe";
/// From here to the workspace.
const UP: &str = "../../..";
/// What the probe is made of, in the workspace.
const SOURCES: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "agent/probe/Cargo.toml",
    "agent/probe/src",
    "agent/probe/protocol",
    "agent/probe/libfabric-sys",
];
/// What changes how a compiler works; it was meant for the program that carries the probe. Clippy and coverage come in
/// as wrappers.
const FOREIGN: [&str; 5] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
];

fn main() -> ExitCode {
    match provide() {
        Ok(path) => {
            println!("cargo::rustc-env=GPUNODE_PROBE_FILE={}", path.display());
            ExitCode::SUCCESS
        }
        Err(message) => {
            println!("cargo::error={}", message.replace('\n', " | "));
            ExitCode::FAILURE
        }
    }
}

fn provide() -> Result<PathBuf, String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let ready = env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = match ready {
        Some(path) => {
            println!("cargo::rerun-if-changed={}", path.display());
            path
        }
        None => build()?,
    };
    let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    check(&path)?;
    pack(&path)
}

fn build() -> Result<PathBuf, String> {
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join(UP);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    let target = variable("TARGET")?.to_string_lossy().replace("-linux-musl", "-linux-gnu");
    let folder = PathBuf::from(variable("OUT_DIR")?).join("probe");
    // Lints and debug builds want it soon, not small.
    let release = variable("PROFILE")? == "release";
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.arg("build").arg("--locked").args(["--package", PROGRAM, "--bin", PROGRAM, "--target", &target]);
    cargo.arg("--manifest-path").arg(workspace.join("Cargo.toml")).arg("--target-dir").arg(&folder);
    cargo.args(release.then_some("--release"));
    for name in FOREIGN {
        cargo.env_remove(name);
    }
    // Also where the caller says it for one target.
    cargo.env_remove(format!("CARGO_TARGET_{}_RUSTFLAGS", target.to_uppercase().replace('-', "_")));
    // Nothing in it can go on after a panic; without unwinding it is a third smaller.
    cargo.env("CARGO_PROFILE_RELEASE_PANIC", "abort").env("CARGO_PROFILE_DEV_STRIP", "true");
    let output = cargo.output().map_err(|error| told(&format!("cargo does not start: {error}")))?;
    if !output.status.success() {
        return Err(told(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(folder.join(target).join(if release { "release" } else { "debug" }).join(PROGRAM))
}

fn told(why: &str) -> String {
    format!("{PROGRAM} cannot be built here; {VARIABLE} can name a ready one instead. {why}")
}

/// The program's bytes, compressed: each program that carries it is smaller by half of it.
fn pack(path: &Path) -> Result<PathBuf, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let bytes = fs::read(path).map_err(told)?;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&bytes).map_err(told)?;
    let file = PathBuf::from(variable("OUT_DIR")?).join("probe.zlib");
    fs::write(&file, packed.finish().map_err(told)?)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// A program for another processor would only fail on the node.
fn check(path: &Path) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    // `e_machine` of the ELF header (elf.h: EM_X86_64, EM_AARCH64).
    let wanted: [u8; 2] = match variable("CARGO_CFG_TARGET_ARCH")?.to_str() {
        Some("x86_64") => [62, 0],
        Some("aarch64") => [183, 0],
        other => return Err(format!("{PROGRAM} is not built for {}", other.unwrap_or("this processor"))),
    };
    let fits = bytes.starts_with(b"\x7fELF\x02") && bytes.get(18..20) == Some(&wanted);
    if fits { Ok(()) } else { Err(format!("{} is no program for this target", path.display())) }
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}
