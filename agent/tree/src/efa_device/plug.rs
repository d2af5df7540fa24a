//! How a device gets onto the machine.

use std::io;

use super::EfaDevice;
use crate::efa::{device_id, gid, rate};

impl EfaDevice<'_> {
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
}
