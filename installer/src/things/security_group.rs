//! The security group of EFA: all traffic from itself and to itself. Rules that somebody added are nobody's business here.

use serde_json::{Value, json};

use super::Look;
use crate::aws::{Door, Element, Failure, Form};
use crate::desired::Seen;
use crate::gpu::itself;
use crate::launch_template::OWNER_TAG;

#[derive(Clone, Debug)]
pub(super) struct SecurityGroup {
    pub(super) name: String,
    pub(super) vpc: String,
    pub(super) owner: String,
}

/// Where EC2 lists the rules of each direction, and the call that adds one.
const INGRESS: (&str, &str) = ("ipPermissions", "ec2:AuthorizeSecurityGroupIngress");
const EGRESS: (&str, &str) = ("ipPermissionsEgress", "ec2:AuthorizeSecurityGroupEgress");

impl SecurityGroup {
    pub(super) fn desired() -> Value {
        json!({ "allFromItself": true, "allToItself": true })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(found) = self.found(door).await? else { return Ok(Seen::Absent.into()) };
        let value = json!({ "allFromItself": has(&found, INGRESS), "allToItself": has(&found, EGRESS) });
        let seen = Seen::Present { owner: found.tag(OWNER_TAG), value };
        Ok(Look { note: Some(found.text("groupId").to_owned()), ..seen.into() })
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let form =
            Form::new("ec2:CreateSecurityGroup").with("GroupName", &self.name).with("VpcId", &self.vpc);
        let form = form.with("GroupDescription", "EFA: all traffic between its members");
        let made = door.ec2.call(form.tagged("security-group", OWNER_TAG, &self.owner)).await?;
        for (_, call) in [INGRESS, EGRESS] {
            allow(door, made.text("groupId"), call).await?;
        }
        Ok(())
    }

    /// Adds what is missing.
    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(found) = self.found(door).await? else { return Ok(()) };
        for direction in [INGRESS, EGRESS] {
            if !has(&found, direction) {
                allow(door, found.text("groupId"), direction.1).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let Some(found) = self.found(door).await? else { return Ok(()) };
        let form = Form::new("ec2:DeleteSecurityGroup").with("GroupId", found.text("groupId"));
        door.ec2.call(form).await?;
        Ok(())
    }

    /// Its id, once it is there.
    pub(super) async fn id(&self, door: &Door) -> Result<Option<String>, Failure> {
        Ok(self.found(door).await?.map(|found| found.text("groupId").to_owned()))
    }

    /// Names are unique in a VPC.
    async fn found(&self, door: &Door) -> Result<Option<Element>, Failure> {
        let form = Form::new("ec2:DescribeSecurityGroups").filter("vpc-id", &[&self.vpc]);
        let all = door.ec2.list(form.filter("group-name", &[&self.name]), "securityGroupInfo").await?;
        Ok(all.into_iter().next())
    }
}

/// Whether all traffic is allowed between the group and itself in this direction.
fn has(group: &Element, (list, _): (&str, &str)) -> bool {
    itself(group, list)
}

async fn allow(door: &Door, id: &str, call: &'static str) -> Result<(), Failure> {
    let form = Form::new(call).with("GroupId", id).with("IpPermissions.1.IpProtocol", "-1");
    door.ec2.call(form.with("IpPermissions.1.Groups.1.GroupId", id)).await?;
    Ok(())
}
