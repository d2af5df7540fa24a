//! The Debian mirror and the download settings of this machine, for the chroot to use as well.

use crate::error::Error;
use crate::run;

/// How apt on this machine reaches the Debian archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    /// The archive's address.
    pub(crate) url: String,
    /// Settings in apt's own syntax.
    pub(crate) settings: Vec<String>,
}

/// Settings of this machine that decide whether a download works at all.
const SETTINGS: [&str; 3] = ["Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Date"];

impl Mirror {
    /// apt itself is asked, as it knows every place and syntax its sources can have.
    pub(crate) fn of_this_machine() -> Result<Self, Error> {
        let format = "$(LABEL) $(REPO_URI)";
        let mut targets = run::program("apt-get");
        targets.args(["indextargets", "--format", format, "Created-By: Packages"]);
        let mut text = run::read(&mut targets)?;
        if archive(&text).is_none() {
            // Without its index files apt cannot say which source is Debian's main archive.
            run::go(run::bounded(10, "apt-get").args(["-q", "update"]))?;
            text = run::read(&mut targets)?;
        }
        let url = archive(&text).map(str::to_owned).ok_or_else(|| {
            Error::Advice("apt's sources name no Debian archive to build the chroot from".to_owned())
        })?;
        let mut settings = Vec::new();
        for name in SETTINGS {
            let value = run::read(run::program("apt-config").args(["shell", "VALUE", name]))?;
            if let Some(value) = value.trim().strip_prefix("VALUE='").and_then(|v| v.strip_suffix('\'')) {
                settings.push(format!("{name} \"{value}\""));
            }
        }
        Ok(Self { url, settings })
    }
}

fn archive(targets: &str) -> Option<&str> {
    targets.lines().find_map(|line| line.strip_prefix("Debian ")).map(|url| url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_archive_is_told_from_the_others() {
        let text = "Debian-Security http://mirror.test/debian-security/\n\
                    Node http://other.test/node\n\
                    Debian http://mirror.test/debian/\n";
        assert_eq!(archive(text), Some("http://mirror.test/debian"));
        assert_eq!(archive(" http://mirror.test/debian/\n"), None);
    }
}
