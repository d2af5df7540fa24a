//! Versions in a report.

use serde::Serialize;

use crate::health::{Known, Libfabric, Nvml};
use crate::versions::{DriverBuild, Found};

/// Drivers and libraries, as far as they tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SoftwareVersions {
    /// The NVIDIA driver that is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvidia_driver: Option<String>,
    /// `open` or `proprietary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvidia_modules: Option<&'static str>,
    /// The NVML library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvml: Option<String>,
    /// The newest CUDA that the driver can serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cuda: Option<String>,
    /// The EFA driver that is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efa_driver: Option<String>,
    /// The EFA installer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efa_installer: Option<String>,
    /// libfabric: the one that answered, else the one that is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub libfabric: Option<String>,
    /// The OFI-NCCL plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ofi_nccl: Option<String>,
    /// NCCL on the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nccl: Option<String>,
    /// The kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// The distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
}

impl SoftwareVersions {
    pub(super) fn new(known: &Known) -> Self {
        let mut all = Self::default();
        if let Some(versions) = &known.versions {
            let text = |found: &Option<Found>| found.as_ref().map(|found| found.version.as_str().to_owned());
            let nvidia = versions.nvidia.as_ref();
            all = Self {
                nvidia_driver: nvidia.map(|driver| driver.found.version.as_str().to_owned()),
                nvidia_modules: nvidia.and_then(|driver| driver.build).map(build),
                efa_driver: text(&versions.efa_driver),
                efa_installer: versions.efa_installer.as_ref().map(|i| i.version.as_str().to_owned()),
                libfabric: text(&versions.libfabric),
                ofi_nccl: text(&versions.ofi_nccl),
                nccl: text(&versions.nccl),
                kernel: versions.kernel.as_ref().map(|kernel| kernel.as_str().to_owned()),
                os: versions.os.as_ref().map(|os| os.pretty_name.clone()).filter(|name| !name.is_empty()),
                ..Self::default()
            };
        }
        if let Nvml::Sweep(sweep) = &known.nvml {
            all.nvml = sweep.system.nvml.value().cloned();
            all.cuda = sweep.system.cuda.value().map(|(major, minor)| format!("{major}.{minor}"));
            all.nvidia_driver = sweep.system.driver.value().cloned().or(all.nvidia_driver);
        }
        if let Libfabric::Lists(listed) = &known.libfabric {
            all.libfabric = Some(format!("{}.{}", listed.version.0, listed.version.1));
        }
        all
    }
}

fn build(build: DriverBuild) -> &'static str {
    match build {
        DriverBuild::Open => "open",
        DriverBuild::Proprietary => "proprietary",
    }
}
