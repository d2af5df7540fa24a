//! The Auto Scaling group of self-managed nodes.

mod look;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Look;
use super::node_group::Sizes;
use super::template::{CURRENT, Template, Version};
use crate::aws::{Door, Element, Failure, Form, Meaning};
use crate::desired::Seen;
use crate::launch_template::OWNER_TAG;

use look::look;

#[derive(Clone, Debug)]
pub(super) struct ScalingGroup {
    pub(super) name: String,
    /// Of the primary interfaces; the template has that of each interface.
    pub(super) subnets: Vec<String>,
    pub(super) sizes: Sizes,
    /// Beside the owner's.
    pub(super) tags: BTreeMap<String, String>,
    pub(super) template: Template,
    pub(super) owner: String,
}

impl ScalingGroup {
    /// Tags beside ours are left, and so is the desired size. The group's tags are not put on instances: those of the
    /// template are.
    pub(super) fn desired(&self) -> Value {
        let mut subnets = self.subnets.clone();
        subnets.sort();
        json!({
            "maxSize": self.sizes.max.to_string(),
            "minSize": self.sizes.min.to_string(),
            "subnets": subnets,
            "tags": self.tags,
            "template": CURRENT,
        })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(group) = door.auto_scaling.group(&self.name).await? else { return Ok(Seen::Absent.into()) };
        let there = group.child("LaunchTemplate").cloned().unwrap_or_default();
        let (id, number) = (there.text("LaunchTemplateId"), there.text("Version"));
        let template =
            if id.is_empty() { "none".to_owned() } else { self.template.says(door, id, number).await? };
        let mut look = look(&group, &template);
        // Why nodes do not come, where that is said. It is not waited for: the group can be changed and removed all the same.
        if look::lacks(&group)
            && let Some(said) = door.auto_scaling.trouble(&self.name).await?
        {
            look.note = Some(format!("{}; {said}", look.note.unwrap_or_default()));
            look.sick = true;
        }
        Ok(look)
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let form = self.form(door, "autoscaling:CreateAutoScalingGroup").await?;
        let form = form.with("DesiredCapacity", self.sizes.desired.to_string());
        let owner = [(OWNER_TAG.to_owned(), self.owner.clone())];
        let all = self.tags.clone().into_iter().chain(owner);
        door.auto_scaling.call(self.tagged(form, all)).await.map_err(profile_is_new)?;
        Ok(())
    }

    /// Nodes that are there keep the template that they were started with.
    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(group) = door.auto_scaling.group(&self.name).await? else { return Ok(()) };
        let there = look::tags(&group);
        let missing: Vec<_> =
            self.tags.clone().into_iter().filter(|(key, value)| there.get(key) != Some(value)).collect();
        if !missing.is_empty() {
            let form = Form::of_auto_scaling("autoscaling:CreateOrUpdateTags");
            door.auto_scaling.call(self.tagged(form, missing.into_iter())).await?;
        }
        if self.differs(door, &group).await? {
            let form = self.form(door, "autoscaling:UpdateAutoScalingGroup").await?;
            door.auto_scaling.call(form).await.map_err(profile_is_new)?;
        }
        Ok(())
    }

    /// First its instances, which are waited for: what they use cannot be removed before they have ended.
    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let Some(group) = door.auto_scaling.group(&self.name).await? else { return Ok(()) };
        if group.members("Instances").next().is_some() && !look::emptied(&group) {
            let form = Form::of_auto_scaling("autoscaling:UpdateAutoScalingGroup");
            let form = form.with("AutoScalingGroupName", &self.name);
            let form = ["MinSize", "MaxSize", "DesiredCapacity"]
                .iter()
                .fold(form, |form, name| form.with(name, "0"));
            door.auto_scaling.call(form).await?;
            return Ok(());
        }
        let form = Form::of_auto_scaling("autoscaling:DeleteAutoScalingGroup");
        let form = form.with("AutoScalingGroupName", &self.name);
        door.auto_scaling.call(form).await?;
        Ok(())
    }

    /// Whether anything but its tags is not as it must be.
    async fn differs(&self, door: &Door, group: &Element) -> Result<bool, Failure> {
        let there = group.child("LaunchTemplate").cloned().unwrap_or_default();
        let (id, number) = (there.text("LaunchTemplateId"), there.text("Version"));
        let version = self.version(door, "autoscaling:UpdateAutoScalingGroup").await?;
        let Seen::Present { value, .. } = look(group, CURRENT).seen else { return Ok(false) };
        let wanted = self.desired();
        let same = ["maxSize", "minSize", "subnets"].iter().all(|name| value[name] == wanted[name]);
        Ok(!same || (id, number) != (version.id.as_str(), version.number.as_str()))
    }

    async fn form(&self, door: &Door, call: &'static str) -> Result<Form, Failure> {
        let version = self.version(door, call).await?;
        Ok(Form::of_auto_scaling(call)
            .with("AutoScalingGroupName", &self.name)
            .with("MinSize", self.sizes.min.to_string())
            .with("MaxSize", self.sizes.max.to_string())
            .with("VPCZoneIdentifier", self.subnets.join(","))
            .with("LaunchTemplate.LaunchTemplateId", version.id)
            .with("LaunchTemplate.Version", version.number))
    }

    fn tagged(&self, form: Form, tags: impl Iterator<Item = (String, String)>) -> Form {
        tags.enumerate().fold(form, |form, (place, (key, value))| {
            let tag = format!("Tags.member.{}", place + 1);
            form.with(&format!("{tag}.ResourceId"), &self.name)
                .with(&format!("{tag}.ResourceType"), "auto-scaling-group")
                .with(&format!("{tag}.Key"), key)
                .with(&format!("{tag}.Value"), value)
                .with(&format!("{tag}.PropagateAtLaunch"), "false")
        })
    }

    /// The template's default version; the template comes before the group.
    async fn version(&self, door: &Door, call: &'static str) -> Result<Version, Failure> {
        let missing =
            || Failure { call, meaning: Meaning::Later, what: format!("no template {}", self.template.name) };
        self.template.version(door).await?.ok_or_else(missing)
    }
}

/// IAM shows a new instance profile to other services some seconds after it made it; until then the template that names it
/// is refused by the code of every mistake.
fn profile_is_new(failure: Failure) -> Failure {
    let what = failure.what.to_ascii_lowercase();
    let about = what.contains("instance profile") || what.contains("iaminstanceprofile");
    if about { Failure { meaning: Meaning::Later, ..failure } } else { failure }
}
