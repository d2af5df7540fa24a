//! `gpunode-daemonset` as a library: what decides and what publishes, apart from the program, so that a thousand nodes
//! can be played in one process.
//!
//! What is pure, and knows neither clock nor client: [`reporter`] (conditions, labels, taint from what is known),
//! [`publisher`] (what is written when), [`event_book`], [`request`]. What does I/O: [`kube`] (one connection),
//! [`writer`], [`post`] between the thread that watches and the task that writes, and the program in [`cli`].

pub mod area;
pub mod bootstrapped;
mod clean;
pub mod cli;
pub mod clock;
pub mod condition;
mod eks;
mod environment;
pub mod event;
pub mod event_book;
mod exit;
mod keeper;
pub mod kube;
pub mod labels;
mod log;
mod machine;
mod memory;
mod metrics;
mod mounts;
pub mod names;
mod once;
pub mod post;
pub mod publisher;
pub mod reporter;
pub mod request;
mod run;
mod runtime;
mod serve;
pub mod state;
mod text;
mod told;
mod watcher;
pub mod writer;

pub use keeper::Status;
