//! A kubeconfig file: the current context's server and user. What runs programs to get a token is not supported: a
//! container made `FROM scratch` has none.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saphyr::{LoadableYamlNode as _, YamlOwned};

use super::{Config, Error, Identity, Material};

struct File<'a> {
    path: &'a Path,
    document: YamlOwned,
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Config, Error> {
    let bad = |why: String| Error::Config { what: path.display().to_string(), why };
    let documents = YamlOwned::load_from_str(text).map_err(|error| bad(format!("not YAML: {error}")))?;
    let document = documents.into_iter().next().ok_or_else(|| bad("it is empty".to_owned()))?;
    let file = File { path, document };
    let current =
        string(&file.document, "current-context").ok_or_else(|| bad("no current-context".to_owned()))?;
    let context = file.named("contexts", "context", &current)?;
    let name = |key| string(context, key).ok_or_else(|| bad(format!("context {current}: no {key}")));
    let cluster = file.named("clusters", "cluster", &name("cluster")?)?;
    let user = file.named("users", "user", &name("user")?)?;
    let server = string(cluster, "server").ok_or_else(|| bad("the cluster has no server".to_owned()))?;
    let (address, port, tls) = Config::parse_server(&server).ok_or_else(|| {
        bad(format!("server {server}: must be https:// or http:// and an address; names are not looked up"))
    })?;
    if string(cluster, "insecure-skip-tls-verify").is_some_and(|skip| skip == "true") {
        return Err(bad("insecure-skip-tls-verify is not supported".to_owned()));
    }
    let authority = file.material(cluster, "certificate-authority")?;
    if tls && authority.is_none() {
        return Err(bad("the cluster has no certificate-authority".to_owned()));
    }
    Ok(Config {
        address,
        port,
        tls,
        server_name: string(cluster, "tls-server-name"),
        authority: authority.filter(|_| tls),
        identity: file.identity(user)?,
        deadline: Config::DEADLINE,
    })
}

impl File<'_> {
    fn error(&self, why: impl Into<String>) -> Error {
        Error::Config { what: self.path.display().to_string(), why: why.into() }
    }

    /// The item of this name in a list.
    fn named(&self, list: &str, inner: &str, name: &str) -> Result<&YamlOwned, Error> {
        let items = self.document.as_mapping_get(list).and_then(YamlOwned::as_sequence);
        let mut items = items.into_iter().flatten();
        let found = items.find(|item| string(item, "name").as_deref() == Some(name));
        found
            .and_then(|item| item.as_mapping_get(inner))
            .ok_or_else(|| self.error(format!("{list} has no {name}")))
    }

    fn identity(&self, user: &YamlOwned) -> Result<Identity, Error> {
        if let Some(file) = string(user, "tokenFile") {
            return Ok(Identity::Token(Material::File(self.beside(&file))));
        }
        if let Some(token) = string(user, "token") {
            return Ok(Identity::Token(Material::Text(token.into_bytes())));
        }
        let certificate = self.material(user, "client-certificate")?;
        let key = self.material(user, "client-key")?;
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Identity::Certificate { certificate, key }),
            (None, None) if user.as_mapping_get("exec").is_some() => {
                Err(self.error("the user's token comes from a program (exec), which is not supported"))
            }
            (None, None) => Ok(Identity::Anonymous),
            _ => Err(self.error("the user has a certificate without a key, or a key without a certificate")),
        }
    }

    /// `KEY-data` in base64, or the file that `KEY` names.
    fn material(&self, node: &YamlOwned, key: &str) -> Result<Option<Material>, Error> {
        let data = format!("{key}-data");
        if let Some(text) = string(node, &data) {
            let bytes =
                STANDARD.decode(text.trim()).map_err(|error| self.error(format!("{data}: {error}")))?;
            return Ok(Some(Material::Text(bytes)));
        }
        Ok(string(node, key).map(|file| Material::File(self.beside(&file))))
    }

    /// A path in the file is relative to the file.
    fn beside(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// A scalar as text.
fn string(node: &YamlOwned, key: &str) -> Option<String> {
    let value = node.as_mapping_get(key)?;
    let text = value.as_str().map(str::to_owned);
    text.or_else(|| value.as_bool().map(|truth| truth.to_string()))
        .or_else(|| value.as_integer().map(|number| number.to_string()))
        .filter(|text| !text.is_empty())
}

/// Entry for fuzzers: `text` as a kubeconfig file. No file that it names is read.
///
/// # Panics
/// A server came of it that is not written as it was read; no text may bring it about.
pub fn fuzz(text: &str) {
    if let Ok(config) = parse(text, Path::new("/fuzz/config")) {
        let again = Config::parse_server(&format!("https://{}", config.server()));
        assert_eq!(again, Some((config.address, config.port, true)));
        assert!(!config.tls || config.authority.is_some(), "a server that nobody vouches for");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
current-context: c
contexts:
- {name: c, context: {cluster: lab, user: me}}
clusters:
- {name: lab, cluster: {server: 'https://127.0.0.1:6443', certificate-authority-data: YWJj}}
users:
- {name: me, user: {token: abc}}
";

    fn of(text: &str) -> Result<Config, String> {
        parse(text, Path::new("/etc/k/config")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_current_context_counts() {
        let config = of(GOOD).unwrap();
        assert_eq!(config.server(), "127.0.0.1:6443");
        assert_eq!(config.identity, Identity::Token(Material::Text(b"abc".to_vec())));
        assert_eq!(config.authority, Some(Material::Text(b"abc".to_vec())));
        let files = GOOD
            .replace("token: abc", "client-certificate: me.crt, client-key: me.key")
            .replace("certificate-authority-data: YWJj", "certificate-authority: ca.crt");
        let config = of(&files).unwrap();
        assert_eq!(config.authority, Some(Material::File("/etc/k/ca.crt".into())));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (from, to, word) in [
            ("127.0.0.1:6443", "api.example.com", "address"),
            ("token: abc", "exec: {command: aws}", "exec"),
            ("name: me,", "name: you,", "users has no me"),
            ("certificate-authority-data: YWJj", "x: y", "certificate-authority"),
            ("certificate-authority-data: YWJj", "insecure-skip-tls-verify: true", "insecure"),
            ("YWJj", "'*'", "certificate-authority-data"),
        ] {
            let error = of(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.contains(word) && error.contains("/etc/k/config"), "{error}");
        }
        assert!(of("").is_err() && of("a: [").is_err());
    }
}
