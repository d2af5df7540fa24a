//! Lines of the NVIDIA driver that are no XIDs.

use super::{Heard, Names};
use crate::health::{Rule, Sighting, Subject, rules};
use crate::kernel_log::NvrmEvent;

pub(super) fn judge(event: &NvrmEvent, names: &dyn Names) -> Heard {
    // A refusal says nothing about the GPU, and comes once for each of a program's buffers.
    let wants_sweep = !matches!(event, NvrmEvent::MemoryRefused { .. });
    let mut heard = Heard { wants_sweep, ..Heard::default() };
    let sees =
        |rule: &'static Rule, subject: Subject, message: String| vec![Sighting::new(rule, subject, message)];
    heard.sightings = match event {
        NvrmEvent::FallenOffBus { pci } => {
            let message = "the driver says that it has fallen off the bus".to_owned();
            sees(&rules::GPU_FELL_OFF_BUS, names.at(&pci.to_string()), message)
        }
        NvrmEvent::InitFailed { pci, text } => {
            sees(&rules::GPU_INIT_FAILED, names.at(&pci.to_string()), text.clone())
        }
        NvrmEvent::GspSilent { .. } => {
            let message = "the GSP firmware of a GPU does not answer".to_owned();
            sees(&rules::GPU_FIRMWARE_TROUBLE, Subject::Node, message)
        }
        NvrmEvent::UvmFatal { status, .. } => {
            sees(&rules::UVM_FATAL, Subject::Node, format!("global fatal error {status:#x}"))
        }
        NvrmEvent::ApiMismatch { client, module } => {
            let message = format!("a program has the library {client}, the kernel module is {module}");
            sees(&rules::DRIVER_API_MISMATCH, Subject::Node, message)
        }
        NvrmEvent::MemoryRefused { text } => {
            sees(&rules::EFA_GPU_MEMORY_REFUSED, Subject::Node, text.clone())
        }
        NvrmEvent::Identity { pci, uuid } => {
            heard.uuid = Some((*pci, uuid.clone()));
            Vec::new()
        }
        NvrmEvent::Loaded { .. } => {
            heard.gpu_driver_loaded = true;
            Vec::new()
        }
        // What they mean is known by the GPUs' own state.
        NvrmEvent::Serial { .. }
        | NvrmEvent::NvLinkDetection { .. }
        | NvrmEvent::ImexUnreachable { .. }
        | NvrmEvent::NoDevices => Vec::new(),
    };
    heard
}
