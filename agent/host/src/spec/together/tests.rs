use super::*;
use crate::spec::{Layer, load};

fn told(flags: &[&str]) -> Vec<String> {
    let (spec, provenance) = load(&[Layer::flags(flags.iter().copied())]).unwrap();
    contradictions(&spec, &provenance).mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn defaults_and_what_they_are_made_for_agree() {
    assert!(told(&[]).is_empty());
    for kind in ["p5en.48xlarge", "p4d.24xlarge", "g5.xlarge", "g6e.48xlarge", "no-such.type"] {
        assert!(told(&[&format!("instance.expectedType={kind}")]).is_empty(), "{kind}");
    }
}

/// The default version is older than Blackwell.
#[test]
fn a_driver_that_does_not_drive_the_expected_type_is_told_with_what_is_allowed() {
    for (kind, fine, need) in [
        ("p6-b200.48xlarge", "570", "Blackwell GPUs, which need branch 570 or newer"),
        ("p6-b300.48xlarge", "580", "Blackwell Ultra GPUs, which need branch 580 or newer"),
        ("p6e-gb200.36xlarge", "570", "Blackwell GPUs, which need branch 570 or newer"),
    ] {
        let expected = format!("instance.expectedType={kind}");
        let need = format!(
            "default: nvidia.driverVersion = 550.127.05: driver branch 550 does not drive {need} ({kind}); allowed: latest, or a version or branch of "
        );
        let told_default = told(&[&expected]);
        assert!(matches!(told_default.as_slice(), [one] if one.starts_with(&need)), "{told_default:?}");
        for fine in [fine, "latest", "590"] {
            assert!(told(&[&expected, &format!("nvidia.driverVersion={fine}")]).is_empty(), "{kind} {fine}");
        }
        let flavour = told(&[&expected, "nvidia.driverVersion=latest", "nvidia.flavour=proprietary"]);
        assert!(
            matches!(flavour.as_slice(), [one] if one.starts_with("--set: nvidia.flavour = proprietary: ") && one.ends_with("allowed: auto")),
            "{flavour:?}"
        );
    }
}

#[test]
fn what_is_downloaded_has_a_sum_and_one_place() {
    let url = "nvidia.offlineUrls=https://mirror.example/NVIDIA-Linux-x86_64-550.127.05.run";
    let sum = format!("nvidia.offlineSha256={}", "0".repeat(64));
    assert!(told(&[url, &sum]).is_empty());
    assert!(told(&[url])[0].contains("nvidia.offlineSha256, which is not set"));
    assert!(told(&[url, &sum, "nvidia.offline=/opt/x"])[0].contains("nvidia.offlineUrls is set too"));
    assert!(told(&[url, &sum, "nvidia.modules=prebuilt"])[0].ends_with("allowed: auto, dkms"));
    assert!(told(&["efa.installerKey=none"])[0].contains("nothing proves the EFA installer"));
}
