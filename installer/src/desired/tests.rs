//! The engine against a cloud that remembers, answers in any order, loses answers, and throttles.

mod exclusive;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What is there: owner and value by name.
type Things = BTreeMap<String, (Option<String>, Value)>;

#[derive(Clone, Debug, Default, PartialEq)]
struct Cloud {
    things: Things,
    writes: usize,
}

impl Cloud {
    /// Carries out a request. A create of what is there is refused, as names are unique.
    fn carry_out(&mut self, graph: &Graph, request: &Request, owner: &str) -> Answer {
        let id = &request.id;
        let resource = graph.get(id).unwrap();
        self.writes += usize::from(request.call.mutates());
        match &request.call {
            Call::Read => Answer::Seen(match self.things.get(id) {
                None => Seen::Absent,
                Some((owner, value)) => Seen::Present { owner: owner.clone(), value: value.clone() },
            }),
            Call::Create(value) => {
                assert!(!self.things.contains_key(id), "{id} was created over another");
                for need in &resource.needs {
                    assert!(self.things.contains_key(need), "{id} was created before {need}");
                }
                for other in &resource.replaces {
                    assert!(!self.things.contains_key(other), "{id} was created beside {other}");
                }
                // Services add defaults of their own.
                let mut value = value.clone();
                value["Default"] = json!(true);
                self.things.insert(id.clone(), (Some(owner.to_owned()), value));
                Answer::Taken
            }
            Call::Update(value) => {
                let (theirs, there) = self.things.get_mut(id).unwrap();
                assert_eq!(theirs.as_deref(), Some(owner), "{id} of others was changed");
                for (name, value) in value.as_object().unwrap() {
                    there[name] = value.clone();
                }
                Answer::Taken
            }
            Call::Delete => {
                let (theirs, _) = self.things.remove(id).unwrap();
                assert_eq!(theirs.as_deref(), Some(owner), "{id} of others was removed");
                for user in graph.needed_by(id) {
                    let ours =
                        self.things.get(&user.id).is_some_and(|(theirs, _)| theirs.as_deref() == Some(owner));
                    assert!(!ours, "{id} was removed before {}", user.id);
                }
                Answer::Taken
            }
        }
    }
}

/// Runs to the end, or until `lives` requests were made. `choices` says whose turn it is, and what goes wrong.
fn run(
    graph: &Graph,
    cloud: &mut Cloud,
    task: Task,
    choices: &[u8],
    lives: usize,
) -> Option<Vec<(String, Outcome)>> {
    let mut run = Run::new(graph, "us", task);
    let mut out: Vec<Request> = Vec::new();
    for turn in 0..lives {
        out.extend(run.ready());
        if out.is_empty() {
            let outcomes = run.outcomes().expect("nothing is out and not all is done");
            return Some(
                outcomes.into_iter().map(|(id, outcome)| (id.to_owned(), outcome.clone())).collect(),
            );
        }
        let choice = usize::from(choices.get(turn % choices.len().max(1)).copied().unwrap_or_default());
        let request = out.swap_remove(choice % out.len());
        // Never so often that a request has no attempt left; and one may be carried out and its answer lost.
        let trouble = request.attempt < 3 && choice % 5 == 4;
        let answer = match (trouble, choice % 2) {
            (true, 0) => Answer::Later("throttled".to_owned()),
            (true, _) => {
                cloud.carry_out(graph, &request, "us");
                Answer::Later("the connection broke".to_owned())
            }
            (false, _) => cloud.carry_out(graph, &request, "us"),
        };
        run.answer(&request.id, answer);
    }
    None
}

fn resource(id: usize, needs: BTreeSet<usize>, size: u8) -> Resource {
    Resource {
        id: format!("r{id}"),
        kind: "thing",
        wanted: true,
        needs: needs.into_iter().map(|need| format!("r{need}")).collect(),
        replaces: BTreeSet::new(),
        desired: json!({ "Size": size, "Tags": { "a": "b" } }),
        fixed: BTreeSet::new(),
    }
}

/// Up to ten resources, each needing some of those before it.
fn any_graph() -> impl Strategy<Value = Graph> {
    prop::collection::vec((prop::collection::vec(any::<prop::sample::Index>(), 0..3), any::<u8>()), 1..10)
        .prop_map(|rows| {
            let make = |(id, (needs, size)): (usize, (Vec<prop::sample::Index>, u8))| {
                let needs =
                    if id == 0 { BTreeSet::new() } else { needs.iter().map(|need| need.index(id)).collect() };
                resource(id, needs, size)
            };
            Graph::new(rows.into_iter().enumerate().map(make)).unwrap()
        })
}

const FOR_EVER: usize = 10_000;

proptest! {
    #[test]
    fn a_second_apply_changes_nothing(graph in any_graph(), choices in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut cloud = Cloud::default();
        let outcomes = run(&graph, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
        prop_assert!(outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Changed), "{:?}", outcomes);
        let before = cloud.clone();
        let outcomes = run(&graph, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
        prop_assert!(outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Unchanged), "{:?}", outcomes);
        prop_assert_eq!(cloud, before);
    }

    #[test]
    fn killed_anywhere_it_converges_and_drift_is_repaired(
        graph in any_graph(),
        kills in prop::collection::vec(0_usize..30, 0..6),
        choices in prop::collection::vec(any::<u8>(), 1..40),
        drift in any::<prop::sample::Index>(),
    ) {
        let mut straight = Cloud::default();
        run(&graph, &mut straight, Task::Apply, &[0], FOR_EVER).unwrap();
        let mut cloud = Cloud::default();
        for lives in kills {
            run(&graph, &mut cloud, Task::Apply, &choices, lives);
        }
        run(&graph, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
        prop_assert_eq!(&cloud.things, &straight.things);
        let place = drift.index(cloud.things.len());
        cloud.things.values_mut().nth(place).unwrap().1["Size"] = json!("drifted");
        let writes = cloud.writes;
        run(&graph, &mut cloud, Task::Apply, &[0], FOR_EVER).unwrap();
        prop_assert_eq!(&cloud.things, &straight.things);
        prop_assert_eq!(cloud.writes, writes + 1);
    }

    #[test]
    fn what_is_not_wanted_any_more_goes_and_comes_back(
        graph in any_graph(),
        first in 0_usize..10,
        kill in 0_usize..40,
        choices in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let mut cloud = Cloud::default();
        run(&graph, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
        let all = cloud.things.clone();
        // The last ones in the order, so that nothing that is wanted needs one of them.
        let mut position = 0;
        let less = Graph::new(graph.iter().cloned().map(|mut resource| {
            resource.wanted = position < first;
            position += 1;
            resource
        })).unwrap();
        run(&less, &mut cloud, Task::Apply, &choices, kill);
        run(&less, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
        let left: Vec<_> = cloud.things.keys().cloned().collect();
        let mut wanted: Vec<_> = graph.iter().take(first).map(|resource| resource.id.clone()).collect();
        wanted.sort();
        prop_assert_eq!(left, wanted);
        run(&graph, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
        prop_assert_eq!(cloud.things, all);
    }

    #[test]
    fn others_things_are_never_touched(
        graph in any_graph(),
        foreign in prop::collection::btree_set(0_usize..12, 0..6),
        choices in prop::collection::vec(any::<u8>(), 1..40),
        kill in 0_usize..40,
    ) {
        let mut cloud = Cloud::default();
        for id in &foreign {
            let owner = if id % 2 == 0 { Some("them".to_owned()) } else { None };
            cloud.things.insert(format!("r{id}"), (owner, json!({ "Size": "theirs" })));
        }
        let theirs = cloud.things.clone();
        let outcomes = run(&graph, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
        for (id, outcome) in &outcomes {
            let needs = &graph.get(id).unwrap().needs;
            let hindered = outcomes.iter().any(|(other, outcome)| needs.contains(other) && !outcome_good(outcome));
            // What cannot be made is not even looked at.
            prop_assert_eq!(hindered, matches!(outcome, Outcome::Skipped(_)));
            if !hindered {
                prop_assert_eq!(theirs.contains_key(id), matches!(outcome, Outcome::Left(_)));
            }
        }
        run(&graph, &mut cloud, Task::Destroy, &choices, kill);
        run(&graph, &mut cloud, Task::Destroy, &choices, FOR_EVER).unwrap();
        prop_assert_eq!(cloud.things, theirs, "destroy leaves others' things and nothing else");
    }
}

fn outcome_good(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unchanged | Outcome::Changed)
}

#[test]
fn what_does_not_depend_on_each_other_is_asked_at_once() {
    let all = |ids: &[usize]| ids.iter().copied().collect::<BTreeSet<_>>();
    let graph =
        Graph::new([resource(0, all(&[]), 1), resource(1, all(&[]), 1), resource(2, all(&[0, 1]), 1)])
            .unwrap();
    let mut run = Run::new(&graph, "us", Task::Apply);
    let asked: Vec<_> = run.ready().into_iter().map(|request| request.id).collect();
    assert_eq!(asked, ["r0", "r1"]);
    assert!(run.ready().is_empty(), "a request is handed out once");
}

#[test]
fn what_is_throttled_for_ever_fails_and_what_needs_it_is_skipped() {
    let graph = Graph::new([resource(0, BTreeSet::new(), 1), resource(1, BTreeSet::from([0]), 1)]).unwrap();
    let mut run = Run::new(&graph, "us", Task::Apply);
    let mut asked = 0;
    while let Some(request) = run.ready().pop() {
        asked += 1;
        assert!(asked < 100, "no end");
        run.answer(&request.id, Answer::Later("throttled".to_owned()));
    }
    let outcomes = run.outcomes().unwrap();
    assert_eq!(asked, run::ATTEMPTS);
    assert_eq!(outcomes["r0"], &Outcome::Failed("throttled, 8 times".to_owned()));
    assert_eq!(outcomes["r1"], &Outcome::Skipped("r0".to_owned()));
}

#[test]
fn what_is_taken_and_never_there_fails() {
    let graph = Graph::new([resource(0, BTreeSet::new(), 1)]).unwrap();
    let mut run = Run::new(&graph, "us", Task::Apply);
    let mut writes = 0;
    while let Some(request) = run.ready().pop() {
        writes += u32::from(request.call.mutates());
        assert!(writes < 100, "no end");
        let answer = if request.call.mutates() { Answer::Taken } else { Answer::Seen(Seen::Absent) };
        run.answer(&request.id, answer);
    }
    assert!(matches!(run.outcomes().unwrap()["r0"], Outcome::Failed(_)));
}

#[test]
fn graphs_that_are_none_are_told() {
    let wrong = |resources: Vec<Resource>| Graph::new(resources).unwrap_err().to_string();
    assert_eq!(wrong(vec![resource(0, BTreeSet::from([1]), 1)]), "r0 needs r1, which is not there");
    let unwanted = Resource { wanted: false, ..resource(0, BTreeSet::new(), 1) };
    let problem = wrong(vec![unwanted, resource(1, BTreeSet::from([0]), 1)]);
    assert_eq!(problem, "r1 needs r0, which is to be removed");
    let circle = vec![resource(0, BTreeSet::from([1]), 1), resource(1, BTreeSet::from([0]), 1)];
    assert_eq!(wrong(circle), "these need each other: r0, r1");
    let twice = vec![resource(0, BTreeSet::new(), 1), resource(0, BTreeSet::new(), 1)];
    assert_eq!(wrong(twice), "r0 is there twice");
}

#[test]
fn a_plan_says_what_and_why() {
    let mut fixed = resource(3, BTreeSet::new(), 1);
    fixed.fixed = BTreeSet::from(["Size"]);
    let graph = Graph::new([
        resource(0, BTreeSet::new(), 1),
        resource(1, BTreeSet::new(), 1),
        resource(2, BTreeSet::new(), 1),
        fixed,
    ])
    .unwrap();
    let ours = |value: Value| Seen::Present { owner: Some("us".to_owned()), value };
    let seen = BTreeMap::from([
        ("r1".to_owned(), ours(json!({ "Size": 2, "Tags": { "a": "b", "more": "c" } }))),
        ("r2".to_owned(), Seen::Present { owner: None, value: json!({}) }),
        ("r3".to_owned(), ours(json!({ "Size": 2, "Tags": { "a": "b" } }))),
    ]);
    let plan = Plan::new(&graph, &seen, "us");
    assert_eq!(
        plan.text(),
        "+ r0\n~ r1\n    /Size: 2 -> 1\n! r2 exists and is nobody's by its tags, not us's\n\
         ! r3: /Size is 2 and cannot become 1; destroy it first\n\
         1 to create, 1 to change, 0 to remove, 2 refused, 0 as they must be\n"
    );
    assert!(!plan.is_empty());
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["rows"][1]["change"], "update");
    assert_eq!(json["rows"][1]["differences"][0]["path"], "/Size");
}
