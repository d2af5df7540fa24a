//! Limits that EFA and NCCL need: locked memory for registration, open files, huge pages for send buffers.

mod huge_pages;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use gpunode_host::reason;
use gpunode_host::spec::{Limits as Spec, Memlock};

use super::systemd;
use crate::context::Context;
use crate::os::{FileSpec, Os};
use crate::step::{Check, Failure, Step, StepId};

use huge_pages::HugePages;

/// Services that GPU work runs under; pods inherit their limits from the container runtime.
const SERVICES: [&str; 3] = ["containerd", "kubelet", "nodeadm-run"];

/// Limits for logins and services, and huge pages.
#[derive(Default)]
pub(crate) struct Limits {
    /// The kernel gives as many huge pages as it finds room for. One try is made; what is missing after it is told,
    /// not tried for ever.
    pages_tried: AtomicBool,
}

impl Step for Limits {
    fn id(&self) -> StepId {
        StepId::Limits
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let spec = &cx.spec().limits;
        if !spec.enabled {
            return Ok(Check::not_applicable("switched off by limits.enabled"));
        }
        let pages = pages(cx, os)?;
        let mut check = Check::done(summary(spec, pages.as_ref()));
        check.changes = super::files_to_write(os, &files(spec, pages.as_ref()));
        if systemd::is_behind(os, self.id()) {
            check.changes.push("let systemd read its units again".into());
        }
        if let Some(pages) = pages.filter(HugePages::missing) {
            if self.pages_tried.load(Ordering::Acquire) {
                check.findings.push(pages.short());
            } else {
                check.changes.push(pages.change());
            }
        }
        Ok(check)
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        let spec = &cx.spec().limits;
        let pages = pages(cx, os)?;
        let files = files(spec, pages.as_ref());
        let of_service = |file: &&FileSpec| file.path.starts_with("/etc/systemd");
        if files.iter().filter(of_service).any(|file| !os.matches(file)) {
            systemd::about_to_change(os, self.id())?;
        }
        for file in &files {
            os.write(file)?;
        }
        if systemd::is_behind(os, self.id()) {
            systemd::reload(os, self.id())?;
        }
        if let Some(pages) = pages.filter(HugePages::missing) {
            pages.allocate(os)?;
        }
        self.pages_tried.store(true, Ordering::Release);
        Ok(())
    }
}

fn pages(cx: &Context, os: &Os) -> Result<Option<HugePages>, Failure> {
    // Their number depends on the memory of the instance.
    if cx.makes_image() {
        return Ok(None);
    }
    let efa = super::efas::expected(cx, os)?;
    HugePages::plan(os.root(), cx.spec().limits.hugepages_2mi, efa)
        .map_err(|message| Failure::new(&reason::HUGE_PAGES_TOO_MANY, "limits.hugepages2Mi", message))
}

fn files(spec: &Spec, pages: Option<&HugePages>) -> Vec<FileSpec> {
    let head = "# Written by gpunode-agent; change it through /etc/gpunode/agent.toml.\n";
    // limits.conf(5) counts memlock in KiB, systemd.exec(5) in bytes.
    let (pam, unit) = match spec.memlock {
        Memlock::Unlimited => ("unlimited".to_owned(), "infinity".to_owned()),
        Memlock::Bytes(bytes) => ((bytes / 1024).to_string(), bytes.to_string()),
    };
    let nofile = spec.nofile;
    let mut login = format!("{head}# EFA registers memory by locking it.\n");
    // The wildcard does not count for root (limits.conf(5)).
    for who in ["*", "root"] {
        for (item, value) in [("memlock", &pam), ("nofile", &nofile.to_string())] {
            let _ = write!(login, "{who} soft {item} {value}\n{who} hard {item} {value}\n");
        }
    }
    let service = format!("{head}[Service]\nLimitMEMLOCK={unit}\nLimitNOFILE={nofile}\n");
    let mut files = vec![FileSpec::new("/etc/security/limits.d/90-gpunode.conf", login)];
    files.extend(SERVICES.map(|name| {
        FileSpec::new(format!("/etc/systemd/system/{name}.service.d/30-gpunode-limits.conf"), service.clone())
    }));
    files.extend(pages.map(HugePages::file));
    files
}

fn summary(spec: &Spec, pages: Option<&HugePages>) -> String {
    let memlock = match spec.memlock {
        Memlock::Unlimited => "unlimited".to_owned(),
        Memlock::Bytes(bytes) => format!("{bytes} bytes"),
    };
    let pages = pages.map(|pages| format!(", {}", pages.summary())).unwrap_or_default();
    format!("memlock {memlock}, {} open files{pages}", spec.nofile)
}

#[cfg(test)]
mod tests;
