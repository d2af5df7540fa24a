//! Where the driver's packages come from.

use gpunode_host::driver::Platform;
use gpunode_host::driver::packages::{Offered, Package, Resolved, patterns};

use super::look::Seen;
use crate::context::Context;
use crate::packages::{self, Packages, Repository};
use crate::step::Failure;

/// Where packages come from.
pub(super) enum Source<'a> {
    Repositories(Offered),
    Folder { files: Vec<packages::File>, offered: Offered, key: Option<&'a str> },
}

impl<'a> Source<'a> {
    pub(super) fn open(
        cx: &'a Context,
        seen: &Seen,
        packages: &Packages<'_>,
        platform: Platform,
    ) -> Result<Self, Failure> {
        let spec = &cx.spec().nvidia;
        if let Some(folder) = spec.offline.as_deref() {
            let files = packages.in_folder(folder)?;
            let mut offered = Offered::new();
            for file in &files {
                offered.entry(file.package.name.clone()).or_default().push(file.package.version.clone());
            }
            let key = spec.repository_key.as_deref();
            return Ok(Self::Folder { files, offered, key });
        }
        let url = spec.repository.clone().unwrap_or_else(|| platform.repository());
        // A mirror has NVIDIA's files, and so its key.
        let nvidias =
            || platform.repository_key().replacen(&platform.repository(), url.trim_end_matches('/'), 1);
        let key = spec.repository_key.clone().unwrap_or_else(nvidias);
        packages.add(&Repository { url, key })?;
        Ok(Self::Repositories(packages.offered(&patterns(platform, &seen.kernel))?))
    }

    pub(super) fn offered(&self) -> &Offered {
        match self {
            Self::Repositories(offered) | Self::Folder { offered, .. } => offered,
        }
    }

    pub(super) fn install_first(&self, packages: &Packages<'_>, headers: &[Package]) -> Result<(), Failure> {
        match self {
            Self::Repositories(_) => packages.install(headers)?,
            Self::Folder { files, key, .. } => packages.install_files(&packages::others(files), *key)?,
        }
        Ok(())
    }

    pub(super) fn install(&self, packages: &Packages<'_>, resolved: &Resolved) -> Result<(), Failure> {
        packages.prefer(&resolved.version)?;
        match self {
            Self::Repositories(_) => packages.install(&resolved.packages)?,
            Self::Folder { files, key, .. } => {
                let chosen = packages::choose(files, &resolved.packages, &resolved.version);
                packages.install_files(&chosen, *key)?;
            }
        }
        packages.hold(&resolved.held);
        Ok(())
    }

    pub(super) fn install_again(&self, packages: &Packages<'_>, resolved: &Resolved) -> Result<(), Failure> {
        let lead = &resolved.packages[..resolved.packages.len().min(1)];
        match self {
            Self::Repositories(_) => packages.install(lead)?,
            Self::Folder { files, key, .. } => {
                let files = files.iter().filter(|file| lead.contains(&file.package));
                packages.reinstall_files(&files.map(|file| file.path.clone()).collect::<Vec<_>>(), *key)?;
            }
        }
        Ok(())
    }
}
