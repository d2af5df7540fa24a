//! The answer to NVMe's Identify Controller command: who the controller is, and under which device name EBS
//! attached the volume. The command itself (admin opcode 0x06, CNS 1) is sent by the agent.

use super::identity::{EBS_MODEL, Identity};
use super::reader::{le16, text};

/// Bytes in the answer.
pub const LEN: usize = 4096;
/// Amazon's PCI vendor id.
pub const AMAZON: u16 = 0x1d0f;
/// Where the vendor's own part begins, and the length of the device name in it.
const NAME: std::ops::Range<usize> = 3072..3104;

/// What gpunode needs of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// PCI vendor id.
    pub vendor: u16,
    /// Serial number, padding removed.
    pub serial: String,
    /// Model number, padding removed.
    pub model: String,
    /// The device name that was asked for when the volume was attached, without `/dev/`: `sdf`, `xvdba`. Only for
    /// EBS volumes of Amazon's controllers; others keep other things there.
    pub device_name: Option<String>,
}

/// Why an answer cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Identify Controller answer has {0} bytes, not {LEN}")]
pub struct WrongLength(pub usize);

/// Reads the answer.
pub fn parse(answer: &[u8]) -> Result<Controller, WrongLength> {
    if answer.len() != LEN {
        return Err(WrongLength(answer.len()));
    }
    let vendor = le16(answer, 0);
    let serial = padded(&answer[4..24]);
    let model = padded(&answer[24..64]);
    let is_ebs = vendor == AMAZON
        && model == EBS_MODEL
        && matches!(Identity::new(&model, &serial), Identity::Ebs { .. });
    let device_name = if is_ebs { device_name(&padded(&answer[NAME])) } else { None };
    Ok(Controller { vendor, serial, model, device_name })
}

/// A device name without `/dev/`, or `None` where it is none: names are lower-case letters and digits, as EC2
/// allows them (`sdf`, `sda1`, `xvdba`).
pub fn device_name(name: &str) -> Option<String> {
    let bare = name.trim().strip_prefix("/dev/").unwrap_or(name.trim());
    let fits = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    fits.then(|| bare.to_owned())
}

fn padded(field: &[u8]) -> String {
    text(field).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(vendor: u16, serial: &[u8], model: &[u8], name: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; LEN];
        bytes[0..2].copy_from_slice(&vendor.to_le_bytes());
        bytes[4..64].fill(b' ');
        bytes[4..4 + serial.len()].copy_from_slice(serial);
        bytes[24..24 + model.len()].copy_from_slice(model);
        bytes[3072..3072 + name.len()].copy_from_slice(name);
        bytes
    }

    #[test]
    fn the_device_name_is_read_in_each_of_its_forms() {
        for name in [&b"/dev/sdf"[..], b"sdf", b"sdf                             ", b"/dev/sdf\0\0junk"] {
            let controller =
                parse(&answer(AMAZON, b"vol0123456789abcdef0", EBS_MODEL.as_bytes(), name)).unwrap();
            assert_eq!(controller.device_name.as_deref(), Some("sdf"));
            assert_eq!(controller.serial, "vol0123456789abcdef0");
            assert_eq!(controller.model, EBS_MODEL);
        }
    }

    #[test]
    fn a_name_is_believed_only_from_an_ebs_volume_of_amazon() {
        let ebs = EBS_MODEL.as_bytes();
        let store = b"Amazon EC2 NVMe Instance Storage";
        for bytes in [
            answer(0x1b36, b"vol0123456789abcdef0", ebs, b"sdf"),
            answer(AMAZON, b"AWS123", store, b"ephemeral0:sdb"),
            answer(AMAZON, b"not a volume", ebs, b"sdf"),
            answer(AMAZON, b"vol0123456789abcdef0", ebs, b"../sda"),
            answer(AMAZON, b"vol0123456789abcdef0", ebs, b""),
        ] {
            assert_eq!(parse(&bytes).unwrap().device_name, None);
        }
    }

    #[test]
    fn another_length_is_an_error() {
        assert_eq!(parse(&[0; 512]), Err(WrongLength(512)));
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), LEN)) {
            let controller = parse(&bytes).unwrap();
            prop_assert!(controller.device_name.is_none_or(|name| !name.contains('/')));
        }
    }
}
