//! The image, unpacked.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::agent::text;
use crate::binary;
use crate::kube::{finish, program};
use crate::looked::{self, Machine};

/// An image's root, and how its program is started.
pub struct Image {
    folder: TempDir,
    libraries: OnceCell<PathBuf>,
    /// The program and its first arguments.
    pub(super) entrypoint: Vec<String>,
    /// Variables that it brings.
    pub(super) environment: Vec<String>,
}

impl Image {
    /// Unpacks the image that `cargo xtask image` has made.
    ///
    /// # Panics
    /// When it cannot be unpacked.
    pub fn unpack() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("bundle");
        let image = format!("{}:{}", binary::image().display(), env!("CARGO_PKG_VERSION"));
        let mut command = program("umoci");
        command.args(["unpack", "--image", &image, text(&bundle)]);
        finish(command).unwrap_or_else(|error| panic!("{error}"));
        let config = fs::read_to_string(bundle.join("config.json")).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        let list = |name: &str| -> Vec<String> {
            let all = config["process"][name].as_array().into_iter().flatten();
            all.map(|it| it.as_str().unwrap().to_owned()).collect()
        };
        Self { entrypoint: list("args"), environment: list("env"), folder, libraries: OnceCell::new() }
    }

    /// Gives it a C library, as an image for NVIDIA's runtime has one, and NVML, as that runtime brings it; NVML plays this
    /// scenario on the GPUs of `machine`.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn play(&self, machine: &Machine, scenario: &str) {
        let libraries = self.libraries.get_or_init(|| looked::with_nvml(&self.bundle().join("rootfs")));
        machine.play_in(libraries, scenario);
    }

    /// Its folder as a runtime wants it.
    pub(super) fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    /// Where else files of the container can be.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
