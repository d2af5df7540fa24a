//! A look at all that is told of a node, beside what must be told.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

use std::time::{Duration, Instant};

use serde_json::Value;

use super::daemonset::Node;
use super::expected::{Expected, Told, card};
use super::{Client, Cluster};

/// Between two looks at the cluster: thirty nodes share it.
const PACE: Duration = Duration::from_millis(700);
/// Far beyond what anything takes.
const PATIENCE: Duration = Duration::from_secs(240);

/// A look at everything that is told of a node.
pub struct Sight<'a> {
    node: &'a Node,
    admin: Client,
}

impl<'a> Sight<'a> {
    /// Of this node.
    ///
    /// # Panics
    /// When there is no client for it.
    pub fn of(cluster: &Cluster, node: &'a Node) -> Self {
        Self { node, admin: cluster.admin().unwrap() }
    }

    /// Waits until the cluster shows these findings, and all of these events and no others.
    ///
    /// # Errors
    /// What was wanted, and what is seen.
    ///
    /// # Panics
    /// When the API server does not answer.
    pub fn until(
        &self,
        when: &str,
        findings: &[String],
        told: &Told,
        mut meanwhile: impl FnMut(),
    ) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let wanted = Expected::of(&self.node.machine, findings);
            let (seen, events, metrics) = (self.expected(&wanted), self.events(), self.node.metrics());
            let differs = seen != wanted || events != *told || !metrics_agree(&wanted, &metrics);
            if !differs {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                let ours: Vec<_> = metrics
                    .lines()
                    .filter(|line| {
                        ["gpunode_condition{", "gpunode_finding{"].iter().any(|it| line.starts_with(it))
                    })
                    .collect();
                return Err(format!(
                    "{when}\nwanted {wanted:?}\nseen   {seen:?}\nwanted events {told:?}\nseen   events {events:?}\n{ours:#?}"
                ));
            }
            meanwhile();
            std::thread::sleep(PACE);
        }
    }

    /// The same of the node object; what it has nothing of, the series, is as it is wanted.
    fn expected(&self, wanted: &Expected) -> Expected {
        let object = self.node.object();
        let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let of = |kind: &'static str| {
            let found = all.iter().find(|it| it["type"] == kind);
            let word = |name: &str| found.and_then(|it| it[name].as_str()).unwrap_or_default().to_owned();
            let status = ["True", "False", "Unknown"].into_iter().find(|it| *it == word("status"));
            (kind, (status.unwrap_or_default(), word("reason")))
        };
        let labels = object["metadata"]["labels"].as_object().cloned().unwrap_or_default();
        let ours = |(key, value): (&String, &Value)| {
            let name = key.strip_prefix("gpunode.io/")?;
            Some((name.to_owned(), value.as_str().unwrap_or_default().to_owned()))
        };
        let labels: Vec<_> = labels.iter().filter_map(ours).collect();
        let number =
            |name: &str| labels.iter().find(|(key, _)| key == name).and_then(|(_, it)| it.parse().ok());
        let is_sick = |key: &str| key.starts_with("gpu-") || key.starts_with("efa-");
        let sick = labels.iter().filter(|(key, _)| is_sick(key));
        let sick = sick.map(|(key, value)| (self.by_index(key), value.clone())).collect();
        Expected {
            conditions: [of("GPUHealthy"), of("EFAHealthy")].into(),
            sick,
            healthy: (
                number("gpu.healthy").unwrap_or(usize::MAX),
                number("efa.healthy").unwrap_or(usize::MAX),
            ),
            series: wanted.series.clone(),
        }
    }

    /// A GPU that NVML does not count has no index, and an EFA function without a driver nothing that tells its network
    /// card: their labels have the address.
    fn by_index(&self, label: &str) -> String {
        let (machine, tree) = (&self.node.machine, &self.node.machine.tree);
        let is = |kind: &str, address: &str| label == format!("{kind}-{}", address.replace(':', "-"));
        let gpu = (0..tree.gpu_count()).find(|number| is("gpu", tree.gpu(*number).address()));
        let efa = (0..tree.efa_count()).find(|number| is("efa", tree.efa(*number).address()));
        let name = gpu.map(|number| format!("gpu-{number}"));
        name.or_else(|| card(machine, efa?)).unwrap_or_else(|| label.to_owned())
    }

    fn events(&self) -> Told {
        let path = "/apis/events.k8s.io/v1/namespaces/default/events";
        let list = self.admin.get(path).unwrap().granted(path).unwrap();
        let all = list["items"].as_array().cloned().unwrap_or_default();
        let ours = all.iter().filter(|event| event["regarding"]["name"] == self.node.reporter.node.as_str());
        let kind = |event: &Value| {
            ["Warning", "Normal"].into_iter().find(|it| event["type"] == *it).unwrap_or_default()
        };
        ours.map(|event| (event["reason"].as_str().unwrap_or_default().to_owned(), kind(event))).collect()
    }
}

/// Whether the program's own page says the same.
fn metrics_agree(wanted: &Expected, page: &str) -> bool {
    let of_condition = |(kind, (status, _)): (&&str, &(&str, String))| {
        let value = match *status {
            "True" => 1,
            "False" => 0,
            _ => -1,
        };
        let line = format!("gpunode_condition{{condition=\"{kind}\"}} {value}");
        page.lines().any(|it| it == line)
    };
    let label = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let findings = page.lines().filter(|line| line.starts_with("gpunode_finding{"));
    let mut series: Vec<_> =
        findings.filter_map(|line| Some((label(line, "code")?, label(line, "severity")?))).collect();
    series.sort();
    let wants = wanted.series.iter().map(|(code, severity)| (code.clone(), (*severity).to_owned()));
    wanted.conditions.iter().all(of_condition) && series.into_iter().eq(wants)
}
