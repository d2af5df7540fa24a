//! Where something can be had.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Url;

/// One place that a file can be had from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `https://…`; `http://…` only for what a SHA-256 proves.
    Web(Url),
    /// `file:///…`: an absolute path on this machine.
    File(PathBuf),
    /// `s3://BUCKET/KEY`, `s3://BUCKET/KEY?region=REGION`; asked for with the instance role's credentials.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The object's key, without a slash at its begin.
        key: String,
        /// The bucket's region where it is not the instance's own.
        region: Option<String>,
    },
}

/// A text that names no place we can fetch from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no place to download from: {reason}")]
pub struct SourceError {
    /// The text, without a password.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Source {
    /// Whether nobody in between could change what it gives.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Web(url) if url.scheme() == "http")
    }

    /// The same place with another end: `suffix` added to the path (`.sig`).
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        let mut other = self.clone();
        match &mut other {
            Self::Web(url) => url.set_path(&format!("{}{suffix}", url.path())),
            Self::File(path) => path.as_mut_os_string().push(suffix),
            Self::S3 { key, .. } => key.push_str(suffix),
        }
        other
    }

    /// A file of this name in the same folder.
    #[must_use]
    pub fn sibling(&self, name: &str) -> Self {
        let beside = |path: &str| format!("{}{name}", &path[..path.rfind('/').map_or(0, |slash| slash + 1)]);
        let mut other = self.clone();
        match &mut other {
            Self::Web(url) => url.set_path(&beside(url.path())),
            Self::File(path) => path.set_file_name(name),
            Self::S3 { key, .. } => *key = beside(key),
        }
        other
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let fail = |reason| SourceError { text: hidden(text), reason };
        let url = Url::parse(text).map_err(|_| fail("not a URL"))?;
        match url.scheme() {
            "https" | "http" if url.host().is_some() => Ok(Self::Web(url)),
            "https" | "http" => Err(fail("no host")),
            "file" if url.host().is_some() => Err(fail("a file URL has three slashes and no host")),
            "file" => url.to_file_path().map(Self::File).map_err(|()| fail("not an absolute path")),
            "s3" => s3(&url).map_err(fail),
            _ => Err(fail("https, http, file and s3 are known")),
        }
    }
}

fn s3(url: &Url) -> Result<Source, &'static str> {
    let bucket = url.host_str().unwrap_or_default();
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(letter) {
        return Err("not a bucket's name");
    }
    let key = url.path().trim_start_matches('/');
    if key.is_empty() || key.contains('%') {
        return Err("the object's key is missing, or has letters that a URL must escape");
    }
    let region = match url.query_pairs().collect::<Vec<_>>().as_slice() {
        [] => None,
        [(name, region)] if name == "region" && !region.is_empty() => Some(region.clone().into_owned()),
        _ => return Err("of a query only region=REGION is known"),
    };
    Ok(Source::S3 { bucket: bucket.to_owned(), key: key.to_owned(), region })
}

/// Never with a password or a query, which may be a signed one.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => f.write_str(&hidden(url.as_str())),
            Self::File(path) => write!(f, "file://{}", path.display()),
            Self::S3 { bucket, key, .. } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

pub(crate) fn hidden(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return text.chars().take(200).collect();
    };
    let _ = url.set_password(None);
    let _ = url.set_username("");
    if url.query().is_some() {
        url.set_query(Some("..."));
    }
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        text.parse().unwrap()
    }

    #[test]
    fn places() {
        assert!(source("http://mirror/x").is_plain() && !source("https://mirror/x").is_plain());
        assert_eq!(source("file:///var/a%20b"), Source::File("/var/a b".into()));
        let s3 = source("s3://my-bucket/efa/x.tar.gz?region=us-east-1");
        assert_eq!(s3.to_string(), "s3://my-bucket/efa/x.tar.gz");
        assert!(matches!(s3, Source::S3 { region: Some(region), .. } if region == "us-east-1"));
        for wrong in [
            "",
            "x",
            "ftp://a/b",
            "file://host/x",
            "s3://my-bucket",
            "s3://B/x",
            "s3://a-b/x?y=1",
            "https://",
        ] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn neighbours() {
        for (text, signed, key) in [
            ("https://h/d/x.tar.gz?q=1", "https://h/d/x.tar.gz.sig?...", "https://h/d/a.key?..."),
            ("file:///d/x", "file:///d/x.sig", "file:///d/a.key"),
            ("s3://bucket/x", "s3://bucket/x.sig", "s3://bucket/a.key"),
        ] {
            let source = source(text);
            assert_eq!(source.with_suffix(".sig").to_string(), signed);
            assert_eq!(source.sibling("a.key").to_string(), key);
        }
    }

    #[test]
    fn no_message_holds_a_secret() {
        let text = source("https://me:secret@host/x?X-Amz-Signature=secret").to_string();
        assert_eq!(text, "https://host/x?...");
        let error = "ftp://me:secret@host/x".parse::<Source>().unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
