//! Which parser a line is for, told from its first bytes: almost every line of a kernel log is for none.

/// Who may have something to say about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Nvrm,
    NvSwitch,
    Rdma,
    Storage,
    /// A driver and a PCI address; EFA's lines are of this form too.
    Device,
    Hardware,
    Oom,
    Stuck,
}

/// A look at the first bytes and no more. `raw` begins with the text as the kernel escaped it; nothing that is looked for
/// here is ever escaped.
pub(super) fn of(raw: &[u8]) -> Option<Family> {
    use Family::{Hardware, NvSwitch, Nvrm, Oom, Rdma, Storage, Stuck};
    let starts: &[(&[u8], Family)] = match *raw.first()? {
        b'A' => &[(b"Aborting journal on device ", Storage)],
        b'B' => &[(b"Buffer I/O error on dev", Storage), (b"BUG: soft lockup", Stuck)],
        b'E' => &[(b"EDAC ", Hardware), (b"EXT4-fs ", Storage)],
        b'I' => &[(b"INFO: task ", Stuck), (b"INFO: rcu", Stuck), (b"I/O error, dev ", Storage)],
        b'K' => &[(b"Killed process ", Oom)],
        b'M' => &[(b"Memory cgroup out of memory: ", Oom), (b"Memory failure: ", Hardware)],
        b'N' => &[(b"NVRM: ", Nvrm), (b"NMI watchdog: ", Stuck)],
        b'O' => &[(b"Out of memory", Oom)],
        b'X' => &[(b"XFS (", Storage)],
        b'[' | b'{' => return hardware_error(raw),
        b'b' => &[(b"blk_update_request: ", Storage)],
        b'c' => &[(b"critical ", Storage)],
        b'i' => &[(b"infiniband ", Rdma)],
        b'm' => &[(b"mce: [Hardware Error]", Hardware), (b"md/", Storage)],
        b'n' => &[(b"nvidia-nvswitch", NvSwitch), (b"nvme nvme", Storage)],
        b'o' => &[(b"oom-kill:", Oom)],
        b'p' => &[(b"print_req_error: ", Storage), (b"protection error, dev ", Storage)],
        b'r' => &[(b"rcu: INFO: ", Stuck), (b"recoverable transport error, dev ", Storage)],
        b't' => &[(b"timeout error, dev ", Storage)],
        b'w' => &[(b"watchdog: ", Stuck)],
        _ => &[],
    };
    let family = starts.iter().find(|(start, _)| raw.starts_with(start)).map(|(_, family)| *family);
    family.or_else(|| device(raw))
}

/// `{1}[Hardware Error]: …` of the firmware, `[Hardware Error]: …` of a machine check on AMD.
fn hardware_error(raw: &[u8]) -> Option<Family> {
    let start = raw.iter().take(8).position(|&byte| byte == b'[')?;
    raw[start..].starts_with(b"[Hardware Error]").then_some(Family::Hardware)
}

/// `<driver> 0000:4f:00.0…`, `<driver>: probe of …` before 6.7, and `nvme1n1: … @ LBA …`.
fn device(raw: &[u8]) -> Option<Family> {
    // Drivers' names are short; a longer word is no driver.
    let space = raw.iter().take(32).position(|&byte| byte == b' ')?;
    let (word, rest) = (&raw[..space], &raw[space + 1..]);
    if let [name @ .., b':'] = word {
        if rest.starts_with(b"probe of ") {
            return Some(Family::Device);
        }
        return (name.starts_with(b"nvme") && name.contains(&b'n')).then_some(Family::Storage);
    }
    // From the end, since a domain may have more than four digits.
    let end = rest.iter().take(24).position(|&byte| matches!(byte, b' ' | b'.'))?;
    let address = &rest[..end];
    let parts = address.split(|&byte| byte == b':').count();
    (parts == 3 && rest[end] == b'.').then_some(Family::Device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(text: &str) -> Option<Family> {
        of(text.as_bytes())
    }

    #[test]
    fn lines_of_interest_find_their_parser() {
        assert_eq!(family("NVRM: Xid (PCI:0000:01:00): 79, x"), Some(Family::Nvrm));
        assert_eq!(family("nvidia-nvswitch0: SXid (PCI:0000:01:00.0): 1"), Some(Family::NvSwitch));
        assert_eq!(family("efa 0000:4f:00.0 rdmap79s0: x"), Some(Family::Device));
        assert_eq!(family("pcieport 10000:e1:1f.0: AER: x"), Some(Family::Device));
        assert_eq!(family("nvidia: probe of 0000:01:00.0 failed with error -1"), Some(Family::Device));
        assert_eq!(family("nvme 0000:04:00.0: PCIe Bus Error: x"), Some(Family::Device));
        assert_eq!(family("nvme nvme0: controller is down"), Some(Family::Storage));
        assert_eq!(family("nvme1n1: I/O Cmd(0x2) @ LBA 0"), Some(Family::Storage));
        assert_eq!(family("{12}[Hardware Error]: event severity: fatal"), Some(Family::Hardware));
    }

    #[test]
    fn other_lines_find_none() {
        for text in [
            "",
            "N",
            "IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready",
            "systemd[1]: Started a thing.",
            "e820: remove [mem 0x000a0000-0x000fffff] usable",
            "audit: type=1400 audit(1.2:3): apparmor=\"DENIED\"",
            "eth0: renamed from veth1",
            "{nothing}",
            "[    0.000000] x",
        ] {
            assert_eq!(family(text), None, "{text}");
        }
    }
}
