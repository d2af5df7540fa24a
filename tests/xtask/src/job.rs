//! The catalogue of jobs, in the order they are started: after what the machine must have, what answers fastest.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::error::Error;
use crate::metadata::Metadata;
use crate::package::{self, Arch};
use crate::place::Place;
use crate::{aarch64, image, prerequisites, run, tested};

/// The member crate with the test bed.
const BED: &str = "gpunode-tests";
/// Test targets of the bed with a job of their own; the others belong to `installer`, `vm`, `kube`, `whole` or `agent`, by
/// how their names begin.
const STATIC: &str = "static_binary";
const AARCH64: &str = "aarch64";
/// How the names of test targets begin that judge what the installer renders.
const INSTALLER: &str = "installer_";
/// The installer's package, which is its program's name, too.
const INSTALLER_PACKAGE: &str = "installer";
/// How the names of test targets begin that boot virtual machines.
const VM: &str = "vm_";
/// How the names of test targets begin that use a real API server.
const KUBE: &str = "kube_";
/// How the names of test targets begin that go from the installer's settings to conditions in a cluster.
const WHOLE: &str = "whole_";
/// Test programs at a time: each has a thread a processor, and many wait more than they work. Virtual machines take
/// turns by themselves.
const BESIDE: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Job {
    /// Debian packages that the later jobs need are there.
    Prerequisites,
    /// Formatting.
    Fmt,
    /// Lints of every target of every member.
    Clippy,
    /// Each member compiles alone, so that no other member's features hide one it forgot to ask for.
    Members,
    /// The documentation builds without a warning.
    Doc,
    /// Tests beside the code.
    Unit,
    /// What the installer renders, by the tools that read it and against the cases; what it does in an emulated AWS.
    Installer,
    /// The static release agent.
    Package,
    /// The release agent is static and runs without anything around it.
    Static,
    /// The release agent as its users meet it: demonstration, faults, kills; no virtual machine.
    Agent,
    /// The manifests and the release daemonset on a real API server.
    Kube,
    /// The release agent on real kernels in virtual machines.
    Vm,
    /// All three programs together: from a launch template in an emulated AWS, by a virtual machine, to a real API server.
    Whole,
    /// The agent and the daemonset's program for aarch64 are built, static, and run under emulation.
    Aarch64,
}

impl Job {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Prerequisites => "prerequisites",
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Members => "members",
            Self::Doc => "doc",
            Self::Unit => "unit",
            Self::Installer => "installer",
            Self::Package => "package",
            Self::Static => "static",
            Self::Agent => "agent",
            Self::Kube => "kube",
            Self::Vm => "vm",
            Self::Whole => "whole",
            Self::Aarch64 => "aarch64",
        }
    }

    /// Jobs that are run with it, before it.
    fn needs(self) -> &'static [Job] {
        match self {
            Self::Fmt | Self::Clippy | Self::Members | Self::Doc | Self::Prerequisites => &[],
            Self::Unit | Self::Installer | Self::Package | Self::Aarch64 => &[Self::Prerequisites],
            Self::Static | Self::Agent | Self::Kube | Self::Vm | Self::Whole => {
                &[Self::Prerequisites, Self::Package]
            }
        }
    }

    /// Whether it waits for another that is run, too: for what it needs, for the machine's packages, or for the tests
    /// that `Unit` compiles for all.
    pub(crate) fn comes_after(self, other: Job) -> bool {
        let tests = matches!(
            self,
            Self::Installer | Self::Static | Self::Agent | Self::Kube | Self::Vm | Self::Whole
        );
        other < self
            && (self.needs().contains(&other)
                || other == Self::Prerequisites && self != Self::Fmt
                || other == Self::Unit && tests)
    }

    /// Whether two are not run side by side: they would wait for cargo's lock on the target folder.
    pub(crate) fn excludes(self, other: Job) -> bool {
        let compiles = |job| matches!(job, Self::Clippy | Self::Members | Self::Doc | Self::Unit);
        compiles(self) && compiles(other)
    }

    /// The jobs to run for `only` (all when empty), with what they need, in order.
    pub(crate) fn plan(only: &[Job]) -> Vec<Job> {
        let wanted = |job: &Job| only.is_empty() || only.iter().any(|o| o == job || o.needs().contains(job));
        Self::value_variants().iter().copied().filter(wanted).collect()
    }

    pub(crate) fn run(self, place: &Place) -> Result<(), Error> {
        match self {
            Self::Fmt => run::go(place.cargo("fmt").args(["--all", "--check"])),
            Self::Clippy => run::go(place.cargo("clippy").args([
                "--locked",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])),
            Self::Members => members(place),
            Self::Doc => run::go(
                place
                    .cargo("doc")
                    .args(["--locked", "--workspace", "--no-deps"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
            Self::Prerequisites => prerequisites::install(place),
            Self::Unit => unit(place),
            Self::Installer => installer(place),
            Self::Package => package::run(place, None),
            Self::Static => bed(place, 1, &[], |name| name == STATIC),
            Self::Agent => bed(place, BESIDE, &[], |name| {
                ![STATIC, AARCH64].contains(&name)
                    && ![VM, KUBE, WHOLE, INSTALLER].iter().any(|family| name.starts_with(family))
            }),
            Self::Kube => kube(place),
            Self::Vm => bed(place, usize::MAX, &[], |name| name.starts_with(VM)),
            Self::Whole => bed(place, 1, &[], |name| name.starts_with(WHOLE)),
            Self::Aarch64 => aarch64::test(place, AARCH64),
        }
    }
}

fn members(place: &Place) -> Result<(), Error> {
    for member in Metadata::read(place)?.members() {
        run::go(place.cargo("check").args(["--locked", "--package", member]))?;
    }
    Ok(())
}

fn unit(place: &Place) -> Result<(), Error> {
    let bed = Metadata::read(place)?.folder(BED)?;
    let mut programs = tested::build(place)?;
    programs.retain(|program| program.folder != bed || !program.is_integration);
    tested::run(programs, BESIDE, &[])?;
    run::go(place.cargo("test").args(["--locked", "--workspace", "--doc"]))
}

/// These need no release binary: they call the library, or run the program as the other jobs' compiler made it.
fn installer(place: &Place) -> Result<(), Error> {
    tests(place, BESIDE, |name| name.starts_with(INSTALLER), &[installer_program(place)])
}

/// The variable with the installer; cargo makes the program where it makes the tests of its package.
fn installer_program(place: &Place) -> (&'static str, PathBuf) {
    ("GPUNODE_INSTALLER", place.target.join("debug").join(INSTALLER_PACKAGE))
}

/// The container image is made of the release program, too.
fn kube(place: &Place) -> Result<(), Error> {
    let program = package::built(place, Arch::native()?.gnu(), package::DAEMONSET);
    let image = image::of_daemonset(place, program)?;
    bed(place, BESIDE, &[("GPUNODE_IMAGE", image)], |name| name.starts_with(KUBE))
}

/// Runs the test bed's programs with these names against the release programs; `more` are further variables.
fn bed(
    place: &Place,
    at_once: usize,
    more: &[(&'static str, PathBuf)],
    wanted: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    let triple = Arch::native()?.gnu();
    let variables = [
        ("GPUNODE_DAEMONSET", package::built(place, triple, package::DAEMONSET)),
        ("GPUNODE_AGENT", package::agent(place, triple)),
        installer_program(place),
    ];
    tests(place, at_once, wanted, &[&variables, more].concat())
}

/// Runs the test bed's programs with these names.
pub(crate) fn tests(
    place: &Place,
    at_once: usize,
    wanted: impl Fn(&str) -> bool,
    variables: &[(&str, PathBuf)],
) -> Result<(), Error> {
    let bed = Metadata::read(place)?.folder(BED)?;
    let mut programs = tested::build(place)?;
    programs.retain(|program| program.folder == bed && program.is_integration && wanted(&program.target));
    if programs.is_empty() {
        return Err(Error::Advice(format!("{BED} has no test for this job: nothing was tested")));
    }
    tested::run(programs, at_once, variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_jobs_run_in_the_catalogue_s_order() {
        assert_eq!(Job::plan(&[]), Job::value_variants());
        assert!(Job::value_variants().is_sorted());
    }

    #[test]
    fn a_job_brings_what_it_needs() {
        assert_eq!(Job::plan(&[Job::Fmt]), [Job::Fmt]);
        assert_eq!(Job::plan(&[Job::Static]), [Job::Prerequisites, Job::Package, Job::Static]);
    }

    #[test]
    fn what_a_job_needs_runs_before_it_and_needs_nothing_that_is_not_named() {
        for job in Job::value_variants() {
            for need in job.needs() {
                assert!(need < job, "{need:?} runs after {job:?}");
                assert!(
                    need.needs().iter().all(|n| job.needs().contains(n)),
                    "{job:?} forgets a need of {need:?}"
                );
            }
        }
    }

    #[test]
    fn the_name_is_the_one_on_the_command_line() {
        for job in Job::value_variants() {
            let value = job.to_possible_value().unwrap();
            assert_eq!(value.get_name(), job.name());
        }
    }
}
