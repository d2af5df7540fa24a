//! The test bed: what the tests that need real programs and real kernels share.

pub mod agent;
pub mod aws;
pub mod binary;
pub mod chain;
pub mod container;
pub mod elf;
pub mod health;
pub mod instance;
pub mod journal;
mod keeper;
pub mod kube;
pub mod kubelet;
pub mod looked;
pub mod manifests;
pub mod mounts;
pub mod node;
pub mod packages;
pub mod pairs;
pub mod process;
pub mod python;
pub mod readme;
pub mod report;
pub mod trace;
pub mod tree;
pub mod vm;
