//! Public keys.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use rsa::{BigUint, RsaPublicKey};

use super::packet::Reader;
use super::{Error, Fingerprint};

const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;

/// RSA, and RSA for signatures alone.
pub(super) fn is_rsa(algorithm: usize) -> bool {
    matches!(algorithm, 1 | 3)
}

/// The key with this fingerprint, whether it is a primary or a subkey: it is trusted for itself.
pub(super) fn find(packets: &[u8], trusted: &Fingerprint) -> Result<RsaPublicKey, Error> {
    let mut first = None;
    let mut reader = Reader::new(packets, "key");
    while !reader.is_empty() {
        let (tag, body) = reader.packet()?;
        if !matches!(tag, PUBLIC_KEY | PUBLIC_SUBKEY) {
            continue;
        }
        let found = fingerprint(body.rest())?;
        if found == *trusted {
            return rsa(body);
        }
        first.get_or_insert(found);
    }
    Err(match first {
        Some(found) => Error::OtherKey { found, expected: *trusted },
        None => Error::Form { what: "key", why: "there is no public key in it" },
    })
}

/// The fingerprint of the first key, and the key where it is of a kind that is used here.
pub(super) fn first(packets: &[u8]) -> Result<(Fingerprint, Result<RsaPublicKey, Error>), Error> {
    let (_, body) = Reader::new(packets, "key").packet()?;
    Ok((fingerprint(body.rest())?, rsa(body)))
}

/// The packets of the one primary key in a file, which must have this fingerprint: with its identities, and without its
/// subkeys. Old versions of rpm (CVE-2021-3521; Amazon Linux 2023 has a 4.16) take a subkey without asking whether the
/// primary key knows of it, so that anybody could add one to a key whose fingerprint is right.
pub(super) fn only<'a>(packets: &'a [u8], trusted: &Fingerprint) -> Result<&'a [u8], Error> {
    let mut reader = Reader::new(packets, "key");
    let mut primary = 0..0;
    let mut open = true;
    while !reader.is_empty() {
        let start = packets.len() - reader.rest().len();
        let (tag, body) = reader.packet()?;
        match tag {
            PUBLIC_KEY => {
                let found = fingerprint(body.rest())?;
                if found != *trusted {
                    return Err(Error::OtherKey { found, expected: *trusted });
                }
                if !primary.is_empty() {
                    return Err(reader.fail("the key is in it more than once"));
                }
                primary.start = start;
            }
            PUBLIC_SUBKEY => open = false,
            _ => {}
        }
        if open && (tag == PUBLIC_KEY || !primary.is_empty()) {
            primary.end = packets.len() - reader.rest().len();
        }
    }
    if primary.is_empty() {
        return Err(reader.fail("there is no public key in it"));
    }
    Ok(&packets[primary])
}

fn fingerprint(body: &[u8]) -> Result<Fingerprint, Error> {
    let fail = |why| Error::Form { what: "key", why };
    if body.first() != Some(&4) {
        return Err(Error::Unsupported("a key of another version than 4".to_owned()));
    }
    let length = u16::try_from(body.len()).map_err(|_| fail("a key of more than 65535 bytes"))?;
    // Version 4 says SHA-1 here (RFC 9580, 5.5.4.2). To pass for a pinned key, a second preimage would have to be
    // found, which for SHA-1 nobody can.
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(&[0x99]);
    hash.update(&length.to_be_bytes());
    hash.update(body);
    let digest = hash.finish();
    digest.as_ref().try_into().map(Fingerprint).map_err(|_| fail("its fingerprint has another length"))
}

fn rsa(mut body: Reader<'_>) -> Result<RsaPublicKey, Error> {
    let _version_and_time = body.take(5)?;
    let algorithm = body.number(1)?;
    if !is_rsa(algorithm) {
        return Err(Error::Unsupported(format!("a key of the algorithm {algorithm} (RSA is 1)")));
    }
    let (modulus, exponent) = (body.integer()?, body.integer()?);
    if modulus.len() < 256 {
        return Err(Error::Unsupported(format!(
            "an RSA key of {} bits; 2048 are the least",
            modulus.len() * 8
        )));
    }
    RsaPublicKey::new(BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent))
        .map_err(|_| body.fail("its numbers make no RSA key"))
}
