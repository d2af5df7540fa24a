use proptest::prelude::*;

use super::*;

const ANSWER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n \
    <set><item><id>a</id><tagSet><item><key>k</key><value>1 &lt; 2 &#x26;&#38; &unknown;</value></item></tagSet></item>\
    <item/></set><empty/></R>";

#[test]
fn an_answer_is_read() {
    let root = Element::read(ANSWER.as_bytes()).unwrap();
    let items: Vec<_> = root.items("set").collect();
    assert_eq!((items.len(), items[0].text("id")), (2, "a"));
    assert_eq!(items[0].tag("k").as_deref(), Some("1 < 2 && &unknown;"));
    assert_eq!((items[1].tag("k"), root.text("none"), root.items("empty").count()), (None, "", 0));
    assert_eq!(root.find("key").unwrap().text, "k");
}

#[test]
fn what_is_cut_off_is_no_answer() {
    let end = ANSWER.len() - 1;
    for cut in (0..end).filter(|cut| ANSWER.is_char_boundary(*cut)) {
        assert!(Element::read(&ANSWER.as_bytes()[..cut]).is_err(), "{cut}");
    }
    for wrong in ["", "text", "<a></b>", "<a/><b/>", "<a/>text", "</a>", "\u{0}", "<a>&", "{\"a\":1}"] {
        assert!(Element::read(wrong.as_bytes()).is_err(), "{wrong}");
    }
    assert!(matches!(Element::read("<a>".repeat(65).as_bytes()), Err(XmlError::TooDeep)));
    assert!(matches!(Element::read(&vec![b' '; MOST_BYTES + 1]), Err(XmlError::TooLong(_))));
    assert!(matches!(Element::read(b"<a>\xff</a>"), Err(XmlError::Text(_))));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Element::read(&bytes);
    }

    #[test]
    fn what_looks_like_xml_never_panics(text in "(<[a-c]>|</[a-c]>|<[a-c]/>|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<\\?|&|&#x?[0-9a-f]{1,9};|[<>&;\"'=/ a-c]){0,40}") {
        let _ = Element::read(text.as_bytes());
    }

    #[test]
    fn texts_come_back_as_they_were(text in "\\PC{0,30}") {
        let root = Element::read(format!("<a><b>{}</b></a>", escaped(&text)).as_bytes()).unwrap();
        prop_assert_eq!(root.text("b"), text.trim());
    }
}
