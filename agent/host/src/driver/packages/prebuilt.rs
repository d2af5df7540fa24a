//! Kernel modules that Ubuntu has built, and signed for Secure Boot: they take seconds instead of minutes, and neither
//! headers nor a compiler. Source of the names: NVIDIA's `gpu-driver-container`, which installs these beside
//! `nvidia-headless-no-dkms`.

use super::names::{Request, TOOLKIT, apt_scheme, open};
use super::{Package, Purpose};
use crate::driver::Modules;
use crate::versions::Version;

/// Kernel modules that are built already, for one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prebuilt {
    /// The package; its version is the kernel's.
    pub package: Package,
    /// The driver's version, which the rest of the driver must have exactly.
    pub driver: Version,
}

/// The modules that are built already and of the right build, with the word for servers that their names have, those
/// first: what goes with them is called the same.
pub(super) fn built(purpose: &Purpose) -> impl Iterator<Item = (&'static str, &Prebuilt)> {
    ["-server", ""].into_iter().flat_map(move |server| {
        purpose.prebuilt.iter().filter_map(move |built| {
            let branch = built.driver.numbers()[0];
            let name = name(purpose.modules, branch, server, &purpose.kernel);
            (built.package.name == name).then_some((server, built))
        })
    })
}

fn name(modules: Modules, branch: u32, server: &str, kernel: &str) -> String {
    format!("linux-modules-nvidia-{branch}{server}{}-{kernel}", open(modules))
}

/// What goes with prebuilt modules.
pub(super) fn scheme(modules: Modules, branch: u32, server: &str, toolkit: bool) -> Vec<Request> {
    let mut scheme =
        apt_scheme(&format!("nvidia-headless-no-dkms-{branch}{server}{}", open(modules)), branch, server);
    if toolkit {
        scheme.push(Request::newest(TOOLKIT));
    }
    scheme
}
