//! Whether the EFA driver can reach an accelerator's memory (GPUDirect RDMA).

use serde::Serialize;

/// What the driver says in `p2p` (since 2.6) or `gdr` (before) beside its PCI function. Source: `efa_sysfs.c`.
///
/// This is about the driver's own way, the provider's kernel symbols. A program that hands over its GPU memory as
/// dma-buf (kernel 5.12 and the open NVIDIA modules) needs no provider, so [`P2p::Unknown`], which is all the driver
/// inside the kernel tree ever says, is no fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state", content = "provider")]
pub enum P2p {
    /// Neither file is there, or it cannot be read.
    #[default]
    Unknown,
    /// The driver found no provider: its file is empty, or says 0.
    None,
    /// The provider's name, `NVIDIA` or `NEURON`; of `gdr`, which only says 1, `NVIDIA`: the only one at its time.
    Provider(String),
}

impl P2p {
    /// `value` reads a file of the device's PCI function.
    pub(super) fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        if let Some(text) = value("p2p") {
            return Self::parse_p2p(&text);
        }
        value("gdr").map_or(Self::Unknown, |text| Self::parse_gdr(&text))
    }

    /// The text of `p2p` without white space around it.
    pub fn parse_p2p(text: &str) -> Self {
        if text.is_empty() { Self::None } else { Self::Provider(text.to_owned()) }
    }

    /// The text of `gdr` without white space around it.
    pub fn parse_gdr(text: &str) -> Self {
        match text {
            "1" => Self::Provider("NVIDIA".to_owned()),
            "0" => Self::None,
            _ => Self::Unknown,
        }
    }
}
