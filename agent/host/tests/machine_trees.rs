//! Machines built by `gpunode-tree`, read as real ones are.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its machine has failed")]

#[path = "machine_trees/broken.rs"]
mod broken;
#[path = "machine_trees/catalogue.rs"]
mod catalogue;
#[path = "machine_trees/garbage.rs"]
mod garbage;
#[path = "machine_trees/ports.rs"]
mod ports;
#[path = "machine_trees/sampler.rs"]
mod sampler;

use gpunode_host::{Root, catalog};
use gpunode_tree::{MachineTree, Options};
use tempfile::TempDir;

/// A machine in a folder that goes away with it.
struct Machine {
    tree: MachineTree,
    root: Root,
    _folder: TempDir,
}

fn machine(kind: &str) -> Machine {
    with(kind, Options::default())
}

fn with(kind: &str, options: Options) -> Machine {
    // Two thousand small files: in memory, as sysfs is.
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
    let tree = MachineTree::build(folder.path(), catalog::find(kind).unwrap(), options).unwrap();
    Machine { tree, root: Root::new(folder.path()), _folder: folder }
}

fn with_efas(count: u32) -> Machine {
    with("p5.48xlarge", Options { efa_count: Some(count), ..Options::default() })
}
