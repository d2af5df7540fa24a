//! Whether the driver has yet to start a GPU.

use std::sync::Arc;
use std::time::Duration;

use super::Information;
use crate::Root;
use crate::bounded::{Job, Rounds};

/// A folder for each GPU that the driver holds.
const OF_DRIVER: &str = "/proc/driver/nvidia/gpus";

/// Looks whether whoever asks the driver for its GPUs has to wait until it has started them: one to three seconds each, one
/// after the other. It lets go of a GPU when the last who had it open is gone, unless its persistence daemon runs. Source:
/// NVIDIA, Driver Persistence, "Application start latency".
pub struct Starts {
    root: Root,
    reads: Rounds<Option<Information>>,
}

impl Starts {
    /// Of this machine.
    pub fn new(root: Root) -> Self {
        Self { root, reads: Rounds::default() }
    }

    /// Whether one of them is not started. A GPU of which the driver does not say so within the deadline counts as one that
    /// is, and while that read stands no other is begun.
    pub fn are_due(&mut self, deadline: Duration) -> bool {
        let job = |name: &str| -> Job<_> {
            let (root, path) = (self.root.clone(), format!("{OF_DRIVER}/{name}/information"));
            Box::new(move || Information::parse(&root.read_text(&path).ok()??))
        };
        let names = self.root.list(OF_DRIVER);
        let free = names.iter().filter(|name| !self.reads.is_under_way(name));
        let reads: Vec<(Arc<str>, _)> = free.map(|name| (name.as_str().into(), job(name))).collect();
        self.reads.round(reads, deadline).into_iter().any(|(_, said)| said.is_some_and(|said| is_due(&said)))
    }
}

/// The driver shows question marks for the firmware of a GPU that it has not started. It never starts one that is excluded.
fn is_due(gpu: &Information) -> bool {
    gpu.vbios.is_none() && gpu.excluded != Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_marks_are_a_gpu_that_is_not_started() {
        let is = |bios: &str, excluded: &str| {
            let text =
                format!("Model: \t\t NVIDIA H100\nVideo BIOS: \t {bios}\nGPU Excluded:\t {excluded}\n");
            is_due(&Information::parse(&text).unwrap())
        };
        assert!(is("??.??.??.??.??", "No"));
        assert!(!is("96.00.99.00.01", "No"));
        assert!(!is("??.??.??.??.??", "Yes"));
    }

    #[test]
    fn a_machine_without_the_driver_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Starts::new(Root::new(folder.path())).are_due(Duration::from_secs(60)));
    }
}
