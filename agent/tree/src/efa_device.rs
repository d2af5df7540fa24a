//! One EFA device: how it looks, and what can happen to it.

use std::fs;
use std::io;

use crate::efa::{Generation, device_id, generation, gid, rate};
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

    /// Plugs it in, with all counters at 0.
    pub(crate) fn plug(&self) -> io::Result<()> {
        let (files, folder) = (self.files, self.folder());
        let numa = self.place.numa_node.to_string();
        let id = format!("{:#06x}", device_id(self.family));
        for (file, value) in [
            ("vendor", "0x1d0f"),
            ("device", &*id),
            ("class", "0x020000"),
            ("numa_node", &*numa),
            ("power_state", "D0"),
        ] {
            files.put(&format!("{folder}/{file}"), value)?;
        }
        files.link(&format!("{folder}/driver"), "../../../bus/pci/drivers/efa")?;
        let bus = format!("/sys/bus/pci/devices/{}", self.place.address);
        files.link(&bus, &format!("../../../devices/pci0000:00/{}", self.place.address))?;
        self.plug_rdma_device()
    }

    fn plug_rdma_device(&self) -> io::Result<()> {
        let (files, rdma, generation) = (self.files, self.rdma(), self.generation());
        let gid = gid(&self.place.mac);
        let rate =
            if generation.knows_speed { rate(self.gbps.unwrap_or(100.0)) } else { "100 Gb/sec (4X EDR)" };
        for (file, value) in [
            ("node_type", "8: <unknown>"),
            ("node_guid", gid.strip_prefix("fe80:0000:0000:0000:").unwrap_or(&gid)),
            ("fw_ver", "0.0.0.0"),
            ("ports/1/gids/0", &gid),
            ("ports/1/state", "4: ACTIVE"),
            ("ports/1/phys_state", "5: LinkUp"),
            ("ports/1/link_layer", "Unknown"),
            ("ports/1/rate", rate),
        ] {
            files.put(&format!("{rdma}/{file}"), value)?;
        }
        files.link(&format!("{rdma}/device"), &format!("../../../{}", self.place.address))?;
        for counter in &generation.device {
            files.put(&format!("{}/{counter}", self.device_counters()), "0")?;
        }
        for counter in &generation.port {
            files.put(&format!("{}/{counter}", self.port_counters()), "0")?;
        }
        files.put(&format!("{}/lifespan", self.port_counters()), "10")?;
        if generation.p2p.is_some() {
            self.set_p2p(true)?;
        }
        self.plug_classes()
    }

    fn plug_classes(&self) -> io::Result<()> {
        let (files, name, verbs) = (self.files, &self.place.name, self.verbs());
        let target = format!("../../devices/pci0000:00/{}", self.place.address);
        files.put(&format!("{}/infiniband_verbs/{verbs}/ibdev", self.folder()), name)?;
        files.link(&format!("/sys/class/infiniband/{name}"), &format!("{target}/infiniband/{name}"))?;
        let class = format!("/sys/class/infiniband_verbs/{verbs}");
        files.link(&class, &format!("{target}/infiniband_verbs/{verbs}"))?;
        files.device(&format!("/dev/infiniband/{verbs}"))
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

    fn device_counters(&self) -> String {
        format!("{}/hw_counters", self.rdma())
    }

    fn port_counters(&self) -> String {
        format!("{}/ports/1/hw_counters", self.rdma())
    }
}
