use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

const MULTIPART: &str = "MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"//\"

--//
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig

--//
Content-Type: application/vnd.gpunode.node+toml

[dataVolumes]
mountPath = \"/data\"

--//
Content-Type: text/x-shellscript; charset=\"us-ascii\"

#!/bin/bash
echo '# gpunode'
--//
Content-Type: text/x-gpunode
Content-Transfer-Encoding: base64

b25GYWlsdXJlID0gImhhbHQiCg==
--//--
";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn check_multipart(parts: &[Part], document: &str) {
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].number, 2);
    assert_eq!(parts[0].text.trim(), "[dataVolumes]\nmountPath = \"/data\"");
    let line = document.lines().nth(parts[0].first_line - 1).unwrap();
    assert_eq!(line, "[dataVolumes]");
    assert!(!parts[0].encoded);
    assert_eq!(parts[1].number, 4);
    assert_eq!(parts[1].text, "onFailure = \"halt\"\n");
    assert!(parts[1].encoded);
}

#[test]
fn finds_our_parts_beside_others() {
    check_multipart(&parse(MULTIPART.as_bytes()).unwrap(), MULTIPART);
}

#[test]
fn accepts_gzip_and_an_empty_first_line() {
    check_multipart(&parse(&gzip(MULTIPART.as_bytes())).unwrap(), MULTIPART);
    for shifted in [format!("\n{MULTIPART}"), format!("\u{feff}{MULTIPART}")] {
        check_multipart(&parse(shifted.as_bytes()).unwrap(), &shifted);
    }
}

#[test]
fn accepts_windows_line_ends() {
    let document = MULTIPART.replace('\n', "\r\n");
    let parts = parse(document.as_bytes()).unwrap();
    assert_eq!(parts[0].text.trim(), "[dataVolumes]\r\nmountPath = \"/data\"");
    assert_eq!(document.lines().nth(parts[0].first_line - 1), Some("[dataVolumes]"));
}

#[test]
fn accepts_a_missing_last_delimiter() {
    let document = MULTIPART.replace("--//--\n", "");
    check_multipart(&parse(document.as_bytes()).unwrap(), &document);
}

#[test]
fn a_delimiter_is_a_whole_line() {
    let document = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/x-gpunode\n\n# --b\n--bc\n--b--\n";
    assert_eq!(parse(document.as_bytes()).unwrap()[0].text, "# --b\n--bc");
}

#[test]
fn accepts_marked_text_alone_and_as_a_plain_part() {
    for text in ["# gpunode\n[sysctl]\n", "# gpunode v1\r\n", "# gpunode", "\n# gpunode\n"] {
        let parts = parse(text.as_bytes()).unwrap();
        assert_eq!((parts[0].text.as_str(), parts[0].first_line), (text, 1));
    }
    assert_eq!(parse("\u{feff}# gpunode\n".as_bytes()).unwrap()[0].text, "# gpunode\n");
    let plain = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n# gpunode\nskip = []\n--b--\n";
    let parts = parse(plain.as_bytes()).unwrap();
    assert_eq!((parts[0].text.as_str(), parts[0].first_line), ("# gpunode\nskip = []", 5));
    let alone = "Content-Type: text/x-gpunode\n\nskip = []\n";
    assert_eq!(parse(alone.as_bytes()).unwrap()[0].text, "skip = []\n");
}

#[test]
fn what_belongs_to_others_is_no_error() {
    let others: [&[u8]; 10] = [
        b"",
        b"\n\n",
        b"#!/bin/bash\n# gpunode\n",
        b"# gpunodes\n",
        b"apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\n",
        b"[settings.kubernetes]\ncluster-name = \"x\"\n",
        b"\x00\xff\xfe\x80garbage",
        b"Content-Type: multipart/mixed\n\nno boundary\n",
        b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n%%%\n",
        b"Content-Type: multipart/mixed; boundary=b\n\nno part\n",
    ];
    for other in others {
        assert_eq!(parse(other).unwrap(), [], "{:?}", String::from_utf8_lossy(other));
    }
    assert_eq!(parse(&gzip(b"#!/bin/sh\n")).unwrap(), []);
}

#[test]
fn a_part_may_be_compressed() {
    let mut document = b"Content-Type: text/x-gpunode\nContent-Transfer-Encoding: binary\n\n".to_vec();
    document.extend(gzip(b"skip = []\n"));
    let parts = parse(&document).unwrap();
    assert_eq!((parts[0].text.as_str(), parts[0].encoded), ("skip = []\n", true));
}

#[test]
fn bounds_size_and_inflation() {
    assert!(matches!(parse(&vec![b'a'; MAX_RAW + 1]), Err(UserDataError::TooLarge { size: 65537 })));
    let bomb = gzip(&vec![b'a'; 32 * MAX_INFLATED]);
    assert!(bomb.len() < MAX_RAW);
    assert!(matches!(parse(&bomb), Err(UserDataError::InflatedTooLarge { place: Place::Document })));
    assert_eq!(parse(&gzip(&vec![b'a'; MAX_INFLATED])).unwrap(), []);
    assert!(matches!(parse(&gzip(b"text")[..12]), Err(UserDataError::Gzip { .. })));
}

#[test]
fn bounds_nesting_and_parts() {
    // In a few KiB of gzip; without a bound on recursion this ends the process.
    let level = |level: u32| {
        format!(
            "Content-Type: multipart/x; boundary=b{level}

--b{level}
"
        )
    };
    let deep = (0..8_000).map(level).collect::<Vec<_>>().concat();
    assert!(matches!(parse(&gzip(deep.as_bytes())), Err(UserDataError::TooDeep)));
    let wide = format!("Content-Type: multipart/x; boundary=b\n\n{}", "--b\n\n".repeat(9_000));
    assert!(matches!(parse(wide.as_bytes()), Err(UserDataError::TooManyParts)));
}

#[test]
fn errors_name_the_part_and_its_line() {
    let document = |rest: &str| {
        format!("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: {rest}\n--b--\n")
    };
    let message = |rest: &str| parse(document(rest).as_bytes()).unwrap_err().to_string();
    assert_eq!(
        message("application/x-gpunode\n\n"),
        "user data part 1 (line 6): content type \"application/x-gpunode\" is not known; allowed: \
         application/vnd.gpunode.node+toml, text/x-gpunode"
    );
    let encoded = message("text/x-gpunode\nContent-Transfer-Encoding: base64\n\n&&&");
    assert!(encoded.starts_with("user data part 1 (line 7): cannot undo its transfer encoding"), "{encoded}");
    assert!(matches!(parse(b"# gpunode\n\xff"), Err(UserDataError::NotUtf8 { place: Place::Document, .. })));
}

/// Pieces that a parser of this format trips over, in any order.
#[test]
fn nodeadms_documents_are_found_in_every_wrapping() {
    let config = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: {}\n";
    let mime = format!(
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"//\"\n\n--//\nContent-Type: \
         application/node.eks.aws\n\n{config}\n--//\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho \
         node.eks.aws/\n\n--//\nContent-Type: application/node.eks.aws\nContent-Transfer-Encoding: \
         base64\n\na2luZDogTm9kZUNvbmZpZwo=\n--//--\n"
    );
    let expected = [config, "kind: NodeConfig\n"];
    let trimmed = |found: Vec<String>| found.iter().map(|text| text.trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(node_configs(mime.as_bytes())), expected.map(str::trim));
    assert_eq!(trimmed(node_configs(&gzip(mime.as_bytes()))), expected.map(str::trim));
    assert_eq!(node_configs(config.as_bytes()), [config]);
    let script = format!("#!/bin/sh\ncat > x <<END\n{config}END\n");
    for others in [script.as_bytes(), b"", b"# gpunode\n", b"\x1f\x8b damaged", b"\xff\xfe"] {
        assert!(node_configs(others).is_empty(), "{others:?}");
    }
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec()),
        Just(b"Content-Type: text/x-gpunode\r\n\r\n".to_vec()),
        Just(b"Content-Type: text/plain\n".to_vec()),
        Just(b"Content-Transfer-Encoding: base64\n".to_vec()),
        Just(b"Content-Transfer-Encoding: quoted-printable\n\n=3D=\n".to_vec()),
        Just(b"--b\n".to_vec()),
        Just(b"--b--\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"# gpunode\n".to_vec()),
        Just(vec![0x1f, 0x8b, 8, 0]),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        fuzz(&bytes);
        fuzz(&gzip(&bytes));
    }

    #[test]
    fn any_pieces_are_bounded_and_lines_are_right(bytes in pieces(), packed: bool) {
        fuzz(&if packed { gzip(&bytes) } else { bytes.clone() });
        for part in parse(&bytes).unwrap_or_default() {
            prop_assert!(part.first_line >= 1);
            let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
            if let (false, Some(first)) = (part.encoded, part.text.split('\n').next()) {
                let line = lines.get(part.first_line - 1).copied().unwrap_or_default();
                prop_assert!(line.starts_with(first.as_bytes()), "{:?} in {:?}", first, line);
            }
        }
    }

    #[test]
    fn what_is_written_is_read(text in "[ -~]{0,40}(\n[ -~]{0,40}){0,5}") {
        let document = format!(
            "Content-Type: multipart/mixed; boundary=zYx\n\n--zYx\nContent-Type: text/x-gpunode\n\n{text}\n--zYx--\n"
        );
        prop_assume!(!text.contains("--zYx"));
        prop_assert_eq!(&parse(document.as_bytes()).unwrap()[0].text, &text);
    }
}
