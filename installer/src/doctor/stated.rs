//! Everything that `apply` would make, by the same looks as `status` and `verify`.

use std::collections::BTreeMap;

use super::Finding;
use crate::desired::{Change, Graph, Plan, Seen};
use crate::things::{Look, word};

/// A finding for each thing of `graph` that was looked at and is not as it must be, and one for all that are. `what` are
/// they all, and the command that makes them.
pub fn stated(
    what: (&str, &str),
    graph: &Graph,
    looks: &BTreeMap<String, Result<Look, String>>,
    owner: &str,
) -> Vec<Finding> {
    let known = |look: &Result<Look, String>| look.as_ref().ok().map(|look| look.seen.clone());
    let seen: BTreeMap<String, Seen> =
        looks.iter().filter_map(|(id, look)| Some((id.clone(), known(look)?))).collect();
    let (mut findings, mut fine, mut all) = (Vec::new(), 0, 0);
    for row in Plan::new(graph, &seen, owner).rows {
        let Some(look) = looks.get(&row.id) else { continue };
        let look = match look {
            Ok(look) => look,
            // Helm's absence is told by itself.
            Err(why) => {
                findings.push(Finding::unknown(&row.id, why));
                continue;
            }
        };
        if !row.wanted && row.change == Change::Nothing {
            continue;
        }
        all += 1;
        let note = look.note.clone().unwrap_or_default();
        let word = word(&row.change, Some(look));
        match word {
            "ok" => fine += 1,
            // What EKS says of an add-on is told with all other add-ons.
            "sick" if row.kind == "EKS add-on" => {}
            _ => findings.push(told((&row.id, what.1), word, &row.change, &note)),
        }
    }
    if all > 0 {
        findings.push(Finding::ok(what.0, format_args!("{fine} of {all} as they must be")));
    }
    findings
}

fn told((id, command): (&str, &str), word: &str, change: &Change, note: &str) -> Finding {
    let with = |what: &str| if note.is_empty() { what.to_owned() } else { format!("{what}: {note}") };
    match change {
        Change::Create => Finding::error(id, "is not there", command),
        Change::Update { differences } => {
            let paths: Vec<_> = differences.iter().map(|found| found.path.as_str()).collect();
            let what = format!("is not as it must be: {}", paths.join(", "));
            Finding::error(id, what, &format!("{command} shows it, asks, and repairs it"))
        }
        Change::Delete => Finding::warning(
            id,
            with("is there and not asked for any more"),
            &format!("{command} removes it"),
        ),
        Change::Refuse { reason } => Finding::error(
            id,
            with(reason),
            "whoever made it keeps it: remove it there, or do without ours; nothing here changes it",
        ),
        Change::Nothing if word == "changing" => {
            Finding::warning(id, with("is becoming so"), "wait: installer verify --wait 20")
        }
        Change::Nothing => Finding::error(id, with("does not work"), look_at(id)),
    }
}

/// Where to look on, for what is there and does not run.
fn look_at(id: &str) -> &'static str {
    match id.split('/').nth(usize::from(id.starts_with("kubernetes/"))).unwrap_or_default() {
        "Deployment" | "DaemonSet" | "helm" => {
            "see its pods and their events: kubectl -n kube-system get pods, kubectl -n kube-system describe pod"
        }
        "NodePool" | "EC2NodeClass" => {
            "see its conditions, kubectl describe, and Karpenter's log, kubectl -n kube-system logs deployment/karpenter"
        }
        "APIService" => {
            "see whether Metrics Server's pods run and the cluster can reach port 10250 of its nodes"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::super::Level;
    use super::*;
    use crate::desired::Resource;

    #[test]
    fn each_thing_is_told_once_and_what_could_not_be_asked_is_not_missing() {
        let resource = |id: &str| Resource {
            id: id.to_owned(),
            kind: "thing",
            wanted: true,
            needs: BTreeSet::new(),
            replaces: BTreeSet::new(),
            desired: json!({ "a": 1 }),
            fixed: BTreeSet::new(),
        };
        let ids = ["a/well", "b/gone", "c/differs", "d/theirs", "e/asleep", "kubernetes/Deployment/x"];
        let graph = Graph::new(ids.map(resource)).unwrap();
        let look = |owner: &str, value: Value| {
            Ok(Look::from(Seen::Present { owner: Some(owner.to_owned()), value }))
        };
        let sick = look("us", json!({ "a": 1 })).map(|look| Look { sick: true, ..look });
        let looks = [
            look("us", json!({ "a": 1 })),
            Ok(Look::from(Seen::Absent)),
            look("us", json!({ "a": 2 })),
            look("them", json!({ "a": 1 })),
            Err("no answer within 20 s".to_owned()),
            sick,
        ];
        let looks = ids.map(str::to_owned).into_iter().zip(looks).collect();
        let found = stated(("what apply makes", "installer apply"), &graph, &looks, "us");
        let levels: Vec<_> = found.iter().map(|finding| (finding.level, finding.subject.as_str())).collect();
        assert_eq!(
            levels,
            [
                (Level::Error, "b/gone"),
                (Level::Error, "c/differs"),
                (Level::Error, "d/theirs"),
                (Level::Unknown, "e/asleep"),
                (Level::Error, "kubernetes/Deployment/x"),
                (Level::Ok, "what apply makes"),
            ]
        );
        assert_eq!(found[5].what, "1 of 5 as they must be");
        assert!(found[4].advice.as_ref().is_some_and(|advice| advice.contains("describe pod")));
    }
}
