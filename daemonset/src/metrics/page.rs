//! The text form: HELP, TYPE and samples of each metric together, whatever order they come in.
//! Source: Prometheus, "Exposition formats".

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

#[derive(Debug)]
struct Metric {
    help: &'static str,
    kind: Kind,
    samples: String,
}

/// All metrics, by name.
#[derive(Debug, Default)]
pub(super) struct Page(BTreeMap<String, Metric>);

impl Page {
    /// A gauge's sample.
    pub(super) fn gauge(&mut self, name: &str, help: &'static str, labels: &[(&str, &str)], value: f64) {
        self.sample(name, help, Kind::Gauge, labels, value);
    }

    /// A counter's sample. Counts beyond 2^53 lose their last digits, as they do in Prometheus.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus keeps doubles")]
    pub(super) fn counter(&mut self, name: &str, help: &'static str, labels: &[(&str, &str)], value: u64) {
        self.sample(name, help, Kind::Counter, labels, value as f64);
    }

    pub(super) fn sample(
        &mut self,
        name: &str,
        help: &'static str,
        kind: Kind,
        labels: &[(&str, &str)],
        value: f64,
    ) {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Metric { help, kind, samples: String::new() });
        }
        let Some(metric) = self.0.get_mut(name) else { return };
        let text = &mut metric.samples;
        text.push_str(name);
        for (nth, (label, value)) in labels.iter().enumerate() {
            text.push(if nth == 0 { '{' } else { ',' });
            text.push_str(label);
            text.push_str("=\"");
            escape(text, value);
            text.push('"');
        }
        if !labels.is_empty() {
            text.push('}');
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, " {value}");
    }

    pub(super) fn into_text(self) -> String {
        let mut text = String::with_capacity(self.0.values().map(|metric| metric.samples.len() + 160).sum());
        for (name, metric) in self.0 {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", metric.help);
            text.push_str(&metric.samples);
        }
        text
    }
}

fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_metric_stand_together() {
        let mut page = Page::default();
        page.gauge("b", "Second.", &[("x", "1")], 1.5);
        page.counter("a_total", "First.", &[], 7);
        page.gauge("b", "Second.", &[("x", "a\"\\\n"), ("y", "")], 2.0);
        assert_eq!(
            page.into_text(),
            "# HELP a_total First.\n# TYPE a_total counter\na_total 7\n\
             # HELP b Second.\n# TYPE b gauge\nb{x=\"1\"} 1.5\nb{x=\"a\\\"\\\\\\n\",y=\"\"} 2\n"
        );
    }
}
