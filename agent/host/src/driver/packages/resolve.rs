//! From what is needed and what is offered to packages with their exact versions.

use std::collections::BTreeMap;

use crate::driver::{Fabric, Generation, Modules, Platform, Wanted, drives};
use crate::versions::Version;

use super::missing::Missing;
use super::names::{Bound, Naming, Request, fabric_requests, lead_patterns, schemes};
use super::prebuilt::{self, Prebuilt, built};

/// What a package manager offers: every version of each name, as the manager writes them.
pub type Offered = BTreeMap<String, Vec<String>>;

/// One package, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version, as the package manager writes it.
    pub version: String,
}

/// What is installed for a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The driver's version.
    pub version: Version,
    /// Every package that is named to the package manager; it adds what these need.
    pub packages: Vec<Package>,
    /// The names among them that must stay at the driver's version.
    pub held: Vec<String>,
    /// Whose names they have.
    pub naming: Naming,
    /// The modules among them are built already: neither headers nor a compiler are needed.
    pub prebuilt: bool,
}

/// The version of the software in a package's version: `550.127.05` of `3:550.127.05-1.amzn2023` and of
/// `550.127.05-0ubuntu0.22.04.1`.
pub fn upstream(version: &str) -> Option<Version> {
    let version = version.split_once(':').map_or(version, |(_epoch, version)| version);
    version.rsplit_once('-').map_or(version, |(version, _release)| version).parse().ok()
}

/// What a driver is chosen for.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// The machine's distribution and architecture.
    pub platform: Platform,
    /// Which version.
    pub wanted: Wanted,
    /// Which build of the kernel modules.
    pub modules: Modules,
    /// What the NVSwitches want.
    pub fabric: Fabric,
    /// The GPUs it has to drive.
    pub gpus: Vec<Generation>,
    /// Whether the container toolkit is installed with it.
    pub toolkit: bool,
    /// The kernel that the modules are for.
    pub kernel: String,
    /// Whether modules may be built on the machine.
    pub build: bool,
    /// Modules that are built already, for this kernel; empty where none are wanted.
    pub prebuilt: Vec<Prebuilt>,
}

/// The driver's packages with their exact versions. `latest` is the newest that drives every GPU. The version is chosen
/// first; modules of that version that are built already go before those that are to be built.
pub fn resolve(purpose: &Purpose, offered: &Offered) -> Result<Resolved, Missing> {
    let Purpose { platform, wanted, modules, fabric, .. } = purpose;
    let (platform, modules, fabric) = (*platform, *modules, *fabric);
    let mut versions = if purpose.build { lead_versions(platform, modules, offered) } else { Vec::new() };
    versions.extend(built(purpose).map(|(_, built)| built.driver.clone()));
    versions.retain(|version| drives(&Wanted::Exact(version.clone()), &purpose.gpus).is_ok());
    let version = wanted.pick(versions.clone()).ok_or_else(|| Missing::version(purpose, versions))?;
    let branch = version.numbers()[0];
    let mut first = None;
    for (server, built) in built(purpose).filter(|(_, built)| built.driver == version) {
        let mut requests = prebuilt::scheme(modules, branch, server, purpose.toolkit);
        let naming = if server.is_empty() { Naming::Numbered } else { Naming::Server };
        requests.extend(fabric_requests(platform, fabric, branch, naming));
        match take(&requests, &version, offered) {
            Ok((mut packages, mut held)) => {
                packages.insert(0, built.package.clone());
                held.push(built.package.name.clone());
                return Ok(Resolved { version, packages, held, naming, prebuilt: true });
            }
            Err(missing) => first = first.or(Some(missing)),
        }
    }
    let schemes = schemes(platform, modules, branch, purpose.toolkit);
    for (naming, mut requests) in schemes.into_iter().filter(|_| purpose.build) {
        requests.extend(fabric_requests(platform, fabric, branch, naming));
        match take(&requests, &version, offered) {
            Ok((packages, held)) => return Ok(Resolved { version, packages, held, naming, prebuilt: false }),
            // What the best scheme lacks is told, unless it is not there at all and the next one is.
            Err(missing) => {
                let lead_is_there =
                    requests.first().is_some_and(|lead| find(lead, &version, offered).is_some());
                if first.is_none() || lead_is_there {
                    first = Some(missing);
                }
            }
        }
    }
    Err(first.unwrap_or(Missing::Version { wanted: wanted.to_string(), offered: Vec::new() }))
}

/// The fabric manager, and what goes with it, for a driver that is there already, whose packages have these names.
pub fn fabric(
    platform: Platform,
    version: &Version,
    fabric: Fabric,
    naming: Naming,
    offered: &Offered,
) -> Result<Resolved, Missing> {
    let requests = fabric_requests(platform, fabric, version.numbers()[0], naming);
    let (packages, held) = take(&requests, version, offered)?;
    Ok(Resolved { version: version.clone(), packages, held, naming, prebuilt: false })
}

/// The versions of every package that leads.
fn lead_versions(platform: Platform, modules: Modules, offered: &Offered) -> Vec<Version> {
    let patterns = lead_patterns(platform, modules);
    let leads = offered.iter().filter(|(name, _)| patterns.iter().any(|pattern| leads(pattern, name)));
    leads.flat_map(|(_, versions)| versions.iter().filter_map(|version| upstream(version))).collect()
}

/// Whether `name` is of the pattern, whose only wildcard stands for the number of a branch.
fn leads(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|branch| branch.len() == 3 && branch.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

fn take(
    requests: &[Request],
    version: &Version,
    offered: &Offered,
) -> Result<(Vec<Package>, Vec<String>), Missing> {
    let mut packages = Vec::new();
    let mut held = Vec::new();
    for request in requests {
        let package = find(request, version, offered).ok_or_else(|| Missing::Package {
            names: request.names.clone(),
            version: match &request.bound {
                Bound::Driver => version.to_string(),
                Bound::Kernel(version) => version.clone(),
                Bound::Newest => String::new(),
            },
        })?;
        if request.bound == Bound::Driver {
            held.push(package.name.clone());
        }
        packages.push(package);
    }
    Ok((packages, held))
}

impl Request {
    /// The package that answers the request, where one is offered. `driver` is the driver's version.
    pub fn find(&self, driver: &Version, offered: &Offered) -> Option<Package> {
        find(self, driver, offered)
    }
}

fn find(request: &Request, driver: &Version, offered: &Offered) -> Option<Package> {
    request.names.iter().find_map(|name| {
        let fits = |version: &&String| match &request.bound {
            Bound::Driver => upstream(version).is_some_and(|version| version == *driver),
            Bound::Kernel(kernel) => kernel.is_empty() || without_epoch(version) == kernel,
            Bound::Newest => true,
        };
        // Managers list oldest or newest first, as they please; among builds of one version the text decides.
        let newest = offered.get(name)?.iter().filter(fits).max_by(|a, b| order(a).cmp(&order(b)))?;
        Some(Package { name: name.clone(), version: newest.clone() })
    })
}

fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, version)| version)
}

/// Good enough to tell builds of the same software apart; the package manager has the last word on what goes together.
fn order(version: &str) -> (Option<Version>, &str) {
    (upstream(version), version)
}
