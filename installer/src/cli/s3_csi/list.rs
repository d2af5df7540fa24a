//! `installer s3-csi list`.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::live::{Found, LiveArgs};
use super::super::talk::asked_in_vain;
use super::super::{Stop, out};
use crate::aws::Recorder;
use crate::carry_out::patiently;
use crate::exit::Exit;
use crate::s3::{Fact, Grant, State, fact};
use crate::things::S3Held;

/// One bucket or prefix, and what S3 says of the bucket to these credentials.
struct Line {
    grant: Grant,
    /// Whether the settings gave it.
    named: bool,
    fact: Fact,
}

pub(super) async fn show(args: &LiveArgs) -> Result<(), Stop> {
    let mut found = Found::find(args, Recorder::looking()).await?;
    let there = found.s3_held().await?;
    let changed = matches!(there, S3Held::Changed(_));
    let held = there.held();
    let named = held.named.into_iter().map(|bucket| (Grant { bucket, prefix: String::new() }, true));
    let (mut lines, mut facts) = (Vec::new(), BTreeMap::new());
    for (grant, named) in named.chain(held.added.into_iter().map(|grant| (grant, false))) {
        // A bucket of several prefixes is asked for once.
        if !facts.contains_key(&grant.bucket) {
            let (region, account) = (&found.loaded.settings.aws_region, &found.cluster.account);
            let fact = patiently(|| fact(&found.door, &grant.bucket, region, account)).await;
            facts.insert(grant.bucket.clone(), fact.map_err(|failure| asked_in_vain(&failure))?);
        }
        let Some(fact) = facts.get(&grant.bucket).cloned() else { continue };
        lines.push(Line { grant, named, fact });
    }
    if args.json {
        out(document(&found, &lines, changed));
    } else {
        table(&found, &lines, changed);
    }
    let missing = lines.iter().any(|line| line.fact.state == State::Missing);
    if missing || changed { Err(Exit::Differs) } else { Ok(()) }
}

fn document(found: &Found, lines: &[Line], changed: bool) -> serde_json::Value {
    let settings = &found.loaded.settings;
    let one = |line: &Line| {
        json!({
            "arn": line.grant.arn(settings.partition()),
            "bucket": line.grant.bucket,
            "prefix": line.grant.prefix,
            "by": by(line),
            "region": line.fact.region,
            // Somebody who may not look does not know.
            "exists": line.fact.state != State::Missing,
            "state": line.fact.state,
        })
    };
    let (reads, writes) = found.door.recorder().calls();
    json!({
        "apiVersion": "gpunode.io/installer-s3-csi/v1",
        "cluster": settings.cluster_name,
        "region": settings.aws_region,
        "account": found.cluster.account,
        "calls": { "reading": reads, "mutating": writes },
        "policyChanged": changed,
        "buckets": lines.iter().map(one).collect::<Vec<_>>(),
    })
}

fn by(line: &Line) -> &'static str {
    if line.named { "settings" } else { "s3-csi add" }
}

fn table(found: &Found, lines: &[Line], changed: bool) {
    let partition = found.loaded.settings.partition();
    if changed {
        out(
            "somebody changed the policy: it gives something else than this, which `apply` makes it give again",
        );
    }
    if lines.is_empty() {
        out("pods may use no bucket");
        return;
    }
    let arns: Vec<_> = lines.iter().map(|line| line.grant.arn(partition)).collect();
    let width = arns.iter().map(String::len).max().unwrap_or_default().max(3);
    out(format_args!("{:<width$} {:<15} {:<10} TO THESE CREDENTIALS", "ARN", "REGION", "BY"));
    for (line, arn) in lines.iter().zip(arns) {
        let region = line.fact.region.as_deref().unwrap_or("-");
        let state = match line.fact.state {
            State::Reachable => "reachable",
            State::OtherAccount => "reachable, of another account",
            State::Denied => "denied: there, and not to be listed",
            State::Missing => "missing",
        };
        out(format_args!("{arn:<width$} {region:<15} {:<10} {state}", by(line)));
    }
}
