//! What the steps of one run know: the facts that the first step found, and how each step ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use gpunode_host::catalog::InstanceType;
use gpunode_host::image;
use gpunode_host::spec::NodeSpec;
use gpunode_host::versions::Versions;
use gpunode_host::{Finding, Root, Severity};

use crate::facts::{Early, Facts};
use crate::os::Os;
use crate::runner::{Outcome, StepResult};
use crate::settings::LocalSettings;
use crate::step::StepId;

/// Shared by all steps of a run.
pub(crate) struct Context {
    /// Configuration from this machine alone: defaults, file, environment, flags.
    pub(crate) local: LocalSettings,
    /// `--plan`: nothing may be changed.
    pub(crate) plan_only: bool,
    image_for: Option<Vec<InstanceType>>,
    sources: Mutex<Vec<image::Source>>,
    early: Option<Early>,
    facts: OnceLock<Facts>,
    ended: Mutex<BTreeMap<StepId, StepResult>>,
    versions: Mutex<Option<Arc<Versions>>>,
    package_manager: Mutex<()>,
}

/// How often a step looks whether its turn has come, and whether it still wants it.
const TURN: Duration = Duration::from_millis(100);

impl Context {
    pub(crate) fn new(local: LocalSettings, plan_only: bool) -> Self {
        let (ended, versions, sources) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self {
            local,
            plan_only,
            image_for: None,
            sources,
            early: None,
            facts: OnceLock::new(),
            ended,
            versions,
            package_manager: Mutex::default(),
        }
    }

    /// With what is known before the facts are, and where they are not to be had.
    pub(crate) fn with_early(self, early: Option<Early>) -> Self {
        Self { early, ..self }
    }

    /// For a run that makes an image: the instance types that it is for.
    pub(crate) fn making_image(self, types: Option<Vec<InstanceType>>) -> Self {
        Self { image_for: types, ..self }
    }

    /// The instance types that an image is made for; `None` on a node. An image is what is the same on every instance:
    /// a step that makes one installs and writes files, and leaves what the running kernel, the devices and the
    /// identity of an instance decide to its first boot.
    pub(crate) fn image_for(&self) -> Option<&[InstanceType]> {
        self.image_for.as_deref()
    }

    /// Whether an image is made.
    pub(crate) fn makes_image(&self) -> bool {
        self.image_for.is_some()
    }

    /// Notes where something that was installed came from, for the record in the image.
    pub(crate) fn note_source(&self, source: image::Source) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    /// What [`Self::note_source`] was told, by the end of the run.
    pub(crate) fn sources(&self) -> Vec<image::Source> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The facts, once the facts step has found them.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        self.facts.get()
    }

    /// Sets the facts; the first set of a run stays.
    pub(crate) fn set_facts(&self, facts: Facts) {
        let _ = self.facts.set(facts);
    }

    /// The configuration in force: with the user data's part when the facts are known, else with what cloud-init's
    /// copy of it says, else this machine's own.
    pub(crate) fn spec(&self) -> &NodeSpec {
        let early = || self.early.as_ref().map_or(&self.local.spec, |early| &early.spec);
        self.facts.get().map_or_else(early, |facts| &facts.spec)
    }

    /// What nodeadm reads in the user data, as far as it is known.
    pub(crate) fn node_configs(&self) -> &[String] {
        let early = || self.early.as_ref().map(|early| early.node_configs.as_slice()).unwrap_or_default();
        self.facts.get().map_or_else(early, |facts| &facts.node_configs)
    }

    /// What is installed. Several steps ask, and one look may read all of a library, so the first look stays until
    /// [`Self::forget_versions`].
    pub(crate) fn versions(&self, root: &Root) -> Arc<Versions> {
        let mut known = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.get_or_insert_with(|| Arc::new(Versions::read(root))))
    }

    /// Something may have been installed: the next one who asks looks anew.
    pub(crate) fn forget_versions(&self) {
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The package manager, for one step at a time: AWS's installer runs it too, and apt-get that finds it locked gives
    /// up at once. `None` where the step is ended before its turn comes.
    pub(crate) fn package_manager(&self, os: &Os) -> Option<MutexGuard<'_, ()>> {
        loop {
            match self.package_manager.try_lock() {
                Ok(turn) => return Some(turn),
                Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
                Err(TryLockError::WouldBlock) if os.is_cancelled() => return None,
                Err(TryLockError::WouldBlock) => thread::sleep(TURN),
            }
        }
    }

    pub(crate) fn note_end(&self, result: StepResult) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(result.step, result);
    }

    /// Whether a step looked at the machine and found or made it right.
    pub(crate) fn ended_well(&self, id: StepId) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.get(&id).is_some_and(|result| matches!(result.outcome, Outcome::Unchanged | Outcome::Changed))
    }

    /// Whether a step that has ended, other than `but`, has told this and taken it as seriously.
    pub(crate) fn was_told(&self, finding: &Finding, but: StepId) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let others = ended.values().filter(|result| result.step != but);
        let mut told = others.flat_map(|result| &result.findings);
        told.any(|told| told.code == finding.code && told.severity >= finding.severity)
    }

    /// What a step that has ended has found.
    pub(crate) fn found_by(&self, id: StepId) -> Vec<Finding> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.get(&id).map(|result| result.findings.clone()).unwrap_or_default()
    }

    /// What stands against this node so far: one line for each step that failed or found an error.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.values().filter_map(trouble).collect()
    }
}

fn trouble(result: &StepResult) -> Option<String> {
    let worst = result.findings.iter().find(|finding| finding.severity == Severity::Error);
    match (result.outcome, worst) {
        (_, Some(finding)) => Some(format!("{}: {}: {}", result.step.name(), finding.code, finding.message)),
        (Outcome::Failed | Outcome::NotRun, None) => {
            Some(format!("{}: {}", result.step.name(), result.summary))
        }
        (
            Outcome::Unchanged
            | Outcome::Changed
            | Outcome::Planned
            | Outcome::NotApplicable
            | Outcome::Skipped,
            None,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::local;

    #[test]
    fn what_is_installed_is_read_once_until_something_may_have_changed_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        let file = root.at("/sys/module/efa/version");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let cx = Context::new(local(&[]), false);
        let driver = || cx.versions(&root).efa_driver.as_ref().map(|found| found.version.to_string());
        std::fs::write(&file, "2.15.0\n").unwrap();
        assert_eq!(driver().as_deref(), Some("2.15.0"));
        std::fs::write(&file, "2.17.3g\n").unwrap();
        assert_eq!(driver().as_deref(), Some("2.15.0"));
        cx.forget_versions();
        assert_eq!(driver().as_deref(), Some("2.17.3g"));
    }
}
