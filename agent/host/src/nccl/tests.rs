use proptest::prelude::*;

use super::*;
use crate::catalog;

const CURRENT: [Option<&str>; 5] = [
    Some("2.7.0amzn2.0"),
    Some("1.22.0"),
    Some("2.28.3"),
    Some("1.51.0"),
    Some("6.12.55-74.119.amzn2023.x86_64"),
];

/// libfabric, aws-ofi-nccl, NCCL, EFA installer, kernel.
fn installed(versions: [Option<&str>; 5]) -> Installed {
    let [libfabric, ofi_nccl, nccl, efa_installer, kernel] =
        versions.map(|version| version.map(|text| text.parse().unwrap()));
    Installed { libfabric, ofi_nccl, nccl, efa_installer, kernel, nvidia_driver: None }
}

fn made(kind: &str, versions: [Option<&str>; 5], profile: Profile, additions: &[(&str, &str)]) -> Plan {
    let kind = catalog::find(kind);
    let additions = additions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    plan(&Inputs { instance: kind.as_ref(), installed: installed(versions), profile, additions }).unwrap()
}

fn shown(plan: &Plan) -> String {
    plan.lines.iter().map(|line| format!("{}={}", line.name, line.value)).collect::<Vec<_>>().join(" ")
}

/// With one version other than current.
fn other(index: usize, version: &'static str) -> [Option<&'static str>; 5] {
    let mut versions = CURRENT;
    versions[index] = Some(version);
    versions
}

#[test]
fn what_each_type_and_version_needs() {
    const OLD: &str = "FI_EFA_USE_DEVICE_RDMA=1 FI_PROVIDER=efa NCCL_PROTO=simple";
    for (kind, versions, wanted) in [
        // Today's versions need nothing.
        ("p4d.24xlarge", CURRENT, ""),
        ("p5.48xlarge", CURRENT, ""),
        ("p5en.48xlarge", CURRENT, ""),
        ("p6-b300.48xlarge", CURRENT, ""),
        ("g6e.48xlarge", CURRENT, ""),
        // Nor do unknown ones, which containers bring.
        ("p5.48xlarge", [None; 5], ""),
        // aws-ofi-nccl up to 1.5.
        ("p4d.24xlarge", other(1, "1.5.0-aws"), OLD),
        ("p5.48xlarge", other(1, "1.5.0"), OLD),
        ("g4dn.metal", other(1, "1.5.0"), "FI_PROVIDER=efa NCCL_PROTO=simple"),
        ("g6.xlarge", other(1, "1.5.0"), ""),
        ("no.such.type", other(1, "1.5.0"), ""),
        // 1.6.
        ("p5.48xlarge", other(1, "1.6.0-aws"), "FI_EFA_USE_DEVICE_RDMA=1"),
        ("g4dn.metal", other(1, "1.6.0-aws"), ""),
        ("g6e.48xlarge", other(1, "1.6.0-aws"), ""),
        // 1.7, with a libfabric that has to be told, and one that has not.
        ("p5.48xlarge", other(1, "1.7.0-aws"), ""),
        ("p5.48xlarge", other(0, "1.17.1amzn1.0"), "FI_EFA_USE_DEVICE_RDMA=1"),
        ("p5.48xlarge", other(0, "1.18.0amzn1.0"), ""),
        // EFA installer and NCCL.
        ("p5.48xlarge", other(3, "1.29.0"), "FI_EFA_SET_CUDA_SYNC_MEMOPS=0"),
        ("p5.48xlarge", other(3, "1.29.1"), ""),
        ("p5.48xlarge", [None, None, Some("2.18.5"), Some("1.29.0"), None], ""),
        ("p5.48xlarge", [None, None, None, Some("1.29.0"), None], ""),
        ("g5.xlarge", other(3, "1.29.0"), ""),
        // Kernel.
        ("p5.48xlarge", other(4, "5.10.240-238.955.amzn2.x86_64"), "FI_EFA_FORK_SAFE=1"),
        ("p5.48xlarge", other(4, "5.15.0-1084-aws"), ""),
        ("g4dn.xlarge", other(4, "5.10.240-238.955.amzn2.x86_64"), ""),
        // Host memory between GPUs.
        ("g5.48xlarge", CURRENT, "NCCL_SHM_USE_CUDA_MEMCPY=1"),
        ("g6.12xlarge", CURRENT, "NCCL_SHM_USE_CUDA_MEMCPY=1"),
        ("g6.16xlarge", CURRENT, ""),
    ] {
        let plan = made(kind, versions, Profile::Auto, &[]);
        assert_eq!(shown(&plan), wanted, "{kind} {versions:?}");
        assert!(plan.findings.is_empty(), "{kind} {versions:?}: {:?}", plan.findings);
        assert!(plan.lines.iter().all(|line| line.origin == Origin::Rule && line.why.ends_with('.')));
    }
}

#[test]
fn classic_is_four_variables_and_says_what_it_costs() {
    const FOUR: &str =
        "FI_EFA_USE_DEVICE_RDMA=1 FI_PROVIDER=efa NCCL_PROTO=simple NCCL_SOCKET_IFNAME=^docker,lo";
    for (kind, versions, wanted, hurt) in [
        ("p5.48xlarge", other(1, "1.5.0"), FOUR, vec![]),
        ("p5.48xlarge", CURRENT, FOUR, vec!["NCCL_PROTO"]),
        ("p5.48xlarge", [None; 5], FOUR, vec!["NCCL_PROTO"]),
        ("p5.4xlarge", CURRENT, FOUR, vec![]),
        ("g4dn.metal", CURRENT, FOUR, vec!["FI_EFA_USE_DEVICE_RDMA"]),
        ("g5.xlarge", CURRENT, "NCCL_SOCKET_IFNAME=^docker,lo", vec![]),
        ("no.such.type", CURRENT, FOUR, vec![]),
    ] {
        let plan = made(kind, versions, Profile::Classic, &[]);
        assert_eq!(shown(&plan), wanted, "{kind}");
        let subjects: Vec<_> = plan.findings.iter().map(|finding| finding.subject.as_str()).collect();
        assert_eq!(subjects, hurt, "{kind}");
        assert!(plan.lines.iter().all(|line| line.origin == Origin::Profile));
    }
}

#[test]
fn forced_values_that_hurt() {
    let nccl = |version| other(2, version);
    // Type, versions, variable, value, whether it hurts.
    for (kind, versions, name, value, hurts) in [
        ("p5.48xlarge", CURRENT, "NCCL_PROTO", "simple", true),
        ("p5.48xlarge", CURRENT, "NCCL_PROTO", "Simple", true),
        ("p5.48xlarge", other(1, "1.5.0"), "NCCL_PROTO", "simple", false),
        ("g6.48xlarge", CURRENT, "NCCL_PROTO", "simple", false),
        ("g6.48xlarge", CURRENT, "NCCL_PROTO", "LL128", true),
        ("g5.xlarge", CURRENT, "NCCL_PROTO", "LL128", false),
        ("g5.xlarge", CURRENT, "RDMAV_FORK_SAFE", "1", true),
        ("p5.48xlarge", CURRENT, "RDMAV_HUGEPAGES_SAFE", "1", true),
        ("g4dn.metal", CURRENT, "FI_EFA_USE_DEVICE_RDMA", "1", true),
        ("p3dn.24xlarge", CURRENT, "FI_EFA_USE_DEVICE_RDMA", "1", true),
        ("p4d.24xlarge", CURRENT, "FI_EFA_USE_DEVICE_RDMA", "1", false),
        ("p4d.24xlarge", CURRENT, "FI_EFA_USE_DEVICE_RDMA", "0", true),
        ("g5.xlarge", CURRENT, "FI_PROVIDER", "efa", true),
        ("p5.48xlarge", CURRENT, "FI_PROVIDER", "efa", false),
        ("p5.48xlarge", CURRENT, "FI_PROVIDER", "tcp", true),
        (
            "p5.48xlarge",
            nccl("2.27.3"),
            "NCCL_TUNER_PLUGIN",
            "/opt/amazon/ofi-nccl/lib/libnccl-ofi-tuner.so",
            true,
        ),
        (
            "p5.48xlarge",
            nccl("2.26.5"),
            "NCCL_TUNER_PLUGIN",
            "/opt/amazon/ofi-nccl/lib/libnccl-ofi-tuner.so",
            false,
        ),
        ("p5.48xlarge", nccl("2.27.3"), "NCCL_TUNER_PLUGIN", "libnccl-ofi-tuner.so", false),
        ("p5.48xlarge", CURRENT, "NCCL_BUFFSIZE", "4194304", true),
        ("p5.48xlarge", CURRENT, "NCCL_BUFFSIZE", "8388608", false),
        ("p4d.24xlarge", CURRENT, "NCCL_P2P_NET_CHUNKSIZE", "131072", true),
        ("p4d.24xlarge", CURRENT, "NCCL_NVLS_CHUNKSIZE", "131072", false),
        ("p6-b200.48xlarge", CURRENT, "NCCL_NVLS_CHUNKSIZE", "131072", true),
        ("p5e.48xlarge", CURRENT, "NCCL_NVLSTREE_MAX_CHUNKSIZE", "131072", true),
        ("p5en.48xlarge", CURRENT, "NCCL_NET_FORCE_FLUSH", "1", true),
        ("p5.4xlarge", CURRENT, "NCCL_BUFFSIZE", "4194304", false),
        ("g7e.48xlarge", CURRENT, "NCCL_BUFFSIZE", "4194304", false),
        ("p5en.48xlarge", CURRENT, "NCCL_NETDEVS_POLICY", "ALL", true),
        ("p5en.48xlarge", CURRENT, "NCCL_NETDEVS_POLICY", "MAX:1", false),
        ("p5.48xlarge", CURRENT, "NCCL_NETDEVS_POLICY", "ALL", false),
        ("p4d.24xlarge", CURRENT, "NCCL_TOPO_FILE", "/etc/topo.xml", true),
        ("p5.48xlarge", CURRENT, "NCCL_TOPO_FILE", "/etc/topo.xml", false),
        ("p5.48xlarge", nccl("2.18.3"), "NCCL_NVLS_ENABLE", "1", true),
        ("p5.48xlarge", nccl("2.18.5"), "NCCL_NVLS_ENABLE", "1", false),
        ("p4d.24xlarge", CURRENT, "NCCL_MIN_NCHANNELS", "32", true),
        ("p5.48xlarge", CURRENT, "NCCL_SOCKET_IFNAME", "en", true),
        ("p5.48xlarge", CURRENT, "NCCL_SOCKET_IFNAME", "=eth0", true),
        ("p5.48xlarge", CURRENT, "NCCL_SOCKET_IFNAME", "^docker,lo,veth", false),
        ("p5.48xlarge", CURRENT, "OFI_NCCL_PROTOCOL", "SENDRECV", true),
        ("p5.48xlarge", CURRENT, "OFI_NCCL_PROTOCOL", "RDMA", false),
        ("p4d.24xlarge", CURRENT, "OFI_NCCL_PROTOCOL", "rdma", true),
        ("p5.4xlarge", CURRENT, "OFI_NCCL_PROTOCOL", "RDMA", true),
        ("g7e.24xlarge", CURRENT, "OFI_NCCL_PROTOCOL", "RDMA", false),
        ("g6.48xlarge", CURRENT, "OFI_NCCL_PROTOCOL", "RDMA", false),
        ("p5.48xlarge", CURRENT, "NCCL_DEBUG", "info", false),
        ("p5.48xlarge", CURRENT, "FI_EFA_USE_HUGE_PAGE", "0", false),
    ] {
        let plan = made(kind, versions, Profile::Auto, &[(name, value)]);
        let subjects: Vec<_> = plan.findings.iter().map(|finding| finding.subject.as_str()).collect();
        assert_eq!(subjects, if hurts { vec![name] } else { vec![] }, "{kind} {name}={value}");
        for finding in &plan.findings {
            assert_eq!(finding.code, "NcclVariableHurts");
            assert!(finding.message.starts_with(&format!("{name}={value} on {kind}")), "{}", finding.message);
        }
    }
}

#[test]
fn the_operator_wins_and_the_profile_none_is_empty() {
    let plan = made("g5.48xlarge", CURRENT, Profile::Auto, &[("NCCL_SHM_USE_CUDA_MEMCPY", "0"), ("A", "")]);
    assert_eq!(shown(&plan), "A= NCCL_SHM_USE_CUDA_MEMCPY=0");
    assert!(plan.lines.iter().all(|line| line.origin == Origin::Operator));
    assert_eq!(shown(&made("g5.48xlarge", other(1, "1.5.0"), Profile::None, &[])), "");
}

#[test]
fn what_cannot_be_written_is_named() {
    for (name, value, message) in [
        ("", "1", "\"\" is not a variable name"),
        ("1A", "1", "\"1A\" is not"),
        ("A-B", "1", "\"A-B\" is not"),
        ("A=B", "1", "\"A=B\" is not"),
        ("Ä", "1", "\"Ä\" is not"),
        ("A\n", "1", "\"A\\n\" is not"),
        ("NCCL_DEBUG", "a\nb", "the value of NCCL_DEBUG contains '\\n'"),
        ("NCCL_DEBUG", "a\0b", "the value of NCCL_DEBUG contains '\\0'"),
        ("NCCL_DEBUG", "a\t", "the value of NCCL_DEBUG contains '\\t'"),
        ("NCCL_DEBUG", "a\r", "the value of NCCL_DEBUG contains '\\r'"),
        ("NCCL_DEBUG", &"x".repeat(1024), "the value of NCCL_DEBUG has 1024 bytes"),
    ] {
        let additions = [(name.to_owned(), value.to_owned())].into();
        let error = plan(&Inputs { additions, ..Inputs::default() }).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn profiles_are_read_by_name() {
    for profile in [Profile::Auto, Profile::Classic, Profile::None] {
        assert_eq!(profile.to_string().parse(), Ok(profile));
    }
    assert!("fast".parse::<Profile>().unwrap_err().to_string().contains("auto, classic and none"));
}

fn version() -> impl Strategy<Value = Option<Version>> {
    prop::option::of("[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]".prop_map(|text| text.parse().unwrap()))
}

proptest! {
    /// Whatever is installed, the rules never write what the same module warns of, and nothing about EFA where
    /// there is none.
    #[test]
    fn the_rules_never_hurt(
        index in 0..catalog::names().count(),
        (libfabric, ofi_nccl, nccl, efa_installer, kernel) in (version(), version(), version(), version(), version()),
    ) {
        let kind = catalog::all().nth(index).unwrap();
        let installed = Installed { libfabric, ofi_nccl, nccl, efa_installer, kernel, nvidia_driver: None };
        let inputs = Inputs { instance: Some(&kind), installed, ..Inputs::default() };
        let auto = plan(&inputs).unwrap();
        let additions = auto.lines.iter().map(|line| (line.name.clone(), line.value.clone())).collect();
        let forced = plan(&Inputs { additions, ..inputs }).unwrap();
        prop_assert_eq!(&forced.findings, &[], "{}", kind.name);
        if !kind.has_efa() {
            prop_assert!(auto.lines.iter().all(|line| !line.name.starts_with("FI_") && line.name != "NCCL_PROTO"));
        }
    }
}

/// Older NCCL knows no comments in its file and takes every line with `=` for a variable.
#[test]
fn no_reason_holds_an_equals_sign() {
    let old = ["1.17.0", "1.5.0", "2.19.3", "1.20.0", "5.10.0"].map(Some);
    for kind in catalog::all() {
        for profile in [Profile::Auto, Profile::Classic] {
            let inputs =
                Inputs { instance: Some(&kind), installed: installed(old), profile, ..Inputs::default() };
            let plan = plan(&inputs).unwrap();
            assert!(plan.lines.iter().all(|line| !line.why.contains(['=', '\n', '\\'])), "{}", kind.name);
        }
    }
}
