//! Who is trusted, and proxies.

use gpunode_fault_server::{Identity, Proxy, Reply, Server};
use gpunode_fetch::{Cause, Proxies};

use crate::{Bed, cause, content, is_good, one};

fn bed(identity: &Identity) -> Bed {
    let mut bed = Bed::new();
    bed.settings.store = Some(identity.authority.clone().into_bytes());
    bed
}

fn server(identity: &Identity, file: &[u8]) -> Server {
    let body = file.to_vec();
    Server::https(identity, move |seen| Reply::file(seen, &body, "\"v1\""))
}

#[test]
fn the_machines_own_store_is_trusted() {
    let (identity, file) = (Identity::good(), content(100_000));
    let bed = bed(&identity);
    is_good(&bed, &bed.fetch(&one(&server(&identity, &file), &file)).unwrap(), &file);
}

#[test]
fn a_server_that_is_not_who_it_should_be_gets_no_request() {
    let (good, file) = (Identity::good(), content(10));
    for (name, served, trusted) in [
        ("another host", Identity::of_another_host(), None),
        ("expired", Identity::expired(), None),
        ("unknown authority", Identity::good(), Some(&good)),
    ] {
        let server = server(&served, &file);
        let bed = bed(trusted.unwrap_or(&served));
        let (text, cause) = cause(bed.fetch(&one(&server, &file)).unwrap_err());
        assert!(matches!(cause, Cause::Certificate(_)), "{name}: {text}");
        assert!(server.seen().is_empty(), "{name}");
    }
    // Nobody is trusted where there is no store.
    let served = server(&good, &file);
    let (text, cause) = cause(Bed::new().fetch(&one(&served, &file)).unwrap_err());
    assert!(matches!(cause, Cause::Certificate(_)), "{text}");
}

#[test]
fn from_https_nobody_is_sent_on_to_http() {
    let (identity, file) = (Identity::good(), content(10));
    let body = file.clone();
    let plain = Server::http(move |seen| Reply::file(seen, &body, "\"v1\""));
    let target = plain.url("/x");
    let server = Server::https(&identity, move |_| Reply::status(302).with(("Location", target.clone())));
    let (text, cause) = cause(bed(&identity).fetch(&one(&server, &file)).unwrap_err());
    assert!(matches!(cause, Cause::Redirect(_)) && text.contains("https to http"), "{text}");
    assert!(plain.seen().is_empty());
}

#[test]
fn the_proxy_variables_decide_the_way() {
    let (identity, file) = (Identity::good(), content(100_000));
    let server = server(&identity, &file);
    let (lets, refuses) = (Proxy::start(false), Proxy::start(true));
    let through = |proxy: &Proxy, except: &str| {
        let mut bed = bed(&identity);
        bed.settings.tries = 1;
        bed.settings.proxies =
            Proxies::from_environment([("HTTPS_PROXY", proxy.url().as_str()), ("NO_PROXY", except)]);
        bed
    };
    let with = through(&lets, "example.org");
    is_good(&with, &with.fetch(&one(&server, &file)).unwrap(), &file);
    let host = server.url("").replace("https://", "");
    assert_eq!(lets.asked(), [format!("CONNECT {host}")]);
    let (text, cause) = cause(through(&refuses, "").fetch(&one(&server, &file)).unwrap_err());
    assert!(matches!(cause, Cause::Connect(_)), "{text}");
    let past = through(&refuses, "localhost");
    is_good(&past, &past.fetch(&one(&server, &file)).unwrap(), &file);
    assert_eq!(refuses.asked().len(), 1);
}
