//! What the pods of `installer gpu verify` run.

use serde_json::Value;

use crate::inside::Inside;

/// What the pod runs, run here with tools that say what the real ones do: it ends well where the count is right only.
pub(crate) fn counts(inside: &Inside, pod: &Value) {
    let container = &pod["spec"]["containers"][0];
    let (folder, gpu) = (inside.bed.folder(), pod["metadata"]["name"].as_str().unwrap().contains("-gpu-"));
    let (tool, log) = (folder.join(if gpu { "nvidia-smi" } else { "fi_info" }), folder.join("message"));
    let said = |devices: usize| -> String {
        // libfabric lists each interface under both of its fabrics.
        let efa = |at: usize| {
            ["efa", "efa-direct"]
                .map(|fabric| format!("provider: efa\n    fabric: {fabric}\n    domain: rdmap{at}s0-rdm\n"))
        };
        let one = |at: usize| {
            if gpu { format!("GPU {at}: NVIDIA H200 (UUID: GPU-{at})\n") } else { efa(at).concat() }
        };
        (0..devices).map(one).collect()
    };
    let wanted: usize = container["env"][0]["value"].as_str().unwrap().parse().unwrap();
    let script = container["command"][2].as_str().unwrap();
    assert!(
        script.contains("/dev/termination-log")
            && container["command"].as_array().unwrap()[..2] == ["sh", "-c"]
    );
    let script = script.replace("/dev/termination-log", log.to_str().unwrap());
    let run = |devices: usize, code: i32| {
        std::fs::write(&tool, format!("#!/bin/sh\ncat <<'END'\n{}END\nexit {code}\n", said(devices)))
            .unwrap();
        std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = gpunode_tests::kube::program("sh");
        command.args(["-c", &script]).env("WANTED", wanted.to_string());
        command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
        gpunode_tests::kube::finish(command).is_ok()
    };
    assert!(run(wanted, 0) && std::fs::read_to_string(&log).unwrap().lines().count() == wanted);
    assert!(!run(wanted - 1, 0) && !run(wanted + 1, 0) && !run(0, 6));
    std::fs::remove_file(&tool).unwrap();
}
