//! Whom the driver's packages are taken from: the key of the repository by its fingerprint, archives and `.run` files by
//! their SHA-256. What is not what it should be is told, and nothing of it is installed or run. The package managers are
//! real, the packages are stand-ins, see `gpunode_tests::packages`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;

use flate2::Compression;
use flate2::write::GzEncoder;
use gpunode_fault_server::{End, Reply, Server};
use gpunode_host::driver::{Distro, Platform};
use gpunode_tests::agent::{Run, finish};
use gpunode_tests::packages::{Cut, Family, Files, Machine};
use sha2::{Digest, Sha256};

/// The fingerprint of one of the bed's keys.
fn fingerprint(machine: &Machine, name: &str) -> String {
    fs::read_to_string(machine.file(&format!("srv/{name}.fingerprint"))).unwrap().trim().to_owned()
}

fn pinned(fingerprint: &str) -> String {
    format!("nvidia.repositoryKeyFingerprint={fingerprint}")
}

fn platform(family: Family) -> Platform {
    let distro = match family {
        Family::Dnf => Distro::AmazonLinux2023,
        Family::Apt => Distro::Ubuntu2204,
    };
    Platform { distro, arch: gpunode_host::catalog::Architecture::X86_64 }
}

fn by_fingerprint(family: Family) {
    let machine = Machine::new(family);
    let [nvidia, other] = ["nvidia", "other"].map(|name| fingerprint(&machine, name));
    let message = machine.fails(&[&pinned(&other)], "PackageSignatureWrong");
    assert!(message.starts_with("/srv/nvidia.asc: "), "{message}");
    assert!(
        message.contains(&format!("the key has the fingerprint {nvidia}; {other} is trusted")),
        "{message}"
    );
    // The right key with another one beside it.
    machine.shell("export HOME=/tmp; for name in nvidia other; do gpg --batch --quiet --import /srv/$name.asc; done; gpg --armor --export > /srv/both.asc");
    let both =
        machine.fails(&[&pinned(&nvidia), "nvidia.repositoryKey=/srv/both.asc"], "PackageSignatureWrong");
    assert!(both.contains(&other), "{both}");
    let gone = machine
        .fails(&[&pinned(&nvidia), "nvidia.repositoryKey=http://127.0.0.1:9/k"], "PackageRepositoryFailed");
    assert!(gone.contains("http://127.0.0.1:9/k"), "{gone}");
    assert!(machine.packages().is_empty() && !machine.file("etc/gpunode/nvidia-repository.asc").exists());
    machine.installs(&[&pinned(&nvidia)]);
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
    assert!(machine.file("etc/gpunode/nvidia-repository.asc").exists());
}

#[test]
fn by_fingerprint_dnf() {
    by_fingerprint(Family::Dnf);
}

#[test]
fn by_fingerprint_apt() {
    by_fingerprint(Family::Apt);
}

/// A mirror that brings its own key under the name of NVIDIA's: dnf and apt alone would take it, and all it has signed.
fn nvidias_own(family: Family) {
    let machine = Machine::new(family);
    let folder = machine.file(&format!("srv/{}/nvidia", family.name()));
    let platform = platform(family);
    let name = platform.repository_key().rsplit('/').next().unwrap().to_owned();
    fs::copy(machine.file("srv/nvidia.asc"), folder.join(name)).unwrap();
    let mirror = Files::serve(&folder, Cut::Never);
    let repository = format!("nvidia.repository={}", mirror.url());
    let run = finish(&mut machine.without_defaults("nvidia-driver", &[&repository]));
    let message = run.report().finding("PackageSignatureWrong").message.to_owned();
    assert!(message.starts_with(&mirror.url()), "{message}");
    assert!(message.contains(&format!("{} is trusted", platform.key_fingerprint())), "{message}");
    assert!(machine.packages().is_empty());
    assert_eq!(mirror.asked(), 1, "nothing but the key was asked for");
    let taken = finish(&mut machine.without_defaults("nvidia-driver", &[&repository, &pinned("none")]));
    assert_eq!(taken.report().outcome("nvidia-driver"), "changed", "{taken:?}");
}

#[test]
fn nvidias_own_dnf() {
    nvidias_own(Family::Dnf);
}

#[test]
fn nvidias_own_apt() {
    nvidias_own(Family::Apt);
}

/// What is downloaded for a driver without a repository.
struct Archive {
    bytes: Vec<u8>,
    sum: String,
}

impl Archive {
    fn new(bytes: Vec<u8>) -> Self {
        let sum = Sha256::digest(&bytes).iter().fold(String::new(), |sum, byte| format!("{sum}{byte:02x}"));
        Self { bytes, sum }
    }

    /// The packages of the bed, in a folder of the archive.
    fn of_packages(machine: &Machine) -> Self {
        let name = machine.family().name();
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for repository in ["nvidia", "system"] {
            for entry in fs::read_dir(machine.file(&format!("srv/{name}/{repository}"))).unwrap().flatten() {
                if entry.path().extension().is_some_and(|ending| ending == name) {
                    tar.append_path_with_name(
                        entry.path(),
                        format!("driver/{}", entry.file_name().display()),
                    )
                    .unwrap();
                }
            }
        }
        Self::new(tar.into_inner().unwrap().finish().unwrap())
    }

    fn serve(&self, end: End) -> Server {
        let bytes = self.bytes.clone();
        Server::http(move |seen| Reply::file(seen, &bytes, "\"v1\"").ending(end))
    }
}

fn offline(run: &Run, code: &str) -> String {
    assert_eq!(run.report().outcome("nvidia-driver"), "failed", "{run:?}");
    run.report().finding(code).message.to_owned()
}

fn by_url(family: Family) {
    let machine = Machine::new(family);
    let archive = Archive::of_packages(&machine);
    machine.shell(&format!(
        "cat /srv/nvidia.asc /srv/system.asc > /srv/both.asc; rm -rf /srv/{}",
        family.name()
    ));
    let key = if family == Family::Dnf { "/srv/both.asc" } else { "/srv/nvidia.asc" };
    let gone = Server::http(|_| Reply::status(404));
    let run = |server: &Server, more: &[&str]| {
        let urls = [&gone, server].map(|one| one.url("/mirror/driver.tar.gz")).join(",");
        let mut settings = vec![
            format!("nvidia.offlineUrls={urls}"),
            format!("nvidia.offlineSha256={}", archive.sum),
            format!("nvidia.repositoryKey={key}"),
            "nvidia.driverVersion=580.82.07".to_owned(),
        ];
        settings.extend(more.iter().map(ToString::to_string));
        finish(&mut machine.agent(&settings.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    // Without a sum; something else in its place; cut off each time it is gone on with.
    let no_sum = finish(&mut machine.agent(&["nvidia.offlineUrls=https://mirror.example/driver.tar.gz"]));
    let message = offline(&no_sum, "ConfigInvalid");
    assert!(message.contains("set nvidia.offlineSha256"), "{message}");
    let mut other = archive.bytes.clone();
    let half = other.len() / 2;
    other[half] ^= 1;
    let tampered = Archive::new(other).serve(End::Whole);
    let message = offline(&run(&tampered, &[]), "DownloadForged");
    assert!(message.contains(&archive.sum), "{message}");
    let cut = archive.serve(End::Cut(20));
    let message = offline(&run(&cut, &[]), "DownloadFailed");
    assert!(
        message.contains(&gone.url("/mirror/driver.tar.gz")) && message.contains(&cut.url("")),
        "{message}"
    );
    assert!(machine.packages().is_empty() && machine.loaded().is_none());
    // From its mirror, from where it was cut off.
    let good = archive.serve(End::Whole);
    let done = run(&good, &[]);
    assert_eq!(done.report().outcome("nvidia-driver"), "changed", "{done:?}");
    assert!(good.seen()[0].from().is_some_and(|from| from >= 20), "{:?}", good.seen()[0]);
    assert_eq!(machine.loaded().as_deref(), Some("580.82.07 open"));
    assert!(machine.packages().iter().filter(|line| line.ends_with("580.82.07")).count() >= 4);
    assert!(!machine.file("var/cache/gpunode/nvidia-offline").exists());
    assert_eq!(fs::read_dir(machine.file("var/cache/gpunode/sha256")).unwrap().count(), 0);
    let asked = good.seen().len();
    assert_eq!(run(&good, &[]).report().outcome("nvidia-driver"), "unchanged");
    assert_eq!(good.seen().len(), asked, "what is right is not downloaded once more");
}

#[test]
fn by_url_dnf() {
    by_url(Family::Dnf);
}

#[test]
fn by_url_apt() {
    by_url(Family::Apt);
}

/// A stand-in of NVIDIA's `.run` file: it says how it was called and lays down what the real one would.
const RUN_FILE: &str = "#!/bin/sh
echo \"$@\" >> /canary
[ \"$1\" != --check ] || exit 0
kernel=$(cat /proc/sys/kernel/osrelease)
mkdir -p \"/lib/modules/$kernel/updates/dkms\" /usr/lib/x86_64-linux-gnu
echo '580.95.05 open' > \"/lib/modules/$kernel/updates/dkms/nvidia.ko\"
: > /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.95.05
: > /usr/bin/nvidia-uninstall
";

#[test]
fn a_run_file_by_url_is_run_only_when_it_is_proved() {
    let machine = Machine::new(Family::Apt);
    machine.shell(&format!("mkdir -p /lib/modules/{}/build", Family::Apt.kernel()));
    let file = Archive::new(RUN_FILE.into());
    let server = file.serve(End::Whole);
    let url = format!("nvidia.offlineUrls={}", server.url("/NVIDIA-Linux-x86_64-580.95.05.run"));
    let canary = || fs::read_to_string(machine.file("canary")).ok();
    let run = |settings: &[&str]| finish(&mut machine.agent(&[&[url.as_str()], settings].concat()));
    let other = format!("nvidia.offlineSha256={}", "0".repeat(64));
    offline(&run(&[&other, "nvidia.driverVersion=580"]), "DownloadForged");
    let sum = format!("nvidia.offlineSha256={}", file.sum);
    // By its name it is not what is wanted, which is said before it is downloaded.
    let asked = server.seen().len();
    let message = offline(&run(&[&sum]), "PackageNotOffered");
    assert!(message.contains("is not, by its name, the NVIDIA driver 550.127.05"), "{message}");
    assert_eq!((canary(), server.seen().len()), (None, asked));
    let done = run(&[&sum, "nvidia.driverVersion=580"]);
    assert_eq!(done.report().outcome("nvidia-driver"), "changed", "{done:?}");
    assert_eq!(machine.loaded().as_deref(), Some("580.95.05 open"));
    let called = canary().unwrap();
    assert!(
        called.starts_with("--check\n--silent ") && called.ends_with("--kernel-module-type=open\n"),
        "{called}"
    );
    // The file holds no fabric manager, which this type needs: that is told, and nothing is promised.
    assert!(done.report().has("FabricManagerWrong"), "{done:?}");
    let again = run(&[&sum, "nvidia.driverVersion=580"]);
    assert_eq!(again.report().outcome("nvidia-driver"), "unchanged", "{again:?}");
    assert_eq!(canary().unwrap(), called);
}
