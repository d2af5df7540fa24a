//! A metadata service of a p5.4xlarge that is healthy but where a test wants it otherwise.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test takes what it needs")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gpunode_imds::server;
use gpunode_tests::agent::{Run, bootstrap, finish};
use gpunode_tests::instance;

#[path = "../../../agent/imds/tests/fake/mod.rs"]
pub mod fake;
use fake::{Act, Fake, Seen, next_token, ok, status};

pub const KIND: &str = "p5.4xlarge";

/// Enough for one failed try and one more; the service on the other side is on this machine.
pub const SHORT: [&str; 2] = ["--set", "imds.deadlineSeconds=2"];

pub fn boot(dir: &Path, endpoint: &str) -> Run {
    finish(&mut bootstrap(dir, endpoint, &SHORT))
}

/// A healthy service with this user data, on which `odd` may decide otherwise.
pub fn service(user_data: Option<&[u8]>, odd: impl Fn(&Seen) -> Option<Act> + Send + Sync + 'static) -> Fake {
    let tree = server::tree(&instance::p5_4xlarge(), user_data);
    Fake::start(move |seen| {
        odd(seen).unwrap_or_else(|| match (seen.method.as_str(), tree.get(&seen.path)) {
            ("PUT", _) => next_token(seen),
            (_, Some(body)) => Act::Answer(200, body.clone()),
            (_, None) => folder(&tree, &seen.path).map_or_else(|| status(404), |names| ok(&names)),
        })
    })
}

/// The names in a folder of the service, those of folders with a slash at their end; `None` where there is none.
pub fn folder(tree: &BTreeMap<String, Vec<u8>>, path: &str) -> Option<String> {
    let path = format!("{}/", path.trim_end_matches('/'));
    let below = tree.keys().filter_map(|key| key.strip_prefix(&path));
    let names: BTreeSet<_> = below.map(|rest| rest.split_inclusive('/').next().unwrap_or_default()).collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join("\n"))
}
