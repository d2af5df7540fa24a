//! Where the API server is, and who we are.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Error, kubeconfig};

/// Where a pod finds its token and the authority. Source: Kubernetes, "Accessing the Kubernetes API from a Pod".
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// No token or certificate is larger.
const MOST: u64 = 1 << 20;

/// A text that is in a file, which may be replaced at any time, or here.
#[derive(Clone, PartialEq, Eq)]
pub enum Material {
    /// In a file, read anew each time.
    File(PathBuf),
    /// Here.
    Text(Vec<u8>),
}

/// Who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nobody.
    Anonymous,
    /// Whoever has this token.
    Token(Material),
    /// Whom this certificate is for.
    Certificate {
        /// PEM.
        certificate: Material,
        /// PEM.
        key: Material,
    },
}

/// Where the API server is, and who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The address; names are not looked up, see `parse_server`.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// The name in its certificate, where it is not the address.
    pub server_name: Option<String>,
    /// The authority that its certificate is from, PEM; `None` without TLS.
    pub authority: Option<Material>,
    /// Who we are.
    pub identity: Identity,
    /// How long a request may take, the connection included.
    pub deadline: Duration,
}

impl Config {
    /// How long a request may take: the API server gives a write 34 s at most, and answers in milliseconds.
    pub const DEADLINE: Duration = Duration::from_secs(15);

    /// From inside a pod: `host` and `port` are `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    pub fn in_cluster(host: Option<&str>, port: Option<&str>) -> Result<Self, Error> {
        let missing = |what: &str| Error::Config {
            what: what.to_owned(),
            why: "not set: this is no pod; name a kubeconfig (--kubeconfig), or print only (--dry-run)"
                .to_owned(),
        };
        let host = host.ok_or_else(|| missing("KUBERNETES_SERVICE_HOST"))?;
        let port = port.unwrap_or("443");
        let bad = |why: &str| Error::Config {
            what: format!("KUBERNETES_SERVICE_HOST and PORT ({host}, {port})"),
            why: why.to_owned(),
        };
        Ok(Self {
            address: host.parse().map_err(|_| bad("not an address"))?,
            port: port.parse().map_err(|_| bad("not a port"))?,
            tls: true,
            server_name: None,
            authority: Some(Material::File(Path::new(SERVICE_ACCOUNT).join("ca.crt"))),
            identity: Identity::Token(Material::File(Path::new(SERVICE_ACCOUNT).join("token"))),
            deadline: Self::DEADLINE,
        })
    }

    /// From a kubeconfig file: its current context.
    pub fn kubeconfig(path: &Path) -> Result<Self, Error> {
        let text = Material::File(path.to_owned()).read()?;
        kubeconfig::parse(&String::from_utf8_lossy(&text), path)
    }

    /// `https://ADDRESS[:PORT]`, or `http`. A name would be looked up by the C library, which in a static program loads
    /// parts of another one: `localhost` is the only one that is taken.
    pub(crate) fn parse_server(server: &str) -> Option<(IpAddr, u16, bool)> {
        let (scheme, rest) = server.split_once("://")?;
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let place = rest.trim_end_matches('/');
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (place, if tls { 443 } else { 80 }),
        };
        let host = host.trim_matches(['[', ']']);
        let host = if host == "localhost" { "127.0.0.1" } else { host };
        Some((host.parse().ok()?, port, tls))
    }

    /// Address and port, for messages and the `Host` header.
    pub fn server(&self) -> String {
        std::net::SocketAddr::new(self.address, self.port).to_string()
    }
}

impl Material {
    /// What it is now.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => read(path).map_err(|source| Error::Read { path: path.clone(), source }),
        }
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Secrets are not shown.
impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_addresses() {
        let parsed =
            |text| Config::parse_server(text).map(|(address, port, tls)| (address.to_string(), port, tls));
        assert_eq!(parsed("https://10.0.0.1"), Some(("10.0.0.1".into(), 443, true)));
        assert_eq!(parsed("https://[::1]:6443/"), Some(("::1".into(), 6443, true)));
        assert_eq!(parsed("https://[fd00::1]"), Some(("fd00::1".into(), 443, true)));
        assert_eq!(parsed("http://localhost:8001"), Some(("127.0.0.1".into(), 8001, false)));
        for bad in ["", "10.0.0.1", "https://abc.eks.amazonaws.com", "https://1.2.3.4:x", "ftp://1.2.3.4"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }

    #[test]
    fn outside_a_pod_the_message_says_what_to_do() {
        let error = Config::in_cluster(None, None).unwrap_err().to_string();
        assert!(error.contains("--kubeconfig"), "{error}");
        assert!(Config::in_cluster(Some("fd00::1"), Some("443")).is_ok());
    }

    #[test]
    fn secrets_are_not_in_logs() {
        assert_eq!(format!("{:?}", Material::Text(b"secret".to_vec())), "Text(…)");
    }
}
