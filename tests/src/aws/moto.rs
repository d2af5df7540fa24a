//! moto, a second emulator, written by others than the first: what both take is more likely to be what AWS takes.
#![expect(clippy::panic, reason = "a test without its emulator has failed")]

use std::collections::BTreeMap;
use std::net::TcpStream;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Bed, Inventory, Proxy, inventory};
use crate::kube::ready;
use crate::kube::server::Server;
use crate::python;

/// Services that it has for what the tests ask of it, as the AWS CLI names their variables, and as botocore names them.
const SERVICES: [(&str, &str); 5] = [
    ("AWS_ENDPOINT_URL_EC2", "ec2"),
    ("AWS_ENDPOINT_URL_IAM", "iam"),
    ("AWS_ENDPOINT_URL_STS", "sts"),
    ("AWS_ENDPOINT_URL_SQS", "sqs"),
    ("AWS_ENDPOINT_URL_EVENTBRIDGE", "events"),
];

/// What it lacks of them.
const LACKS: [&str; 3] = ["CreatePlacementGroup", "DeletePlacementGroup", "DescribePlacementGroups"];

/// The running emulator, with one account, and a proxy before it that sends what it lacks to the first emulator; it ends
/// when it is dropped.
pub struct Moto {
    proxy: Proxy,
    _server: Server,
    _folder: TempDir,
}

impl Moto {
    /// Starts it for the account of `bed`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(bed: &Bed) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("a folder for moto: {error}"));
        let [port] = ready::free_ports().unwrap_or_else(|error| panic!("a port for moto: {error}"));
        let program = python::interpreter_with("moto.txt").display().to_string();
        let words = [
            format!("MOTO_ACCOUNT_ID={}", bed.account()),
            format!("TMPDIR={}", folder.path().display()),
            // It knows AWS's own policies by name then, and refuses others.
            "MOTO_IAM_LOAD_MANAGED_POLICIES=true".to_owned(),
            program,
            "-B".to_owned(),
            "-m".to_owned(),
            "moto.server".to_owned(),
            "--host".to_owned(),
            "127.0.0.1".to_owned(),
            "--port".to_owned(),
            port.to_string(),
        ];
        let server = Server::start("moto", "env".as_ref(), &words, folder.path().join("log"))
            .unwrap_or_else(|error| panic!("{error}"));
        ready::wait(&server, || TcpStream::connect(("127.0.0.1", port)).is_ok())
            .unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::before(port, &LACKS).unwrap_or_else(|error| panic!("proxy: {error}"));
        Self { proxy, _server: server, _folder: folder }
    }

    /// The way to it.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Variables by which a program finds it for the services that it has.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        SERVICES.iter().map(|(variable, _)| (*variable, self.proxy.url())).collect()
    }

    /// What is in the account, EKS's part with the first emulator.
    ///
    /// # Panics
    /// When one does not say.
    pub fn inventory(&self, bed: &Bed, cluster: &str) -> Inventory {
        self.found(bed, "inventory", cluster)
    }

    /// The same of EC2 and node groups.
    ///
    /// # Panics
    /// When one does not say.
    pub fn nodes(&self, bed: &Bed, cluster: &str) -> Inventory {
        self.found(bed, "nodes", cluster)
    }

    /// Makes calls by botocore's names, each `[service, operation, arguments]`.
    ///
    /// # Panics
    /// When one fails.
    pub fn calls(&self, bed: &Bed, calls: &Value) -> Value {
        inventory::ask_at(&self.urls(), bed.account(), "calls", &calls.to_string())
    }

    fn found(&self, bed: &Bed, task: &str, cluster: &str) -> Inventory {
        let found = inventory::ask_at(&self.urls(), bed.account(), task, cluster);
        Inventory(serde_json::from_value(found).unwrap_or_else(|error| panic!("an inventory: {error}")))
    }

    /// For botocore: URLs by service.
    fn urls(&self) -> String {
        let ours = SERVICES.iter().map(|(_, service)| (*service, self.proxy.url()));
        let all: BTreeMap<_, _> = ours.chain([("", inventory::url())]).collect();
        json!(all).to_string()
    }
}
