//! ASCII armor (RFC 9580, 6): base64 between two lines.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Error;

const BEGIN: &str = "-----BEGIN PGP ";
const END: &str = "-----END PGP ";

/// The armor of a public key. rpm wants the checksum, which newer standards have given up.
pub(super) fn of_key(packets: &[u8]) -> String {
    let mut text = format!("{BEGIN}PUBLIC KEY BLOCK-----\n\n");
    let base64 = STANDARD.encode(packets);
    for line in base64.as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    let checksum = STANDARD.encode(&crc24(packets).to_be_bytes()[1..]);
    format!("{text}={checksum}\n{END}PUBLIC KEY BLOCK-----\n")
}

/// RFC 9580, 6.1.1.
fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 16, |crc, _| {
            let next = crc << 1;
            (if next & 0x0100_0000 == 0 { next } else { next ^ 0x0186_4cfb }) & 0x00ff_ffff
        })
    })
}

/// The packets inside, whether or not there is armor around. Its checksum is not looked at: what matters is proved by
/// the signature, and newer files have none.
pub(super) fn open<'a>(bytes: &'a [u8], what: &'static str) -> Result<Cow<'a, [u8]>, Error> {
    // The first byte of a packet has its highest bit set, which no letter has.
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        return Ok(Cow::Borrowed(bytes));
    }
    let fail = |why| Error::Form { what, why };
    let text = std::str::from_utf8(bytes).map_err(|_| fail("neither OpenPGP packets nor armor"))?;
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with(BEGIN)).skip(1);
    // Headers such as `Version: GnuPG v2` end with an empty line, which is there also without any.
    let mut base64 = String::new();
    if lines.by_ref().find(|line| line.is_empty() || !line.contains(": ")).is_none_or(|line| !line.is_empty())
    {
        return Err(fail("the armor has no empty line before its content"));
    }
    for line in lines {
        // `=njUN`: the checksum.
        if line.starts_with(END) || line.len() == 5 && line.starts_with('=') {
            return STANDARD.decode(&base64).map(Cow::Owned).map_err(|_| fail("the armor is not base64"));
        }
        base64.push_str(line);
    }
    Err(fail("the armor has no end"))
}
