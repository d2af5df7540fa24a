use super::super::cdi;
use super::super::containerd::Version;
use super::super::plan::{Machine, Plan, Wanted, plan};
use super::super::soci::Parallel;
use crate::steps::node_config::Others;

const NODEADM_DROP_IN: &str = "/etc/eks/nodeadm.d/80-gpunode-containerd.yaml";

const WANTED: Wanted = Wanted { nvidia_default: true, cdi: true, soci: Some(Parallel::GPU) };

fn eks() -> Machine {
    Machine {
        containerd: Some(Version(2, 1)),
        nodeadm: true,
        kubelet: Some(Version(1, 33)),
        nvidia_runtime: true,
        soci: true,
        unpigz: true,
        nodes: cdi::select(["/dev/nvidia0", "/dev/kmsg"]),
        ..Machine::default()
    }
}

fn file<'a>(plan: &'a Plan, path: &str) -> Option<&'a str> {
    let file = plan.files.iter().find(|file| file.path.to_str() == Some(path));
    file.map(|file| file.content.as_str())
}

fn told_to_nodeadm(plan: &Plan) -> String {
    let mut others = Others::default();
    others.add(file(plan, NODEADM_DROP_IN).unwrap()).unwrap();
    others.containerd_config
}

fn codes(plan: &Plan) -> Vec<&'static str> {
    plan.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn nodeadm_is_told_only_what_it_does_not_do_by_itself() {
    let nothing = plan(&eks(), Wanted { soci: None, ..WANTED }).unwrap();
    let paths: Vec<_> = nothing.files.iter().map(|file| file.path.to_str().unwrap()).collect();
    assert_eq!(paths, ["/etc/cdi/gpunode.json"]);
    assert!(nothing.absent.iter().any(|path| path.to_str() == Some(NODEADM_DROP_IN)));

    let soci = plan(&eks(), WANTED).unwrap();
    assert!(
        file(&soci, NODEADM_DROP_IN).unwrap().ends_with("spec:\n  featureGates:\n    FastImagePull: true\n")
    );
    let kept = file(&soci, "/etc/gpunode/soci-snapshotter.toml").unwrap();
    for line in [
        "max_concurrent_downloads_per_image = 30",
        "concurrent_download_chunk_size = \"32mb\"",
        "max_concurrent_unpacks_per_image = 30",
        "[pull_modes.parallel_pull_unpack.decompress_streams.gzip]",
    ] {
        assert!(kept.lines().any(|found| found == line), "{line}\n{kept}");
    }
    let drop_in = file(&soci, "/etc/systemd/system/soci-snapshotter.service.d/10-gpunode.conf").unwrap();
    assert!(drop_in.contains(
        "[Service]\nExecStartPre=/usr/bin/install -D -m 0644 /etc/gpunode/soci-snapshotter.toml \
         /etc/soci-snapshotter-grpc/config.toml\n"
    ));
    assert_eq!(file(&soci, "/etc/soci-snapshotter-grpc/config.toml"), None);
    assert_eq!(file(&soci, "/etc/containerd/config.toml"), None);
    assert!(codes(&soci).is_empty());
}

#[test]
fn nodeadms_inline_configuration_is_of_the_schema_that_others_use() {
    let old = Machine { kubelet: Some(Version(1, 31)), ..eks() };
    let text = told_to_nodeadm(&plan(&old, WANTED).unwrap());
    assert!(text.contains("[plugins.\"io.containerd.cri.v1.runtime\"]\nenable_cdi = true\n"), "{text}");
    assert!(!text.contains("nvidia"), "{text}");

    let others = "[plugins.\"io.containerd.grpc.v1.cri\".containerd]\ndiscard_unpacked_layers = false\n";
    let beside = Machine { others_config: others.into(), ..old };
    let text = told_to_nodeadm(&plan(&beside, WANTED).unwrap());
    assert!(text.contains("[plugins.\"io.containerd.grpc.v1.cri\"]\nenable_cdi = true\n"), "{text}");
}

#[test]
fn where_nvidia_is_not_to_be_the_default_nodeadm_is_given_runc_back() {
    let text = told_to_nodeadm(&plan(&eks(), Wanted { nvidia_default: false, ..WANTED }).unwrap());
    for expected in [
        "default_runtime_name = \"runc\"\n",
        "containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\nbase_runtime_spec = ",
        "containerd.runtimes.runc.options]\nSystemdCgroup = true\n",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn what_is_not_installed_is_told_and_never_used() {
    for nodeadm in [true, false] {
        let bare = Machine { nodeadm, nvidia_runtime: false, soci: false, ..eks() };
        let plan = plan(&bare, WANTED).unwrap();
        assert_eq!(codes(&plan), ["NvidiaRuntimeMissing", "SociMissing"]);
        let all: String = plan.files.iter().map(|file| file.content.as_str()).collect();
        assert!(
            !all.contains("nvidia-container-runtime")
                && !all.contains("soci")
                && !all.contains("FastImagePull")
        );
        assert!(!plan.enable_soci);
    }
    let old = Machine { containerd: Some(Version(1, 6)), nodeadm: false, ..eks() };
    let plan = plan(&old, WANTED).unwrap();
    assert_eq!(codes(&plan), ["CdiUnsupported"]);
    assert!(!file(&plan, "/etc/containerd/config.toml").unwrap().contains("cdi"));
}

#[test]
fn without_containerd_the_cdi_specification_is_written_all_the_same() {
    let plan = plan(&Machine { containerd: None, nodeadm: false, ..eks() }, WANTED).unwrap();
    assert_eq!(plan.files.len(), 1);
    assert!(file(&plan, "/etc/cdi/gpunode.json").is_some());
    assert_eq!(plan.summary, "containerd is not installed, host CDI with 2 devices");
    assert!(codes(&plan).is_empty());
}

#[test]
fn elsewhere_the_snapshotters_own_file_is_kept() {
    let config = "debug = true\n[pull_modes.parallel_pull_unpack]\nenable = false\nkept = 1 # mine\n";
    let machine = Machine { nodeadm: false, soci_config: Some(config.into()), unpigz: false, ..eks() };
    let plan = plan(&machine, Wanted { soci: Some(Parallel::GENERAL), ..WANTED }).unwrap();
    let text = file(&plan, "/etc/soci-snapshotter-grpc/config.toml").unwrap();
    assert!(text.starts_with("debug = true\n") && text.contains("kept = 1 # mine\n"), "{text}");
    assert!(text.contains("enable = true\n") && text.contains("concurrent_download_chunk_size = \"16mb\"\n"));
    assert!(!text.contains("gzip"), "{text}");
    assert!(plan.enable_soci);
}
