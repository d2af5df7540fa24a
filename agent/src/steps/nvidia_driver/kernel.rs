//! What the driver needs of the running kernel before anything of it is installed: headers to build with, and modules that
//! the distribution keeps in a package apart.

use gpunode_host::driver::packages::{Offered, Package, extra_modules, headers};
use gpunode_host::driver::{Fabric, Platform, headers_present, lacks, needs};
use gpunode_host::reason;
use gpunode_host::versions::Version;

use super::look::Seen;
use crate::os::Os;
use crate::step::Failure;

/// The packages that are missing for it. Modules that are built already (`prebuilt`) need no headers.
pub(super) fn packages(
    os: &Os,
    seen: &Seen,
    (platform, fabric): (Platform, Fabric),
    prebuilt: bool,
    offered: &Offered,
) -> Result<Vec<Package>, Failure> {
    let any: Option<Version> = "0".parse().ok();
    let mut found = Vec::new();
    if !prebuilt && !headers_present(os.root(), &seen.kernel) {
        let request = headers(platform, &seen.kernel);
        let package = any.as_ref().and_then(|any| request.find(any, offered));
        let told = || no_headers(seen, &nobody_offers(&request.names));
        found.push(package.ok_or_else(told)?);
    }
    let lacking = lacks(os.root(), &seen.kernel, &needs(platform, fabric));
    if !lacking.is_empty() {
        let request = extra_modules(platform, &seen.kernel);
        let package = any.as_ref().and_then(|any| request.find(any, offered));
        let told = || no_modules(seen, &lacking, &nobody_offers(&request.names));
        found.push(package.ok_or_else(told)?);
    }
    Ok(found)
}

/// The same where no repository is asked.
pub(super) fn is_complete(os: &Os, seen: &Seen, fabric: Fabric) -> Result<(), Failure> {
    has_headers(os, seen)?;
    let Some(platform) = seen.machine.platform else { return Ok(()) };
    let lacking = lacks(os.root(), &seen.kernel, &needs(platform, fabric));
    let names = || extra_modules(platform, &seen.kernel).names.join(" or ");
    if lacking.is_empty() {
        Ok(())
    } else {
        Err(no_modules(seen, &lacking, &format!("; install {}", names())))
    }
}

pub(super) fn has_headers(os: &Os, seen: &Seen) -> Result<(), Failure> {
    if headers_present(os.root(), &seen.kernel) { Ok(()) } else { Err(no_headers(seen, "")) }
}

fn nobody_offers(names: &[String]) -> String {
    format!("; no repository offers {} for it", names.join(" or "))
}

fn no_headers(seen: &Seen, more: &str) -> Failure {
    let message = format!("/lib/modules/{}/build leads nowhere{more}", seen.kernel);
    Failure::new(&reason::KERNEL_HEADERS_MISSING, &seen.kernel, message)
}

fn no_modules(seen: &Seen, lacking: &[&str], more: &str) -> Failure {
    let message = format!("/lib/modules/{} has no {}{more}", seen.kernel, lacking.join(", no "));
    Failure::new(&reason::KERNEL_MODULES_MISSING, &seen.kernel, message)
}
