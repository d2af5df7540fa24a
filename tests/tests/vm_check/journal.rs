//! The kernel's lines from a real journald, for a program that is kept from the kernel log's device as a pod is.

use gpunode_tests::node::{AGENT, LONG, done, ok};
use gpunode_tests::vm::Vm;
use serde_json::Value;

use super::{INSTALLED, is_the_kill, source};

/// The kernel refuses every device but the usual ones (`systemd.resource-control(5)`).
const WITHHELD: &str = "systemd-run --quiet --wait --pipe -p DevicePolicy=closed";

/// The kernel has killed one program for its memory; it kills another one now.
pub(crate) fn is_read_where_the_device_is_withheld(vm: &Vm) {
    let refused = vm.run(&format!("{WITHHELD} head -c 0 /dev/kmsg"), LONG).unwrap();
    assert!(refused.complaint().contains("Operation not permitted"), "{refused:?}");

    let output = done("check", vm.run(&format!("{WITHHELD} {INSTALLED} check --json --deadline 120"), LONG));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    is_instead(source(&report, "kernel-log"));
    is_the_kill(&report["findings"]);

    let watch = format!("exec {WITHHELD} --unit withheld {AGENT} watch --json > /run/withheld");
    let watch = done("watch", vm.start(&watch));
    ok(vm, r#"until grep -q '"event":"report"' /run/withheld; do sleep 0.1; done"#);
    ok(
        vm,
        "cp /usr/local/bin/glutton /usr/local/bin/gourmand; \
         ! systemd-run --quiet --wait -p MemoryMax=32M -p MemorySwapMax=0 /usr/local/bin/gourmand /dev/zero",
    );
    ok(vm, "until grep -q gourmand /run/withheld; do sleep 0.1; done; systemctl kill --signal INT withheld");
    assert_eq!(done("watch", vm.wait(watch, LONG)).exit, 0);
    let lines = ok(vm, "cat /run/withheld");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let report = lines.iter().find(|line| line["event"] == "report").unwrap();
    is_instead(source(&report["report"], "kernel-log"));
    let told: Vec<_> =
        lines.iter().filter(|line| line["finding"]["message"].to_string().contains("gourmand")).collect();
    let [told] = told[..] else { panic!("once, and no more: {told:?}") };
    assert_eq!((&told["event"], &told["finding"]["code"]), (&"altered".into(), &"OutOfMemory".into()));

    // journald's own time is that of its taking the line in.
    let taken = ok(vm, "journalctl --dmesg --output json | grep 'Killed process .*gourmand'");
    let taken: Value = serde_json::from_str(taken.lines().next().unwrap()).unwrap();
    let taken = taken["__REALTIME_TIMESTAMP"].as_str().unwrap().parse::<u64>().unwrap() / 1000;
    let took = told["timeUnixMs"].as_u64().unwrap().saturating_sub(taken);
    println!("from journald's taking the line in to the finding, in an emulated machine: {took} ms");
}

fn is_instead(log: &Value) {
    assert_eq!(log["state"], "answered-instead", "{log}");
    let why = log["why"].as_str().unwrap();
    assert!(why.starts_with("read from the journal: ") && why.contains("Operation not permitted"), "{why}");
}
