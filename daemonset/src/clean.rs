//! `cleanup`: what is ours goes; for whoever takes the program off a cluster.

use crate::cli::{RunArgs, Stop};
use crate::exit::Exit;
use crate::machine;
use crate::names::STATE_DIR;
use crate::runtime::block_on;
use crate::state::Place;

/// The node that this runs on, or that is named.
pub(crate) fn one(args: &RunArgs) -> Result<Exit, Stop> {
    let root = args.root();
    let node = args.node(machine::hostname(&root))?;
    let mut writer = args.writer(&node)?;
    // A state that says what was published is wrong from here on. It may be on another machine, or gone.
    let folder = args.state_dir.clone().unwrap_or_else(|| root.at(STATE_DIR));
    if let Err(error) = Place::new(folder, String::new()).forget() {
        tracing::warn!("the state is still there: {error}");
    }
    told(&block_on(writer.clean(&node))?)
}

/// Every node of the cluster: for a job that has the right to change all of them. What is kept on the nodes is gone with
/// their next boot, and asks nothing of a program that is not there.
pub(crate) fn all(args: &RunArgs) -> Result<Exit, Stop> {
    let mut writer = args.writer("")?;
    told(&block_on(writer.clean_all())?)
}

fn told(trouble: &[String]) -> Result<Exit, Stop> {
    if trouble.is_empty() {
        tracing::info!("nothing of ours is left");
        return Ok(Exit::Ok);
    }
    Err(Stop::failed(format!("still there: {}", trouble.join("; "))))
}
