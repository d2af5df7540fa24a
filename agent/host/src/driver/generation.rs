//! The generation of a GPU, by its PCI device id.

/// A generation of GPUs, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// Pascal and older.
    BeforeVolta,
    /// V100.
    Volta,
    /// T4, T4G.
    Turing,
    /// A100, A10G.
    Ampere,
    /// H100, H200.
    Hopper,
    /// L4, L40S.
    Ada,
    /// B200, GB200, RTX PRO 4500 and 6000.
    Blackwell,
    /// B300, GB300.
    BlackwellUltra,
    /// An id that this table does not know: newer than the table, as a rule.
    Unknown,
}

/// The first id of each run of ids and what begins there. NVIDIA hands out ids in runs by chip (GV100 1d80, TU102 1e00,
/// GA100 2080, GH100 2300, AD102 2600, GB100 2900, GB202 2b80, GB110 3180). Sources: the PCI ID database (`pci.ids`), vendor
/// 10de: 1db1 V100, 1eb8 T4, 20b0 A100, 2237 A10G, 2330 H100, 2335 H200, 27b8 L4, 26b9 L40S, 2901 B200, 2941 GB200, 2bb5
/// RTX PRO 6000 Server, 3182 B300; all of Turing and later also in the table "Compatible GPUs" of NVIDIA's
/// `open-gpu-kernel-modules` (README); 31c2 GB300 in the EKS image's `nvidia-open-supported-devices-580.txt`.
const RUNS: [(u32, Generation); 12] = [
    (0x0000, Generation::BeforeVolta),
    (0x1d80, Generation::Volta),
    (0x1e00, Generation::Turing),
    (0x2080, Generation::Ampere),
    // TU116 and TU117, between the first and the later Amperes.
    (0x2180, Generation::Turing),
    (0x2200, Generation::Ampere),
    (0x2300, Generation::Hopper),
    (0x2400, Generation::Ampere),
    (0x2600, Generation::Ada),
    (0x2900, Generation::Blackwell),
    (0x3180, Generation::BlackwellUltra),
    (0x3200, Generation::Unknown),
];

/// The first words of EC2's names.
const MODELS: [(&str, Generation); 13] = [
    ("V100", Generation::Volta),
    ("T4", Generation::Turing),
    ("T4g", Generation::Turing),
    ("A100", Generation::Ampere),
    ("A10G", Generation::Ampere),
    ("H100", Generation::Hopper),
    ("H200", Generation::Hopper),
    ("L4", Generation::Ada),
    ("L40S", Generation::Ada),
    ("B200", Generation::Blackwell),
    ("GB200", Generation::Blackwell),
    ("RTX", Generation::Blackwell),
    ("B300", Generation::BlackwellUltra),
];

/// As NVIDIA calls it.
impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BeforeVolta => "Pascal or older",
            Self::Volta => "Volta",
            Self::Turing => "Turing",
            Self::Ampere => "Ampere",
            Self::Hopper => "Hopper",
            Self::Ada => "Ada Lovelace",
            Self::Blackwell => "Blackwell",
            Self::BlackwellUltra => "Blackwell Ultra",
            Self::Unknown => "unknown",
        })
    }
}

impl Generation {
    /// The generation of the GPU with this PCI device id.
    pub fn of(device_id: u32) -> Self {
        let run = RUNS.iter().rev().find(|(first, _)| *first <= device_id);
        run.map_or(Self::Unknown, |(_, generation)| *generation)
    }

    /// The generation of a model, by EC2's name of it.
    pub fn of_model(name: &str) -> Self {
        let word = name.split_whitespace().next().unwrap_or_default();
        let known = MODELS.iter().find(|(model, _)| *model == word);
        known.map_or(Self::Unknown, |(_, generation)| *generation)
    }

    /// NVIDIA has no closed kernel modules for it ("Transitioning fully towards open-source GPU kernel modules",
    /// NVIDIA developer blog, July 2024).
    pub fn open_only(self) -> bool {
        matches!(self, Self::Blackwell | Self::BlackwellUltra)
    }

    /// The open kernel modules do not know it: they need the GPU's own system processor, which came with Turing (same
    /// source).
    pub fn closed_only(self) -> bool {
        self < Self::Turing
    }

    /// The first driver that drives it, as far as it matters to what is still offered. Blackwell: NVIDIA's GPU Operator
    /// ("Platform Support": HGX B200 wants 570.133.20 or later; for its other boards no older one is named anywhere, and
    /// the EKS image's list of branch 570 lacks some of them). Blackwell Ultra: the EKS image's lists of what the open
    /// modules drive (`nvidia-open-supported-devices-*.txt`) have B300 and GB300 for branch 580 and not for 575; no
    /// version is named within it.
    pub fn first_driver(self) -> Option<[u32; 3]> {
        match self {
            Self::Blackwell => Some([570, 133, 20]),
            Self::BlackwellUltra => Some([580, 0, 0]),
            _ => None,
        }
    }

    /// The last driver branch that drives it ("UNIX graphics feature deprecation schedule", NVIDIA, June 2025: release
    /// 580 is the last for Maxwell, Pascal and Volta).
    pub fn last_branch(self) -> Option<u32> {
        self.closed_only().then_some(580)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_of_the_catalogue_is_known() {
        for kind in crate::catalog::all() {
            for gpu in &kind.gpus {
                assert_ne!(Generation::of_model(&gpu.name), Generation::Unknown, "{}", gpu.name);
            }
        }
    }
}
