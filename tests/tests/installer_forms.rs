//! What `installer render` writes, judged by the tools that read it: botocore's models, an HCL parser, cfn-lint,
//! parliament, a policy evaluator, the schemas of Kubernetes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use gpunode_host::catalog;
use gpunode_tests::{binary, kube, python};
use installer::render::{What, render};
use installer::s3::{Grant, Held};
use installer::settings::{self, File};
use serde_json::Value;

/// Writes what `text` makes into `folder`, or says that the settings cannot be used.
fn write(folder: &Path, text: &str, what: What) -> bool {
    let Ok(loaded) = settings::load(Some(File { path: ".env", text }), &[]) else {
        return false;
    };
    for file in render(&loaded, what).unwrap() {
        let path = folder.join(file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.text).unwrap();
    }
    true
}

const LEAST: &str = "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nAWS_ACCOUNT_ID=012345678901\n\
                     VPC_ID=vpc-0123456789abcdef0\nPRIVATE_SUBNET_A=subnet-0123456789abcdef0\n";

#[test]
fn every_form_of_every_case_is_what_its_readers_take() {
    let mut cases: Vec<_> = fs::read_dir(binary::bed().join("cases/installer"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    for case in cases {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(folder.path(), &fs::read_to_string(case.join("settings.env")).unwrap(), What::All));
        print!("{}\n{}", case.display(), python::run("forms.py", &[folder.path(), Path::new("us-west-2")]));
    }
}

#[test]
fn policies_allow_what_is_needed_and_deny_what_is_others() {
    let folder = tempfile::tempdir().unwrap();
    let everything = "INSTALL_KARPENTER=1\nINSTALL_EFS_CSI=1\nINSTALL_FSX_CSI=1\nINSTALL_S3_CSI=1\n\
                      S3_CSI_BUCKETS=data,models\nGPU_CREATE_SECURITY_GROUP=1\nGPU_CREATE_PLACEMENT_GROUP=1\n";
    assert!(write(folder.path(), &format!("{LEAST}{everything}"), What::Policies));
    // What `s3-csi add` makes of the policy of one bucket.
    let grant = |rest| Grant::parse(&format!("arn:aws:s3:::{rest}"), "aws").unwrap();
    let added = ["more", "other/a", "other/b/c"].map(grant).into();
    let held = Held { named: ["data".to_owned()].into(), added };
    let document = held.document("aws").unwrap().to_string();
    std::fs::write(folder.path().join("policies/s3-csi-added.json"), document).unwrap();
    print!("{}", python::run("policies.py", &[folder.path()]));
}

/// Calls that Karpenter's sources declare in `text`, as IAM names the actions.
fn declared(text: &str) -> BTreeSet<String> {
    const SERVICES: [(&str, &str); 7] = [
        ("ARCZonalShiftAPI", "arc-zonal-shift"),
        ("EC2API", "ec2"),
        ("EKSAPI", "eks"),
        ("IAMAPI", "iam"),
        ("PricingAPI", "pricing"),
        ("SQSAPI", "sqs"),
        ("SSMAPI", "ssm"),
    ];
    let mut service = None;
    let mut calls = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("type ").and_then(|rest| rest.strip_suffix(" interface {")) {
            service = SERVICES.iter().find(|(api, _)| *api == name).map(|(_, service)| *service);
        } else if let (Some(service), Some((name, _))) = (service, line.trim_start().split_once('(')) {
            calls.insert(format!("{service}:{name}"));
        }
    }
    let known: BTreeSet<_> = calls.iter().filter_map(|call| Some(call.split_once(':')?.0)).collect();
    assert_eq!(known, SERVICES.map(|(_, service)| service).into(), "{text}");
    calls
}

/// An action that its release needs and its role lacks would stop Karpenter where nobody looks.
#[test]
fn karpenter_may_make_each_call_that_its_release_makes() {
    // Declared there, and called by its own tests only.
    const TESTS: [&str; 2] = ["iam:GetRole", "sqs:SendMessage"];
    let folder = tempfile::tempdir().unwrap();
    assert!(write(folder.path(), &format!("{LEAST}INSTALL_KARPENTER=1\n"), What::Policies));
    let mut allowed = BTreeSet::new();
    for entry in fs::read_dir(folder.path().join("policies")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        // The queue's is what others may do with it.
        if name.starts_with("karpenter-") && name != "karpenter-queue" && name != "karpenter-trust" {
            let policy: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            for statement in policy["Statement"].as_array().unwrap() {
                let actions = &statement["Action"];
                let all = actions.as_array().map_or_else(|| vec![actions], |all| all.iter().collect());
                allowed.extend(all.iter().map(|action| action.as_str().unwrap().to_owned()));
            }
        }
    }
    let mut calls = declared(&fs::read_to_string(kube::karpenter_calls().unwrap().join("sdk.go")).unwrap());
    assert!(calls.len() > 30, "{calls:?}");
    for call in TESTS {
        assert!(calls.remove(call), "{call} is not declared any more");
    }
    assert_eq!(calls.difference(&allowed).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Every type, layout, way to buy and kind of group that the settings allow.
#[test]
fn every_launch_template_is_what_ec2_s_model_takes() {
    let folder = tempfile::tempdir().unwrap();
    let groups = "CLUSTER_SECURITY_GROUP=sg-01234567\nGPU_SECURITY_GROUP=sg-01234568\n";
    let own = "GPU_NODE_GROUP_KIND=self-managed\nGPU_AMI_ID=ami-01234567\nCLUSTER_ENDPOINT=https://x\n\
               CLUSTER_CA=YWJj\nCLUSTER_CIDR=10.100.0.0/16\nGPU_SUBNET_B=subnet-01234567\nGPU_ZONE=us-west-2a\n";
    let mut written = 0;
    for kind in catalog::names() {
        for layout in ["efa-only", "combined"] {
            for capacity in ["on-demand", "spot", "capacity-block", "reservation"] {
                for more in ["", own] {
                    let mut text = format!(
                        "{LEAST}{groups}{more}GPU_INSTANCE_TYPE={kind}\nNVIDIA_DRIVER_VERSION=latest\n"
                    );
                    writeln!(text, "GPU_EFA_LAYOUT={layout}\nGPU_CAPACITY={capacity}").unwrap();
                    if capacity.contains("block") || capacity == "reservation" {
                        text += "GPU_CAPACITY_RESERVATION_ID=cr-0123456789abcdef0\n";
                    }
                    let place = folder.path().join(written.to_string());
                    if write(&place, &text, What::LaunchTemplate) && write(&place, &text, What::UserData) {
                        written += 1;
                    }
                }
            }
        }
    }
    // Every type is sold in some way; each way is a template for each layout and kind of group.
    assert!(written >= catalog::names().count() * 4, "{written}");
    print!("{}", python::run("templates.py", &[folder.path()]));
}

/// Karpenter adds a part of its own, with the cluster's certificate; what EC2 takes has to have room for both.
#[test]
fn the_user_data_of_every_type_has_room_for_what_karpenter_adds() {
    let folder = tempfile::tempdir().unwrap();
    // As long as a URL may be.
    let url = format!("https://example.com/{}", "a".repeat(2028));
    let agent = format!("AGENT_URL={url}\nAGENT_SHA256={}\n", "0123456789abcdef".repeat(4));
    let mut written = 0;
    for kind in catalog::names() {
        let text = format!(
            "{LEAST}{agent}INSTALL_KARPENTER=1\nCLUSTER_SECURITY_GROUP=sg-01234567\nGPU_SECURITY_GROUP=sg-01234568\n\
             GPU_INSTANCE_TYPE={kind}\nNVIDIA_DRIVER_VERSION=latest\n"
        );
        written += usize::from(write(&folder.path().join(kind), &text, What::Kubernetes));
    }
    // Those that are sold on demand.
    assert!(written > 40, "{written}");
    print!("{}", python::run("karpenter.py", &[folder.path()]));
}
