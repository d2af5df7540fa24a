//! One GPU: how it looks, and what can happen to it.

use std::io;

use gpunode_host::catalog::InstanceType;

use crate::files::Files;
use crate::model::{Model, model, speed};
use crate::place::GpuPlace;

/// One GPU of a machine. All changes are written at once.
#[derive(Debug)]
pub struct GpuDevice<'a> {
    pub(crate) files: &'a Files,
    pub(crate) place: &'a GpuPlace,
    pub(crate) kind: &'a InstanceType,
    /// The driver's version.
    pub(crate) driver: &'a str,
}

impl GpuDevice<'_> {
    /// The PCI address.
    pub fn address(&self) -> &str {
        &self.place.address
    }

    /// Its identity as the driver says it.
    pub fn uuid(&self) -> String {
        format!("GPU-d3400000-0000-4000-8000-{:012x}", self.place.number)
    }

    /// The PCI id of its model.
    pub fn device_id(&self) -> u32 {
        self.model().device_id
    }

    /// The generation of its link.
    pub fn generation(&self) -> u8 {
        self.model().generation
    }

    /// It is no more on the bus, as after a reboot that did not find it.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        self.files.remove(&format!("/sys/bus/pci/devices/{}", self.place.address))?;
        self.files.remove(&format!("/dev/nvidia{}", self.place.number))?;
        self.files.remove(&self.proc())?;
        self.files.remove(&self.folder())
    }

    /// It has fallen off the bus: the kernel still lists it, and whatever is asked is answered with all ones.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn config_all_ones(&self) -> io::Result<()> {
        self.files.bytes(&self.file("config"), &[0xff; 64])?;
        for which in ["current", "max"] {
            self.files.put(&self.file(&format!("{which}_link_width")), "63")?;
            self.files.put(&self.file(&format!("{which}_link_speed")), "Unknown")?;
        }
        Ok(())
    }

    /// Its link has come up with so many lanes and in this generation.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn set_link(&self, width: u8, generation: u8) -> io::Result<()> {
        self.files.put(&self.file("current_link_width"), &width.to_string())?;
        self.files.put(&self.file("current_link_speed"), speed(generation))
    }

    /// Its power state: `D0`, `D3hot`, `D3cold`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn set_power(&self, state: &str) -> io::Result<()> {
        self.files.put(&self.file("power_state"), state)?;
        let status = if state == "D0" { "active" } else { "suspended" };
        self.files.put(&self.file("power/runtime_status"), status)
    }

    /// The kernel has woken it, and it stays in this power state: `D3hot`, `D3cold`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn stick_in(&self, state: &str) -> io::Result<()> {
        self.set_power("D0")?;
        self.files.put(&self.file("power_state"), state)
    }

    /// No driver holds it.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn unbind(&self) -> io::Result<()> {
        self.files.remove(&self.file("driver"))?;
        self.files.remove(&self.proc())
    }

    /// The driver does not answer: whoever reads what it says of the GPU sleeps.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn stall_driver(&self) -> io::Result<()> {
        self.files.stall(&format!("{}/information", self.proc()))
    }

    /// The driver answers again. Who sleeps wakes.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn release_driver(&self) -> io::Result<()> {
        self.files.release(&format!("{}/information", self.proc()), self.information().as_bytes())
    }

    pub(crate) fn plug(&self) -> io::Result<()> {
        let (files, model) = (self.files, self.model());
        let id = format!("{:#06x}", model.device_id);
        let numa = self.place.numa_node.to_string();
        for (name, value) in [
            ("vendor", "0x10de"),
            ("device", &*id),
            ("class", "0x030200"),
            ("numa_node", &*numa),
            ("max_link_width", "16"),
            ("max_link_speed", speed(model.generation)),
        ] {
            files.put(&self.file(name), value)?;
        }
        self.set_link(16, model.generation)?;
        self.set_power("D0")?;
        let mut config = [0; 64];
        config[..2].copy_from_slice(&0x10de_u16.to_le_bytes());
        config[2..4].copy_from_slice(&u16::try_from(model.device_id).unwrap_or(0).to_le_bytes());
        files.bytes(&self.file("config"), &config)?;
        files.link(&self.file("driver"), "../../../bus/pci/drivers/nvidia")?;
        let bus = format!("/sys/bus/pci/devices/{}", self.place.address);
        files.link(&bus, &format!("../../../devices/pci0000:00/{}", self.place.address))?;
        files.bytes(&format!("{}/information", self.proc()), self.information().as_bytes())?;
        files.bytes(&format!("{}/power", self.proc()), POWER.as_bytes())?;
        files.device(&format!("/dev/nvidia{}", self.place.number))
    }

    /// The driver has not started it: nobody has it open, and no persistence daemon runs.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn let_go(&self) -> io::Result<()> {
        let text = self.information().replace("96.00.99.00.01", "??.??.??.??.??");
        self.files.bytes(&format!("{}/information", self.proc()), text.as_bytes())
    }

    fn information(&self) -> String {
        format!(
            "Model: \t\t {}\nIRQ:   \t\t {}\nGPU UUID: \t {}\nVideo BIOS: \t 96.00.99.00.01\nBus Type: \t PCIe\n\
             DMA Size: \t 52 bits\nDMA Mask: \t 0xfffffffffffff\nBus Location: \t {}\nDevice Minor: \t {}\n\
             GPU Firmware: \t {}\nGPU Excluded:\t No\n",
            self.model().name,
            150 + self.place.number,
            self.uuid(),
            self.place.address,
            self.place.number,
            self.driver,
        )
    }

    fn model(&self) -> Model {
        model(self.kind.gpus.first().map_or("", |gpu| gpu.name.as_str()))
    }

    fn folder(&self) -> String {
        format!("/sys/devices/pci0000:00/{}", self.place.address)
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.folder())
    }

    fn proc(&self) -> String {
        format!("/proc/driver/nvidia/gpus/{}", self.place.address)
    }
}

/// What the driver says of a data-centre GPU's power.
const POWER: &str = "Runtime D3 status:          Disabled by default\nVideo Memory:               Active\n\n\
                     GPU Hardware Support:\n Video Memory Self Refresh: Not Supported\n \
                     Video Memory Off:          Not Supported\n";
