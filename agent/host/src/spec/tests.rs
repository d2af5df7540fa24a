use std::collections::BTreeSet;

use serde_json::Value;

use super::settings::ALL;
use super::*;

mod layers;
mod mistakes;
mod random;
mod reference;
mod table;

fn file(text: &str) -> Layer {
    Layer::file("agent.toml", text)
}

fn spec(layers: &[Layer]) -> NodeSpec {
    load(layers).unwrap().0
}

/// The messages that `layers` bring about.
fn messages(layers: &[Layer]) -> Vec<String> {
    load(layers).unwrap_err().mistakes.iter().map(ToString::to_string).collect()
}

/// The only message that `layer` brings about.
fn message(layer: Layer) -> String {
    let messages = messages(&[layer]);
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.into_iter().next().unwrap()
}
