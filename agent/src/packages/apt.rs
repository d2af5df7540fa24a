//! apt-get and dpkg.

use std::path::Path;

use gpunode_host::driver::packages::{Offered, Package};

use super::{INSTALL_DEADLINE, PackageError, Packages, QUERY_DEADLINE};
use crate::os::Cmd;

/// Name, version and state (`ii` is installed and configured), as one line.
const INSTALLED: &str = "${Package}|${Version}|${db:Status-Abbrev}\\n";
/// `apt-cache madison` takes its names as arguments; the kernel takes two megabytes of them.
const MOST_NAMES: usize = 2000;

/// apt-get that never asks. It waits for no lock: [`super::patience`] does.
fn apt_get() -> Cmd {
    let options = [
        "-y",
        "-q",
        "-oDpkg::Use-Pty=0",
        "-oDPkg::Lock::Timeout=0",
        // What is asked again is asked again by us, see `patience`.
        "-oAcquire::Retries=1",
        "-oAcquire::Retries::Delay=false",
        "-oAcquire::http::Timeout=30",
        "-oDpkg::Options::=--force-confdef",
        "-oDpkg::Options::=--force-confold",
    ];
    Cmd::new("apt-get").args(options).env("DEBIAN_FRONTEND", "noninteractive").env("NEEDRESTART_MODE", "a")
}

/// Reads the index of every repository anew. Ours must be had; others may fail, for what they lack is told later.
fn update(packages: &Packages<'_>) -> Result<(), PackageError> {
    if packages.has_repository() {
        let ours = apt_get().args([
            "-oAPT::Update::Error-Mode=any",
            "-oDir::Etc::sourcelist=sources.list.d/gpunode-nvidia.sources",
            "-oDir::Etc::sourceparts=-",
            "-oAPT::Get::List-Cleanup=0",
            "update",
        ]);
        packages.run("read the index of the NVIDIA repository", ours.deadline(QUERY_DEADLINE))?;
    }
    let all =
        packages.run("read the index of every repository", apt_get().arg("update").deadline(QUERY_DEADLINE));
    if let Err(error) = all {
        tracing::warn!(error = crate::step::chain(&error), "a repository is not there");
    }
    Ok(())
}

pub(super) fn offered(packages: &Packages<'_>, patterns: &[String]) -> Result<Offered, PackageError> {
    update(packages)?;
    let mut names = Vec::new();
    for pattern in patterns {
        match pattern.split_once('*') {
            None => names.push(pattern.clone()),
            Some((start, _)) => {
                let command = Cmd::new("apt-cache").args(["pkgnames", start]).deadline(QUERY_DEADLINE);
                let output = packages.run(&format!("ask apt for {pattern}"), command)?;
                names.extend(output.stdout.split_whitespace().map(str::to_owned));
            }
        }
    }
    names.truncate(MOST_NAMES);
    let command = Cmd::new("apt-cache").arg("madison").args(names).deadline(QUERY_DEADLINE);
    // A name that nobody knows makes some versions of apt-cache fail; what it prints of the others counts.
    let run = packages.os.run_any(&command);
    let output = run.map_err(|source| PackageError::Run { doing: "ask apt for versions".into(), source })?;
    Ok(madison(&output.stdout))
}

/// Lines `name | version | where`; of a source package the last column ends in `Sources`.
pub(super) fn madison(text: &str) -> Offered {
    let mut offered = Offered::new();
    for line in text.lines() {
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        if let [name, version, place] = columns[..]
            && !name.is_empty()
            && !version.is_empty()
            && !place.ends_with("Sources")
        {
            let versions = offered.entry(name.to_owned()).or_default();
            if versions.iter().all(|known| known != version) {
                versions.push(version.to_owned());
            }
        }
    }
    offered
}

pub(super) fn installed(packages: &Packages<'_>, names: &[String]) -> Result<Vec<Package>, PackageError> {
    let command = Cmd::new("dpkg-query")
        .args(["-W", "-f", INSTALLED])
        .args(names.iter().map(String::as_str))
        .deadline(QUERY_DEADLINE);
    // Status 1 says that some are not known, which is an answer.
    let run = packages.os.run_any(&command);
    let output =
        run.map_err(|source| PackageError::Run { doing: "ask dpkg what is installed".into(), source })?;
    Ok(rows(&output.stdout))
}

/// Only what is installed and configured: what dpkg was cut off at is not.
pub(super) fn rows(text: &str) -> Vec<Package> {
    let row = |line: &str| {
        let (name, rest) = line.split_once('|')?;
        let (version, state) = rest.split_once('|')?;
        // The first letter is what the operator wants (`i`, or `h` for hold), the second what is.
        (state.as_bytes().get(1) == Some(&b'i') && !version.is_empty())
            .then(|| Package { name: name.to_owned(), version: version.to_owned() })
    };
    text.lines().filter_map(row).collect()
}

/// Ends what dpkg was cut off at.
pub(super) fn repair(packages: &Packages<'_>) -> Result<(), PackageError> {
    let command = Cmd::new("dpkg")
        .args(["--force-confdef", "--force-confold", "--configure", "-a"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .deadline(INSTALL_DEADLINE);
    packages.run("configure what dpkg was cut off at", command).map(drop)
}

pub(super) fn install(packages: &Packages<'_>, wanted: &[Package], again: bool) -> Result<(), PackageError> {
    prepare(packages);
    let mut command = install_exactly(wanted);
    if again {
        command = command.arg("--reinstall");
    }
    packages.run(&format!("install {}", names(wanted).join(" ")), command).map(drop)
}

/// What an install would do, a line for each package: `Inst NAME [THERE] (VERSION WHERE [ARCHITECTURE])`.
pub(super) fn simulate(packages: &Packages<'_>, wanted: &[Package]) -> Result<String, PackageError> {
    let command = install_exactly(wanted).arg("--simulate").deadline(QUERY_DEADLINE);
    packages.run(&format!("install {}", names(wanted).join(" ")), command).map(|output| output.stdout)
}

fn install_exactly(wanted: &[Package]) -> Cmd {
    apt_get()
        .args(["install", "--no-install-recommends", "--fix-broken", "--allow-downgrades"])
        .arg("--allow-change-held-packages")
        .args(names(wanted).iter().map(String::as_str))
        .deadline(INSTALL_DEADLINE)
}

fn names(wanted: &[Package]) -> Vec<String> {
    wanted.iter().map(|package| format!("{}={}", package.name, package.version)).collect()
}

/// Ends what dpkg was cut off at, as far as that goes: a package whose dependency was never unpacked cannot be
/// configured before apt has brought it.
fn prepare(packages: &Packages<'_>) {
    if let Err(error) = repair(packages) {
        tracing::warn!(error = crate::step::chain(&error), "left to apt");
    }
}

/// Local files, and nothing from any repository. (`--no-download` cannot be used: with it apt 2.6 takes no local file.)
pub(super) fn install_files(
    packages: &Packages<'_>,
    files: &[String],
    again: bool,
) -> Result<(), PackageError> {
    prepare(packages);
    let command = if again { apt_get().arg("--reinstall") } else { apt_get() };
    let command = command
        .args(["-oDir::Etc::sourcelist=/dev/null", "-oDir::Etc::sourceparts=-"])
        .args(["install", "--no-install-recommends", "--fix-broken", "--allow-downgrades"])
        .arg("--allow-change-held-packages")
        .args(files.iter().map(String::as_str))
        .deadline(INSTALL_DEADLINE);
    packages.run(&format!("install {}", files.join(" ")), command).map(drop)
}

/// Removes packages, held or not, and what cannot be without them.
pub(super) fn remove(packages: &Packages<'_>, names: &[String]) -> Result<(), PackageError> {
    prepare(packages);
    let command = apt_get().args(["remove", "--allow-change-held-packages"]);
    let command = command.args(names.iter().map(String::as_str)).deadline(INSTALL_DEADLINE);
    packages.run(&format!("remove {}", names.join(" ")), command).map(drop)
}

pub(super) fn hold(packages: &Packages<'_>, names: &[String]) -> Result<(), PackageError> {
    let command = Cmd::new("apt-mark").arg("hold").args(names.iter().map(String::as_str));
    packages.run(&format!("hold {}", names.join(" ")), command.deadline(QUERY_DEADLINE)).map(drop)
}

/// Fetches a key with apt's own means: there is nothing else on every image that speaks HTTPS. The file takes its place
/// only when it is whole.
pub(super) fn fetch(packages: &Packages<'_>, url: &str, path: &str) -> Result<(), PackageError> {
    if let Some(folder) = Path::new(path).parent() {
        packages.os.make_dir(folder)?;
    }
    let partial = format!("{path}.gpunode-new");
    let helper = Cmd::new("/usr/lib/apt/apt-helper")
        .args(["-oAcquire::Retries=1", "download-file", url, &partial])
        .deadline(QUERY_DEADLINE);
    packages.run(&format!("fetch the key {url}"), helper)?;
    packages.run(&format!("keep the key {url}"), Cmd::new("mv").args(["-f", &partial, path])).map(drop)
}
