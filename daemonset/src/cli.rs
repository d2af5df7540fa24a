//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use gpunode_host::Root;

use crate::bootstrapped::Bootstrapped;
use crate::exit::{Exit, TABLE};
use crate::kube::{Client, Config};
use crate::machine::Machine;
use crate::names::LISTEN;
use crate::reporter::Options;
use crate::writer::{To, Writer};
use crate::{clean, environment, log, memory, once, run};

/// Reports the health of a GPU node to its cluster: conditions, labels, events, metrics.
#[derive(Debug, Parser)]
#[command(name = "gpunode-daemonset", version, about, after_help = TABLE)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take off the node what is ours: conditions, labels, the taint, events
    Cleanup {
        /// Of every node of the cluster that has something of ours
        #[arg(long, conflicts_with = "node_name")]
        all_nodes: bool,
    },
    /// Print the node condition NodeBootstrapped that the agent's last boot report stands for, as JSON
    Condition,
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The node's name; in a dry run the host's name where it is not given
    #[arg(long, env = "NODE_NAME", value_name = "NAME", global = true)]
    pub(crate) node_name: Option<String>,
    /// The machine's file tree
    #[arg(long, value_name = "DIR", default_value = "/", global = true)]
    pub(crate) root: PathBuf,
    /// Load NVML and libfabric from this program's own root instead of the machine's: where the container runtime brings
    /// them, and the machine's root cannot be entered
    #[arg(long, global = true)]
    own_libraries: bool,
    /// Where the state is kept over a restart [default: /run/gpunode below the root]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Where the API server is and who we are, when this is no pod
    #[arg(long, value_name = "FILE", global = true)]
    kubeconfig: Option<PathBuf>,
    /// Where /metrics, /healthz and /readyz are served
    #[arg(long, value_name = "ADDR:PORT", default_value = LISTEN)]
    pub(crate) listen: SocketAddr,
    /// Taint the node with gpunode.io/unhealthy=CONDITION:NoSchedule while a condition is false
    #[arg(long)]
    taint: bool,
    /// Write AcceleratedHardwareReady, NetworkingReady and StorageReady too, on which EKS node auto repair and Karpenter
    /// act; not where the EKS node monitoring agent owns them
    #[arg(long)]
    eks_repair: bool,
    /// Seconds between two writes of the conditions when nothing changes
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=86_400))]
    heartbeat: u32,
    /// Look once, write, and end with the exit code of the look
    #[arg(long)]
    once: bool,
    /// Print what would be sent, as YAML documents, and send nothing
    #[arg(long, global = true)]
    dry_run: bool,
    /// Log JSON lines, as in a pod
    #[arg(long, global = true)]
    json: bool,
}

/// Why a command ended before its work.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) message: String,
    pub(crate) exit: Exit,
}

impl Stop {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::Usage }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::Failed }
    }
}

impl RunArgs {
    pub(crate) fn options(&self) -> Options {
        Options { taint: self.taint, eks_repair: self.eks_repair }
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat.into())
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(&self.root)
    }

    /// The machine that is watched; asks its metadata service.
    pub(crate) fn machine(&self) -> Result<Machine, Stop> {
        let root = Root::existing(&self.root).map_err(|error| Stop::usage(format!("--root {error}")))?;
        Ok(Machine::find(root, self.own_libraries, environment::pairs()))
    }

    /// The node's name, which goes into paths of the API.
    pub(crate) fn node(&self, hostname: Option<String>) -> Result<String, Stop> {
        let name = self.node_name.clone().or_else(|| hostname.filter(|_| self.dry_run));
        let name = name.ok_or_else(|| Stop::usage("whose node is this? Set --node-name or NODE_NAME"))?;
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        let outer = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = name.as_bytes();
        let good = bytes.len() <= 253 && bytes.iter().copied().all(is_part);
        if good && outer(bytes.first()) && outer(bytes.last()) {
            return Ok(name);
        }
        Err(Stop::usage(format!("`{name}` cannot be a node's name: small letters, digits, `-` and `.`")))
    }

    /// Who writes to where.
    pub(crate) fn writer(&self, node: &str) -> Result<Writer, Stop> {
        let instance = environment::value("POD_NAME").unwrap_or_else(|| node.to_owned());
        let to = if self.dry_run {
            To::Print
        } else {
            let config = match &self.kubeconfig {
                Some(path) => Config::kubeconfig(path),
                None => Config::in_cluster(
                    environment::value("KUBERNETES_SERVICE_HOST").as_deref(),
                    environment::value("KUBERNETES_SERVICE_PORT").as_deref(),
                ),
            };
            let config = config.map_err(|error| Stop::usage(log::chain(&error)))?;
            To::Server(Box::new(Client::new(config)))
        };
        Ok(Writer::new(node.to_owned(), instance, to))
    }
}

/// The program.
pub fn main() -> ExitCode {
    memory::keep_small();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // A reader that is gone does not want to know.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    log::start(args.run.json);
    let done = match args.command {
        Some(Command::Condition) => condition(&args.run),
        Some(Command::Cleanup { all_nodes: true }) => clean::all(&args.run),
        Some(Command::Cleanup { all_nodes: false }) => clean::one(&args.run),
        None if args.run.once => once::run(&args.run),
        None => run::run(&args.run),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(stop) => {
            tracing::error!("{}", stop.message);
            stop.exit.into()
        }
    }
}

fn condition(args: &RunArgs) -> Result<Exit, Stop> {
    use std::io::Write as _;
    let found = Bootstrapped::read(&args.root()).map_err(|error| Stop::failed(log::chain(&error)))?;
    let _ = writeln!(std::io::stdout(), "{:#}", found.json());
    Ok(Exit::Ok)
}
