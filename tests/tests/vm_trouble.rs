//! Troubles of a machine: commands that hang, a second agent, no metadata, a clock that jumps, a disk that is full. A
//! root that cannot be written is in `survive_environment`.

use gpunode_tests::node::{self, AGENT, bootstrap, done, ok, up};
use gpunode_tests::vm::Vm;

const DISK: &str = "AWSTROUBLE0000000001";

#[test]
fn vm_survives_its_troubles() {
    let vm = up(node::machine(&[DISK]));

    // A program that hangs is ended with all it started; the others go on, and onFailure is obeyed.
    let hang = "#!/bin/bash\nsleep 4242 & sleep 4242\n";
    done("put", vm.put("/usr/local/sbin/mkfs.xfs", hang.as_bytes(), "755"));
    let run = bootstrap(&vm, "--set deadlines.data-volumes=3");
    assert_eq!((run.exit, run.codes("data-volumes")), (1, vec!["StepDeadline"]), "{}", run.report);
    assert_eq!(ok(&vm, "pgrep -c -f 'sleep 4242' || true"), "0", "something was left behind");
    for step in ["sysctl", "limits", "nccl-env"] {
        assert_eq!(run.outcome(step), "changed", "{}", run.report);
    }
    assert_eq!(run.report["onFailure"], "taint");
    let halted = bootstrap(&vm, "--set deadlines.data-volumes=3 --set onFailure=halt");
    assert_eq!(halted.exit, 4, "{}", halted.report);
    ok(&vm, "test -s /run/gpunode/halt");
    ok(&vm, "rm /usr/local/sbin/mkfs.xfs");

    // A second agent beside a first one that works says who is at work, and touches nothing.
    done("put", vm.put("/usr/local/sbin/mkfs.xfs", b"#!/bin/bash\ntouch /run/working\nuntil [ -e /run/go ]; do sleep 0.1; done\nexec /usr/sbin/mkfs.xfs \"$@\"\n", "755"));
    ok(
        &vm,
        &format!(
            "rm -f /run/go; (setsid {AGENT} bootstrap --quiet >/run/first.log 2>&1; echo $? >/run/first) & until [ -e /run/working ]; do sleep 0.1; done"
        ),
    );
    let second = done("second", vm.run(&format!("{AGENT} bootstrap"), node::LONG));
    assert_eq!(second.exit, 3, "{}", second.complaint());
    assert!(
        second.complaint().contains("another gpunode-agent is at work (process "),
        "{}",
        second.complaint()
    );
    ok(&vm, "touch /run/go; until [ -s /run/first ]; do sleep 0.1; done; rm /usr/local/sbin/mkfs.xfs");
    assert_eq!(ok(&vm, "cat /run/first"), "0", "{}", ok(&vm, "cat /run/first.log"));
    ok(&vm, "test ! -e /run/gpunode/halt");

    // No metadata service: what can be done is done, and what is not known is said.
    ok(&vm, "systemctl stop bed-imds");
    let alone =
        bootstrap(&vm, "--set imds.deadlineSeconds=2 --set nvidia.required=false --set efa.required=false");
    assert_eq!((alone.exit, alone.codes("facts")), (1, vec!["ImdsUnavailable"]), "{}", alone.report);
    assert_eq!(alone.report["instanceType"], "p5.48xlarge", "DMI knows the type");
    assert_eq!(alone.outcome("data-volumes"), "unchanged", "{}", alone.report);
    ok(&vm, "systemctl start bed-imds");

    // The clock jumps by years while the agent works: times it tells come from the clock that only goes forward.
    done(
        "put",
        vm.put(
            "/usr/local/sbin/systemctl",
            b"#!/bin/bash\ndate -s 2031-01-01 >/dev/null\nexec /usr/bin/systemctl \"$@\"\n",
            "755",
        ),
    );
    let jumped = bootstrap(&vm, "");
    ok(&vm, "rm /usr/local/sbin/systemctl");
    assert_eq!((jumped.exit, jumped.errors()), (0, vec![]), "{}", jumped.report);
    assert!(jumped.report["elapsedMs"].as_u64().unwrap() < 600_000, "{}", jumped.report);

    // A full disk: no half-written file, and the next run with room does the rest.
    ok(
        &vm,
        "rm /etc/nccl.conf; fallocate -l $(df --output=avail -B1 / | tail -n 1) /var/full || true; dd if=/dev/zero of=/var/full2 bs=4096 2>/dev/null || true; sync",
    );
    let full = bootstrap(&vm, "");
    assert_eq!((full.exit, full.codes("nccl-env")), (1, vec!["FileNotWritten"]), "{}", full.report);
    assert!(full.report.to_string().contains("No space left on device"), "{}", full.report);
    assert_eq!(ok(&vm, "ls /etc/.*gpunode-new /etc/nccl.conf 2>/dev/null || true"), "");
    ok(&vm, "rm /var/full /var/full2");
    let healed = bootstrap(&vm, "");
    assert_eq!(
        (healed.exit, healed.outcome("nccl-env"), healed.errors()),
        (0, "changed", vec![]),
        "{}",
        healed.report
    );

    nccl_variables_reach_everyone(&vm);
}

/// With a profile that writes many: NCCL's own file, login shells, users' services and pods get the same variables, and
/// what hurts on this type is said.
fn nccl_variables_reach_everyone(vm: &Vm) {
    let run = bootstrap(vm, "--set nccl.profile=classic --set nccl.env.NCCL_DEBUG=INFO");
    assert_eq!((run.exit, run.outcome("nccl-env"), run.errors()), (0, "changed", vec![]), "{}", run.report);
    assert!(run.codes("nccl-env").contains(&"NcclVariableHurts"), "{}", run.report);
    let file = ok(vm, "grep -v '^#' /etc/nccl.conf | sort");
    assert_eq!(file, "NCCL_DEBUG=INFO\nNCCL_PROTO=simple\nNCCL_SOCKET_IFNAME=^docker,lo");
    let all = [
        "FI_EFA_USE_DEVICE_RDMA=1",
        "FI_PROVIDER=efa",
        "NCCL_DEBUG=INFO",
        "NCCL_PROTO=simple",
        "NCCL_SOCKET_IFNAME=^docker,lo",
    ];
    let shell = ok(vm, "env -i /bin/bash -lc env | grep -E '^(NCCL|FI)_' | sort");
    assert_eq!(shell, all.join("\n"), "a login shell");
    let generator = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
    let services = ok(vm, &format!("{generator} | grep -E '^(NCCL|FI)_' | sort"));
    for variable in all {
        let (name, value) = variable.split_once('=').unwrap_or_default();
        assert!(
            services.contains(&format!("{name}=")) && services.contains(value),
            "{variable} in {services}"
        );
        assert!(ok(vm, "cat /etc/cdi/gpunode.io-nccl.json").contains(variable), "{variable} for pods");
    }
    // Every line says why it is there.
    let comments = ok(vm, "grep -c '^#' /etc/nccl.conf");
    assert!(comments.parse::<u32>().is_ok_and(|count| count >= 3), "{comments}");
}
