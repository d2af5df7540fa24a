//! The authenticator of an EKS cluster, as the API server asks it by its token webhook: it takes tokens of the form that
//! EKS takes, for its own cluster. It does not ask STS whether the signature is right.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Error;
use super::error::at;
use super::pki::write;
use super::proxy::message;

/// Whom a good token is for; may do everything.
pub const EKS_USER: &str = "arn:aws:iam::000000000001:user/operator";

/// Answers until the test program ends.
pub struct Authenticator {
    folder: TempDir,
}

impl Authenticator {
    /// Of a cluster whose STS is that of `region`.
    pub fn start(region: &'static str) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(at("127.0.0.1"))?;
        let port = listener.local_addr().map_err(at("127.0.0.1"))?.port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // An API server that goes away is no trouble here.
                std::thread::spawn(move || serve(stream, region));
            }
        });
        let folder = tempfile::tempdir().map_err(at(Path::new("a folder")))?;
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": format!("http://127.0.0.1:{port}/")}}],
            "users": [{"name": "a", "user": {}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        });
        write(&folder.path().join("config"), &config.to_string())?;
        Ok(Self { folder })
    }

    /// What the API server is told to ask it.
    pub fn arguments(&self) -> Vec<String> {
        let config = self.folder.path().join("config");
        vec![
            format!("--authentication-token-webhook-config-file={}", config.display()),
            "--authentication-token-webhook-version=v1".to_owned(),
        ]
    }
}

fn serve(mut stream: TcpStream, region: &str) -> io::Result<()> {
    let mut rest = Vec::new();
    while let Some(request) = message::read(&mut stream, &mut rest)? {
        let review: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let token = review["spec"]["token"].as_str().unwrap_or_default();
        let status = match check(token, region, SystemTime::now()) {
            Ok(()) => {
                json!({ "authenticated": true, "user": { "username": EKS_USER, "groups": ["system:masters"] } })
            }
            Err(why) => json!({ "authenticated": false, "error": why }),
        };
        let answer =
            json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status });
        let body = answer.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes())?;
    }
    Ok(())
}

/// What aws-iam-authenticator looks at before it asks STS: `pkg/token/token.go`, `Verify`.
fn check(token: &str, region: &str, now: SystemTime) -> Result<(), String> {
    let encoded = token.strip_prefix("k8s-aws-v1.").ok_or("no prefix")?;
    let url = decoded(encoded).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or("not base64 of text")?;
    let query = url
        .strip_prefix(&format!("https://sts.{region}.amazonaws.com/?"))
        .ok_or(format!("{url}: not STS"))?;
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|pair| pair.0 == name).map(|pair| pair.1).ok_or(format!("no {name}"))
    };
    if value("Action")? != "GetCallerIdentity" {
        return Err("another action".to_owned());
    }
    if !value("X-Amz-SignedHeaders")?.split("%3B").any(|header| header == "x-k8s-aws-id") {
        return Err("the cluster is not signed".to_owned());
    }
    let signature = value("X-Amz-Signature")?;
    if signature.len() != 64 || value("X-Amz-Expires")?.parse::<u32>().is_ok_and(|seconds| seconds > 900) {
        return Err("no signature, or one for too long".to_owned());
    }
    let today = |time: SystemTime| {
        let days = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs() / 86_400;
        value("X-Amz-Date").is_ok_and(|date| date.starts_with(&day(days)))
    };
    let near = [now, now - Duration::from_secs(900)];
    if near.into_iter().any(today) { Ok(()) } else { Err("of another time".to_owned()) }
}

/// `20260102` of a day since 1970. Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
fn day(days: u64) -> String {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}{month:02}{day:02}", year + era * 400 + u64::from(month <= 2))
}

/// Base64 for URLs without padding (RFC 4648).
fn decoded(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == letter)?;
        bits = bits << 6 | u32::try_from(digit).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_eks_would_not_take_is_not_taken() {
        assert_eq!(decoded("aHR0cHM6Ly8_").unwrap(), b"https://?");
        assert_eq!(
            (day(0), day(20_455), day(19_782)),
            ("19700101".into(), "20260102".into(), "20240229".into())
        );
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        for token in ["", "k8s-aws-v1.", "k8s-aws-v1.!", "k8s-aws-v1.aHR0cHM6Ly8_"] {
            assert!(check(token, "us-west-2", now).is_err(), "{token}");
        }
    }
}
