use proptest::prelude::*;

use super::*;

fn note() -> Note {
    Note { source: "https://a/x".into(), validator: Some("\"v1\"".into()), total: Some(100) }
}

fn head(status: u16, range: &'static str) -> Head<'static> {
    Head { status, content_range: Some(range), etag: Some("\"v1\""), ..Head::default() }
}

fn asked() -> Rest {
    rest(40, &note(), "https://a/x", false).unwrap()
}

#[test]
fn the_rest_is_asked_for_only_where_the_parts_will_belong_together() {
    assert_eq!(asked(), Rest { from: 40, if_range: Some("\"v1\"".into()) });
    assert_eq!(rest(0, &note(), "https://a/x", true), None);
    assert_eq!(rest(40, &note(), "https://b/x", false), None);
    assert_eq!(rest(40, &note(), "https://b/x", true), Some(Rest { from: 40, if_range: None }));
    assert_eq!(rest(40, &Note { validator: None, ..note() }, "https://a/x", false), None);
}

#[test]
fn answers() {
    let from = |start, total| Body::From { start, total };
    let good = body(&head(206, "bytes 40-99/100"), Some(&asked()), &note()).unwrap();
    assert_eq!(good, from(40, Some(100)));
    let whole = Head { status: 200, length: Some(7), ..Head::default() };
    assert_eq!(body(&whole, Some(&asked()), &note()).unwrap(), from(0, Some(7)));
    assert_eq!(body(&head(416, "bytes */40"), Some(&asked()), &note()).unwrap(), Body::Nothing);
    let changed = [
        head(416, "bytes */39"),
        Head { status: 416, ..Head::default() },
        head(206, "bytes 40-98/99"),
        Head { etag: Some("\"v2\""), ..head(206, "bytes 40-99/100") },
        Head { etag: None, ..head(206, "bytes 40-99/100") },
    ];
    for head in changed {
        assert!(matches!(body(&head, Some(&asked()), &note()), Err(Cause::Changed)), "{head:?}");
    }
    let nonsense = [
        head(206, "bytes 41-99/100"),
        head(206, "bytes */100"),
        head(206, "40-99"),
        Head { length: Some(59), ..head(206, "bytes 40-99/100") },
        Head { content_range: None, ..head(206, "") },
    ];
    for head in nonsense {
        assert!(matches!(body(&head, Some(&asked()), &note()), Err(Cause::Answer(_))), "{head:?}");
    }
    assert!(body(&head(206, "bytes 0-99/100"), None, &note()).is_err());
}

#[test]
fn a_weak_tag_gives_way_to_the_date() {
    let date = Some("Sat, 21 Nov 2026 10:00:00 GMT");
    let weak = Head { etag: Some("W/\"v1\""), last_modified: date, ..Head::default() };
    assert_eq!(validator(&weak).as_deref(), date);
    assert_eq!(validator(&Head { last_modified: None, ..weak }), None);
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}|(bytes )?[0-9*-]{0,24}/[0-9*]{0,24}") {
        if let Some(range) = content_range(&text) {
            prop_assert!(range.bounds.is_none_or(|(first, last)| first <= last));
            prop_assert!(range.bounds.is_some() || range.total.is_some());
        }
    }

    #[test]
    fn a_range_is_read_as_it_was_written(first: u32, more: u32, beyond in 1..1000u64, known: bool) {
        let (first, last) = (u64::from(first), u64::from(first) + u64::from(more));
        let total = known.then_some(last + beyond);
        let text = format!("bytes {first}-{last}/{}", total.map_or("*".into(), |total| total.to_string()));
        prop_assert_eq!(content_range(&text), Some(Range { bounds: Some((first, last)), total }));
    }

    #[test]
    fn what_is_appended_always_begins_where_the_file_ends(
        status in prop::sample::select(vec![200u16, 206, 416, 304, 500]),
        range in prop::option::of("bytes ([0-9]{1,3}-[0-9]{1,3}|\\*)/([0-9]{1,3}|\\*)"),
        etag in prop::option::of(prop::sample::select(vec!["\"v1\"", "\"v2\"", "W/\"v1\""])),
        length in prop::option::of(0..200u64),
    ) {
        let head = Head { status, length, content_range: range.as_deref(), etag, last_modified: None };
        match body(&head, Some(&asked()), &note()) {
            Ok(Body::From { start, .. }) => prop_assert!(start == 0 && status == 200 || start == 40 && status == 206),
            Ok(Body::Nothing) => prop_assert_eq!(status, 416),
            Err(_) => {}
        }
    }
}
