//! The guest's root disk and kernel: made once from Debian packages, then kept.

use std::path::{Path, PathBuf};

use nix::fcntl::FlockArg;
use sha2::{Digest, Sha256};

use super::error::at;
use super::programs::{finish, program, variable};
use super::slots::lock;
use super::{Error, cache};

const RECIPE: &str = include_str!("guest/image.sh");
const PACKAGES: &str = include_str!("guest/packages");
const MODULES: &str = include_str!("guest/modules");

/// A finished image.
pub(super) struct Image {
    folder: PathBuf,
}

impl Image {
    /// The raw root disk; never written to, machines run on overlays.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("root.img")
    }

    pub(super) fn kernel(&self) -> PathBuf {
        self.folder.join("vmlinux")
    }

    /// What of the initramfs comes from Debian: a shell and kernel modules.
    pub(super) fn initramfs(&self) -> PathBuf {
        self.folder.join("initramfs")
    }
}

/// The image for the present recipe; made first if need be, which takes one to two minutes.
pub(super) fn get() -> Result<Image, Error> {
    let cache = cache::folder()?;
    let image = Image { folder: cache.join(key(&[RECIPE, PACKAGES, MODULES])) };
    if image.folder.exists() {
        return Ok(image);
    }
    let _builder = lock(&cache.join("image.lock"), FlockArg::LockExclusive)?;
    // Another process may have made it while this one waited.
    if !image.folder.exists() {
        make(&cache, &image.folder)?;
    }
    Ok(image)
}

/// Changes with the recipe, so that a changed recipe makes a new image.
pub(crate) fn key(inputs: &[&str]) -> String {
    let mut hash = Sha256::new();
    for input in inputs {
        hash.update(input.len().to_le_bytes());
        hash.update(input);
    }
    let digest = hash.finalize();
    let start = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    format!("image-{start:016x}")
}

/// Made under another name and renamed when complete: an interrupted build leaves nothing that looks finished.
fn make(cache: &Path, folder: &Path) -> Result<(), Error> {
    let scratch = tempfile::Builder::new().prefix("making-").tempdir_in(cache).map_err(at(cache))?;
    let write = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        std::fs::write(&path, text).map_err(at(&path)).map(|()| path)
    };
    let [recipe, packages, modules] =
        [write("image.sh", RECIPE)?, write("packages", PACKAGES)?, write("modules", MODULES)?];
    let out = scratch.path().join("image");
    std::fs::create_dir(&out).map_err(at(&out))?;
    let mut command = program("sh");
    command.args([&recipe, &out]).arg(mirror()?).args([packages, modules]);
    finish(command)?;
    std::fs::rename(&out, folder).map_err(at(folder))
}

/// The Debian mirror this machine installs from.
pub(crate) fn mirror() -> Result<String, Error> {
    if let Some(mirror) = variable("GPUNODE_DEBIAN_MIRROR") {
        return Ok(mirror);
    }
    let sources = apt_sources();
    debian_mirror(&sources).ok_or_else(|| {
        Error::Prerequisites(
            "no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d; name one in GPUNODE_DEBIAN_MIRROR".to_owned(),
        )
    })
}

/// All of apt's source lists in one text; a file that cannot be read holds no mirror for us.
fn apt_sources() -> String {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = std::fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.sort();
    let texts = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    texts.collect::<Vec<_>>().join("\n")
}

/// The first address that ends in `/debian`, in either form of apt's sources: the archive proper, as opposed to
/// `/debian-security` and other vendors' archives.
fn debian_mirror(sources: &str) -> Option<String> {
    sources
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"))
        .flat_map(str::split_whitespace)
        .find(|word| word.contains("://") && word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_mirror_in_both_forms() {
        let new =
            "Types: deb\n# http://old.example/debian\nURIs: http://m.example/debian\nSuites: bookworm\n";
        assert_eq!(debian_mirror(new).unwrap(), "http://m.example/debian");
        let old =
            "deb https://other.example/apt x main\ndeb [arch=amd64] http://m.example/debian/ bookworm main\n";
        assert_eq!(debian_mirror(old).unwrap(), "http://m.example/debian/");
        for none in
            ["", "# deb http://m.example/debian x main", "deb http://m.example/debian-security x main"]
        {
            assert_eq!(debian_mirror(none), None, "{none}");
        }
    }

    #[test]
    fn the_key_tells_recipes_apart() {
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        assert_ne!(key(&["a", "b"]), key(&["ab", ""]));
    }
}
