//! TLS to the API server, made anew with each connection, so that a new authority or certificate counts at once.

use std::sync::Arc;

use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Config, Error, Identity, Material};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// How to speak TLS, and the name that the server's certificate must be for.
pub(super) fn settings(config: &Config) -> Result<(Arc<ClientConfig>, ServerName<'static>), Error> {
    let authority = "the API server's authority";
    let mut roots = RootCertStore::empty();
    if let Some(material) = &config.authority {
        for certificate in certificates(material, authority)? {
            roots.add(certificate).map_err(|error| unusable(authority, error))?;
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(authority, error))?
        .with_root_certificates(roots);
    let mut settings = match &config.identity {
        Identity::Certificate { certificate, key } => {
            let ours = "our own";
            let chain = certificates(certificate, ours)?;
            let key = PrivateKeyDer::from_pem_slice(&key.read()?).map_err(|error| unusable(ours, error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| unusable(ours, error))?
        }
        Identity::Anonymous | Identity::Token(_) => builder.with_no_client_auth(),
    };
    // One connection lives for hours: nothing is kept for the next one.
    settings.resumption = Resumption::disabled();
    let name = match &config.server_name {
        Some(name) => ServerName::try_from(name.clone()).map_err(|error| unusable(authority, error))?,
        None => config.address.into(),
    };
    Ok((Arc::new(settings), name))
}

fn certificates(material: &Material, what: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = material.read()?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(unusable(what, "there is no certificate in it")),
        Ok(all) => Ok(all),
        Err(error) => Err(unusable(what, error)),
    }
}

fn unusable(what: &'static str, why: impl Into<Cause>) -> Error {
    Error::Certificates { what, source: why.into() }
}
