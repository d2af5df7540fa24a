//! What EKS says of a node group, in the form that it is compared in.

use std::collections::BTreeMap;

use aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, NodeRepairConfig, Nodegroup, NodegroupHealth, NodegroupScalingConfig,
    NodegroupStatus, Taint, TaintEffect,
};
use serde_json::json;

use crate::desired::Seen;
use crate::things::{Look, tags};

/// What EKS says of a group, whose template says `template` of itself.
pub(super) fn look(group: &Nodegroup, template: &str) -> Look {
    let status = group.status().map_or("UNKNOWN", NodegroupStatus::as_str);
    let scaling = group.scaling_config();
    let taints: BTreeMap<_, _> = group.taints().iter().map(told).collect();
    let mut subnets = group.subnets().to_vec();
    subnets.sort();
    // Of the other failures the group goes on, and is told as sick.
    let failed = status == "CREATE_FAILED";
    let value = json!({
        "amiType": group.ami_type().map(AmiTypes::as_str),
        "capacityType": group.capacity_type().map(CapacityTypes::as_str),
        "failed": failed,
        "labels": group.labels().map(|labels| labels.iter().collect::<BTreeMap<_, _>>()),
        "maxSize": scaling.and_then(NodegroupScalingConfig::max_size),
        "minSize": scaling.and_then(NodegroupScalingConfig::min_size),
        "repair": group.node_repair_config().and_then(NodeRepairConfig::enabled).unwrap_or_default(),
        "role": group.node_role(),
        "subnets": subnets,
        "tags": group.tags().map(|tags| tags.iter().collect::<BTreeMap<_, _>>()),
        "taints": taints,
        "template": template,
    });
    let nodes = scaling.and_then(NodegroupScalingConfig::desired_size).unwrap_or_default();
    let issues = group.health().map(NodegroupHealth::issues).unwrap_or_default();
    let mut note = format!("{status}, {nodes} nodes wanted");
    for issue in issues {
        let code = issue.code().map_or("issue", |code| code.as_str());
        note = format!("{note}; {code}: {}", issue.message().unwrap_or_default());
    }
    let pending = ["CREATING", "UPDATING", "DELETING"].contains(&status).then(|| note.clone());
    let sick = failed || ["DEGRADED", "DELETE_FAILED"].contains(&status) || !issues.is_empty();
    let seen = Seen::Present { owner: tags::in_map(group.tags()), value };
    Look { seen, pending, note: Some(note), sick }
}

fn told(taint: &Taint) -> (String, String) {
    let effect = taint.effect().map_or("", TaintEffect::as_str);
    (taint.key().unwrap_or_default().to_owned(), format!("{}:{effect}", taint.value().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::types::{Issue, NodegroupIssueCode};

    use super::*;

    fn found(status: NodegroupStatus) -> Look {
        let sizes = NodegroupScalingConfig::builder().min_size(1).max_size(9).desired_size(4).build();
        let taint = Taint::builder().key("k").value("v").effect(TaintEffect::NoSchedule).build();
        let group = Nodegroup::builder().scaling_config(sizes).taints(taint).subnets("b").subnets("a");
        let issue = Issue::builder().code(NodegroupIssueCode::InsufficientFreeAddresses).message("none");
        let issues = (status == NodegroupStatus::Degraded).then(|| vec![issue.build()]);
        let health = NodegroupHealth::builder().set_issues(issues).build();
        look(&group.status(status).health(health).tags(crate::launch_template::OWNER_TAG, "us").build(), "x")
    }

    #[test]
    fn what_is_under_way_is_waited_for_and_what_does_not_work_is_told() {
        for status in [NodegroupStatus::Creating, NodegroupStatus::Updating, NodegroupStatus::Deleting] {
            assert!(found(status).pending.is_some());
        }
        let active = found(NodegroupStatus::Active);
        assert_eq!((active.pending, active.sick), (None, false));
        let Seen::Present { owner, value } = active.seen else { panic!("it is there") };
        assert_eq!(owner.as_deref(), Some("us"));
        assert_eq!(
            (&value["minSize"], &value["maxSize"], &value["repair"]),
            (&json!(1), &json!(9), &json!(false))
        );
        assert_eq!(
            (&value["subnets"], &value["taints"]),
            (&json!(["a", "b"]), &json!({ "k": "v:NO_SCHEDULE" }))
        );
        let degraded = found(NodegroupStatus::Degraded);
        assert!(degraded.sick && degraded.pending.is_none());
        let note = "DEGRADED, 4 nodes wanted; InsufficientFreeAddresses: none";
        assert_eq!(degraded.note.as_deref(), Some(note));
        let failed = found(NodegroupStatus::CreateFailed);
        assert!(matches!(failed.seen, Seen::Present { value, .. } if value["failed"] == json!(true)));
    }

    #[test]
    fn a_group_of_which_little_is_said_is_read() {
        let look = look(&Nodegroup::builder().build(), "none");
        assert_eq!((look.pending, look.note.as_deref()), (None, Some("UNKNOWN, 0 nodes wanted")));
    }
}
