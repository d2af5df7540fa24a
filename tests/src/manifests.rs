//! What of `manifests/` is made from the programs' own tables, and how the chart is rendered.
//!
//! The Helm chart is the source. Four of its files are made here: instance types from the catalogue, alerts from the
//! rules, the dashboard from the metrics, NCCL variables from their rules. The kustomize base is what helm renders
//! with the chart's defaults; its components change the base as the chart's values do, which a test compares.

mod alerts;
mod dashboard;
mod data;
pub mod metrics;
mod runbook;
mod yaml;

pub use alerts::alerts;
pub use dashboard::dashboard;
pub use data::{instance_types, nccl};
pub use runbook::runbook;
pub use yaml::objects;

use std::path::{Path, PathBuf};

use crate::kube::{Error, finish, helm, program};

/// A file that is made: its path below `manifests/`, and what is in it.
pub type Made = (PathBuf, String);

/// The chart's made files.
pub fn chart_files() -> Vec<Made> {
    let made = [
        ("instance-types.yaml", instance_types()),
        ("alerts.yaml", alerts()),
        ("dashboard.json", dashboard()),
        ("nccl.yaml", nccl()),
    ];
    made.into_iter().map(|(name, text)| (Path::new("chart/files").join(name), text)).collect()
}

/// What the kustomize base and its components for monitoring and flow control hold, rendered by helm from the chart in `manifests`.
pub fn kustomize_files(manifests: &Path) -> Result<Vec<Made>, Error> {
    let base = template(manifests, &["--set", "createNamespace=true"])?;
    let mut made = Vec::new();
    for (template, name) in
        [("namespace", "base"), ("rbac", "base"), ("policy", "base"), ("daemonset", "base"), ("nccl", "base")]
    {
        let path = Path::new("kustomize").join(name).join(format!("{template}.yaml"));
        made.push((path, of_template(&base, template)));
    }
    let values =
        ["--set", "monitor=pod,alerts=true,dashboard=true", "--show-only", "templates/monitoring.yaml"];
    let monitoring = template(manifests, &values)?;
    made.push((
        PathBuf::from("kustomize/components/monitoring/monitoring.yaml"),
        of_template(&monitoring, "monitoring"),
    ));
    let flow_control = template(manifests, &["--set", "flowControl=true"])?;
    made.push((
        PathBuf::from("kustomize/components/flow-control/flow-control.yaml"),
        of_template(&flow_control, "flow-control"),
    ));
    Ok(made)
}

/// The chart in `manifests` as helm renders it into the namespace `gpunode-system`.
pub fn template(manifests: &Path, values: &[&str]) -> Result<String, Error> {
    let mut command = program(helm()?);
    command.args(["template", "gpunode"]).arg(manifests.join("chart"));
    command.args(["--namespace", "gpunode-system", "--kube-version", "1.34.0"]).args(values);
    finish(command)
}

/// The documents that came from one template, under a line that says where they come from.
fn of_template(rendered: &str, template: &str) -> String {
    const HEAD: &str = "# Rendered from manifests/chart by `cargo xtask manifests`; changes here are lost.\n";
    let source = format!("# Source: gpunode/templates/{template}.yaml\n");
    let documents = rendered.split("---\n").filter_map(|document| document.strip_prefix(&source));
    let documents: Vec<_> = documents.map(|document| format!("---\n{}\n", document.trim_end())).collect();
    format!("{HEAD}{}", documents.concat())
}
