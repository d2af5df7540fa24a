//! Writes the user data of a GPU node, as [`super::parse`], cloud-init, nodeadm and Karpenter read it.
//!
//! The same input gives the same bytes, everywhere and always: launch templates are compared by their content.

mod document;
mod fetch;

#[cfg(test)]
mod tests;

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

pub use fetch::{Fetch, FetchError};

use document::Document;

/// Bytes that EC2 takes, before base64 (EC2 API reference, RunInstances, `UserData`).
pub const LIMIT: usize = 16 * 1024;

/// Bytes of [`LIMIT`] that are left to Karpenter: it appends a NodeConfig of its own, with the cluster's certificate
/// (about 1.5 KiB), labels, taints and kubelet settings of the pool.
pub const KARPENTER_ROOM: usize = 4 * 1024;

/// How the agent comes to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// It is in the image, with its unit.
    Baked,
    /// A shell script fetches it, proves it and starts it.
    Fetch(Fetch),
}

/// What the user data of one node is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserData {
    /// How the agent comes to the node.
    pub start: Start,
    /// Our settings, TOML; see [`crate::spec::written_toml`].
    pub settings: String,
    /// NodeConfig documents for nodeadm, which merges them in this order.
    pub node_configs: Vec<String>,
}

/// Why user data cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// More than fits.
    #[error(
        "the user data has {size} bytes, {} more than the {limit} that there is room for; the largest part is {largest} \
         ({largest_size} bytes)",
        size - limit
    )]
    TooLarge {
        /// Bytes of all.
        size: usize,
        /// Bytes that there is room for.
        limit: usize,
        /// What the largest part is.
        largest: &'static str,
        /// Its bytes.
        largest_size: usize,
    },
    /// A part that a reader would split or change.
    #[error("{part}, line {line}: {problem}")]
    Unfit {
        /// Which part.
        part: &'static str,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A document that nodeadm would not take.
    #[error("the NodeConfig does not name apiVersion `node.eks.aws/…`, so nodeadm would not read it")]
    NotNodeConfig,
    /// Our own compressor failed, which memory alone can bring about.
    #[error("cannot compress the user data: {0}")]
    Gzip(String),
}

impl UserData {
    /// A MIME document for a launch template. It fits [`LIMIT`]; compressed where `gzip`, which cloud-init and nodeadm
    /// take, and EKS (which merges the user data of a managed node group without an AMI of its own) may not.
    pub fn mime(&self, gzip: bool) -> Result<Vec<u8>, WriteError> {
        let document = self.document()?;
        let plain = document.text().into_bytes();
        let bytes = if gzip { compress(&plain)? } else { plain };
        document.fits(bytes.len(), LIMIT)?;
        Ok(bytes)
    }

    /// A fragment of an `EC2NodeClass` of Karpenter v1: `spec.userData` with the MIME document in it, and room left
    /// for what Karpenter appends. Its own NodeConfig comes after ours, so it wins where both say something.
    pub fn karpenter(&self) -> Result<String, WriteError> {
        let document = self.document()?;
        document.is_clear_of(
            KARPENTER_BOUNDARY,
            "is a delimiter of the document that Karpenter writes around it",
        )?;
        let text = document.text();
        document.fits(text.len(), LIMIT - KARPENTER_ROOM)?;
        let mut yaml = String::from("spec:\n  userData: |\n");
        for line in text.lines() {
            // Trailing blanks on an empty line would be content.
            let indent = if line.is_empty() { "" } else { "    " };
            yaml.extend([indent, line, "\n"]);
        }
        Ok(yaml)
    }

    fn document(&self) -> Result<Document, WriteError> {
        let mut document = Document::default();
        let is_empty = self.node_configs.is_empty() && self.start == Start::Baked;
        if !self.settings.is_empty() || is_empty {
            let settings = if self.settings.is_empty() { NO_SETTINGS } else { &self.settings };
            document.add("the settings", super::CONTENT_TYPES[0], settings)?;
        }
        for config in &self.node_configs {
            if !config.contains(super::NODE_CONFIG_GROUP) {
                return Err(WriteError::NotNodeConfig);
            }
            document.add("the NodeConfig", super::NODE_CONFIG, config)?;
        }
        if let Start::Fetch(fetch) = &self.start {
            document.add("the script", "text/x-shellscript", &fetch.script())?;
        }
        Ok(document)
    }
}

/// A document without a part is none, so that one says where settings would go.
const NO_SETTINGS: &str = "# Settings of gpunode-agent; none differs from the defaults.\n";

/// Karpenter splits our document into its parts and writes one of its own around them and its NodeConfig, with this
/// boundary (karpenter-provider-aws, `pkg/providers/amifamily/bootstrap/mime`).
const KARPENTER_BOUNDARY: &str = "//";

/// Without name or time, so that the same text gives the same bytes.
fn compress(plain: &[u8]) -> Result<Vec<u8>, WriteError> {
    let failed = |error: std::io::Error| WriteError::Gzip(error.to_string());
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(plain).map_err(failed)?;
    encoder.finish().map_err(failed)
}
