//! One control plane.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use super::client::Client;
use super::error::at;
use super::folder::Folder;
use super::pki::{Authority, write, write_token_keys};
use super::server::Server;
use super::{Audit, Error, ready, service, tools};

/// etcd and kube-apiserver on loopback; ended on drop, and by the kernel when the test program is killed.
pub struct Cluster {
    // Ended in this order.
    server: Server,
    _etcd: Server,
    url: String,
    pub(super) authority: Authority,
    folder: Folder,
}

/// The token of a member of `system:masters`; the server listens on loopback and lives as long as a test.
const ADMIN: &str = "admin-of-a-test";
/// The token of the kubelet of [`KUBELETS_NODE`].
pub(crate) const KUBELET: &str = "kubelet-of-a-test";
/// The node that a real kubelet may be.
pub const KUBELETS_NODE: &str = "node-a";
/// How often a start is tried, since another program may take a port between the choice and its use.
const TRIES: u32 = 3;
/// Newer servers take sizes of objects from etcd 3.5 and complain on and on about an older one, as Debian's.
const FOR_OLD_ETCD: &str = "--feature-gates=SizeBasedListCostEstimate=false";

impl Cluster {
    /// Starts one, which takes about five seconds on an idle machine.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&[])
    }

    /// The same with more arguments for the API server.
    pub fn start_with(more: &[String]) -> Result<Self, Error> {
        let (etcd, server) = (tools::etcd()?, tools::kube_apiserver()?);
        let mut tries = TRIES;
        loop {
            match Self::try_start(&etcd, &server, more) {
                Err(Error::Program { detail, .. })
                    if tries > 1 && detail.contains("address already in use") =>
                {
                    tries -= 1;
                }
                result => return result,
            }
        }
    }

    /// The one that other tests of this program use at this moment, or a new one.
    pub fn shared() -> Result<Arc<Self>, Error> {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return Ok(cluster);
        }
        let cluster = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&cluster);
        Ok(cluster)
    }

    fn try_start(etcd: &Path, server: &Path, more: &[String]) -> Result<Self, Error> {
        let folder = Folder::new()?;
        let path = |name: &str| folder.path().join(name);
        let authority = Authority::new()?;
        let pair = authority.server()?;
        write(&path("ca.crt"), authority.pem())?;
        write(&path("server.crt"), &pair.certificate)?;
        write(&path("server.key"), &pair.key)?;
        let node = KUBELETS_NODE;
        let tokens = format!(
            "{ADMIN},admin,admin,\"system:masters\"\n{KUBELET},system:node:{node},{node},\"system:nodes\"\n"
        );
        write(&path("tokens.csv"), &tokens)?;
        write(&path("audit-policy.json"), service::AUDIT_POLICY)?;
        write_token_keys(folder.path())?;

        let [port, client, peer] = ready::free_ports().map_err(at("127.0.0.1"))?;
        let arguments = service::etcd(&path("etcd"), client, peer);
        let etcd = Server::start("etcd", etcd, &arguments, path("etcd.log"))?;
        ready::wait(&etcd, || std::net::TcpStream::connect(("127.0.0.1", client)).is_ok())?;

        let mut arguments = service::kube_apiserver(folder.path(), port, client);
        arguments.push(FOR_OLD_ETCD.to_owned());
        arguments.extend_from_slice(more);
        let server = Server::start("kube-apiserver", server, &arguments, path("kube-apiserver.log"))?;
        let url = format!("https://127.0.0.1:{port}");
        let admin = Client::new(&url, ADMIN, authority.pem())?;
        ready::wait(&server, || admin.get("/readyz").is_ok_and(|answer| answer.status == 200))?;
        // What every cluster has and the server makes on its own a moment later.
        ready::wait(&server, || {
            admin.get("/api/v1/namespaces/default").is_ok_and(|answer| answer.status == 200)
        })?;
        Ok(Self { server, _etcd: etcd, url, authority, folder })
    }

    /// A client that may do everything.
    pub fn admin(&self) -> Result<Client, Error> {
        self.client(ADMIN)
    }

    /// The same through a proxy at `url`.
    pub fn admin_at(&self, url: &str) -> Result<Client, Error> {
        Client::new(url, ADMIN, self.authority.pem())
    }

    /// A client with that token.
    pub fn client(&self, token: &str) -> Result<Client, Error> {
        Client::new(&self.url, token, self.authority.pem())
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its files are; gone when it is dropped.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The certificate that its clients trust.
    pub fn authority(&self) -> PathBuf {
        self.folder().join("ca.crt")
    }

    /// The API server's process.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// What its clients did until now.
    pub fn audit(&self) -> Result<Audit, Error> {
        Audit::read(&self.folder().join("audit.log"))
    }

    /// Writes a kubeconfig for the bearer of the token in the file `token`, who reaches the server at `url`.
    pub fn kubeconfig(&self, path: &Path, url: &str, token: &Path) -> Result<(), Error> {
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": self.authority()}}],
            "users": [{"name": "test", "user": {"tokenFile": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        write(path, &format!("{text:#}\n"))
    }

    /// Runs kubectl as the user who may do everything, and gives its standard output.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = tools::program(tools::kubectl()?);
        command.env("KUBECONFIG", self.admin_config()?).env("KUBECACHEDIR", self.folder().join("kubectl"));
        command.args(arguments);
        tools::finish(command)
    }

    /// A kubeconfig of the user who may do everything.
    pub(super) fn admin_config(&self) -> Result<PathBuf, Error> {
        let (config, token) = (self.folder().join("admin.kubeconfig"), self.folder().join("admin.token"));
        if !config.exists() {
            write(&token, ADMIN)?;
            self.kubeconfig(&config, &self.url, &token)?;
        }
        Ok(config)
    }
}
