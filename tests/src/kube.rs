//! A real control plane for tests: etcd and kube-apiserver on loopback, service-account tokens bound to a pod and a
//! node, kubectl and helm, and a proxy that stands for every way in which an API server fails its clients.
//!
//! There is no scheduler and no controller manager but where a test asks for [`Controllers`], and no kubelet but that of
//! [`crate::kubelet`]: a test creates what they would have created.

mod audit;
mod authenticator;
mod client;
mod cluster;
mod controllers;
pub mod daemonset;
mod deploy;
mod error;
pub mod expected;
mod folder;
mod history;
mod identity;
mod module;
mod pki;
pub mod proxy;
pub(crate) mod ready;
pub mod scale;
pub(crate) mod server;
mod service;
mod sight;
mod tools;

pub use audit::{Audit, Request};
pub use authenticator::{Authenticator, EKS_USER};
pub use client::patch;
pub use client::{Answer, Client, Watch};
pub(crate) use cluster::KUBELET;
pub use cluster::{Cluster, KUBELETS_NODE};
pub use controllers::Controllers;
pub use deploy::event;
pub use error::Error;
pub use history::History;
pub use identity::Reporter;
pub use sight::Sight;
pub use tools::{
    containerd_programs, finish, helm, karpenter_calls, karpenter_chart, karpenter_definitions, kubectl,
    node_programs, nvidia_container_runtime, program, seccomp_profile,
};
