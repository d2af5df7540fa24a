//! Before anything is given.

use std::collections::BTreeSet;

use super::super::live::Found;
use super::super::talk::asked_in_vain;
use super::super::{Stop, err};
use super::{AddArgs, names};
use crate::carry_out::patiently;
use crate::exit::Exit;
use crate::policies::minified;
use crate::s3::{Allowed, Grants, Held, MOST_CHARACTERS, fact, problems};

/// Asks S3 for each bucket, and tells everything that speaks against one.
pub(super) async fn checked(found: &Found, give: &Grants, args: &AddArgs) -> Result<(), Stop> {
    let owner = args.other_account.as_ref().unwrap_or(&found.cluster.account);
    let region = &found.loaded.settings.aws_region;
    let allowed = Allowed { other_region: args.other_region };
    let buckets: BTreeSet<&str> = give.iter().map(|grant| grant.bucket.as_str()).collect();
    let mut mistakes = Vec::new();
    for bucket in buckets {
        let fact = patiently(|| fact(&found.door, bucket, region, owner)).await;
        let fact = fact.map_err(|failure| asked_in_vain(&failure))?;
        mistakes.extend(problems(bucket, &fact, region, owner, allowed).iter().map(ToString::to_string));
    }
    names::told(&mistakes, Exit::Settings)
}

/// IAM would say it too, but after it was asked.
pub(super) fn fits(held: &Held, partition: &str) -> Result<(), Stop> {
    let document = held.document(partition).map_err(|error| {
        err(format_args!("installer: {error}"));
        Exit::Settings
    })?;
    let length = minified(&document).len();
    if length <= MOST_CHARACTERS {
        return Ok(());
    }
    let all = held.named.len() + held.added.len();
    let why = format!(
        "a policy for {all} buckets and prefixes has {length} characters, and IAM takes {MOST_CHARACTERS}: give fewer, or \
         whole buckets instead of their prefixes"
    );
    names::told(&[why], Exit::Settings)
}
