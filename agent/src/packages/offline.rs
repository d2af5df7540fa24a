//! Packages that lie in a folder of the machine.

mod closure;
mod needs;

use gpunode_host::driver::Manager;
use gpunode_host::driver::packages::Package;

use super::{PackageError, Packages, QUERY_DEADLINE, dnf};
use crate::os::Cmd;

pub(crate) use closure::{choose, others};
pub(super) use needs::Need;

/// A package file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Its path, as the machine sees it.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) package: Package,
    /// Names beside its own by which others may ask for it.
    pub(super) provides: Vec<String>,
    pub(super) needs: Vec<Need>,
}

/// More files than any driver has packages; a folder with more is not one of packages.
const MOST: usize = 2000;

/// Sections of one line each, and in them a line for each name: no name has a tab.
const RPM: &str = "%{NAME}|%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\t[%{PROVIDENAME}\\n]\\t\
    [%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\\n]";
const DEB: &str = "${Package}|${Version}\\t${Provides}\\t${Pre-Depends}, ${Depends}";

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
            Manager::Dnf => Cmd::new("rpm").args(["-qp", "--nosignature", "--qf"]).arg(RPM),
            Manager::Apt => Cmd::new("dpkg-deb").arg("-W").arg(format!("--showformat={DEB}")),
        };
        let output = packages.run(&format!("read {path}"), command.arg(&path).deadline(QUERY_DEADLINE))?;
        files.extend(file(packages.manager, path, &output.stdout));
    }
    Ok(files)
}

/// What is printed of one file.
pub(super) fn file(manager: Manager, path: String, text: &str) -> Option<File> {
    let mut sections = text.split('\t');
    let (head, provides) = (sections.next()?, sections.next().unwrap_or_default());
    let needed = sections.next().unwrap_or_default();
    let package = match manager {
        Manager::Dnf => dnf::rows(head).into_iter().next()?,
        Manager::Apt => {
            let (name, version) = head.split_once('|')?;
            Package { name: name.to_owned(), version: version.trim().to_owned() }
        }
    };
    let (provides, needs) = match manager {
        Manager::Dnf => (provides.lines().map(str::to_owned).collect(), needs::of_rpm(needed)),
        Manager::Apt => (needs::names_of_deb(provides), needs::of_deb(needed)),
    };
    Some(File { path, package, provides, needs })
}

/// Whether something of this name is installed, by dnf's packages whatever provides it.
pub(super) fn is_there(packages: &Packages<'_>, name: &str) -> Result<bool, PackageError> {
    match packages.manager {
        Manager::Dnf => {
            let command = Cmd::new("rpm").args(["-q", "--whatprovides", name]).deadline(QUERY_DEADLINE);
            // Status 1 says that nothing does, which is an answer.
            let run = packages.os.run_any(&command);
            let output =
                run.map_err(|source| PackageError::Run { doing: format!("ask rpm for {name}"), source })?;
            Ok(output.code == 0)
        }
        Manager::Apt => Ok(!packages.installed(&[name.to_owned()])?.is_empty()),
    }
}
