//! An account with a cluster, and the installer run for it.
#![expect(clippy::panic, reason = "a test whose bed fails has failed")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::inventory::{self, Inventory};
use super::{Proxy, emulator};
use crate::binary;

/// Of every test.
const CLUSTER: &str = "research";

/// Every component, by its variables.
pub const ALL: [(&str, &str); 5] = [
    ("INSTALL_KARPENTER", "1"),
    ("INSTALL_EFS_CSI", "1"),
    ("INSTALL_FSX_CSI", "1"),
    ("INSTALL_S3_CSI", "1"),
    ("S3_CSI_BUCKETS", "data,models"),
];

/// An account of a test's own, with one cluster, and a folder with settings.
pub struct Bed {
    account: String,
    folder: TempDir,
}

/// What a run said.
#[derive(Debug)]
pub struct Told {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Told {
    /// Standard output as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Bed {
    /// Account number `number`, which no other test of the program may have.
    ///
    /// # Panics
    /// When the emulator does not work.
    pub fn new(number: u32) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("a folder: {error}"));
        let bed = Self { account: format!("{number:012}"), folder };
        bed.calls(&json!([["eks", "create_cluster", {
            "name": CLUSTER, "version": "1.34", "roleArn": format!("arn:aws:iam::{}:role/cluster", bed.account),
            "resourcesVpcConfig": { "subnetIds": ["subnet-0123456789abcdef0"] },
            "accessConfig": { "authenticationMode": "API_AND_CONFIG_MAP" },
        }]]));
        // The emulator's one VPC, URL and range of services for every cluster.
        let settings = "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-00000000\n\
                        PRIVATE_SUBNET_A=subnet-0123456789abcdef0\nINSTALL_KUBERNETES=false\n\
                        CLUSTER_ENDPOINT=https://one\nCLUSTER_CA=YQ==\nCLUSTER_CIDR=10.100.0.0/16\n";
        std::fs::write(bed.folder.path().join(".env"), settings)
            .unwrap_or_else(|error| panic!("settings: {error}"));
        bed
    }

    /// The account's number.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Where the installer runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `installer <words>` against the emulator.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(&self, words: &[&str], variables: &[(&str, &str)]) -> Told {
        self.run_at(&format!("http://127.0.0.1:{}", emulator::port()), words, variables)
    }

    /// The same through a proxy.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run_through(&self, proxy: &Proxy, words: &[&str], variables: &[(&str, &str)]) -> Told {
        self.run_at(&proxy.url(), words, variables)
    }

    fn run_at(&self, url: &str, words: &[&str], variables: &[(&str, &str)]) -> Told {
        // After three minutes it hangs.
        let output = self.command(&["timeout", "--kill-after=5", "180"], url, words, variables).output();
        told(output.unwrap_or_else(|error| panic!("installer: {error}")))
    }

    /// Starts it through a proxy and does not wait; what is returned is its own process, to be killed.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, proxy: &Proxy, words: &[&str], variables: &[(&str, &str)]) -> Child {
        let mut command = self.command(&["env"], &proxy.url(), words, variables);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| panic!("installer: {error}"))
    }

    /// The same for a terminal, which is to be its standard streams: what is typed there is typed to it.
    pub fn on_terminal(&self, proxy: &Proxy, words: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = self.command(&["setsid", "--ctty", "--wait"], &proxy.url(), words, variables);
        command.env("TERM", "xterm-256color");
        command
    }

    #[expect(clippy::disallowed_methods, reason = "a test's programs are not the product's")]
    fn command(&self, before: &[&str], url: &str, words: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(before[0]);
        command.args(&before[1..]).arg(program()).args(words).current_dir(self.folder.path());
        command.env_clear().env("AWS_ENDPOINT_URL", url).env("AWS_ACCESS_KEY_ID", &self.account);
        command.env("AWS_SECRET_ACCESS_KEY", "none").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("PATH", "/usr/bin:/bin").envs(variables.iter().copied()).stdin(Stdio::null());
        command
    }

    /// What is in the account.
    ///
    /// # Panics
    /// When the emulator does not say.
    pub fn inventory(&self) -> Inventory {
        inventory::inventory(&self.account, CLUSTER)
    }

    /// What is in the account of EC2 and node groups.
    ///
    /// # Panics
    /// When the emulator does not say.
    pub fn nodes(&self) -> Inventory {
        self.nodes_and_ids().0
    }

    /// The same, and a name for each id that differs from account to account.
    ///
    /// # Panics
    /// When the emulator does not say.
    pub fn nodes_and_ids(&self) -> (Inventory, Value) {
        inventory::nodes(&self.account, CLUSTER)
    }

    /// The form that botocore makes of each `[service, operation, arguments]`.
    ///
    /// # Panics
    /// When its model refuses one.
    pub fn forms(&self, calls: &Value) -> Value {
        inventory::forms(&self.account, calls)
    }

    /// The signatures that botocore gives requests `{service, headers, body}` of the same times.
    ///
    /// # Panics
    /// When it gives none.
    pub fn signatures(&self, requests: &Value) -> Value {
        inventory::signatures(&self.account, requests)
    }

    /// Makes calls by botocore's names, each `[service, operation, arguments]`, as somebody else would.
    ///
    /// # Panics
    /// When one fails.
    pub fn calls(&self, calls: &Value) -> Value {
        inventory::calls(&self.account, calls)
    }

    /// The lines of the audit log.
    ///
    /// # Panics
    /// When one is not JSON.
    pub fn audit(&self) -> Vec<Value> {
        let text =
            std::fs::read_to_string(self.folder.path().join("installer-audit.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }
}

fn program() -> PathBuf {
    binary::installer()
}

/// What a finished run said.
pub(super) fn told(output: Output) -> Told {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Told { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        told(output)
    }
}
