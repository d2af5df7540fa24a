//! IAM documents, so that two that mean the same are the same.

use serde_json::Value;

/// `document` with lists of strings sorted, and those of one string as that string: IAM takes both forms, and may give
/// back the other one in another order. Source: IAM User Guide, "IAM JSON policy elements", on lists of one element.
pub(crate) fn canonical(document: Value) -> Value {
    match document {
        Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(name, value)| (name, canonical(value))).collect())
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let mut items = items;
            items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            items.dedup();
            match items.len() {
                1 => items.remove(0),
                _ => Value::Array(items),
            }
        }
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        other => other,
    }
}

/// What IAM gave back: JSON in percent-encoding (RFC 3986). What is no JSON is kept as text, so that it differs.
pub(super) fn decoded(text: &str) -> Value {
    let plain = percent_decoded(text);
    serde_json::from_str(&plain).map_or(Value::String(plain), canonical)
}

/// What SQS gave back: plain JSON.
pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).map_or_else(|_| Value::String(text.to_owned()), canonical)
}

fn percent_decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (bytes, mut plain, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let pair = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2)));
        if let (b'%', (Some(high), Some(low))) = (byte, pair) {
            // Two hexadecimal digits fit into a byte.
            plain.extend(u8::try_from(high * 16 + low));
            at += 3;
        } else {
            plain.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn order_and_lists_of_one_make_no_difference() {
        let one = json!({ "Statement": [{ "Action": ["b", "a"], "Resource": ["*"] }] });
        let other = json!({ "Statement": [{ "Resource": "*", "Action": ["a", "b"] }] });
        assert_eq!(canonical(one), canonical(other.clone()));
        let less = json!({ "Statement": [{ "Resource": "*", "Action": ["a"] }] });
        assert_ne!(canonical(other), canonical(less));
        assert_eq!(decoded("%7B%22a%22%3A1%7D"), json!({ "a": 1 }));
        assert_eq!(decoded("%7B%2"), json!("{%2"));
    }

    fn hex(digit: u8) -> char {
        char::from_digit(u32::from(digit), 16).unwrap()
    }

    proptest! {
        #[test]
        fn whatever_comes_back_is_read(text in "[%0-9a-fG{}\u{e9}]{0,40}") {
            decoded(&text);
        }

        #[test]
        fn what_was_encoded_is_what_it_was(text in "\\PC{0,20}") {
            let encoded: String = text.bytes().flat_map(|byte| ['%', hex(byte >> 4), hex(byte & 15)]).collect();
            prop_assert_eq!(percent_decoded(&encoded), text);
        }
    }
}
