//! The image: what an EKS image with NVIDIA's and EFA's drivers has beside its kernel, as far as the agent looks at it.
//! All of it is played: NVML by our library, the fabric manager by a script, nodeadm by a file that nobody runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use gpunode_fake_nvml::place;
use gpunode_host::catalog;
use gpunode_tests::node::{done, ok};
use gpunode_tests::vm::Vm;
use gpunode_tree::MachineTree;
use tempfile::TempDir;

use crate::release::{HOST, Release};

/// Where Debian's loader finds libraries.
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";
/// Without libfabric, as the EKS images install EFA (`--minimal`).
const EFA: &str =
    "# EFA installer version: 1.43.2\nefa-2.17.3-1.amzn2023.noarch\nrdma-core-58.amzn0-1.x86_64\n";
const FABRIC_MANAGER: &str = "[Unit]\nDescription=NVIDIA fabric manager (played)\n\
    [Service]\nExecStart=/usr/bin/nv-fabricmanager\n[Install]\nWantedBy=multi-user.target\n";

pub(crate) struct Image {
    folder: TempDir,
    kind: String,
}

impl Image {
    /// For instances of this type; it trusts who serves the release.
    pub(crate) fn new(kind: &str, release: &Release) -> Self {
        let image = Self { folder: tempfile::tempdir().unwrap(), kind: kind.to_owned() };
        let driver = gpunode_tree::nvidia_driver(&catalog::find(kind).unwrap());
        image.put("/etc/hosts", &format!("127.0.0.1 localhost\n{} {HOST}\n", Vm::HOST));
        image.put("/etc/ssl/certs/ca-certificates.crt", &release.authority);
        image.put("/opt/amazon/efa_installed_packages", EFA);
        image.program("/usr/bin/nodeadm", "#!/bin/sh\nexit 1\n");
        let says = format!("Fabric Manager version is : {driver}");
        let script =
            format!("#!/bin/sh\n[ \"${{1:-}}\" != --version ] || exec echo '{says}'\nexec sleep infinity\n");
        image.program("/usr/bin/nv-fabricmanager", &script);
        image.put("/usr/lib/systemd/system/nvidia-fabricmanager.service", FABRIC_MANAGER);
        image.put(&format!("{LIBRARIES}/scenario.toml"), &image.scenario(""));
        let libraries = image.folder.path().join(LIBRARIES.trim_start_matches('/'));
        let library = format!("libnvidia-ml.so.{driver}");
        fs::copy(place::built(), libraries.join(&library)).unwrap();
        symlink(library, libraries.join("libnvidia-ml.so.1")).unwrap();
        image
    }

    /// The folder that is laid over the guest's root.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// From now on NVML in the guest plays healthy GPUs, and what this says beside it.
    pub(crate) fn play(&self, vm: &Vm, different: &str) {
        let next = format!("{LIBRARIES}/scenario.next");
        done("scenario", vm.put(&next, self.scenario(different).as_bytes(), "644"));
        // At once and whole.
        ok(vm, &format!("mv {next} {LIBRARIES}/scenario.toml"));
    }

    /// The GPUs of the bus, with the driver's version that its files say.
    fn scenario(&self, different: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let tree = MachineTree::of(folder.path(), &self.kind).unwrap();
        let pci: Vec<_> = (0..tree.gpu_count()).map(|number| tree.gpu(number).address().to_owned()).collect();
        let driver = gpunode_tree::nvidia_driver(&catalog::find(&self.kind).unwrap());
        format!(
            "profile = \"h200\"\npci = {pci:?}\n[system]\ndriver = \"{driver}\"\nnvml = \"12.{driver}\"\n\
             cuda = 12040\n{different}"
        )
    }

    fn put(&self, path: &str, text: &str) {
        let full = self.folder.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn program(&self, path: &str, text: &str) {
        self.put(path, text);
        let full = self.folder.path().join(path.trim_start_matches('/'));
        fs::set_permissions(full, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
