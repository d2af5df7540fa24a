//! A look that a boot asks for: what is known already goes in, what matters for joining comes out.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use gpunode_host::health::report::{Instance, Report, Verdict};
use gpunode_host::health::rules;
use gpunode_host::metadata::Eni;
use gpunode_host::{Finding, Root};
use gpunode_monitor::Once;
use serde::{Deserialize, Serialize};

use super::Target;
use crate::apart::{self, Unanswered};
use crate::cli::Stop;
use crate::exit::Exit;

/// The hidden command that answers.
pub(crate) const COMMAND: &str = "look";
/// How long the look may take. The first call into NVML initialises every GPU, which takes seconds each where nothing
/// keeps them initialised, and a GPU's own firmware is lawfully waited for 45 s (Xid 119 comes after that).
const DEADLINE: Duration = Duration::from_secs(60);
/// Of it, NVML's.
const GPUS: Duration = Duration::from_secs(50);
/// The most bytes of a question: 64 interfaces with 50 addresses each have a tenth of that.
const MOST: u64 = 1 << 20;

/// What the machine should be, as the boot knows it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) root: PathBuf,
    /// The instance type.
    pub(crate) kind: Option<String>,
    /// EFA interfaces, where the operator says how many.
    pub(crate) efa: Option<u64>,
    /// The interfaces of the instance metadata, which is not asked again.
    pub(crate) enis: Option<Vec<Eni>>,
    /// Why NVML and libfabric are not asked.
    pub(crate) without_libraries: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    /// [`Verdict::word`].
    pub(crate) verdict: String,
    /// Where it is unknown: what could not be told.
    pub(crate) unknown: Vec<String>,
    pub(crate) gpus: usize,
    pub(crate) efa: usize,
    pub(crate) findings: Vec<SaidFinding>,
}

/// A finding by its code, which the catalogue has the rest of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaidFinding {
    pub(crate) code: String,
    pub(crate) subject: String,
    pub(crate) message: String,
}

impl SaidFinding {
    /// As steps tell it; `None` for a code that this version does not have.
    pub(crate) fn finding(self) -> Option<Finding> {
        let rule = rules::find(&self.code)?;
        Some(Finding {
            code: rule.code,
            severity: rule.severity,
            subject: self.subject,
            message: self.message,
            clears: rule.clears,
            action: rule.action,
        })
    }
}

impl Said {
    fn new(report: &Report) -> Self {
        let finding = |found: &gpunode_host::health::Present| SaidFinding {
            code: found.code.to_owned(),
            subject: found.subject.to_string(),
            message: found.message.clone(),
        };
        Self {
            verdict: report.verdict.word().to_owned(),
            unknown: report.unknown.clone(),
            gpus: report.gpus.len(),
            efa: report.efa.len(),
            findings: report.findings.iter().map(finding).collect(),
        }
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.verdict == Verdict::Unknown.word()
    }
}

/// Asks, in a process of its own. `cancelled` ends the wait.
pub(crate) fn ask(asked: &Asked, cancelled: &dyn Fn() -> bool) -> Result<Said, Unanswered> {
    let garbled = |error: serde_json::Error| Unanswered::Closed(error.into());
    let question = serde_json::to_string(asked).map_err(garbled)?;
    let answer = apart::run([COMMAND.into()], Some(question), DEADLINE, cancelled)?;
    serde_json::from_str(&answer.text).map_err(garbled)
}

/// Looks in this process. For files in a folder alone: nothing there can hang.
pub(crate) fn look_here(asked: &Asked) -> Said {
    Said::new(&asked.clone().look())
}

/// The other side: the process of its own.
pub(crate) fn answer() -> Result<Exit, Stop> {
    let mut text = String::new();
    let read = std::io::stdin().take(MOST).read_to_string(&mut text);
    read.map_err(|error| Stop::usage(format!("standard input: {error}")))?;
    let asked: Asked = serde_json::from_str(&text)
        .map_err(|error| Stop::usage(format!("this command is asked by `bootstrap` alone: {error}")))?;
    let text = serde_json::to_string(&look_here(&asked)).unwrap_or_default();
    apart::tell(&text, Exit::Ok)
}

impl Asked {
    fn look(self) -> Report {
        let root = Root::new(self.root);
        let instance = Instance { kind: self.kind, ..Instance::default() };
        let mut target = Target::new(root, instance, self.efa, self.enis);
        target.settings.deadlines.gpus = GPUS;
        // Nothing uses EFA yet, so there are no rates to see; and a boot has no second to lose.
        let once = Once { gap: None, without_libraries: self.without_libraries, ..Once::new(DEADLINE) };
        let looked = gpunode_monitor::look(&target.settings, &once);
        target.report(&looked.health, &looked.sources)
    }
}
