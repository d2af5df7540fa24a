//! The command line.

mod apply;
mod config;
mod destroy;
mod doctor;
mod gpu;
mod init;
mod inside;
mod interrupt;
mod layout;
mod live;
mod plan;
mod progress;
mod render;
mod s3_csi;
mod status;
mod talk;
mod verify;

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use gpunode_host::spec::Errors;

use crate::environment;
use crate::exit::{self, Exit};
use crate::settings::{self, File, Loaded};

/// Brings what GPU nodes need to an existing EKS cluster: roles, add-ons, queues and node groups in AWS,
/// Kubernetes objects and charts inside
#[derive(Debug, Parser)]
#[command(name = "installer", version, about, after_help = exit::TABLE)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented file with every setting
    Init(init::InitArgs),
    /// Check or show the settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Show the network interfaces that a launch template for this instance type must list
    Layout(layout::LayoutArgs),
    /// Write what a cluster needs as files: launch template, user data, policies, Kubernetes objects, and the forms of
    /// eksctl, Terraform and CloudFormation
    Render(render::RenderArgs),
    /// Show what apply would do, and do nothing
    Plan(plan::PlanArgs),
    /// Bring the cluster to what the settings say
    Apply(apply::ApplyArgs),
    /// Show each thing that must be there, and how it is
    Status(status::StatusArgs),
    /// Check that everything is there, as it must be, and works, and show what is not; the exit code says it, too
    Verify(verify::VerifyArgs),
    /// Look for what is wrong with a cluster that does not work, and say what to do; changes nothing
    Doctor(doctor::DoctorArgs),
    /// Remove what carries this cluster's ownership tag, and nothing else
    Destroy(destroy::DestroyArgs),
    /// Make, verify, show or remove the GPU node groups: security and placement group, launch template, managed or
    /// self-managed node group
    #[command(subcommand)]
    Gpu(gpu::GpuCommand),
    /// Give pods S3 buckets by name, take them away, or show them; the Mountpoint for S3 CSI driver and its role
    #[command(subcommand)]
    S3Csi(s3_csi::S3CsiCommand),
}

/// What every command that reads the settings takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Common {
    /// The file with the settings; without it .env, if there is one
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Why a command ended before its work, told already.
pub(crate) type Stop = Exit;

/// Runs the command.
pub fn run(args: Args) -> Exit {
    let outcome = match args.command {
        Command::Init(args) => init::run(&args),
        Command::Config(command) => config::run(&command),
        Command::Layout(args) => layout::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Destroy(args) => destroy::run(&args),
        Command::Gpu(command) => gpu::run(&command),
        Command::S3Csi(command) => s3_csi::run(&command),
    };
    match outcome {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

/// Says what is wrong with a command line, or shows the help that it asks for.
pub fn mistake(error: &clap::Error) -> Exit {
    // A reader that is gone does not want to know.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Ok }
}

/// The default file.
const FILE: &str = ".env";
/// Bytes of a file that are read: one more than the parser takes, so that it says what is too long.
const MOST: u64 = crate::dotenv::MAX_FILE as u64 + 1;

impl Common {
    /// The name and the text of the file; `None` where there is none and none was asked for.
    fn read(&self) -> Result<Option<(String, String)>, Stop> {
        let path = self.file.as_deref().unwrap_or(Path::new(FILE));
        match read_bounded(path) {
            Ok(text) => Ok(Some((path.display().to_string(), text))),
            Err(error) if error.kind() == ErrorKind::NotFound && self.file.is_none() => Ok(None),
            Err(error) => Err(failed(format_args!("cannot read {}: {error}", path.display()))),
        }
    }

    /// The settings, or every mistake on standard error.
    pub(crate) fn load(&self) -> Result<Loaded, Stop> {
        self.try_load()?.map_err(|(errors, there)| {
            err(&errors);
            if !there {
                err(format_args!("installer: there is no {FILE} here; `installer init` writes one"));
            }
            Exit::Settings
        })
    }

    /// The settings, or every mistake and whether there is a file.
    fn try_load(&self) -> Result<Result<Loaded, (Errors, bool)>, Stop> {
        let file = self.read()?;
        let given = file.as_ref().map(|(path, text)| File { path, text });
        Ok(settings::load(given, &environment::pairs()).map_err(|errors| (errors, file.is_some())))
    }
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(std::fs::File::open(path)?, MOST), &mut text)?;
    Ok(text)
}

/// A line on standard output; a reader that is gone is no failure of ours.
pub(crate) fn out(line: impl Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// A line on standard error.
pub(crate) fn err(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// Says why a file cannot be read or written.
pub(crate) fn failed(why: impl Display) -> Stop {
    err(format_args!("installer: {why}"));
    Exit::Failed
}
