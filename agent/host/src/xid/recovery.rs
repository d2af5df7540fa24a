//! What the driver asks for to bring a GPU back.

use serde::{Deserialize, Serialize};

/// The driver's verdict: the text of Xid 154 and NVML's field 230 (`GET_GPU_RECOVERY_ACTION`) use the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RecoveryAction {
    /// 0: nothing; what was asked for before is done with.
    None,
    /// 1: a reset of the GPU.
    GpuReset,
    /// 2: a reboot of the operating system.
    NodeReboot,
    /// 3: traffic between GPUs must stop first.
    DrainP2p,
    /// 4: running work must end, then a reset of the GPU.
    DrainAndReset,
    /// 5: the IMEX domain (NVLink over several machines) must be brought up again.
    RecoverImexDomain,
    /// 6: a reset of the PCI bus.
    BusReset,
    /// 7: a reboot of the whole system.
    SystemReboot,
    /// A number that was not known when this was written.
    #[serde(untagged)]
    Unknown(u32),
}

impl RecoveryAction {
    /// The driver's number.
    pub fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::GpuReset => 1,
            Self::NodeReboot => 2,
            Self::DrainP2p => 3,
            Self::DrainAndReset => 4,
            Self::RecoverImexDomain => 5,
            Self::BusReset => 6,
            Self::SystemReboot => 7,
            Self::Unknown(number) => number,
        }
    }
}

impl From<u32> for RecoveryAction {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::GpuReset,
            2 => Self::NodeReboot,
            3 => Self::DrainP2p,
            4 => Self::DrainAndReset,
            5 => Self::RecoverImexDomain,
            6 => Self::BusReset,
            7 => Self::SystemReboot,
            other => Self::Unknown(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back_also_for_a_number_nobody_knows() {
        for number in 0..10 {
            let action = RecoveryAction::from(number);
            let json = serde_json::to_string(&action).unwrap();
            assert_eq!(action.number(), number);
            assert_eq!(serde_json::from_str::<RecoveryAction>(&json).unwrap(), action, "{json}");
        }
    }
}
