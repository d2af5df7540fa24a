//! What of a driver is on the machine, from its files alone: installed by packages, by NVIDIA's `.run` file, or copied
//! there by whoever made the image.

use std::path::PathBuf;

use super::{Generation, laid_over};
use crate::Root;
use crate::versions::Version;

/// Where the loader looks for the driver's libraries.
const LIBRARIES: [&str; 4] =
    ["/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
/// Where a module can lie, below a kernel's folder: `extra` (rpm's DKMS), `updates/dkms` (Debian's), Ubuntu's signed
/// ones, the `.run` file's.
const MODULES: [&str; 6] =
    ["extra", "updates/dkms", "kernel/nvidia-", "kernel/drivers/video", "extra/nvidia", "updates"];
/// By how the kernel was told to compress its modules.
const ENDINGS: [&str; 4] = ["", ".xz", ".zst", ".gz"];
/// The `.run` file leaves its uninstaller.
const UNINSTALLER: &str = "/usr/bin/nvidia-uninstall";
/// EKS images choose the modules at boot by a service of their own: until autumn 2026, and since.
const LOADERS: [&str; 2] = ["nvidia-kmod-load.service", laid_over::SERVICE];
/// What the fabric manager of B200 and B300 starts.
const SUBNET_MANAGER: &str = "/opt/nvidia/nvlsm/sbin/nvlsm";

/// What the files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Version of the libraries, from the file name of NVML (`libnvidia-ml.so.550.127.05`).
    pub userland: Option<Version>,
    /// The kernel module's file for the running kernel.
    pub module: Option<PathBuf>,
    /// It came by NVIDIA's `.run` file.
    pub run_file: bool,
    /// The image loads the driver by itself (EKS images do).
    pub loader: Option<&'static str>,
    /// Versions of drivers that the image lays over `/usr` at boot, the preferred one first.
    pub laid_over: Vec<Version>,
    /// The fabric manager's program is there.
    pub fabric_manager: bool,
    /// NVLink's subnet manager is there.
    pub subnet_manager: bool,
    /// `ib_umad` is loaded.
    pub umad: bool,
    /// The container toolkit's `nvidia-ctk` or runtime is there.
    pub toolkit: bool,
}

impl Observed {
    /// Looks at the tree of a machine that runs `kernel`.
    pub fn read(root: &Root, kernel: &str) -> Self {
        let unit = |name: &str| {
            ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
                .iter()
                .any(|folder| root.exists(format!("{folder}/{name}")))
        };
        let toolkit = ["nvidia-ctk", "nvidia-container-runtime"];
        Self {
            userland: userland(root),
            module: module_file(root, kernel),
            run_file: root.exists(UNINSTALLER),
            loader: LOADERS.into_iter().find(|name| unit(name)),
            laid_over: laid_over::read(root),
            fabric_manager: root.exists("/usr/bin/nv-fabricmanager"),
            subnet_manager: root.exists(SUBNET_MANAGER),
            umad: root.exists("/sys/module/ib_umad"),
            toolkit: toolkit.iter().any(|name| root.exists(format!("/usr/bin/{name}"))),
        }
    }

    /// The driver that only has to be loaded: its libraries, and a module for this kernel or somebody who brings one; or
    /// what the image lays over `/usr` for these GPUs.
    pub fn installed(&self, gpus: &[Generation]) -> Option<&Version> {
        let waiting = laid_over::chosen(&self.laid_over, gpus);
        let whole = self.module.is_some() || self.loader.is_some();
        self.userland.as_ref().filter(|_| whole || waiting.is_some()).or(waiting)
    }
}

/// The highest version of NVML's library in the first folder that has one.
fn userland(root: &Root) -> Option<Version> {
    LIBRARIES.iter().find_map(|folder| {
        let names = root.list(folder);
        let versions = names.iter().filter_map(|name| name.strip_prefix("libnvidia-ml.so.")?.parse().ok());
        // `libnvidia-ml.so.1` is the name that programs ask for, not a version.
        versions.filter(|version: &Version| version.numbers()[0] >= 100).max()
    })
}

/// The file of the kernel module for `kernel`.
pub fn module_file(root: &Root, kernel: &str) -> Option<PathBuf> {
    let base = format!("/lib/modules/{kernel}");
    let folders = MODULES.iter().flat_map(|place| match place.strip_suffix('-') {
        // Ubuntu's folders carry the branch in their name: `kernel/nvidia-550srv-open`.
        Some(parent_of) => {
            let (parent, start) = parent_of.rsplit_once('/').unwrap_or(("", parent_of));
            let parent = format!("{base}/{parent}");
            let fits = |name: &String| name.starts_with(start);
            root.list(&parent).into_iter().filter(fits).map(|name| format!("{parent}/{name}")).collect()
        }
        None => vec![format!("{base}/{place}")],
    });
    folders
        .flat_map(|folder| ENDINGS.map(|ending| PathBuf::from(format!("{folder}/nvidia.ko{ending}"))))
        .find(|path| root.exists(path))
}

/// Whether a module can be built for `kernel`: its headers are there, and the link to them leads somewhere.
pub fn headers_present(root: &Root, kernel: &str) -> bool {
    root.metadata(format!("/lib/modules/{kernel}/build")).is_ok_and(|about| about.is_dir())
}
