//! The command line.

use std::ffi::OsString;
use std::os::fd::RawFd;

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The descriptor of the socket.
    pub(crate) socket: RawFd,
    /// The name or path of NVML for the loader.
    pub(crate) nvml: OsString,
}

impl Arguments {
    /// Reads the arguments that follow the program's name.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut arguments = arguments;
        let mut parsed = Self { socket: 0, nvml: "libnvidia-ml.so.1".into() };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{}: a value is missing", name.display()))?;
            match name.to_str() {
                Some("--fd") => parsed.socket = descriptor(&value)?,
                Some("--nvml") => parsed.nvml = value,
                _ => return Err(format!("{}: not known; --fd and --nvml are", name.display())),
            }
        }
        Ok(parsed)
    }
}

fn descriptor(value: &OsString) -> Result<RawFd, String> {
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| *number >= 0);
    number.ok_or_else(|| format!("--fd {}: not a descriptor", value.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn without_arguments_it_is_descriptor_0_and_the_loaders_own_search() {
        assert_eq!(parse(&[]), Ok(Arguments { socket: 0, nvml: "libnvidia-ml.so.1".into() }));
        assert_eq!(parse(&["--fd", "7", "--nvml", "/x"]), Ok(Arguments { socket: 7, nvml: "/x".into() }));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for wrong in [&["--fd"][..], &["--fd", "-1"], &["--fd", "x"], &["--help", "1"]] {
            parse(wrong).unwrap_err();
        }
    }
}
