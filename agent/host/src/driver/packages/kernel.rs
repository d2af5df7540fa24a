//! What is needed of the running kernel: its headers, and modules that its distribution keeps in a package apart.

use super::{Bound, Request};
use crate::catalog::Architecture;
use crate::driver::{Distro, Platform};
use crate::versions::Version;

/// What the module is built with. DKMS itself comes with the driver's packages.
pub fn headers(platform: Platform, kernel: &str) -> Request {
    match platform.distro {
        Distro::AmazonLinux2023 => of_amazon(platform, kernel, "devel"),
        Distro::Ubuntu2204 | Distro::Ubuntu2404 => of_ubuntu("linux-headers", kernel),
    }
}

/// The modules that few machines need.
pub fn extra_modules(platform: Platform, kernel: &str) -> Request {
    match platform.distro {
        Distro::AmazonLinux2023 => of_amazon(platform, kernel, "modules-extra"),
        Distro::Ubuntu2204 | Distro::Ubuntu2404 => of_ubuntu("linux-modules-extra", kernel),
    }
}

/// `kernel` is 6.1; the later ones have their number in their name: `kernel6.12-devel`.
fn of_amazon(platform: Platform, kernel: &str, what: &str) -> Request {
    let arch = match platform.arch {
        Architecture::X86_64 => ".x86_64",
        Architecture::Arm64 => ".aarch64",
    };
    let build = kernel.strip_suffix(arch).unwrap_or(kernel);
    let prefix = match build.parse::<Version>().map(|version| version.numbers()) {
        Ok([major, minor, ..]) if (major, minor) > (6, 1) => format!("kernel{major}.{minor}"),
        _ => "kernel".to_owned(),
    };
    let mut names = vec![format!("{prefix}-{what}"), format!("kernel-{what}")];
    names.dedup();
    Request { names, bound: Bound::Kernel(build.to_owned()) }
}

fn of_ubuntu(what: &str, kernel: &str) -> Request {
    Request { names: vec![format!("{what}-{kernel}")], bound: Bound::Kernel(String::new()) }
}
