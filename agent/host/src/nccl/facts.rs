//! The inputs as the questions that rules ask.

use super::Inputs;
use crate::catalog::{InstanceType, NvSwitch};
use crate::versions::Version;

pub(super) struct Facts<'a> {
    inputs: &'a Inputs<'a>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>) -> Self {
        Self { inputs }
    }

    /// The type is known and takes EFA devices.
    pub(super) fn efa(&self) -> bool {
        self.kind().is_some_and(InstanceType::has_efa)
    }

    /// The type is known and takes no EFA device.
    pub(super) fn no_efa(&self) -> bool {
        self.kind().is_some_and(|kind| !kind.has_efa())
    }

    /// What aws-ofi-nccl's guide calls "p4/p5 instances": those whose EFA devices are known to read remote memory.
    pub(super) fn rdma(&self) -> bool {
        self.efa() && self.kind().is_some_and(|kind| kind.rdma_read() == Some(true))
    }

    /// The EFA devices are known not to read remote memory.
    pub(super) fn no_rdma(&self) -> bool {
        self.efa() && self.kind().is_some_and(|kind| kind.rdma_read() == Some(false))
    }

    /// NCCL must find GPUDirect here.
    pub(super) fn gpudirect(&self) -> bool {
        self.kind().is_some_and(InstanceType::gpudirect_expected)
    }

    pub(super) fn several_gpus(&self) -> bool {
        self.kind().is_some_and(|kind| kind.gpu_count() > 1)
    }

    pub(super) fn nvswitch(&self) -> bool {
        self.kind().is_some_and(|kind| kind.nvswitch != NvSwitch::None)
    }

    pub(super) fn family(&self) -> &str {
        self.kind().map_or("", InstanceType::family)
    }

    pub(super) fn name(&self) -> &str {
        self.kind().map_or("", |kind| kind.name.as_str())
    }

    /// aws-ofi-nccl is known and older.
    pub(super) fn plugin_before(&self, major: u32, minor: u32) -> bool {
        before(self.inputs.installed.ofi_nccl.as_ref(), major, minor, 0)
    }

    /// libfabric is known and older.
    pub(super) fn libfabric_before(&self, major: u32, minor: u32) -> bool {
        before(self.inputs.installed.libfabric.as_ref(), major, minor, 0)
    }

    /// The EFA installer is known and older.
    pub(super) fn installer_before(&self, major: u32, minor: u32, patch: u32) -> bool {
        before(self.inputs.installed.efa_installer.as_ref(), major, minor, patch)
    }

    /// The kernel is known and older.
    pub(super) fn kernel_before(&self, major: u32, minor: u32) -> bool {
        before(self.inputs.installed.kernel.as_ref(), major, minor, 0)
    }

    /// NCCL is known and older.
    pub(super) fn nccl_before(&self, major: u32, minor: u32, patch: u32) -> bool {
        before(self.inputs.installed.nccl.as_ref(), major, minor, patch)
    }

    /// NCCL is known, and this or newer.
    pub(super) fn nccl_known_from(&self, major: u32, minor: u32) -> bool {
        self.inputs.installed.nccl.as_ref().is_some_and(|version| version.at_least(major, minor, 0))
    }

    /// The type and the versions, for a sentence.
    pub(super) fn place(&self) -> String {
        let kind = self.kind().map_or("an unknown instance type", |kind| kind.name.as_str());
        let installed = &self.inputs.installed;
        let version = |name, version: &Option<Version>| {
            version.as_ref().map_or(String::new(), |version| format!(", {name} {version}"))
        };
        format!(
            "on {kind}{}{}",
            version("aws-ofi-nccl", &installed.ofi_nccl),
            version("NCCL", &installed.nccl)
        )
    }

    fn kind(&self) -> Option<&'a InstanceType> {
        self.inputs.instance
    }
}

fn before(version: Option<&Version>, major: u32, minor: u32, patch: u32) -> bool {
    version.is_some_and(|version| !version.at_least(major, minor, patch))
}
