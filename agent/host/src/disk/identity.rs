//! What kind of disk a controller says it is.

use std::fmt;

/// `model` of an instance-store disk, padding removed.
pub const INSTANCE_STORE_MODEL: &str = "Amazon EC2 NVMe Instance Storage";
/// `model` of an EBS volume, padding removed.
pub const EBS_MODEL: &str = "Amazon Elastic Block Store";

/// The kind of a disk, by the exact model in its controller's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A disk of the host, gone when the instance stops.
    InstanceStore,
    /// A network volume.
    Ebs {
        /// `vol-…`, with the dash that the serial leaves out.
        volume_id: String,
    },
    /// Anything else, by its model; never touched.
    Other(String),
}

impl Identity {
    /// Decides from sysfs's `model` and `serial`. An EBS model with a serial that is no volume id is `Other`.
    pub fn new(model: &str, serial: &str) -> Self {
        match model.trim() {
            INSTANCE_STORE_MODEL => Self::InstanceStore,
            EBS_MODEL => match volume_id(serial) {
                Some(volume_id) => Self::Ebs { volume_id },
                None => Self::Other(format!("{EBS_MODEL} with the serial {serial:?}")),
            },
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InstanceStore => f.write_str("instance store"),
            Self::Ebs { volume_id } => f.write_str(volume_id),
            Self::Other(model) => write!(f, "{model:?}"),
        }
    }
}

/// `vol0123456789abcdef0` or `vol-0123456789abcdef0` as `vol-0123456789abcdef0`.
fn volume_id(serial: &str) -> Option<String> {
    let digits = serial.trim().strip_prefix("vol")?;
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    // 17 digits today, 8 for volumes from before 2016.
    let fits = matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| format!("vol-{}", digits.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_models_count() {
        let ebs = Identity::Ebs { volume_id: "vol-0123456789abcdef0".to_owned() };
        assert_eq!(Identity::new("Amazon Elastic Block Store              ", "vol0123456789abcdef0"), ebs);
        assert_eq!(Identity::new(EBS_MODEL, "vol-0123456789abcdef0"), ebs);
        assert_eq!(Identity::new(INSTANCE_STORE_MODEL, "AWS22C40A7D1"), Identity::InstanceStore);
        for (model, serial) in [
            ("Amazon EC2 NVMe Instance Storage 2", "AWS1"),
            ("amazon elastic block store", "vol0123456789abcdef0"),
            (EBS_MODEL, "vol"),
            (EBS_MODEL, "vol0123456789abcdeg0"),
            (EBS_MODEL, "AWS22C40A7D1"),
            ("", ""),
        ] {
            assert!(matches!(Identity::new(model, serial), Identity::Other(_)), "{model} {serial}");
        }
    }
}
