use gpunode_host::driver::packages::Package;
use gpunode_host::{Finding, reason};
use proptest::prelude::*;

use super::trouble::Trouble;
use super::{PackageError, apt, dnf};
use crate::os::Output;
use crate::step::Failure;

fn package(name: &str, version: &str) -> Package {
    Package { name: name.into(), version: version.into() }
}

/// What the tools of Debian 12 print (dnf 4.14, rpm 4.18, apt 2.6, dpkg 1.21), and what it means.
#[test]
fn what_the_tools_print() {
    for (text, trouble) in [
        (
            "RPM: error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\nError: Could not run transaction.",
            Trouble::Locked,
        ),
        (
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1234 (unattended-upgr)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
            Trouble::Locked,
        ),
        ("dpkg: error: dpkg frontend lock was locked by another process with pid 7", Trouble::Locked),
        (
            "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.",
            Trouble::Interrupted,
        ),
        (
            "Package kmod-nvidia-open-dkms-580.95.05-1.amzn2023.noarch.rpm is not signed\nError: GPG check FAILED",
            Trouble::Signature,
        ),
        (
            "W: GPG error: http://m ./ InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY A4B4\nE: The repository 'http://m ./ InRelease' is not signed.",
            Trouble::Signature,
        ),
        (
            "Error: Failed to download metadata for repo 'gpunode-nvidia': Cannot download repomd.xml: Cannot download repodata/repomd.xml: All mirrors were tried",
            Trouble::Repository,
        ),
        ("E: Failed to fetch http://m/a.deb  Connection failed [IP: 127.0.0.1 80]", Trouble::Repository),
        ("Error: Unable to find a match: nothing-1", Trouble::NotOffered),
        ("E: Version '1' for 'nvidia-utils-550' was not found", Trouble::NotOffered),
        (
            "Error Summary\n-------------\nDisk Requirements:\n   At least 3MB more space needed on the /usr filesystem.",
            Trouble::DiskFull,
        ),
        (
            "dpkg: error processing archive x.deb (--unpack):\n cannot copy extracted data: failed to write (No space left on device)\nE: Sub-process /usr/bin/dpkg returned an error code (1)",
            Trouble::DiskFull,
        ),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", Trouble::DiskFull),
        (
            "The following packages have unmet dependencies:\nE: Unable to correct problems, you have held broken packages.",
            Trouble::Conflict,
        ),
        ("something else", Trouble::Other),
    ] {
        assert_eq!(Trouble::of(text), trouble, "{text}");
    }
}

#[test]
fn a_failure_names_what_was_done_and_the_last_words() {
    let stderr =
        "W: noise\nE: Failed to fetch http://m/a.deb  404  Not Found\nE: Unable to fetch some archives\n";
    let output = Output { code: 100, stdout: "Reading lists\n".into(), stderr: stderr.into() };
    let Failure(finding) = PackageError::said("install a=1", &output).into();
    let said = "cannot install a=1: E: Failed to fetch http://m/a.deb  404  Not Found; E: Unable to fetch some archives";
    assert_eq!(*finding, Finding::new(&reason::PACKAGE_REPOSITORY_FAILED, "packages", said));
}

#[test]
fn rows_of_rpm_and_dnf_are_of_one_form() {
    let text = "kmod-nvidia-open-dkms|3:550.127.05-1.amzn2023\npackage x is not installed\n\
                nvidia-fabric-manager|(none):550.127.05-1\nnvlsm|0:2025.03.1-1\n|1\nx|\n";
    let expected = [
        package("kmod-nvidia-open-dkms", "3:550.127.05-1.amzn2023"),
        package("nvidia-fabric-manager", "0:550.127.05-1"),
        package("nvlsm", "0:2025.03.1-1"),
    ];
    assert_eq!(dnf::rows(text), expected);
}

#[test]
fn rows_of_dpkg_count_only_what_is_configured() {
    let text = "nvidia-utils-550|550.127.05-0ubuntu1|ii \nnvidia-headless-550|550.127.05-0ubuntu1|iF \n\
                held|1-1|hi \ngone|1-1|rc \nnever||un \n";
    assert_eq!(apt::rows(text), [package("nvidia-utils-550", "550.127.05-0ubuntu1"), package("held", "1-1")]);
}

#[test]
fn versions_that_apt_offers() {
    let text = "nvidia-utils-550 | 550.144.03-0ubuntu1 | http://m/ubuntu2204 ./ Packages\n\
                nvidia-utils-550 | 550.127.05-0ubuntu1 | http://m/ubuntu2204 ./ Packages\n\
                nvidia-utils-550 | 550.127.05-0ubuntu1 | http://n/ubuntu2204 ./ Packages\n\
                nvidia-utils-550 | 550.1-1 | http://m/ubuntu jammy/main Sources\nN: Unable to locate package x\n";
    let offered = apt::madison(text);
    assert_eq!(offered.len(), 1);
    assert_eq!(offered["nvidia-utils-550"], ["550.144.03-0ubuntu1", "550.127.05-0ubuntu1"]);
}

proptest! {
    #[test]
    fn any_output_is_read_without_harm(text in "(\\PC|[|:\\n ]){0,200}") {
        let _ = dnf::rows(&text);
        let _ = apt::rows(&text);
        let _ = apt::madison(&text);
        let _ = PackageError::said("x", &Output { code: 1, stdout: text.clone(), stderr: text });
    }
}
