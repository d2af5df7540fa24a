//! A program that says a token, as `aws eks get-token` does. Source: Kubernetes, "client-go credential plugins".

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::access::AccessError;
use crate::process::Job;

/// For a program that may have to ask AWS.
const DEADLINE: Duration = Duration::from_secs(60);
/// A token is not used in its last minute.
const MARGIN: Duration = Duration::from_secs(60);

/// A program that says a token; the token is kept until it expires.
#[derive(Clone)]
pub struct Program {
    command: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    kept: Arc<Mutex<Option<Kept>>>,
}

#[derive(Clone)]
struct Kept {
    token: String,
    until: Option<SystemTime>,
}

impl Program {
    /// The `exec` of a kubeconfig's user.
    pub(super) fn parse(exec: &Value) -> Result<Self, String> {
        let command = exec["command"].as_str().filter(|command| !command.is_empty());
        let command = command.ok_or("exec has no command")?.to_owned();
        let version = exec["apiVersion"].as_str().unwrap_or_default();
        if !["v1", "v1beta1"].iter().any(|known| version == format!("client.authentication.k8s.io/{known}")) {
            return Err(format!("exec: apiVersion {version} is not supported"));
        }
        let strings = |value: &Value| -> Vec<String> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        let variables =
            exec["env"].as_array().into_iter().flatten().filter_map(|item| {
                Some((item["name"].as_str()?.to_owned(), item["value"].as_str()?.to_owned()))
            });
        let info = serde_json::json!({ "apiVersion": version, "kind": "ExecCredential", "spec": { "interactive": false } });
        let variables = variables.chain([("KUBERNETES_EXEC_INFO".to_owned(), info.to_string())]).collect();
        Ok(Self { command, arguments: strings(&exec["args"]), variables, kept: Arc::default() })
    }

    pub(super) async fn token(&self, fresh: bool) -> Result<String, AccessError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| !fresh && kept.holds(SystemTime::now())) {
            return Ok(kept.token);
        }
        let arguments = self.arguments.iter().map(Into::into).collect();
        let variables = self.variables.clone();
        let job = Job { program: &self.command, arguments, variables, deadline: DEADLINE };
        let said = job.run().await.map_err(|error| AccessError::Token(error.to_string()))?;
        let name = PathBuf::from(&self.command);
        let kept =
            Kept::read(&said).map_err(|why| AccessError::Token(format!("{} said {why}", name.display())))?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept.clone());
        Ok(kept.token)
    }
}

impl Kept {
    fn read(said: &[u8]) -> Result<Self, &'static str> {
        let credential: Value = serde_json::from_slice(said).map_err(|_| "what is no JSON")?;
        let status = &credential["status"];
        let token = status["token"].as_str().filter(|token| !token.is_empty());
        let token = token.ok_or("no token (certificates of programs are not supported)")?.to_owned();
        let until = status["expirationTimestamp"].as_str();
        Ok(Self { token, until: until.and_then(|until| humantime::parse_rfc3339(until).ok()) })
    }

    /// Whether it can be used at `now`; one without an end is good until it is refused.
    fn holds(&self, now: SystemTime) -> bool {
        self.until.is_none_or(|until| now + MARGIN < until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_kept_until_it_expires_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count").display().to_string();
        let script = format!(
            "echo x >> {count}; echo \"{{\\\"status\\\": {{\\\"token\\\": \\\"$NAME$(wc -l < {count})\\\"}}}}\""
        );
        let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script],
            "env": [{ "name": "NAME", "value": "t" }] });
        let program = Program::parse(&exec).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let token = |fresh| runtime.block_on(program.token(fresh)).unwrap();
        assert_eq!([token(false), token(false), token(true)], ["t1", "t1", "t2"]);
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let kept = |said: Value| Kept::read(said.to_string().as_bytes());
        let until =
            kept(json!({ "status": { "token": "a", "expirationTimestamp": "1970-01-01T00:10:00Z" } }));
        let until = until.unwrap();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(until.holds(at(500)) && !until.holds(at(550)));
        assert!(kept(json!({ "status": { "clientCertificateData": "a" } })).is_err());
        assert!(Kept::read(b"login first").is_err());
        assert!(
            Program::parse(
                &json!({ "command": "aws", "apiVersion": "client.authentication.k8s.io/v1alpha1" })
            )
            .is_err()
        );
    }
}
