//! The ofi-nccl step on a machine of its own: the agent runs inside it, as on a node, so that the probe loads the plugin
//! with the machine's own loader and libfabric. Plugins are compiled by the test; package managers are real.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use gpunode_tests::agent::{Run, finish, program, text};
use gpunode_tests::binary;
use gpunode_tests::packages::{Family, Machine};

const PLUGIN: &str = "opt/amazon/ofi-nccl/lib/libnccl-net-ofi.so";
/// What a plugin of this version says of itself, and the interfaces by which NCCL knows it.
const GOOD: &str = "const char *says = \"NET/OFI Initializing aws-ofi-nccl 1.22.0\";\nint ncclNetPlugin_v8, ncclNetPlugin_v11;\n";
/// Built for a libfabric that has more than any that is there.
const MISSES: &str = "const char *says = \"NET/OFI Initializing aws-ofi-nccl 1.22.0\";\nvoid fi_of_tomorrow(void);\nvoid ncclNetPlugin_v8(void) { fi_of_tomorrow(); }\n";

struct Bed(Machine);

impl Bed {
    fn new() -> Self {
        let machine = Machine::new(Family::Apt);
        for folder in ["opt/amazon", "usr/local/cuda"] {
            let _ = fs::remove_dir_all(machine.file(folder));
        }
        fs::copy(binary::agent(), machine.file("gpunode-agent")).unwrap();
        Self(machine)
    }

    /// The plugin and the libfabric of the EFA installer beside it, as its record tells.
    fn plugin(&self, source: &str, libfabric: &str) {
        let place = self.0.file(PLUGIN);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        compile(source, &place);
        let record = format!(
            "# EFA installer version: 1.51.0\nefa-3.3.1-1.amd64\nlibfabric-aws-{libfabric}-1.amzn2023.x86_64\n"
        );
        self.0.put("opt/amazon/efa_installed_packages", &record);
    }

    fn run(&self, settings: &[&str]) -> Run {
        finish(&mut self.command(settings))
    }

    fn command(&self, settings: &[&str]) -> Command {
        let endpoint = format!("imds.endpoint={}", self.0.metadata());
        let root = self.0.file("");
        let mut command = program("chroot");
        command.args([
            text(&root),
            "/gpunode-agent",
            "bootstrap",
            "--json",
            "--only",
            "ofi-nccl",
            "--set",
            &endpoint,
        ]);
        let settings = self.0.settings(settings);
        command.args(settings.iter().flat_map(|setting| ["--set", setting]));
        command
    }
}

fn compile(source: &str, to: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.c");
    fs::write(&file, source).unwrap();
    let _ = fs::remove_file(to);
    let run = finish(program("cc").args(["-shared", "-fPIC", "-o", text(to), text(&file)]));
    assert_eq!(run.code, 0, "{run:?}");
}

fn summary(run: &Run) -> String {
    let report = run.report();
    let steps = report.0["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"] == "ofi-nccl").unwrap();
    step["summary"].as_str().unwrap().to_owned()
}

#[test]
fn absent_is_a_note_unless_all_of_efa_is_asked_for() {
    let bed = Bed::new();
    let run = bed.run(&[]);
    assert_eq!((run.code, run.report().outcome("ofi-nccl")), (0, "unchanged"), "{run:?}");
    assert!(run.report().has("OfiNcclAbsent"), "{run:?}");
    let full = bed.run(&["efa.installerMode=full"]);
    assert_eq!(full.report().outcome("ofi-nccl"), "failed", "{full:?}");
    full.report().finding("OfiNcclMissing");
}

#[test]
fn present_is_loaded_told_to_the_linker_and_then_left() {
    let bed = Bed::new();
    bed.plugin(GOOD, "2.7.0amzn2.0");
    let run = bed.run(&[]);
    assert_eq!(run.report().outcome("ofi-nccl"), "changed", "{run:?}");
    assert!(run.report().findings().iter().all(|finding| finding.step != "ofi-nccl"), "{run:?}");
    assert!(
        summary(&run).ends_with("libnccl-net-ofi.so, NCCL network interface up to v11"),
        "{}",
        summary(&run)
    );
    let linker = fs::read_to_string(bed.0.file("etc/ld.so.conf.d/100_ofinccl.conf")).unwrap();
    assert_eq!(linker, "/opt/amazon/ofi-nccl/lib\n");
    assert!(bed.0.shell("ldconfig -p").contains("/opt/amazon/ofi-nccl/lib/libnccl-net-ofi.so"));
    assert_eq!(bed.run(&[]).report().outcome("ofi-nccl"), "unchanged");
}

#[test]
fn one_that_cannot_be_loaded_says_why() {
    let bed = Bed::new();
    bed.plugin(MISSES, "2.7.0amzn2.0");
    for _ in 0..2 {
        let run = bed.run(&[]);
        assert_eq!(run.report().outcome("ofi-nccl"), "failed", "{run:?}");
        let report = run.report();
        let finding = report.finding("OfiNcclBroken");
        assert!(finding.message.contains("fi_of_tomorrow"), "{}", finding.message);
    }
    // A library like any other is none.
    bed.plugin("const char *says = \"aws-ofi-nccl 1.22.0\";\n", "2.7.0amzn2.0");
    let message = bed.run(&[]).report().finding("OfiNcclBroken").message.to_owned();
    assert!(message.contains("no symbol ncclNetPlugin_vN"), "{message}");
}

#[test]
fn a_libfabric_or_a_plugin_that_is_too_old_is_a_warning() {
    let bed = Bed::new();
    bed.plugin(GOOD, "1.21.0amzn1.0");
    let run = bed.run(&[]);
    assert_eq!(run.report().outcome("ofi-nccl"), "changed", "{run:?}");
    let message = run.report().finding("OfiNcclUnfit").message.to_owned();
    assert_eq!(message, "libfabric is 1.21.0amzn1.0, aws-ofi-nccl 1.22.0 needs 1.22.0");
    bed.plugin(&GOOD.replace("1.22.0", "1.7.2-aws"), "2.7.0amzn2.0");
    let message = bed.run(&[]).report().finding("OfiNcclUnfit").message.to_owned();
    assert_eq!(message, "aws-ofi-nccl is 1.7.2-aws, p5.48xlarge needs 1.7.3");
}

/// `NCCL_VERSION`, 2.22.3 where nobody says otherwise.
#[test]
fn nccl_comes_in_the_version_that_is_asked_for() {
    let bed = Bed::new();
    bed.plugin(GOOD, "2.7.0amzn2.0");
    let library =
        |version: &str| bed.0.file(&format!("usr/lib/x86_64-linux-gnu/libnccl.so.{version}")).exists();
    let run = bed.run(&["nccl.install=true"]);
    assert_eq!((run.code, run.report().outcome("ofi-nccl")), (0, "changed"), "{run:?}");
    assert!(library("2.22.3"));
    let mut command = bed.command(&["nccl.install=true"]);
    command.env("NCCL_VERSION", "2.27.7");
    let run = finish(&mut command);
    assert_eq!((run.code, run.report().outcome("ofi-nccl")), (0, "changed"), "{run:?}");
    assert!(library("2.27.7") && !library("2.22.3"));
}
