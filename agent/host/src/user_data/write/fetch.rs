//! The shell part that brings the agent to a plain image.

/// The one script; `ami/user-data.sh` is also for people who write their user data by hand.
const SCRIPT: &str = include_str!("../../../../../ami/user-data.sh");

/// Bytes of a URL; a signed URL of S3 has about 1500.
const MAX_URL: usize = 2048;

/// Where the agent is fetched from, and the sum that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    url: String,
    sha256: String,
}

/// Why the agent could not be fetched in this way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Something that curl on the node would not fetch, or that has no place between quotes of a shell.
    #[error("{url:?} is not a URL that the node can fetch: {problem}")]
    Url {
        /// As given, cut where it is long.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Not 64 hexadecimal digits.
    #[error(
        "{sum:?} is not a SHA-256 sum, which has 64 hexadecimal digits (`sha256sum gpunode-agent` prints it)"
    )]
    Sum {
        /// As given, cut where it is long.
        sum: String,
    },
}

impl Fetch {
    /// From an `http` or `https` URL and a SHA-256 sum in hexadecimal digits of either case.
    pub fn new(url: &str, sha256: &str) -> Result<Self, FetchError> {
        check(url).map_err(|problem| FetchError::Url { url: short(url), problem })?;
        let sum = sha256.trim();
        if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FetchError::Sum { sum: short(sum) });
        }
        Ok(Self { url: url.to_owned(), sha256: sum.to_ascii_lowercase() })
    }

    /// The script with both put in. Comments are for the file's readers and cost bytes here.
    pub(super) fn script(&self) -> String {
        let is_code = |line: &&str| line.starts_with("#!") || !line.trim_start().starts_with('#');
        let mut script: String = SCRIPT.lines().filter(is_code).flat_map(|line| [line, "\n"]).collect();
        for (mark, value) in [("@URL@", &self.url), ("@SHA256@", &self.sha256)] {
            script = script.replace(mark, value);
        }
        script
    }
}

/// By RFC 3986; its quote and `@` marks are left out, of which a URL of a release has none.
fn check(url: &str) -> Result<(), &'static str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else { return Err("it must begin with https:// or http://") };
    if url.len() > MAX_URL {
        return Err("it has more than 2048 bytes");
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') {
        return Err("it names no host");
    }
    if host.contains('@') {
        return Err("user data is no place for a password");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]!$&()*+,;=%".contains(&byte);
    if !url.bytes().all(allowed) {
        return Err("it holds a character that a URL has no place for; write it as %XX");
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.chars().take(120).collect()
}
