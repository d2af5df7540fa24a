//! Reading what another version of a program has kept.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// An element that this version knows, or one that it does not.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element<T> {
    Known(T),
    Unknown(IgnoredAny),
}

/// The elements of a list that this version knows; the others are left out, and do not take the rest with them.
pub fn known<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let all = Vec::<Element<T>>::deserialize(deserializer)?;
    let known = |element| match element {
        Element::Known(it) => Some(it),
        Element::Unknown(IgnoredAny) => None,
    };
    Ok(all.into_iter().filter_map(known).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    enum Word {
        Old,
    }

    #[derive(Deserialize)]
    struct List {
        #[serde(deserialize_with = "known")]
        words: Vec<Word>,
    }

    #[test]
    fn what_is_new_is_left_out_and_nothing_else() {
        let text = r#"{"words":["Old","New",{"Newer":[1]},null,"Old"]}"#;
        let list: List = serde_json::from_str(text).unwrap();
        assert_eq!(list.words, [Word::Old, Word::Old]);
        assert!(serde_json::from_str::<List>(r#"{"words":3}"#).is_err());
    }
}
