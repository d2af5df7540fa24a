//! The table of what is removed.

/// Entries of the file tree, and why they must not be in an image. Folders are removed with all that is in them, links
/// are not followed.
#[derive(Debug)]
pub(crate) struct Leftover {
    /// `*` is any text inside one name.
    pub(crate) pattern: &'static str,
    pub(crate) why: &'static str,
}

macro_rules! leftovers {
    ($($why:literal: [$($pattern:literal),+ $(,)?];)+) => {
        /// All of them. `/etc/machine-id` is emptied, not removed, so it is not here.
        pub(crate) const LEFTOVERS: &[Leftover] = &[$($(Leftover { pattern: $pattern, why: $why }),+),+];
    };
}

// cloud-init's folders: its documentation, "Directory layout"; `seed` and `scripts` are put there by people and stay.
// Host keys: cloud-init makes new ones where there are none (`cc_ssh`). Random seeds: systemd-random-seed.service(8),
// systemd-boot(7). Keys for credentials: systemd-creds(1).
leftovers! {
    "keys of the machine": [
        "/etc/ssh/ssh_host_*_key",
        "/etc/ssh/ssh_host_*_key.pub",
        "/var/lib/systemd/credential.secret",
    ];
    "keys of people": ["/root/.ssh/authorized_keys", "/home/*/.ssh/authorized_keys"];
    "random seed": ["/var/lib/systemd/random-seed", "/boot/efi/loader/random-seed"];
    "state of cloud-init": [
        "/var/lib/cloud/data",
        "/var/lib/cloud/handlers",
        "/var/lib/cloud/instance",
        "/var/lib/cloud/instances",
        "/var/lib/cloud/sem",
    ];
    "lease of an address": ["/var/lib/dhcp/*.leases", "/var/lib/dhclient/*", "/var/lib/NetworkManager/*.lease"];
    "journal or log": [
        "/var/log/journal/*",
        "/var/log/cloud-init*.log",
        "/var/log/amazon/ssm/*",
        "/root/.bash_history",
        "/home/*/.bash_history",
    ];
    "record of a run": [
        "/var/lib/gpunode/install.json",
        "/var/lib/gpunode/journal.jsonl",
        "/var/lib/gpunode/report.json",
        "/run/gpunode/report.json",
        "/run/gpunode/halt",
        "/run/gpunode/daemon-reload-*",
    ];
    "of this instance, written anew at every boot": [
        "/etc/cdi/gpunode.json",
        "/etc/eks/nodeadm.d/90-gpunode-kubelet.yaml",
        "/etc/gpunode/kubelet.env",
        "/etc/systemd/system/kubelet.service.d/90-gpunode.conf",
        "/etc/tmpfiles.d/90-gpunode-hugepages.conf",
    ];
    "download": [
        "/var/cache/gpunode",
        "/var/cache/apt/archives/*.deb",
        "/var/cache/dnf/*",
        "/var/cache/libdnf5/*",
    ];
}
