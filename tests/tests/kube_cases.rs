//! Every story of `cases/health` on a node of a real cluster: the release daemonset says of it what the catalogue of rules
//! wants, in conditions, labels, events and metrics, and takes it back when it is over.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use std::time::{Duration, Instant};

use gpunode_tests::binary;
use gpunode_tests::health::{Case, Live, Step, shorten};
use gpunode_tests::kube::daemonset::{Node, end};
use gpunode_tests::kube::expected::{Expected, Told};
use gpunode_tests::kube::{Cluster, Sight};
use gpunode_tests::looked::Machine;

/// What cannot be played so, and where it is.
const ELSEWHERE: [(&str, &str); 4] = [
    ("efa-all-hidden", "the machine has no libfabric; `health_cases` and `health_monitor` play it"),
    ("efa-hidden", "the same"),
    ("efa-idle", "the rule needs ten minutes; `health_cases` plays it with a clock that is set"),
    ("efa-keep-alive-stalled", "it needs two minutes; the same"),
];

#[test]
fn each_story_is_told_and_taken_back() {
    let cluster = Cluster::start().unwrap();
    cluster.deploy("base").unwrap();
    let cases = Case::all().unwrap();
    let left_out = |name: &str| !binary::thorough() && ELSEWHERE.iter().any(|(it, _)| *it == name);
    let missing = ELSEWHERE.iter().filter(|(name, _)| !cases.iter().any(|(it, _)| it == name)).count();
    assert_eq!(missing, 0, "a case that is left out is there");
    let stories = cases.iter().filter(|(name, _)| !left_out(name));
    let stories: Vec<_> = stories
        .flat_map(|(name, case)| case.instances().map(move |instance| (name.as_str(), case, instance)))
        .collect();
    assert!(stories.len() > 20, "{}", stories.len());
    let failures: Vec<_> = std::thread::scope(|scope| {
        let start = |(name, case, instance)| {
            let cluster = &cluster;
            (name, instance, scope.spawn(move || play(cluster, name, case, instance)))
        };
        let running: Vec<_> = stories.into_iter().map(start).collect();
        let ended = running.into_iter().filter_map(|(name, instance, thread)| {
            let why = match thread.join() {
                Ok(Ok(())) => return None,
                Ok(Err(why)) => why,
                Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_default(),
            };
            Some(format!("{name} on {instance}: {why}"))
        });
        ended.collect()
    });
    assert!(failures.is_empty(), "{} failed\n\n{}", failures.len(), failures.join("\n\n"));
}

/// One story on a node of its own.
fn play(cluster: &Cluster, name: &str, case: &Case, instance: &str) -> Result<(), String> {
    let node_name = format!("{name}-{}", instance.replace('.', "-"));
    let node = Node::on(cluster, &node_name, Machine::of(instance)).with_metadata();
    let sight = Sight::of(cluster, &node);
    let program = node.start(&[]);
    let (mut live, mut before) = (Live::default(), Vec::new());
    let (mut appeared, mut gone) = (Vec::new(), Vec::new());
    sight.until("before anything happened", &[], &Told::new(), || {})?;
    let steps = shorten(case);
    for (number, step) in steps.iter().enumerate() {
        appeared.extend(step.findings.iter().filter(|it| !before.contains(*it)).cloned());
        gone.extend(before.iter().filter(|it| !step.findings.contains(*it)).cloned());
        let rounds = step.rounds.unwrap_or(1);
        for round in 0..rounds {
            live.round(&node.machine, step, round);
            if rounds > 1 {
                // The story's own pace.
                std::thread::sleep(Duration::from_secs(step.every.unwrap_or(10)));
            }
        }
        let is_last = number + 1 == steps.len();
        // Signs that are not confirmed yet may be by the time that somebody looks.
        if step.findings != before || is_last {
            let told = Expected::events(&appeared, &gone);
            let mut again = again(&mut live, &node, step);
            sight.until(&format!("after step {}", number + 1), &step.findings, &told, &mut again)?;
        }
        before.clone_from(&step.findings);
    }
    end(program);
    Ok(())
}

/// What goes on happening while nothing is seen of it yet: counters that grow, of which a look of the program may have
/// missed a round.
fn again<'a>(live: &'a mut Live, node: &'a Node, step: &'a Step) -> impl FnMut() + 'a {
    let grows = step.tree.iter().any(|change| change.contains('+')) && !step.findings.is_empty();
    let every = Duration::from_secs(step.every.unwrap_or(10));
    let mut last = Instant::now();
    move || {
        if grows && last.elapsed() >= every {
            last = Instant::now();
            live.round(&node.machine, step, 1);
        }
    }
}
