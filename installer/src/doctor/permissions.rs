//! Whether the caller may do with AWS what the settings will need, as IAM itself foretells it.

mod question;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream;

use super::Finding;
use crate::aws::{Caller, Door, Failure, Meaning, failed};
use crate::policies::{CALLER, caller};
use crate::settings::Settings;
use question::{Question, questions};

const SUBJECT: &str = "IAM rights";
/// Questions that are out at the same time: IAM throttles simulations early.
const AT_ONCE: usize = 4;
const ADVICE: &str = "have somebody attach what `installer render policies` writes as installer-*.json";

/// What the caller may not do, by service, and what could not be told.
pub async fn permissions(door: &Door, settings: &Settings, who: &Caller) -> Vec<Finding> {
    let settings = Settings { aws_account_id: Some(who.account.clone()), ..settings.clone() };
    let mut asked = Vec::new();
    for name in CALLER {
        match caller(name, &settings) {
            Ok(policy) => asked.extend(questions(&policy)),
            Err(error) => return vec![Finding::error(SUBJECT, error, "correct the setting")],
        }
    }
    match principal(door, who).await {
        Principal::Root => {
            vec![Finding::ok(SUBJECT, "everything: these are the credentials of the account's root user")]
        }
        Principal::Unknown(why) => vec![unknown(&asked, why)],
        Principal::Is(arn) => ask_all(door, &arn, asked).await,
    }
}

/// What IAM can be asked about.
enum Principal {
    Root,
    Is(String),
    Unknown(String),
}

/// The user or role of a caller. A session says its role's name, and not its path.
async fn principal(door: &Door, who: &Caller) -> Principal {
    let mut parts = who.arn.splitn(6, ':').skip(1);
    let (partition, service) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let rest = parts.nth(2).unwrap_or_default();
    match (service, rest.split('/').collect::<Vec<_>>().as_slice()) {
        ("iam", ["root"]) => Principal::Root,
        ("iam", ["user", ..]) => Principal::Is(who.arn.clone()),
        ("sts", ["assumed-role", name, _]) => {
            let found = door.iam.get_role().role_name(*name).send().await.map_err(failed("iam:GetRole"));
            let arn = found.ok().and_then(|found| found.role).map(|role| role.arn);
            // Most roles have no path.
            Principal::Is(arn.unwrap_or_else(|| format!("arn:{partition}:iam::{}:role/{name}", who.account)))
        }
        _ => Principal::Unknown(format!("IAM knows no rights of {}", who.arn)),
    }
}

/// What IAM foretells of one action.
enum Told {
    Allowed,
    Denied,
    /// It depends on what only the call itself has.
    Depends(Vec<String>),
}

async fn ask_all(door: &Door, arn: &str, asked: Vec<Question>) -> Vec<Finding> {
    let answers = asked.iter().map(|question| async move { (question, ask(door, arn, question).await) });
    let mut answers = stream::iter(answers).buffer_unordered(AT_ONCE);
    let (mut denied, mut depends, mut allowed) = (Sets::new(), Sets::new(), Sets::new());
    while let Some((question, answer)) = answers.next().await {
        match answer {
            Ok(told) => {
                for (action, told) in told {
                    let (set, what) = match told {
                        Told::Allowed => (&mut allowed, String::new()),
                        Told::Denied => (&mut denied, on(question)),
                        Told::Depends(keys) => (&mut depends, format!(" ({})", keys.join(", "))),
                    };
                    let (service, operation) = action.split_once(':').unwrap_or_default();
                    set.entry(service.to_owned()).or_default().insert(format!("{operation}{what}"));
                }
            }
            // One refusal is all.
            Err(failure) => return vec![unknown(&asked, failure)],
        }
    }
    tell(&denied, &depends, &allowed)
}

/// What is said of operations, by service.
type Sets = BTreeMap<String, BTreeSet<String>>;

fn on(question: &Question) -> String {
    question.resource.as_ref().map_or(String::new(), |resource| format!(" on {resource}"))
}

async fn ask(door: &Door, arn: &str, question: &Question) -> Result<Vec<(String, Told)>, Failure> {
    let request = door.iam.simulate_principal_policy().policy_source_arn(arn);
    let request = request.set_action_names(Some(question.actions.clone()));
    let request = request.set_resource_arns(question.resource.clone().map(|resource| vec![resource]));
    let request = request.set_context_entries(Some(question.context()));
    let mut pages = request.into_paginator().items().send();
    let mut told = Vec::new();
    while let Some(result) = pages.next().await {
        let result = result.map_err(failed("iam:SimulatePrincipalPolicy"))?;
        let missing = result.missing_context_values().to_vec();
        let answer = match result.eval_decision().as_str() {
            "allowed" => Told::Allowed,
            "implicitDeny" if !missing.is_empty() => Told::Depends(missing),
            _ => Told::Denied,
        };
        told.push((result.eval_action_name().to_owned(), answer));
    }
    let lacks = question.actions.iter().find(|action| !told.iter().any(|(name, _)| name == *action));
    match lacks {
        None => Ok(told),
        Some(action) => Err(Failure {
            call: "iam:SimulatePrincipalPolicy",
            meaning: Meaning::Never,
            what: format!("the answer says nothing of {action}"),
        }),
    }
}

/// Says what these settings use, too, so that somebody can give it.
fn unknown(asked: &[Question], why: impl std::fmt::Display) -> Finding {
    let all: BTreeSet<&str> =
        asked.iter().flat_map(|question| &question.actions).map(String::as_str).collect();
    let all: Vec<_> = all.into_iter().collect();
    Finding::unknown(SUBJECT, format_args!("{why}; these settings use {}", all.join(", ")))
}

fn tell(denied: &Sets, depends: &Sets, allowed: &Sets) -> Vec<Finding> {
    let words = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    let mut findings = Vec::new();
    for (service, set) in denied {
        let what = format!("may not {}", words(set));
        findings.push(Finding::error(format_args!("{SUBJECT}: {service}"), what, ADVICE));
    }
    for (service, set) in depends {
        findings.push(Finding::unknown(format_args!("{SUBJECT}: {service}"), words(set)));
    }
    for (service, set) in allowed {
        findings.push(Finding::ok(format_args!("{SUBJECT}: {service}"), words(set)));
    }
    findings
}
