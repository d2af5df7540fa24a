//! Texts within bounds.

/// Kubernetes bounds the message of a condition nowhere; kubectl shows it on one line, and every byte is kept in etcd
/// with each write of the node. An event's note may have 1024 bytes.
pub(crate) const MESSAGE: usize = 1024;

/// At most `most` bytes of the text, cut between characters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// As many sentences as fit, and how many more there are.
pub(crate) fn join(sentences: &[String]) -> String {
    // Room for the count of the rest, in the longest case.
    const ROOM: usize = 24;
    let mut text = String::new();
    for (nth, sentence) in sentences.iter().enumerate() {
        let last = nth + 1 == sentences.len();
        let most = if last { MESSAGE } else { MESSAGE - ROOM };
        let glue = if text.is_empty() { "" } else { "; " };
        if text.len() + glue.len() + sentence.len() > most {
            if text.is_empty() {
                // One that is too long alone.
                text.push_str(cut(sentence, MESSAGE - ROOM));
                return rest(text, sentences.len() - 1);
            }
            return rest(text, sentences.len() - nth);
        }
        text.push_str(glue);
        text.push_str(sentence);
    }
    text
}

fn rest(text: String, count: usize) -> String {
    if count == 0 { text } else { format!("{text}; and {count} more") }
}

/// RFC 3339 to the second, as conditions have it. Years beyond 9999 do not fit the form.
pub(crate) fn time(unix_ms: u64) -> String {
    humantime::format_rfc3339_seconds(moment(unix_ms)).to_string()
}

/// RFC 3339 to the microsecond, as events have it.
pub(crate) fn micro_time(unix_ms: u64) -> String {
    humantime::format_rfc3339_micros(moment(unix_ms)).to_string()
}

fn moment(unix_ms: u64) -> std::time::SystemTime {
    // The last second of the year 9999: what formats times panics beyond it.
    const LAST: u64 = 253_402_300_799_000;
    std::time::UNIX_EPOCH + std::time::Duration::from_millis(unix_ms.min(LAST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let long: Vec<_> = (0..32).map(|nth| format!("EFA rdmap{nth}s0: {}", "x".repeat(60))).collect();
        let text = join(&long);
        assert!(text.ends_with("more") && text.len() <= MESSAGE, "{text}");
        let told = text.matches("EFA").count();
        assert!(text.ends_with(&format!("and {} more", 32 - told)), "{text}");
        assert_eq!(join(&["a".into(), "b".into()]), "a; b");
        assert_eq!(join(&[]), "");
    }

    #[test]
    fn times_have_the_form_of_the_api() {
        assert_eq!(time(1_700_000_000_123), "2023-11-14T22:13:20Z");
        assert_eq!(micro_time(1_700_000_000_123), "2023-11-14T22:13:20.123000Z");
        assert!(time(u64::MAX).starts_with("9999"));
    }

    proptest! {
        #[test]
        fn messages_are_bounded(sentences in prop::collection::vec("[a-zä]{0,400}", 0..40)) {
            let text = join(&sentences);
            prop_assert!(text.len() <= MESSAGE, "{}", text.len());
        }
    }
}
