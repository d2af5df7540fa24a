//! The controllers of a cluster: what makes pods of a DaemonSet, gives them nodes, publishes the cluster's certificate to
//! them, and takes a node for lost whose kubelet is silent.

use super::server::Server;
use super::{Cluster, Error, tools};

/// kube-controller-manager and kube-scheduler; ended on drop.
pub struct Controllers {
    manager: Server,
    scheduler: Server,
}

impl Cluster {
    /// Starts both, with the defaults of the project but for the certificate and that nobody else leads or is served.
    pub fn control(&self) -> Result<Controllers, Error> {
        let programs = tools::node_programs()?;
        let config = format!("--kubeconfig={}", self.admin_config()?.display());
        let usual = [config, "--leader-elect=false".to_owned(), "--secure-port=0".to_owned()];
        let start = |name: &'static str, more: &[String]| {
            let log = self.folder().join(format!("{name}.log"));
            Server::start(name, &programs.join(name), &[&usual, more].concat(), log)
        };
        let authority = format!("--root-ca-file={}", self.authority().display());
        Ok(Controllers {
            manager: start("kube-controller-manager", &[authority])?,
            scheduler: start("kube-scheduler", &[])?,
        })
    }
}

impl Controllers {
    /// An error with the end of its log, when one of them has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.manager.check()?;
        self.scheduler.check()
    }
}
