//! Where the API server is, and who we are there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::exec::Program;
use super::kubeconfig;
use super::token::EksToken;

/// No kubeconfig, token or certificate is larger.
const MOST: u64 = 8 << 20;

/// Where the API server is, and who we are there.
#[derive(Clone, Debug)]
pub struct Access {
    /// `https://host[:port]`.
    pub server: String,
    /// The authority that its certificate is from, PEM.
    pub authority: Vec<u8>,
    /// The name in its certificate, where it is not the host.
    pub server_name: Option<String>,
    /// Who we are.
    pub identity: Identity,
    /// Where this was found, for messages.
    pub origin: String,
}

/// Who we are.
#[derive(Clone)]
pub enum Identity {
    /// Nobody.
    Anonymous,
    /// Whoever has this token.
    Token(String),
    /// The same; the file may be replaced at any time.
    TokenFile(PathBuf),
    /// Whom this certificate is for. Both are PEM.
    Certificate {
        /// The chain.
        certificate: Vec<u8>,
        /// Its key.
        key: Vec<u8>,
    },
    /// A program says it, as kubectl has it.
    Program(Program),
    /// AWS credentials, as EKS takes them.
    Eks(EksToken),
}

/// Secrets are not shown.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Token(_) | Self::TokenFile(_) => "Token",
            Self::Certificate { .. } => "Certificate",
            Self::Program(_) => "Program",
            Self::Eks(_) => "Eks",
        })
    }
}

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A file.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something has not the form that it should have, or asks for what is not supported.
    #[error("{what}: {why}")]
    Config {
        /// The file, the variable or the key.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// Certificates or keys.
    #[error("the certificates of {what} cannot be used: {why}")]
    Certificates {
        /// The authority's, or our own.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// A token cannot be had.
    #[error("no token for the API server: {0}")]
    Token(String),
}

impl Access {
    /// By a kubeconfig file: `context`, or its current one.
    pub fn kubeconfig(path: &Path, context: Option<&str>) -> Result<Self, AccessError> {
        let text = read(path)?;
        kubeconfig::parse(&String::from_utf8_lossy(&text), path, context)
    }

    /// How to speak TLS to it.
    pub(super) fn tls(&self) -> Result<ClientConfig, AccessError> {
        let theirs = "the API server's authority";
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.authority, theirs)? {
            roots.add(certificate).map_err(|error| unusable(theirs, &error))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(theirs, &error))?
            .with_root_certificates(roots);
        let Identity::Certificate { certificate, key } = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let ours = "our own";
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable(ours, &error))?;
        let chain = certificates(certificate, ours)?;
        builder.with_client_auth_cert(chain, key).map_err(|error| unusable(ours, &error))
    }
}

impl Identity {
    /// The token of a request; a new one where `fresh`, as the last one was refused.
    pub(crate) async fn token(&self, fresh: bool) -> Result<Option<String>, AccessError> {
        match self {
            Self::Anonymous | Self::Certificate { .. } => Ok(None),
            Self::Token(token) => Ok(Some(token.clone())),
            Self::TokenFile(path) => {
                let text = read(path)?;
                Ok(Some(String::from_utf8_lossy(&text).trim().to_owned()))
            }
            Self::Program(program) => program.token(fresh).await.map(Some),
            Self::Eks(token) => token.token().await.map(Some),
        }
    }
}

/// A file, bounded.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, AccessError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST).read_to_end(&mut bytes))
        .map_err(|source| AccessError::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(unusable(what, &"there is no certificate in it")),
        Ok(all) => Ok(all),
        Err(error) => Err(unusable(what, &error)),
    }
}

fn unusable(what: &'static str, why: &dyn std::fmt::Display) -> AccessError {
    AccessError::Certificates { what, why: why.to_string() }
}
