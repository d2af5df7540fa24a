//! One EFA device: how it looks, and what can happen to it.

mod plug;

use std::fs;
use std::io;

use crate::efa::{Generation, generation};
use crate::files::Files;
use crate::place::EfaPlace;

/// One EFA device of a machine. All changes are written at once.
#[derive(Debug)]
pub struct EfaDevice<'a> {
    pub(crate) files: &'a Files,
    pub(crate) place: &'a EfaPlace,
    pub(crate) driver: Option<&'a str>,
    pub(crate) gbps: Option<f64>,
    pub(crate) family: &'a str,
}

impl EfaDevice<'_> {
    /// The RDMA device's name.
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// The PCI address.
    pub fn address(&self) -> &str {
        &self.place.address
    }

    /// The MAC address of its interface.
    pub fn mac(&self) -> &str {
        &self.place.mac
    }

    /// Sets a counter, wherever this driver keeps it.
    ///
    /// # Errors
    /// A counter that this driver does not have, or a file that cannot be written.
    pub fn set_counter(&self, counter: &str, value: u64) -> io::Result<()> {
        let path = self.counter_path(counter)?;
        // Written in place: a reader that holds the file open sees it.
        fs::write(self.files.at(&path), format!("{value}\n"))
    }

    /// The path of a counter's file, as the machine sees it.
    ///
    /// # Errors
    /// A counter that this driver does not have.
    pub fn counter_path(&self, counter: &str) -> io::Result<String> {
        let folders = [self.device_counters(), self.port_counters()];
        let mut paths = folders.iter().map(|folder| format!("{folder}/{counter}"));
        paths.find(|path| self.files.at(path).symlink_metadata().is_ok()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{} has no counter {counter}", self.name()))
        })
    }

    /// The card no longer answers: whoever reads the port's counters sleeps.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn stall_port(&self) -> io::Result<()> {
        self.files.stall(&self.stalling()?)
    }

    /// The card answers again, with 0 in the counter that stalled. Who sleeps wakes.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn release_port(&self) -> io::Result<()> {
        self.files.release(&self.stalling()?, b"0\n")
    }

    /// Whoever reads this counter of the driver's sleeps.
    ///
    /// # Errors
    /// A counter that this driver does not have, or a file that cannot be made.
    pub fn stall_counter(&self, counter: &str) -> io::Result<()> {
        self.files.stall(&self.counter_path(counter)?)
    }

    /// The counter of [`Self::stall_counter`] is read again, as 0. Who sleeps wakes.
    ///
    /// # Errors
    /// A counter that this driver does not have, or a file that cannot be written.
    pub fn release_counter(&self, counter: &str) -> io::Result<()> {
        self.files.release(&self.counter_path(counter)?, b"0\n")
    }

    /// Whoever reads this file of the RDMA device, `fw_ver` or `device/p2p`, sleeps.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn stall_file(&self, file: &str) -> io::Result<()> {
        self.files.stall(&self.file(file))
    }

    /// The file of [`Self::stall_file`] says this. Who sleeps wakes.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn release_file(&self, file: &str, value: &str) -> io::Result<()> {
        self.files.release(&self.file(file), format!("{value}\n").as_bytes())
    }

    /// The machine loses it altogether: no RDMA device, nothing on the bus.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        self.lose_rdma_device()?;
        self.files.remove(&format!("/sys/bus/pci/devices/{}", self.place.address))?;
        self.files.remove(&self.folder())
    }

    /// The driver holds it but made no RDMA device of it.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn lose_rdma_device(&self) -> io::Result<()> {
        self.files.remove(&format!("/sys/class/infiniband/{}", self.place.name))?;
        self.files.remove(&format!("/sys/class/infiniband_verbs/{}", self.verbs()))?;
        self.files.remove(&format!("{}/infiniband", self.folder()))?;
        self.files.remove(&format!("{}/infiniband_verbs", self.folder()))
    }

    /// No driver holds it.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn unbind(&self) -> io::Result<()> {
        self.lose_rdma_device()?;
        self.files.remove(&format!("{}/driver", self.folder()))
    }

    /// The driver was loaded again: the device is made anew, and all counters begin at 0.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn reload(&self) -> io::Result<()> {
        self.remove()?;
        self.plug()
    }

    /// What the driver says of the accelerator's memory; `None` is no provider.
    ///
    /// # Errors
    /// A driver that says nothing of it, or a file that cannot be written.
    pub fn set_p2p(&self, found: bool) -> io::Result<()> {
        let (file, yes) = self
            .generation()
            .p2p
            .ok_or_else(|| io::Error::other("the driver inside the kernel tree has no such file"))?;
        let no = if file == "gdr" { "0" } else { "" };
        self.files.put(&format!("{}/{file}", self.folder()), if found { yes } else { no })
    }

    /// The first of the port's files by name: the one whose reader sleeps.
    fn stalling(&self) -> io::Result<String> {
        let first = self.generation().port.into_iter().min();
        first
            .map(|counter| format!("{}/{counter}", self.port_counters()))
            .ok_or_else(|| io::Error::other("the driver has no counters"))
    }

    fn generation(&self) -> Generation {
        generation(self.driver)
    }

    fn verbs(&self) -> String {
        format!("uverbs{}", self.place.number)
    }

    fn folder(&self) -> String {
        format!("/sys/devices/pci0000:00/{}", self.place.address)
    }

    fn rdma(&self) -> String {
        format!("{}/infiniband/{}", self.folder(), self.place.name)
    }

    /// Of the RDMA device, or below `device/` of its PCI function.
    fn file(&self, file: &str) -> String {
        match file.strip_prefix("device/") {
            Some(file) => format!("{}/{file}", self.folder()),
            None => format!("{}/{file}", self.rdma()),
        }
    }

    fn device_counters(&self) -> String {
        format!("{}/hw_counters", self.rdma())
    }

    fn port_counters(&self) -> String {
        format!("{}/ports/1/hw_counters", self.rdma())
    }
}
