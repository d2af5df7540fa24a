//! An image is made, generalised, and booted: real dnf and apt with stand-in packages, and a stand-in of AWS's EFA bundle
//! over HTTPS. What was installed once is not asked for again, and the first boot only loads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

mod stand_in;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use gpunode_fault_server::{Identity, Server};
use gpunode_host::image::{self, Image};
use gpunode_tests::agent::{Run, command, finish, text};
use gpunode_tests::packages::{Cut, Family, Files, Machine};
use gpunode_tests::tree::Tree;
use stand_in::{Make, serve, settings};

/// What the full bundle lays down, but for the module of the kernel that runs: that one is loaded by whoever needs it.
const INSTALLER: &str = "mkdir -p /opt/amazon/efa/lib64 /opt/amazon/ofi-nccl/lib64
printf '# EFA installer version: 1.51.0\nefa-3.3.1-1.amzn2023.noarch\nlibfabric-aws-2.7.0-1.amzn2023.x86_64\n' > /opt/amazon/efa_installed_packages
: > /opt/amazon/efa/lib64/libfabric.so.1.30.0
echo 'NET/OFI Initializing aws-ofi-nccl 1.22.0' > /opt/amazon/ofi-nccl/lib64/libnccl-net-ofi.so";
const STEPS: &str = "nvidia-driver,efa,ofi-nccl";

/// A builder and the two servers that it installs from.
struct Bed {
    machine: Machine,
    files: Files,
    efa: Server,
    settings: Vec<String>,
}

impl Bed {
    fn new(family: Family, make: &Make, before: impl Fn(&Path) + Send + Sync + 'static) -> Self {
        let machine = Machine::new(family);
        for folder in ["opt/amazon", "sys/module/efa"] {
            let _ = fs::remove_dir_all(machine.file(folder));
        }
        let identity = Identity::good();
        machine.put("etc/ssl/certs/ca-certificates.crt", &identity.authority);
        let files = Files::serve(&machine.file(&format!("srv/{}/nvidia", family.name())), Cut::Never);
        let root = machine.file("");
        let efa = serve(&identity, make.clone(), move |_| before(&root));
        let mut all = vec![format!("nvidia.repository={}", files.url())];
        all.extend(
            ["nccl.install=true", "efa.installerMode=full", "efa.installerVersion=1.51.0"].map(str::to_owned),
        );
        all.extend(settings(&efa));
        Self { machine, files, efa, settings: all }
    }

    fn settings(&self) -> Vec<String> {
        self.machine.settings(&self.settings.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn install(&self, words: &[&str]) -> Run {
        let root = self.machine.file("");
        let settings = self.settings();
        let mut command = command();
        command.args(["install", "--json", "--root", text(&root)]).args(words);
        finish(command.args(settings.iter().flat_map(|setting| ["--set", setting])))
    }

    fn boot(&self) -> Run {
        let settings = self.settings();
        finish(&mut self.machine.steps(STEPS, &settings.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    fn asked(&self) -> (usize, usize) {
        (self.files.asked(), self.efa.seen().len())
    }

    /// What an image is made of, where these steps write.
    fn state(&self) -> Vec<Tree> {
        let places = ["etc", "opt", "usr/lib/modules", "usr/lib/systemd", "usr/bin", "usr/share/stand-in"];
        places.iter().map(|place| Tree::read(&self.machine.file(place))).collect()
    }
}

fn differences(before: &[Tree], after: &[Tree]) -> Vec<String> {
    before.iter().zip(after).flat_map(|(before, after)| before.differences(after)).collect()
}

fn make() -> Make {
    let mut make = Make::new("1.51.0");
    make.script(INSTALLER);
    make
}

fn image_then_boot(family: Family) {
    let bed = Bed::new(family, &make(), |_| {});
    let words = ["--instance-family", "p5", "--only", "nvidia-driver,efa,ofi-nccl,agent,verify,image"];
    let made = bed.install(&words);
    assert_eq!((made.code, made.report().verdict()), (0, "ok"), "{made:?}");
    for step in ["nvidia-driver", "efa", "ofi-nccl", "agent", "image"] {
        assert_eq!(made.report().outcome(step), "changed", "{step}: {made:?}");
    }
    // Nothing of it was loaded on the builder, which has GPUs and interfaces of its own.
    assert_eq!(bed.machine.loaded(), None);
    assert!(!bed.machine.file("sys/module/efa").exists());
    let canary = fs::read_to_string(bed.machine.file("canary")).unwrap();
    assert_eq!(canary, "-y --no-verify\n");
    let again = bed.install(&words);
    for (step, outcome) in again.report().outcomes() {
        assert!(["unchanged", "not-applicable", "skipped"].contains(&outcome), "{step} {outcome}: {again:?}");
    }
    record(&bed);

    let generalised = finish(command().args(["generalise", "--root", text(&bed.machine.file(""))]));
    assert_eq!(generalised.code, 0, "{generalised:?}");
    assert!(!bed.machine.file("var/cache/gpunode").exists());
    bed.machine.power_cycle();
    let (state, packages, asked) = (bed.state(), bed.machine.packages(), bed.asked());
    let boot = bed.boot();
    assert_eq!(boot.code, 0, "{boot:?}");
    assert_eq!(bed.machine.loaded().as_deref(), Some("550.127.05 open"));
    assert!(bed.machine.file("sys/module/efa").exists());
    assert_eq!(boot.report().outcome("ofi-nccl"), "unchanged", "{boot:?}");
    assert_eq!(bed.asked(), asked, "a first boot downloads nothing");
    assert_eq!((differences(&state, &bed.state()), bed.machine.packages()), (Vec::new(), packages));
    let loads = commands(&boot, "nvidia-driver").into_iter().chain(commands(&boot, "efa"));
    for (command, ..) in loads {
        let word = command.split_whitespace().next().unwrap_or_default();
        assert!(["modprobe", "systemctl", "nv-fabricmanager"].contains(&word), "{command}");
    }
}

fn record(bed: &Bed) {
    let text = fs::read_to_string(bed.machine.file(&image::PATH[1..])).unwrap();
    let record: Image = serde_json::from_str(&text).unwrap();
    assert_eq!(record.versions.nvidia_driver.as_deref(), Some("550.127.05"));
    assert_eq!(record.versions.efa_installer.as_deref(), Some("1.51.0"));
    assert_eq!(record.versions.ofi_nccl.as_deref(), Some("1.22.0"));
    assert_eq!(record.versions.nccl.as_deref(), Some("2.22.3"));
    let source = |name: &str| record.sources.iter().find(|one| one.name == name).expect(name).clone();
    let (driver, efa) = (source("nvidia-driver"), source("efa-installer"));
    assert!(driver.from.starts_with(&bed.files.url()) && driver.from.contains("550.127.05"), "{driver:?}");
    assert_eq!(efa.from, bed.efa.url("/aws-efa-installer-1.51.0.tar.gz"));
    assert_eq!(efa.sha256, Some(make_sum()));
    assert!(record.sources.iter().any(|one| one.from.contains("2.22.3-1+cuda12.5")), "{record:?}");
}

/// The bundle is the same bytes each time it is made.
fn make_sum() -> String {
    make().sha256()
}

#[test]
fn image_then_boot_dnf() {
    image_then_boot(Family::Dnf);
}

#[test]
fn image_then_boot_apt() {
    image_then_boot(Family::Apt);
}

/// An image for types without NVSwitches gets no fabric manager, though the builder has them.
#[test]
fn the_image_is_for_its_types_not_for_the_builder() {
    let bed = Bed::new(Family::Dnf, &make(), |_| {});
    let made = bed.install(&["--instance-type", "g4dn.xlarge", "--only", STEPS]);
    assert_eq!(made.code, 0, "{made:?}");
    let packages = bed.machine.packages();
    assert!(packages.iter().any(|line| line.starts_with("kmod-nvidia-latest-dkms ")), "{packages:?}");
    assert!(!packages.iter().any(|line| line.contains("fabric")), "{packages:?}");
    assert_eq!(made.report().outcome("efa"), "not-applicable");
    assert_eq!(bed.efa.seen().len(), 0);
}

/// An image for B200: NVLink's subnet manager comes with the fabric manager, and the kernel has the module through which the
/// two talk.
fn for_b200(family: Family) {
    let bed = Bed::new(family, &make(), |_| {});
    let index = bed.machine.file(&format!("usr/lib/modules/{}/modules.dep", family.kernel()));
    assert!(!fs::read_to_string(&index).unwrap().contains("ib_umad"));
    let words = [
        "--instance-type",
        "p6-b200.48xlarge",
        "--only",
        "nvidia-driver",
        "--set",
        "nvidia.driverVersion=580",
    ];
    let made = bed.install(&words);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(bed.machine.file("opt/nvidia/nvlsm/sbin/nvlsm").exists());
    assert!(fs::read_to_string(&index).unwrap().contains("ib_umad.ko"));
    let at_boot = fs::read_to_string(bed.machine.file("etc/modules-load.d/gpunode-nvidia.conf")).unwrap();
    assert!(at_boot.ends_with("nvidia\nnvidia_uvm\nib_umad\n"), "{at_boot}");
    let packages = bed.machine.packages();
    assert!(
        packages.iter().any(|line| line.contains("fabric") && line.ends_with("580.95.05")),
        "{packages:?}"
    );
    // The first versions of a branch may not know the GPU.
    let other = [&words[..4], &["--set", "nvidia.driverVersion=570.124.06"]].concat();
    let refused = bed.install(&[&other[..], &["--set", "nvidia.install=replace"]].concat());
    let message = refused.report().finding("NvidiaDriverRefused").message.to_owned();
    assert!(message.contains("570.133.20 or newer"), "{message}");
}

#[test]
fn for_b200_dnf() {
    for_b200(Family::Dnf);
}

#[test]
fn for_b200_apt() {
    for_b200(Family::Apt);
}

/// EKS's image since autumn 2026, on a builder without a GPU: nothing below `/usr` shows that it has drivers.
#[test]
fn an_image_that_lays_its_driver_over_gets_no_second_one() {
    let bed = Bed::new(Family::Dnf, &make(), |_| {});
    for (name, version) in [("lts", "580.178.04"), ("pb", "595.91.07")] {
        bed.machine.put(&format!("opt/nvidia/{name}/.version"), &format!("{version}\n"));
    }
    bed.machine.put("etc/systemd/system/nvidia-setup.service", "[Service]\nExecStart=/bin/true\n");
    bed.machine.put("usr/bin/nvidia-ctk", "#!/bin/sh\n");
    let words = ["--instance-family", "p5", "--only", "nvidia-driver", "--set", "nvidia.driverVersion=580"];
    let made = bed.install(&words);
    assert_eq!((made.code, made.report().outcome("nvidia-driver")), (0, "unchanged"), "{made:?}");
    assert!(bed.machine.packages().is_empty() && bed.files.asked() == 0);
    let replace = bed.install(&[&words[..4], &["--set", "nvidia.install=replace"]].concat());
    let message = replace.report().finding("NvidiaDriverRefused").message.to_owned();
    assert!(message.starts_with("driver 580.178.04 is part of this image"), "{message}");
    assert!(bed.machine.packages().is_empty() && bed.files.asked() == 0);
}

/// The bundle is served only while the scripts of the driver's package run, and they end only once it was asked for: one
/// after the other would never end. The installer itself runs the package manager, so it waits for the driver's.
fn at_the_same_time(family: Family) {
    let bed = Bed::new(family, &make(), |root| {
        let began = Instant::now();
        while !root.join("run/bed/held").exists() && began.elapsed() < Duration::from_secs(50) {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = fs::remove_file(root.join("run/bed/hold"));
    });
    bed.machine.hold();
    let made = bed.install(&["--instance-family", "p5", "--only", STEPS]);
    assert_eq!(made.code, 0, "{made:?}");
    let (driver, efa) = (commands(&made, "nvidia-driver"), commands(&made, "efa"));
    let installs: Vec<_> = driver.iter().filter(|(line, ..)| line.contains(" install ")).collect();
    let (_, start, _) = efa.iter().find(|(line, ..)| line.contains("efa_installer.sh")).unwrap();
    assert!(!installs.is_empty() && installs.iter().all(|(.., end)| end <= start), "{driver:?} {efa:?}");
}

#[test]
fn at_the_same_time_dnf() {
    at_the_same_time(Family::Dnf);
}

#[test]
fn at_the_same_time_apt() {
    at_the_same_time(Family::Apt);
}

/// The commands of a step: each with its begin and end in microseconds of the run.
fn commands(run: &Run, step: &str) -> Vec<(String, u64, u64)> {
    let report = run.report();
    let steps = report.0["steps"].as_array().unwrap();
    let step = steps.iter().find(|one| one["step"] == step).unwrap();
    let ran = step["commands"].as_array().into_iter().flatten();
    let time = |one: &serde_json::Value, key: &str| one[key].as_u64().unwrap();
    ran.map(|one| (one["command"].as_str().unwrap().to_owned(), time(one, "startUs"), time(one, "endUs")))
        .collect()
}
