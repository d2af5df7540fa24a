//! `cleanup`: what is ours goes; for whoever takes the program off a cluster.

use crate::cli::{RunArgs, Stop};
use crate::exit::Exit;
use crate::machine;
use crate::names::STATE_DIR;
use crate::runtime::block_on;
use crate::state::Place;

pub(crate) fn run(args: &RunArgs) -> Result<Exit, Stop> {
    let root = args.root();
    let node = args.node(machine::hostname(&root))?;
    let mut writer = args.writer(&node)?;
    // A state that says what was published is wrong from here on. It may be on another machine, or gone.
    let folder = args.state_dir.clone().unwrap_or_else(|| root.at(STATE_DIR));
    if let Err(error) = Place::new(folder, String::new()).forget() {
        tracing::warn!("the state is still there: {error}");
    }
    let trouble = block_on(writer.clean())?;
    if trouble.is_empty() {
        tracing::info!(node, "nothing of ours is left on the node");
        return Ok(Exit::Ok);
    }
    Err(Stop::failed(format!("still there: {}", trouble.join("; "))))
}
