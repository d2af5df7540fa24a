//! An image is made in a virtual machine and boots as a node: nothing is fetched, since there is nothing to fetch from,
//! and what the image brought is found right.
//!
//! What is baked is what the steps install by themselves today. Where a step comes to install packages, stand-ins for
//! them go into [`prepare`], and its name into [`BAKED`].

use gpunode_tests::agent;
use gpunode_tests::node::{self, AGENT, done, ok, up};
use gpunode_tests::vm::{Disk, Vm};
use serde_json::Value;

/// Steps whose work is in the image: the first boot looks, and changes nothing.
const BAKED: [&str; 1] = ["sysctl"];
/// Programs that bring something from elsewhere.
const FETCHERS: [&str; 6] = ["curl", "wget", "apt", "apt-get", "dnf", "yum"];
const DISKS: [&str; 2] = ["AWS1111AAAA1111AAAA1", "AWS2222BBBB2222BBBB2"];

/// What the source image has beside Debian.
fn prepare(vm: &Vm) {
    ok(vm, "mkdir -p /etc/gpunode && mkdir -p /etc/ssh && echo key >/etc/ssh/ssh_host_test_key");
}

/// The user data of instances of the image, as the agent itself prints them.
fn user_data() -> String {
    let config = node::CONFIG.replace("[nvidia]\n", "nvidia.").replace("[efa]\n", "efa.");
    let flags: Vec<_> =
        config.lines().flat_map(|line| ["--set".to_owned(), line.replace(" = ", "=")]).collect();
    let run = agent::finish(agent::command().args(["user-data", "--baked"]).args(flags));
    assert_eq!(run.code, 0, "{run:?}");
    run.stdout
}

fn bake(vm: &Vm) -> Value {
    let install = |what: &str| {
        let output = ok(vm, &format!("{AGENT} install --instance-type p5.48xlarge --json"));
        let last: Value =
            output.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        assert_eq!(last["report"]["verdict"], "ok", "{what}: {last}");
        last["report"].clone()
    };
    install("first");
    let again = install("second");
    for step in again["steps"].as_array().into_iter().flatten() {
        assert_ne!(step["outcome"], "changed", "{step}");
    }
    let said = ok(vm, "gpunode-agent generalise");
    assert!(said.contains("/etc/machine-id") && said.contains("state of cloud-init"), "{said}");
    assert_eq!(ok(vm, "wc -c < /etc/machine-id; ls /etc/ssh | grep -c ssh_host || true"), "0\n0");
    again
}

#[test]
fn vm_an_image_boots_as_a_node_and_fetches_nothing() {
    let builder = DISKS
        .iter()
        .fold(Vm::builder().file("gpunode-agent", gpunode_tests::binary::agent()), |builder, serial| {
            builder.disk(Disk::instance_store(serial, 1))
        });
    let vm = up(builder.cloud_init());
    prepare(&vm);
    let before = ok(&vm, "cat /etc/machine-id");
    bake(&vm);
    let sums = "sha256sum /usr/local/bin/gpunode-agent /etc/gpunode/image.json /etc/sysctl.d/90-gpunode.conf \
                /etc/systemd/system/gpunode-agent.service /etc/security/limits.d/90-gpunode.conf";
    let baked = ok(&vm, sums);

    // The only server that the guest can reach has no file to give any more; then the first boot of the image.
    std::fs::remove_file(vm.shared_folder().join("files/gpunode-agent")).expect("the agent was offered");
    done("user data", vm.set_user_data(Some(user_data().as_bytes())));
    done("first boot", vm.reboot());

    let log = ok(&vm, "journalctl -b --no-pager -t gpunode-agent");
    let status = ok(&vm, "systemctl show gpunode-agent -p ActiveState -p Result -p ExecMainStatus");
    assert_eq!(status, "Result=success\nExecMainStatus=0\nActiveState=active", "{log}");
    assert_eq!(ok(&vm, sums), baked);
    assert_ne!(ok(&vm, "cat /etc/machine-id"), before);
    assert_eq!(ok(&vm, "findmnt -no FSTYPE /mnt/k8s-disks/0"), "xfs");
    let report: Value = serde_json::from_str(&ok(&vm, "cat /run/gpunode/report.json")).unwrap_or_default();
    assert_eq!(report["verdict"], "ok", "{report:#}");
    for step in report["steps"].as_array().into_iter().flatten() {
        let name = step["step"].as_str().unwrap_or_default();
        if BAKED.contains(&name) {
            assert_eq!(step["outcome"], "unchanged", "{step:#}");
        }
        for command in step["commands"].as_array().into_iter().flatten() {
            let line = command["command"].as_str().unwrap_or_default();
            let program = line.split(' ').next().unwrap_or_default();
            assert!(!line.is_empty() && !FETCHERS.contains(&program), "{name}: {command}");
        }
    }
}
