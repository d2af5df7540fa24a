//! Packages that lie in a folder of the machine.

use gpunode_host::driver::Manager;
use gpunode_host::driver::packages::{Package, upstream};
use gpunode_host::versions::Version;

use super::{PackageError, Packages, QUERY_DEADLINE, dnf};
use crate::os::Cmd;

/// A package file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Its path, as the machine sees it.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) package: Package,
}

/// More files than any driver has packages; a folder with more is not one of packages.
const MOST: usize = 2000;

/// The packages of a folder, by what their headers say; other files are passed over, and so are names that no package
/// has.
pub(super) fn list(packages: &Packages<'_>, folder: &str) -> Result<Vec<File>, PackageError> {
    let ending = match packages.manager {
        Manager::Dnf => ".rpm",
        Manager::Apt => ".deb",
    };
    let names = packages.os.root().list(folder).into_iter().filter(|name| name.ends_with(ending)).take(MOST);
    let mut files = Vec::new();
    for name in names {
        let path = format!("{}/{name}", folder.trim_end_matches('/'));
        let command = match packages.manager {
            Manager::Dnf => Cmd::new("rpm")
                .args(["-qp", "--nosignature", "--qf"])
                .arg("%{NAME}|%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n"),
            Manager::Apt => Cmd::new("dpkg-deb").args(["-W", "--showformat=${Package}|${Version}\\n"]),
        };
        let output = packages.run(&format!("read {path}"), command.arg(&path).deadline(QUERY_DEADLINE))?;
        let package = match packages.manager {
            Manager::Dnf => dnf::rows(&output.stdout).into_iter().next(),
            Manager::Apt => row(&output.stdout),
        };
        files.extend(package.map(|package| File { path, package }));
    }
    Ok(files)
}

fn row(text: &str) -> Option<Package> {
    let (name, version) = text.lines().next()?.split_once('|')?;
    Some(Package { name: name.to_owned(), version: version.trim().to_owned() })
}

/// The files that are not of the driver: what it needs, such as headers and DKMS.
pub(crate) fn others(files: &[File]) -> Vec<String> {
    files.iter().filter(|file| is_needed(&file.package)).map(|file| file.path.clone()).collect()
}

/// What the driver may need. Several builds of NCCL can lie in the folder, and nothing of the driver needs one: the step
/// `ofi-nccl` chooses.
fn is_needed(package: &Package) -> bool {
    !of_driver(package) && !package.name.starts_with("libnccl")
}

fn of_driver(package: &Package) -> bool {
    package.name.contains("nvidia")
}

/// Whether a package is the other build's: NVIDIA's archives for Ubuntu hold `nvidia-dkms-580` beside `nvidia-dkms-580-open`,
/// and the modules' source for each.
fn is_of_other_build(name: &str, chosen: &[Package]) -> bool {
    let is_built =
        |name: &str| ["nvidia-dkms", "nvidia-kernel-source"].iter().any(|start| name.starts_with(start));
    let open = |name: &str| name.ends_with("-open");
    let leads = chosen.iter().map(|package| package.name.as_str());
    let mut leads = leads.filter(|name| is_built(name) || name.starts_with("nvidia-headless"));
    is_built(name) && leads.next().is_some_and(|lead| open(lead) != open(name))
}

/// The files to install for a driver of `version`: all packages that were chosen, and what they may need, which is
/// everything in the folder but other versions of the driver.
pub(crate) fn choose(files: &[File], chosen: &[Package], version: &Version) -> Vec<String> {
    let fits = |file: &&File| {
        let is_chosen = chosen.contains(&file.package);
        let other_choice = chosen.iter().any(|package| package.name == file.package.name);
        let same = of_driver(&file.package)
            && upstream(&file.package.version).is_some_and(|found| found == *version);
        // Both builds of the modules may lie there; only the one that was chosen is installed.
        let other_modules = file.package.name.contains("kmod")
            || file.package.name.contains("headless")
            || is_of_other_build(&file.package.name, chosen);
        // The toolkit's packages have versions of their own.
        let needed = same || is_needed(&file.package) || file.package.name.contains("container");
        is_chosen || (!other_choice && !other_modules && needed)
    };
    files.iter().filter(fits).map(|file| file.path.clone()).collect()
}
