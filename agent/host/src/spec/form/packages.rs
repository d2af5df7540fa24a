//! Where packages come from.

use super::super::kind::Form;
use super::{download, made_of, or};

/// A repository.
pub(crate) const REPOSITORY: Form = Form {
    allowed: "a URL that begins with https://, http:// or file:///",
    check: |text| or(url(text), "not an https://, http:// or file:/// URL"),
};

/// The key of a repository.
pub(crate) const KEY: Form = Form {
    allowed: "a URL that begins with https://, http:// or file:///, or an absolute path",
    check: |text| or(url(text) || path(text), "neither a URL nor an absolute path"),
};

/// Packages on the machine itself.
pub(crate) const OFFLINE: Form = Form {
    allowed: "the absolute path of a folder of packages or of NVIDIA's .run file",
    check: |text| or(path(text), "not an absolute path"),
};

/// The same elsewhere: one file.
pub(crate) const OFFLINE_URL: Form = Form {
    allowed: "an https://, http://, s3:// or file:/// URL whose path ends with .run, .tar.gz or .tgz",
    check: |text| {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let known = [".run", ".tar.gz", ".tgz"].iter().any(|ending| path.ends_with(ending));
        (download::URL.check)(text).and(or(known, "neither a .run file nor a .tar.gz archive"))
    },
};

/// The text ends up in repository files, one line each, where a space divides words.
fn url(text: &str) -> bool {
    let starts = ["https://", "http://", "file:///"];
    let rest = starts.iter().find_map(|start| text.strip_prefix(start)).unwrap_or_default();
    made_of(rest, plain) && text.len() <= 1024
}

fn path(text: &str) -> bool {
    let parts = text.strip_prefix('/').unwrap_or_default();
    made_of(parts, plain) && text.len() <= 1024 && parts.split('/').all(|part| part != "..")
}

fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/@%+=,".contains(&byte)
}
