//! What is made from the table covers the table.

use super::*;

#[test]
fn the_reference_has_a_row_for_every_setting() {
    let reference = reference_markdown();
    for setting in ALL {
        let row = reference
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", setting.path)))
            .expect(setting.path);
        assert!(row.contains(&format!("`{}`", setting.variable())), "{row}");
        assert!(row.contains(setting.about), "{row}");
        assert!(setting.operator_variable.is_none_or(|name| row.contains(&format!("`{name}`"))), "{row}");
        assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
    }
    assert!(reference.starts_with("### General\n\n| setting | default |"), "{}", &reference[..80]);
}

#[test]
fn the_example_holds_every_setting_at_its_default() {
    let example = example_toml();
    assert_eq!(spec(&[file(&example)]), spec(&[]));
    let uncommented: String = example
        .lines()
        .filter(|line| !line.ends_with("(not set)"))
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n");
    let (filled, provenance) = load(&[file(&uncommented)]).unwrap();
    assert_eq!(filled, spec(&[]));
    for setting in ALL.iter().filter(|setting| setting.default.is_some()) {
        let source = provenance.source_of(setting.path).unwrap();
        assert!(source.line().is_some(), "{} is not in the example", setting.path);
    }
}

#[test]
fn provenance_lists_every_setting_as_table_and_json() {
    let (_, provenance) = load(&[file("[nccl.env]\nNCCL_DEBUG = 'INFO'\n")]).unwrap();
    for setting in ALL {
        let under = format!("{}.", setting.path);
        assert!(
            provenance.rows.iter().any(|row| row.path == setting.path || row.path.starts_with(&under)),
            "{}",
            setting.path
        );
    }
    let table = provenance.table();
    assert!(
        table.lines().any(|line| line.starts_with("nccl.env.NCCL_DEBUG") && line.ends_with("agent.toml:2"))
    );
    assert!(table.contains("(not set)"));
    let json = serde_json::to_value(&provenance).unwrap();
    let row = json.as_array().unwrap().iter().find(|row| row["path"] == "nccl.env.NCCL_DEBUG").unwrap();
    assert_eq!(row["value"], "INFO");
    assert_eq!(row["source"], serde_json::json!({"from": "file", "path": "agent.toml", "line": 2}));
}
