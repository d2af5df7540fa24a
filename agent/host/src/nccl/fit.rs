//! Whether what is installed on the host goes together, and with this instance type.
//!
//! The least for p5 and later, as AWS's cheat sheet for EFA gives it (awsome-distributed-training): CUDA 12, aws-ofi-nccl
//! 1.7.3, NCCL 2.18.5, EFA installer 1.29. What the plugin asks of libfabric and NCCL is from its release notes: 1.8 and 1.9
//! want libfabric 1.18.0; 1.20 and later, built for AWS, libfabric 1.22.0, and NCCL 2.17.1. Of the releases between, what
//! the ones before them ask for is taken: none has gone back.

use super::{Installed, package};
use crate::catalog::InstanceType;
use crate::versions::Version;

/// The plugin from this release on, and the libfabric that it wants at least.
const LIBFABRIC: [([u32; 2], [u32; 3]); 2] = [([1, 20], [1, 22, 0]), ([1, 8], [1, 18, 0])];
/// The same of NCCL.
const NCCL: [([u32; 2], [u32; 3]); 1] = [([1, 20], [2, 17, 1])];
/// The least major release of CUDA for p5 and later.
const CUDA: u32 = 12;

/// What is too old, one sentence each. What is not known is taken for current.
pub fn misfits(instance: &InstanceType, installed: &Installed) -> Vec<String> {
    let mut misfits = together(installed);
    let family = instance.family();
    if !(family.starts_with("p5") || family.starts_with("p6")) {
        return misfits;
    }
    let least: [(&str, &Option<Version>, [u32; 3]); 3] = [
        ("aws-ofi-nccl", &installed.ofi_nccl, [1, 7, 3]),
        ("NCCL", &installed.nccl, [2, 18, 5]),
        ("the EFA installer", &installed.efa_installer, [1, 29, 0]),
    ];
    misfits.extend(least.iter().filter_map(|(name, found, least)| {
        let found = older(found.as_ref(), *least)?;
        Some(format!("{name} is {found}, {} needs {}", instance.name, dotted(*least)))
    }));
    misfits.extend(installed.nvidia_driver.as_ref().and_then(|driver| {
        let cuda = package::cuda_of(driver.numbers()[0]);
        let name = &instance.name;
        (cuda < CUDA).then(|| format!("driver {driver} runs CUDA {cuda}, {name} needs CUDA {CUDA}"))
    }));
    misfits
}

/// What does not go with the plugin, on any type.
fn together(installed: &Installed) -> Vec<String> {
    let Some(plugin) = &installed.ofi_nccl else { return Vec::new() };
    let wanted = |table: &[([u32; 2], [u32; 3])]| {
        let row = table.iter().find(|([major, minor], _)| plugin.at_least(*major, *minor, 0));
        row.map(|(_, least)| *least)
    };
    let pairs =
        [("libfabric", &installed.libfabric, wanted(&LIBFABRIC)), ("NCCL", &installed.nccl, wanted(&NCCL))];
    let old = pairs.into_iter().filter_map(|(name, found, least)| {
        let least = least?;
        let found = older(found.as_ref(), least)?;
        Some(format!("{name} is {found}, aws-ofi-nccl {plugin} needs {}", dotted(least)))
    });
    old.collect()
}

fn older(found: Option<&Version>, [major, minor, patch]: [u32; 3]) -> Option<&Version> {
    found.filter(|found| !found.at_least(major, minor, patch))
}

fn dotted(numbers: [u32; 3]) -> String {
    numbers.map(|number| number.to_string()).join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn what_is_too_old_for_the_type_is_told() {
        let version = |text: &str| Some(text.parse().unwrap());
        let old = Installed {
            ofi_nccl: version("1.7.2-aws"),
            nccl: version("2.18.3"),
            efa_installer: version("1.28.0"),
            ..Installed::default()
        };
        let p5 = catalog::find("p5.48xlarge").unwrap();
        assert_eq!(misfits(&p5, &old).len(), 3);
        assert_eq!(misfits(&p5, &old)[0], "aws-ofi-nccl is 1.7.2-aws, p5.48xlarge needs 1.7.3");
        assert!(misfits(&catalog::find("p4d.24xlarge").unwrap(), &old).is_empty());
        let new = Installed { ofi_nccl: version("1.7.3"), nccl: version("2.22.3"), ..Installed::default() };
        assert!(misfits(&p5, &new).is_empty());
    }

    #[test]
    fn plugin_libfabric_nccl_and_cuda_go_together() {
        let version = |text: &str| Some(text.parse().unwrap());
        let p5 = catalog::find("p5.48xlarge").unwrap();
        let p4d = catalog::find("p4d.24xlarge").unwrap();
        let with = |plugin: &str, libfabric: &str, nccl: &str| Installed {
            ofi_nccl: version(plugin),
            libfabric: version(libfabric),
            nccl: version(nccl),
            ..Installed::default()
        };
        for (plugin, libfabric, fits) in [
            ("1.22.0", "2.7.0amzn2.0", true),
            ("1.20.0", "1.22.0", true),
            ("1.20.0", "1.21.1", false),
            ("1.9.1-aws", "1.18.0", true),
            ("1.9.1-aws", "1.17.1", false),
            ("1.14.0", "1.17.1", false),
            ("1.7.4-aws", "1.17.1", true),
        ] {
            let told = misfits(&p4d, &with(plugin, libfabric, "2.22.3"));
            assert_eq!(told.is_empty(), fits, "{plugin} {libfabric}: {told:?}");
        }
        let told = misfits(&p4d, &with("1.20.0", "1.21.1", "2.16.5"));
        assert_eq!(
            told,
            [
                "libfabric is 1.21.1, aws-ofi-nccl 1.20.0 needs 1.22.0",
                "NCCL is 2.16.5, aws-ofi-nccl 1.20.0 needs 2.17.1"
            ]
        );
        let driver = |text: &str| Installed { nvidia_driver: version(text), ..Installed::default() };
        assert_eq!(
            misfits(&p5, &driver("515.105.01")),
            ["driver 515.105.01 runs CUDA 11, p5.48xlarge needs CUDA 12"]
        );
        assert!(
            misfits(&p5, &driver("550.127.05")).is_empty() && misfits(&p4d, &driver("515.105.01")).is_empty()
        );
    }
}
