//! Where the driver's packages come from.

use std::slice;

use gpunode_host::driver::Platform;
use gpunode_host::driver::packages::{Offered, Package, Prebuilt, Resolved, patterns};
use gpunode_host::versions::Version;
use gpunode_host::{image, reason};

use super::key;
use super::look::Seen;
use super::offline::{self, Offline};
use crate::context::Context;
use crate::os::Os;
use crate::packages::{self, PackageError, Packages, Repository};
use crate::step::{Failure, few};

/// Where packages come from.
pub(super) enum Source {
    Repositories { url: String, offered: Offered },
    Folder { from: Box<Offline>, files: Vec<packages::File>, offered: Offered, key: Option<String> },
}

impl Source {
    pub(super) fn open(
        cx: &Context,
        os: &Os,
        seen: &Seen,
        packages: &Packages<'_>,
        platform: Platform,
    ) -> Result<Self, Failure> {
        Self::open_for(cx, os, packages, platform, &patterns(platform, &seen.kernel))
    }

    /// Where packages of these names come from.
    pub(super) fn open_for(
        cx: &Context,
        os: &Os,
        packages: &Packages<'_>,
        platform: Platform,
        names: &[String],
    ) -> Result<Self, Failure> {
        if let Some(from) = offline::get(cx, os)? {
            let files = packages.in_folder(&from.path)?;
            let mut offered = Offered::new();
            for file in &files {
                offered.entry(file.package.name.clone()).or_default().push(file.package.version.clone());
            }
            let key = key::of_folder(cx, os)?;
            return Ok(Self::Folder { from: Box::new(from), files, offered, key });
        }
        let url = cx.spec().nvidia.repository.clone().unwrap_or_else(|| platform.repository());
        let key = key::trusted(cx, os, platform, &url)?;
        packages.add(&Repository { url: url.clone(), key })?;
        let offered = packages.offered(names)?;
        Ok(Self::Repositories { url, offered })
    }

    pub(super) fn offered(&self) -> &Offered {
        match self {
            Self::Repositories { offered, .. } | Self::Folder { offered, .. } => offered,
        }
    }

    /// Modules that the distribution has built for this kernel; a folder's are not looked at.
    pub(super) fn prebuilt(
        &self,
        packages: &Packages<'_>,
        seen: &Seen,
    ) -> Result<Vec<Prebuilt>, PackageError> {
        match self {
            Self::Repositories { .. } => packages.prebuilt(&seen.kernel),
            Self::Folder { .. } => Ok(Vec::new()),
        }
    }

    /// The URL of the repository, or the folder.
    pub(super) fn place(&self) -> &str {
        match self {
            Self::Repositories { url, .. } => url,
            Self::Folder { from, .. } => &from.name,
        }
    }

    /// What proved the whole of it, where something did.
    pub(super) fn sha256(&self) -> Option<String> {
        match self {
            Self::Repositories { .. } => None,
            Self::Folder { from, .. } => from.sha256.clone(),
        }
    }

    /// It is not needed once more.
    pub(super) fn forget(&self) {
        if let Self::Folder { from, .. } = self {
            from.forget();
        }
    }

    /// For the record of an image.
    pub(super) fn note(&self, cx: &Context, resolved: &Resolved) {
        let place = self.place();
        let lead = resolved.packages.first();
        let lead = lead.map(|package| format!(": {} {}", package.name, package.version)).unwrap_or_default();
        let from = format!("{place}{lead}");
        cx.note_source(image::Source { name: "nvidia-driver".to_owned(), from, sha256: self.sha256() });
    }

    /// Installs one package that is none of the driver's, and keeps it at its version.
    pub(super) fn install_one(&self, packages: &Packages<'_>, package: &Package) -> Result<(), Failure> {
        match self {
            Self::Repositories { .. } => packages.install(slice::from_ref(package))?,
            Self::Folder { files, key, .. } => {
                let files = files.iter().filter(|file| file.package == *package);
                packages.install_files(
                    &files.map(|file| file.path.clone()).collect::<Vec<_>>(),
                    key.as_deref(),
                )?;
            }
        }
        packages.hold(slice::from_ref(&package.name));
        Ok(())
    }

    /// What is needed before `resolved`: headers, and of a folder all that is not the driver's.
    pub(super) fn install_first(
        &self,
        packages: &Packages<'_>,
        headers: &[Package],
        resolved: &Resolved,
    ) -> Result<(), Failure> {
        match self {
            Self::Repositories { .. } => packages.install(headers)?,
            Self::Folder { files, key, .. } => {
                let wanted = [headers, &resolved.packages].concat();
                let is_there = |name: &str| packages.is_there(name);
                let first = packages::others(files, &wanted, &resolved.version, &is_there)?;
                packages.install_files(&first, key.as_deref())?;
            }
        }
        Ok(())
    }

    pub(super) fn install(&self, packages: &Packages<'_>, resolved: &Resolved) -> Result<(), Failure> {
        packages.prefer(&resolved.version)?;
        match self {
            Self::Repositories { .. } => {
                let strays = packages.strays(&resolved.packages, &resolved.version)?;
                if !strays.is_empty() {
                    return Err(other_version(&strays, &resolved.version));
                }
                packages.install(&resolved.packages)?;
            }
            Self::Folder { files, key, .. } => {
                let is_there = |name: &str| packages.is_there(name);
                let chosen = packages::choose(files, &resolved.packages, &resolved.version, &is_there)?;
                packages.install_files(&chosen, key.as_deref())?;
            }
        }
        packages.hold(&resolved.held);
        Ok(())
    }

    pub(super) fn install_again(&self, packages: &Packages<'_>, resolved: &Resolved) -> Result<(), Failure> {
        let lead = &resolved.packages[..resolved.packages.len().min(1)];
        match self {
            Self::Repositories { .. } => packages.install(lead)?,
            Self::Folder { files, key, .. } => {
                let files = files.iter().filter(|file| lead.contains(&file.package));
                let files: Vec<_> = files.map(|file| file.path.clone()).collect();
                packages.reinstall_files(&files, key.as_deref())?;
            }
        }
        Ok(())
    }
}

/// Of whatever names they are: a driver of two versions does not work.
fn other_version(strays: &[Package], driver: &Version) -> Failure {
    let strays: Vec<_> =
        strays.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
    let message = format!(
        "the packages of driver {driver} only lead to another version: {} would come with them; nothing was installed",
        few(&strays)
    );
    Failure::new(&reason::PACKAGE_CONFLICT, "packages", message)
}
