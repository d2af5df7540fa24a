use proptest::prelude::*;

use super::*;

#[test]
fn a_record_of_a_device_driver() {
    let bytes = b"4,1532,98237465,-,caller=T412;efa 0000:4f:00.0 rdmap79s0: Admin queue is closed\n \
                  SUBSYSTEM=pci\n DEVICE=+pci:0000:4f:00.0\n";
    let record = Record::parse(bytes).unwrap();
    assert_eq!((record.priority, record.facility, record.sequence), (4, 0, 1532));
    assert_eq!(record.microseconds, 98_237_465);
    assert!(record.is_kernel());
    assert!(matches!(record.text(), Cow::Borrowed("efa 0000:4f:00.0 rdmap79s0: Admin queue is closed")));
    assert_eq!(record.value("SUBSYSTEM").as_deref(), Some("pci"));
    assert_eq!(record.value("DEVICE").as_deref(), Some("+pci:0000:4f:00.0"));
    assert_eq!(record.value("DEV"), None);
}

#[test]
fn a_program_s_line_says_so() {
    let record = Record::parse(b"12,7,8,-;systemd[1]: a; b, c\n").unwrap();
    assert_eq!((record.priority, record.facility), (4, 1));
    assert!(!record.is_kernel());
    assert_eq!(record.text(), "systemd[1]: a; b, c");
}

#[test]
fn escapes_are_taken_back() {
    let text = |raw: &str| {
        let bytes = format!("6,1,2,-;{raw}\n");
        Record::parse(bytes.as_bytes()).unwrap().text().into_owned()
    };
    assert_eq!(text(r"NVRM: one\x0aNVRM: two"), "NVRM: one\nNVRM: two");
    assert_eq!(text(r"caf\xc3\xa9 \x5cx41"), r"café \x41");
    assert_eq!(text(r"a\xzz\x4\"), r"a\xzz\x4\");
    assert_eq!(text(r"\xff"), "\u{fffd}");
}

#[test]
fn what_is_no_record_is_refused() {
    for bytes in ["", ";", "6,1,2,-", "6,1,2;text", "6,1,,-;x", "x,1,2,-;x", "6,-1,2,-;x", " SUBSYSTEM=pci"] {
        assert_eq!(Record::parse(bytes.as_bytes()), None, "{bytes}");
    }
    assert_eq!(Record::parse(b"6,18446744073709551616,2,-;x"), None);
    assert_eq!(Record::parse(b"4294967296,1,2,-;x"), None);
    assert_eq!(Record::parse(b"6,1,2,-;").unwrap().text(), "");
}

/// As the kernel does in `msg_add_ext_text`.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'\\' | 0..32 | 127.. => format!("\\x{byte:02x}"),
            _ => char::from(byte).to_string(),
        })
        .collect()
}

proptest! {
    #[test]
    fn a_record_comes_back_from_what_the_kernel_writes(
        prefix in 0..200_u32, sequence: u64, microseconds: u64, text in "\\PC*|[ -~\\n\\\\]*",
    ) {
        let bytes = format!("{prefix},{sequence},{microseconds},-;{}\n KEY={}\n", escape(&text), escape(&text));
        let record = Record::parse(bytes.as_bytes()).unwrap();
        prop_assert_eq!(u32::from(record.priority) + 8 * record.facility, prefix);
        prop_assert_eq!((record.sequence, record.microseconds), (sequence, microseconds));
        prop_assert_eq!(record.value("KEY").unwrap(), text.as_str());
        prop_assert_eq!(record.text(), text);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        let _ = Record::parse(&bytes).map(|record| (record.text().len(), record.value("A").is_some()));
    }

    #[test]
    fn anything_behind_a_header_is_text(mut text: Vec<u8>) {
        text.splice(0..0, *b"6,1,2,-;");
        let record = Record::parse(&text).unwrap();
        let _ = (record.text(), record.value("DEVICE"));
    }
}
