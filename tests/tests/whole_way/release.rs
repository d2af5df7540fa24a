//! Where a release of the agent is, as a user has it: a web server whose certificate is of a private authority.

use gpunode_fault_server::{Identity, Reply, Server};
use gpunode_tests::binary;

/// Its name, for which the certificate is; the image says its address.
pub(crate) const HOST: &str = "example.org";
const PATH: &str = "/releases/gpunode-agent";

pub(crate) struct Release {
    server: Server,
    /// The authority, PEM, which the image trusts.
    pub(crate) authority: String,
    pub(crate) sha256: String,
}

impl Release {
    /// Serves the release agent.
    pub(crate) fn serve() -> Self {
        let program = binary::agent();
        let (identity, sha256) = (Identity::of_another_host(), binary::sha256(&program));
        let bytes = std::fs::read(program).unwrap();
        let server = Server::https(&identity, move |seen| {
            if seen.path == PATH { Reply::file(seen, &bytes, "\"v1\"") } else { Reply::status(404) }
        });
        Self { server, authority: identity.authority.clone(), sha256 }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url(PATH).replace("localhost", HOST)
    }

    /// How often it was fetched.
    pub(crate) fn fetched(&self) -> usize {
        self.server.seen().iter().filter(|seen| seen.method == "GET" && seen.path == PATH).count()
    }
}
