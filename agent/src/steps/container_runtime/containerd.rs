//! containerd's configuration: which keys are ours, and where they are written.
//!
//! containerd reads `/etc/containerd/config.toml` and then the files of its `imports`. How they are merged depends on
//! the version; tried with the loaders of 1.6.20, 1.7.28, 2.0.0, 2.0.7 and 2.1.4:
//!
//! - **1.x** replaces a plugin's whole section: an imported file with one key of `io.containerd.grpc.v1.cri` takes
//!   away the sandbox image, CNI folders and runtimes that `config.toml` sets there.
//! - **2.x** merges plugin sections key by key, lists without duplicates; `proxy_plugins.NAME` is replaced whole.
//!
//! So from 2.0 on our keys are in a file of their own, [`DROP_IN`], and `config.toml` gets an `imports` line at most;
//! before, our keys are set in `config.toml` itself, between what the operator wrote.

mod files;
#[cfg(test)]
mod tests;

use std::path::Path;

use toml_edit::{Array, Value};

use super::toml_file::{self, EditError};

pub(super) use files::files;

pub(super) const CONFIG: &str = "/etc/containerd/config.toml";
pub(super) const DROP_IN: &str = "/etc/containerd/conf.d/90-gpunode.toml";
pub(super) const NVIDIA_RUNTIME: &str = "/usr/bin/nvidia-container-runtime";
pub(super) const SOCI_SOCKET: &str = "/run/soci-snapshotter-grpc/soci-snapshotter-grpc.sock";
/// Where nodeadm writes the OCI specification that every container begins with.
const BASE_RUNTIME_SPEC: &str = "/etc/containerd/base-runtime-spec.json";

/// Which names the plugins have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// `version = 2`: one CRI plugin. All that 1.x knows; 2.x still reads it.
    V2,
    /// `version = 3` and newer: runtime and images are two plugins. From 2.0 on.
    V3,
}

impl Schema {
    /// The newest that this containerd reads.
    pub(super) fn newest(containerd: Version) -> Self {
        if containerd >= Version(2, 0) { Self::V3 } else { Self::V2 }
    }

    fn runtime(self) -> &'static str {
        match self {
            Self::V2 => "io.containerd.grpc.v1.cri",
            Self::V3 => "io.containerd.cri.v1.runtime",
        }
    }
}

/// Major and minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32);

impl Version {
    /// The first that knows CDI.
    pub(super) const WITH_CDI: Self = Self(1, 7);

    /// The first `[v]MAJOR.MINOR…` word of `text`: `containerd SOURCE v2.1.4 COMMIT`, `Kubernetes v1.33.1`.
    pub(super) fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| {
            let mut numbers = word.strip_prefix('v').unwrap_or(word).splitn(3, '.');
            let major = numbers.next()?.parse().ok()?;
            let minor = numbers.next()?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
            Some(Self(major, minor))
        })
    }
}

/// What containerd is to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// A runtime named `nvidia`.
    pub(super) nvidia: bool,
    /// The runtime of containers that name none.
    pub(super) default_runtime: Option<&'static str>,
    /// A runtime named `runc` with nodeadm's base specification, where nodeadm left none.
    pub(super) runc: bool,
    pub(super) cdi: bool,
    pub(super) soci: bool,
}

/// A key and its value.
pub(super) type Key = (Vec<&'static str>, Value);

impl Settings {
    /// Every key that these settings need.
    pub(super) fn keys(self, schema: Schema) -> Vec<Key> {
        let mut keys = Vec::new();
        if self.nvidia {
            keys.extend(runtime(schema, "nvidia", ("BinaryName", NVIDIA_RUNTIME.into())));
        }
        if self.runc {
            keys.extend(runtime(schema, "runc", ("SystemdCgroup", true.into())));
            keys.push((
                vec!["plugins", schema.runtime(), "containerd", "runtimes", "runc", "base_runtime_spec"],
                BASE_RUNTIME_SPEC.into(),
            ));
        }
        if let Some(name) = self.default_runtime {
            keys.push((vec!["plugins", schema.runtime(), "containerd", "default_runtime_name"], name.into()));
        }
        if self.cdi {
            let folders: Array = ["/etc/cdi", "/var/run/cdi"].into_iter().collect();
            keys.push((vec!["plugins", schema.runtime(), "enable_cdi"], true.into()));
            keys.push((vec!["plugins", schema.runtime(), "cdi_spec_dirs"], folders.into()));
        }
        if self.soci {
            keys.extend(soci(schema));
        }
        keys
    }
}

fn runtime(schema: Schema, name: &'static str, option: (&'static str, Value)) -> Vec<Key> {
    let at = |tail: &[&'static str]| {
        [&["plugins", schema.runtime(), "containerd", "runtimes", name], tail].concat()
    };
    let mut keys =
        vec![(at(&["runtime_type"]), "io.containerd.runc.v2".into()), (at(&["options", option.0]), option.1)];
    if option.0 != "SystemdCgroup" {
        // The kubelet of every EKS image uses the systemd cgroup driver, and the two must agree.
        keys.push((at(&["options", "SystemdCgroup"]), true.into()));
    }
    keys
}

fn soci(schema: Schema) -> Vec<Key> {
    let images: &[&'static str] = match schema {
        Schema::V2 => &["plugins", "io.containerd.grpc.v1.cri", "containerd"],
        Schema::V3 => &["plugins", "io.containerd.cri.v1.images"],
    };
    let mut keys = vec![
        ([images, &["snapshotter"]].concat(), "soci".into()),
        // The snapshotter learns from the annotations which image it pulls.
        ([images, &["disable_snapshot_annotations"]].concat(), false.into()),
        (vec!["proxy_plugins", "soci", "type"], "snapshot".into()),
        (vec!["proxy_plugins", "soci", "address"], SOCI_SOCKET.into()),
    ];
    if schema == Schema::V3 {
        keys.push((vec!["proxy_plugins", "soci", "exports", "root"], super::soci::ROOT.into()));
    }
    keys
}

/// What `containerd config dump` shows in place of our settings.
pub(super) fn not_in_force(dump: &str, settings: Settings) -> Result<Vec<String>, EditError> {
    let dump = toml_file::parse(Path::new("containerd config dump"), dump)?;
    let schema = if dump.get("version").and_then(toml_edit::Item::as_integer) == Some(2) {
        Schema::V2
    } else {
        Schema::V3
    };
    Ok(settings
        .keys(schema)
        .iter()
        .filter_map(|(path, value)| toml_file::difference(&dump, path, value))
        .collect())
}
