//! Signatures.

use std::fmt::Write as _;
use std::io::{self, Read};

use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha2::digest::const_oid::AssociatedOid;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::key::is_rsa;
use super::packet::Reader;
use super::{Error, Fingerprint};

const SIGNATURE: u8 = 2;
/// Of a binary document.
const BINARY: usize = 0;

/// Subpackets that are understood, or that say nothing about the content (RFC 9580, 5.2.3.7). Any other that is marked
/// critical makes the signature invalid.
const UNDERSTOOD: [u8; 8] = [2, 3, 16, 20, 24, 26, 28, 33];
const ISSUER: u8 = 16;
const ISSUER_FINGERPRINT: u8 = 33;

pub(super) struct Signature<'a> {
    hash: usize,
    /// What is hashed after the content: the head of the packet, its hashed subpackets, and how long that is.
    trailer: Vec<u8>,
    number: &'a [u8],
}

/// The first signature that the trusted key may have made.
pub(super) fn find<'a>(packets: &'a [u8], trusted: &Fingerprint) -> Result<Signature<'a>, Error> {
    let mut reader = Reader::new(packets, "signature");
    let mut other = None;
    while !reader.is_empty() {
        let (tag, body) = reader.packet()?;
        if tag != SIGNATURE {
            continue;
        }
        let (signature, issuer) = parse(body)?;
        let id = &trusted.0[12..];
        match issuer {
            Some(issuer) if issuer != id => other = Some(issuer),
            Some(_) | None => return Ok(signature),
        }
    }
    Err(match other {
        Some(issuer) => Error::OtherSigner { issuer: hex(issuer), expected: *trusted },
        None => reader.fail("there is no signature in it"),
    })
}

/// A signature and the id of the key that made it, where it says.
fn parse(body: Reader<'_>) -> Result<(Signature<'_>, Option<&[u8]>), Error> {
    let mut reader = body;
    let (version, kind) = (reader.number(1)?, reader.number(1)?);
    if version != 4 {
        return Err(Error::Unsupported(format!("a signature of version {version}")));
    }
    if kind != BINARY {
        return Err(Error::Unsupported(format!("a signature of type {kind:#04x} (a file's is 0x00)")));
    }
    let (algorithm, hash) = (reader.number(1)?, reader.number(1)?);
    if !is_rsa(algorithm) {
        return Err(Error::Unsupported(format!("a signature of the algorithm {algorithm} (RSA is 1)")));
    }
    let length = reader.number(2)?;
    let mut hashed = Reader::new(reader.take(length)?, "signature");
    let signed = 6 + length;
    let mut head = body;
    let mut trailer = head.take(signed)?.to_vec();
    trailer.extend([4, 0xff]);
    trailer.extend(u32::try_from(signed).unwrap_or(u32::MAX).to_be_bytes());
    let length = reader.number(2)?;
    let mut unhashed = Reader::new(reader.take(length)?, "signature");
    let _first_two_bytes_of_the_hash = reader.take(2)?;
    let number = reader.integer()?;
    let mut issuer = None;
    for part in [&mut hashed, &mut unhashed] {
        while !part.is_empty() {
            let (kind, value) = part.subpacket()?;
            let (critical, kind) = (kind & 0x80 != 0, kind & 0x7f);
            if critical && !UNDERSTOOD.contains(&kind) {
                return Err(Error::Unsupported(format!("a critical subpacket of type {kind}")));
            }
            issuer = match (kind, value) {
                (ISSUER, id) if id.len() == 8 => Some(id),
                (ISSUER_FINGERPRINT, [4, id @ ..]) if id.len() == 20 => Some(&id[12..]),
                _ => issuer,
            };
        }
    }
    Ok((Signature { hash, trailer, number }, issuer))
}

impl Signature<'_> {
    pub(super) fn verify(&self, content: impl Read, key: &RsaPublicKey) -> Result<(), Error> {
        match self.hash {
            8 => self.verify_with::<Sha256>(content, key),
            9 => self.verify_with::<Sha384>(content, key),
            10 => self.verify_with::<Sha512>(content, key),
            2 => Err(Error::Unsupported("a signature over SHA-1, which can be forged,".to_owned())),
            other => Err(Error::Unsupported(format!("a signature over the hash {other} (SHA-256 is 8)"))),
        }
    }

    fn verify_with<D: Digest + AssociatedOid + io::Write>(
        &self,
        mut content: impl Read,
        key: &RsaPublicKey,
    ) -> Result<(), Error> {
        let mut hash = D::new();
        io::copy(&mut content, &mut hash)?;
        Digest::update(&mut hash, &self.trailer);
        let digest = hash.finalize();
        // A number does not carry the zeroes at its begin.
        let size = key.size();
        let mut number = vec![0; size.saturating_sub(self.number.len())];
        number.extend_from_slice(self.number);
        key.verify(Pkcs1v15Sign::new::<D>(), &digest, &number).map_err(|_| Error::Mismatch)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}
