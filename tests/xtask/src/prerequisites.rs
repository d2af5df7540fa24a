//! Debian packages that the tests need, from `tests/prerequisites.debian`: one a line, `package # what tells it is there: why`.

use std::fs;

use crate::error::Error;
use crate::place::Place;
use crate::run;

const FILE: &str = "tests/prerequisites.debian";
/// Downloads of a few hundred MB on a slow line.
const MINUTES: u32 = 30;

/// Installs what is missing when root; else fails with the command that does.
pub(crate) fn install(place: &Place) -> Result<(), Error> {
    let path = place.clone.join(FILE);
    let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    let missing: Vec<_> = packages(&text).filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        println!("all packages of {FILE} are installed");
        return Ok(());
    }
    let list = missing.join(" ");
    if !run::succeeds(run::program("apt-get").arg("--version")) {
        return Err(Error::Advice(format!(
            "this is not a Debian system; what is needed is in {FILE}: {list}"
        )));
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::Advice(format!(
            "packages are missing; install them with: sudo apt-get update && \
             sudo apt-get install --yes --no-install-recommends {list}"
        )));
    }
    run::go(apt_get().arg("update"))?;
    run::go(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(missing))
}

/// Another package manager's run (unattended upgrades on a fresh machine) is waited for.
fn apt_get() -> std::process::Command {
    let mut command = run::bounded(MINUTES, "apt-get");
    command.args(["-q", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn packages(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let name = line.split_once('#').map_or(line, |(name, _)| name).trim();
        (!name.is_empty()).then_some(name)
    })
}

fn is_installed(package: &str) -> bool {
    let status = run::program("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package]).output();
    status.is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_no_packages() {
        let text = "# what for\n\ngcc # cc: links\n  libc6-dev\n";
        assert_eq!(packages(text).collect::<Vec<_>>(), ["gcc", "libc6-dev"]);
    }
}
