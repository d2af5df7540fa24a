//! Which names and values can be written down in every form.

/// NCCL's reader of `/etc/nccl.conf` cuts names and values at 1023 bytes (`src/misc/param.cc`, `setEnvFile`).
const LONGEST: usize = 1023;

/// A variable of the operator's that cannot be written down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name is not one that a shell takes.
    #[error(
        "{name:?} is not a variable name: letters, digits and _ are allowed, not beginning with a digit, up to 1023"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The value cannot stand on one line.
    #[error("the value of {name} contains {character:?}; a value is one line without control characters")]
    Character {
        /// The variable.
        name: String,
        /// The first character that cannot be in a value.
        character: char,
    },
    /// The value would be cut.
    #[error("the value of {name} has {length} bytes; NCCL reads 1023 at most")]
    Length {
        /// The variable.
        name: String,
        /// Bytes in the value.
        length: usize,
    },
}

/// Whether every form can carry the variable. Control characters are refused: a line break ends the value in every
/// form, and systemd drops an assignment that has most of the others (`env_value_is_valid`).
pub(super) fn check(name: &str, value: &str) -> Result<(), Error> {
    let first = name.chars().next();
    let valid = first.is_some_and(|c| !c.is_ascii_digit())
        && name.len() <= LONGEST
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid {
        return Err(Error::Name { name: name.chars().take(64).collect() });
    }
    if let Some(character) = value.chars().find(|c| c.is_control()) {
        return Err(Error::Character { name: name.to_owned(), character });
    }
    if value.len() > LONGEST {
        return Err(Error::Length { name: name.to_owned(), length: value.len() });
    }
    Ok(())
}
