//! The whole way: an operator's `.env` → `installer gpu create` → a launch template in an emulated EC2 → an instance of it,
//! which is a virtual machine → its user data, run by cloud-init → the release agent → the node in a real API server → the
//! release daemonset → conditions → `installer gpu verify`.
//!
//! Real are the programs, the kernel, systemd, cloud-init, the NVMe disks, the network between agent, daemonset and
//! their servers, and the API server with the manifests. Played are the cards and NVIDIA's driver (files over the kernel's
//! own, and an NVML of ours), what of the image is AWS's or NVIDIA's, nodeadm and the kubelet, and the container runtime.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

mod image;
mod instance;
mod kubelet;
mod pod;
mod release;
mod site;

use std::collections::BTreeMap;

use gpunode_host::metadata::Eni;
use gpunode_tests::aws::Told as Said;
use gpunode_tests::node::{ok, up};
use gpunode_tests::vm::Vm;
use serde_json::Value;

use image::Image;
use kubelet::Told;
use pod::Pod;
use release::Release;
use site::{Launch, Site};

const TYPE: &str = "p5en.48xlarge";
/// The template's second volume; the first is the root.
const VOLUME: &str = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol00000000000000001";
const NODE: &str = "ip-10-0-2-15.us-west-2.compute.internal";
const VERIFY: [&str; 4] = ["gpu", "verify", "--no-pods", "--json"];

#[test]
fn whole_way_from_settings_to_conditions_and_back() {
    let release = Release::serve();
    let site = Site::new(500, &release);
    for words in [&["config", "check"][..], &["gpu", "create", "--yes"], &["gpu", "status"]] {
        let said = site.installer(words);
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    }
    let launch = site.launched();
    let image = Image::new(launch.data["InstanceType"].as_str().unwrap(), &release);
    let vm = up(instance::machine(&site, &launch, &image));

    is_the_template_s(&vm, &launch);
    is_bootstrapped(&vm);
    assert_eq!(release.fetched(), 1, "the agent is of the release");
    let said = site.installer(&VERIFY);
    has(&said, 3, "error", "0 of 1 nodes have joined");

    let told = Told::read(&vm);
    assert_eq!((&told.server, &told.authority), (&site.endpoint(), &site.authority));
    assert_eq!(told.taints, ["nvidia.com/gpu=true:NoSchedule"], "a healthy node takes work");
    told.join(&vm, &site.cluster, NODE);
    let pod = Pod::start(&vm, &site.cluster, &told, NODE);
    is_healthy(&pod);
    let said = site.installer(&VERIFY);
    has(&said, 0, "ok", "1 of 1 nodes have joined");
    has(&said, 0, "ok", "1 of 1 as they must be");

    let since: BTreeMap<_, _> =
        ["NodeBootstrapped", "NodeStorageHealthy"].map(|kind| (kind, pod.since(kind))).into();
    pod.renew_token(&site.cluster);
    the_clock_jumps(&vm, &pod, 3 * 3600);
    an_efa_leaves_and_comes_back(&site, &vm, &pod);
    pod.renew_token(&site.cluster);
    the_clock_jumps(&vm, &pod, -3 * 3600);
    a_gpu_falls_off_the_bus_for_good(&site, &vm, &image, &pod);
    for kind in ["NodeBootstrapped", "NodeStorageHealthy"] {
        let moved = pod.since(kind) - since[kind];
        assert!(moved.abs() < 60, "{kind} has its status since {moved} s later");
    }
}

/// By so many seconds. The pod's program says so, and what it has told stands; since when, it tells by the new time.
fn the_clock_jumps(vm: &Vm, pod: &Pod<'_>, seconds: i64) {
    let before = pod.words();
    let now = ok(vm, "date +%s").parse::<i64>().unwrap();
    ok(vm, &format!("date --set=@{}", now + seconds));
    let (sign, hours) = (if seconds < 0 { "-" } else { "" }, seconds.abs() / 3600);
    // A few seconds pass between the two commands on a slow machine.
    let told = format!("the clock was set by {sign}({}|{})[0-9]{{2}} s", hours * 36, hours * 36 - 1);
    pod.until_logged(&told);
    assert_eq!(pod.words(), before);
}

/// The machine has what the template gives it, and nothing else.
fn is_the_template_s(vm: &Vm, launch: &Launch) {
    assert!(instance::ask_imds(vm, "user-data") == instance::user_data(launch), "other user data");
    assert_eq!(instance::ask_imds(vm, "meta-data/instance-type"), TYPE.as_bytes());
    let efas = launch.data["NetworkInterfaces"].as_array().unwrap().iter();
    let mut wanted: Vec<_> = efas
        .filter(|it| it["InterfaceType"] != "interface")
        .map(|it| gpunode_tree::mac(index(it, "NetworkCardIndex"), index(it, "DeviceIndex")))
        .collect();
    let tree = vm.hardware();
    let mut there: Vec<_> = (0..tree.efa_count()).map(|number| tree.efa(number).mac().to_owned()).collect();
    let primary = tree.enis().into_iter().find(|eni: &Eni| !eni.has_no_address()).unwrap();
    assert_eq!(ok(vm, "cat /sys/class/net/eth0/address"), primary.mac);
    wanted.sort();
    there.sort();
    assert_eq!(there, wanted, "the template attaches other EFA interfaces than the type has");
    let data = launch.data["BlockDeviceMappings"][1]["Ebs"]["VolumeSize"].as_u64().unwrap();
    let size = ok(vm, &format!("blockdev --getsize64 {VOLUME}"));
    assert_eq!(size, (data << 30).to_string());
}

fn index(interface: &Value, name: &str) -> u32 {
    interface[name].as_u64().unwrap().try_into().unwrap()
}

/// The unit that the user data has installed did its work to the end.
fn is_bootstrapped(vm: &Vm) {
    let log = ok(vm, "journalctl -b --no-pager -t gpunode-agent; tail -n 40 /var/log/cloud-init-output.log");
    let status = ok(vm, "systemctl show gpunode-agent -p ActiveState -p Result -p ExecMainStatus");
    assert_eq!(status, "Result=success\nExecMainStatus=0\nActiveState=active", "{log}");
    let report: Value = serde_json::from_str(&ok(vm, "cat /run/gpunode/report.json")).unwrap();
    assert_eq!((&report["verdict"], &report["instanceType"]), (&"ok".into(), &TYPE.into()), "{report:#}");
    let steps = report["steps"].as_array().unwrap();
    let found = steps.iter().flat_map(|step| step["findings"].as_array().unwrap());
    let codes: Vec<_> = found.map(|finding| finding["code"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        ["OfiNcclAbsent"],
        "EKS images have no plugin, and nothing else is to be said: {report:#}"
    );
    let summary = |name: &str| steps.iter().find(|step| step["step"] == name).unwrap()["summary"].clone();
    assert_eq!(summary("health"), "healthy: 8 GPUs, 16 EFA interfaces", "{report:#}");
    assert_eq!(ok(vm, "systemctl is-active nvidia-fabricmanager"), "active", "NVSwitches want it");
    assert_eq!(ok(vm, "cat /sys/block/md*/md/raid_disks"), "8");
    assert!(ok(vm, "findmnt -no SOURCE /var/lib/kubelet").starts_with("/dev/md"));
    // Containers are on the instance store, so the EBS volume is left as it was.
    assert_eq!(ok(vm, &format!("blkid -p {VOLUME}; echo $?")), "2");
}

fn is_healthy(pod: &Pod<'_>) {
    pod.until("NodeBootstrapped", "True", "NodeIsBootstrapped");
    for (kind, reason) in [("GPUHealthy", "GpusAreHealthy"), ("EFAHealthy", "EfaIsHealthy")] {
        pod.until(kind, "True", reason);
    }
    pod.until("NodeStorageHealthy", "True", "");
    pod.until_labels(&[
        ("gpu.count", Some("8")),
        ("gpu.healthy", Some("8")),
        ("gpu.driver", Some("550.127.05")),
        ("efa.count", Some("16")),
        ("efa.healthy", Some("16")),
        ("efa.version", Some("2.17.3g")),
        ("instance-family", Some("p5en")),
    ]);
    let node = pod.node();
    let told = |name: &str| node["metadata"]["labels"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (told("nvidia.com/gpu"), told("node.kubernetes.io/instance-type")),
        ("true".into(), TYPE.into())
    );
    let ours = node["spec"]["taints"].as_array().unwrap().iter().filter(|it| it["key"] == "nvidia.com/gpu");
    assert_eq!(ours.count(), 1, "{node:#}");
}

/// A card leaves the bus and comes back: the finding goes with its cause.
fn an_efa_leaves_and_comes_back(site: &Site, vm: &Vm, pod: &Pod<'_>) {
    let card = vm.hardware().efa(5);
    card.remove().unwrap();
    vm.replug().unwrap();
    pod.until("EFAHealthy", "False", "EfaAbsent");
    pod.until_labels(&[("efa-5", Some("down")), ("efa.count", Some("15")), ("efa.healthy", Some("15"))]);
    assert_eq!(pod.condition("GPUHealthy").0, "True", "of one card");
    assert_eq!(pod.condition("NodeBootstrapped").0, "True", "it was well when it booted");
    has(&site.installer(&VERIFY), 3, "error", "EFAHealthy is False: EfaAbsent");
    on_a_host_its_log_has_fields(vm);
    card.reload().unwrap();
    vm.replug().unwrap();
    pod.until("EFAHealthy", "True", "EfaIsHealthy");
    pod.until_labels(&[("efa-5", None), ("efa.count", Some("16")), ("efa.healthy", Some("16"))]);
    pod.wait("the event", |pod| pod.has_told("EfaAbsentCleared"));
    assert_eq!(site.installer(&VERIFY).code, Some(0));
}

/// The same program started by hand, beside the pod: what it sees is in the journal, with the node as a field, and not on the
/// terminal, too.
fn on_a_host_its_log_has_fields(vm: &Vm) {
    let begin = "/run/bed/files/gpunode-daemonset --dry-run --node-name by-hand --state-dir /run/by-hand \
                 --listen 127.0.0.1:0 >/run/by-hand.yaml 2>/run/by-hand.err & pid=$!";
    let found = "journalctl -b --no-pager -o cat -t gpunode-daemonset GPUNODE_NODE=by-hand | grep '^found: EfaAbsent'";
    let told = ok(
        vm,
        &format!(
            "{begin}; until {found}; do kill -0 $pid || exit 9; sleep 0.5; done; kill $pid; wait $pid; echo $?"
        ),
    );
    let lines: Vec<_> = told.lines().collect();
    assert!(lines.len() == 2 && lines[1] == "0", "{told}");
    assert_eq!(ok(vm, "cat /run/by-hand.err"), "");
}

/// NVML reports Xid 79 of one GPU, which stands until the machine starts anew, and gives no handle of another, which is over
/// when it does.
fn a_gpu_falls_off_the_bus_for_good(site: &Site, vm: &Vm, image: &Image, pod: &Pod<'_>) {
    let xid = "[[events]]\ngpu = 3\nkind = 8\ndata = 79\n";
    image.play(vm, xid);
    pod.until("GPUHealthy", "False", "Xid79");
    pod.until_labels(&[("gpu-3", Some("xid-79")), ("gpu.healthy", Some("7"))]);
    image.play(vm, &format!("{xid}[calls.nvmlDeviceGetHandleByIndex_v2]\ngpu5 = {{ code = 999 }}\n"));
    pod.until_labels(&[("gpu-5", Some("unreachable")), ("gpu.healthy", Some("6"))]);
    image.play(vm, xid);
    pod.until_labels(&[("gpu-5", None), ("gpu-3", Some("xid-79")), ("gpu.healthy", Some("7"))]);
    pod.wait("the event", |pod| pod.has_told("GpuUnreachableCleared"));
    assert_eq!(pod.condition("GPUHealthy"), ("False".into(), "Xid79".into()));
    assert_eq!(pod.condition("EFAHealthy").0, "True");
    has(&site.installer(&VERIFY), 3, "error", "GPUHealthy is False: Xid79");
}

/// The exit code, and a finding of the document.
fn has(said: &Said, code: i32, level: &str, what: &str) {
    assert_eq!(said.code, Some(code), "{said:#?}");
    let document = said.json();
    let rows = document["findings"].as_array().unwrap();
    let found = rows.iter().any(|row| row["level"] == level && row["what"].as_str().unwrap().contains(what));
    assert!(found, "{level} {what}: {said:#?}");
}
