//! The data volume: found, made when every disk is proven blank, mounted, and the container folders put onto it.
//!
//! What may be done is decided by the pure planner in [`gpunode_host::disk`]; here is what looks and what does.

mod create;
mod direct;
mod folders;
mod identify;
mod observe;
mod queue;
mod record;
mod scratch;
mod units;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gpunode_host::disk::plan::{Ids, Refusal, Request, Why};
use gpunode_host::disk::{Intent, VolumeConfig, VolumePlan, plan};
use gpunode_host::reason;
use gpunode_host::spec::InstanceStore;
use uuid::Uuid;

use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId, few};

use folders::Folder;
use observe::Seen;

/// How often the plan may change while it is carried out: assemble, then mount. More would be a loop.
const ROUNDS: usize = 3;

/// How old a look may be that is acted on. The look that finds something to do is directly followed by the doing;
/// looking twice would read every blank disk twice.
const FRESH: Duration = Duration::from_secs(2);

/// The data volume and the folders on it.
#[derive(Default)]
pub(crate) struct DataVolumes {
    last: Mutex<Option<(Instant, View)>>,
}

/// Everything the step decides from.
struct View {
    config: VolumeConfig,
    instance: String,
    seen: Seen,
    plan: VolumePlan,
    folders: Vec<Folder>,
    /// The record that is to be written before the volume is used.
    overdue: Option<Intent>,
}

impl Step for DataVolumes {
    fn id(&self) -> StepId {
        StepId::DataVolumes
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        if !cx.spec().data_volumes.enabled {
            return Ok(Check::not_applicable("switched off by dataVolumes.enabled"));
        }
        let view = View::look(cx, os)?;
        let at = Instant::now();
        let changes = match &view.plan {
            VolumePlan::Nothing(Why::NotAsked) => {
                return Ok(Check::not_applicable("no data volume asked for"));
            }
            VolumePlan::Nothing(Why::NoDisk) => return Ok(Check::not_applicable("no instance-store disk")),
            VolumePlan::Refuse(refusals) => return Err(refused(refusals)),
            VolumePlan::Mount { filesystem, mounted, device } => {
                view.mount_changes(os, device, *filesystem, *mounted)?
            }
            VolumePlan::Assemble { members, .. } => {
                vec![format!("start our array of {} disks", members.len())]
            }
            VolumePlan::Create(create) => create::changes(create, &view.config),
            VolumePlan::Resume(create, _) => {
                vec![format!("go on making the volume on {} disks", create.members.len())]
            }
        };
        let check = Check { changes, ..Check::done(view.summary()) };
        *self.last() = Some((at, view));
        Ok(check)
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            let view = match self.last().take() {
                Some((at, view)) if at.elapsed() < FRESH => view,
                _ => View::look(cx, os)?,
            };
            match &view.plan {
                VolumePlan::Nothing(_) => return Ok(()),
                VolumePlan::Refuse(refusals) => return Err(refused(refusals)),
                VolumePlan::Mount { filesystem, mounted, .. } => {
                    return view.mount(os, *filesystem, *mounted);
                }
                VolumePlan::Assemble { array, members, .. } => create::assemble(os, *array, members)?,
                // What was just made is known: to look again before it is mounted would read every disk again.
                VolumePlan::Create(create) => {
                    create::make(os, create, &view.instance)?;
                    return view.mount(os, create.filesystem, false);
                }
                VolumePlan::Resume(create, stage) => {
                    create::resume(os, create, stage, &view.instance)?;
                    return view.mount(os, create.filesystem, false);
                }
            }
        }
        Err(Failure::new(
            &reason::STEP_NOT_VERIFIED,
            "data-volumes",
            format!("the volume was not ready after {ROUNDS} rounds"),
        ))
    }
}

impl DataVolumes {
    fn last(&self) -> MutexGuard<'_, Option<(Instant, View)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    fn look(cx: &Context, os: &Os) -> Result<Self, Failure> {
        let spec = &cx.spec().data_volumes;
        let store = spec.instance_store == InstanceStore::Auto && spec.ebs_volumes.is_empty();
        let config = VolumeConfig::new(store, &spec.ebs_volumes, spec.mount_path.clone().into())
            .map_err(|error| Failure::of(&reason::DATA_VOLUME_MISSING, "dataVolumes.ebsVolumes", &error))?;
        let instance = record::instance(cx, os.root());
        let intent = record::read(os.root())?;
        let seen = Seen::look(os, &config)?;
        let fresh = Ids { array: Uuid::new_v4(), filesystem: Uuid::new_v4() };
        let request = Request { instance_id: &instance, config: &config, intent: intent.as_ref(), fresh };
        let plan = plan(&seen.observed, &request);
        let folders = folders::wanted(&spec.bind, &config.mount_path);
        let overdue = match &plan {
            VolumePlan::Mount { filesystem, .. } => record::overdue(intent.as_ref(), *filesystem),
            _ => None,
        };
        Ok(Self { config, instance, seen, plan, folders, overdue })
    }

    fn mount_changes(
        &self,
        os: &Os,
        device: &str,
        filesystem: Uuid,
        mounted: bool,
    ) -> Result<Vec<String>, Failure> {
        let place = self.config.mount_path.display();
        let units = units::all(&self.config.mount_path, filesystem, &self.folders);
        let mut changes = super::files_to_write(os, &units::files(&units));
        if self.overdue.is_some() {
            changes.push("record that the volume is made".to_owned());
        }
        changes.extend(
            units
                .iter()
                .filter(|unit| !unit.is_enabled(os.root()))
                .map(|unit| format!("enable {}", unit.name)),
        );
        if !mounted {
            changes.push(format!("mount {device} on {place}"));
        }
        let open = folders::not_bound(os.root(), &self.folders)?;
        changes.extend(open.iter().map(|folder| format!("put {} onto {place}", folder.path)));
        Ok(changes)
    }

    fn mount(&self, os: &Os, filesystem: Uuid, mounted: bool) -> Result<(), Failure> {
        let units = units::all(&self.config.mount_path, filesystem, &self.folders);
        if let Some(record) = &self.overdue {
            record::write(os, record)?;
        }
        units::install(os, &units)?;
        if !mounted {
            units::start(os, &units[..1])?;
        }
        folders::bind(os, &self.folders, &units)
    }

    fn summary(&self) -> String {
        let (count, bytes) = self.seen.size_of_set(&self.config);
        let (unit, tenths) = if bytes < 1_000_000_000_000 {
            ("GB", bytes / 100_000_000)
        } else {
            ("TB", bytes / 100_000_000_000)
        };
        let disks = if count == 1 { "1 disk".to_owned() } else { format!("{count} disks, RAID0") };
        format!("{disks}, {}.{} {unit} at {}", tenths / 10, tenths % 10, self.config.mount_path.display())
    }
}

/// One failure that carries what was found on each disk.
fn refused(refusals: &[Refusal]) -> Failure {
    let Some(first) = refusals.first() else {
        return Failure::new(&reason::STEP_PANICKED, "data-volumes", "a refusal without a reason");
    };
    let said: Vec<_> =
        refusals.iter().map(|refusal| format!("{}: {}", refusal.disk, refusal.found)).collect();
    Failure::new(first.reason, &first.disk, format!("{}; no disk was touched", few(&said)))
}
