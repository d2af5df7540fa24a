//! Writes HCL as `terraform fmt` would lay it out, but for the alignment of `=`.

use std::fmt::Write as _;

use serde_json::Value;

/// A block with labels, attributes and blocks inside.
#[derive(Debug)]
pub(super) struct Block {
    head: String,
    attributes: Vec<(String, String)>,
    blocks: Vec<Block>,
}

impl Block {
    /// `kind "label" "label" { … }`.
    pub(super) fn new(kind: &str, labels: &[&str]) -> Self {
        let labels: String = labels.iter().map(|label| [" \"", label, "\""].concat()).collect();
        let head = format!("{kind}{labels}");
        Self { head, attributes: Vec::new(), blocks: Vec::new() }
    }

    /// An attribute with a literal value.
    pub(super) fn value(self, name: &str, value: impl Into<Value>) -> Self {
        let literal = literal(&value.into(), 0);
        self.raw(name, &literal)
    }

    /// An attribute with an expression.
    pub(super) fn raw(mut self, name: &str, expression: &str) -> Self {
        self.attributes.push((name.to_owned(), expression.to_owned()));
        self
    }

    /// A block inside.
    pub(super) fn block(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    fn write(&self, text: &mut String, indent: usize) {
        let pad = "  ".repeat(indent);
        let _ = writeln!(text, "{pad}{} {{", self.head);
        for (name, value) in &self.attributes {
            let value = value.replace('\n', &format!("\n{pad}  "));
            let _ = writeln!(text, "{pad}  {name} = {value}");
        }
        for (place, block) in self.blocks.iter().enumerate() {
            if place > 0 || !self.attributes.is_empty() {
                text.push('\n');
            }
            block.write(text, indent + 1);
        }
        let _ = writeln!(text, "{pad}}}");
    }
}

/// Blocks with an empty line between.
pub(super) fn document(blocks: &[Block]) -> String {
    let mut text = String::new();
    for (place, block) in blocks.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        block.write(&mut text, 0);
    }
    text
}

/// A value as HCL writes it.
fn literal(value: &Value, indent: usize) -> String {
    let pad = "  ".repeat(indent);
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| literal(item, indent)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let mut names: Vec<_> = entries.keys().collect();
            names.sort();
            let lines = names.into_iter().filter_map(|name| {
                Some(format!("{pad}  {} = {}\n", key(name), literal(entries.get(name)?, indent + 1)))
            });
            format!("{{\n{}{pad}}}", lines.collect::<String>())
        }
        other => other.to_string(),
    }
}

/// A name in an object: `required_providers` takes no quotes around those of its own.
fn key(name: &str) -> String {
    let bare = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if bare { name.to_owned() } else { quoted(name) }
}

/// JSON's escapes are HCL's, and `${` and `%{` are templates there.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace("${", "$${").replace("%{", "%%{")
}
