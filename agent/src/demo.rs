//! `gpunode-agent demo`: the whole graph of steps on a machine that is built in a folder. The steps, the rules, the
//! journal, the files and the metadata service are the real ones; the kernel, the devices and the programs that
//! change them (mdadm, mkfs.xfs, systemctl, modprobe, …) are played, and nothing outside the folder is touched.

mod breakage;
mod loops;
mod machine;
mod metadata;
mod place;
mod player;
mod superblock;
mod tree;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use gpunode_host::catalog::{self, InstanceType};
use gpunode_host::{Root, user_data};
use gpunode_imds::server::{self, Server};

use crate::boot::{self, Boot};
use crate::cli::Stop;
use crate::cli::bootstrap::step_name;
use crate::cli::running::interruption;
use crate::exit::Exit;
use crate::lock::Lock;
use crate::os::Os;
use crate::report::Usage;
use crate::runner::Selection;
use crate::settings::{Inputs, LocalSettings};
use crate::step::{StepId, chain};
use crate::{facts, print, progress, steps};

use loops::Disks;

/// How long a played program takes, so that a person can see what happens. Real ones take longer.
const PACE: Duration = Duration::from_millis(120);

/// The configuration in the demo machine's user data: what an operator would write first.
const USER_DATA: &str = "# gpunode\n[kubelet.labels]\n\"example.com/team\" = \"research\"\n";

/// What of the look at the devices is not played.
const NO_LIBRARIES: &str = "NVML and libfabric are not played";

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The instance type to build
    #[arg(long, value_name = "TYPE", default_value = "p5.48xlarge")]
    instance_type: String,
    /// Damage the machine so that this step has something to find
    #[arg(long = "break", value_name = "STEP", value_parser = step_name)]
    broken: Option<StepId>,
    /// Build the machine in this folder and leave it there; a second run then finds it as the first left it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// One setting, as for bootstrap
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Say what would be changed, and change nothing
    #[arg(long)]
    plan: bool,
    /// Print JSON lines as things happen; the last one is the report
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DemoArgs) -> Result<Exit, Stop> {
    let kind = catalog::find(&args.instance_type).ok_or_else(|| unknown_type(&args.instance_type))?;
    // Before the first file is made: a signal then ends the run in order, and the temporary folder with it.
    let interrupted = interruption().map_err(|error| Stop::not_started(chain(&error)))?;
    let (_temporary, folder) = folder(args)?;
    let root = Root::new(&folder);
    let build = |error: std::io::Error| {
        Stop::not_started(format!("cannot build the machine in {}: {error}", folder.display()))
    };
    if root.exists(tree::MARK) {
        is_of_this_type(&root, &kind.name)?;
    } else {
        tree::build(&root, &kind).map_err(build)?;
    }
    if let Some(step) = args.broken {
        breakage::damage(&root, &kind, step).map_err(build)?;
    }
    let imds = (args.broken != Some(StepId::Facts)).then(|| imds(&kind)).transpose()?;
    let endpoint = imds.as_ref().map_or_else(|| "http://127.0.0.1:9".to_owned(), Server::endpoint);
    let lock = Lock::take(&root).map_err(|error| Stop::not_started(chain(&error)))?;
    let disks = Disks::of(&root);
    let about_disks = disks.sentence();
    if args.json {
        let made = Usage::now();
        print::out(serde_json::json!({"event": "machine", "disks": disks.kind(), "own": made}));
    }
    let mut progress = progress::choose(args.json, false);
    let pace = if progress.is_live() { PACE } else { Duration::ZERO };
    let player = Arc::new(player::Player::new(root.clone(), pace, disks));
    let os = Os::new(root, Arc::<player::Player>::clone(&player));
    let done = boot_machine(args, os, &endpoint, &mut *progress, &|| interrupted.load(Ordering::Acquire))?;
    drop(lock);
    let served = imds.map(Server::stop).unwrap_or_default();
    if args.json {
        // The report's own time holds them, and a real boot's does not.
        for (event, cost) in [("metadata-service", served), ("played-programs", player.cost())] {
            print::out(serde_json::json!({"event": event, "cpuMs": gpunode_host::millis(cost)}));
        }
    }
    boot::print(&done, args.json);
    if !args.json {
        print::out(epilogue(args, &about_disks));
    }
    Ok(done.exit)
}

fn boot_machine(
    args: &DemoArgs,
    os: Os,
    endpoint: &str,
    progress: &mut dyn progress::Progress,
    interrupted: &dyn Fn() -> bool,
) -> Result<boot::Done, Stop> {
    let mut flags = vec![format!("imds.endpoint={endpoint}"), "imds.deadlineSeconds=3".to_owned()];
    flags.extend(args.settings.iter().cloned());
    // Its programs are played: there is nothing to run an installer with.
    flags.push("efa.install=never".to_owned());
    let local =
        LocalSettings::load(Inputs { flags, ..Inputs::default() }).map_err(|e| Stop::usage(e.to_string()))?;
    let boot = Boot {
        os,
        steps: steps::all(Some(NO_LIBRARIES)),
        local,
        plan_only: args.plan,
        selection: Selection::default(),
        image_for: None,
    };
    Ok(boot.run(progress, interrupted))
}

/// The folder of the machine; a temporary one is removed when the first value is dropped.
fn folder(args: &DemoArgs) -> Result<(Option<tempfile::TempDir>, PathBuf), Stop> {
    let fail =
        |error: std::io::Error| Stop::not_started(format!("cannot make a folder for the machine: {error}"));
    let Some(dir) = &args.dir else {
        let temporary = tempfile::Builder::new()
            .prefix("gpunode-demo-")
            .tempdir_in(place::of_a_machine())
            .map_err(fail)?;
        let path = temporary.path().to_owned();
        return Ok((Some(temporary), path));
    };
    std::fs::create_dir_all(dir).map_err(fail)?;
    let dir = dir.canonicalize().map_err(fail)?;
    let is_ours = Root::new(&dir).exists(tree::MARK);
    if !is_ours && dir.read_dir().map_err(fail)?.next().is_some() {
        return Err(Stop::usage(format!("{} holds something else; name an empty folder", dir.display())));
    }
    Ok((None, dir))
}

/// A machine that was made before is what it is.
fn is_of_this_type(root: &Root, name: &str) -> Result<(), Stop> {
    match facts::type_of_machine(root) {
        Some(is) if is != name => {
            Err(Stop::usage(format!("--instance-type {name}: the machine in that folder is a {is}")))
        }
        _ => Ok(()),
    }
}

fn imds(kind: &InstanceType) -> Result<Server, Stop> {
    // What an operator of this type has to write.
    let nvidia = format!("[nvidia]\ndriverVersion = \"{}\"\n", gpunode_tree::nvidia_driver(kind));
    let part = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"part\"\r\n\r\n--part\r\nContent-Type: {}\r\n\r\n\
         {USER_DATA}{nvidia}\r\n--part--\r\n",
        user_data::CONTENT_TYPES[0]
    );
    let content =
        server::Content { tree: server::tree(&metadata::of(kind), Some(part.as_bytes())), files: None };
    Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), content)
        .map_err(|error| Stop::not_started(chain(&error)))
}

fn unknown_type(name: &str) -> Stop {
    let what = format!("--instance-type {name}: not in the catalogue");
    if let Some(near) = catalog::nearest(name) {
        return Stop::usage(format!("{what}; did you mean {near}?"));
    }
    let known: Vec<_> = catalog::names().collect();
    Stop::usage(format!("{what}; known types: {}", known.join(", ")))
}

fn epilogue(args: &DemoArgs, about_disks: &str) -> String {
    let place = match &args.dir {
        Some(dir) => format!(
            "The machine stays in {}; run this again to see that a second run changes nothing.",
            dir.display()
        ),
        None => "The machine was a temporary folder and is gone; --dir DIR keeps it.".to_owned(),
    };
    format!(
        "This was a demonstration: kernel, devices, mdadm, mkfs, mount and systemctl were played. {about_disks}\n{place}"
    )
}
