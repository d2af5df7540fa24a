//! Against signatures that gpg has made.

use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;

const CONTENT: &[u8] = include_bytes!("testdata/content");
const KEY: &[u8] = include_bytes!("testdata/key.asc");
const OTHER_KEY: &[u8] = include_bytes!("testdata/other.asc");
const SIGNATURE: &[u8] = include_bytes!("testdata/content.sig");
const ARMORED: &[u8] = include_bytes!("testdata/content.asc");
const BY_OTHER: &[u8] = include_bytes!("testdata/content.other.sig");
const OVER_SHA1: &[u8] = include_bytes!("testdata/content.sha1.sig");
const OF_TEXT: &[u8] = include_bytes!("testdata/content.text.sig");

fn fingerprint() -> Fingerprint {
    include_str!("testdata/fingerprint").trim().parse().unwrap()
}

fn check(content: &[u8], signature: &[u8], key: &[u8]) -> Result<(), Error> {
    verify(content, signature, key, &fingerprint())
}

#[test]
fn a_good_signature_armored_or_plain() {
    for signature in [SIGNATURE, ARMORED] {
        check(CONTENT, signature, KEY).unwrap();
        check(CONTENT, signature, &armor::open(KEY, "key").unwrap()).unwrap();
    }
    let both = [BY_OTHER, SIGNATURE].concat();
    check(CONTENT, &both, KEY).unwrap();
    let keys = [armor::open(OTHER_KEY, "key").unwrap(), armor::open(KEY, "key").unwrap()].concat();
    check(CONTENT, SIGNATURE, &keys).unwrap();
}

#[test]
fn what_does_not_hold_says_why() {
    let end = [CONTENT, b"x"].concat();
    assert!(matches!(check(&end, SIGNATURE, KEY), Err(Error::Mismatch)));
    assert!(matches!(check(b"", SIGNATURE, KEY), Err(Error::Mismatch)));
    assert!(matches!(check(CONTENT, SIGNATURE, OTHER_KEY), Err(Error::OtherKey { .. })));
    assert!(matches!(check(CONTENT, BY_OTHER, KEY), Err(Error::OtherSigner { .. })));
    for unsupported in [OVER_SHA1, OF_TEXT] {
        assert!(matches!(check(CONTENT, unsupported, KEY), Err(Error::Unsupported(_))));
    }
    for nothing in [&b""[..], b"404 not found", b"-----BEGIN PGP SIGNATURE-----\n\n", &[0xff; 40]] {
        let error = check(CONTENT, nothing, KEY).unwrap_err();
        assert!(matches!(error, Error::Form { what: "signature", .. }), "{error}");
        assert!(check(CONTENT, SIGNATURE, nothing).is_err());
    }
}

/// What a package manager is told to trust holds the pinned key and nothing that somebody has put beside it.
#[test]
fn a_key_file_holds_the_pinned_key_alone() {
    let plain = armor::open(KEY, "key").unwrap().into_owned();
    let written = only_key(KEY, &fingerprint()).unwrap();
    assert_eq!(*armor::open(written.as_bytes(), "key").unwrap(), plain);
    assert_eq!(only_key(&plain, &fingerprint()).unwrap(), written);
    // gpg has written the same checksum.
    let line = |text: &[u8]| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        text.lines().find(|line| line.starts_with('=')).unwrap().to_owned()
    };
    assert_eq!(line(written.as_bytes()), line(KEY));
    assert!(matches!(only_key(OTHER_KEY, &fingerprint()), Err(Error::OtherKey { .. })));
    let other = armor::open(OTHER_KEY, "key").unwrap().into_owned();
    for both in [[&plain[..], &other], [&other, &plain]] {
        assert!(matches!(only_key(&both.concat(), &fingerprint()), Err(Error::OtherKey { .. })));
    }
    assert!(only_key(&[&plain[..], &plain].concat(), &fingerprint()).is_err());
    // In an armor of its own behind the first, where rpm and gpg would read on.
    assert_eq!(only_key(&[KEY, OTHER_KEY].concat(), &fingerprint()).unwrap(), written);
    // The other key as a subkey that nobody has vouched for: packet 6 becomes packet 14.
    let mut subkey = other.clone();
    subkey[0] = subkey[0] & 0xc3 | 14 << 2;
    assert_eq!(only_key(&[&plain[..], &subkey].concat(), &fingerprint()).unwrap(), written);
    for nothing in [&b""[..], b"404 not found", &plain[..40]] {
        assert!(matches!(only_key(nothing, &fingerprint()), Err(Error::Form { .. })));
    }
}

#[test]
fn no_changed_byte_and_no_cut_passes() {
    for at in 0..SIGNATURE.len() {
        assert!(check(CONTENT, &SIGNATURE[..at], KEY).is_err(), "cut at {at}");
        let mut changed = SIGNATURE.to_vec();
        changed[at] ^= 1;
        // The unhashed part is not signed: the issuer in it is a hint, and the first bytes of the hash are one too.
        if check(CONTENT, &changed, KEY).is_ok() {
            let hashed = 6 + usize::from(SIGNATURE[8]);
            let number = SIGNATURE.len() - 256 - 2;
            assert!((3 + hashed..number + 2).contains(&at), "byte {at} is not looked at");
        }
    }
}

#[test]
fn fingerprints_are_read_as_gpg_prints_them() {
    let text = "4E90 91BC BB97 A96B 26B1  5E59 A054 80B1 DD2D 3CCC";
    let parsed: Fingerprint = text.parse().unwrap();
    assert_eq!(parsed.to_string(), text.replace(' ', ""));
    for wrong in ["", "DD2D3CCC", "4E90:91BC", &format!("{text} 00")] {
        assert_eq!(wrong.parse::<Fingerprint>(), Err(ParseError), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..KEY.len()) {
        fuzz(&bytes);
        let mut key = armor::open(KEY, "key").unwrap().into_owned();
        let length = key.len();
        key[at % length] = bytes.first().copied().unwrap_or(0);
        fuzz(&key);
    }

    #[test]
    fn any_text_is_answered(text in "(-----BEGIN PGP [A-Z ]{0,12}-----\n)?(a: b\n)?\n?[A-Za-z0-9+/=]{0,90}\n(=[a-z]{4}\n)?(-----END PGP X-----)?") {
        fuzz(text.as_bytes());
    }
}

/// Makes the files anew: `cargo test -p gpunode-fetch -- --ignored gpg`. The secret keys are thrown away.
#[test]
#[ignore = "writes into the source tree; needs gpg"]
#[expect(clippy::disallowed_methods, reason = "runs gpg")]
fn gpg_makes_the_test_data() {
    let folder = Path::new("src/openpgp/testdata");
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("content"), b"content\n\x00\xff\n").unwrap();
    let home = tempfile::tempdir().unwrap();
    let gpg = |words: &str| {
        let mut gpg = Command::new("gpg");
        gpg.current_dir(folder).args([
            "--homedir",
            home.path().to_str().unwrap(),
            "--batch",
            "--yes",
            "--quiet",
        ]);
        let output =
            gpg.args(["--passphrase", "", "--pinentry-mode", "loopback"]).args(words.split(' ')).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    for name in ["key", "other"] {
        gpg(&format!("--quick-generate-key {name}@test rsa2048 sign never"));
        fs::write(folder.join(format!("{name}.asc")), gpg(&format!("--armor --export {name}@test"))).unwrap();
    }
    let listed = String::from_utf8(gpg("--with-colons --fingerprint key@test")).unwrap();
    let line = listed.lines().find(|line| line.starts_with("fpr")).unwrap();
    fs::write(folder.join("fingerprint"), line.split(':').nth(9).unwrap()).unwrap();
    for (file, words) in [
        ("content.sig", "-u key@test --digest-algo SHA512 --detach-sign"),
        ("content.asc", "-u key@test --digest-algo SHA256 --armor --detach-sign"),
        ("content.other.sig", "-u other@test --detach-sign"),
        ("content.sha1.sig", "-u key@test --digest-algo SHA1 --detach-sign"),
        ("content.text.sig", "-u key@test --textmode --detach-sign"),
    ] {
        gpg(&format!("--output {file} {words} content"));
    }
}
