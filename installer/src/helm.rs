//! The helm program, for what upstream ships only as charts. It is started with a kubeconfig of our own, so that it
//! reaches the very API server that everything else here speaks to.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde_json::{Value, json};

use crate::aws::{Failure, Meaning};
use crate::environment;
use crate::kube::{Access, Client, Identity};
use crate::process::{Job, JobError};

/// What helm gives itself for hooks, and so for nearly all that it does.
pub const TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// When it is killed.
const DEADLINE: Duration = Duration::from_secs(7 * 60);
const PROGRAM: &str = "helm";
/// Variables of helm's that would lead it elsewhere. Source: Helm, "Environment variables".
const ELSEWHERE: [&str; 8] = [
    "HELM_KUBEAPISERVER",
    "HELM_KUBEASGROUPS",
    "HELM_KUBEASUSER",
    "HELM_KUBECAFILE",
    "HELM_KUBECONTEXT",
    "HELM_KUBETLS_SERVER_NAME",
    "HELM_KUBETOKEN",
    "HELM_NAMESPACE",
];

/// Whether there is such a program in `PATH`.
pub fn is_there() -> Result<(), Failure> {
    let path = environment::pairs().into_iter().find(|(name, _)| name == "PATH").map(|(_, path)| path);
    let path = path.unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file()) {
        return Ok(());
    }
    let what = "helm is not in PATH, and it is needed for the charts; install it from https://helm.sh, version 3.14 or \
                later"
        .to_owned();
    Err(Failure { call: "helm", meaning: Meaning::Never, what })
}

/// The oldest that can be used.
const OLDEST: [u64; 2] = [3, 14];

/// Its version, `v3.14.0`, and whether that is new enough.
pub async fn version() -> Result<(String, bool), JobError> {
    let arguments = ["version", "--template", "{{.Version}}"].map(Into::into).to_vec();
    let deadline = Duration::from_secs(20);
    let said = Job { program: PROGRAM, arguments, variables: Vec::new(), deadline }.run().await?;
    let version = String::from_utf8_lossy(&said).trim().to_owned();
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|number| number.parse().ok());
    let found = [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)];
    Ok((version, found >= OLDEST))
}

/// Runs `helm <words>` for the cluster of `client`, and gives its output.
pub async fn run(client: &Client, call: &'static str, words: Vec<OsString>) -> Result<Vec<u8>, Failure> {
    let never = |what: String| Failure { call, meaning: Meaning::Never, what };
    let config = kubeconfig(client.access()).await.map_err(never)?;
    let mut arguments = words;
    arguments.extend(["--kubeconfig".into(), config.path().into()]);
    let mut variables: Vec<_> = ELSEWHERE.map(|name| (name.to_owned(), String::new())).to_vec();
    variables.push(("HELM_DRIVER".to_owned(), "secret".to_owned()));
    let job = Job { program: PROGRAM, arguments, variables, deadline: DEADLINE };
    job.run().await.map_err(|error| Failure { call, meaning: meaning(&error), what: error.to_string() })
}

/// For who reaches the cluster by `access`, with the token or the key.
async fn kubeconfig(access: &Access) -> Result<Handed, String> {
    let token = access.identity.token(false).await.map_err(|error| error.to_string())?;
    let user = match (&access.identity, token) {
        (Identity::Certificate { certificate, key }, _) => json!({
            "client-certificate-data": STANDARD.encode(certificate), "client-key-data": STANDARD.encode(key),
        }),
        (_, Some(token)) => json!({ "token": token }),
        (_, None) => json!({}),
    };
    let mut cluster =
        json!({ "server": access.server, "certificate-authority-data": STANDARD.encode(&access.authority) });
    if let Some(name) = &access.server_name {
        cluster["tls-server-name"] = name.as_str().into();
    }
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "installer",
        "clusters": [{ "name": "installer", "cluster": cluster }],
        "users": [{ "name": "installer", "user": user }],
        "contexts": [{ "name": "installer", "context": { "cluster": "installer", "user": "installer" } }],
    });
    file(&text).map_err(|error| format!("a file for helm: {error}"))
}

/// A file that has no name: only we have it, and the programs that we start. So it is gone with the last of them, however
/// that ends, and a token or a key does not stay behind a run that was killed.
#[derive(Debug)]
pub struct Handed {
    _file: File,
    path: PathBuf,
}

impl Handed {
    /// What a program that we start finds it by.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A file with `value` for programs that we start.
pub fn file(value: &Value) -> std::io::Result<Handed> {
    let mut file = tempfile::tempfile()?;
    file.write_all(value.to_string().as_bytes())?;
    file.rewind()?;
    // Else it would be closed in them.
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let path = format!("/dev/fd/{}", file.as_raw_fd()).into();
    Ok(Handed { _file: file, path })
}

/// Helm has one exit code for everything, so its words are what there is to go by: those for another helm at work and
/// for an API server in trouble.
fn meaning(error: &JobError) -> Meaning {
    const LATER: [&str; 14] = [
        "another operation (install/upgrade/rollback) is in progress",
        // Helm 3's words, and those of helm 4.
        "cannot re-use a name that is still in use",
        "cannot reuse a name that is still in use",
        "already exists",
        "the object has been modified",
        // Another helm removed the release meanwhile.
        "Failed to purge the release",
        "Kubernetes cluster unreachable",
        "connection refused",
        "connection reset",
        "EOF",
        "too many requests",
        "an error on the server",
        "server is currently unable to handle the request",
        "i/o timeout",
    ];
    let JobError::Failed { said, .. } = error else { return Meaning::Never };
    if said.contains("release: not found") {
        Meaning::Absent
    } else if LATER.iter().any(|words| said.contains(words)) {
        Meaning::Later
    } else {
        Meaning::Never
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_file_has_no_name_and_is_read_more_than_once() {
        let handed = file(&json!({ "token": "x" })).unwrap();
        let path = handed.path().display();
        let arguments = vec!["-c".into(), format!("cat {path} {path} && readlink {path}").into()];
        let deadline = Duration::from_secs(60);
        let job = Job { program: "sh", arguments, variables: Vec::new(), deadline };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = String::from_utf8(runtime.block_on(job.run()).unwrap()).unwrap();
        assert!(
            said.starts_with(r#"{"token":"x"}{"token":"x"}"#) && said.trim().ends_with("(deleted)"),
            "{said}"
        );
    }

    #[test]
    fn helm_s_words_say_whether_to_ask_again() {
        let failed = |said: &str| JobError::Failed {
            program: PROGRAM.to_owned(),
            status: std::process::ExitStatus::from_raw(256),
            said: said.to_owned(),
        };
        let busy = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress";
        assert_eq!(meaning(&failed(busy)), Meaning::Later);
        let taken = "Error: release name check failed: cannot reuse a name that is still in use";
        assert_eq!(meaning(&failed(taken)), Meaning::Later);
        assert_eq!(meaning(&failed("Error: release: not found")), Meaning::Absent);
        let beaten = "Error: uninstallation completed with 1 error(s): uninstall: Failed to purge the release: secrets \
                      \"sh.helm.release.v1.a.v1\" not found";
        assert_eq!(meaning(&failed(beaten)), Meaning::Later);
        assert_eq!(
            meaning(&failed("Error: chart \"x\" version \"9\" not found in repository")),
            Meaning::Never
        );
        assert_eq!(meaning(&JobError::Missing { program: PROGRAM.to_owned() }), Meaning::Never);
    }
}
