//! A virtual machine on which the agent under test runs.
#![expect(clippy::panic, reason = "a test that cannot reach its machine has failed, and says why")]

use std::time::Duration;

use serde_json::Value;

use crate::binary;
use crate::vm::{Builder, Disk, Error, Vm, mime};

/// Where the agent is in the guest.
pub const AGENT: &str = "/run/bed/files/gpunode-agent";

/// Far more than any command takes, even emulated and beside other work; it only tells slow from never.
pub const LONG: Duration = Duration::from_secs(300);

/// What the machine has no hardware for. The type in its metadata is p5.48xlarge, so that what follows from the type
/// alone can be seen.
pub const CONFIG: &str = "[nvidia]\nrequired = false\n[efa]\nrequired = false\n";

/// A machine with the agent and with instance-store disks of these serial numbers, 1 GiB each.
pub fn machine(serials: &[&str]) -> Builder {
    let builder = Vm::builder().file("gpunode-agent", binary::agent()).user_data(user_data(CONFIG));
    serials.iter().fold(builder, |builder, serial| builder.disk(Disk::instance_store(serial, 1)))
}

/// User data with one part for the agent.
pub fn user_data(config: &str) -> String {
    mime(&[("application/vnd.gpunode.node+toml", config)])
}

/// A run of the agent that ended.
#[derive(Debug)]
pub struct Run {
    /// Its exit code.
    pub exit: i32,
    /// The report, the last line of `--json`.
    pub report: Value,
}

impl Run {
    /// One step of the report.
    ///
    /// # Panics
    /// When the report has no such step.
    pub fn step(&self, name: &str) -> &Value {
        let steps = self.report["steps"].as_array().into_iter().flatten();
        steps
            .clone()
            .find(|step| step["step"] == name)
            .unwrap_or_else(|| panic!("no step {name} in {}", self.report))
    }

    /// How a step ended: `unchanged`, `changed`, `failed`, …
    pub fn outcome(&self, name: &str) -> &str {
        self.step(name)["outcome"].as_str().unwrap_or_default()
    }

    /// The codes of all findings of a step.
    pub fn codes(&self, name: &str) -> Vec<&str> {
        let findings = self.step(name)["findings"].as_array().into_iter().flatten();
        findings.filter_map(|finding| finding["code"].as_str()).collect()
    }

    /// What kept the run from being a good one, as `step: code subject: message`. Compare it: the end of what a failed
    /// comparison prints is the reason, not the whole report.
    pub fn errors(&self) -> Vec<String> {
        let steps = self.report["steps"].as_array().into_iter().flatten();
        let findings = steps.flat_map(|step| {
            let findings = step["findings"].as_array().into_iter().flatten();
            findings.filter(|finding| finding["severity"] == "error").map(move |finding| (step, finding))
        });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let told = findings.map(|(step, finding)| {
            let [step, code] = [&step["step"], &finding["code"]].map(text);
            format!("{step}: {code} {}: {}", text(&finding["subject"]), text(&finding["message"]))
        });
        told.collect()
    }

    /// Steps that changed something.
    pub fn changed(&self) -> Vec<&str> {
        let steps = self.report["steps"].as_array().into_iter().flatten();
        steps.filter(|step| step["outcome"] == "changed").filter_map(|step| step["step"].as_str()).collect()
    }
}

/// A command in the guest that must succeed; its output.
///
/// # Panics
/// When it does not.
pub fn ok(vm: &Vm, command: &str) -> String {
    vm.run(command, LONG).and_then(|output| output.ok()).unwrap_or_else(|error| panic!("{error}"))
}

/// A machine that must come up.
///
/// # Panics
/// When it does not.
pub fn up(builder: Builder) -> Vm {
    done("boot", builder.boot())
}

/// Something about the machine that must work.
///
/// # Panics
/// When it does not.
pub fn done<T>(what: &str, result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// `gpunode-agent bootstrap` in the guest, to its end.
///
/// # Panics
/// When it leaves no report.
pub fn bootstrap(vm: &Vm, arguments: &str) -> Run {
    let output = done("bootstrap", vm.run(&format!("{AGENT} bootstrap --json {arguments}"), LONG));
    let text = output.text();
    let last: Value =
        text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    assert_eq!(last["event"], "report", "no report (exit {}): {text}{}", output.exit, output.complaint());
    Run { exit: output.exit, report: last["report"].clone() }
}
