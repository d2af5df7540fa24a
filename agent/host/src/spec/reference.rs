//! The reference of all settings, and an example file, both made from the table.

use std::fmt::Write;

use super::input::Input;
use super::kind::Kind;
use super::settings::{ALL, CLUSTER_VARIABLES, OTHER_VARIABLES, Setting};

/// The reference as Markdown: one table for each section, below headings of the third level.
pub fn reference_markdown() -> String {
    let mut text = String::new();
    let mut section = None;
    for setting in ALL {
        let this = section_of(setting);
        if section != Some(this) {
            section = Some(this);
            let title = if this.is_empty() { "General".to_owned() } else { format!("`[{this}]`") };
            line(&mut text, &format!("\n### {title}\n"));
            line(&mut text, "| setting | default | allowed | variables | what it is |");
            line(&mut text, "|---|---|---|---|---|");
        }
        line(&mut text, &row(setting));
    }
    line(&mut text, "\n### Other variables\n");
    line(&mut text, &format!("Not settings, left to the programs: {}.", code_list(OTHER_VARIABLES)));
    line(&mut text, "Any other variable that begins with `GPUNODE_` is an error.");
    line(&mut text, &format!("About the cluster, without meaning here: {}.", code_list(CLUSTER_VARIABLES)));
    text.trim_start().to_owned()
}

/// A file for `/etc/gpunode/agent.toml` with every setting at its default, behind `#`.
pub fn example_toml() -> String {
    let mut text =
        String::from("# Settings of this node. Every line that is commented out shows the default.\n");
    let mut section = "";
    for setting in ALL {
        let this = section_of(setting);
        if section != this {
            section = this;
            line(&mut text, &format!("\n[{this}]"));
        }
        let name = setting.path.rsplit('.').next().unwrap_or(setting.path);
        line(&mut text, &format!("# {}", setting.about));
        line(&mut text, &format!("# Allowed: {}", setting.kind.allowed()));
        line(&mut text, &format!("#{name} = {}", default_toml(setting).unwrap_or("(not set)".to_owned())));
    }
    text
}

fn row(setting: &Setting) -> String {
    let default = default_toml(setting).map_or("not set".to_owned(), |default| format!("`{default}`"));
    let operator = setting.operator_variable.map_or(String::new(), |name| format!(", `{name}`"));
    let variables = format!("`{}`{operator}", setting.variable());
    let cells =
        [&format!("`{}`", setting.path), &default, &setting.kind.allowed(), &variables, setting.about];
    format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

/// The default as one writes it in TOML.
fn default_toml(setting: &Setting) -> Option<String> {
    if matches!(setting.kind, Kind::Table { .. }) {
        return Some("{}".to_owned());
    }
    let input = Input::from_text(&setting.kind, setting.default?).ok()?;
    // Integers and booleans are bare in TOML, everything else has quotes; the check knows which is which.
    setting.kind.check(&input).ok().map(|value| value.to_string())
}

fn section_of(setting: &Setting) -> &'static str {
    setting.path.split_once('.').map_or("", |(section, _)| section)
}

fn code_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
