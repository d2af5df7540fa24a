//! A kubeconfig file. Source: Kubernetes, "Organizing Cluster Access Using kubeconfig Files", and client-go's
//! `clientcmd/api/v1`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::access::{Access, AccessError, Identity, read};
use super::exec::Program;
use super::yaml;

struct File<'a> {
    path: &'a Path,
    document: Value,
}

pub(super) fn parse(text: &str, path: &Path, context: Option<&str>) -> Result<Access, AccessError> {
    let bad = |why: String| AccessError::Config { what: path.display().to_string(), why };
    let mut documents = yaml::documents(text).map_err(|why| bad(format!("not YAML: {why}")))?;
    if documents.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    let file = File { path, document: documents.remove(0) };
    let current = context.map(str::to_owned).or_else(|| string(&file.document, "current-context"));
    let current = current.ok_or_else(|| bad("no current-context".to_owned()))?;
    let context = file.named("contexts", "context", &current)?;
    let name = |key| string(context, key).ok_or_else(|| bad(format!("context {current}: no {key}")));
    let cluster = file.named("clusters", "cluster", &name("cluster")?)?;
    let user = file.named("users", "user", &name("user")?)?;
    let server = string(cluster, "server").ok_or_else(|| bad("the cluster has no server".to_owned()))?;
    if !server.starts_with("https://") {
        return Err(bad(format!("server {server}: only https:// is supported")));
    }
    for key in ["proxy-url", "insecure-skip-tls-verify"] {
        if string(cluster, key).is_some_and(|value| value != "false") {
            return Err(bad(format!("{key} is not supported")));
        }
    }
    let authority = file.material(cluster, "certificate-authority")?;
    Ok(Access {
        server: server.trim_end_matches('/').to_owned(),
        authority: authority.ok_or_else(|| bad("the cluster has no certificate-authority".to_owned()))?,
        server_name: string(cluster, "tls-server-name"),
        identity: file.identity(user)?,
        origin: format!("context {current} of {}", path.display()),
    })
}

impl File<'_> {
    fn error(&self, why: impl Into<String>) -> AccessError {
        AccessError::Config { what: self.path.display().to_string(), why: why.into() }
    }

    /// The item of this name in a list.
    fn named(&self, list: &str, inner: &str, name: &str) -> Result<&Value, AccessError> {
        let mut items = self.document[list].as_array().into_iter().flatten();
        let found = items.find(|item| string(item, "name").as_deref() == Some(name));
        found.and_then(|item| item.get(inner)).ok_or_else(|| self.error(format!("{list} has no {name}")))
    }

    fn identity(&self, user: &Value) -> Result<Identity, AccessError> {
        if let Some(file) = string(user, "tokenFile") {
            return Ok(Identity::TokenFile(self.beside(&file)));
        }
        if let Some(token) = string(user, "token") {
            return Ok(Identity::Token(token));
        }
        let certificate = self.material(user, "client-certificate")?;
        let key = self.material(user, "client-key")?;
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Identity::Certificate { certificate, key }),
            (None, None) => match user.get("exec").filter(|exec| exec.is_object()) {
                Some(exec) => Program::parse(exec).map(Identity::Program).map_err(|why| self.error(why)),
                None if user.get("username").or_else(|| user.get("auth-provider")).is_some() => {
                    Err(self.error("passwords and auth-provider are not supported"))
                }
                None => Ok(Identity::Anonymous),
            },
            _ => Err(self.error("the user has a certificate without a key, or a key without a certificate")),
        }
    }

    /// `KEY-data` in base64, or what is in the file that `KEY` names.
    fn material(&self, node: &Value, key: &str) -> Result<Option<Vec<u8>>, AccessError> {
        let data = format!("{key}-data");
        if let Some(text) = string(node, &data) {
            let bytes =
                STANDARD.decode(text.trim()).map_err(|error| self.error(format!("{data}: {error}")))?;
            return Ok(Some(bytes));
        }
        string(node, key).map(|file| read(&self.beside(&file))).transpose()
    }

    /// A path in the file is relative to the file.
    fn beside(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// A scalar as text.
fn string(node: &Value, key: &str) -> Option<String> {
    let text = match node.get(key)? {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
current-context: c
contexts:
- {name: c, context: {cluster: lab, user: me}}
- {name: d, context: {cluster: lab, user: program}}
clusters:
- {name: lab, cluster: {server: 'https://abc.example.com', certificate-authority-data: YWJj}}
users:
- {name: me, user: {token: abc}}
- {name: program, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token]}}}
";

    fn of(text: &str, context: Option<&str>) -> Result<Access, String> {
        parse(text, Path::new("/etc/k/config"), context).map_err(|error| error.to_string())
    }

    #[test]
    fn the_current_context_counts_unless_another_one_is_named() {
        let access = of(GOOD, None).unwrap();
        assert_eq!(
            (access.server.as_str(), access.authority.as_slice()),
            ("https://abc.example.com", &b"abc"[..])
        );
        assert!(matches!(access.identity, Identity::Token(token) if token == "abc"));
        assert!(matches!(of(GOOD, Some("d")).unwrap().identity, Identity::Program(_)));
        assert_eq!(format!("{:?}", Identity::Token("secret".to_owned())), "Token");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (from, to, word) in [
            ("https://abc", "http://abc", "https"),
            ("token: abc", "username: a, password: b", "passwords"),
            ("token: abc", "client-key-data: YWJj", "without a certificate"),
            ("name: me,", "name: you,", "users has no me"),
            ("certificate-authority-data: YWJj", "x: y", "certificate-authority"),
            ("certificate-authority-data: YWJj", "insecure-skip-tls-verify: true", "insecure"),
            ("certificate-authority-data: YWJj", "certificate-authority: none.crt", "/etc/k/none.crt"),
            ("YWJj", "'*'", "certificate-authority-data"),
        ] {
            let error = of(&GOOD.replace(from, to), None).unwrap_err();
            assert!(error.contains(word) && error.contains("/etc/k/"), "{error}");
        }
        assert!(of(GOOD, Some("e")).unwrap_err().contains("contexts has no e"));
        assert!(of("", None).is_err() && of("a: [", None).is_err());
    }
}
