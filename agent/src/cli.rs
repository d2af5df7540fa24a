//! The command line.

pub(crate) mod bootstrap;
mod check;
mod config;
mod generalise;
mod inputs;
mod install;
mod inventory;
mod reference;
pub(crate) mod running;
mod user_data;
mod watch;

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::demo;
use crate::exit::{self, Exit};
use crate::{look, print};

/// Turns an EC2 GPU instance into a Kubernetes node.
#[derive(Debug, Parser)]
#[command(name = "gpunode-agent", version, about, after_help = exit::TABLE)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prepare this machine as a GPU node: look, change what is not as it should be, look again
    Bootstrap(bootstrap::BootstrapArgs),
    /// Prepare an image: the same steps without those that need the instance, and this program with its unit
    Install(install::InstallArgs),
    /// Remove from a machine what must not be in an image of it; the last thing before the image is taken
    Generalise(generalise::GeneraliseArgs),
    /// Look at GPUs, EFA and disks once, and say what is wrong and what to do
    Check(check::CheckArgs),
    /// Show the devices and what is wrong with them, live
    Watch(watch::WatchArgs),
    /// What `bootstrap` asks of a process of its own, see [`look`]
    #[command(hide = true, name = look::COMMAND)]
    Look,
    /// List the GPUs, EFA interfaces and disks
    Inventory(inventory::InventoryArgs),
    /// Show the whole graph of steps on a machine that is built in a temporary folder; needs no root, no GPU, no AWS
    Demo(demo::DemoArgs),
    /// Check or show the merged configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print user data that brings the agent and its settings to a node: MIME, for Karpenter, or for Bottlerocket
    UserData(user_data::UserDataArgs),
    /// Print the systemd unit that runs `bootstrap` at every boot
    Unit,
    /// Print a reference as Markdown: what the README and its neighbours show is made by this
    #[command(subcommand)]
    Reference(reference::Topic),
}

/// What every command that reads the configuration takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Common {
    /// The machine's file tree; programs run inside it by chroot
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    /// The configuration file, instead of /etc/gpunode/agent.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting, above all other sources, for example nccl.profile=classic
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

/// Why a command ended before its work: one message for a person, one code for a program.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) message: String,
    pub(crate) exit: Exit,
}

impl Stop {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::Usage }
    }

    /// With more to say.
    pub(crate) fn and(self, more: &str) -> Self {
        Self { message: self.message + more, ..self }
    }

    /// The same, where 2 says that there are errors on the node.
    fn of_look(self) -> Self {
        let exit = if self.exit == Exit::Usage { Exit::LookUsage } else { self.exit };
        Self { exit, ..self }
    }

    pub(crate) fn not_started(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::NotStarted }
    }
}

/// Says what is wrong with a command line, or shows the help that it asks for. `command` is its first word.
pub(crate) fn mistake(error: &clap::Error, command: Option<&OsStr>) -> Exit {
    // A reader that is gone does not want to know.
    let _ = error.print();
    let looks = command.is_some_and(|name| LOOKS.iter().any(|look| name == *look));
    match (error.use_stderr(), looks) {
        (false, _) => Exit::Ok,
        (true, true) => Exit::LookUsage,
        (true, false) => Exit::Usage,
    }
}

/// Commands that only look, see [`Exit::LookUsage`].
const LOOKS: [&str; 3] = ["check", "watch", "inventory"];

pub(crate) fn run(args: Args) -> Result<Exit, Stop> {
    match args.command {
        Command::Bootstrap(args) => bootstrap::run(&args),
        Command::Install(args) => install::run(&args),
        Command::Generalise(args) => generalise::run(&args),
        Command::Check(args) => check::run(&args).map_err(Stop::of_look),
        Command::Watch(args) => watch::run(&args).map_err(Stop::of_look),
        Command::Inventory(args) => inventory::run(&args).map_err(Stop::of_look),
        Command::Look => look::answer(),
        Command::Demo(args) => demo::run(&args),
        Command::Config(command) => config::run(&command),
        Command::UserData(args) => user_data::run(&args),
        Command::Unit => {
            print::product(crate::steps::UNIT_TEXT)?;
            Ok(Exit::Ok)
        }
        Command::Reference(topic) => {
            print::product(&topic.markdown())?;
            Ok(Exit::Ok)
        }
    }
}
