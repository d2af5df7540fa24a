//! Images that carry everything already: each as public descriptions of it say, with real systemctl, dnf and apt on it.
//! Nothing is installed, downloaded, written or started, and nothing that is right is called wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use gpunode_tests::agent::{Run, finish};
use gpunode_tests::packages::{Family, Machine};
use gpunode_tests::tree::Tree;

const STEPS: &str = "nvidia-driver,efa,ofi-nccl";
/// What is asked for nowhere: who asks fails.
const NOWHERE: [&str; 2] =
    ["nvidia.repository=http://127.0.0.1:9/none", "efa.installerUrls=https://127.0.0.1:9/none.tar.gz"];

struct Image {
    machine: Machine,
    driver: &'static str,
}

impl Image {
    /// A machine with this driver loaded, its libraries in `libraries`, its module at `module` below the kernel's folder.
    fn new(family: Family, driver: &'static str, libraries: &str, module: &str) -> Self {
        let image = Self { machine: Machine::new(family), driver };
        for folder in ["opt/amazon", "usr/local/cuda"] {
            let _ = fs::remove_dir_all(image.machine.file(folder));
        }
        image.put(&format!("{libraries}/libnvidia-ml.so.{driver}"), "");
        image.put(&format!("usr/lib/modules/{}/{module}", family.kernel()), &format!("{driver} open\n"));
        image.program("usr/bin/nvidia-smi", ":");
        image.program("usr/bin/nvidia-ctk", ":");
        image.program("usr/bin/nvidia-container-runtime", ":");
        image.program("usr/bin/nv-fabricmanager", &format!("echo 'Fabric Manager version is : {driver}'"));
        for unit in ["nvidia-fabricmanager", "nvidia-persistenced"] {
            image.unit(unit);
        }
        image.put(
            "proc/driver/nvidia/version",
            &format!("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {driver}  Release Build\n"),
        );
        for module in ["nvidia", "nvidia_uvm"] {
            image.put(&format!("sys/module/{module}/refcnt"), "0\n");
        }
        image
    }

    fn put(&self, path: &str, text: &str) {
        self.machine.put(path, text);
    }

    fn program(&self, path: &str, body: &str) {
        self.put(path, &format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(self.machine.file(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A unit that is enabled.
    fn unit(&self, name: &str) {
        let text = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
        self.put(&format!("usr/lib/systemd/system/{name}.service"), text);
        self.machine.shell(&format!("systemctl enable --quiet {name}.service"));
    }

    fn run(&self, settings: &[&str]) -> Run {
        let branch = format!("nvidia.driverVersion={}", self.driver.split('.').next().unwrap());
        let settings = [&NOWHERE[..], &[branch.as_str()], settings].concat();
        finish(&mut self.machine.without_defaults(STEPS, &settings))
    }

    /// Nothing happens, and of these steps nothing is told but `codes`.
    fn is_right(&self, settings: &[&str], codes: &[&str]) {
        let state = || {
            ["etc", "opt", "usr", "var/lib/dpkg", "var/lib/rpm"]
                .map(|place| Tree::read(&self.machine.file(place)))
        };
        let before = state();
        let run = self.run(settings);
        assert_eq!(run.code, 0, "{run:?}");
        let report = run.report();
        let mut told = Vec::new();
        for step in STEPS.split(',') {
            assert_eq!(report.outcome(step), "unchanged", "{step}: {run:?}");
            told.extend(
                report.findings().iter().filter(|one| one.step == step).map(|one| one.code.to_owned()),
            );
        }
        assert_eq!(told, codes, "{run:?}");
        for (before, after) in before.iter().zip(&state()) {
            assert_eq!(before.differences(after), Vec::<String>::new());
        }
        for step in report.0["steps"].as_array().unwrap() {
            for ran in step["commands"].as_array().into_iter().flatten() {
                let line = ran["command"].as_str().unwrap();
                let looks = ["systemctl is-", "nv-fabricmanager --version"]
                    .iter()
                    .any(|start| line.starts_with(start));
                assert!(looks, "{line}");
            }
        }
    }
}

/// EKS's Amazon Linux 2023 for NVIDIA: both builds of the module and a service that chooses one, EFA by `--minimal`, so no
/// libfabric, no fi_info and no plugin on the host, which is right there.
#[test]
fn eks_amazon_linux_2023() {
    let image = Image::new(Family::Dnf, "580.95.05", "usr/lib64", "extra/nvidia.ko.xz");
    image.unit("nvidia-kmod-load");
    image.put("etc/eks/kubelet-version.txt", "v1.33.5\n");
    image.program("usr/bin/nodeadm", ":");
    image.put(
        "opt/amazon/efa_installed_packages",
        "# EFA installer version: 1.43.2\n# Debug packages installed: no\n# Packages installed:\nefa-2.17.2-1.amzn2023.noarch efa-nv-peermem-1.2.2-1.amzn2023.noarch libibverbs-core-58.amzn0-1.amzn2023.x86_64\n",
    );
    image.put("sys/module/efa/version", "2.17.2g\n");
    image.is_right(&[], &["OfiNcclAbsent"]);
    image.is_right(&["efa.installerVersion=1.43.2"], &["OfiNcclAbsent"]);
    image.is_right(&["efa.installerVersion=1.43.2", "nvidia.driverVersion=580.95.05"], &["OfiNcclAbsent"]);
}

/// The same since autumn 2026: two drivers in folders of their own, of which the first boot has laid one over `/usr`.
#[test]
fn eks_amazon_linux_2023_that_lays_its_driver_over() {
    let image = Image::new(Family::Dnf, "580.178.04", "usr/lib64", "extra/nvidia.ko");
    image.put("opt/nvidia/current/.version", "580.178.04\n");
    image.put("opt/nvidia/current/.driver-flavor", "open\n");
    image.unit("nvidia-setup");
    image.put("sys/module/efa/version", "3.3.1\n");
    image.put(
        "opt/amazon/efa_installed_packages",
        "# EFA installer version: 1.51.0\nefa-3.3.1-1.amzn2023.noarch\n",
    );
    image.is_right(&[], &["OfiNcclAbsent"]);
    // Before its service has copied the module: it is waited for and asked for, and nothing is installed.
    for path in ["proc/driver/nvidia/version", "sys/module/nvidia", "sys/module/nvidia_uvm"] {
        let path = image.machine.file(path);
        let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
    }
    fs::rename(image.machine.file("opt/nvidia/current"), image.machine.file("opt/nvidia/lts")).unwrap();
    let module = format!("usr/lib/modules/{}/extra/nvidia.ko", Family::Dnf.kernel());
    fs::remove_file(image.machine.file(&module)).unwrap();
    fs::remove_file(image.machine.file("usr/lib64/libnvidia-ml.so.580.178.04")).unwrap();
    let run = image.run(&[]);
    assert_eq!(run.report().outcome("nvidia-driver"), "failed", "{run:?}");
    let message = run.report().finding("NvidiaModuleNotLoaded").message.to_owned();
    assert!(message.contains("nvidia"), "{message}");
    assert!(image.machine.packages().is_empty(), "{:?}", image.machine.packages());
}

/// AWS's Deep Learning base image: the driver by NVIDIA's `.run` file, all of EFA's software, CUDA with NCCL in it.
#[test]
fn deep_learning_base() {
    let image =
        Image::new(Family::Apt, "570.133.20", "usr/lib/x86_64-linux-gnu", "updates/dkms/nvidia.ko.zst");
    image.program("usr/bin/nvidia-uninstall", "exit 1");
    image.put(
        "opt/amazon/efa_installed_packages",
        "# EFA installer version: 1.43.2\nefa_2.17.2-1.amzn1_all efa-nv-peermem_1.2.2-1.amzn1_all libfabric1-aws_2.1.0amzn5.0_amd64 libnccl-ofi_1.16.2-1_amd64 openmpi40-aws_4.1.7-2_amd64\n",
    );
    image.put("opt/amazon/efa/lib/libfabric.so.1.28.0", "");
    image.put(
        "opt/amazon/ofi-nccl/lib/x86_64-linux-gnu/libnccl-net-ofi.so",
        "NET/OFI Initializing aws-ofi-nccl 1.16.2\n",
    );
    image.put("etc/ld.so.conf.d/100_ofinccl.conf", "/opt/amazon/ofi-nccl/lib/x86_64-linux-gnu\n");
    image.put("usr/local/cuda/lib/libnccl.so.2.27.7", "");
    image.put("sys/module/efa/version", "2.17.2g\n");
    image.is_right(&[], &[]);
    image.is_right(&["efa.installerMode=full"], &[]);
    image.is_right(&["nccl.install=true", "nccl.version=2.27.7"], &[]);
    // Its NCCL came with CUDA's archive: another one is not put beside it.
    image.is_right(&["nccl.install=true"], &["NcclAbsent"]);
}

/// Ubuntu for EKS: Ubuntu's own signed modules, the EFA module of the kernel, which has no version, and no software for it.
#[test]
fn eks_ubuntu() {
    let module = "kernel/nvidia-580srv-open/nvidia.ko";
    let image = Image::new(Family::Apt, "580.95.05", "usr/lib/x86_64-linux-gnu", module);
    image.put("sys/module/efa/refcnt", "0\n");
    let _ = fs::remove_file(image.machine.file("sys/module/efa/version"));
    image.is_right(&[], &["OfiNcclAbsent"]);
    image.is_right(&["nvidia.modules=prebuilt"], &["OfiNcclAbsent"]);
}
