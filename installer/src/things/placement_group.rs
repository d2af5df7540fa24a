//! A cluster placement group: its instances are near one another, in one zone.

use serde_json::{Value, json};

use super::Look;
use crate::aws::{Door, Failure, Form, Meaning};
use crate::desired::Seen;
use crate::launch_template::OWNER_TAG;

#[derive(Clone, Debug)]
pub(super) struct PlacementGroup {
    pub(super) name: String,
    pub(super) owner: String,
}

impl PlacementGroup {
    pub(super) fn desired() -> Value {
        json!({ "strategy": "cluster" })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let form = Form::new("ec2:DescribePlacementGroups").filter("group-name", &[&self.name]);
        let found = door.ec2.list(form, "placementGroupSet").await?;
        let Some(found) = found.iter().find(|found| found.text("state") != "deleted") else {
            return Ok(Seen::Absent.into());
        };
        let state = found.text("state");
        let pending = ["pending", "deleting"].contains(&state).then(|| state.to_owned());
        let value = json!({ "strategy": found.text("strategy") });
        Ok(Look { pending, ..Seen::Present { owner: found.tag(OWNER_TAG), value }.into() })
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let form = Form::new("ec2:CreatePlacementGroup").with("GroupName", &self.name);
        let form = form.with("Strategy", "cluster").tagged("placement-group", OWNER_TAG, &self.owner);
        door.ec2.call(form).await?;
        Ok(())
    }

    /// Its one value cannot change, which the engine refuses before it comes to this.
    #[expect(clippy::unused_async, reason = "as of every kind")]
    pub(super) async fn update(&self, _: &Door) -> Result<(), Failure> {
        let what = format!("the placement group {} cannot change its strategy", self.name);
        Err(Failure { call: "ec2:ModifyPlacementGroup", meaning: Meaning::Never, what })
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        door.ec2.call(Form::new("ec2:DeletePlacementGroup").with("GroupName", &self.name)).await?;
        Ok(())
    }
}
