//! Package names as the EFA installer lists them.

use serde::Serialize;

use super::Version;

/// One installed package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// For example `libfabric-aws` (rpm) or `libfabric1-aws` (deb).
    pub name: String,
    /// Of the packaged software, for example `2.4.0amzn5.0`, without the package's own release.
    pub version: Version,
}

impl Package {
    /// `libfabric-aws-2.4.0amzn5.0-1.amzn2023.x86_64` (rpm) or `libfabric1-aws_2.4.0amzn5.0_amd64` (deb); `None`
    /// for what has neither form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, version) = match text.split_once('_') {
            // Only Debian's file names divide by underscores; an rpm's architecture may hold one (x86_64), but then
            // what precedes it ends in a version and a dot.
            Some((name, rest)) if !name.contains('.') => {
                let version = rest.split('_').next()?;
                (name, version.rsplit_once('-').map_or(version, |(version, _revision)| version))
            }
            _ => {
                let (rest, _release) = text.rsplit_once('-')?;
                rest.rsplit_once('-')?
            }
        };
        Some(Self { name: name.to_owned(), version: version.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_package_formats() {
        for (text, name, version) in [
            ("libfabric-aws-2.4.0amzn5.0-1.amzn2023.x86_64", "libfabric-aws", "2.4.0amzn5.0"),
            ("libnccl-ofi-1.20.0-1.amzn2023.x86_64", "libnccl-ofi", "1.20.0"),
            ("efa-profile-1.7-1.amzn2023.noarch", "efa-profile", "1.7"),
            ("libfabric1-aws_1.22.0amzn4.0_amd64", "libfabric1-aws", "1.22.0amzn4.0"),
            ("libnccl-ofi_1.16.2-1_arm64", "libnccl-ofi", "1.16.2"),
        ] {
            let package = Package::parse(text).expect(text);
            assert_eq!((package.name.as_str(), package.version.as_str()), (name, version));
        }
        for text in ["", "-", "_", "efa", "a-b-c", "a_b_c"] {
            assert_eq!(Package::parse(text), None, "{text:?}");
        }
    }
}
