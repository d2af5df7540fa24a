//! `gpunode-agent bootstrap` on machines with one sick device each: the node joins with the taint, and a healthy one
//! without it. NVML, the PCI bus, EFA and the kernel log are played; the look and the steps are the real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;

use gpunode_host::metadata::Metadata;
use gpunode_imds::server::{Content, Server, tree};
use gpunode_tests::agent::{Run, bootstrap, finish};
use gpunode_tests::instance;
use gpunode_tests::looked::{EFAS, GPUS, Machine};

const DROP_IN: &str = "etc/eks/nodeadm.d/90-gpunode-kubelet.yaml";
const NOT_READY: &str = "gpunode.io/not-ready=true:NoSchedule";

/// A machine that nodeadm makes a node of, and its metadata service.
struct Node {
    machine: Machine,
    imds: Server,
}

impl Node {
    /// Its NVML plays this scenario of `cases/nvml`.
    fn new(scenario: &str) -> Self {
        let machine = Machine::new(scenario);
        let nodeadm = machine.tree.path().join("usr/bin/nodeadm");
        fs::create_dir_all(nodeadm.parent().unwrap()).unwrap();
        fs::write(&nodeadm, "").unwrap();
        fs::set_permissions(&nodeadm, fs::Permissions::from_mode(0o755)).unwrap();
        let mut metadata: Metadata = instance::p5_4xlarge();
        "p5.48xlarge".clone_into(&mut metadata.identity.instance_type);
        metadata.enis = machine.tree.enis();
        let content = Content { tree: tree(&metadata, None), files: None };
        let imds = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), content).unwrap();
        Self { machine, imds }
    }

    /// The steps that look at the devices and that tell the kubelet, as a boot runs them.
    fn boot(&self, args: &[&str]) -> Run {
        let words = [&["--only", "health,kubelet,verify"], args].concat();
        finish(&mut bootstrap(self.machine.tree.path(), &self.imds.endpoint(), &words))
    }

    fn is_tainted(&self) -> bool {
        fs::read_to_string(self.machine.tree.path().join(DROP_IN)).unwrap().contains(NOT_READY)
    }

    fn address(&self, gpu: usize) -> String {
        self.machine.tree.gpu(gpu).address().trim_end_matches(".0").to_owned()
    }
}

/// Step and code of each finding.
fn told(run: &Run) -> Vec<(String, String)> {
    run.report().findings().iter().map(|found| (found.step.to_owned(), found.code.to_owned())).collect()
}

fn of_health(codes: &[&str]) -> Vec<(String, String)> {
    codes.iter().map(|code| ("health".to_owned(), (*code).to_owned())).collect()
}

#[test]
fn a_healthy_machine_joins_without_the_taint() {
    let node = Node::new("healthy-p5");
    for _ in 0..2 {
        let run = node.boot(&[]);
        assert_eq!((run.code, told(&run), node.is_tainted()), (0, Vec::new(), false), "{run:?}");
        let report = run.report().0;
        let summary = |step: &str| {
            let steps = report["steps"].as_array().unwrap().iter();
            steps.clone().find(|found| found["step"] == step).unwrap()["summary"].as_str().unwrap().to_owned()
        };
        let healthy = format!("healthy: {GPUS} GPUs, {EFAS} EFA interfaces");
        assert_eq!(summary("health"), healthy);
        // From the same look, and how old that is; on a machine that stands still for seconds, from another.
        let verified = summary("verify");
        assert!(verified.starts_with(&format!("2 steps looked at again; {healthy}")), "{verified}");
    }
}

#[test]
fn a_lost_gpu_keeps_the_node_tainted_until_it_is_back() {
    let node = Node::new("gpu-lost");
    let run = node.boot(&[]);
    assert_eq!((run.code, told(&run)), (1, of_health(&["GpuLost"])), "{run:?}");
    assert_eq!(run.report().findings()[0].subject, format!("GPU 3 ({}.0)", node.address(3)));
    assert!(node.is_tainted());
    node.machine.play("healthy-p5");
    let run = node.boot(&[]);
    assert_eq!((run.code, told(&run), node.is_tainted()), (0, Vec::new(), false), "{run:?}");
}

#[test]
fn what_the_kernel_has_said_since_the_boot_counts() {
    let node = Node::new("healthy-p5");
    let address = node.address(5);
    node.machine.kernel_says(&format!("NVRM: Xid (PCI:{address}): 31, pid=7, name=train, MMU Fault"));
    let run = node.boot(&[]);
    assert_eq!((run.code, node.is_tainted()), (0, false), "a program's mistake: {run:?}");
    node.machine.kernel_says(&format!("NVRM: Xid (PCI:{address}): 79, GPU has fallen off the bus."));
    let run = node.boot(&["--set", "onFailure=halt"]);
    let codes: Vec<_> = told(&run).into_iter().map(|(_, code)| code).collect();
    assert!(codes.contains(&"Xid79".to_owned()), "{run:?}");
    assert_eq!(run.code, 4, "{run:?}");
    assert!(node.machine.tree.path().join("run/gpunode/halt").exists());
}

#[test]
fn a_sick_efa_keeps_the_node_tainted() {
    let node = Node::new("healthy-p5");
    node.machine.tree.efa(9).stall_port().unwrap();
    let run = node.boot(&[]);
    assert_eq!(
        (run.code, told(&run), node.is_tainted()),
        (1, of_health(&["EfaUnresponsive"]), true),
        "{run:?}"
    );
    node.machine.tree.efa(17).remove().unwrap();
    let run = node.boot(&["--set", "skip=health"]);
    assert_eq!((run.code, told(&run), node.is_tainted()), (0, Vec::new(), false), "not asked for: {run:?}");
}

#[test]
fn a_warning_is_told_and_keeps_nobody_out() {
    let node = Node::new("throttling");
    let run = node.boot(&[]);
    let wanted = of_health(&["GpuHardwareSlowdown", "GpuTooHot"]);
    assert_eq!((run.code, told(&run), node.is_tainted()), (0, wanted, false), "{run:?}");
}

#[test]
fn what_nobody_can_tell_is_said_and_keeps_nobody_out() {
    let node = Node::new("healthy-p5");
    node.machine.without_nvml();
    let run = node.boot(&[]);
    let wanted = of_health(&["HealthUnknown", "NvmlNotInstalled"]);
    assert_eq!((run.code, told(&run), node.is_tainted()), (0, wanted, false), "{run:?}");
}

/// NVML hangs; the step may take no longer than it is told, whatever the look waits for.
#[test]
fn a_look_that_hangs_keeps_the_node_tainted() {
    let node = Node::new("hang-init");
    let run = node.boot(&["--set", "deadlines.health=3"]);
    assert_eq!((run.code, told(&run), node.is_tainted()), (1, of_health(&["StepDeadline"]), true), "{run:?}");
}

#[test]
fn a_plan_looks_and_changes_nothing() {
    let node = Node::new("gpu-lost");
    let run = node.boot(&["--plan"]);
    assert_eq!(told(&run), of_health(&["GpuLost"]), "{run:?}");
    assert!(!node.machine.tree.path().join(DROP_IN).exists());
}
