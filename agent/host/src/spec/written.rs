//! What layers say beyond the defaults, as one TOML text: what goes into user data.

use serde_json::{Map, Value};

use super::layer::Layer;
use super::mistake::{Errors, Mistake};
use super::source::Source;

/// The shortest TOML that stands for `layers`: only what they set, each value once, no comments, in a fixed order. It
/// is empty where they set nothing.
pub fn written_toml(layers: &[Layer]) -> Result<String, Errors> {
    super::load(layers)?;
    let (merged, mut errors) = super::merge(layers);
    let mut root = Map::new();
    for (path, name, value) in merged.written() {
        let keys: Vec<_> = path.split('.').chain(name).collect();
        put(&mut root, &keys, value);
    }
    toml::Table::try_from(&root).and_then(|table| toml::to_string(&table)).map_err(
        |error: toml::ser::Error| {
            errors.add(|| Mistake::new(Source::Flag, "", format!("cannot be written as TOML: {error}")));
            errors
        },
    )
}

fn put(group: &mut Map<String, Value>, keys: &[&str], value: &Value) {
    match keys {
        [] => {}
        [last] => drop(group.insert((*last).to_owned(), value.clone())),
        [first, rest @ ..] => {
            let inner = group.entry(*first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_set_is_written_and_the_last_word_counts() {
        let layers = [
            Layer::file("a.toml", "# why\nonFailure = 'halt'\n[kubelet.labels]\n'a.b/c' = 'd'\n"),
            Layer::flags(["onFailure=join", "limits.hugepages2Mi=8", "skip=efa,limits"]),
        ];
        let text = written_toml(&layers).unwrap();
        let expected = "onFailure = \"join\"\nskip = [\"efa\", \"limits\"]\n\n[kubelet.labels]\n\"a.b/c\" = \"d\"\n\n\
                        [limits]\nhugepages2Mi = 8\n";
        assert_eq!(text, expected);
        assert_eq!(written_toml(&[]).unwrap(), "");
    }

    #[test]
    fn a_value_that_is_set_to_its_default_is_kept() {
        assert_eq!(
            written_toml(&[Layer::flags(["nccl.profile=auto"])]).unwrap(),
            "[nccl]\nprofile = \"auto\"\n"
        );
    }

    #[test]
    fn mistakes_are_told_as_they_are_of_a_file() {
        let errors = written_toml(&[Layer::flags(["onFailure=maybe", "nope=1"])]).unwrap_err();
        assert_eq!(errors.mistakes.len(), 2, "{errors}");
    }
}
