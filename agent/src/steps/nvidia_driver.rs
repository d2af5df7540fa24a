//! Looks whether the NVIDIA driver is loaded, in the wanted version and flavour. This step does not install: a driver
//! that is absent or wrong is a failure that says so.

use gpunode_host::catalog::{DriverFlavour, InstanceType};
use gpunode_host::versions::{Driver, DriverBuild};
use gpunode_host::{Finding, gpu_pci, reason};

use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId};

/// The driver's state.
pub(crate) struct NvidiaDriver;

impl Step for NvidiaDriver {
    fn id(&self) -> StepId {
        StepId::NvidiaDriver
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        if cx.makes_image() {
            return Ok(super::left_to_the_source_image());
        }
        let known = cx.facts().and_then(|facts| facts.catalog.as_ref());
        let gpus = gpu_pci::devices(os.root());
        let expected = known.map(InstanceType::gpu_count);
        let required = cx.spec().nvidia.required.or(expected.unwrap_or(0) > 0 || !gpus.is_empty());
        if !required {
            return Ok(Check::not_applicable("no NVIDIA GPU here"));
        }
        if let Some(expected) =
            expected.filter(|count| usize::try_from(*count).is_ok_and(|count| gpus.len() < count))
        {
            let message = format!("{} of {expected} GPUs are on the PCI bus", gpus.len());
            return Err(Failure::new(&reason::GPU_MISSING, "pci", message));
        }
        let versions = cx.versions(os.root());
        let Some(driver) = &versions.nvidia else {
            let message = "no NVIDIA kernel module is loaded (/proc/driver/nvidia/version is absent)";
            return Err(Failure::new(&reason::NVIDIA_DRIVER_ABSENT, "nvidia", message));
        };
        let mut check = Check::done(format!("{} GPUs, driver {}", gpus.len(), driver.found.version));
        check.findings.extend(wrong_version(driver, &cx.spec().nvidia.driver_version));
        check.findings.extend(known.and_then(|known| wrong_flavour(driver, known)));
        check.findings.extend(gpus.iter().filter(|gpu| gpu.driver.as_deref() != Some("nvidia")).map(|gpu| {
            let bound = gpu.driver.as_deref().unwrap_or("nothing");
            Finding::new(&reason::GPU_NOT_BOUND, &gpu.address, format!("bound to {bound}, not to nvidia"))
        }));
        Ok(check)
    }

    fn apply(&self, _: &Context, _: &Os) -> Result<(), Failure> {
        Ok(())
    }
}

/// `550.127.05` must be met exactly, `580` is any version of that branch, `latest` is any version.
fn wrong_version(driver: &Driver, wanted: &str) -> Option<Finding> {
    let found = driver.found.version.to_string();
    let fits = wanted == "latest"
        || found == wanted
        || (!wanted.contains('.') && found.split('.').next() == Some(wanted));
    (!fits).then(|| {
        let message = format!("version {found} is loaded, nvidia.driverVersion says {wanted}");
        Finding::new(&reason::NVIDIA_DRIVER_VERSION, "nvidia", message)
    })
}

fn wrong_flavour(driver: &Driver, known: &InstanceType) -> Option<Finding> {
    let (loaded, wanted) = (driver.build?, known.driver_flavour());
    let message = match (loaded, wanted) {
        (DriverBuild::Open, DriverFlavour::Proprietary) => {
            "the open kernel modules are loaded; this type wants the proprietary ones"
        }
        (DriverBuild::Proprietary, DriverFlavour::Open) => {
            "the proprietary kernel modules are loaded; this type wants the open ones"
        }
        _ => return None,
    };
    Some(Finding::new(&reason::NVIDIA_DRIVER_FLAVOUR, &known.name, message))
}
