//! `--once`: one look, one report of it.

use std::time::Duration;

use gpunode_host::health::report::Disks;
use gpunode_monitor::{Looked, Once, look};

use crate::bootstrapped::Bootstrapped;
use crate::cli::{RunArgs, Stop};
use crate::clock;
use crate::event::Told;
use crate::event_book::EventBook;
use crate::exit::Exit;
use crate::keeper::{PATIENCE, PROOF};
use crate::mounts::Mounts;
use crate::post::Post;
use crate::publisher::{Published, Publisher, Settings};
use crate::reporter::{Desired, Pending, Reporter, Seen};
use crate::runtime::block_on;
use crate::told;

/// The same as `gpunode-agent check` gives itself.
const DEADLINE: Duration = Duration::from_secs(10);
/// For all that is written.
const WRITE: Duration = Duration::from_secs(60);

/// A look in which rules count at once needs no time to be proven.
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Stop> {
    let machine = args.machine()?;
    let node = args.node(machine.hostname())?;
    let mut writer = args.writer(&node)?;
    let Looked { mut health, sources, .. } = look(&machine.settings, &Once::new(DEADLINE));
    let now = clock::now();
    let disks = Disks::default().look(&machine.root);
    let mut report = machine.report(&health, &sources, disks, now.unix_ms);
    let bootstrapped =
        Bootstrapped::read(&machine.root).unwrap_or_else(|error| Bootstrapped::unreadable(&error));
    let mut mounts = Mounts::at_once();
    mounts.look(now, &machine.root, bootstrapped.has_ended());
    crate::machine::add(&mut report, mounts.findings());
    told::Ways::default().tell(&node, &report.sources);
    let mut changes = health.take_changes();
    changes.append(&mut mounts.take_changes());
    for change in &changes {
        told::change(&node, change);
    }
    let settings =
        Settings { node, boot_id: machine.boot_id().unwrap_or_default(), heartbeat: args.heartbeat() };
    let post = Post::new(Publisher::new(settings, Published::default(), EventBook::default()));
    let seen = |now| Seen { now, report: &report, pending: Pending::default(), bootstrapped: &bootstrapped };
    // As if it had begun long ago, and what is seen now had been seen all the time since.
    let long_ago = now.boot.saturating_sub(PATIENCE + PROOF);
    let mut reporter = Reporter::new(long_ago.saturating_sub(PATIENCE), args.options(), Desired::default());
    reporter.next(&seen(gpunode_host::health::Now { boot: long_ago, ..now }));
    post.want(reporter.next(&seen(now)), true);
    for told in changes.iter().filter_map(|change| Told::of(change, now.unix_ms)) {
        post.tell(told);
    }
    let written = block_on(async {
        tokio::time::timeout(WRITE, post.publish_once(&mut writer)).await.unwrap_or(false)
    })?;
    if written { Ok(report.verdict.into()) } else { Err(Stop::failed("not everything was written")) }
}
