//! The proxy variables, as the caller's environment has them.

use reqwest::{ClientBuilder, NoProxy, Proxy};

use crate::Error;
use crate::source::hidden;

/// Which proxies are used for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    except: Option<String>,
}

impl Proxies {
    /// From the variables that curl reads: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, the small letters
    /// first. Others are passed over.
    pub fn from_environment<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let known: Vec<_> = variables.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        let value = |name: &str| {
            let small = name.to_ascii_lowercase();
            let find = |name: &str| known.iter().find(|(known, _)| *known == name);
            find(&small).or_else(|| find(name)).map(|(_, value)| value.trim().to_owned())
        };
        let all = value("ALL_PROXY");
        Self {
            http: value("HTTP_PROXY").or(all.clone()),
            https: value("HTTPS_PROXY").or(all),
            except: value("NO_PROXY"),
        }
    }

    /// Only these are used: reqwest would read the process's environment otherwise.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        let except = || self.except.as_deref().and_then(NoProxy::from_string);
        let mut builder = builder.no_proxy();
        for (proxy, tls) in [(&self.https, true), (&self.http, false)] {
            let Some(url) = proxy else { continue };
            // curl takes a bare `host:port` too.
            let full = if url.contains("://") { url.clone() } else { format!("http://{url}") };
            let known = full.starts_with("http://") || full.starts_with("https://");
            let proxy = if tls { Proxy::https(&full) } else { Proxy::http(&full) };
            let proxy = proxy.ok().filter(|_| known).ok_or_else(|| Error::Proxy { url: hidden(&full) })?;
            builder = builder.proxy(proxy.no_proxy(except()));
        }
        Ok(builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_that_curl_reads() {
        let proxies = Proxies::from_environment([
            ("HTTPS_PROXY", "http://big:1"),
            ("https_proxy", "small:2"),
            ("ALL_PROXY", "http://all:3"),
            ("HTTP_PROXY", " "),
            ("NO_PROXY", "169.254.169.254,.internal"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(proxies.https.as_deref(), Some("small:2"));
        assert_eq!(proxies.http.as_deref(), Some("http://all:3"));
        assert_eq!(proxies.except.as_deref(), Some("169.254.169.254,.internal"));
        assert!(proxies.apply(reqwest::Client::builder()).is_ok());
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        let proxies = Proxies::from_environment([("ALL_PROXY", "socks5://me:secret@proxy:1080")]);
        let error = proxies.apply(reqwest::Client::builder()).unwrap_err().to_string();
        assert!(error.contains("socks5://proxy:1080") && !error.contains("secret"), "{error}");
    }
}
