use super::packages::*;
use super::*;

fn offered(rows: &[(&str, &[&str])]) -> Offered {
    rows.iter()
        .map(|(name, versions)| ((*name).to_owned(), versions.iter().map(ToString::to_string).collect()))
        .collect()
}

fn purpose(distro: Distro, version: &str, fabric: Fabric) -> Purpose {
    Purpose {
        platform: platform(distro),
        wanted: Wanted::parse(version).unwrap(),
        modules: Modules::Open,
        fabric,
        gpus: vec![Generation::Hopper],
        toolkit: false,
        kernel: "6.8.0-1021-aws".to_owned(),
        build: true,
        prebuilt: Vec::new(),
    }
}

fn shown(resolved: &Resolved) -> Vec<String> {
    resolved.packages.iter().map(|package| format!("{}={}", package.name, package.version)).collect()
}

const DNF: &[(&str, &[&str])] = &[
    (
        "kmod-nvidia-open-dkms",
        &["3:550.127.05-1.amzn2023", "3:580.95.05-1.amzn2023", "3:580.82.07-1.amzn2023"],
    ),
    ("nvidia-driver-cuda", &["3:550.127.05-1.amzn2023", "3:580.95.05-1.amzn2023", "3:580.82.07-1.amzn2023"]),
    ("nvidia-persistenced", &["3:550.127.05-1.amzn2023", "3:580.95.05-1.amzn2023", "3:580.82.07-1.amzn2023"]),
    ("nvidia-fabric-manager", &["0:550.127.05-1"]),
    ("nvidia-fabricmanager", &["0:580.95.05-1", "0:580.82.07-1"]),
];

#[test]
fn versions_by_exact_number_branch_and_latest() {
    let offered = offered(DNF);
    for (wanted, found, manager) in [
        ("550.127.05", "550.127.05", "nvidia-fabric-manager=0:550.127.05-1"),
        ("580", "580.95.05", "nvidia-fabricmanager=0:580.95.05-1"),
        ("latest", "580.95.05", "nvidia-fabricmanager=0:580.95.05-1"),
        ("580.82.07", "580.82.07", "nvidia-fabricmanager=0:580.82.07-1"),
    ] {
        let resolved = resolve(&purpose(Distro::AmazonLinux2023, wanted, Fabric::Managed), &offered).unwrap();
        assert_eq!(resolved.version.as_str(), found, "{wanted}");
        assert!(shown(&resolved).contains(&manager.to_owned()), "{:?}", shown(&resolved));
        assert_eq!(resolved.held.len(), 4);
    }
    let error = resolve(&purpose(Distro::AmazonLinux2023, "535", Fabric::None), &offered).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no repository offers the NVIDIA driver 535; there are 580.95.05, 580.82.07, 550.127.05"
    );
}

#[test]
fn latest_is_the_newest_that_drives_the_gpu() {
    let mut rows = DNF.to_vec();
    let kmod = ["3:590.48.01-1", "3:580.95.05-1.amzn2023"];
    rows[0] = ("kmod-nvidia-open-dkms", &kmod);
    let old =
        Purpose { gpus: vec![Generation::Volta], ..purpose(Distro::AmazonLinux2023, "latest", Fabric::None) };
    assert_eq!(resolve(&old, &offered(&rows)).unwrap().version.as_str(), "580.95.05");
}

#[test]
fn ubuntu_has_two_schemes_of_names() {
    let server: &[&str] = &["550.127.05-0ubuntu0.22.04.1", "550.120-0ubuntu0.22.04.1"];
    let mut rows = vec![
        ("nvidia-headless-550-server-open", server),
        ("nvidia-utils-550-server", server),
        ("nvidia-compute-utils-550-server", server),
        ("nvidia-fabricmanager-550", server),
        ("nvidia-headless-550-open", &["550.127.05-0ubuntu1"]),
        ("nvidia-utils-550", &["550.127.05-0ubuntu1"]),
        ("nvidia-compute-utils-550", &["550.127.05-0ubuntu1"]),
    ];
    let exact = purpose(Distro::Ubuntu2204, "550.127.05", Fabric::Managed);
    let resolved = resolve(&exact, &offered(&rows)).unwrap();
    assert_eq!(shown(&resolved)[0], "nvidia-headless-550-server-open=550.127.05-0ubuntu0.22.04.1");
    rows.drain(..3);
    let resolved = resolve(&exact, &offered(&rows)).unwrap();
    assert_eq!(shown(&resolved)[0], "nvidia-headless-550-open=550.127.05-0ubuntu1");
    rows.retain(|(name, _)| !name.contains("fabric"));
    let error = resolve(&exact, &offered(&rows)).unwrap_err();
    assert_eq!(error.to_string(), "no repository offers nvidia-fabricmanager-550 550.127.05");
}

/// NVIDIA's repository for Ubuntu gave up the branch in its names with 590; Ubuntu's own archive keeps it.
#[test]
fn ubuntu_has_names_without_the_branch_from_590_on() {
    let rows: &[(&str, &[&str])] = &[
        ("nvidia-headless-580-open", &["580.95.05-0ubuntu1"]),
        ("nvidia-utils-580", &["580.95.05-0ubuntu1"]),
        ("nvidia-compute-utils-580", &["580.95.05-0ubuntu1"]),
        ("nvidia-fabricmanager-580", &["580.95.05-0ubuntu0.24.04.1"]),
        ("nvidia-dkms-open", &["595.71.05-1ubuntu1", "590.48.01-0ubuntu1"]),
        ("libnvidia-compute", &["595.71.05-1ubuntu1", "590.48.01-0ubuntu1"]),
        ("nvidia-persistenced", &["595.71.05-1ubuntu1", "590.48.01-0ubuntu1"]),
        ("nvidia-fabricmanager", &["595.71.05-1ubuntu1", "590.48.01-1", "580.95.05-1"]),
        ("nvidia-fabricmanager-595", &["595.71.05-0ubuntu0.24.04.1"]),
    ];
    let offered = offered(rows);
    for (wanted, all) in [
        (
            "latest",
            ["nvidia-dkms-open", "libnvidia-compute", "nvidia-persistenced", "nvidia-fabricmanager"]
                .map(|name| format!("{name}=595.71.05-1ubuntu1")),
        ),
        (
            "590",
            [
                "nvidia-dkms-open=590.48.01-0ubuntu1".to_owned(),
                "libnvidia-compute=590.48.01-0ubuntu1".to_owned(),
                "nvidia-persistenced=590.48.01-0ubuntu1".to_owned(),
                "nvidia-fabricmanager=590.48.01-1".to_owned(),
            ],
        ),
        (
            "580",
            [
                "nvidia-headless-580-open=580.95.05-0ubuntu1".to_owned(),
                "nvidia-utils-580=580.95.05-0ubuntu1".to_owned(),
                "nvidia-compute-utils-580=580.95.05-0ubuntu1".to_owned(),
                // Ubuntu's own asks for the packages of its branch for servers.
                "nvidia-fabricmanager=580.95.05-1".to_owned(),
            ],
        ),
    ] {
        let resolved = resolve(&purpose(Distro::Ubuntu2404, wanted, Fabric::Managed), &offered).unwrap();
        assert_eq!(shown(&resolved), all, "{wanted}");
        assert_eq!(resolved.held.len(), 4);
    }
    // For Ubuntu's branch for servers, its own.
    let mut rows = rows.to_vec();
    let version: &[&str] = &["595.71.05-0ubuntu0.24.04.1"];
    rows.extend(
        ["headless-595-server-open", "utils-595-server", "compute-utils-595-server"]
            .map(|name| (&*Box::leak(format!("nvidia-{name}").into_boxed_str()), version)),
    );
    let resolved =
        resolve(&purpose(Distro::Ubuntu2404, "595", Fabric::Managed), &super::resolve::offered(&rows))
            .unwrap();
    assert_eq!(shown(&resolved)[0], "nvidia-headless-595-server-open=595.71.05-0ubuntu0.24.04.1");
    assert_eq!(shown(&resolved)[3], "nvidia-fabricmanager-595=595.71.05-0ubuntu0.24.04.1");
}

#[test]
fn headers_of_the_running_kernel() {
    let of = |distro, kernel: &str| {
        let request = headers(platform(distro), kernel);
        (request.names[0].clone(), request.bound)
    };
    let amazon = Distro::AmazonLinux2023;
    assert_eq!(
        of(amazon, "6.12.40-63.114.amzn2023.x86_64"),
        ("kernel6.12-devel".into(), Bound::Kernel("6.12.40-63.114.amzn2023".into()))
    );
    assert_eq!(of(amazon, "6.1.159-182.297.amzn2023.x86_64").0, "kernel-devel");
    assert_eq!(of(Distro::Ubuntu2404, "6.8.0-1021-aws").0, "linux-headers-6.8.0-1021-aws");
    let extra = extra_modules(platform(amazon), "6.18.3-12.20.amzn2023.x86_64");
    assert_eq!(extra.names, ["kernel6.18-modules-extra", "kernel-modules-extra"]);
    let extra = extra_modules(platform(amazon), "6.1.159-182.297.amzn2023.x86_64");
    assert_eq!(extra.names, ["kernel-modules-extra"]);
    let extra = extra_modules(platform(Distro::Ubuntu2204), "6.8.0-1021-aws");
    assert_eq!(extra.names, ["linux-modules-extra-6.8.0-1021-aws"]);
    let request = headers(platform(amazon), "6.12.40-63.114.amzn2023.x86_64");
    let offer = offered(&[("kernel6.12-devel", &["1:6.12.40-63.114.amzn2023", "1:6.12.41-1.amzn2023"])]);
    let package = request.find(&"0".parse().unwrap(), &offer).unwrap();
    assert_eq!(package.version, "1:6.12.40-63.114.amzn2023");
}

#[test]
fn repositories_of_every_platform() {
    let arm = Platform { arch: Architecture::Arm64, ..platform(Distro::AmazonLinux2023) };
    assert!(arm.repository().ends_with("/cuda/repos/amzn2023/sbsa"));
    assert!(platform(Distro::Ubuntu2404).repository_key().ends_with("/ubuntu2404/x86_64/3bf863cc.pub"));
}

fn built(name: &str, driver: &str) -> Prebuilt {
    let package = Package { name: name.to_owned(), version: "6.8.0-1021.23".to_owned() };
    Prebuilt { package, driver: driver.parse().unwrap() }
}

/// The version is chosen as ever; modules of that version that are built for this kernel go before those to be built.
#[test]
fn prebuilt_modules_are_taken_where_they_are_of_the_version_that_is_wanted() {
    let mut rows: Vec<(&str, &[&str])> = Vec::new();
    let versions: &[&str] = &["550.127.05-0ubuntu1", "580.95.05-0ubuntu1", "580.82.07-0ubuntu1"];
    for branch in ["550", "580"] {
        for name in [
            "headless-{}-server-open",
            "headless-no-dkms-{}-server-open",
            "utils-{}-server",
            "compute-utils-{}-server",
        ] {
            rows.push((
                Box::leak(format!("nvidia-{}", name.replace("{}", branch)).into_boxed_str()),
                versions,
            ));
        }
    }
    let offered = offered(&rows);
    let wanting = |version: &str, build, prebuilt: &[Prebuilt]| {
        let purpose = purpose(Distro::Ubuntu2204, version, Fabric::None);
        resolve(&Purpose { build, prebuilt: prebuilt.to_vec(), ..purpose }, &offered)
    };
    let here = [
        built("linux-modules-nvidia-580-server-open-6.8.0-1021-aws", "580.95.05"),
        // Of another build, of another kernel, and called as no package of that version is.
        built("linux-modules-nvidia-550-server-6.8.0-1021-aws", "550.127.05"),
        built("linux-modules-nvidia-550-server-open-6.8.0-1022-aws", "550.127.05"),
        built("linux-modules-nvidia-570-server-open-6.8.0-1021-aws", "580.82.07"),
    ];
    let taken = wanting("580", true, &here).unwrap();
    assert!(taken.prebuilt);
    assert_eq!(
        shown(&taken),
        [
            "linux-modules-nvidia-580-server-open-6.8.0-1021-aws=6.8.0-1021.23",
            "nvidia-headless-no-dkms-580-server-open=580.95.05-0ubuntu1",
            "nvidia-utils-580-server=580.95.05-0ubuntu1",
            "nvidia-compute-utils-580-server=580.95.05-0ubuntu1",
        ]
    );
    assert_eq!(taken.held.len(), 4);
    for wanted in ["550", "580.82.07", "550.127.05"] {
        let built = wanting(wanted, true, &here).unwrap();
        assert!(!built.prebuilt && shown(&built)[0].starts_with("nvidia-headless-5"), "{wanted}: {built:?}");
    }
    assert!(!wanting("580", true, &[]).unwrap().prebuilt);
    let refused = wanting("550", false, &here).unwrap_err().to_string();
    let said = "no repository offers modules of the NVIDIA driver 550 that are built for the kernel 6.8.0-1021-aws; there are 580.95.05";
    assert_eq!(refused, said);
    let refused = wanting("latest", false, &[]).unwrap_err().to_string();
    assert!(refused.ends_with("6.8.0-1021-aws, nor any other"), "{refused}");
}
