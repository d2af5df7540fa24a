//! Programs of this workspace, built so that they run in the guest whatever its C library: static.

use std::path::PathBuf;

use super::Error;
use super::programs::{finish, program, variable};
use crate::binary;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How cargo builds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build, large.
    Dev,
    /// As it is shipped.
    Release,
}

/// Builds program `name` of workspace member `package` for the guest, and gives its path. Quick when nothing changed.
pub fn guest_program(package: &str, name: &str, profile: Profile) -> Result<PathBuf, Error> {
    let workspace = binary::bed().join("..");
    let mut command = program(&variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command
        .current_dir(workspace)
        .args(["build", "--quiet", "--message-format=json", "--target", TARGET])
        .args(["--package", package, "--bin", name])
        .args((profile == Profile::Release).then_some("--release"))
        // This variable wins over RUSTFLAGS and every configuration file. With a target named, it leaves build
        // scripts and macros alone, which cannot be static.
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");
    let messages = finish(command)?;
    String::from_utf8_lossy(&messages).lines().find_map(|line| executable(line, name)).ok_or_else(|| {
        Error::Program {
            program: "cargo".to_owned(),
            detail: format!("it built {package}, but named no executable {name}"),
        }
    })
}

/// The path in one of cargo's messages, if the message is about this program.
fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let about = message.pointer("/target/name")?.as_str()? == name;
    about.then(|| message.get("executable")?.as_str().map(PathBuf::from))?
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn reads_the_path_from_cargos_message() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"a"},"executable":"/t/a"}"#;
        assert_eq!(executable(line, "a").unwrap(), Path::new("/t/a"));
        assert_eq!(executable(line, "b"), None);
        assert_eq!(executable(&line.replace("\"/t/a\"", "null"), "a"), None);
        assert_eq!(executable("warning", "a"), None);
    }
}
