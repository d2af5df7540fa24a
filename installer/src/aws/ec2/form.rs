//! A request of EC2's or Auto Scaling's: names and values, lists by number from 1.

use serde_json::Value;

/// API version of every request of EC2's.
const VERSION: &str = "2016-11-15";
/// Of Auto Scaling's.
const AUTO_SCALING: &str = "2011-01-01";

/// Lists whose name in a request is another one than in the API's JSON form. Source: botocore's model of EC2
/// (`locationName` of each member); the test bed compares what it makes of the same data.
const LISTS: [(&str, &str); 5] = [
    ("BlockDeviceMappings", "BlockDeviceMapping"),
    ("Groups", "SecurityGroupId"),
    ("NetworkInterfaces", "NetworkInterface"),
    ("TagSpecifications", "TagSpecification"),
    ("Tags", "Tag"),
];

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// As IAM policies name it: `ec2:CreateLaunchTemplate`.
    pub(in crate::aws) call: &'static str,
    pairs: Vec<(String, String)>,
}

impl Form {
    /// A request for `call`, for example `ec2:DescribeSubnets`.
    pub fn new(call: &'static str) -> Self {
        Self::of_version(call, VERSION)
    }

    /// A request for a call of Auto Scaling's, for example `autoscaling:DescribeTags`.
    pub fn of_auto_scaling(call: &'static str) -> Self {
        Self::of_version(call, AUTO_SCALING)
    }

    fn of_version(call: &'static str, version: &str) -> Self {
        let form = Self { call, pairs: Vec::new() };
        let action = form.action();
        form.with("Action", action).with("Version", version)
    }

    /// `CreateLaunchTemplate`
    pub(in crate::aws) fn action(&self) -> &'static str {
        self.call.split_once(':').map_or(self.call, |(_, action)| action)
    }

    /// With one value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.pairs.push((name.to_owned(), value.into()));
        self
    }

    /// With a list of values.
    #[must_use]
    pub fn list<T: Into<String>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let each = values.into_iter().enumerate();
        each.fold(self, |form, (place, value)| form.with(&format!("{name}.{}", place + 1), value))
    }

    /// Only what has one of `values`. Each name once.
    #[must_use]
    pub fn filter(self, name: &str, values: &[&str]) -> Self {
        let filters =
            self.pairs.iter().filter(|(key, _)| key.starts_with("Filter.") && key.ends_with(".Name"));
        let prefix = format!("Filter.{}", filters.count() + 1);
        self.with(&format!("{prefix}.Name"), name).list(&format!("{prefix}.Value"), values.iter().copied())
    }

    /// With one tag for what is made.
    #[must_use]
    pub fn tagged(self, kind: &str, key: &str, value: &str) -> Self {
        self.with("TagSpecification.1.ResourceType", kind)
            .with("TagSpecification.1.Tag.1.Key", key)
            .with("TagSpecification.1.Tag.1.Value", value)
    }

    /// With a structure in the API's JSON form. Null is nothing.
    #[must_use]
    pub fn data(mut self, name: &str, data: &Value) -> Self {
        self.add(name, data);
        self
    }

    fn add(&mut self, path: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Object(members) => {
                for (name, value) in members {
                    let known = LISTS.iter().find(|(list, _)| list == name && value.is_array());
                    self.add(&format!("{path}.{}", known.map_or(name.as_str(), |(_, name)| name)), value);
                }
            }
            Value::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    self.add(&format!("{path}.{}", place + 1), item);
                }
            }
            Value::String(text) => self.pairs.push((path.to_owned(), text.clone())),
            Value::Bool(_) | Value::Number(_) => self.pairs.push((path.to_owned(), value.to_string())),
        }
    }

    /// As a body of `application/x-www-form-urlencoded`.
    pub(in crate::aws) fn body(&self) -> String {
        let pair = |(name, value): &(String, String)| format!("{}={}", encoded(name), encoded(value));
        self.pairs.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}

/// Percent-encoded (RFC 3986), so that what is signed is what is read.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_written_as_ec2_reads_it() {
        let form = Form::new("ec2:DescribeSubnets").filter("vpc-id", &["a", "b"]).filter("state", &["c d/é"]);
        assert_eq!(
            form.body(),
            "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=a&Filter.1.Value.2=b&\
             Filter.2.Name=state&Filter.2.Value.1=c%20d%2F%C3%A9"
        );
    }

    #[test]
    fn structures_become_names_with_numbers() {
        let data = json!({
            "NetworkInterfaces": [{ "Groups": ["sg-1", "sg-2"], "DeviceIndex": 0, "DeleteOnTermination": true }],
            "Placement": { "GroupName": "g" }, "KeyName": null,
        });
        let form = Form::new("ec2:CreateLaunchTemplate").data("LaunchTemplateData", &data);
        let pairs: Vec<_> = form.pairs[2..].iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = [
            "NetworkInterface.1.DeleteOnTermination=true",
            "NetworkInterface.1.DeviceIndex=0",
            "NetworkInterface.1.SecurityGroupId.1=sg-1",
            "NetworkInterface.1.SecurityGroupId.2=sg-2",
            "Placement.GroupName=g",
        ];
        assert_eq!(pairs, expected.map(|pair| format!("LaunchTemplateData.{pair}")));
    }
}
