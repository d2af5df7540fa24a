//! Things of which one only can be there.

use super::*;

/// `r0` or `r1`, `r2` or `r3`, and so on: which of each pair `second` says. The cloud checks that never both are there.
fn pairs(second: &[bool]) -> Graph {
    let one = |(pair, second): (usize, &bool)| {
        let [first, other] = [2 * pair, 2 * pair + 1];
        let make = |id: usize, not: usize, wanted: bool| {
            let replaces = wanted.then(|| format!("r{not}")).into_iter().collect();
            Resource { wanted, replaces, ..resource(id, BTreeSet::new(), 1) }
        };
        [make(first, other, !second), make(other, first, *second)]
    };
    Graph::new(second.iter().enumerate().flat_map(one)).unwrap()
}

proptest! {
    #[test]
    fn one_goes_before_the_other_comes_and_back(
        turns in prop::collection::vec(prop::collection::vec(any::<bool>(), 3), 1..5),
        choices in prop::collection::vec(any::<u8>(), 1..40),
        kill in 0_usize..20,
    ) {
        let mut cloud = Cloud::default();
        for second in &turns {
            let graph = pairs(second);
            run(&graph, &mut cloud, Task::Apply, &choices, kill);
            run(&graph, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
            let there: Vec<_> = cloud.things.keys().cloned().collect();
            let wanted = second.iter().enumerate().map(|(pair, second)| format!("r{}", 2 * pair + usize::from(*second)));
            prop_assert_eq!(there, wanted.collect::<Vec<_>>());
            let writes = cloud.writes;
            run(&graph, &mut cloud, Task::Apply, &choices, FOR_EVER).unwrap();
            prop_assert_eq!(cloud.writes, writes);
        }
        run(&pairs(&turns[0]), &mut cloud, Task::Destroy, &choices, FOR_EVER).unwrap();
        prop_assert!(cloud.things.is_empty());
    }
}

#[test]
fn what_cannot_be_removed_keeps_the_other_away() {
    let mut cloud = Cloud::default();
    run(&pairs(&[false]), &mut cloud, Task::Apply, &[0], FOR_EVER).unwrap();
    let graph = pairs(&[true]);
    let mut run = Run::new(&graph, "us", Task::Apply);
    while let Some(request) = run.ready().pop() {
        let answer = match request.call {
            Call::Delete => Answer::Never("may not".to_owned()),
            _ => cloud.carry_out(&graph, &request, "us"),
        };
        run.answer(&request.id, answer);
    }
    let outcomes = run.outcomes().unwrap();
    assert_eq!(outcomes["r0"], &Outcome::Failed("may not".to_owned()));
    assert_eq!(outcomes["r1"], &Outcome::Skipped("r0".to_owned()));
}

#[test]
fn two_that_exclude_each_other_are_not_both_wanted() {
    let both = |mut one: Resource| {
        one.replaces = BTreeSet::from(["r1".to_owned()]);
        Graph::new([one, resource(1, BTreeSet::new(), 1)]).unwrap_err().to_string()
    };
    assert_eq!(both(resource(0, BTreeSet::new(), 1)), "r0 and r1 cannot be there at once");
    let mut alone = resource(0, BTreeSet::new(), 1);
    alone.replaces = BTreeSet::from(["r9".to_owned()]);
    assert_eq!(Graph::new([alone]).unwrap_err().to_string(), "r0 needs r9, which is not there");
}
