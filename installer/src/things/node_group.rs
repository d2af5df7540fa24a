//! A managed node group.

mod look;

use std::collections::BTreeMap;

use aws_sdk_eks::types::builders::NodegroupScalingConfigBuilder;
use aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, LaunchTemplateSpecification, NodeRepairConfig, Nodegroup,
    NodegroupScalingConfig, Taint, TaintEffect, UpdateLabelsPayload, UpdateTaintsPayload,
};
use serde_json::{Value, json};

use super::access_entry::role_is_new;
use super::template::{CURRENT, Template, Version};
use super::{Look, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

use look::look;

#[derive(Clone, Debug)]
pub(super) struct NodeGroup {
    pub(super) cluster: String,
    pub(super) name: String,
    pub(super) subnets: Vec<String>,
    pub(super) role_arn: String,
    /// None where the template has an image.
    pub(super) ami_type: Option<&'static str>,
    pub(super) capacity_type: &'static str,
    pub(super) sizes: Sizes,
    pub(super) labels: BTreeMap<String, String>,
    /// Whether EKS replaces and reboots nodes by their conditions.
    pub(super) repair: bool,
    /// Beside the owner's.
    pub(super) tags: BTreeMap<String, String>,
    pub(super) template: Template,
    pub(super) owner: String,
}

/// Nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) min: i32,
    pub(super) max: i32,
    /// At the beginning: from then on it is the autoscaler's, or the operator's.
    pub(super) desired: i32,
}

/// Keeps pods off that ask for no GPU.
const TAINT: (&str, &str) = ("nvidia.com/gpu", "true");

/// What can only be had by a new group.
pub(super) const FIXED: [&str; 4] = ["amiType", "capacityType", "role", "subnets"];

impl NodeGroup {
    /// Labels, taints and tags beside ours are left, and so is the desired size.
    pub(super) fn desired(&self) -> Value {
        let (key, value) = TAINT;
        let mut subnets = self.subnets.clone();
        subnets.sort();
        let mut desired = json!({
            "capacityType": self.capacity_type,
            "failed": false,
            "labels": self.labels,
            "maxSize": self.sizes.max,
            "minSize": self.sizes.min,
            "repair": self.repair,
            "role": self.role_arn,
            "subnets": subnets,
            "tags": self.tags,
            "taints": { key: format!("{value}:NO_SCHEDULE") },
            "template": CURRENT,
        });
        if let Some(ami_type) = self.ami_type {
            desired["amiType"] = json!(ami_type);
        }
        desired
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(group) = self.found(door).await? else { return Ok(Seen::Absent.into()) };
        let template = match group.launch_template() {
            Some(there) => {
                let (id, number) = (there.id().unwrap_or_default(), there.version().unwrap_or_default());
                self.template.says(door, id, number).await?
            }
            None => "none".to_owned(),
        };
        Ok(look(&group, &template))
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let call = "eks:CreateNodegroup";
        let template = specification(&self.version(door, call).await?);
        let request = door.eks.create_nodegroup().cluster_name(&self.cluster).nodegroup_name(&self.name);
        let request = request.node_role(&self.role_arn).set_subnets(Some(self.subnets.clone()));
        let request = request.scaling_config(self.scaling().desired_size(self.sizes.desired).build());
        let request = request.set_ami_type(self.ami_type.map(AmiTypes::from));
        let request = request.capacity_type(CapacityTypes::from(self.capacity_type)).taints(taint());
        let request = request.set_labels(Some(self.labels.clone().into_iter().collect()));
        let request = request.node_repair_config(NodeRepairConfig::builder().enabled(self.repair).build());
        let all = tags::map(&self.owner).into_iter().chain(self.tags.clone()).collect();
        let request = request.launch_template(template).set_tags(Some(all));
        let answer = request.send().await.map_err(failed(call));
        answer.map_err(|failure| role_is_new(failure, &self.role_arn))?;
        Ok(())
    }

    /// EKS takes one change of a group at a time: first the tags and what else is changed in place, then the template, for
    /// which it replaces the nodes. The engine looks, waits and comes again.
    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(group) = self.found(door).await? else { return Ok(()) };
        let there = look(&group, CURRENT);
        let Seen::Present { value, .. } = there.seen else { return Ok(()) };
        if value["failed"] == json!(true) {
            let what =
                format!("{}; `installer gpu delete` and create make it anew", there.note.unwrap_or_default());
            return Err(Failure { call: "eks:CreateNodegroup", meaning: Meaning::Never, what });
        }
        if self.differs("tags", &value) {
            let request = door.eks.tag_resource().set_resource_arn(group.nodegroup_arn);
            let request = request.set_tags(Some(self.tags.clone().into_iter().collect()));
            request.send().await.map_err(failed("eks:TagResource"))?;
            return Ok(());
        }
        if ["labels", "maxSize", "minSize", "repair", "taints"].iter().any(|name| self.differs(name, &value))
        {
            return self.configure(door, &group).await;
        }
        let call = "eks:UpdateNodegroupVersion";
        let template = specification(&self.version(door, call).await?);
        let request = door.eks.update_nodegroup_version().cluster_name(&self.cluster);
        let request = request.nodegroup_name(&self.name).launch_template(template);
        request.send().await.map_err(failed(call))?;
        Ok(())
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let request = door.eks.delete_nodegroup().cluster_name(&self.cluster).nodegroup_name(&self.name);
        request.send().await.map_err(failed("eks:DeleteNodegroup"))?;
        Ok(())
    }

    /// Whether what must be under `name` is not; more may be there.
    fn differs(&self, name: &str, there: &Value) -> bool {
        match (&self.desired()[name], &there[name]) {
            (Value::Object(wanted), there) => wanted.iter().any(|(key, value)| there.get(key) != Some(value)),
            (wanted, there) => wanted != there,
        }
    }

    async fn configure(&self, door: &Door, group: &Nodegroup) -> Result<(), Failure> {
        let now = group.scaling_config().and_then(NodegroupScalingConfig::desired_size);
        // EKS takes no bound that the desired size is beyond.
        let desired = now.unwrap_or(self.sizes.desired).clamp(self.sizes.min, self.sizes.max);
        let labels = UpdateLabelsPayload::builder()
            .set_add_or_update_labels(Some(self.labels.clone().into_iter().collect()));
        let taints = UpdateTaintsPayload::builder().add_or_update_taints(taint());
        let request = door.eks.update_nodegroup_config().cluster_name(&self.cluster);
        let request = request.nodegroup_name(&self.name).labels(labels.build()).taints(taints.build());
        let request = request.scaling_config(self.scaling().desired_size(desired).build());
        let request = request.node_repair_config(NodeRepairConfig::builder().enabled(self.repair).build());
        request.send().await.map_err(failed("eks:UpdateNodegroupConfig"))?;
        Ok(())
    }

    fn scaling(&self) -> NodegroupScalingConfigBuilder {
        NodegroupScalingConfig::builder().min_size(self.sizes.min).max_size(self.sizes.max)
    }

    /// The template's default version; the template comes before the group.
    async fn version(&self, door: &Door, call: &'static str) -> Result<Version, Failure> {
        let missing =
            || Failure { call, meaning: Meaning::Later, what: format!("no template {}", self.template.name) };
        self.template.version(door).await?.ok_or_else(missing)
    }

    async fn found(&self, door: &Door) -> Result<Option<Nodegroup>, Failure> {
        let request = door.eks.describe_nodegroup().cluster_name(&self.cluster).nodegroup_name(&self.name);
        match request.send().await.map_err(failed("eks:DescribeNodegroup")) {
            Ok(answer) => Ok(answer.nodegroup),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

fn specification(version: &Version) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder().id(&version.id).version(&version.number).build()
}

fn taint() -> Taint {
    let (key, value) = TAINT;
    Taint::builder().key(key).value(value).effect(TaintEffect::NoSchedule).build()
}
