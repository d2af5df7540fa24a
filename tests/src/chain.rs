//! The longest chain of external commands in a run of the agent: what the run would take if the agent itself took no
//! time. It is computed from the report alone.

use std::collections::BTreeMap;

use serde_json::Value;

/// One step of a report; times in microseconds from the begin of the run.
#[derive(Debug)]
struct Step<'a> {
    name: &'a str,
    start: u64,
    end: u64,
    waited_for: Vec<&'a str>,
    /// Time in which at least one command ran.
    commands: u64,
}

/// A run compared with its commands. All times in microseconds.
#[derive(Debug, PartialEq, Eq)]
pub struct Chain {
    /// The whole run.
    pub wall: u64,
    /// Commands along the path through the graph of steps that has most of them.
    pub chain: u64,
    /// The steps of that path, first to last, with the time of their commands.
    pub steps: Vec<(String, u64)>,
    /// The steps that the end of the run really waited for, first to last, with the time in which they ran no command.
    pub rest: Vec<(String, u64)>,
}

impl Chain {
    /// Of a report in the form `gpunode.io/boot-report/v1`; `None` where it names no steps or no times.
    pub fn of(report: &Value) -> Option<Self> {
        let steps: Vec<_> = report["steps"].as_array()?.iter().map(Step::read).collect::<Option<_>>()?;
        let wall = report["elapsedMs"].as_u64()? * 1000;
        let mut longest: BTreeMap<&str, (u64, Vec<&Step<'_>>)> = BTreeMap::new();
        // A report names each step behind those that it waits for.
        for step in &steps {
            let before = step.waited_for.iter().filter_map(|name| longest.get(name));
            let (chain, mut path) = before.max_by_key(|(chain, _)| *chain).cloned().unwrap_or_default();
            path.push(step);
            longest.insert(step.name, (chain + step.commands, path));
        }
        let (chain, path) = longest.into_values().max_by_key(|(chain, _)| *chain)?;
        let steps_of_chain = path.iter().map(|step| (step.name.to_owned(), step.commands)).collect();
        Some(Self { wall, chain, steps: steps_of_chain, rest: rest(&steps, wall) })
    }

    /// Wall time over the chain, in tenths of a percent: 1050 is 5 % more.
    pub fn per_mille(&self) -> u64 {
        self.wall * 1000 / self.chain.max(1)
    }

    /// What is to be told of it: a name and a value each.
    pub fn rows(&self) -> [(&'static str, String); 4] {
        let list = |steps: &[(String, u64)]| {
            let words = steps.iter().map(|(name, time)| format!("{name} {}", time / 1000));
            words.collect::<Vec<_>>().join(", ")
        };
        [
            ("longest chain of commands, ms", (self.chain / 1000).to_string()),
            ("longest chain, by step, ms", list(&self.steps)),
            ("agent over its longest chain, percent", (self.per_mille() / 10).to_string()),
            ("what the run waited for beside commands, by step, ms", list(&self.rest)),
        ]
    }
}

impl<'a> Step<'a> {
    fn read(step: &'a Value) -> Option<Self> {
        let spans = step["commands"].as_array()?.iter();
        let spans = spans.map(|command| Some((command["startUs"].as_u64()?, command["endUs"].as_u64()?)));
        let waited_for = step["waitedFor"].as_array()?.iter().filter_map(Value::as_str).collect();
        Some(Self {
            name: step["step"].as_str()?,
            start: step["startUs"].as_u64()?,
            end: step["endUs"].as_u64()?,
            waited_for,
            commands: covered(spans.collect::<Option<_>>()?),
        })
    }
}

/// Back from the step that ended last, always to the one that was waited for longest.
fn rest(steps: &[Step<'_>], wall: u64) -> Vec<(String, u64)> {
    let find = |name: &str| steps.iter().find(|step| step.name == name);
    let mut next = steps.iter().max_by_key(|step| step.end);
    let mut rest = vec![("begin and end".to_owned(), wall.saturating_sub(next.map_or(0, |step| step.end)))];
    while let Some(step) = next {
        rest.push((
            step.name.to_owned(),
            (step.end - step.start.min(step.end)).saturating_sub(step.commands),
        ));
        let before = step.waited_for.iter().filter_map(|name| find(name)).max_by_key(|before| before.end);
        rest[0].1 += step.start.saturating_sub(before.map_or(0, |before| before.end));
        next = before;
    }
    rest.reverse();
    rest
}

/// The length of the union of spans.
fn covered(mut spans: Vec<(u64, u64)>) -> u64 {
    spans.sort_unstable();
    let mut reached = 0;
    let mut sum = 0;
    for (start, end) in spans {
        sum += end.saturating_sub(start.max(reached));
        reached = reached.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(name: &str, times: (u64, u64), waited_for: &[&str], commands: &[(u64, u64)]) -> Value {
        let commands: Vec<_> =
            commands.iter().map(|(start, end)| json!({"startUs": start, "endUs": end})).collect();
        json!({"step": name, "startUs": times.0, "endUs": times.1, "waitedFor": waited_for, "commands": commands})
    }

    #[test]
    fn the_chain_is_the_path_with_most_commands_and_the_rest_lies_on_the_path_that_was_waited_for() {
        // `b` has more commands than `c`, but `c` ended later, because the agent itself took long in it.
        let report = json!({"elapsedMs": 10, "steps": [
            step("a", (100, 1000), &[], &[(200, 700), (600, 900)]),
            step("b", (1000, 5000), &["a"], &[(1000, 4900)]),
            step("c", (1000, 8000), &["a"], &[(2000, 3000)]),
            step("d", (8100, 9500), &["b", "c"], &[(8100, 9400)]),
        ]});
        let chain = Chain::of(&report).unwrap();
        assert_eq!((chain.wall, chain.chain, chain.per_mille()), (10_000, 700 + 3900 + 1300, 1694));
        let names: Vec<_> = chain.steps.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "d"]);
        let rest: Vec<_> = chain.rest.iter().map(|(name, time)| (name.as_str(), *time)).collect();
        assert_eq!(rest, [("a", 200), ("c", 6000), ("d", 100), ("begin and end", 700)]);
        let waits: u64 = 700 + 1000 + 1300;
        assert_eq!(rest.iter().map(|(_, time)| time).sum::<u64>() + waits, chain.wall);
    }

    #[test]
    fn a_report_without_times_has_no_chain() {
        assert_eq!(Chain::of(&json!({"elapsedMs": 1, "steps": [{"step": "a"}]})), None);
        assert_eq!(Chain::of(&json!({"elapsedMs": 1, "steps": []})), None);
    }
}
