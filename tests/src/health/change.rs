//! What the cases can do to a machine's tree.
#![allow(clippy::panic, clippy::expect_used, reason = "a case that cannot be played has failed")]

use std::collections::BTreeMap;
use std::io;

use gpunode_host::Root;
use gpunode_tree::MachineTree;

/// Values of counters that the cases let grow, by EFA device and name.
#[derive(Debug, Default)]
pub(super) struct Changes {
    counters: BTreeMap<(usize, String), u64>,
}

impl Changes {
    /// `gpu N` or `efa N` and what happens to it, `all efa` and what happens to each, or `module efa gone`.
    pub(super) fn make(&mut self, tree: &MachineTree, change: &str) -> io::Result<()> {
        let words: Vec<_> = change.split_whitespace().collect();
        match words[..] {
            ["gpu", number, ref what @ ..] => gpu(&tree.gpu(index(number)), what),
            ["all", "efa", ref what @ ..] => {
                (0..tree.efa_count()).try_for_each(|number| self.efa(tree, number, what))
            }
            ["efa", number, ref what @ ..] => self.efa(tree, index(number), what),
            ["module", name, "gone"] => {
                let root = Root::new(tree.path());
                let module = root.at(format!("/sys/module/{name}"));
                let _ = std::fs::remove_file(root.at(format!("/proc/driver/{name}/version")));
                std::fs::remove_dir_all(module)
            }
            ["soft-roce", name] => tree.add_soft_roce(name),
            _ => panic!("nobody knows how to do this"),
        }
    }

    fn efa(&mut self, tree: &MachineTree, number: usize, what: &[&str]) -> io::Result<()> {
        let efa = tree.efa(number);
        match what {
            ["remove"] => efa.remove(),
            ["unbind"] => efa.unbind(),
            ["lose-rdma-device"] => efa.lose_rdma_device(),
            ["reload"] => {
                self.counters.retain(|(of, _), _| *of != number);
                efa.reload()
            }
            ["no-p2p"] => efa.set_p2p(false),
            ["p2p"] => efa.set_p2p(true),
            [counter, by] => {
                let value = self.counters.entry((number, (*counter).to_owned())).or_default();
                match by.strip_prefix('+') {
                    Some(by) => *value += by.parse::<u64>().expect("a number"),
                    None => *value = by.parse().expect("a number"),
                }
                efa.set_counter(counter, *value)
            }
            _ => panic!("nobody knows how to do this"),
        }
    }
}

fn index(number: &str) -> usize {
    number.parse().unwrap_or_else(|_| panic!("{number} is no number"))
}

fn gpu(gpu: &gpunode_tree::GpuDevice<'_>, what: &[&str]) -> io::Result<()> {
    match what {
        ["remove"] => gpu.remove(),
        ["all-ones"] => gpu.config_all_ones(),
        ["unbind"] => gpu.unbind(),
        ["power", state] => gpu.set_power(state),
        ["stuck-in", state] => gpu.stick_in(state),
        ["link", width, generation] => {
            gpu.set_link(width.parse().expect("a number"), generation.parse().expect("a number"))
        }
        _ => panic!("nobody knows how to do this"),
    }
}
