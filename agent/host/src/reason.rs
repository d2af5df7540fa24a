//! The catalogue of reasons: one row for each kind of finding. Documentation, reports and tests are made from it.

use crate::finding::{Clears, Severity};

/// One kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable name, in the form of a Kubernetes condition reason.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What takes it away.
    pub clears: Clears,
    /// What it means, in one sentence.
    pub about: &'static str,
    /// What a person should do.
    pub action: &'static str,
}

macro_rules! reasons {
    ($($name:ident = $code:literal, $severity:ident, $clears:ident, $about:literal, $action:literal;)+) => {
        $(
            #[doc = $about]
            pub const $name: Reason = Reason {
                code: $code,
                severity: Severity::$severity,
                clears: Clears::$clears,
                about: $about,
                action: $action,
            };
        )+
        /// Every reason, in the order of the documentation.
        pub const ALL: &[Reason] = &[$($name),+];
    };
}

reasons! {
    IMDS_UNAVAILABLE = "ImdsUnavailable", Error, WhenGone,
        "The instance metadata service did not answer, so the identity of the instance is not known.",
        "Check that IMDS is enabled for the instance and that its hop limit is 1 or more.";
    IMDS_INCOMPLETE = "ImdsIncomplete", Warning, WhenGone,
        "The instance metadata service left something out, or said something that cannot be; the rest is used.",
        "Read the message for what is missing; try the path with curl, and look for a proxy between.";
    USER_DATA_INVALID = "UserDataInvalid", Error, Replace,
        "The user data holds a gpunode part that cannot be used.",
        "Correct the launch template's user data; `gpunode-agent config check` names each mistake.";
    INSTANCE_TYPE_UNKNOWN = "InstanceTypeUnknown", Warning, WhenGone,
        "The instance type is not in the catalogue, so nothing is known about what it should have.",
        "Update gpunode, or set what is expected in the configuration.";
    COMMAND_MISSING = "CommandMissing", Error, WhenGone,
        "A program that a step needs is not installed.",
        "Install the package that carries the program, or use an image that has it.";
    COMMAND_FAILED = "CommandFailed", Error, WhenGone,
        "A program that a step ran reported a failure.",
        "Read the program's last words in the message, correct the cause, and run the agent again.";
    COMMAND_HUNG = "CommandHung", Error, WhenGone,
        "A program that a step ran did not end in time and was killed.",
        "Look at the kernel log for the device it waited for, then run the agent again.";
    FILE_NOT_WRITTEN = "FileNotWritten", Error, WhenGone,
        "A file could not be written.",
        "Check that the file system is writable and has free space, then run the agent again.";
    FILE_NOT_READ = "FileNotRead", Error, WhenGone,
        "A file that is there could not be read.",
        "Check the permissions of the file and the health of its disk.";
    STEP_DEADLINE = "StepDeadline", Error, WhenGone,
        "A step took longer than it may and was ended.",
        "Look at what the step waited for; raise `deadlines.<step>` only if the work is slow and healthy.";
    STEP_NOT_VERIFIED = "StepNotVerified", Error, WhenGone,
        "A step did its changes, but the machine is still not as it should be.",
        "Something else changes the same setting: find it in the journal, then run the agent again.";
    STEP_PANICKED = "StepPanicked", Error, WhenGone,
        "A bug in gpunode ended a step.",
        "Report it with the lines around it in the journal.";
    RUN_INTERRUPTED = "RunInterrupted", Error, WhenGone,
        "A signal ended the run before the step was done.",
        "Run the agent again; it goes on where it was.";
    RUN_NOT_FINISHED = "RunNotFinished", Info, WhenGone,
        "The run before this one was cut off and did not write its end.",
        "Nothing: this run looked at everything again.";
    RUN_NOT_GUARDED = "RunNotGuarded", Warning, WhenGone,
        "The not-ready taint or the halt could not be put up before the run began to change the machine.",
        "Correct the cause in the message; a run that is killed now lets the node join as if it were healthy.";
    REPORT_NOT_SAVED = "ReportNotSaved", Warning, WhenGone,
        "The report of the run could not be written to one of its places.",
        "Check that the file system is writable and has free space; what was found stands in the log too.";
    CONTAINERD_CONFIG_INVALID = "ContainerdConfigInvalid", Error, WhenGone,
        "containerd's configuration file cannot be read, or is of a form that cannot be added to.",
        "Correct the file at the line in the message; `containerd config migrate` brings an old form to the newest.";
    CONTAINERD_CONFIG_SHADOWED = "ContainerdConfigShadowed", Error, WhenGone,
        "containerd's effective configuration differs from what was written: an imported file replaces it.",
        "Look at `imports` in /etc/containerd/config.toml; containerd 1 lets an imported file replace whole plugin sections.";
    CONTAINERD_RESTART_NEEDED = "ContainerdRestartNeeded", Warning, WhenGone,
        "containerd runs with an older configuration, and is not restarted under a running kubelet.",
        "Drain the node and restart containerd, or reboot.";
    NVIDIA_RUNTIME_MISSING = "NvidiaRuntimeMissing", Error, WhenGone,
        "The NVIDIA container runtime is not installed, so no container gets a GPU.",
        "Install nvidia-container-toolkit, or use an image that has it.";
    CDI_UNSUPPORTED = "CdiUnsupported", Warning, WhenGone,
        "This containerd knows no CDI; containers cannot ask for devices by name.",
        "Use containerd 1.7 or newer.";
    SOCI_MISSING = "SociMissing", Warning, WhenGone,
        "SOCI parallel pull is asked for, but the SOCI snapshotter is not installed; images are pulled as usual.",
        "Install soci-snapshotter 0.11 or newer with its systemd unit, or set containerRuntime.soci = \"off\".";
    NODEADM_MISSING = "NodeadmMissing", Error, WhenGone,
        "The configuration asks for nodeadm, which is not installed.",
        "Use an EKS image that has nodeadm, or set kubelet.nodeadm = \"auto\".";
    NODE_LABEL_REFUSED = "NodeLabelRefused", Warning, WhenGone,
        "A label was left out, since a kubelet that is told to set it does not start.",
        "Correct the label, or let the node group or an administrator set it.";
    NODE_TAINT_REFUSED = "NodeTaintRefused", Warning, WhenGone,
        "A taint was left out, since a kubelet that is told to set it does not start.",
        "Write it as `key=value:Effect`.";
    NODE_CONFIG_INVALID = "NodeConfigInvalid", Warning, WhenGone,
        "A NodeConfig of somebody else cannot be read.",
        "Correct the document; nodeadm itself refuses it too.";
    NODE_CONFIG_OVERRIDES = "NodeConfigOverrides", Warning, WhenGone,
        "A later nodeadm drop-in takes back what gpunode sets.",
        "Rename the file so that it sorts before the one of gpunode, or leave the flag out.";
    KUBELET_OUT_OF_REACH = "KubeletOutOfReach", Warning, WhenGone,
        "Labels and taints cannot be handed to this kubelet.",
        "Give it the flags in the message by the means of its image.";
    STEP_UNDONE = "StepUndone", Error, WhenGone,
        "What a step had set was undone before the run ended.",
        "Something else on the machine changes the same setting: find it in the journal.";
    INSTANCE_TYPE_UNEXPECTED = "InstanceTypeUnexpected", Error, Replace,
        "The instance is of another type than the configuration says.",
        "Correct the launch template or `instance.expectedType`.";
    SYSCTL_REFUSED = "SysctlRefused", Error, WhenGone,
        "The kernel refused a setting.",
        "Check that the kernel has the module (`modprobe tcp_bbr`, `modprobe sch_fq`), or choose another value.";
    SYSCTL_OVERRIDDEN = "SysctlOverridden", Warning, WhenGone,
        "A file that is read later sets one of our kernel settings to something else.",
        "Remove the line from that file, or set the wanted value in `sysctl.extra`.";
    GPU_MISSING = "GpuMissing", Error, Replace,
        "Fewer GPUs are on the PCI bus than the instance type has.",
        "Replace the instance; a GPU that has fallen off the bus does not come back.";
    GPU_NOT_BOUND = "GpuNotBound", Error, Reboot,
        "A GPU is on the PCI bus, but the NVIDIA driver does not drive it.",
        "Read the kernel log for lines with NVRM; reboot once, then replace the instance.";
    NVIDIA_DRIVER_ABSENT = "NvidiaDriverAbsent", Error, WhenGone,
        "The machine has NVIDIA GPUs and no NVIDIA driver is loaded.",
        "Use an image that carries the driver, or let the agent install it (`nvidia.install = \"auto\"`, on Amazon Linux 2023 and Ubuntu); where it should have, the step `nvidia-driver` of the last boot says why not.";
    NVIDIA_DRIVER_VERSION = "NvidiaDriverVersion", Warning, WhenGone,
        "The NVIDIA driver that is loaded is not the one that the configuration asks for.",
        "Drain the node, set `nvidia.install = \"replace\"` and run the agent before the kubelet, by a reboot; or set `nvidia.driverVersion` to what is there.";
    NVIDIA_DRIVER_FLAVOUR = "NvidiaDriverFlavour", Warning, WhenGone,
        "The NVIDIA kernel modules are open where this type wants proprietary ones, or the other way round.",
        "Use an image that chooses the modules by the GPU, as EKS's images do.";
    NVIDIA_DRIVER_REFUSED = "NvidiaDriverRefused", Error, WhenGone,
        "No NVIDIA driver is there, and none may or can be installed here.",
        "Read the message for the rule; correct `nvidia.flavour`, `nvidia.driverVersion` or `nvidia.install`, or use an image that carries the driver.";
    NVIDIA_DRIVER_IN_USE = "NvidiaDriverInUse", Error, Reboot,
        "The NVIDIA driver was to be replaced, but something holds it in the kernel; nothing was changed.",
        "Drain the node and reboot: the agent runs before anything uses the GPUs then.";
    NVIDIA_MODULE_NOT_BUILT = "NvidiaModuleNotBuilt", Error, WhenGone,
        "The driver's packages are installed, but there is no kernel module for the running kernel.",
        "Read /var/lib/dkms/nvidia*/*/build/make.log; a kernel that is newer than the driver wants a newer driver.";
    NVIDIA_MODULE_NOT_LOADED = "NvidiaModuleNotLoaded", Error, Reboot,
        "The NVIDIA kernel module is there and cannot be loaded.",
        "Read the kernel log for lines with NVRM; a GPU that another driver held first wants a reboot.";
    KERNEL_HEADERS_MISSING = "KernelHeadersMissing", Error, WhenGone,
        "The headers of the running kernel are not installed and no repository offers them, so no kernel module can be built.",
        "Reboot into a kernel that the repositories still have, or put its headers into the image.";
    KERNEL_MODULES_MISSING = "KernelModulesMissing", Error, WhenGone,
        "The running kernel lacks modules that the driver needs and that its distribution keeps in a package apart, and no repository offers it.",
        "Reboot into a kernel that the repositories still have, or put the package in the message into the image.";
    FABRIC_MANAGER_WRONG = "FabricManagerWrong", Error, WhenGone,
        "The instance type has NVSwitches and the fabric manager is absent, lacks what it does not start without, or is of another version than the driver, which it refuses.",
        "Install the fabric manager of exactly the driver's version, or let `nvidia.install` be `auto`.";
    IMEX_NOT_CONFIGURED = "ImexNotConfigured", Info, WhenGone,
        "The instance is part of an UltraServer, and memory is shared across its instances only through IMEX, which gpunode does not configure.",
        "Let NVIDIA's DRA driver for GPUs run IMEX for each job (ComputeDomain), or write /etc/nvidia-imex/nodes_config.cfg and start nvidia-imex; jobs inside one instance need neither.";
    PACKAGE_LOCKED = "PackageLocked", Error, WhenGone,
        "Another process held the lock of the package manager for too long.",
        "Find it by the message, for example unattended-upgrades at first boot; raise `packages.lockSeconds` if it is only slow.";
    PACKAGE_REPOSITORY_FAILED = "PackageRepositoryFailed", Error, WhenGone,
        "A package repository did not answer, or not with what belongs there, also when it was asked again.",
        "Check the route and the proxy to it; point `nvidia.repository` to a mirror, or `nvidia.offline` to packages on the machine.";
    PACKAGE_SIGNATURE_WRONG = "PackageSignatureWrong", Error, WhenGone,
        "A repository or a package is not signed, or not by the key that is trusted for it; nothing of it was installed.",
        "Find out who changed it; a mirror that signs anew needs its key in `nvidia.repositoryKey`, and a new key of NVIDIA's its fingerprint in `nvidia.repositoryKeyFingerprint`.";
    PACKAGE_NOT_OFFERED = "PackageNotOffered", Error, WhenGone,
        "No repository offers a package in the version that is needed.",
        "Choose a version that is offered, or a repository that has it.";
    PACKAGE_CONFLICT = "PackageConflict", Error, WhenGone,
        "The package manager refuses: what is needed does not go together with what is installed.",
        "Remove what the message names, or set `nvidia.driverVersion` to what is installed.";
    PACKAGE_FAILED = "PackageFailed", Error, WhenGone,
        "The package manager ended with a failure.",
        "Read its last words in the message; run the agent again, it first repairs what is half installed.";
    DISK_FULL = "DiskFull", Error, WhenGone,
        "There is not enough room on a disk to install.",
        "Make the root volume larger (`GPU_ROOT_VOLUME_SIZE`), or remove what is not needed.";
    EFA_DRIVER_ABSENT = "EfaDriverAbsent", Error, WhenGone,
        "The instance type has EFA and the EFA kernel module is not loaded.",
        "Let gpunode install it (`efa.install = \"auto\"`), or use an image that carries EFA.";
    EFA_MISSING = "EfaMissing", Error, Replace,
        "Fewer EFA interfaces are there than the instance should have.",
        "Replace the instance: an EFA cannot be attached to a running one. If it was launched with fewer, set `efa.expectedCount`.";
    EFA_COUNT_UNKNOWN = "EfaCountUnknown", Info, WhenGone,
        "How many EFA interfaces this instance should have is not known.",
        "Set `efa.expectedCount` to what the launch template attaches.";
    OFI_NCCL_ABSENT = "OfiNcclAbsent", Info, WhenGone,
        "The OFI-NCCL plugin is not installed on the host.",
        "Nothing, when containers bring their own; else use an image with the full EFA installer.";
    HEALTH_LOOK_FAILED = "HealthLookFailed", Error, WhenGone,
        "The look at GPUs, EFA and disks before the node joins did not come to its end.",
        "Run `gpunode-agent check --verbose`; the kernel log names the device that is waited for.";
    HEALTH_UNKNOWN = "HealthUnknown", Warning, WhenGone,
        "Nobody could tell whether every device is well: a source of health is not there or did not answer.",
        "Run `gpunode-agent check --verbose`: it names each source, and why it said nothing.";
    DOWNLOAD_FAILED = "DownloadFailed", Error, WhenGone,
        "A file that a step needs could not be downloaded from any of its places.",
        "Read the message: each URL, how far it came and why it stopped. What came is kept, and the next run goes on there.";
    DOWNLOAD_FORGED = "DownloadForged", Error, WhenGone,
        "A downloaded file is not what it should be: its checksum or signature is wrong. Nothing of it was run.",
        "Compare the checksum with the publisher's; find out who changed the file before using it.";
    BUNDLE_INVALID = "BundleInvalid", Error, WhenGone,
        "An installer that was proved holds something that is not unpacked: a path out of its folder, a device, or too much.",
        "Use another version of the installer, and report this one.";
    EFA_NOT_INSTALLED = "EfaNotInstalled", Error, WhenGone,
        "EFA's software is not as it is asked for, and the installer cannot be run on this machine.",
        "Read the message; set `efa.installerVersion` to what this system can have, or use an image that carries EFA.";
    EFA_INSTALLER_FAILED = "EfaInstallerFailed", Error, WhenGone,
        "The EFA installer was run and did not succeed.",
        "Read its last words in the message and all of them in /var/log/gpunode/efa-installer.log, then run the agent again.";
    EFA_VERSION = "EfaVersion", Warning, WhenGone,
        "The EFA software that is installed is not the version that the configuration asks for, and is left as it is.",
        "Drain the node and run the agent again, use an image with the wanted version, or correct `efa.installerVersion`.";
    EFA_REBOOT_NEEDED = "EfaRebootNeeded", Warning, Reboot,
        "A newer EFA kernel module is installed than the one that is loaded.",
        "Reboot the instance; the new module is loaded then.";
    OFI_NCCL_MISSING = "OfiNcclMissing", Error, WhenGone,
        "The configuration asks for the OFI-NCCL plugin on the host, and it is not there.",
        "Use EFA installer 1.39 or newer, which carries it, or set `efa.installerMode = \"minimal\"`.";
    OFI_NCCL_BROKEN = "OfiNcclBroken", Error, WhenGone,
        "The OFI-NCCL plugin is on the host and cannot be loaded, so NCCL falls back to sockets.",
        "Read the loader's words in the message; install the libfabric that the plugin was built for.";
    OFI_NCCL_UNFIT = "OfiNcclUnfit", Warning, WhenGone,
        "The OFI-NCCL plugin, NCCL or libfabric on the host is older than this instance type needs.",
        "Install the version in the message; containers that bring their own are not concerned.";
    NCCL_ABSENT = "NcclAbsent", Warning, WhenGone,
        "NCCL is wanted on the host in another version than is there.",
        "Install the version in the message, or set `nccl.install = false`: containers bring their own.";
    HUGE_PAGES_TOO_MANY = "HugePagesTooMany", Error, WhenGone,
        "The configuration asks for more huge pages than the machine can spare.",
        "Lower `limits.hugepages2Mi`.";
    HUGE_PAGES_SHORT = "HugePagesShort", Warning, Reboot,
        "The kernel could not reserve all the huge pages that were asked for.",
        "Reboot: they are reserved early at boot, when memory is still whole.";

    CONFIG_INVALID = "ConfigInvalid", Error, WhenGone,
        "A configuration file, an environment variable or a flag holds a setting that cannot be used.",
        "Correct it; `gpunode-agent config check` names each mistake with its place and what is allowed.";
    DATA_DISK_HOLDS_DATA = "DataDiskHoldsData", Error, WhenGone,
        "A disk that was to become part of the data volume holds data that is not ours, so it was not touched.",
        "Look at what is on the disk; if it may go, wipe it by hand (`wipefs -a`, `blkdiscard`) or replace the instance.";
    DATA_DISK_IN_USE = "DataDiskInUse", Error, WhenGone,
        "A disk that was to become part of the data volume is mounted, partitioned, read-only or held by another device.",
        "Stop what uses the disk, or take the disk out of the configuration.";
    DATA_DISK_UNREADABLE = "DataDiskUnreadable", Error, WhenGone,
        "A disk could not be read to the end of its check, so nothing is known about what it holds.",
        "Look at the kernel log for I/O errors of the disk; replace the instance if they stay.";
    DATA_ARRAY_DEGRADED = "DataArrayDegraded", Error, WhenGone,
        "Our own RAID array is not complete: members are missing, doubled or not started.",
        "Attach the missing volumes; where an instance-store disk is gone, its data is gone too: replace the instance.";
    DATA_ARRAY_FOREIGN = "DataArrayForeign", Error, WhenGone,
        "A disk belongs to a RAID array that gpunode did not make.",
        "Find out who made the array; take its disks out of the configuration, or remove the array by hand.";
    DATA_VOLUME_MISSING = "DataVolumeMissing", Error, WhenGone,
        "An EBS volume that the configuration names is not attached to this instance.",
        "Attach the volume, or correct its id or device name in the configuration.";
    DATA_VOLUME_INTERRUPTED = "DataVolumeInterrupted", Error, WhenGone,
        "The making of the data volume was interrupted and the record of it does not prove that it may be done again.",
        "Look at the disks; when nothing on them is needed, wipe them by hand and run `gpunode-agent bootstrap` again.";
    DATA_VOLUME_TOO_LATE = "DataVolumeTooLate", Error, Reboot,
        "A folder should move to the data volume, but what uses it is running already.",
        "Reboot: the agent runs before kubelet then. Or stop kubelet and run the agent again.";
    DATA_VOLUME_AMBIGUOUS = "DataVolumeAmbiguous", Error, WhenGone,
        "The disks do not make up one data volume: some are part of one and others are not, or there is more than one.",
        "Name exactly the disks of the volume in the configuration, or wipe by hand those that may go.";

    NCCL_VARIABLE_HURTS = "NcclVariableHurts", Warning, WhenGone,
        "An NCCL or libfabric variable is forced to a value that hurts on this instance type with these versions.",
        "Take the variable out of the configuration, or use the profile `auto`.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_in_the_form_of_a_condition_reason() {
        let codes: BTreeSet<_> = ALL.iter().map(|reason| reason.code).collect();
        assert_eq!(codes.len(), ALL.len());
        for code in codes {
            assert!(code.starts_with(|c: char| c.is_ascii_uppercase()), "{code}");
            assert!(code.chars().all(|c| c.is_ascii_alphanumeric()), "{code}");
        }
    }
}
