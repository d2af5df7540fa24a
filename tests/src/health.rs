//! Whole machines for the tests of health: a tree, a fake NVML, libfabric with a provider of ours, a kernel log, and the
//! files that say what goes wrong on them and what must be found.

mod bed;
mod case;
mod change;
mod live;
mod monitored;
mod names;
mod player;
mod watched;

pub use bed::Bed;
pub(crate) use bed::scenario;
pub use case::{Case, Step};
pub use live::{Live, shorten};
pub use monitored::{SOON, answers, finds, often, until};
pub use player::{found, play};
pub use watched::{answered, fifo};
