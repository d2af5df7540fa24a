//! What whoever runs the installer must be allowed: each call that it makes, by the policies that it renders, and nothing
//! else; and what `doctor` says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

#[path = "apply/drift.rs"]
mod apply;
#[path = "gpu_groups/drift.rs"]
mod groups;
#[expect(dead_code, reason = "the rest is for the tests of node groups")]
#[path = "gpu_groups/site.rs"]
mod site;

use std::path::Path;

use gpunode_tests::aws::{Call, Fault, Proxy, Told};
use gpunode_tests::python;
use serde_json::{Value, json};

use site::{CREATE, DELETE, Site, done, straight};

/// Everything that settings can ask for.
const ON: [(&str, &str); 7] = [
    ("INSTALL_KARPENTER", "1"),
    ("INSTALL_EFS_CSI", "1"),
    ("INSTALL_FSX_CSI", "1"),
    ("INSTALL_S3_CSI", "1"),
    ("GPU_CREATE_SECURITY_GROUP", "1"),
    ("GPU_CREATE_PLACEMENT_GROUP", "1"),
    ("EKS_REPAIR", "1"),
];
const OWN: [(&str, &str); 3] =
    [("GPU_NODE_GROUP_KIND", "self-managed"), ("GPU_AMI_ID", "ami-0123456789abcdef0"), ("EKS_REPAIR", "0")];

fn value(call: &Call) -> Value {
    json!({ "operation": call.operation, "form": call.form, "body": call.body, "headers": call.headers })
}

/// Renders the policies for these settings and judges the calls by them.
fn judged(site: &Site, proxy: &Proxy, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let with_account = [variables, &[("AWS_ACCOUNT_ID", site.bed.account())]].concat();
    // `render` takes no security group that is yet to be made.
    let words = ["render", "policies", "--out", folder.path().to_str().unwrap()];
    done_text(&site.run(&straight(), &words, &with_account));
    let path = folder.path().join("calls.json");
    let calls: Vec<_> = proxy.calls().iter().map(value).collect();
    std::fs::write(&path, Value::from(calls).to_string()).unwrap();
    python::run("rights.py", &[folder.path(), &path, Path::new(site.bed.account())])
}

fn done_text(told: &Told) {
    assert_eq!(told.code, Some(0), "{told:?}");
}

#[test]
fn each_call_is_allowed_by_the_policies_of_the_caller_and_nothing_else_is() {
    let site = Site::new(610, "a");
    let bucket = "data-610";
    let place = json!({ "LocationConstraint": "us-west-2" });
    site.bed.calls(&json!([["s3", "create_bucket",
        { "Bucket": bucket, "CreateBucketConfiguration": place }, "us-west-2"]]));
    let on = [&ON[..], &[("S3_CSI_BUCKETS", bucket)]].concat();
    let proxy = straight();
    let run = |words: &[&str], more: &[(&str, &str)]| site.run(&proxy, words, &[&on[..], more].concat());
    applied(&site, &run);
    done(&run(&CREATE, &[]));
    groups::drift(&site);
    done(&run(&CREATE, &[]));
    done(&run(&CREATE, &[("GPU_ROOT_VOLUME_SIZE", "300"), ("GPU_MAX_SIZE", "20")]));
    run(&["doctor"], &[]);
    // A quota that only has a default.
    run(&["doctor"], &[("GPU_INSTANCE_TYPE", "p5.48xlarge"), ("GPU_CAPACITY", "spot")]);
    done(&run(&DELETE, &[]));
    done(&run(&["destroy", "--yes", "--json"], &[]));
    // Nobody asks IAM about a root user.
    as_operator(&site, &proxy, &on);
    let managed = judged(&site, &proxy, &on);

    let proxy = straight();
    let made =
        site.bed.calls(&json!([["ec2", "create_capacity_reservation", { "InstanceType": "p5en.48xlarge",
        "InstancePlatform": "Linux/UNIX", "AvailabilityZone": "us-west-2a", "InstanceCount": 20 }]]));
    let reserved = made[0]["CapacityReservation"]["CapacityReservationId"].as_str().unwrap();
    let reserved = [("GPU_CAPACITY", "reservation"), ("GPU_CAPACITY_RESERVATION_ID", reserved)];
    let own = [&on[..], &OWN, &reserved].concat();
    let run = |words: &[&str], more: &[(&str, &str)]| site.run(&proxy, words, &[&own[..], more].concat());
    applied(&site, &run);
    // Two more than EC2 has to give: why, is asked for.
    done(&run(&CREATE, &[("GPU_DESIRED_SIZE", "5")]));
    let told = run(&["gpu", "status"], &[]);
    assert!(
        told.out.contains("3 of 5 nodes in service; Could not launch On-Demand Instances. Insufficient"),
        "{told:?}"
    );
    own_drift(&site);
    done(&run(&CREATE, &[("GPU_ROOT_VOLUME_SIZE", "300")]));
    let spot = [("GPU_CAPACITY", "spot"), ("GPU_CAPACITY_RESERVATION_ID", "")];
    run(&["doctor"], &[&spot[..], &[("GPU_INSTANCE_TYPE", "p5.48xlarge")]].concat());
    done(&run(&DELETE, &[]));
    done(&run(&["destroy", "--yes", "--json"], &[]));
    as_operator(&site, &proxy, &own);
    let calls: u32 = [managed, judged(&site, &proxy, &own)].iter().map(|said| judged_calls(said)).sum();
    // README says some 3000.
    assert!((2500..3500).contains(&calls), "{calls}");
}

/// `apply` where there is nothing, where somebody changed everything, and where policies are of many versions.
fn applied(site: &Site, run: &impl Fn(&[&str], &[(&str, &str)]) -> Told) {
    let apply = ["apply", "--yes", "--json"];
    done(&run(&apply, &[]));
    apply::drift(&site.bed);
    done(&run(&apply, &[]));
    apply::versions(&site.bed);
    done(&run(&apply, &[]));
    done_text(&run(&["s3-csi", "list"], &[]));
}

/// How many calls it says that it judged.
fn judged_calls(said: &str) -> u32 {
    print!("{said}");
    said.split_once(' ').unwrap().0.parse().unwrap()
}

fn own_drift(site: &Site) {
    let (group, role) = ("research-gpu-compute", "research-gpu-compute-node");
    let filter = json!([{ "Name": "group-name", "Values": ["research-gpu-compute-efa"] }]);
    let found = site.bed.calls(&json!([["ec2", "describe_security_groups", { "Filters": filter }]]));
    let efa = &found[0]["SecurityGroups"][0];
    site.bed.calls(&json!([
        ["autoscaling", "update_auto_scaling_group", { "AutoScalingGroupName": group, "MaxSize": 3 }],
        ["autoscaling", "delete_tags", { "Tags": [{ "ResourceId": group, "ResourceType": "auto-scaling-group",
            "Key": "k8s.io/cluster-autoscaler/enabled" }] }],
        ["iam", "remove_role_from_instance_profile", { "InstanceProfileName": role, "RoleName": role }],
        ["ec2", "revoke_security_group_ingress", { "GroupId": efa["GroupId"], "IpPermissions": efa["IpPermissions"] }],
    ]));
}

/// A role with a path that has these policies, and the credentials of a session of it.
fn session(site: &Site, policies: &[(String, String)]) -> Vec<(&'static str, String)> {
    let account = site.bed.account();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{account}:root") } }] });
    let name = format!("operator-{}", policies.len());
    let mut calls = vec![json!(["iam", "create_role",
        { "RoleName": name, "Path": "/people/", "AssumeRolePolicyDocument": trust.to_string() }])];
    calls.extend(policies.iter().map(|(policy, document)| {
        json!(["iam", "put_role_policy", { "RoleName": name, "PolicyName": policy, "PolicyDocument": document }])
    }));
    let arn = format!("arn:aws:iam::{account}:role/people/{name}");
    calls.push(json!(["sts", "assume_role", { "RoleArn": arn, "RoleSessionName": "test" }]));
    let answers = site.bed.calls(&Value::from(calls));
    let given = answers.as_array().unwrap().last().unwrap()["Credentials"].clone();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    vec![
        ("AWS_ACCESS_KEY_ID", text("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", text("SessionToken")),
    ]
}

/// What `installer render policies` writes of the caller, by the names of the files.
fn rendered(site: &Site, variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let with_account = [variables, &[("AWS_ACCOUNT_ID", site.bed.account())]].concat();
    done_text(&site.run(
        &straight(),
        &["render", "policies", "--out", folder.path().to_str().unwrap()],
        &with_account,
    ));
    ["cluster", "gpu", "iam"]
        .map(|part| {
            let name = format!("installer-{part}");
            (
                name.clone(),
                std::fs::read_to_string(folder.path().join(format!("policies/{name}.json"))).unwrap(),
            )
        })
        .to_vec()
}

/// Rows of `doctor` about rights: level, subject, what.
fn rights(
    site: &Site,
    proxy: &Proxy,
    variables: &[(&str, &str)],
    who: &[(&str, String)],
) -> Vec<[String; 3]> {
    let who: Vec<_> = who.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = site.run(proxy, &["doctor", "--json"], &[variables, &who].concat());
    let rows = told.json()["findings"].as_array().unwrap().clone();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = rows.iter().map(|row| ["level", "subject", "what"].map(|name| text(row, name)));
    rows.filter(|[_, subject, _]| subject.starts_with("IAM rights")).collect()
}

/// With what is rendered, and no more, `doctor` finds every right there.
fn as_operator(site: &Site, proxy: &Proxy, variables: &[(&str, &str)]) {
    let policies = rendered(site, variables);
    let name = json!([["iam", "list_roles", { "PathPrefix": "/people/" }]]);
    for role in site.bed.calls(&name)[0]["Roles"].as_array().unwrap() {
        remove(site, role["RoleName"].as_str().unwrap());
    }
    let rows = rights(site, proxy, variables, &session(site, &policies));
    assert!(rows.len() > 6 && rows.iter().all(|[level, ..]| level == "ok"), "{rows:#?}");
}

fn remove(site: &Site, role: &str) {
    let question = json!([["iam", "list_role_policies", { "RoleName": role }]]);
    let names = site.bed.calls(&question)[0]["PolicyNames"].clone();
    let mut calls: Vec<_> = names
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| json!(["iam", "delete_role_policy", { "RoleName": role, "PolicyName": policy }]))
        .collect();
    calls.push(json!(["iam", "delete_role", { "RoleName": role }]));
    site.bed.calls(&Value::from(calls));
}

#[test]
fn doctor_says_which_right_is_missing_and_what_could_not_be_told() {
    let site = Site::new(611, "a");
    let on = [&ON[..], &[("S3_CSI_BUCKETS", "data-611")]].concat();
    let root = rights(&site, &straight(), &on, &[]);
    assert!(root.len() == 1 && root[0][2].contains("root user"), "{root:?}");

    let mut policies = rendered(&site, &on);
    // Without one action, with one resource of others, and without one whole policy.
    policies[0].1 = policies[0].1.replace("eks:CreateAddon", "eks:DescribeUpdate");
    policies[0].1 =
        policies[0].1.replace("sqs:us-west-2:000000000611:research", "sqs:us-west-2:000000000611:other");
    policies.remove(1);
    let who = session(&site, &policies);
    let rows = rights(&site, &straight(), &on, &who);
    let error = |service: &str| {
        let found = rows
            .iter()
            .find(|[level, subject, _]| level == "error" && *subject == format!("IAM rights: {service}"));
        found.unwrap_or_else(|| panic!("{service}: {rows:#?}"))[2].clone()
    };
    assert_eq!(
        error("eks").split(", ").next(),
        Some("may not CreateAddon on arn:aws:eks:us-west-2:000000000611:cluster/research")
    );
    assert!(error("sqs").contains("DeleteQueue on arn:aws:sqs:us-west-2:000000000611:research"), "{rows:#?}");
    assert!(error("ec2").contains("CreateLaunchTemplate on "), "{rows:#?}");
    assert!(
        !rows.iter().any(|[level, subject, _]| level == "error" && subject.ends_with("events")),
        "{rows:#?}"
    );

    // Who may not ask IAM is told so, and what is used all the same.
    let denied = Proxy::start(|_, call| match call.operation.as_str() {
        "SimulatePrincipalPolicy" => Fault::Deny,
        _ => Fault::None,
    });
    let rows = rights(&site, &denied.unwrap(), &on, &who);
    assert_eq!((rows.len(), rows[0][0].as_str()), (1, "unknown"), "{rows:?}");
    let told = &rows[0][2];
    assert!(
        told.starts_with("could not tell: iam:SimulatePrincipalPolicy") && told.contains("AccessDenied"),
        "{told}"
    );
    assert!(
        told.contains("these settings use autoscaling:DescribeAutoScalingGroups")
            && told.ends_with("sqs:TagQueue"),
        "{told}"
    );

    // A role whose path cannot be asked for is not found by IAM: that is no lack of rights.
    let hidden = Proxy::start(|_, call| if call.operation == "GetRole" { Fault::Deny } else { Fault::None });
    let rows = rights(&site, &hidden.unwrap(), &on, &who);
    assert_eq!((rows.len(), rows[0][0].as_str()), (1, "unknown"), "{rows:?}");
}
