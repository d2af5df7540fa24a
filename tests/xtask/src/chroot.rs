//! A Debian chroot with a Rust compiler for aarch64, made once and kept in the cache.
//!
//! Debian is the source because its package of the standard library can be installed for another processor
//! than the compiler's, so a machine with nothing but a Debian mirror can build for both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::mirror::Mirror;
use crate::package::hex;
use crate::place::{self, Place};
use crate::run;

/// Suites to try in turn. The compiler of Debian 13 (1.85) is older than ours allows. In sid the two processors'
/// packages differ in version for some hours after an upload and cannot be installed together; testing lags days
/// behind, but is always whole.
const SUITES: [&str; 2] = ["sid", "testing"];

/// `libc6-dev` and `gcc` link build scripts and procedural macros, which run on this machine.
const PACKAGES: &str =
    "rustc,cargo,gcc,libc6-dev,libstd-rust-dev:arm64,gcc-aarch64-linux-gnu,libc6-dev:arm64,qemu-user";

/// Mounts what the build needs, in the clone.
const SCRIPT: &str = "tests/xtask/src/chroot.sh";

/// About 300 MB to download and unpack: 45 s on 2 cores with a near mirror.
const MINUTES: u32 = 20;

/// `mmdebstrap`'s options.
const OPTIONS: [&str; 11] = [
    "--mode=root",
    "--variant=essential",
    "--format=directory",
    "--architectures=amd64,arm64",
    // A mirror that is a snapshot serves release files past their date.
    "--aptopt=Acquire::Check-Valid-Until \"false\"",
    "--aptopt=Acquire::Retries \"3\"",
    // apt's own user cannot enter the cache of root.
    "--aptopt=APT::Sandbox::User \"root\"",
    // 450 of the emulators' 470 MB are for other processors.
    "--dpkgopt=path-exclude=/usr/bin/qemu-*",
    "--dpkgopt=path-include=/usr/bin/qemu-aarch64",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
];

/// The finished chroot.
#[derive(Debug)]
pub(crate) struct Chroot {
    /// Its root folder.
    pub(crate) root: PathBuf,
    /// Changes with anything the chroot is made from.
    pub(crate) key: String,
}

impl Chroot {
    /// The cached chroot, made now where there is none.
    pub(crate) fn ready(place: &Place) -> Result<Self, Error> {
        let key = key();
        let root = place.cache.join(format!("sid-aarch64-{key}"));
        let _lock = place::lock(&root.with_extension("lock"))?;
        if !root.exists() {
            make(&root)?;
        }
        Ok(Self { root, key })
    }

    /// A statically linked emulator: it runs outside the chroot as well.
    pub(crate) fn emulator(&self) -> PathBuf {
        self.root.join("usr/bin/qemu-aarch64")
    }

    /// A command inside, as root, with no network needed, and:
    /// the clone read-only at its own path (cargo tells workspaces that share a target folder apart by path),
    /// cargo's home read-only at `/cargo`, and `target` at `/target`.
    pub(crate) fn command(&self, place: &Place, target: &Path, minutes: u32) -> Command {
        let mut command = run::private(minutes, "sh");
        command.arg("-eu").arg(place.clone.join(SCRIPT));
        command.args([&self.root, &place.clone, &place.cargo_home, target]);
        command
    }
}

fn make(root: &Path) -> Result<(), Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::Advice(
            "the aarch64 job makes a Debian chroot: run it as root, or install the Rust target \
             aarch64-unknown-linux-gnu, gcc-aarch64-linux-gnu and qemu-user-static"
                .to_owned(),
        ));
    }
    let mirror = Mirror::of_this_machine()?;
    let partial = root.with_extension("partial");
    let mut failure = None;
    for suite in SUITES {
        // Left by a run that was killed; it had its mounts to itself, so none can be in there.
        run::go(run::program("rm").args(["-rf", "--one-file-system"]).arg(&partial))?;
        let mut command = run::private(MINUTES, "mmdebstrap");
        command.args(OPTIONS).arg(format!("--include={PACKAGES}"));
        command.args(mirror.settings.iter().map(|setting| format!("--aptopt={setting}")));
        command.arg(suite).arg(&partial).arg(&mirror.url);
        match run::go(&mut command) {
            // Whole or not at all: a run that is killed leaves only the partial one.
            Ok(()) => return fs::rename(&partial, root).map_err(Error::file("create", root)),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(()), Err)
}

fn key() -> String {
    let all = [&SUITES[..], &[PACKAGES], &OPTIONS[..]].concat().join("\n");
    hex(&Sha256::digest(all)[..6])
}
