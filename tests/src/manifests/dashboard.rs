//! The Grafana dashboard: the fleet on top, then one node, its GPUs and its network interfaces.

use serde_json::{Value, json};

use super::metrics::{CONDITION, EFA_STANDING, FINDING, GPU_STANDING, PER_EFA, PER_GPU, Panel};

/// A dashboard is 24 units wide.
const WIDTH: usize = 24;
const HEIGHT: usize = 8;

/// The dashboard as Grafana imports it.
pub fn dashboard() -> String {
    let mut panels = vec![row("Fleet")];
    let count = |query: &str| format!("count({query}) or vector(0)");
    let fleet = [
        stat("Nodes with a false condition", &count(&format!("count by (node) ({CONDITION} == 0)"))),
        stat("Nodes with an unknown condition", &count(&format!("count by (node) ({CONDITION} == -1)"))),
        stat("GPUs that may not take work", &count(&format!("{GPU_STANDING} == 3"))),
        stat("EFA interfaces that may not take work", &count(&format!("{EFA_STANDING} == 3"))),
    ];
    place(&mut panels, 4, fleet);
    place(&mut panels, 1, [table("Findings", &format!("{FINDING} == 1"))]);
    panels.push(row("Node $node"));
    place(
        &mut panels,
        2,
        [
            series(
                "Conditions (1 true, 0 false, -1 unknown)",
                &format!("{CONDITION}{{node=~\"$node\"}}"),
                "{{node}} {{condition}}",
                "short",
            ),
            series(
                "Findings by code",
                &format!("sum by (code) ({FINDING}{{node=~\"$node\"}})"),
                "{{code}}",
                "short",
            ),
        ],
    );
    for (title, list) in [("GPUs", PER_GPU), ("Network interfaces (EFA)", PER_EFA)] {
        panels.push(row(title));
        place(
            &mut panels,
            2,
            list.iter().map(|panel: &Panel| series(panel.title, panel.query, panel.legend, panel.unit)),
        );
    }
    number(&mut panels);
    format!(
        "{:#}\n",
        json!({
            "uid": "gpunode", "title": "gpunode: GPUs and EFA", "tags": ["gpunode"], "schemaVersion": 39,
            "editable": true, "refresh": "30s", "time": {"from": "now-3h", "to": "now"}, "timezone": "browser",
            "templating": {"list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
                {"name": "node", "type": "query", "label": "Node", "multi": true, "includeAll": true, "refresh": 2,
                 "datasource": source(), "query": {"query": format!("label_values({CONDITION}, node)"), "refId": "node"}},
            ]},
            "panels": panels,
        })
    )
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn row(title: &str) -> Value {
    json!({"type": "row", "title": title, "collapsed": false, "gridPos": {"w": WIDTH, "h": 1}})
}

fn panel(kind: &str, title: &str, query: &str, extra: &Value) -> Value {
    let mut target = json!({"refId": "A", "expr": query, "datasource": source()});
    if let (Some(target), Some(extra)) = (target.as_object_mut(), extra["target"].as_object()) {
        target.extend(extra.clone());
    }
    json!({
        "type": kind, "title": title, "datasource": source(), "targets": [target],
        "fieldConfig": {"defaults": extra["defaults"].clone(), "overrides": []},
    })
}

fn stat(title: &str, query: &str) -> Value {
    let steps = json!([{"color": "green", "value": null}, {"color": "red", "value": 1}]);
    let defaults = json!({"thresholds": {"mode": "absolute", "steps": steps}});
    panel("stat", title, query, &json!({"target": {"instant": true}, "defaults": defaults}))
}

fn table(title: &str, query: &str) -> Value {
    panel("table", title, query, &json!({"target": {"instant": true, "format": "table"}, "defaults": {}}))
}

fn series(title: &str, query: &str, legend: &str, unit: &str) -> Value {
    let extra = json!({"target": {"legendFormat": legend}, "defaults": {"unit": unit}});
    panel("timeseries", title, query, &extra)
}

/// Panels side by side, so many to a line.
fn place(panels: &mut Vec<Value>, columns: usize, list: impl IntoIterator<Item = Value>) {
    for (at, mut panel) in list.into_iter().enumerate() {
        let width = WIDTH / columns;
        panel["gridPos"] = json!({"x": (at % columns) * width, "w": width, "h": HEIGHT});
        panels.push(panel);
    }
}

/// Gives every panel its number and its height on the page.
fn number(panels: &mut [Value]) {
    let (mut top, mut bottom) = (0, 0);
    for (at, panel) in panels.iter_mut().enumerate() {
        panel["id"] = (at + 1).into();
        let begins_line = panel["gridPos"]["x"].as_u64().unwrap_or(0) == 0;
        if begins_line {
            top = bottom;
            panel["gridPos"]["x"] = 0.into();
        }
        panel["gridPos"]["y"] = top.into();
        bottom = bottom.max(top + panel["gridPos"]["h"].as_u64().unwrap_or(0));
    }
}
