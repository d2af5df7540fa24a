//! What the EFA driver says (`efa_com.c`, `efa_main.c`). It has no automatic reset after an admin timeout: what is
//! fatal here stays so until the driver is bound anew, the machine reboots or the instance is replaced.

use serde::{Deserialize, Serialize};

use super::text::{MAX_NAME, MAX_TEXT, clip};
use crate::pci_address::PciAddress;

/// One message about one EFA device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EfaEvent {
    /// Its address, where the line has one.
    pub pci: Option<PciAddress>,
    /// The RDMA device, for example `rdmap79s0`, where the line has one.
    pub device: Option<String>,
    /// What happened.
    pub kind: EfaKind,
    /// The message, up to 240 bytes.
    pub text: String,
}

/// What a message says about the device's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EfaClass {
    /// The device is out of use.
    Fatal,
    /// Something is odd; programs' own mistakes cause some of these too.
    Suspect,
    /// The device came up.
    Good,
    /// The driver let go of the device.
    Removed,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $class:ident, $($text:literal)|+;)+) => {
        /// The messages that matter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum EfaKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl EfaKind {
            /// What it says about the device's health.
            pub fn class(self) -> EfaClass {
                match self {
                    $(Self::$kind => EfaClass::$class,)+
                }
            }
        }

        /// How each message begins.
        const MESSAGES: &[(&str, EfaKind)] = &[$($(($text, EfaKind::$kind),)+)+];
    };
}

kinds! {
    /// The card did not answer an admin command that the driver polled for.
    PollTimeout = Fatal, "Wait for completion (polling) timeout";
    /// The card did not answer an admin command.
    NoCompletion = Fatal, "The device didn't send any completion for admin cmd";
    /// An earlier command was not answered; every command fails from now on.
    AdminQueueClosed = Fatal, "Admin queue is closed";
    /// The card is not ready, so the driver could not start.
    NotReady = Fatal, "Device isn't ready, abort com init";
    /// The card is not ready, so the driver could not reset it.
    ResetRefused = Fatal, "Device isn't ready, can't reset device";
    /// A reset of the card did not begin or did not end.
    ResetStuck = Fatal, "Reset indication didn't turn on" | "Reset indication didn't turn off";
    /// The card did not answer a register read within 50 ms.
    RegisterTimeout = Fatal, "Reading register timed out";
    /// The driver could not bring the card up.
    InitFailed = Fatal, "EFA device init failed" | "probe with driver efa failed";
    /// The driver could not set up register reads.
    MmioFailed = Fatal, "Failed to init readless MMIO";
    /// The card's memory regions are missing.
    BarsUnavailable = Fatal, "BARs unavailable" | "Doorbells BAR unavailable";
    /// The card answered, but its interrupt was lost.
    LostInterrupt = Suspect, "The device sent a completion but the driver didn't receive any MSI-X interrupt";
    /// The card answered what was not asked.
    UnexpectedCompletion = Suspect, "Received completion with unexpected command id";
    /// The card sent an event that the driver does not know.
    UnknownEvent = Suspect, "Unknown event was received" | "Unknown event type received";
    /// A command could not be given to the card.
    NotSubmitted = Suspect, "Failed to submit command";
    /// The card refused a command; a program's plain mistake does this too.
    NotProcessed = Suspect, "Failed to process command";
    /// The RDMA device is there.
    Registered = Good, "IB device registered";
    /// The driver has its interrupt.
    IrqSetUp = Good, "Setup irq:";
    /// The RDMA device goes away.
    Unregistered = Removed, "Unregister ib device";
}

pub(super) fn parse(text: &str) -> Option<EfaEvent> {
    let (subject, message) = text.split_once(": ")?;
    let (_, kind) = MESSAGES.iter().find(|(start, _)| message.starts_with(start))?;
    let mut words = subject.split(' ');
    let (pci, device) = match (words.next()?, words.next()?) {
        ("infiniband", device) => (None, Some(device)),
        ("efa", address) => (Some(address.parse().ok()?), words.next()),
        _ => return None,
    };
    // Before the RDMA device has its name, the kernel prints `(null)` or `(NULL ib_device)`.
    let device = device.filter(|name| !name.starts_with('(') && !name.is_empty());
    let device = device.map(|name| clip(name, MAX_NAME));
    Some(EfaEvent { pci, device, kind: *kind, text: clip(message, MAX_TEXT) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_the_subject() {
        let full = parse("efa 0000:4f:00.0 rdmap79s0: Admin queue is closed").unwrap();
        assert_eq!(full.pci.unwrap().to_string(), "0000:4f:00.0");
        assert_eq!((full.device.as_deref(), full.kind), (Some("rdmap79s0"), EfaKind::AdminQueueClosed));
        let pci = parse("efa 0000:4f:00.0: Setup irq:93 name:efa-mgmnt@pci:0000:4f:00.0").unwrap();
        assert_eq!((pci.device, pci.kind.class()), (None, EfaClass::Good));
        let rdma = parse("infiniband rdmap79s0: Wait for completion (polling) timeout").unwrap();
        assert_eq!((rdma.pci, rdma.device.as_deref()), (None, Some("rdmap79s0")));
        let unnamed = parse("efa 0000:4f:00.0 (null): Device isn't ready, abort com init 0x0").unwrap();
        assert_eq!((unnamed.device, unnamed.kind), (None, EfaKind::NotReady));
    }

    #[test]
    fn every_message_is_found_and_has_its_class() {
        for (start, kind) in MESSAGES {
            let event = parse(&format!("efa 0000:4f:00.0 rdmap79s0: {start} and more")).unwrap();
            assert_eq!(event.kind, *kind);
        }
        let class =
            |message: &str| parse(&format!("efa 0000:4f:00.0 rdmap79s0: {message}")).unwrap().kind.class();
        let tail = "admin cmd CREATE_AH(5) status 1 (id: 7, sq producer: 8, sq consumer: 7, cq consumer: 7)";
        assert_eq!(class(&format!("The device didn't send any completion for {tail}")), EfaClass::Fatal);
        let lost = "The device sent a completion but the driver didn't receive any MSI-X interrupt for";
        assert_eq!(class(&format!("{lost} {tail}")), EfaClass::Suspect);
        assert_eq!(
            class("Failed to process command GET_STATS (opcode 11) comp_status 6 err -22"),
            EfaClass::Suspect
        );
        assert_eq!(class("Unregister ib device"), EfaClass::Removed);
    }

    #[test]
    fn other_lines_and_other_drivers_are_none() {
        for text in [
            "efa: loading out-of-tree module taints kernel.",
            "efa 0000:4f:00.0: enabling device (0010 -> 0012)",
            "efa nonsense rdmap79s0: Admin queue is closed",
            "mlx5_core 0000:4f:00.0 mlx5_0: Admin queue is closed",
            "infiniband: Admin queue is closed",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
