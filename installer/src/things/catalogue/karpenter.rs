//! What Karpenter needs in AWS.

use super::super::{AccessEntry, Kind, Queue, Role, Rule};
use super::{Maker, Row, document};
use crate::policies::{PolicyError, karpenter_node_role};
use crate::render::parts;

impl Maker<'_> {
    /// What Karpenter needs beside its role: one for its nodes, which may join, and a queue that events go to.
    pub(super) fn karpenter(&mut self) -> Result<(), PolicyError> {
        let (cluster, wanted) = (self.cluster(), self.settings.install_karpenter);
        let name = karpenter_node_role(&cluster);
        let role_arn = self.iam_arn(&format!("role/{name}"));
        let trust = document("ec2-trust", &self.places, wanted)?;
        let attached = parts::node_policy_arns(self.settings).into_iter().collect();
        let role = self.role(Role { name: name.clone(), trust, attached, owner: self.owner() }, wanted, &[]);
        let entry = AccessEntry { cluster: cluster.clone(), role_arn, owner: self.owner() };
        let row = Row::new("EKS access entry", AccessEntry::desired(), wanted, Kind::AccessEntry(entry));
        self.add(format!("eks-access-entry/{name}"), Row { fixed: vec!["type"], ..row }, &[role]);

        let policy = document("karpenter-queue", &self.places, wanted)?;
        let queue = Queue { name: cluster.clone(), policy, owner: self.owner() };
        let row = Row::new("SQS queue", queue.desired(), wanted, Kind::Queue(queue));
        let queue = self.add(format!("sqs-queue/{cluster}"), row, &[]);
        let (partition, region) = (self.settings.partition(), &self.settings.aws_region);
        let queue_arn = format!("arn:{partition}:sqs:{region}:{}:{cluster}", self.account);
        for (event, source, detail) in parts::EVENTS {
            let name = parts::rule_name(&cluster, event);
            let (queue_arn, owner) = (queue_arn.clone(), self.owner());
            let made = Rule { name: name.clone(), source, detail, queue_arn, owner };
            let row = Row::new("EventBridge rule", made.desired(), wanted, Kind::Rule(made));
            self.add(format!("event-rule/{name}"), row, std::slice::from_ref(&queue));
        }
        Ok(())
    }
}
