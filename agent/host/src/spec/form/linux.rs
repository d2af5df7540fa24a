//! Names that the Linux side of the node knows.

use super::super::kind::Form;
use super::{made_of, or};

/// Folders that hold the system: a data volume over or inside one of them would break the node.
const SYSTEM: [&str; 12] =
    ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr"];

/// Folders that a volume may be mounted inside of, but not over.
const CROWDED: [&str; 8] = ["/home", "/mnt", "/opt", "/srv", "/tmp", "/var", "/var/lib", "/var/log"];

/// Folders that are themselves moved to the volume.
const MOVED: [&str; 4] =
    ["/var/lib/containerd", "/var/lib/kubelet", "/var/lib/soci-snapshotter-grpc", "/var/log/pods"];

/// Mount point of the data volume.
pub(crate) const MOUNT_PATH: Form = Form {
    allowed: "an absolute path of letters, digits and . _ - outside /bin, /boot, /dev, /etc, /lib, /lib64, /proc, \
              /root, /run, /sbin, /sys, /usr and the folders that move to the volume, and none of /, /home, /mnt, \
              /opt, /srv, /tmp, /var, /var/lib, /var/log",
    check: mount_path,
};

fn mount_path(text: &str) -> Result<(), &'static str> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err("not an absolute path");
    };
    // Systemd's unit names, fstab and mountinfo each escape other characters in their own way.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if text == "/" {
        return Err("the root directory");
    }
    if !made_of(text, plain) || text.len() > 255 {
        return Err("has characters that are not allowed, or is too long");
    }
    if rest.split('/').any(|name| name.is_empty() || name == "." || name == "..") {
        return Err("not a normal path");
    }
    let inside = |folder: &str| text == folder || text.starts_with(&format!("{folder}/"));
    if SYSTEM.iter().chain(&MOVED).any(|folder| inside(folder)) || CROWDED.contains(&text) {
        return Err("a system folder");
    }
    Ok(())
}

/// Dotted name of a sysctl.
pub(crate) const SYSCTL_NAME: Form = Form {
    allowed: "a dotted sysctl name (vm.swappiness) that no other setting sets",
    check: |text| {
        let word = |word| made_of(word, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if text.len() > 200 || !text.contains('.') || !text.split('.').all(word) {
            return Err("not a dotted sysctl name");
        }
        match text {
            "net.ipv4.tcp_congestion_control" => Err("is set by sysctl.congestionControl"),
            "net.core.default_qdisc" => Err("is set by sysctl.qdisc"),
            "vm.nr_hugepages" => Err("is set by limits.hugepages2Mi"),
            _ => Ok(()),
        }
    },
};

/// Value of a sysctl; some take several numbers with spaces between.
pub(crate) const SYSCTL_VALUE: Form = Form {
    allowed: "1 to 200 printable ASCII characters",
    check: |text| or(made_of(text, printable) && text.len() <= 200, "not printable, empty or too long"),
};

/// Name of an environment variable.
pub(crate) const VARIABLE_NAME: Form = Form {
    allowed: "a variable name: capital letters, digits and _, beginning with a letter",
    check: |text| {
        let made = made_of(text, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        let starts = text.starts_with(|first: char| first.is_ascii_uppercase());
        or(made && starts && text.len() <= 128, "not a variable name")
    },
};

/// Value of an environment variable; it ends up in files with one line for each.
pub(crate) const VARIABLE_VALUE: Form = Form {
    allowed: "up to 1024 printable ASCII characters",
    check: |text| or(text.bytes().all(printable) && text.len() <= 1024, "not printable or too long"),
};

fn printable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}
