//! A repository of ours, in the form of dnf or apt. Signatures are always checked.

use gpunode_host::driver::Manager;
use gpunode_host::versions::Version;

use super::{PackageError, Packages, apt};
use crate::os::FileSpec;

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// Its URL; the packages' index lies below it.
    pub(crate) url: String,
    /// The key that signs it: a URL, or a file of the machine.
    pub(crate) key: String,
}

/// The name by which dnf knows it.
pub(super) const ID: &str = "gpunode-nvidia";
const DNF_FILE: &str = "/etc/yum.repos.d/gpunode-nvidia.repo";
const APT_FILE: &str = "/etc/apt/sources.list.d/gpunode-nvidia.sources";
const APT_PIN: &str = "/etc/apt/preferences.d/gpunode-nvidia";
/// apt tells the two forms of a key by the name's ending: `.asc` is text.
const APT_KEY: &str = "/etc/apt/keyrings/gpunode-nvidia.asc";

impl Packages<'_> {
    /// Makes the repository known to the package manager.
    pub(crate) fn add(&self, repository: &Repository) -> Result<(), PackageError> {
        match self.manager {
            Manager::Dnf => {
                self.os.write(&FileSpec::new(DNF_FILE, of_dnf(repository)))?;
            }
            Manager::Apt => {
                let key = if let Some(path) = local(&repository.key) {
                    path.to_owned()
                } else {
                    apt::fetch(self, &repository.key, APT_KEY)?;
                    APT_KEY.to_owned()
                };
                self.os.write(&FileSpec::new(APT_FILE, of_apt(repository, &key)))?;
            }
        }
        Ok(())
    }

    /// Lets apt choose this version of everything that carries the driver's version: its packages ask for each other
    /// by "at least", and apt would take the newest. dnf's ask for exactly one.
    pub(crate) fn prefer(&self, version: &Version) -> Result<(), PackageError> {
        if self.manager == Manager::Apt {
            self.os.write(&FileSpec::new(APT_PIN, preference(version)))?;
        }
        Ok(())
    }

    /// Whether a repository of ours was added, in this run or an earlier one.
    pub(crate) fn has_repository(&self) -> bool {
        let file = match self.manager {
            Manager::Dnf => DNF_FILE,
            Manager::Apt => APT_FILE,
        };
        self.os.root().exists(file)
    }
}

/// The path of a key on the machine.
fn local(key: &str) -> Option<&str> {
    key.strip_prefix("file://").or_else(|| key.starts_with('/').then_some(key))
}

/// Off unless a command of ours turns it on, so that an update of the whole system never meets a newer driver.
/// `module_hotfixes`: NVIDIA's repository sorts versions into module streams, of which only the one that is switched on
/// would be seen; here the version is named exactly, so all are. `metadata_expire`: a version that has just been
/// published is found.
fn of_dnf(repository: &Repository) -> String {
    let key = local(&repository.key).map_or_else(|| repository.key.clone(), |path| format!("file://{path}"));
    format!(
        "# Written by gpunode-agent.\n[{ID}]\nname=NVIDIA driver\nbaseurl={}\nenabled=0\ngpgcheck=1\ngpgkey={key}\n\
         module_hotfixes=1\nskip_if_unavailable=0\nmetadata_expire=1\n",
        repository.url
    )
}

fn of_apt(repository: &Repository, key: &str) -> String {
    format!(
        "# Written by gpunode-agent.\nTypes: deb\nURIs: {}/\nSuites: /\nSigned-By: {key}\n",
        repository.url.trim_end_matches('/')
    )
}

/// Above 1000, so that an older version than the one that is there is chosen too (`apt_preferences(5)`).
fn preference(version: &Version) -> String {
    format!(
        "Explanation: written by gpunode-agent\nPackage: *nvidia*\nPin: version {version}-*\nPin-Priority: 1001\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_checked_in_both_forms() {
        let repository = Repository { url: "https://m.example/a/".into(), key: "/etc/k.pub".into() };
        let dnf = of_dnf(&repository);
        assert!(dnf.contains("\ngpgcheck=1\ngpgkey=file:///etc/k.pub\n"), "{dnf}");
        let apt = of_apt(&repository, "/etc/k.pub");
        assert!(apt.ends_with("URIs: https://m.example/a/\nSuites: /\nSigned-By: /etc/k.pub\n"), "{apt}");
        assert_eq!(local("file:///a/b"), Some("/a/b"));
        assert_eq!(local("https://a/b"), None);
    }
}
