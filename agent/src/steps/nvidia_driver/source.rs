//! Where the driver's packages come from.

use std::slice;

use gpunode_host::driver::Platform;
use gpunode_host::driver::packages::{Offered, Package, Resolved, patterns};
use gpunode_host::image;

use super::look::Seen;
use crate::context::Context;
use crate::packages::{self, Packages, Repository};
use crate::step::Failure;

/// Where packages come from.
pub(super) enum Source<'a> {
    Repositories { url: String, offered: Offered },
    Folder { path: &'a str, files: Vec<packages::File>, offered: Offered, key: Option<&'a str> },
}

impl<'a> Source<'a> {
    pub(super) fn open(
        cx: &'a Context,
        seen: &Seen,
        packages: &Packages<'_>,
        platform: Platform,
    ) -> Result<Self, Failure> {
        Self::open_for(cx, packages, platform, &patterns(platform, &seen.kernel))
    }

    /// Where packages of these names come from.
    pub(super) fn open_for(
        cx: &'a Context,
        packages: &Packages<'_>,
        platform: Platform,
        names: &[String],
    ) -> Result<Self, Failure> {
        let spec = &cx.spec().nvidia;
        if let Some(folder) = spec.offline.as_deref() {
            let files = packages.in_folder(folder)?;
            let mut offered = Offered::new();
            for file in &files {
                offered.entry(file.package.name.clone()).or_default().push(file.package.version.clone());
            }
            let key = spec.repository_key.as_deref();
            return Ok(Self::Folder { path: folder, files, offered, key });
        }
        let url = spec.repository.clone().unwrap_or_else(|| platform.repository());
        // A mirror has NVIDIA's files, and so its key.
        let nvidias =
            || platform.repository_key().replacen(&platform.repository(), url.trim_end_matches('/'), 1);
        let key = spec.repository_key.clone().unwrap_or_else(nvidias);
        packages.add(&Repository { url: url.clone(), key })?;
        let offered = packages.offered(names)?;
        Ok(Self::Repositories { url, offered })
    }

    pub(super) fn offered(&self) -> &Offered {
        match self {
            Self::Repositories { offered, .. } | Self::Folder { offered, .. } => offered,
        }
    }

    /// The URL of the repository, or the folder.
    pub(super) fn place(&self) -> &str {
        match self {
            Self::Repositories { url, .. } => url,
            Self::Folder { path, .. } => path,
        }
    }

    /// For the record of an image.
    pub(super) fn note(&self, cx: &Context, resolved: &Resolved) {
        let place = self.place();
        let lead = resolved.packages.first();
        let lead = lead.map(|package| format!(": {} {}", package.name, package.version)).unwrap_or_default();
        let from = format!("{place}{lead}");
        cx.note_source(image::Source { name: "nvidia-driver".to_owned(), from, sha256: None });
    }

    /// Installs one package that is none of the driver's, and keeps it at its version.
    pub(super) fn install_one(&self, packages: &Packages<'_>, package: &Package) -> Result<(), Failure> {
        match self {
            Self::Repositories { .. } => packages.install(slice::from_ref(package))?,
            Self::Folder { files, key, .. } => {
                let files = files.iter().filter(|file| file.package == *package);
                packages.install_files(&files.map(|file| file.path.clone()).collect::<Vec<_>>(), *key)?;
            }
        }
        packages.hold(slice::from_ref(&package.name));
        Ok(())
    }

    pub(super) fn install_first(&self, packages: &Packages<'_>, headers: &[Package]) -> Result<(), Failure> {
        match self {
            Self::Repositories { .. } => packages.install(headers)?,
            Self::Folder { files, key, .. } => packages.install_files(&packages::others(files), *key)?,
        }
        Ok(())
    }

    pub(super) fn install(&self, packages: &Packages<'_>, resolved: &Resolved) -> Result<(), Failure> {
        packages.prefer(&resolved.version)?;
        match self {
            Self::Repositories { .. } => packages.install(&resolved.packages)?,
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
            Self::Repositories { .. } => packages.install(lead)?,
            Self::Folder { files, key, .. } => {
                let files = files.iter().filter(|file| lead.contains(&file.package));
                packages.reinstall_files(&files.map(|file| file.path.clone()).collect::<Vec<_>>(), *key)?;
            }
        }
        Ok(())
    }
}
