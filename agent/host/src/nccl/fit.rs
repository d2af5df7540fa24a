//! Whether what is installed on the host goes together on this instance type.
//!
//! The least for p5 and later, as AWS's cheat sheet for EFA gives it (awsome-distributed-training): aws-ofi-nccl 1.7.3,
//! NCCL 2.18.5, EFA installer 1.29. It also wants CUDA 12, which the driver's version says, not a file of the host.

use super::Installed;
use crate::catalog::InstanceType;
use crate::versions::Version;

/// What is too old, one sentence each. What is not known is taken for current.
pub fn misfits(instance: &InstanceType, installed: &Installed) -> Vec<String> {
    let family = instance.family();
    if !(family.starts_with("p5") || family.starts_with("p6")) {
        return Vec::new();
    }
    let least: [(&str, &Option<Version>, [u32; 3]); 3] = [
        ("aws-ofi-nccl", &installed.ofi_nccl, [1, 7, 3]),
        ("NCCL", &installed.nccl, [2, 18, 5]),
        ("the EFA installer", &installed.efa_installer, [1, 29, 0]),
    ];
    let old = least.iter().filter_map(|(name, found, [major, minor, patch])| {
        let found = found.as_ref().filter(|found| !found.at_least(*major, *minor, *patch))?;
        Some(format!("{name} is {found}, {} needs {major}.{minor}.{patch}", instance.name))
    });
    old.collect()
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
}
