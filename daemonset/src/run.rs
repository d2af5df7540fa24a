//! Watches and reports until it is asked to end.

use std::time::Duration;

use gpunode_monitor::Health;

use crate::cli::{RunArgs, Stop};
use crate::clock::Wall;
use crate::event_book::EventBook;
use crate::exit::Exit;
use crate::machine::Machine;
use crate::mounts::Mounts;
use crate::names::STATE_DIR;
use crate::post::Post;
use crate::publisher::{self, Published, Publisher};
use crate::reporter::{Desired, Reporter};
use crate::runtime::{asked_to_end, block_on};
use crate::serve::{Watched, listen, serve};
use crate::state::{Kept, Lock, Place};
use crate::watcher::Watcher;
use crate::writer::Writer;
use crate::{clock, log};

/// How often is looked whether the other one has ended.
const STANDBY: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &RunArgs) -> Result<Exit, Stop> {
    // The metadata service is asked before the runtime begins, since it brings its own for the time.
    let machine = args.machine()?;
    let node = args.node(machine.hostname())?;
    let writer = args.writer(&node)?;
    let shown = Watched::default();
    block_on(async {
        let done = tokio::select! {
            asked = asked_to_end() => asked.map(|()| Exit::Ok).map_err(|error| Stop::failed(log::chain(&error))),
            ended = work(args, machine, node, writer, &shown) => ended.map(|never| match never {}),
        };
        // What is published stays as it is; what is known is kept for whoever comes next.
        if let Some(handle) = shown.get() {
            handle.end().await;
        }
        done
    })?
}

/// There is no end but a failure.
enum Never {}

async fn work(
    args: &RunArgs,
    machine: Machine,
    node: String,
    mut writer: Writer,
    shown: &Watched,
) -> Result<Never, Stop> {
    let listener = listen(args.listen)
        .await
        .map_err(|error| Stop::failed(format!("cannot listen on {}: {error}", args.listen)))?;
    // Whoever asks for port 0 learns here which one it is.
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving /metrics, /healthz and /readyz");
    }
    tokio::spawn(serve(listener, shown.clone()));
    let place = place(args, &machine);
    let lock = standby(place.as_ref()).await;
    tracing::info!(node, version = env!("CARGO_PKG_VERSION"), "watching");
    let (watcher, health, post) = prepare(args, machine, node, (place, lock));
    let (handle, ended) =
        watcher.start(health).map_err(|error| Stop::failed(format!("cannot watch: {error}")))?;
    shown.set(handle.clone());
    tokio::select! {
        () = post.publish(&mut writer, || handle.keep()) => {}
        _ = ended => {}
    }
    Err(Stop::failed("the watching thread has ended"))
}

/// Where the state is kept. Nothing is, where the kernel does not tell which boot this is.
fn place(args: &RunArgs, machine: &Machine) -> Option<Place> {
    let boot_id = machine.boot_id()?;
    let folder = args.state_dir.clone().unwrap_or_else(|| machine.root.at(STATE_DIR));
    Some(Place::new(folder, boot_id))
}

/// Waits until no other run of this program publishes for this node.
async fn standby(place: Option<&Place>) -> Option<Lock> {
    let mut told = false;
    loop {
        match place?.lock() {
            Ok(Some(lock)) => return Some(lock),
            Ok(None) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::info!("another gpunode-daemonset publishes for this node: waiting for its end");
                }
            }
            Err(error) => {
                tracing::warn!("nothing is kept over a restart: cannot lock the state: {error}");
                return None;
            }
        }
        tokio::time::sleep(STANDBY).await;
    }
}

fn prepare(
    args: &RunArgs,
    machine: Machine,
    node: String,
    (place, lock): (Option<Place>, Option<Lock>),
) -> (Watcher, Health, Post) {
    let boot_id = machine.boot_id().unwrap_or_default();
    let setup = machine.settings.setup.clone();
    let now = clock::now();
    let kept = place.as_ref().and_then(|place| place.load(now));
    let (health, mounts, before, published, events) = match kept {
        Some(Kept { health, mounts, decided, published, events, .. }) => {
            (Health::restore(setup, health, &boot_id), mounts, Some(decided), published, events)
        }
        None => (Health::new(setup), None, None, Published::default(), EventBook::default()),
    };
    let mounts = Mounts::resume(mounts, &boot_id);
    let settings =
        publisher::Settings { node: node.clone(), boot_id: boot_id.clone(), heartbeat: args.heartbeat() };
    let post = Post::new(Publisher::new(settings, published, events));
    let decided: Desired = before.clone().unwrap_or_default();
    let reporter = Reporter::new(now.boot, args.options(), decided);
    let wall = Wall::at(now);
    let watcher = Watcher {
        machine,
        mounts,
        reporter,
        post: post.clone(),
        place,
        _lock: lock,
        before,
        wall,
        boot_id,
        node,
    };
    (watcher, health, post)
}
