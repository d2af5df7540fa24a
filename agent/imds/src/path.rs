//! Which paths may go into a URL: those that need no encoding and that nothing on the way rewrites.

use crate::Error;

/// Accepts a path below `/latest/`, for example `meta-data/instance-id`. The characters are those EC2 allows in
/// tag keys shown by IMDS, plus the slash; all other paths of IMDS are made of fewer.
pub(crate) fn check(path: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-=.,_:@/".contains(&byte);
    let bytes_fine = !path.is_empty() && path.len() <= 512 && path.bytes().all(plain);
    // URL libraries fold dots away, and an empty part would point at the listing above it.
    let listing = path.strip_suffix('/').unwrap_or(path);
    let parts_fine = listing.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if bytes_fine && parts_fine {
        return Ok(());
    }
    Err(Error::Path { path: path.chars().take(80).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_imds_has() {
        for path in [
            "user-data",
            "meta-data/",
            "meta-data/network/interfaces/macs/02:00:00:00:00:01/local-ipv4s",
            "meta-data/tags/instance/team:cost.centre=x,y_z@+1",
        ] {
            assert!(check(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn refuses_what_a_url_would_change() {
        let long = "a".repeat(513);
        for path in
            ["", "/", "/a", "a//b", "a/../b", "./a", "a/..", "a b", "a%20b", "a?b", "a#b", "ä", "a\nb", &long]
        {
            assert!(check(path).is_err(), "{path:?}");
        }
    }
}
