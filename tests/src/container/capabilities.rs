//! Names and numbers of capabilities, by `<linux/capability.h>` of Linux 5.9 and later.

use super::running::status;

/// By number.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The capabilities of these names (without `CAP_`) as the kernel shows them.
///
/// # Panics
/// When one has no such name.
pub fn mask(names: &[&str]) -> u64 {
    let bit = |name: &&str| NAMES.iter().position(|it| it == name).map(|at| 1_u64 << at);
    names.iter().map(|name| bit(name).unwrap_or_else(|| panic!("no capability {name}"))).sum()
}

/// All that this process can hand on: what a privileged container has.
pub(super) fn of_self() -> Vec<String> {
    let mine = u64::from_str_radix(&status(std::process::id(), "CapBnd"), 16).unwrap();
    let held = |at: &usize| mine >> at & 1 == 1;
    (0..NAMES.len()).filter(held).map(|at| format!("CAP_{}", NAMES[at])).collect()
}
