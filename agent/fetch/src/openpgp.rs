//! Detached OpenPGP signatures (RFC 4880, RFC 9580), as far as publishers of software use them: version 4, RSA, SHA-2.
//!
//! It needs no gpg on the machine (Amazon Linux carries one that cannot do it) and no keyring: one key is trusted,
//! the one whose fingerprint the caller pins. Hence no web of trust, no identities, no dates: whoever pins a key says
//! that it is good, and the clock of a machine that boots is not yet to be trusted. SHA-1 is refused.

mod armor;
mod key;
mod packet;
mod signature;

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

/// The SHA-1 of a version 4 key, by which it is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub(crate) [u8; 20]);

/// Why a signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no key or no signature.
    #[error("the {what} cannot be read: {why}")]
    Form {
        /// `key` or `signature`.
        what: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The key file holds another key.
    #[error("the key has the fingerprint {found}; {expected} is trusted")]
    OtherKey {
        /// What it holds, the first of them.
        found: Fingerprint,
        /// The pinned one.
        expected: Fingerprint,
    },
    /// Another key has signed.
    #[error("it was signed by another key (id {issuer}), not by {expected}")]
    OtherSigner {
        /// The key's id, the last 8 bytes of its fingerprint.
        issuer: String,
        /// The pinned one.
        expected: Fingerprint,
    },
    /// Nothing is wrong with its form, but it is of a kind that is not used here.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The content is not what was signed.
    #[error("it was not made for this content")]
    Mismatch,
    /// The content cannot be read.
    #[error("the content cannot be read")]
    Read(#[from] io::Error),
}

/// Whether `signature` says that the key with the fingerprint `trusted`, which is among `key`, has signed `content`.
/// Both may be armored or plain.
pub fn verify(content: impl Read, signature: &[u8], key: &[u8], trusted: &Fingerprint) -> Result<(), Error> {
    let key = key::find(&armor::open(key, "key")?, trusted)?;
    let packets = armor::open(signature, "signature")?;
    signature::find(&packets, trusted)?.verify(content, &key)
}

/// A key file for a program that trusts all that is in it, made from one of which only the fingerprint is known: the
/// key with this fingerprint and nothing else, armored anew, so that the program reads what was looked at here. Another
/// key beside it is an error; its subkeys are left out, so what a subkey has signed is not taken.
pub fn only_key(raw: &[u8], trusted: &Fingerprint) -> Result<String, Error> {
    let packets = armor::open(raw, "key")?;
    key::only(&packets, trusted).map(armor::of_key)
}

/// Entry for fuzzers: `raw` as a key and as a signature.
///
/// # Panics
/// When a key that was written is not read again as it is; no bytes may bring it about.
pub fn fuzz(raw: &[u8]) {
    let trusted = Fingerprint([0; 20]);
    let _ = verify(&b""[..], raw, raw, &trusted);
    for what in ["key", "signature"] {
        if let Ok(raw) = armor::open(raw, what) {
            let _ = key::first(&raw);
            let _ = signature::find(&raw, &trusted);
            if let Ok((own, _)) = key::first(&raw)
                && let Ok(text) = only_key(&raw, &own)
            {
                // What is written is read again, and has nothing more to lose.
                assert_eq!(only_key(text.as_bytes(), &own).ok(), Some(text));
            }
        }
    }
}

/// As gpg prints it, or without the spaces.
impl FromStr for Fingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let digits: String = text.chars().filter(|c| *c != ' ').collect();
        crate::sha256::hex(&digits).map(Self).ok_or(ParseError)
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the fingerprint of an OpenPGP key: 40 hexadecimal digits are wanted")]
pub struct ParseError;

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests;
