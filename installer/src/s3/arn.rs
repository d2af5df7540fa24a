//! A bucket, or what is under a prefix of it, by its ARN.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::wrong_name;

/// Bytes of a prefix. An object's key has 1024 at most, and something has to come after the prefix.
const MOST_PREFIX: usize = 1000;
const EMPTY_NAME: &str = "has an empty name, . or .. in it, which no folder has";

/// What pods may read and write: a bucket, or the objects under a prefix of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The bucket's name.
    pub bucket: String,
    /// Empty, or as keys begin: it ends with `/`.
    pub prefix: String,
}

/// Several.
pub type Grants = BTreeSet<Grant>;

/// An ARN that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{arn:?}: {why}")]
pub struct ArnError {
    /// As it was written.
    pub arn: String,
    /// Why.
    pub why: Why,
}

/// Why an ARN is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No ARN of S3.
    #[error("not the ARN of a bucket, which is arn:{0}:s3:::BUCKET or arn:{0}:s3:::BUCKET/PREFIX")]
    Form(String),
    /// Of another partition than the cluster's region.
    #[error("of the partition {found:?}; the cluster is in {expected}")]
    Partition {
        /// What it says.
        found: String,
        /// The region's.
        expected: String,
    },
    /// S3 Express One Zone.
    #[error(
        "a directory bucket (S3 Express One Zone): that needs s3express:CreateSession, which the driver's role does not get"
    )]
    Directory,
    /// An access point of any kind.
    #[error("an access point: name the bucket behind it")]
    AccessPoint,
    /// Something else that has an ARN.
    #[error("of the service {0:?}; only buckets of s3 can be given")]
    Service(String),
    /// A bucket's name is unique in its partition.
    #[error("the ARN of a bucket has neither region nor account: arn:{0}:s3:::BUCKET")]
    Place(String),
    /// `*` or `?`.
    #[error("no wildcards: a bucket stands for all its objects, a prefix for all under it")]
    Wildcard,
    /// The bucket's name.
    #[error("{0}")]
    Name(&'static str),
    /// The prefix.
    #[error("the prefix {0}")]
    Prefix(&'static str),
}

impl Grant {
    /// Reads an ARN of `partition`. A prefix is a folder's name: `models` is `models/`, and `models-old/` is not under it.
    pub fn parse(arn: &str, partition: &str) -> Result<Self, ArnError> {
        parsed(arn, partition).map_err(|why| ArnError { arn: arn.to_owned(), why })
    }

    /// As it is read again.
    pub fn arn(&self, partition: &str) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("arn:{partition}:s3:::{}{slash}{}", self.bucket, self.prefix)
    }

    /// Whether `other` is in it, or is the same.
    pub fn covers(&self, other: &Self) -> bool {
        self.bucket == other.bucket && other.prefix.starts_with(&self.prefix)
    }
}

fn parsed(arn: &str, partition: &str) -> Result<Grant, Why> {
    let form = || Why::Form(partition.to_owned());
    let words: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", theirs, service, region, account, resource] = words.as_slice() else { return Err(form()) };
    match service {
        "s3" => {}
        "s3express" => return Err(Why::Directory),
        "s3-object-lambda" => return Err(Why::AccessPoint),
        other => return Err(Why::Service(other.to_owned())),
    }
    if !region.is_empty() || !account.is_empty() {
        let point = resource.starts_with("accesspoint");
        return Err(if point { Why::AccessPoint } else { Why::Place(partition.to_owned()) });
    }
    if theirs != partition {
        return Err(Why::Partition { found: theirs.to_owned(), expected: partition.to_owned() });
    }
    if resource.is_empty() {
        return Err(form());
    }
    if resource.contains(['*', '?']) {
        return Err(Why::Wildcard);
    }
    let (bucket, prefix) = resource.split_once('/').unwrap_or((resource, ""));
    if let Some(why) = wrong_name(bucket) {
        return Err(Why::Name(why));
    }
    if prefix.starts_with('/') {
        return Err(Why::Prefix(EMPTY_NAME));
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if let Some(why) = wrong_prefix(prefix) {
        return Err(Why::Prefix(why));
    }
    let slash = if prefix.is_empty() { "" } else { "/" };
    Ok(Grant { bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}") })
}

/// `prefix` is without the `/` at its end. `$` is left out as `${` is a variable in a policy; letters beyond ASCII, as a
/// policy has Latin-1 only.
fn wrong_prefix(prefix: &str) -> Option<&'static str> {
    if prefix.is_empty() {
        return None;
    }
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.'()&@:,=+;/".contains(&byte);
    if prefix.len() >= MOST_PREFIX {
        Some("is too long: an object's key has 1024 bytes")
    } else if !prefix.bytes().all(safe) {
        Some("has other characters than letters, digits, / and !-_.'()&@:,=+;")
    } else if prefix.split('/').any(|word| ["", ".", ".."].contains(&word)) {
        Some(EMPTY_NAME)
    } else {
        None
    }
}

/// Entry for fuzzers: what is taken is written as it is read, and a policy of it is read again.
///
/// # Panics
/// When that is not so.
#[allow(clippy::panic, clippy::expect_used, reason = "a fuzzer looks for panics")]
pub fn fuzz(text: &str) {
    let grants: Grants = text.lines().filter_map(|line| Grant::parse(line, "aws").ok()).collect();
    for grant in &grants {
        assert_eq!(Grant::parse(&grant.arn("aws"), "aws").as_ref(), Ok(grant));
    }
    let held =
        super::Held { named: grants.iter().map(|grant| grant.bucket.clone()).collect(), added: grants };
    let document = held.document("aws").expect("a policy");
    assert_eq!(super::Held::read(&document, "aws"), Some(held));
    if let Ok(document) = serde_json::from_str(text) {
        super::Held::read(&document, "aws");
    }
}
