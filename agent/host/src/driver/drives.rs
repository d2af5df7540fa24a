//! Which driver drives which GPU.

use super::{Generation, Wanted};

/// Whether a driver drives every GPU: this version, the newest of this branch, or the newest of all.
pub fn drives(driver: &Wanted, gpus: &[Generation]) -> Result<(), Undriven> {
    let [branch, minor, patch] = match driver {
        Wanted::Exact(version) => {
            let [branch, minor, patch, _] = version.numbers();
            [branch, minor, patch]
        }
        Wanted::Branch(branch) => [*branch, u32::MAX, u32::MAX],
        Wanted::Latest => return Ok(()),
    };
    for gpu in gpus {
        let need = match (gpu.first_driver(), gpu.last_branch()) {
            (Some([first, ..]), _) if branch < first => Need::Branch(first),
            (Some(first), _) if [branch, minor, patch] < first => Need::Version(first),
            (_, Some(last)) if branch > last => Need::AtMost(last),
            _ => continue,
        };
        return Err(Undriven { driver: [branch, minor, patch], gpu: *gpu, need });
    }
    Ok(())
}

/// A GPU that a driver does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} does not drive {gpu} GPUs, which need {}", self.what(), self.what_is_needed())]
pub struct Undriven {
    /// The driver's first three numbers; of a branch, only the first counts.
    pub driver: [u32; 3],
    /// The GPU.
    pub gpu: Generation,
    /// The drivers that do.
    pub need: Need,
}

/// The drivers that drive a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// This branch or a newer one.
    Branch(u32),
    /// This version or a newer one.
    Version([u32; 3]),
    /// This branch or an older one.
    AtMost(u32),
}

/// As NVIDIA writes it: `570.133.20`, `580.65.06`.
fn dotted([branch, minor, patch]: [u32; 3]) -> String {
    format!("{branch}.{minor}.{patch:02}")
}

impl Undriven {
    /// What may be written instead, to complete "allowed: …".
    pub fn allowed(&self) -> String {
        match self.need {
            Need::Branch(first) => format!("latest, or a version or branch of {first} or newer"),
            Need::AtMost(last) => format!("latest, or a version or branch of {last} or older"),
            Need::Version(first) => {
                format!("latest, {}, or a version of {} or newer", first[0], dotted(first))
            }
        }
    }

    fn what(&self) -> String {
        match self.need {
            Need::Version(_) => format!("driver {}", dotted(self.driver)),
            Need::Branch(_) | Need::AtMost(_) => format!("driver branch {}", self.driver[0]),
        }
    }

    fn what_is_needed(&self) -> String {
        match self.need {
            Need::Branch(first) => format!("branch {first} or newer"),
            Need::AtMost(last) => format!("branch {last} or older"),
            Need::Version(first) => format!("{} or newer", dotted(first)),
        }
    }
}
