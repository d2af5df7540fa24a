//! NCCL itself, as a package of NVIDIA's repository: which of its builds.

use crate::driver::Manager;
use crate::driver::packages::{Offered, Package};
use crate::versions::Version;

/// The package's name.
pub fn name(manager: Manager) -> &'static str {
    match manager {
        Manager::Dnf => "libnccl",
        Manager::Apt => "libnccl2",
    }
}

/// The newest major release of CUDA that a driver branch runs. Builds for older ones run as well, builds for a newer
/// minor release of the same major one too ("CUDA Compatibility", NVIDIA).
pub fn cuda_of(branch: u32) -> u32 {
    match branch {
        ..525 => 11,
        525..580 => 12,
        580.. => 13,
    }
}

/// The package of NCCL `wanted` (`2.22.3`, or `2.22.3-1` with the package's revision) for CUDA `cuda`: of the builds that
/// run there the one for the newest CUDA. Where the driver is not known (`None`), the one for the oldest major release,
/// which every driver runs that runs another.
pub fn choose(manager: Manager, wanted: &str, cuda: Option<u32>, offered: &Offered) -> Option<Package> {
    let name = name(manager);
    let builds = offered.get(name)?.iter().filter(|version| is(version, wanted));
    let builds: Vec<_> = builds.map(|version| (release(version), version)).collect();
    let oldest = builds.iter().filter_map(|(release, _)| Some(release.as_ref()?.numbers()[0])).min();
    let most = cuda.or(oldest).unwrap_or(u32::MAX);
    let runs = |release: &Option<Version>| release.as_ref().is_none_or(|one| one.numbers()[0] <= most);
    let (_, version) = builds.into_iter().filter(|(release, _)| runs(release)).max()?;
    Some(Package { name: name.to_owned(), version: version.clone() })
}

/// Whether a package's version, `0:2.22.3-1+cuda12.5`, is of this NCCL.
fn is(version: &str, wanted: &str) -> bool {
    let plain = version.split_once(':').map_or(version, |(_epoch, plain)| plain);
    plain.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '+']))
}

/// The release of CUDA that it was built for.
fn release(version: &str) -> Option<Version> {
    version.rsplit_once("+cuda")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offered(versions: &[&str]) -> Offered {
        Offered::from([("libnccl2".to_owned(), versions.iter().map(ToString::to_string).collect())])
    }

    #[test]
    fn the_build_fits_the_driver() {
        let all = offered(&[
            "2.22.3-1+cuda12.2",
            "2.22.3-1+cuda12.5",
            "2.22.31-1+cuda12.9",
            "2.27.7-1+cuda12.9",
            "2.27.7-1+cuda13.0",
        ]);
        let choose = |wanted: &str, cuda| choose(Manager::Apt, wanted, cuda, &all).map(|found| found.version);
        assert_eq!(choose("2.22.3", Some(12)).as_deref(), Some("2.22.3-1+cuda12.5"));
        assert_eq!(choose("2.22.3-1", Some(13)).as_deref(), Some("2.22.3-1+cuda12.5"));
        assert_eq!(choose("2.27.7", Some(12)).as_deref(), Some("2.27.7-1+cuda12.9"));
        assert_eq!(choose("2.27.7", Some(13)).as_deref(), Some("2.27.7-1+cuda13.0"));
        assert_eq!(choose("2.27.7", None).as_deref(), Some("2.27.7-1+cuda12.9"));
        assert_eq!(choose("2.27.7", Some(11)), None);
        assert_eq!(choose("2.22.3-2", Some(12)), None);
        assert_eq!(super::choose(Manager::Dnf, "2.22.3", Some(12), &all), None);
        assert_eq!([cuda_of(470), cuda_of(550), cuda_of(575), cuda_of(580)], [11, 12, 12, 13]);
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_offered_and_wanted(
            versions in prop::collection::vec("([0-9]:)?2\\.(22|27)\\.[0-9]-1(\\+cuda1[1-4]\\.[0-9])?|.{0,20}", 0..6),
            cuda in prop::option::of(10..15_u32),
        ) {
            let texts: Vec<_> = versions.iter().map(String::as_str).collect();
            if let Some(found) = choose(Manager::Apt, "2.22.3", cuda, &offered(&texts)) {
                prop_assert!(versions.contains(&found.version) && found.version.contains("2.22.3"));
                if let (Some(most), Some(built)) = (cuda, release(&found.version)) {
                    prop_assert!(built.numbers()[0] <= most);
                }
            }
        }
    }
}
