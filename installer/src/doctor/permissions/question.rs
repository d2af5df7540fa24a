//! What IAM is asked: each statement of the policies that the caller needs, by an example of each kind of resource and of
//! what a request will say.

use std::collections::BTreeSet;

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum};
use serde_json::Value;

/// Of where a statement leaves names open.
const EXAMPLE: &str = "any";

/// Actions on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) actions: Vec<String>,
    /// None where the actions know no resource.
    pub(super) resource: Option<String>,
    /// Keys of conditions, and the value of each.
    known: Vec<(String, String)>,
}

impl Question {
    /// What is known of a request.
    pub(super) fn context(&self) -> Vec<ContextEntry> {
        let entry = |(key, value): &(String, String)| {
            let entry = ContextEntry::builder().context_key_name(key).context_key_values(value);
            entry.context_key_type(ContextKeyTypeEnum::String).build()
        };
        self.known.iter().map(entry).collect()
    }
}

/// Of every statement of `policy`.
pub(super) fn questions(policy: &Value) -> Vec<Question> {
    let statements = policy["Statement"].as_array().into_iter().flatten();
    statements.flat_map(of_statement).collect()
}

fn of_statement(statement: &Value) -> Vec<Question> {
    let actions = list(&statement["Action"]);
    let mut known = Vec::new();
    for keys in statement["Condition"].as_object().into_iter().flat_map(|all| all.values()) {
        for (key, values) in keys.as_object().into_iter().flatten() {
            known.extend(list(values).first().map(|value| (key.clone(), example(value))));
        }
    }
    let mut kinds = BTreeSet::new();
    let mut resources = list(&statement["Resource"]);
    resources.retain(|resource| kinds.insert(kind(resource)));
    let question = |resource: String| Question {
        actions: actions.clone(),
        resource: (resource != "*").then(|| example(&resource)),
        known: known.clone(),
    };
    resources.into_iter().map(question).collect()
}

/// `arn:aws:iam::012345678901:role` of a role's ARN.
fn kind(arn: &str) -> String {
    let (head, name) = arn.rsplit_once(':').unwrap_or((arn, ""));
    format!("{head}:{}", name.split('/').next().unwrap_or_default())
}

fn example(text: &str) -> String {
    text.replace('*', EXAMPLE)
}

fn list(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    value
        .as_array()
        .map_or_else(|| text(value).into_iter().collect(), |all| all.iter().filter_map(text).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_statement_is_asked_for_one_of_each_kind_with_what_a_request_says() {
        let policy = json!({ "Statement": [
            { "Action": ["iam:GetRole"], "Resource": ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b", "arn:aws:iam::1:user/*"],
              "Condition": { "ArnEquals": { "iam:PolicyARN": ["arn:1", "arn:2"] }, "StringEquals": { "a": "b*" } } },
            { "Action": "ec2:DescribeSubnets", "Resource": "*" },
        ] });
        let found = questions(&policy);
        let resources: Vec<_> = found.iter().map(|question| question.resource.as_deref()).collect();
        assert_eq!(resources, [Some("arn:aws:iam::1:role/a"), Some("arn:aws:iam::1:user/any"), None]);
        let known = [("iam:PolicyARN", "arn:1"), ("a", "bany")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(found[0].known, known);
        assert_eq!(
            (found[2].actions.as_slice(), found[2].known.len()),
            (&["ec2:DescribeSubnets".to_owned()][..], 0)
        );
    }
}
