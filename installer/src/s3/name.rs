//! Names of general purpose buckets.

/// What such names begin with that are somebody else's.
const BEGINS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
/// What names end in that are of something else: aliases of access points, directory and table buckets.
const ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Why `name` is not that of a general purpose bucket. Source: S3 User Guide, "General purpose bucket naming rules".
pub fn wrong_name(name: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let edges = [name.bytes().next(), name.bytes().last()];
    if !(3..=63).contains(&name.len()) {
        Some("not the name of a bucket: it has 3 to 63 characters")
    } else if !name.bytes().all(|byte| plain(byte) || b"-.".contains(&byte)) {
        Some("not the name of a bucket: it is made of lower-case letters, digits, - and .")
    } else if !edges.into_iter().flatten().all(plain) {
        Some("not the name of a bucket: it begins and ends with a letter or digit")
    } else if name.contains("..") {
        Some("not the name of a bucket: two dots are side by side")
    } else if name.parse::<std::net::Ipv4Addr>().is_ok() {
        Some("not the name of a bucket: it is an IP address")
    } else if BEGINS.iter().any(|begin| name.starts_with(begin)) {
        Some("not the name of a bucket: xn--, sthree- and amzn-s3-demo- are kept by AWS")
    } else if ENDS.iter().any(|end| name.ends_with(end)) {
        Some("the name of an access point, a directory bucket or a table bucket")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_aws_s_rules() {
        for right in ["abc", "a.b-c", "0a1", "logs-123456789012-us-west-2-an", "a.1.2.3", &"a".repeat(63)] {
            assert_eq!(wrong_name(right), None, "{right}");
        }
        for wrong in [
            "ab",
            "Data",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "10.0.0.1",
            "xn--a",
            "sthree-a",
            "amzn-s3-demo-bucket",
            "a-s3alias",
            "a--ol-s3",
            "m.mrap",
            "data--usw2-az1--x-s3",
            "t--table-s3",
            "dätä",
            "a b",
            &"a".repeat(64),
        ] {
            assert!(wrong_name(wrong).is_some(), "{wrong}");
        }
    }
}
