//! tar archives whose bytes depend on nothing but their content.

use std::io;

use serde_json::json;
use tar::{Builder, EntryType, Header};

use super::layout::{Blob, Platform};

/// One file of an archive.
pub(crate) struct Entry<'a> {
    pub(crate) path: &'a str,
    pub(crate) mode: u32,
    pub(crate) bytes: &'a [u8],
}

/// An archive of these files, in this order, all root's, all of the same time.
pub(crate) fn tar(entries: &[Entry<'_>], epoch: u64) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(entry.mode);
        header.set_size(entry.bytes.len() as u64);
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, entry.path, entry.bytes)?;
    }
    builder.into_inner()
}

/// What `docker load` and `podman load` take: the form of `docker save` (Docker image specification 1.2).
pub(crate) fn docker(name: &str, platform: &Platform, epoch: u64) -> io::Result<Vec<u8>> {
    let (config, layer) = (&platform.config, &platform.layer);
    let path = |blob: &Blob, ending: &str| format!("{}{ending}", blob.hex());
    let (config_path, layer_path) = (path(config, ".json"), path(layer, "/layer.tar"));
    let manifest = json!([{ "Config": config_path, "RepoTags": [name], "Layers": [layer_path] }]).to_string();
    let entry = |path, bytes| Entry { path, mode: 0o644, bytes };
    let entries = [
        entry(config_path.as_str(), config.bytes.as_slice()),
        entry(layer_path.as_str(), layer.bytes.as_slice()),
        entry("manifest.json", manifest.as_bytes()),
    ];
    tar(&entries, epoch)
}
