//! The forms that settings of the cluster side have.

use gpunode_host::spec::Form;

macro_rules! id {
    ($name:ident, $prefix:literal, $what:literal, $example:literal) => {
        #[doc = concat!("Id of ", $what, ".")]
        pub(super) const $name: Form = Form {
            allowed: concat!("the id of ", $what, ", for example ", $example),
            check: |text| or(is_id(text, $prefix), concat!("not the id of ", $what)),
        };
    };
}

id!(SUBNET, "subnet-", "a subnet", "subnet-0123456789abcdef0");
id!(VPC, "vpc-", "a VPC", "vpc-0123456789abcdef0");
id!(SECURITY_GROUP, "sg-", "a security group", "sg-0123456789abcdef0");
id!(AMI, "ami-", "an image", "ami-0123456789abcdef0");
id!(RESERVATION, "cr-", "a capacity reservation or block", "cr-0123456789abcdef0");

/// EC2's names for a root: `/dev/xvda`, `/dev/sda1`, and what an image's maker chose.
pub(super) const DEVICE: Form = Form {
    allowed: "the name of a device, for example /dev/xvda",
    check: |text| {
        let name = text.strip_prefix("/dev/").unwrap_or_default();
        let made = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        or(made && (1..=16).contains(&name.len()), "not the name of a device")
    },
};

pub(super) const ACCOUNT: Form = Form {
    allowed: "the 12 digits of an AWS account",
    check: |text| or(text.len() == 12 && digits(text), "not an AWS account"),
};

pub(super) const KUBERNETES_VERSION: Form = Form {
    allowed: "a minor version from 1.30 on, for example 1.34",
    check: |text| {
        let minor = text.strip_prefix("1.").filter(|minor| minor.len() == 2 && digits(minor));
        let new_enough = minor.and_then(|minor| minor.parse::<u32>().ok()).is_some_and(|minor| minor >= 30);
        or(new_enough, "not a Kubernetes version that EKS runs GPU nodes on")
    },
};

pub(super) const RELEASE: Form = Form {
    allowed: "a release from 1.0.0 on, for example 1.14.0",
    check: |text| or(version(text).is_some_and(|version| version >= [1, 0, 0]), "not such a release"),
};

pub(super) const CHART_RELEASE: Form = Form {
    allowed: "the version of a chart, for example 0.4.1",
    check: |text| or(version(text).is_some(), "not such a version"),
};

/// `1.11.0` as numbers, to compare.
pub(super) fn version(text: &str) -> Option<[u32; 3]> {
    let mut numbers =
        text.split('.').map(|word| word.parse().ok().filter(|_| word.len() < 5 && digits(word)));
    let found = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(found)
}

pub(super) const ZONE: Form = Form {
    allowed: "an availability zone, for example us-west-2a",
    check: |text| {
        let region = text.strip_suffix(|last: char| last.is_ascii_lowercase()).unwrap_or_default();
        or((gpunode_host::spec::form::aws::REGION.check)(region).is_ok(), "not an availability zone")
    },
};

/// EKS allows 63 characters for a node group; what we append for its subnet takes two.
pub(super) const NODE_GROUP: Form = Form {
    allowed: "up to 61 letters, digits, - and _, beginning with a letter or digit",
    check: |text| {
        let starts = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let made = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        or(starts && made && text.len() <= 61, "not such a name")
    },
};

pub(super) const BUCKET: Form = Form {
    allowed: "the name of an S3 bucket: 3 to 63 lower-case letters, digits, - and .",
    check: |text| crate::s3::wrong_name(text).map_or(Ok(()), Err),
};

pub(super) const SHA256: Form = Form {
    allowed: "64 lower-case hexadecimal digits",
    check: |text| or(text.len() == 64 && hex(text), "not a SHA-256"),
};

pub(super) const HTTPS_URL: Form = Form {
    allowed: "an https:// URL without white space or quotes, of at most 2048 characters",
    check: |text| {
        let rest = text.strip_prefix("https://").unwrap_or_default();
        // It goes into a shell script between single quotes. What S3 signs for a session is longer than 1024.
        let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"'\"`\\".contains(&byte));
        let host = rest.starts_with(|first: char| first.is_ascii_alphanumeric());
        or(host && plain && text.len() <= 2048, "not such a URL")
    },
};

pub(super) const BASE64: Form = Form {
    allowed: "base64 on one line",
    check: |text| {
        let made = text
            .trim_end_matches('=')
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        or(made && text.len() % 4 == 0 && !text.is_empty(), "not base64")
    },
};

/// Source: the grammar of distribution/reference, with a tag or a digest, as what is pulled without either changes by itself.
pub(super) const IMAGE: Form = Form {
    allowed: "a repository with a tag or a digest, for example registry.example.com/gpunode-daemonset:0.1.0 or …@sha256:…",
    check: |text| or(is_image(text), "not such an image"),
};

fn is_image(text: &str) -> bool {
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    // A port is before a `/`, a tag behind the last one.
    let (repository, tag) = match named.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (named, None),
    };
    let word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    let right_tag = |tag: &str| word(tag) && (1..=128).contains(&tag.len()) && !tag.starts_with(['.', '-']);
    let right_digest =
        |digest: &str| digest.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 64 && hex(digits));
    (tag.is_some() || digest.is_some())
        && tag.is_none_or(right_tag)
        && digest.is_none_or(right_digest)
        && repository.len() <= 255
        && is_repository(repository)
}

/// Parts between `/`, of which the first may be a registry with its port.
fn is_repository(text: &str) -> bool {
    let (registry, path) = match text.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), path),
        _ => (None, text),
    };
    let ends = |part: &str| {
        let letter = |letter: char| letter.is_ascii_alphanumeric();
        part.starts_with(letter) && part.ends_with(letter)
    };
    let part = |part: &str| {
        let made = part
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte));
        made && ends(part) && !part.contains("..") && !part.contains("___")
    };
    let is_host = |registry: &str| {
        let (host, number) = registry.split_once(':').unwrap_or((registry, "443"));
        let made = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        made && ends(host) && digits(number) && number.len() <= 5
    };
    registry.is_none_or(is_host) && path.split('/').all(part)
}

pub(super) const CHART: Form = Form {
    allowed: "the https:// URL of a repository, an oci:// reference, or the absolute path of a chart",
    check: |text| {
        let begins = ["https://", "oci://", "/"]
            .iter()
            .any(|begin| text.starts_with(begin) && text.len() > begin.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        or(begins && plain && text.len() <= 1024, "not the place of a chart")
    },
};

pub(super) const CIDR: Form = Form {
    allowed: "addresses, for example 10.100.0.0/16",
    check: |text| {
        let fits = |(address, bits): (&str, &str)| {
            let most = match address.parse::<std::net::IpAddr>().ok()? {
                std::net::IpAddr::V4(_) => 32,
                std::net::IpAddr::V6(_) => 128,
            };
            bits.parse::<u8>().ok().filter(|bits| *bits <= most)
        };
        or(text.split_once('/').and_then(fits).is_some(), "not a CIDR")
    },
};

/// EC2 gives 8 or 17 hexadecimal digits.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|id| hex(id) && (id.len() == 8 || id.len() == 17))
}

fn hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn or(ok: bool, problem: &'static str) -> Result<(), &'static str> {
    if ok { Ok(()) } else { Err(problem) }
}
