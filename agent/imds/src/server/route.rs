//! The rules of IMDS version 2: which request gets what.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::reply::Reply;
use super::request::Request;
use super::{Shared, files};
use crate::settings::MAX_TOKEN_TTL;

const TOKEN_PATH: &str = "/latest/api/token";

pub(super) fn answer(shared: &Shared, request: &Request) -> Reply {
    match request.method.as_str() {
        "PUT" if request.path == TOKEN_PATH => issue(shared, request),
        "GET" => match request.path.strip_prefix("/files/") {
            Some(path) => files::open(shared.content.files.as_deref(), path),
            None => read(shared, request),
        },
        _ => Reply::error(405, "GET, or PUT /latest/api/token"),
    }
}

fn issue(shared: &Shared, request: &Request) -> Reply {
    if request.forwarded {
        return Reply::error(403, "X-Forwarded-For: a proxy gets no token");
    }
    let asked = request.ttl.as_deref().and_then(|ttl| ttl.parse().ok());
    let Some(ttl) = asked.filter(|ttl| (1..=MAX_TOKEN_TTL).contains(ttl)) else {
        return Reply::error(400, "X-aws-ec2-metadata-token-ttl-seconds must be 1 to 21600");
    };
    let mut tokens = shared.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    let token = tokens.issue(Duration::from_secs(ttl), Instant::now());
    Reply { ttl: Some(ttl), ..Reply::ok(token.into_bytes()) }
}

fn read(shared: &Shared, request: &Request) -> Reply {
    let tokens = shared.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    if !request.token.as_deref().is_some_and(|token| tokens.accepts(token, Instant::now())) {
        return Reply::error(401, "X-aws-ec2-metadata-token is missing, unknown or expired");
    }
    match below_version(&request.path).and_then(|path| lookup(&shared.content.tree, path)) {
        Some(bytes) => Reply::ok(bytes),
        None => Reply::error(404, "no such path"),
    }
}

/// The path below the version: `latest`, or a date (2021-03-23), which EC2 serves alike and cloud-init asks for.
fn below_version(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let (version, rest) = path.split_once('/').unwrap_or((path, ""));
    let shape: String = version.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    (version == "latest" || shape == "0000-00-00").then_some(rest)
}

/// The bytes of a leaf, or the names below a folder, one a line, folders among them with a trailing slash.
fn lookup(tree: &BTreeMap<String, Vec<u8>>, path: &str) -> Option<Vec<u8>> {
    if let Some(bytes) = tree.get(path) {
        return Some(bytes.clone());
    }
    let folder = match path.strip_suffix('/') {
        _ if path.is_empty() => String::new(),
        Some(stem) => format!("{stem}/"),
        None => format!("{path}/"),
    };
    let mut names: Vec<&str> = Vec::new();
    for (key, _) in tree.range(folder.clone()..).take_while(|(key, _)| key.starts_with(&folder)) {
        let rest = &key[folder.len()..];
        let name = rest.split_inclusive('/').next().unwrap_or(rest);
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join("\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Option<String> {
        let tree = [
            ("user-data", "u"),
            ("meta-data/ami-id", "ami-1"),
            ("meta-data/a/b", "1"),
            ("meta-data/a/c/d", "2"),
            ("meta-data/a-b", "3"),
        ];
        let tree = tree.into_iter().map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
        lookup(&tree, path).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn versions_are_latest_or_dates() {
        assert_eq!(below_version("/latest/meta-data/"), Some("meta-data/"));
        assert_eq!(below_version("/2021-03-23/user-data"), Some("user-data"));
        assert_eq!(below_version("/latest"), Some(""));
        for other in ["", "/", "/latest2/a", "/2021-3-23/a", "latest/a"] {
            assert_eq!(below_version(other), None, "{other}");
        }
    }

    #[test]
    fn lists_folders_and_reads_leaves() {
        assert_eq!(at("").unwrap(), "meta-data/\nuser-data");
        assert_eq!(at("meta-data/").unwrap(), "a-b\na/\nami-id");
        assert_eq!(at("meta-data").unwrap(), "a-b\na/\nami-id");
        assert_eq!(at("meta-data/a/").unwrap(), "b\nc/");
        assert_eq!(at("meta-data/ami-id").unwrap(), "ami-1");
        for unknown in ["meta-data/am", "meta-data/ami-id/", "meta-data/ami-id/x", "meta-data//", "/", "meta"]
        {
            assert_eq!(at(unknown), None, "{unknown}");
        }
    }
}
