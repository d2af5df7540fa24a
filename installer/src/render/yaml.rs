//! Writes JSON values as block YAML that YAML 1.1 and 1.2 read alike.

use serde_json::Value;

use super::canonical::sorted;

/// One document; several are joined with `---`.
pub(super) fn documents(values: &[Value]) -> String {
    let texts: Vec<_> = values.iter().map(document).collect();
    texts.join("---\n")
}

pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, &sorted(value), 0);
    text
}

/// A mapping or a list on lines of its own; everything else on one.
fn block(text: &mut String, value: &Value, indent: usize) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (name, value) in entries {
                text.push_str(&pad);
                text.push_str(&scalar(name));
                text.push(':');
                after(text, value, indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                block(&mut inner, item, indent + 2);
                text.push_str(&pad);
                text.push_str("- ");
                text.push_str(inner.trim_start_matches(' '));
            }
        }
        other => {
            text.push_str(&pad);
            text.push_str(&inline(other));
            text.push('\n');
        }
    }
}

/// The value of a name, after its colon.
fn after(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            text.push('\n');
            block(text, value, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            block(text, value, indent + 2);
        }
        Value::String(string) if is_literal(string) => {
            text.push_str(" |\n");
            for line in string.lines() {
                let pad = if line.is_empty() { 0 } else { indent + 2 };
                text.push_str(&" ".repeat(pad));
                text.push_str(line);
                text.push('\n');
            }
        }
        other => {
            text.push(' ');
            text.push_str(&inline(other));
            text.push('\n');
        }
    }
}

/// Whether a text survives as a literal block: it ends with one line feed, and nothing in it is read otherwise there.
fn is_literal(text: &str) -> bool {
    let plain = text.chars().all(|letter| letter == '\n' || !letter.is_control());
    text.contains('\n')
        && plain
        && text.ends_with('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\n'])
        && text.lines().all(|line| !line.ends_with(' '))
        && !text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'])
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        // Empty lists and maps, numbers, booleans and null are the same in JSON.
        other => other.to_string(),
    }
}

/// Without quotes only where no reader of any version takes it for something else than text.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}
