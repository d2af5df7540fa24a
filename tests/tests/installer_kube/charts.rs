//! Charts, by the real helm. The charts themselves are small ones of our own by the names of those that are meant.

use serde_json::{Value, json};

use crate::inside::{Inside, NAMES, one_at_a_time};
use crate::karpenter::are_ready;

const KARPENTER: (&str, &str) = ("INSTALL_KARPENTER", "true");

/// What the stand-in of a chart keeps of its values.
fn values(inside: &Inside, name: &str) -> Value {
    let map = inside.get(&format!("/api/v1/namespaces/kube-system/configmaps/{name}"));
    serde_json::from_str(map["data"]["values"].as_str().unwrap()).unwrap()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn charts_come_with_our_values_stay_as_they_are_and_go_again() {
    let _turn = one_at_a_time();
    let inside = Inside::new(311);
    let told = inside.run(&["apply", "--yes"], &[KARPENTER]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(inside.releases(), NAMES);
    let balancer = json!({
        "clusterName": "research", "region": "us-west-2", "vpcId": "vpc-00000000",
        "serviceAccount": { "create": true, "name": "aws-load-balancer-controller" },
        "nodeSelector": { "eks.amazonaws.com/nodegroup": "eks-utils" },
    });
    assert_eq!(values(&inside, "aws-load-balancer-controller"), balancer);
    assert_eq!(values(&inside, "karpenter")["settings"]["interruptionQueue"], "research");
    assert_eq!(values(&inside, "cluster-autoscaler")["autoDiscovery"]["clusterName"], "research");

    let (changes, calls) = (inside.changes(), inside.aws.mutating());
    let told = inside.run(&["apply", "--yes"], &[KARPENTER]);
    assert_eq!((told.code, inside.changes(), inside.aws.mutating()), (Some(0), changes, calls), "{told:?}");

    // Nothing runs here until somebody says so; only that the API server asks Metrics Server itself cannot be said.
    are_ready(&inside);
    let wrong = || {
        let told = inside.run(&["verify", "--json"], &[KARPENTER]);
        assert_eq!(told.code, Some(3), "{told:?}");
        let wrong = told.json()["wrong"].as_array().unwrap().clone();
        wrong
            .iter()
            .map(|row| format!("{} {}", row["status"], row["id"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    let service = "sick kubernetes/APIService/v1beta1.metrics.k8s.io";
    let server = "sick kubernetes/Deployment/kube-system/metrics-server";
    let charts = NAMES.map(|name| format!("sick helm/{name}"));
    assert_eq!(sorted(wrong()), sorted([&charts[..], &[service.to_owned(), server.to_owned()]].concat()));
    for name in [&NAMES[..], &["metrics-server"]].concat() {
        inside.runs(name);
    }
    assert_eq!(wrong(), [service]);

    // Somebody else's hand, and a new version.
    let chart = inside.chart("cluster-autoscaler");
    inside.helm(&[
        "upgrade",
        "cluster-autoscaler",
        &chart,
        "--reuse-values",
        "--set",
        "awsRegion=x,more.of=it",
    ]);
    inside.write_chart("karpenter", "1.15.0");
    let newer = [KARPENTER, ("KARPENTER_VERSION", "1.15.0")];
    let told = inside.run(&["plan"], &newer);
    for said in [
        "~ helm/cluster-autoscaler\n    /other values: [\"more\"] -> []\n    /values/awsRegion: \"x\" -> \"us-west-2\"\n",
        "~ helm/karpenter\n    /version: \"1.14.0\" -> \"1.15.0\"\n",
    ] {
        assert!(told.out.contains(said), "{said}: {told:?}");
    }
    let told = inside.run(&["apply", "--yes"], &newer);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(values(&inside, "cluster-autoscaler")["awsRegion"], "us-west-2");
    assert_eq!(values(&inside, "cluster-autoscaler")["more"], Value::Null);
    assert_eq!(inside.run(&["plan", "--detailed-exitcode"], &newer).code, Some(0));

    assert_eq!(inside.run(&["apply", "--yes"], &[]).code, Some(0));
    assert_eq!(inside.releases(), ["aws-load-balancer-controller", "cluster-autoscaler"]);
    let told = inside.run(&["destroy", "--yes"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!((inside.releases(), inside.ours()), (Vec::<String>::new(), Vec::new()));
    assert_eq!(inside.bed.inventory(), inside.empty);
}

#[test]
fn a_release_of_others_stays_and_what_hinders_helm_is_told() {
    let _turn = one_at_a_time();
    let inside = Inside::new(312);
    let told = inside.run(&["apply", "--yes"], &[("PATH", "/usr/bin:/bin")]);
    assert_eq!(told.code, Some(5), "{told:?}");
    assert!(told.err.contains("helm is not in PATH") && told.err.contains("nothing was done"), "{told:?}");
    assert_eq!((inside.changes(), inside.aws.mutating()), (0, 0));

    let chart = inside.chart("aws-load-balancer-controller");
    inside.helm(&["install", "aws-load-balancer-controller", &chart, "--set", "mine=1"]);
    let told = inside.run(&["apply", "--yes"], &[("CLUSTER_AUTOSCALER_CHART_VERSION", "9.9.9")]);
    assert_eq!(told.code, Some(5), "{told:?}");
    for said in [
        "left alone: helm/aws-load-balancer-controller exists and is nobody's by its tags",
        "failed: helm/cluster-autoscaler: helm show: the chart in",
        "is cluster-autoscaler 9.50.1, not cluster-autoscaler 9.9.9",
    ] {
        assert!(told.err.contains(said), "{said}: {told:?}");
    }
    let told = inside.run(&["destroy", "--yes"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(inside.releases(), ["aws-load-balancer-controller"]);
    assert_eq!(values(&inside, "aws-load-balancer-controller"), json!({ "mine": 1 }));
    inside.helm(&["uninstall", "aws-load-balancer-controller"]);
}
