//! An OCI image layout (OCI image specification 1.1): blobs by their sums, one manifest for each processor, one index.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::archive::{self, Entry};
use super::elf::Processor;
use super::{Kind, Recipe};
use crate::error::Error;
use crate::package::hex;

/// Bytes under the name of their sum.
pub(crate) struct Blob {
    pub(crate) bytes: Vec<u8>,
    media_type: &'static str,
}

impl Blob {
    fn json(media_type: &'static str, value: &Value) -> Self {
        Self { bytes: value.to_string().into_bytes(), media_type }
    }

    pub(crate) fn hex(&self) -> String {
        hex(&Sha256::digest(&self.bytes))
    }

    pub(crate) fn digest(&self) -> String {
        format!("sha256:{}", self.hex())
    }

    fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest(), "size": self.bytes.len() })
    }

    fn write(&self, layout: &Path) -> Result<(), Error> {
        let path = layout.join("blobs/sha256").join(self.hex());
        fs::write(&path, &self.bytes).map_err(Error::file("write", path))
    }
}

/// The image for one processor. Its layer is not compressed: a registry's clients compress what they push, and every
/// version of a compressor has digests of its own.
pub(crate) struct Platform {
    pub(crate) processor: Processor,
    pub(crate) layer: Blob,
    pub(crate) config: Blob,
    manifest: Blob,
}

impl Platform {
    pub(crate) fn new(recipe: &Recipe, processor: Processor, program: &[u8]) -> Result<Self, Error> {
        let entry = Entry { path: recipe.kind.program(), mode: 0o755, bytes: program };
        let bytes = archive::tar(&[entry], recipe.epoch).map_err(Error::file("write", "the layer"))?;
        let layer = Blob { bytes, media_type: "application/vnd.oci.image.layer.v1.tar" };
        let created = recipe.created();
        let config = json!({
            "architecture": processor.name(),
            "os": "linux",
            "created": created,
            "config": {
                // Root, since it enters the host's root by chroot; what else root may do the pod takes away.
                "User": "0:0",
                "Entrypoint": recipe.kind.entrypoint(),
                "Labels": recipe.labels(),
            },
            "rootfs": { "type": "layers", "diff_ids": [layer.digest()] },
            "history": [{ "created": created, "created_by": "cargo xtask image" }],
        });
        let config = Blob::json("application/vnd.oci.image.config.v1+json", &config);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": [layer.descriptor()],
            "annotations": recipe.labels(),
        });
        Ok(Self { processor, layer, config, manifest: Blob::json(MANIFEST, &manifest) })
    }

    fn descriptor(&self) -> Value {
        let mut descriptor = self.manifest.descriptor();
        descriptor["platform"] = json!({ "architecture": self.processor.name(), "os": "linux" });
        descriptor
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Recipe {
    /// The keys of the OCI image specification, "Pre-Defined Annotation Keys".
    fn labels(&self) -> Value {
        let mut labels = Map::new();
        let mut add = |key: &str, value: &str| {
            labels.insert(format!("org.opencontainers.image.{key}"), value.into());
        };
        add(
            "title",
            match self.kind {
                Kind::Daemonset | Kind::Check => self.kind.name(),
            },
        );
        add("description", self.kind.about());
        add("version", &self.version);
        add("licenses", "Apache-2.0");
        add("created", &self.created());
        if let Some(revision) = &self.revision {
            add("revision", revision);
        }
        Value::Object(labels)
    }

    /// RFC 3339, UTC.
    fn created(&self) -> String {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(self.epoch);
        humantime::format_rfc3339_seconds(time).to_string()
    }
}

/// Writes the layout and returns the digest that names the image: of the index where there are several processors, else
/// of the one manifest.
pub(crate) fn write(recipe: &Recipe, platforms: &[Platform], layout: &Path) -> Result<String, Error> {
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(Error::file("create", blobs))?;
    for platform in platforms {
        for blob in [&platform.layer, &platform.config, &platform.manifest] {
            blob.write(layout)?;
        }
    }
    let mut top = match platforms {
        [one] => one.descriptor(),
        several => {
            let manifests: Vec<_> = several.iter().map(Platform::descriptor).collect();
            let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
            let index = Blob::json(INDEX, &index);
            index.write(layout)?;
            index.descriptor()
        }
    };
    let digest = top["digest"].as_str().unwrap_or_default().to_owned();
    top["annotations"] = json!({ "org.opencontainers.image.ref.name": recipe.version });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [top] });
    for (name, text) in [("index.json", index.to_string()), ("oci-layout", LAYOUT.to_owned())] {
        let path = layout.join(name);
        fs::write(&path, text).map_err(Error::file("write", path))?;
    }
    Ok(digest)
}

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
