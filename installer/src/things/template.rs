//! The launch template of a node group. Versions never change once they are made, so each carries a sum of its data in its
//! description: what is there is what is wanted where the sums are the same.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Look;
use super::security_group::SecurityGroup;
use crate::aws::{Door, Element, Failure, Form, Meaning};
use crate::desired::Seen;
use crate::launch_template::{LaunchTemplate, OWNER_TAG};
use crate::render::sorted;

#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) name: String,
    /// What is in it, but for `efa_group`.
    pub(super) launched: LaunchTemplate,
    /// The security group that is made beside it; its id is known once it is there.
    pub(super) efa_group: Option<SecurityGroup>,
    pub(super) owner: String,
}

/// What is said of data that is as it must be.
pub(super) const CURRENT: &str = "as the settings say";

/// A version that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// Of the template.
    pub(super) id: String,
    pub(super) number: String,
}

impl Template {
    pub(super) fn desired() -> Value {
        json!({ "data": CURRENT })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(found) = self.found(door).await? else { return Ok(Seen::Absent.into()) };
        let number = found.text("defaultVersionNumber");
        let id = found.text("launchTemplateId");
        let data = self.says(door, id, number).await?;
        let seen = Seen::Present { owner: found.tag(OWNER_TAG), value: json!({ "data": data }) };
        Ok(Look { note: Some(format!("{id} version {number}")), ..seen.into() })
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let form = self.versioned(door, "ec2:CreateLaunchTemplate").await?;
        let form = form.with("LaunchTemplateName", &self.name);
        door.ec2.call(form.tagged("launch-template", OWNER_TAG, &self.owner)).await?;
        Ok(())
    }

    /// A version is made where the latest one is another, and then is the default one. A run that ended between the two
    /// goes on with the second.
    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(found) = self.found(door).await? else { return Ok(()) };
        let (id, latest) = (found.text("launchTemplateId"), found.text("latestVersionNumber"));
        let number = if self.says(door, id, latest).await? == CURRENT {
            latest.to_owned()
        } else {
            let form = self.versioned(door, "ec2:CreateLaunchTemplateVersion").await?;
            // The same token after a lost answer makes no second version.
            let form = form
                .with("LaunchTemplateId", id)
                .with("ClientToken", token(&self.wanted(door).await?, latest));
            let made = door.ec2.call(form).await?;
            let version = made.child("launchTemplateVersion").cloned().unwrap_or_default();
            version.text("versionNumber").to_owned()
        };
        let form = Form::new("ec2:ModifyLaunchTemplate").with("LaunchTemplateId", id);
        door.ec2.call(form.with("SetDefaultVersion", number)).await?;
        Ok(())
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let Some(found) = self.found(door).await? else { return Ok(()) };
        let form =
            Form::new("ec2:DeleteLaunchTemplate").with("LaunchTemplateId", found.text("launchTemplateId"));
        door.ec2.call(form).await?;
        Ok(())
    }

    /// The default version, for a node group to take.
    pub(super) async fn version(&self, door: &Door) -> Result<Option<Version>, Failure> {
        let version = |found: Element| Version {
            id: found.text("launchTemplateId").to_owned(),
            number: found.text("defaultVersionNumber").to_owned(),
        };
        Ok(self.found(door).await?.map(version))
    }

    /// [`CURRENT`], or what the description of version `number` of template `id` says instead.
    pub(super) async fn says(&self, door: &Door, id: &str, number: &str) -> Result<String, Failure> {
        let form = Form::new("ec2:DescribeLaunchTemplateVersions").with("LaunchTemplateId", id);
        let form = form.list("LaunchTemplateVersion", [number]);
        let versions = match door.ec2.list(form, "launchTemplateVersionSet").await {
            Ok(versions) => versions,
            Err(failure) if failure.meaning == Meaning::Absent => Vec::new(),
            Err(failure) => return Err(failure),
        };
        let there = versions.first().map_or("", |version| version.text("versionDescription"));
        Ok(match there {
            _ if !there.is_empty() && there == self.wanted(door).await? => CURRENT.to_owned(),
            "" => format!("version {number}, which is not ours"),
            _ => format!("version {number}"),
        })
    }

    async fn versioned(&self, door: &Door, call: &'static str) -> Result<Form, Failure> {
        let missing = || {
            let what = "its security group is not there".to_owned();
            Failure { call, meaning: Meaning::Later, what }
        };
        let data = self.data(door).await?.ok_or_else(missing)?;
        let form = Form::new(call).with("VersionDescription", description(&data));
        Ok(form.data("LaunchTemplateData", &data))
    }

    /// What a version that is as it must be says; empty where none can be.
    async fn wanted(&self, door: &Door) -> Result<String, Failure> {
        Ok(self.data(door).await?.as_ref().map(description).unwrap_or_default())
    }

    /// `LaunchTemplateData`; none until its security group is there.
    async fn data(&self, door: &Door) -> Result<Option<Value>, Failure> {
        let mut template = self.launched.clone();
        if let Some(group) = &self.efa_group {
            let Some(id) = group.id(door).await? else { return Ok(None) };
            template.security_groups.push(id);
        }
        Ok(Some(template.data()))
    }

    async fn found(&self, door: &Door) -> Result<Option<Element>, Failure> {
        let form = Form::new("ec2:DescribeLaunchTemplates").filter("launch-template-name", &[&self.name]);
        Ok(door.ec2.list(form, "launchTemplates").await?.into_iter().next())
    }
}

/// What a version with this data says of itself.
fn description(data: &Value) -> String {
    format!("gpunode sha256:{}", sum(&sorted(data).to_string(), 32))
}

/// EC2 takes 64 characters.
fn token(description: &str, latest: &str) -> String {
    sum(&format!("{description} after {latest}"), 16)
}

/// The first `bytes` of the SHA-256 of `text`, in hexadecimal.
fn sum(text: &str, bytes: usize) -> String {
    let sum = Sha256::digest(text);
    sum.iter().take(bytes).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_of_the_data_and_not_of_its_order() {
        let one = description(&json!({ "a": 1, "b": [{ "c": 1, "d": 2 }] }));
        assert_eq!(one, description(&json!({ "b": [{ "d": 2, "c": 1 }], "a": 1 })));
        assert_ne!(one, description(&json!({ "a": 1, "b": [] })));
        // EC2 takes 255 characters.
        assert_eq!(one.len(), "gpunode sha256:".len() + 64);
        assert_ne!(token(&one, "1"), token(&one, "2"));
    }
}
