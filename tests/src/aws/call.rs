//! Which call of AWS a request is, by its protocol.

use std::collections::BTreeMap;

use crate::kube::proxy::message::Message;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// As AWS names it; for REST the method and the path.
    pub operation: String,
    /// Whether it changes something.
    pub mutates: bool,
    /// Whether it speaks the query protocol, whose answers are XML; the others' are JSON.
    pub form: bool,
    /// What it says: a form, or JSON.
    pub body: String,
    /// What follows the path, `namespace=kube-system`.
    pub query: String,
    /// With names in small letters.
    pub headers: BTreeMap<String, String>,
}

impl Call {
    /// IAM and STS say it in the form (query protocol), SQS and EventBridge in a header (JSON), EKS and S3 by method and
    /// path (REST).
    pub(super) fn of(message: &Message) -> Self {
        let body = String::from_utf8_lossy(&message.body);
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
        let headers =
            message.headers.iter().map(|(name, value)| (name.to_lowercase(), text(value))).collect();
        let target = message.headers.iter().find(|(name, _)| name == "x-amz-target");
        let target = target.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        let form = action.is_some();
        let said = body.clone().into_owned();
        let query = message.target.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
        let named = action.map(str::to_owned);
        let named = named.or_else(|| Some(target?.rsplit('.').next()?.to_owned()));
        let Some(operation) = named else {
            let path = message.target.split('?').next().unwrap_or_default();
            let operation = format!("{} {path}", message.method);
            return Self {
                operation,
                mutates: !["GET", "HEAD"].contains(&message.method.as_str()),
                form,
                body: said,
                query,
                headers,
            };
        };
        let looks = ["Get", "List", "Describe", "Simulate"].iter().any(|verb| operation.starts_with(verb));
        Self { operation, mutates: !looks, form, body: said, query, headers }
    }

    /// Whether it asks EKS for one cluster.
    pub(super) fn is_describe_cluster(&self) -> bool {
        let name = self.operation.strip_prefix("GET /clusters/");
        name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_understood() {
        let call = |text: &str| {
            let mut stream = text.as_bytes();
            let message = crate::kube::proxy::message::read(&mut stream, &mut Vec::new()).unwrap().unwrap();
            let call = Call::of(&message);
            (call.operation, call.mutates)
        };
        let form = "POST / HTTP/1.1\r\ncontent-length: 29\r\n\r\nAction=CreateRole&RoleName=ab";
        assert_eq!(call(form), ("CreateRole".to_owned(), true));
        let target = "POST / HTTP/1.1\r\nX-Amz-Target: AmazonSQS.GetQueueUrl\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(call(target), ("GetQueueUrl".to_owned(), false));
        let rest = "DELETE /clusters/a/addons/b?preserve=false HTTP/1.1\r\n\r\n";
        assert_eq!(call(rest), ("DELETE /clusters/a/addons/b".to_owned(), true));
        assert_eq!(call("HEAD /data HTTP/1.1\r\n\r\n"), ("HEAD /data".to_owned(), false));
    }
}
