//! The same call by the AWS CLI.

use serde_json::{Map, Value, json};

use super::Call;

/// Words of the AWS CLI for a call that looks: service, operation and input. `None` for a call that nobody needed yet.
pub fn command(call: &Call) -> Option<[String; 4]> {
    let (service, operation, input) = if call.form {
        form(call)?
    } else if let Some(target) = call.headers.get("x-amz-target") {
        let service = if target.starts_with("AmazonSQS.") { "sqs" } else { "events" };
        (service, call.operation.clone(), serde_json::from_str(&call.body).ok()?)
    } else {
        eks(call)?
    };
    Some([service.to_owned(), kebab(&operation), "--cli-input-json".to_owned(), input.to_string()])
}

/// IAM and STS: flat names and values.
fn form(call: &Call) -> Option<(&'static str, String, Value)> {
    let input = flat(&call.body, |name| !["Action", "Version"].contains(&name))?;
    let service = match flat(&call.body, |name| name == "Version")?["Version"].as_str()? {
        "2010-05-08" => "iam",
        "2011-06-15" => "sts",
        _ => return None,
    };
    Some((service, call.operation.clone(), input))
}

/// By path: what belongs to a cluster.
fn eks(call: &Call) -> Option<(&'static str, String, Value)> {
    let path = call.operation.strip_prefix("GET /clusters/")?;
    let mut input = flat(&call.query, |_| true)?;
    let parts: Vec<String> = path.split('/').map(decoded).collect();
    let (operation, of) = match parts.get(1..)? {
        [] => ("DescribeCluster", None),
        [list] if list == "addons" => ("ListAddons", None),
        [list] if list == "pod-identity-associations" => ("ListPodIdentityAssociations", None),
        [list, name] if list == "addons" => ("DescribeAddon", Some(("addonName", name))),
        [list, id] if list == "pod-identity-associations" => {
            ("DescribePodIdentityAssociation", Some(("associationId", id)))
        }
        [list, arn] if list == "access-entries" => ("DescribeAccessEntry", Some(("principalArn", arn))),
        _ => return None,
    };
    input[if operation == "DescribeCluster" { "name" } else { "clusterName" }] = json!(parts.first()?);
    if let Some((name, value)) = of {
        input[name] = json!(value);
    }
    Some(("eks", operation.to_owned(), input))
}

/// `a=b&c=d` as an object; `None` where a name has parts.
fn flat(text: &str, wanted: impl Fn(&str) -> bool) -> Option<Value> {
    let mut all = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        if wanted(name) {
            if name.contains('.') {
                return None;
            }
            all.insert(name.to_owned(), decoded(value).into());
        }
    }
    Some(Value::Object(all))
}

/// Without `%3A`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let digits = more.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { more.get(2..).unwrap_or_default() } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `GetRole` as `get-role`.
fn kebab(name: &str) -> String {
    let word = |(place, letter): (usize, char)| {
        let dash = if letter.is_uppercase() && place > 0 { "-" } else { "" };
        format!("{dash}{}", letter.to_lowercase())
    };
    name.chars().enumerate().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let (mut stream, mut rest) = (text.as_bytes(), Vec::new());
        let message = crate::kube::proxy::message::read(&mut stream, &mut rest).unwrap().unwrap();
        command(&Call::of(&message)).map_or_else(String::new, |words| words.join(" "))
    }

    #[test]
    fn each_protocol_has_its_words() {
        let form = "Action=GetRole&RoleName=a%2Bb&Version=2010-05-08";
        let text = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{form}", form.len());
        assert_eq!(words(&text), r#"iam get-role --cli-input-json {"RoleName":"a+b"}"#);
        let target = "POST / HTTP/1.1\r\nX-Amz-Target: AWSEvents.DescribeRule\r\ncontent-length: 12\r\n\r\n";
        assert_eq!(
            words(&format!("{target}{{\"Name\":\"a\"}}")),
            r#"events describe-rule --cli-input-json {"Name":"a"}"#
        );
        let rest = "GET /clusters/c/access-entries/arn%3Aaws HTTP/1.1\r\n\r\n";
        let said =
            r#"eks describe-access-entry --cli-input-json {"clusterName":"c","principalArn":"arn:aws"}"#;
        assert_eq!(words(rest), said);
        let list = "GET /clusters/c/pod-identity-associations?namespace=n HTTP/1.1\r\n\r\n";
        let said =
            r#"eks list-pod-identity-associations --cli-input-json {"clusterName":"c","namespace":"n"}"#;
        assert_eq!(words(list), said);
        assert_eq!(words("GET /clusters/c/node-groups/g HTTP/1.1\r\n\r\n"), "");
    }
}
