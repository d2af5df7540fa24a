//! The HTTP client: whom it trusts, where it may be sent on to, and what its errors mean.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::{Cause, Error, Proxies};

/// Where distributions keep the certificates they trust, as PEM: Amazon Linux and Fedora, Debian and Ubuntu, SUSE.
pub const STORES: [&str; 3] =
    ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/ca-bundle.pem"];

/// S3 and CDNs need one or two.
const REDIRECTS: usize = 5;

/// A client that trusts what `store` holds. Where that is nothing, no TLS server is trusted: every supported system has a
/// store, and a list of our own would age with the binary.
pub(crate) fn client(store: Option<&[u8]>, proxies: &Proxies, connect: Duration) -> Result<Client, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Client(error.to_string());
    let mut roots = RootCertStore::empty();
    // One unusual certificate among the machine's 140 must not take the others away.
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(store.unwrap_or_default()).flatten());
    if roots.is_empty() {
        tracing::warn!("no trusted certificates in {}: no https server can be proved", STORES.join(", "));
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = Client::builder()
        .use_preconfigured_tls(tls)
        .redirect(redirects())
        .referer(false)
        .connect_timeout(connect)
        .user_agent(concat!("gpunode-agent/", env!("CARGO_PKG_VERSION")));
    proxies.apply(builder)?.build().map_err(|error| failed(&error))
}

fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let from_tls = attempt.previous().iter().any(|url| url.scheme() == "https");
        if from_tls && attempt.url().scheme() != "https" {
            return attempt.error("redirected from https to http");
        }
        if attempt.previous().len() > REDIRECTS {
            return attempt.error("redirected more than 5 times");
        }
        attempt.follow()
    })
}

/// The cause of an error before the answer's head was there.
pub(crate) fn before_head(error: &reqwest::Error) -> Cause {
    if let Some(certificate) = certificate(error) {
        return Cause::Certificate(certificate);
    }
    let text = innermost(error);
    if error.is_redirect() {
        Cause::Redirect(text)
    } else if error.is_connect() {
        Cause::Connect(text)
    } else {
        Cause::CutOff(text)
    }
}

/// The cause of an error inside the body.
pub(crate) fn in_body(error: &reqwest::Error) -> Cause {
    Cause::CutOff(innermost(error))
}

/// The cause of a status that brings no file.
pub(crate) fn of_status(status: StatusCode, headers: &header::HeaderMap) -> Cause {
    let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Cause::Status { status: status.as_u16(), retry_after: seconds.map(Duration::from_secs) }
}

/// The cause of all: reqwest's own words are "error sending request", and hold the URL, which may be a signed one.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = "broken".to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

/// rustls's word on the certificate, from wherever it is wrapped. What an `io::Error` holds is not its source, but is
/// passed over by it.
fn certificate(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    match error.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(why)) => return Some(why.to_string()),
        Some(_) => return None,
        None => {}
    }
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inside.and_then(|inside| certificate(inside)).or_else(|| certificate(error.source()?))
}
