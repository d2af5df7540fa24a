//! containerd's images: the daemonset's, as `cargo xtask image` has made it, and that of the container which holds a pod's
//! namespaces. There is no registry.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Place;
use crate::agent::text;
use crate::binary;
use crate::kube::{finish, program};

/// The name of the one that holds namespaces.
pub(super) const PAUSE: &str = "localhost/pause:test";

/// Gives both to the containerd of this place. `folder` is for what is made.
///
/// # Panics
/// When containerd does not take them.
pub(super) fn import(place: &Place, folder: &Path) {
    let processor = processor();
    let daemonset = binary::image().with_file_name(format!("gpunode-daemonset-{processor}.tar"));
    for archive in [&pause(&folder.join("pause")), &daemonset] {
        // Below a folder that is the same inside.
        let inside = format!("/run/{}", archive.file_name().unwrap().display());
        fs::copy(archive, place.path(&inside))
            .unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
        finish(place.command(&["ctr", "--namespace", "k8s.io", "images", "import", &inside]))
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// As images name it.
fn processor() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

/// Makes an archive of the form of `docker save`.
fn pause(folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    fs::copy("/bin/busybox", folder.join("busybox")).unwrap();
    pack(folder, "layer.tar", &["busybox"]);
    let layer = format!("sha256:{}", binary::sha256(&folder.join("layer.tar")));
    let config = json!({
        "architecture": processor(), "os": "linux",
        "config": {"Entrypoint": ["/busybox", "sleep", "infinity"]},
        "rootfs": {"type": "layers", "diff_ids": [layer]},
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let manifest = json!([{"Config": "config.json", "RepoTags": [PAUSE], "Layers": ["layer.tar"]}]);
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    pack(folder, "pause.tar", &["manifest.json", "config.json", "layer.tar"]);
    folder.join("pause.tar")
}

fn pack(folder: &Path, name: &str, files: &[&str]) {
    let mut command = program("tar");
    command.args(["--create", "--directory", text(folder), "--file", text(&folder.join(name))]).args(files);
    finish(command).unwrap_or_else(|error| panic!("{error}"));
}
