//! Which settings, which modules, which files.

use std::fmt::Write as _;

use gpunode_host::spec::{CongestionControl, Qdisc, Sysctl as Spec};

use crate::os::{FileSpec, Os};

/// Sorts behind the distributions' own files (`50-default.conf` of systemd sets `fq_codel`).
pub(super) const SYSCTL_FILE: &str = "/etc/sysctl.d/90-gpunode.conf";
const MODULES_FILE: &str = "/etc/modules-load.d/gpunode.conf";

/// One kernel setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// As in sysctl.d(5), for example `net.core.default_qdisc`.
    pub(super) key: String,
    pub(super) value: String,
    why: &'static str,
}

/// All that the step wants to be so.
pub(super) struct Plan {
    pub(super) settings: Vec<Setting>,
    pub(super) modules: Vec<&'static str>,
    pub(super) qdisc: Option<&'static str>,
}

impl Setting {
    pub(super) fn path(&self) -> String {
        format!("/proc/sys/{}", self.key.replace('.', "/"))
    }

    /// Numbers in one file are separated by tabs in the kernel's answer and by spaces in ours.
    pub(super) fn is_set(&self, os: &Os) -> bool {
        os.root()
            .value(self.path())
            .is_some_and(|now| now.split_whitespace().eq(self.value.split_whitespace()))
    }

    pub(super) fn change(&self, os: &Os) -> String {
        let now = os.root().value(self.path()).unwrap_or_else(|| "absent".to_owned());
        format!("{}: {} → {}", self.key, now.split_whitespace().collect::<Vec<_>>().join(" "), self.value)
    }
}

impl Plan {
    pub(super) fn new(spec: &Spec) -> Self {
        let mut plan = Self { settings: Vec::new(), modules: Vec::new(), qdisc: None };
        if spec.qdisc != Qdisc::Keep {
            plan.add(
                "net.core.default_qdisc",
                spec.qdisc.word(),
                "paces each flow; what BBR is meant to run on",
            );
            plan.qdisc = Some(spec.qdisc.word());
            if spec.qdisc == Qdisc::Fq {
                plan.modules.push("sch_fq");
            }
        }
        if spec.congestion_control != CongestionControl::Keep {
            plan.add(
                "net.ipv4.tcp_congestion_control",
                spec.congestion_control.word(),
                "keeps object-store and image downloads fast over lossy paths",
            );
            if spec.congestion_control == CongestionControl::Bbr {
                plan.modules.push("tcp_bbr");
            }
        }
        let max = spec.socket_buffer_max_bytes.to_string();
        // 4096, 131072 and 16384 are the kernel's own smallest and first sizes (tcp(7)); only the largest is raised.
        plan.add("net.core.rmem_max", &max, "the largest receive buffer a program may ask for");
        plan.add("net.core.wmem_max", &max, "the largest send buffer a program may ask for");
        plan.add(
            "net.ipv4.tcp_rmem",
            format!("4096 131072 {max}"),
            "how far TCP may grow a receive buffer by itself",
        );
        plan.add(
            "net.ipv4.tcp_wmem",
            format!("4096 16384 {max}"),
            "how far TCP may grow a send buffer by itself",
        );
        for (key, value) in &spec.extra {
            plan.settings.retain(|setting| setting.key != *key);
            plan.add(key, value.as_str(), "from sysctl.extra");
        }
        plan
    }

    fn add(&mut self, key: &str, value: impl Into<String>, why: &'static str) {
        self.settings.push(Setting { key: key.to_owned(), value: value.into(), why });
    }

    pub(super) fn files(&self) -> Vec<FileSpec> {
        let mut sysctl =
            String::from("# Written by gpunode-agent; change it through /etc/gpunode/agent.toml.\n");
        for Setting { key, value, why } in &self.settings {
            let _ = write!(sysctl, "# {why}\n{key} = {value}\n");
        }
        let mut files = vec![FileSpec::new(SYSCTL_FILE, sysctl)];
        if !self.modules.is_empty() {
            let list = self.modules.join("\n");
            files.push(FileSpec::new(MODULES_FILE, format!("# Written by gpunode-agent.\n{list}\n")));
        }
        files
    }

    pub(super) fn summary(&self) -> String {
        let value = |key| self.settings.iter().find(|s| s.key == key).map_or("kept", |s| s.value.as_str());
        format!(
            "{} + {}, socket buffers up to {} MiB",
            value("net.ipv4.tcp_congestion_control"),
            value("net.core.default_qdisc"),
            value("net.core.rmem_max").parse::<u64>().unwrap_or(0) >> 20
        )
    }
}
