//! Whom a server claims to be, and who vouches for it.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate, its key, and the authority that signed it.
#[derive(Debug)]
pub struct Identity {
    config: Arc<ServerConfig>,
    /// The authority's certificate as PEM, as a machine's store holds it.
    pub authority: String,
}

impl Identity {
    /// Good for `localhost`.
    pub fn good() -> Self {
        Self::new("localhost", 2100)
    }

    /// Good for another host.
    pub fn of_another_host() -> Self {
        Self::new("example.org", 2100)
    }

    /// For `localhost`, until some years ago.
    pub fn expired() -> Self {
        Self::new("localhost", 2020)
    }

    fn new(host: &str, until: i32) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Another than the default that the server's has: OpenSSL takes one that names itself as its issuer for self-signed.
        params.distinguished_name.push(DnType::CommonName, "authority of the test bed");
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .unwrap();
        Self { config: Arc::new(config), authority }
    }

    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}
