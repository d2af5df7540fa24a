//! Whether a bucket is there, in the cluster's region, and of the account that it is said to be.

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::aws::{Door, Failure, Head, Meaning};

/// What S3 says of a bucket to these credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// The region that it is in, where S3 says.
    pub region: Option<String>,
    /// What it is.
    pub state: State,
}

/// What a bucket is to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// There, can be listed, and of the account.
    Reachable,
    /// There, can be listed, and of another account.
    OtherAccount,
    /// There, and these credentials may not list it: nobody knows whose it is.
    Denied,
    /// Nowhere in the partition.
    Missing,
}

/// What may be otherwise than one thinks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// It may be in another region than the cluster.
    pub other_region: bool,
}

/// Why a bucket is not given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not there.
    #[error("there is no bucket {0}")]
    Missing(String),
    /// Nobody knows whose it is.
    #[error(
        "S3 does not let these credentials look at the bucket {bucket}: it is not account {owner}'s, or s3:ListBucket is not \
         allowed; --unchecked gives it all the same"
    )]
    Denied {
        /// The bucket.
        bucket: String,
        /// Whose it must be.
        owner: String,
    },
    /// It is somebody else's.
    #[error("the bucket {bucket} is not account {owner}'s; --other-account says whose it is")]
    OtherAccount {
        /// The bucket.
        bucket: String,
        /// Whose it must be.
        owner: String,
    },
    /// Every byte would go from one region to another.
    #[error(
        "the bucket {bucket} is in {found}, the cluster in {region}; --other-region says that this is meant"
    )]
    OtherRegion {
        /// The bucket.
        bucket: String,
        /// Its region.
        found: String,
        /// The cluster's.
        region: String,
    },
}

/// Asks S3 for `bucket`, first in `region`, and whether it is `owner`'s.
pub async fn fact(door: &Door, bucket: &str, region: &str, owner: &str) -> Result<Fact, Failure> {
    let mut region = region.to_owned();
    let mut head = door.s3.head(bucket, &region, Some(owner)).await?;
    // What S3 says in the wrong region is where it is.
    if let Some(home) = elsewhere(&head, &region) {
        head = door.s3.head(bucket, &home, Some(owner)).await?;
        region = home;
    }
    let state = match head.status {
        200 => State::Reachable,
        404 => State::Missing,
        // Not this account's, or not to be looked at at all.
        403 => match door.s3.head(bucket, &region, None).await?.status {
            200 => State::OtherAccount,
            404 => State::Missing,
            _ => State::Denied,
        },
        status => {
            let what = format!("status {status} for the bucket {bucket} in {region}");
            return Err(Failure { call: "s3:HeadBucket", meaning: Meaning::Never, what });
        }
    };
    let known = (state != State::Missing).then_some(head.region).flatten();
    Ok(Fact { region: known, state })
}

/// The region that S3 sends us to. A refusal in the wrong region says nothing of the right one.
fn elsewhere(head: &Head, asked: &str) -> Option<String> {
    let sent = [301, 307, 400, 403].contains(&head.status);
    head.region.clone().filter(|home| sent && home != asked)
}

/// Everything that speaks against giving `bucket` to pods of a cluster in `region`.
pub fn problems(bucket: &str, fact: &Fact, region: &str, owner: &str, allowed: Allowed) -> Vec<Problem> {
    let (bucket, owner) = (bucket.to_owned(), owner.to_owned());
    let other = fact.region.clone().filter(|found| found != region && !allowed.other_region);
    let whose = match fact.state {
        State::Missing => return vec![Problem::Missing(bucket)],
        State::Reachable => None,
        State::OtherAccount => Some(Problem::OtherAccount { bucket: bucket.clone(), owner }),
        State::Denied => Some(Problem::Denied { bucket: bucket.clone(), owner }),
    };
    let place = other.map(|found| Problem::OtherRegion { bucket, found, region: region.to_owned() });
    whose.into_iter().chain(place).collect()
}
