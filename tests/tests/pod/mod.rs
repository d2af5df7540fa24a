//! The pod of a variant of the manifest on one node.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use gpunode_tests::container::{Container, Image, Runtime};
use gpunode_tests::kube::Cluster;
use gpunode_tests::kube::daemonset::Node;
use gpunode_tests::looked::Machine;
use gpunode_tests::{binary, manifests};
use serde_json::Value;

const DAEMON_SET: &str = "/apis/apps/v1/namespaces/gpunode-system/daemonsets/gpunode-daemonset";
/// Far beyond what anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The pod and all around it.
pub(crate) struct Pod {
    pub(crate) node: Node,
    cluster: Cluster,
    template: Value,
    image: Image,
}

impl Pod {
    /// Of this overlay, which comes to the same as the chart with these values. The chart is applied over it with a port
    /// of its own, since the pod has the network of the machine on which other tests run.
    pub(crate) fn of(overlay: &str, values: &str) -> Self {
        let cluster = Cluster::start().unwrap();
        cluster.deploy(overlay).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let values = format!("createNamespace=true,listen=127.0.0.1:{port},{values}");
        let rendered = manifests::template(&binary::bed().join("../manifests"), &["--set", &values]).unwrap();
        let file = cluster.folder().join("rendered.yaml");
        std::fs::write(&file, rendered).unwrap();
        let path = file.display().to_string();
        cluster
            .kubectl(&["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", &path])
            .unwrap();
        let set = cluster.admin().unwrap().get(DAEMON_SET).unwrap().granted(DAEMON_SET).unwrap();
        let node = Node::on(&cluster, "node-a", Machine::new("healthy-p5")).with_metadata();
        Self { node, cluster, template: set["spec"]["template"].clone(), image: Image::unpack() }
    }

    /// Starts its container.
    pub(crate) fn start(&self, runtime: Runtime) -> Container {
        Container::start(&self.cluster, &self.node, &self.template, &self.image, runtime)
    }

    /// The image has its own NVML, which plays this scenario.
    pub(crate) fn play_in_the_image(&self, scenario: &str) {
        self.image.play(&self.node.machine, scenario);
    }

    /// Waits until the kubelet's probes, as the manifest has them, are answered well.
    pub(crate) fn until_ready(&self) {
        let container = &self.template["spec"]["containers"][0];
        for probe in ["livenessProbe", "readinessProbe"] {
            let get = &container[probe]["httpGet"];
            let port =
                container["ports"].as_array().unwrap().iter().find(|it| it["name"] == get["port"]).unwrap();
            let url = format!("http://127.0.0.1:{}{}", port["containerPort"], get["path"].as_str().unwrap());
            self.node.wait(&url, |_| ureq::get(&url).call().is_ok());
        }
    }

    /// Waits until the node is told to be well, and counted.
    pub(crate) fn is_well(&self) {
        for condition in ["GPUHealthy", "EFAHealthy"] {
            self.node.until(condition, "True", "");
        }
        self.node.wait("labels", |node| node.label("gpu.count").as_deref() == Some("8"));
        assert_eq!(self.node.label("efa.healthy").as_deref(), Some("32"));
    }

    /// Waits until its metrics say whether a source answers.
    pub(crate) fn answers(&self, source: &str, answers: bool) {
        let begun = Instant::now();
        let wanted = format!("gpunode_source_answers{{source=\"{source}\"");
        loop {
            let page = self.node.metrics();
            let lines: Vec<_> =
                page.lines().filter(|line| line.starts_with("gpunode_source_answers")).collect();
            let line = lines.iter().find(|line| line.starts_with(&wanted));
            if line.is_some_and(|line| line.ends_with(if answers { " 1" } else { " 0" })) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{wanted} {answers}: {line:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
