//! The installer against an AWS that throttles, breaks and loses answers, killed at its calls, and beside itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use gpunode_tests::aws::{Bed, Fault, Inventory, Proxy, Told};
use gpunode_tests::binary::thorough;

/// Every kind of thing is among these.
const MORE: [(&str, &str); 2] = [("INSTALL_KARPENTER", "1"), ("INSTALL_EFS_CSI", "1")];

/// What is in the account, with its number taken out: to compare accounts.
fn normal(bed: &Bed) -> Inventory {
    let text = serde_json::to_string(&bed.inventory().0).unwrap().replace(bed.account(), "ACCOUNT");
    Inventory(serde_json::from_str(&text).unwrap())
}

/// What an apply without any trouble makes.
fn straight(number: u32) -> Inventory {
    let bed = Bed::new(number);
    let told = bed.run(&["apply", "--yes"], &MORE);
    assert_eq!(told.code, Some(0), "{told:?}");
    normal(&bed)
}

fn unchanged_by_another_apply(bed: &Bed) {
    let proxy = Proxy::start(|_, _| Fault::None).unwrap();
    let told = bed.run_through(&proxy, &["apply", "--yes"], &MORE);
    assert_eq!((told.code, proxy.mutating()), (Some(0), 0), "{told:?}");
}

#[test]
fn throttled_broken_and_answers_lost_it_ends_where_a_straight_run_does() {
    let bed = Bed::new(101);
    let before = bed.inventory();
    let proxy = Proxy::start(|number, _| match number {
        _ if number % 7 == 2 => Fault::Throttle,
        _ if number % 11 == 3 => Fault::Broken,
        _ if number % 13 == 4 => Fault::LoseAnswer,
        _ if number % 17 == 5 => Fault::Close,
        _ => Fault::None,
    })
    .unwrap();
    let told = bed.run_through(&proxy, &["apply", "--yes"], &MORE);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(normal(&bed), straight(102));
    unchanged_by_another_apply(&bed);
    let told = bed.run_through(&proxy, &["destroy", "--yes"], &MORE);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(bed.inventory(), before);
}

/// Runs `task` and kills it at one of its mutating calls, again and again, until one run comes to its end. The call is
/// carried out or not, in turn, and its answer is never seen. Returns how often it was killed.
fn killed_again_and_again(bed: &Bed, task: &str) -> usize {
    let mut kills = 0;
    loop {
        assert!(kills < 200, "it comes to no end");
        // At one of its first calls, so that the other calls that are out at that time differ. A run gets on by as many;
        // with GPUNODE_THOROUGH by few, so that it is killed nearly everywhere.
        let (at, carried_out) = (1 + kills % if thorough() { 2 } else { 6 }, kills % 4 != 3);
        let told = bed.killed(at, carried_out, &[task, "--yes"], &MORE);
        if told.code == Some(0) {
            return kills;
        }
        assert_eq!(told.code, None, "it was not killed: {told:?}");
        kills += 1;
    }
}

#[test]
fn killed_at_its_calls_it_goes_on_where_it_ended() {
    let bed = Bed::new(103);
    let before = bed.inventory();
    let kills = killed_again_and_again(&bed, "apply");
    assert!(kills > 4, "{kills}");
    assert_eq!(normal(&bed), straight(104));
    unchanged_by_another_apply(&bed);
    let kills = killed_again_and_again(&bed, "destroy");
    assert!(kills > 4, "{kills}");
    assert_eq!(bed.inventory(), before);
}

#[test]
fn two_at_once_end_where_one_does() {
    let bed = Bed::new(105);
    let before = bed.inventory();
    for task in ["apply", "destroy"] {
        let (both, _) = bed.two_at_once(&[task, "--yes"], &MORE);
        for told in both {
            assert_eq!(told.code, Some(0), "{told:?}");
        }
        if task == "apply" {
            assert_eq!(normal(&bed), straight(106));
            unchanged_by_another_apply(&bed);
        } else {
            assert_eq!(bed.inventory(), before);
        }
    }
}

/// What `doctor` says at that level, as `subject: what`.
fn told_at(told: &Told, level: &str) -> Vec<String> {
    let document = told.json();
    let rows = document["findings"].as_array().unwrap().iter().filter(|row| row["level"] == level);
    rows.map(|row| format!("{}: {}", row["subject"], row["what"]).replace('"', "")).collect()
}

#[test]
fn doctor_asks_on_where_one_answer_does_not_come_and_takes_nothing_for_well() {
    let bed = Bed::new(131);
    assert_eq!(bed.run(&["apply", "--yes"], &[]).code, Some(0));
    let before = bed.inventory();
    let has = |rows: &[String], said: &str| rows.iter().any(|row| row.starts_with(said));
    // One door broken: that is not known, all else is.
    let proxy = Proxy::start(|_, call| match call.operation.as_str() {
        "GET /clusters/research/addons" | "DescribeInstanceTypeOfferings" => Fault::Broken,
        _ => Fault::None,
    })
    .unwrap();
    let told = bed.run_through(&proxy, &["doctor", "--json"], &[]);
    let (unknown, errors, fine) = (told_at(&told, "unknown"), told_at(&told, "error"), told_at(&told, "ok"));
    for subject in
        ["add-ons: could not tell: eks:ListAddons", "GPU node groups: could not tell: ec2:Describe"]
    {
        assert!(has(&unknown, subject), "{subject}: {told:?}");
    }
    assert!(
        has(&fine, "cluster: research (1.34) is ACTIVE") && has(&fine, "Kubernetes version: 1.34"),
        "{told:?}"
    );
    assert!(has(&fine, "clock, against AWS: "), "{told:?}");
    assert!(has(&errors, "subnet subnet-0123456789abcdef0: is not there"), "{told:?}");
    assert!(has(&errors, "API server: "), "{told:?}");
    assert_eq!((told.code, proxy.mutating(), bed.inventory()), (Some(3), 0, before), "{told:?}");

    // Nobody to ask.
    let proxy = Proxy::start(|_, _| Fault::Close).unwrap();
    let told = bed.run_through(&proxy, &["doctor", "--json"], &[]);
    assert_eq!(told.code, Some(5), "{told:?}");
    assert!(
        has(&told_at(&told, "unknown"), "AWS credentials: could not tell: sts:GetCallerIdentity"),
        "{told:?}"
    );
    assert!(has(&told_at(&told, "unknown"), "everything else: "), "{told:?}");
    assert!(has(&told_at(&told, "unknown"), "clock, against AWS: could not tell"), "{told:?}");
}

#[test]
fn doctor_knows_settings_accounts_versions_and_ways_in_that_do_not_work() {
    let bed = Bed::new(132);
    let told = bed.run(&["doctor", "--json"], &[("GPU_MAX_SIZE", "many"), ("VPC_ID", "x")]);
    assert_eq!((told.code, told_at(&told, "error").len()), (Some(2), 2), "{told:?}");
    assert!(told_at(&told, "unknown")[0].starts_with("everything else: could not tell"), "{told:?}");
    bed.calls(&serde_json::json!([["eks", "create_cluster", {
        "name": "old", "version": "1.30", "roleArn": "arn:aws:iam::000000000132:role/cluster",
        "resourcesVpcConfig": { "subnetIds": ["subnet-0123456789abcdef0"] },
        "accessConfig": { "authenticationMode": "CONFIG_MAP" } }]]));
    let old = [("CLUSTER_NAME", "old"), ("INSTALL_KARPENTER", "1"), ("AWS_ACCOUNT_ID", "000000000001")];
    let told = bed.run(&["doctor", "--json"], &old);
    assert_eq!(told.code, Some(3), "{told:?}");
    let errors = told_at(&told, "error");
    for said in [
        "AWS credentials: AWS_ACCOUNT_ID is 000000000001, but these credentials are for 000000000132",
        "cluster: KUBERNETES_VERSION is 1.34, but the cluster runs 1.30",
        "Kubernetes version: 1.30 is not supported any more",
        "authentication mode: CONFIG_MAP: EKS takes no access entries",
        "add-on eks-pod-identity-agent: is not installed",
    ] {
        assert!(errors.iter().any(|row| row.starts_with(said)), "{said}: {errors:#?}");
    }
    let told = bed.run(&["doctor", "--json"], &[("CLUSTER_NAME", "none")]);
    assert_eq!(told.code, Some(3), "{told:?}");
    assert!(told_at(&told, "error")[0].contains("has no such cluster in us-west-2"), "{told:?}");
}

/// A helm that comes to no end by itself is gone with the installer that started it, however that ended.
#[test]
fn a_killed_installer_leaves_no_helm_at_work() {
    let bed = Bed::new(612);
    let (folder, proxy) = (bed.folder().join("bin"), Proxy::start(|_, _| Fault::None).unwrap());
    std::fs::create_dir(&folder).unwrap();
    let (helm, file) = (folder.join("helm"), folder.join("pid"));
    let script =
        format!("#!/bin/sh\necho $$ > {0}.new && mv {0}.new {0} && exec sleep 1000\n", file.display());
    std::fs::write(&helm, script).unwrap();
    std::fs::set_permissions(&helm, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let mut child = bed.start(&proxy, &["doctor"], &[("INSTALL_KUBERNETES", "true"), ("PATH", &path)]);
    let pid = wait(|| std::fs::read_to_string(&file).ok(), "helm is not started");
    child.kill().unwrap();
    child.wait().unwrap();
    let status = format!("/proc/{}/stat", pid.trim());
    // Nobody waits for it but init; a zombie is dead, too.
    let alive = || std::fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z "));
    wait(|| (!alive()).then_some(()), "helm goes on");
}

fn wait<T>(look: impl Fn() -> Option<T>, late: &str) -> T {
    let since = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < std::time::Duration::from_secs(60), "{late}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
