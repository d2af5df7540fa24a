//! dnf 4 and rpm.

use gpunode_host::driver::packages::{Offered, Package};

use super::repository::ID;
use super::{INSTALL_DEADLINE, PackageError, Packages, QUERY_DEADLINE};
use crate::os::Cmd;

/// Name and version with epoch, as one line. rpm and dnf spell a version without an epoch in two ways; `EPOCHNUM` and
/// [`with_epoch`] make one of them.
const INSTALLED: &str = "%{NAME}|%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n";
const OFFERED: &str = "%{name}|%{epoch}:%{version}-%{release}";

/// dnf with our repository, which is off otherwise. Without `exit_on_lock` it would wait for a lock as long as it
/// takes, and print nothing of it.
fn dnf(packages: &Packages<'_>) -> Cmd {
    let dnf = Cmd::new("dnf").args([
        "-q",
        "-y",
        "--setopt=exit_on_lock=True",
        "--setopt=retries=2",
        "--setopt=install_weak_deps=False",
    ]);
    if packages.has_repository() { dnf.arg(format!("--enablerepo={ID}")) } else { dnf }
}

pub(super) fn offered(packages: &Packages<'_>, patterns: &[String]) -> Result<Offered, PackageError> {
    let command = dnf(packages)
        .args(["repoquery", "--available", "--qf", OFFERED])
        .args(patterns.iter().map(String::as_str))
        .deadline(QUERY_DEADLINE);
    let output = packages.run("ask the repositories for the NVIDIA driver", command)?;
    let mut offered = Offered::new();
    for package in rows(&output.stdout) {
        offered.entry(package.name).or_default().push(package.version);
    }
    Ok(offered)
}

pub(super) fn installed(packages: &Packages<'_>, names: &[String]) -> Result<Vec<Package>, PackageError> {
    let command = Cmd::new("rpm").args(["-qa", "--qf", INSTALLED]).args(names.iter().map(String::as_str));
    // Status 1 says that some are not installed, which is an answer.
    let run = packages.os.run_any(&command.deadline(QUERY_DEADLINE));
    let output =
        run.map_err(|source| PackageError::Run { doing: "ask rpm what is installed".into(), source })?;
    Ok(rows(&output.stdout))
}

pub(super) fn install(packages: &Packages<'_>, wanted: &[Package], again: bool) -> Result<(), PackageError> {
    release(packages, &wanted.iter().map(|package| package.name.clone()).collect::<Vec<_>>());
    let names: Vec<_> =
        wanted.iter().map(|package| format!("{}-{}", package.name, package.version)).collect();
    let command = dnf(packages)
        .arg("--allowerasing")
        .arg(if again { "reinstall" } else { "install" })
        .args(names.iter().map(String::as_str))
        .deadline(INSTALL_DEADLINE);
    packages.run(&format!("install {}", names.join(" ")), command).map(drop)
}

/// Removes packages and what cannot be without them; nothing that was brought by them for others to use.
pub(super) fn remove(packages: &Packages<'_>, names: &[String]) -> Result<(), PackageError> {
    release(packages, names);
    let command = dnf(packages).args(["remove", "--noautoremove"]).args(names.iter().map(String::as_str));
    packages.run(&format!("remove {}", names.join(" ")), command.deadline(INSTALL_DEADLINE)).map(drop)
}

/// Local files, and nothing from any repository. dnf takes the signature of a local file on trust unless it is told not
/// to; it is told wherever there is a key.
pub(super) fn install_files(
    packages: &Packages<'_>,
    files: &[String],
    key: Option<&str>,
    again: bool,
) -> Result<(), PackageError> {
    if let Some(key) = key {
        let import = Cmd::new("rpm").args(["--import", key]);
        packages.run(&format!("import the key {key}"), import)?;
    }
    let command = Cmd::new("dnf")
        .args(["-q", "-y", "--setopt=exit_on_lock=True", "--disablerepo=*", "--allowerasing"])
        .arg(format!("--setopt=localpkg_gpgcheck={}", key.is_some()))
        .arg(if again { "reinstall" } else { "install" })
        .args(files.iter().map(String::as_str))
        .deadline(INSTALL_DEADLINE);
    packages.run(&format!("install {}", files.join(" ")), command).map(drop)
}

/// By the plugin `versionlock`, where it is installed; our repository is off for everybody else in any case.
pub(super) fn hold(packages: &Packages<'_>, names: &[String]) -> Result<(), PackageError> {
    if !has_versionlock(packages) {
        return Ok(());
    }
    let command = dnf(packages).args(["versionlock", "add"]).args(names.iter().map(String::as_str));
    packages.run(&format!("hold {}", names.join(" ")), command.deadline(QUERY_DEADLINE)).map(drop)
}

/// Lets go of what an earlier run held; nothing to let go of is no failure.
fn release(packages: &Packages<'_>, names: &[String]) {
    if has_versionlock(packages) {
        let names = names.iter().map(String::as_str);
        let command = dnf(packages).args(["versionlock", "delete"]).args(names).deadline(QUERY_DEADLINE);
        let _ = packages.os.run_any(&command);
    }
}

fn has_versionlock(packages: &Packages<'_>) -> bool {
    packages.os.root().exists("/etc/dnf/plugins/versionlock.conf")
}

/// Lines `name|epoch:version-release`; others, such as `package x is not installed`, are passed over.
pub(super) fn rows(text: &str) -> Vec<Package> {
    let row = |line: &str| {
        let (name, version) = line.trim().split_once('|')?;
        let plain = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        (plain(name) && plain(version))
            .then(|| Package { name: name.to_owned(), version: with_epoch(version) })
    };
    text.lines().filter_map(row).collect()
}

fn with_epoch(version: &str) -> String {
    match version.split_once(':') {
        Some(("(none)" | "", version)) => format!("0:{version}"),
        Some(_) => version.to_owned(),
        None => format!("0:{version}"),
    }
}
