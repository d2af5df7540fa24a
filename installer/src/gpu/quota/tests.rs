use proptest::prelude::*;

use super::asked::{counts, cpus, is_ours};
use super::*;
use crate::aws::{Element, Meaning};
use crate::settings::{File, load};

fn settings(more: &str) -> Settings {
    let least = "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\n\
                 PRIVATE_SUBNET_A=subnet-00000000\nGPU_SUBNET_A=subnet-00000000\n";
    let text = format!("{least}{more}");
    load(Some(File { path: ".env", text: &text }), &[]).unwrap().settings
}

fn code(kind: &str, capacity: &str) -> Result<&'static str, Verdict> {
    let mut settings = settings("");
    kind.clone_into(&mut settings.gpu_instance_type);
    settings.gpu_capacity = serde_json::from_value(capacity.into()).unwrap();
    counting(&settings).map(|quota| quota.code)
}

#[test]
fn each_type_of_the_catalogue_is_counted_once_or_not_known() {
    for (kind, on_demand, spot) in [
        ("p5en.48xlarge", "L-417A185B", Some("L-C4BD4855")),
        ("p4d.24xlarge", "L-417A185B", Some("L-7212CCBC")),
        ("p3dn.24xlarge", "L-417A185B", Some("L-7212CCBC")),
        ("p6-b300.48xlarge", "L-417A185B", None),
        ("g6e.48xlarge", "L-DB2E81BA", Some("L-3819A6DF")),
        ("gr6.8xlarge", "L-DB2E81BA", Some("L-3819A6DF")),
    ] {
        assert_eq!(code(kind, "on-demand"), Ok(on_demand), "{kind}");
        assert_eq!(code(kind, "spot").ok(), spot, "{kind}");
    }
    assert!(matches!(code("p6-b300.48xlarge", "spot"), Err(Verdict::Unknown(_))));
    for reserved in ["capacity-block", "reservation"] {
        assert!(matches!(code("p5.48xlarge", reserved), Err(Verdict::Fine(_))), "{reserved}");
    }
    for kind in gpunode_host::catalog::all() {
        assert!(code(&kind.name, "on-demand").is_ok(), "{}", kind.name);
    }
}

fn failure() -> Failure {
    Failure {
        call: "servicequotas:GetServiceQuota",
        meaning: Meaning::Never,
        what: "AccessDenied: no".to_owned(),
    }
}

fn told(allowed: Result<f64, Failure>, others: Result<u64, Failure>) -> Verdict {
    let settings = settings("GPU_INSTANCE_TYPE=p5.48xlarge\nGPU_MAX_SIZE=2\n");
    judge(&settings, &QUOTAS[0], 1, &Asked { allowed, others })
}

#[test]
fn what_could_not_be_asked_is_never_fine() {
    assert!(matches!(told(Ok(384.0), Ok(0)), Verdict::Fine(_)));
    let Verdict::Small(problem) = told(Ok(384.0), Ok(96)) else { panic!("384 are not 480") };
    for said in ["L-417A185B (Running On-Demand P instances)", "384", "96 that run", "--desired-value 480"] {
        assert!(problem.what.contains(said), "{problem}");
    }
    assert!(matches!(told(Ok(384.0), Err(failure())), Verdict::Unknown(_)));
    assert!(matches!(told(Ok(383.0), Err(failure())), Verdict::Small(_)));
    for others in [Ok(0), Err(failure())] {
        let Verdict::Unknown(why) = told(Err(failure()), others) else { panic!("it was not asked") };
        assert!(why.contains("need 384 vCPUs") && why.contains("AccessDenied"), "{why}");
    }
}

#[test]
fn instances_are_counted_by_how_they_were_bought_and_whose_they_are() {
    let read = |inner: &str| Element::read(format!("<item>{inner}</item>").as_bytes()).unwrap();
    assert!(counts(&read(""), false) && !counts(&read(""), true));
    for (lifecycle, spot) in [("spot", true), ("capacity-block", false), ("scheduled", false)] {
        let instance = read(&format!("<instanceLifecycle>{lifecycle}</instanceLifecycle>"));
        assert!(!counts(&instance, false), "{lifecycle}");
        assert_eq!(counts(&instance, true), spot, "{lifecycle}");
    }
    let tag = |key: &str, value: &str| format!("<item><key>eks:{key}</key><value>{value}</value></item>");
    let tagged = |cluster, group| {
        read(&format!("<tagSet>{}{}</tagSet>", tag("cluster-name", cluster), tag("nodegroup-name", group)))
    };
    let groups = ["gpu-compute".to_owned()];
    assert!(is_ours(&tagged("research", "gpu-compute"), "research", &groups));
    assert!(!is_ours(&tagged("other", "gpu-compute"), "research", &groups));
    assert!(!is_ours(&tagged("research", "gpu"), "research", &groups));
    let own = "<tagSet><item><key>aws:autoscaling:groupName</key><value>research-gpu-compute</value></item></tagSet>";
    assert!(is_ours(&read(own), "research", &groups) && !is_ours(&read(own), "other", &groups));
    let options = "<cpuOptions><coreCount>8</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>";
    assert_eq!(cpus(&read(options), "p5.48xlarge"), Some(192));
    assert_eq!(cpus(&read(options), "p2.xlarge"), Some(16));
    assert_eq!(cpus(&read(""), "p2.xlarge"), None);
}

proptest! {
    #[test]
    fn any_numbers_are_judged(allowed in any::<f64>(), others: u64, max in 1..u64::MAX, groups in 1..4_usize) {
        let mut settings = settings("GPU_INSTANCE_TYPE=p5.48xlarge\n");
        settings.gpu_max_size = max;
        let fine = judge(&settings, &QUOTAS[0], groups, &Asked { allowed: Ok(allowed), others: Ok(others) });
        let room = max.checked_mul(192 * groups as u64).and_then(|need| need.checked_add(others));
        if matches!(fine, Verdict::Fine(_)) && allowed < 1e15 {
            #[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
            let enough = room.is_some_and(|room| room as f64 <= allowed);
            prop_assert!(enough);
        }
    }
}
