//! Disks of a virtual machine.

use super::Error;

const GIB: u64 = 1 << 30;

/// A disk of a virtual machine. Sizes are nominal: only what is written takes space on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    pub(super) identity: Identity,
    pub(super) serial: String,
    /// Bytes.
    pub(super) size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    InstanceStore,
    Ebs,
    Foreign,
}

impl Identity {
    /// The model that the NVMe controller reports. Source: Amazon's udev rules, `70-ec2-nvme-devices.rules`.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::InstanceStore => "Amazon EC2 NVMe Instance Storage",
            Self::Ebs => "Amazon Elastic Block Store",
            Self::Foreign => "QEMU NVMe Ctrl",
        }
    }
}

impl Disk {
    /// An instance-store disk of EC2 with this serial number (EC2's begin with `AWS`).
    pub fn instance_store(serial: &str, gib: u64) -> Self {
        Self::new(Identity::InstanceStore, serial, gib)
    }

    /// An EBS volume; its serial number is the volume id without the dash, `vol0123456789abcdef0`.
    pub fn ebs(serial: &str, gib: u64) -> Self {
        Self::new(Identity::Ebs, serial, gib)
    }

    /// An NVMe disk that is not EC2's: model `QEMU NVMe Ctrl`.
    pub fn foreign(serial: &str, gib: u64) -> Self {
        Self::new(Identity::Foreign, serial, gib)
    }

    /// The same disk with another size, in MiB, for tests that read all of it.
    #[must_use]
    pub fn mib(mut self, mib: u64) -> Self {
        self.size = mib << 20;
        self
    }

    fn new(identity: Identity, serial: &str, gib: u64) -> Self {
        Self { identity, serial: serial.to_owned(), size: gib * GIB }
    }

    /// 20 characters is what NVMe has for a serial number; the guest uses it as a file name.
    pub(super) fn check(&self) -> Result<(), Error> {
        let plain = self.serial.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if plain && (1..=20).contains(&self.serial.len()) && self.size > 0 {
            return Ok(());
        }
        Err(Error::Description(format!(
            "disk {:?}: a serial number has 1 to 20 letters, digits and dashes, a size is at least 1 GiB",
            self.serial
        )))
    }

    pub(super) fn is_ec2(&self) -> bool {
        self.identity != Identity::Foreign
    }

    /// The line the guest's first program reads.
    pub(super) fn line(&self) -> String {
        format!("{}|{}|{}\n", self.serial, self.size, self.identity.model())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_serial_bytes_and_model() {
        let disk = Disk::ebs("vol0123456789abcdef0", 2);
        assert_eq!(disk.line(), "vol0123456789abcdef0|2147483648|Amazon Elastic Block Store\n");
        assert!(disk.check().is_ok());
    }

    #[test]
    fn refuses_serial_numbers_nvme_cannot_hold() {
        for bad in ["", "a b", "a/b", "123456789012345678901"] {
            assert!(Disk::ebs(bad, 1).check().is_err(), "{bad:?}");
        }
        assert!(Disk::ebs("a", 0).check().is_err());
    }
}
