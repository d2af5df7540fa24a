//! S3: the request is signed with the role's credentials, whose secrets are in no message.

use gpunode_fault_server::{Reply, Seen, Server};
use gpunode_fetch::Cause;

use crate::{Bed, cause, content, download, is_good};

/// A metadata service with a role, or without.
fn imds(role: bool) -> Server {
    Server::http(move |seen| {
        match seen.path.as_str() {
        "/latest/api/token" => {
            Reply::all(b"token").with(("X-aws-ec2-metadata-token-ttl-seconds", "300".to_owned()))
        }
        "/latest/meta-data/iam/security-credentials/" if role => Reply::all(b"node"),
        "/latest/meta-data/iam/security-credentials/node" => Reply::all(
            br#"{"Code":"Success","AccessKeyId":"AKIDTEST","SecretAccessKey":"verysecret","Token":"sessiontoken"}"#,
        ),
        "/latest/meta-data/placement/region" => Reply::all(b"us-west-2"),
        _ => Reply::status(404),
    }
    })
}

fn bed(imds: &Server, s3: &Server) -> Bed {
    let mut bed = Bed::new();
    bed.settings.imds.endpoint = imds.url("").replace("localhost", "127.0.0.1");
    bed.settings.s3_endpoint = Some(s3.url("/").parse().unwrap());
    bed
}

fn is_signed(seen: &Seen) -> bool {
    let scope = "AKIDTEST%2F";
    ["X-Amz-Signature=", "X-Amz-Security-Token=sessiontoken", "us-west-2%2Fs3%2Faws4_request", scope]
        .iter()
        .all(|part| seen.path.contains(part))
}

#[test]
fn an_object_is_got_with_the_instances_role() {
    let file = content(5000);
    let body = file.clone();
    let s3 = Server::http(move |seen| {
        if is_signed(seen) && seen.path.starts_with("/my-bucket/efa/x.tar.gz?") {
            return Reply::file(seen, &body, "\"v1\"");
        }
        Reply::status(403)
    });
    let imds = imds(true);
    let bed = bed(&imds, &s3);
    let fetched = bed.fetch(&download(&["s3://my-bucket/efa/x.tar.gz".to_owned()], &file)).unwrap();
    is_good(&bed, &fetched, &file);
    assert_eq!(fetched.url, "s3://my-bucket/efa/x.tar.gz");
}

#[test]
fn what_is_not_allowed_is_told_without_secrets() {
    let s3 = Server::http(|_| Reply::status(403));
    let wanted = download(&["s3://my-bucket/x".to_owned()], b"");
    let with = imds(true);
    let (text, reason) = cause(bed(&with, &s3).fetch(&wanted).unwrap_err());
    assert!(matches!(reason, Cause::Status { status: 403, .. }), "{text}");
    for secret in ["verysecret", "sessiontoken", "Signature"] {
        assert!(!text.contains(secret), "{text}");
    }
    let without = imds(false);
    let (text, reason) = cause(bed(&without, &s3).fetch(&wanted).unwrap_err());
    assert!(matches!(reason, Cause::Credentials(_)) && text.contains("has no role"), "{text}");
}
