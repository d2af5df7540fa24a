//! The charts that are installed, and their values.

use serde_json::{Value, json};

use super::Kind;
use super::catalogue::{Maker, Row};
use super::release::{NAMESPACE, Release};
use crate::render::dra;
use crate::settings::Settings;

/// Each that has a role after the association of its service account, so that its first pods have it.
pub(super) fn add(maker: &mut Maker<'_>) {
    for release in controllers(maker.settings(), &maker.owner()) {
        let needs = [format!("pod-identity/{NAMESPACE}/{}", release.name)];
        add_release(maker, release, &needs);
    }
    for release in drivers(maker.settings(), &maker.owner()) {
        add_release(maker, release, &[]);
    }
}

fn add_release(maker: &mut Maker<'_>, made: Release, needs: &[String]) {
    let (id, wanted) = (format!("helm/{}", made.name), made.wanted);
    let row = Row::new("helm release", made.desired(), wanted, Kind::Release(Box::new(made)));
    maker.add(id, row, needs);
}

/// Those that talk to AWS.
fn controllers(settings: &Settings, owner: &str) -> [Release; 3] {
    let release = |name, chart: (&String, &String), values, wanted| Release {
        name,
        chart: chart.0.clone(),
        version: chart.1.clone(),
        values,
        owner: owner.to_owned(),
        wanted,
        definitions: name == "karpenter",
        workload: "Deployment",
    };
    let balancer =
        (&settings.load_balancer_controller_chart, &settings.load_balancer_controller_chart_version);
    let autoscaler = (&settings.cluster_autoscaler_chart, &settings.cluster_autoscaler_chart_version);
    let karpenter = (&settings.karpenter_chart, &settings.karpenter_version);
    [
        release("aws-load-balancer-controller", balancer, load_balancer_controller(settings), true),
        release("cluster-autoscaler", autoscaler, cluster_autoscaler(settings), true),
        release("karpenter", karpenter, self::karpenter(settings), settings.install_karpenter),
    ]
}

/// Those that give devices to pods.
fn drivers(settings: &Settings, owner: &str) -> [Release; 2] {
    dra::drivers(settings).map(|driver| Release {
        name: driver.name,
        chart: driver.chart,
        version: driver.version,
        values: driver.values,
        owner: owner.to_owned(),
        wanted: settings.uses_dra(),
        definitions: false,
        workload: "DaemonSet",
    })
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

/// Source: Karpenter, "Getting Started". The queue has the cluster's name. By EKS's conditions Karpenter replaces nodes only
/// with its gate `NodeRepair`, which is off by default ("Disruption", node auto repair).
fn karpenter(settings: &Settings) -> Value {
    let mut values = json!({
        "settings": { "clusterName": settings.cluster_name, "interruptionQueue": settings.cluster_name },
        "serviceAccount": { "create": true, "name": "karpenter" },
        "nodeSelector": nodes(settings),
    });
    if settings.eks_repair {
        values["settings"]["featureGates"] = json!({ "nodeRepair": true });
    }
    values
}
