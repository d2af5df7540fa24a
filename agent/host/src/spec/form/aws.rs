//! Names that AWS gives.

use super::super::kind::Form;
use super::{made_of, or};

/// EKS cluster name.
pub const CLUSTER: Form = Form {
    allowed: "an EKS cluster name: up to 100 letters, digits, - and _, beginning with a letter or digit",
    check: |text| {
        let starts = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let made = made_of(text, |byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        or(starts && made && text.len() <= 100, "not an EKS cluster name")
    },
};

/// Region, of any partition: `us-west-2`, `us-gov-west-1`, `us-iso-east-1`.
pub const REGION: Form = Form {
    allowed: "an AWS region, for example us-west-2",
    check: |text| {
        let words: Vec<_> = text.split('-').collect();
        let ok = match words.as_slice() {
            [area, middle @ .., number] if !middle.is_empty() => {
                area.len() == 2
                    && made_of(area, |byte| byte.is_ascii_lowercase())
                    && middle.iter().all(|word| made_of(word, |byte| byte.is_ascii_lowercase()))
                    && made_of(number, |byte| byte.is_ascii_digit())
            }
            _ => false,
        };
        or(ok, "not an AWS region")
    },
};

/// Instance type.
pub const INSTANCE_TYPE: Form = Form {
    allowed: "an EC2 instance type, for example p5en.48xlarge",
    check: |text| {
        let word =
            |word| made_of(word, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let ok = text.split_once('.').is_some_and(|(family, size)| word(family) && word(size));
        or(ok && text.len() <= 64, "not an EC2 instance type")
    },
};

/// EBS volume, by its id or by the name that the block device mapping gives it.
pub(crate) const EBS_VOLUME: Form = Form {
    allowed: "a volume id (vol-0123456789abcdef0) or a device name of the block device mapping (/dev/sdf, xvdba)",
    check: |text| {
        if let Some(id) = text.strip_prefix("vol-") {
            let hex = made_of(id, |byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            return or(hex && (id.len() == 8 || id.len() == 17), "not a volume id");
        }
        let name = text.strip_prefix("/dev/").unwrap_or(text);
        if name.starts_with("nvme") {
            return Err("NVMe names change from boot to boot and cannot say which disk may be formatted");
        }
        let rest = name.strip_prefix("sd").or_else(|| name.strip_prefix("xvd")).unwrap_or_default();
        let letters = rest.trim_end_matches(|last: char| last.is_ascii_digit());
        let ok = made_of(letters, |byte| byte.is_ascii_lowercase())
            && letters.len() <= 2
            && rest.len() - letters.len() <= 2;
        or(ok, "neither a volume id nor a device name")
    },
};

/// Where the metadata service answers.
pub(crate) const HTTP_ENDPOINT: Form = Form {
    allowed: "http://HOST or http://HOST:PORT, without a path",
    check: |text| {
        let Some(host) = text.strip_prefix("http://") else {
            return Err("not an http:// URL");
        };
        if host.contains(['/', '?', '#', '@']) {
            return Err("more than a host and a port");
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let name_ok = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => made_of(name, |byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'),
        };
        let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        or(name_ok && port_ok, "not a host, with or without a port")
    },
};
