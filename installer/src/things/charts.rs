//! The charts that are installed, and their values.

use serde_json::{Value, json};

use super::Kind;
use super::catalogue::{Maker, Row};
use super::release::{NAMESPACE, Release};
use crate::settings::Settings;

/// Each after the association of its service account, so that its first pods have their role.
pub(super) fn add(maker: &mut Maker<'_>) {
    let settings = maker.settings();
    let balancer =
        (&settings.load_balancer_controller_chart, &settings.load_balancer_controller_chart_version);
    let autoscaler = (&settings.cluster_autoscaler_chart, &settings.cluster_autoscaler_chart_version);
    let karpenter = (&settings.karpenter_chart, &settings.karpenter_version);
    let karpenter_wanted = settings.install_karpenter;
    let rows = [
        ("aws-load-balancer-controller", balancer, load_balancer_controller(settings), true),
        ("cluster-autoscaler", autoscaler, cluster_autoscaler(settings), true),
        ("karpenter", karpenter, self::karpenter(settings), karpenter_wanted),
    ];
    for (name, (chart, version), values, wanted) in rows {
        let (chart, version, owner) = (chart.clone(), version.clone(), maker.owner());
        let definitions = name == "karpenter";
        let made = Release { name, chart, version, values, owner, wanted, definitions };
        let row = Row::new("helm release", made.desired(), wanted, Kind::Release(Box::new(made)));
        maker.add(format!("helm/{name}"), row, &[format!("pod-identity/{NAMESPACE}/{name}")]);
    }
}

fn nodes(settings: &Settings) -> Value {
    json!({ "eks.amazonaws.com/nodegroup": settings.utils_node_group })
}

/// Source: the chart's README, "Configuration". What it would ask the metadata service, which answers pods on few nodes,
/// is said.
fn load_balancer_controller(settings: &Settings) -> Value {
    json!({
        "clusterName": settings.cluster_name,
        "region": settings.aws_region,
        "vpcId": settings.vpc_id,
        "serviceAccount": { "create": true, "name": "aws-load-balancer-controller" },
        "nodeSelector": nodes(settings),
    })
}

/// Source: the chart's values.yaml.
fn cluster_autoscaler(settings: &Settings) -> Value {
    json!({
        "cloudProvider": "aws",
        "awsRegion": settings.aws_region,
        "autoDiscovery": { "clusterName": settings.cluster_name },
        "fullnameOverride": "cluster-autoscaler",
        "rbac": { "serviceAccount": { "create": true, "name": "cluster-autoscaler" } },
        "nodeSelector": nodes(settings),
    })
}

/// Source: Karpenter, "Getting Started". The queue has the cluster's name.
fn karpenter(settings: &Settings) -> Value {
    json!({
        "settings": { "clusterName": settings.cluster_name, "interruptionQueue": settings.cluster_name },
        "serviceAccount": { "create": true, "name": "karpenter" },
        "nodeSelector": nodes(settings),
    })
}
