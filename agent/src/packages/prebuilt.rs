//! Ubuntu's kernel modules that are built already, one package for each kernel, branch and build. Their version is the
//! kernel's; of which driver they are, only what they depend on tells.

use gpunode_host::driver::packages::{Package, Prebuilt};
use gpunode_host::versions::Version;

use super::{PackageError, Packages, QUERY_DEADLINE};
use crate::os::Cmd;

const START: &str = "linux-modules-nvidia-";
/// `nvidia-kernel-common-580-server (>= 580.95.05), nvidia-kernel-common-580-server (<= 580.95.05-1)`.
const SAME_VERSION: &str = "nvidia-kernel-common-";
/// A kernel has them for a few branches, each in four builds.
const MOST: usize = 200;

/// What the indexes, as they were last read, offer for this kernel.
pub(super) fn offered(packages: &Packages<'_>, kernel: &str) -> Result<Vec<Prebuilt>, PackageError> {
    let command = Cmd::new("apt-cache").args(["pkgnames", START]).deadline(QUERY_DEADLINE);
    let output = packages.run("ask apt for modules that are built already", command)?;
    let end = format!("-{kernel}");
    let names: Vec<_> =
        output.stdout.split_whitespace().filter(|name| name.ends_with(&end)).take(MOST).collect();
    if names.is_empty() || kernel.is_empty() {
        return Ok(Vec::new());
    }
    let command = Cmd::new("apt-cache").arg("show").args(names).deadline(QUERY_DEADLINE);
    // Of a name that others only speak of it has nothing to show, and fails where that is the only one.
    let run = packages.os.run_any(&command);
    let doing = "ask apt which driver prebuilt modules are of".to_owned();
    let output = run.map_err(|source| PackageError::Run { doing, source })?;
    Ok(stanzas(&output.stdout))
}

/// The stanzas of `apt-cache show`, divided by empty lines.
pub(super) fn stanzas(text: &str) -> Vec<Prebuilt> {
    let stanza = |stanza: &str| {
        let field = |name: &str| {
            let value = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.map(str::trim).filter(|value| !value.is_empty())
        };
        let driver = field("Depends")?.split([',', '|']).find_map(driver)?;
        let package = Package { name: field("Package")?.to_owned(), version: field("Version")?.to_owned() };
        package.name.starts_with(START).then_some(Prebuilt { package, driver })
    };
    text.split("\n\n").filter_map(stanza).collect()
}

/// The version that one of the dependencies asks for at least.
fn driver(dependency: &str) -> Option<Version> {
    let (_name, bound) = dependency.trim().strip_prefix(SAME_VERSION)?.split_once("(>=")?;
    bound.trim().strip_suffix(')')?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHOWN: &str = "Package: linux-modules-nvidia-580-server-open-6.8.0-1021-aws
Architecture: amd64
Version: 6.8.0-1021.23+1
Depends: linux-image-6.8.0-1021-aws | linux-image-unsigned-6.8.0-1021-aws, nvidia-kernel-common-580-server (<= 580.95.05-1), nvidia-kernel-common-580-server (>= 580.95.05)
Description: Linux kernel nvidia modules
 for version 6.8.0

Package: linux-modules-nvidia-535-6.8.0-1021-aws
Version: 6.8.0-1021.23
Depends: linux-image-6.8.0-1021-aws
";

    #[test]
    fn the_driver_is_told_by_what_a_package_depends_on() {
        let found = stanzas(SHOWN);
        assert_eq!(found.len(), 1, "one that depends on no driver is none: {found:?}");
        assert_eq!(found[0].package.name, "linux-modules-nvidia-580-server-open-6.8.0-1021-aws");
        assert_eq!(
            (found[0].package.version.as_str(), found[0].driver.as_str()),
            ("6.8.0-1021.23+1", "580.95.05")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_answered(
            text in "((Package|Version|Depends): ?(linux-modules-nvidia-|nvidia-kernel-common-)?[0-9.()>=|, -]{0,20}\n{0,2}){0,8}|.{0,80}",
        ) {
            for found in stanzas(&text) {
                prop_assert!(found.package.name.starts_with(START) && text.contains(found.driver.as_str()));
            }
        }
    }
}
