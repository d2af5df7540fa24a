//! SOCI parallel pull: the snapshotter that downloads and unpacks the layers of an image side by side.
//!
//! No index is needed for it. Keys: soci-snapshotter, `config/parallel.go`, from 0.11 on.

use std::path::Path;

use toml_edit::{Array, DocumentMut, Value};

use super::containerd::Key;
use super::toml_file::{self, EditError};
use crate::os::FileSpec;

pub(super) const PROGRAM: &str = "soci-snapshotter-grpc";
pub(super) const UNIT: &str = "soci-snapshotter.service";
pub(super) const CONFIG: &str = "/etc/soci-snapshotter-grpc/config.toml";
pub(super) const ROOT: &str = "/var/lib/soci-snapshotter-grpc";
/// Our settings where nodeadm rewrites [`CONFIG`].
const KEPT: &str = "/etc/gpunode/soci-snapshotter.toml";
const DROP_IN: &str = "/etc/systemd/system/soci-snapshotter.service.d/10-gpunode.conf";
/// Decompresses gzip faster than the snapshotter itself.
pub(super) const UNPIGZ: &str = "/usr/bin/unpigz";

/// How much is done side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parallel {
    pub(crate) downloads_per_image: i64,
    /// MiB.
    pub(crate) chunk_mib: u64,
    pub(crate) unpacks_per_image: i64,
}

impl Parallel {
    /// A registry behind 10 to 50 Gbit/s; AWS's own advice for ECR is 10 to 20 downloads of 8 or 16 MiB.
    pub(crate) const GENERAL: Self = Self { downloads_per_image: 10, chunk_mib: 16, unpacks_per_image: 10 };
    /// 100 Gbit/s and more, 96 and more CPUs, NVMe disks; images of 10 GB and more.
    pub(crate) const GPU: Self = Self { downloads_per_image: 30, chunk_mib: 32, unpacks_per_image: 30 };

    fn keys(self, unpigz: bool) -> Vec<Key> {
        let at = |key| vec!["pull_modes", "parallel_pull_unpack", key];
        let gzip = |key| vec!["pull_modes", "parallel_pull_unpack", "decompress_streams", "gzip", key];
        let mut keys = vec![
            // containerd's own store, so that its garbage collection sees the layers.
            (vec!["content_store", "type"], Value::from("containerd")),
            // Registry credentials come with the pulls of the kubelet.
            (vec!["cri_keychain", "enable_keychain"], true.into()),
            (vec!["cri_keychain", "image_service_path"], "/run/containerd/containerd.sock".into()),
            (at("enable"), true.into()),
            (at("max_concurrent_downloads"), (-1).into()),
            (at("max_concurrent_downloads_per_image"), self.downloads_per_image.into()),
            (at("concurrent_download_chunk_size"), format!("{}mb", self.chunk_mib).into()),
            (at("max_concurrent_unpacks"), (-1).into()),
            (at("max_concurrent_unpacks_per_image"), self.unpacks_per_image.into()),
            (at("discard_unpacked_layers"), true.into()),
        ];
        if unpigz {
            let args: Array = ["-d", "-c"].into_iter().collect();
            keys.extend([(gzip("path"), UNPIGZ.into()), (gzip("args"), args.into())]);
        }
        keys
    }
}

/// The files where nodeadm is: it writes [`CONFIG`] itself when it starts the snapshotter, after this step, with
/// values of its own. So ours are kept elsewhere, and put in place when the snapshotter starts.
pub(super) fn files_beside_nodeadm(parallel: Parallel, unpigz: bool) -> Result<Vec<FileSpec>, EditError> {
    let mut document = DocumentMut::new();
    toml_file::set_all(Path::new(KEPT), &mut document, &parallel.keys(unpigz))?;
    Ok(vec![
        FileSpec::new(KEPT, format!("# Written by gpunode-agent at every boot.\n{document}")),
        FileSpec::new(
            DROP_IN,
            format!(
                "# Written by gpunode-agent: nodeadm writes the file anew at every boot.\n[Service]\n\
                 ExecStartPre=/usr/bin/install -D -m 0644 {KEPT} {CONFIG}\n"
            ),
        ),
    ])
}

/// The file elsewhere: the operator's, with our keys set in it.
pub(super) fn files(
    parallel: Parallel,
    unpigz: bool,
    config: Option<&str>,
) -> Result<Vec<FileSpec>, EditError> {
    let mut document = toml_file::parse(Path::new(CONFIG), config.unwrap_or_default())?;
    toml_file::set_all(Path::new(CONFIG), &mut document, &parallel.keys(unpigz))?;
    Ok(vec![FileSpec::new(CONFIG, document.to_string())])
}

/// Files that are ours alone, and must go when SOCI is not asked for.
pub(super) const OURS: [&str; 2] = [KEPT, DROP_IN];
