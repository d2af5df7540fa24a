//! Keys and certificates of one control plane.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::Error;
use super::error::at;
use crate::vm::Vm;

/// A certificate authority that signs for the API server and for proxies before it.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate for loopback with its key.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new() -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let mut params = named("gpunode-test-ca")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).map_err(|error| failed(&error))?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Its certificate.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// A new server certificate for every name of loopback, as a virtual machine knows it too, and of the service `kubernetes`.
    pub(super) fn server(&self) -> Result<Pair, Error> {
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let mut params = CertificateParams::new(
            [
                "127.0.0.1",
                "10.0.0.1",
                // Of this machine, as a virtual machine knows it.
                Vm::HOST,
                "localhost",
                "kubernetes",
                "kubernetes.default.svc",
            ]
            .map(String::from),
        )
        .map_err(|error| failed(&error))?;
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).map_err(|error| failed(&error))?.pem();
        Ok(Pair { certificate, key: key.serialize_pem() })
    }
}

/// The key that signs service-account tokens, written to the files `sa.key` and `sa.pub`.
pub(super) fn write_token_keys(folder: &Path) -> Result<(), Error> {
    let key = KeyPair::generate().map_err(|error| failed(&error))?;
    write(&folder.join("sa.key"), &key.serialize_pem())?;
    write(&folder.join("sa.pub"), &key.public_key_pem())
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(at(path))
}

fn named(name: &str) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new()).map_err(|error| failed(&error))?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn failed(error: &rcgen::Error) -> Error {
    Error::Certificates(error.to_string())
}
