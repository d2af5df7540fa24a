use super::*;

fn events(records: &[&str]) -> Vec<NvrmEvent> {
    let mut nvrm = Nvrm::default();
    records.iter().filter_map(|text| nvrm.parse(text, 0)).collect()
}

fn pci(text: &str) -> PciAddress {
    text.parse().unwrap()
}

fn fallen(text: &str) -> NvrmEvent {
    NvrmEvent::FallenOffBus { pci: pci(text) }
}

#[test]
fn a_gpu_says_who_it_is_before_its_first_xid() {
    let found = events(&[
        "NVRM: GPU at PCI:0000:91:00: GPU-f1906b9b-557a-e961-045c-9fe4be3ce012",
        "NVRM: GPU Board Serial Number: 1653923026510",
        "NVRM: GPU 0000:92:00.0: GPU serial number is 1653923026511.",
    ]);
    let uuid = "GPU-f1906b9b-557a-e961-045c-9fe4be3ce012".to_owned();
    let serial = |at: &str, serial: &str| NvrmEvent::Serial { pci: pci(at), serial: serial.into() };
    assert_eq!(
        found,
        [
            NvrmEvent::Identity { pci: pci("0000:91:00.0"), uuid },
            serial("0000:91:00.0", "1653923026510"),
            serial("0000:92:00.0", "1653923026511"),
        ]
    );
    let none = [
        "NVRM: GPU Board Serial Number: 1",
        "NVRM: GPU at PCI:0000:02:00: GPU-1",
        "NVRM: GPU Board Serial Number: [N/A]",
    ];
    assert_eq!(events(&none).len(), 1);
    assert_eq!(events(&["NVRM: GPU at nowhere: GPU-1", "NVRM: GPU Board Serial Number: "]), []);
}

#[test]
fn a_lost_gpu_in_one_line_or_in_several() {
    assert_eq!(events(&["NVRM: GPU 0000:5d:00.0: GPU has fallen off the bus."]), [fallen("0000:5d:00.0")]);
    assert_eq!(events(&["NVRM: GPU 18:00.0: GPU has fallen off the bus."]), [fallen("0000:18:00.0")]);
    let three = [
        "NVRM: The NVIDIA GPU 0000:b3:00.0",
        "NVRM: (PCI ID: 10de:26b5) installed in this system has",
        "NVRM: fallen off the bus and is not responding to commands.",
    ];
    assert_eq!(events(&three), [fallen("0000:b3:00.0")]);
    assert_eq!(events(&[&three.join("\n")]), [fallen("0000:b3:00.0")]);
    assert_eq!(events(&[&three.join("\n               ")]), [fallen("0000:b3:00.0")]);
    let two = [
        "NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:1e07) installed in this",
        "NVRM: system has fallen off the bus and is not responding to commands.",
    ];
    assert_eq!(events(&two), [fallen("0000:01:00.0")]);
}

#[test]
fn a_message_that_never_ends_is_forgotten() {
    let mut lines =
        vec!["NVRM: The NVIDIA GPU 0000:b3:00.0", "NVRM: API mismatch: the client has the version 1.0, but"];
    lines.extend(["NVRM: other"; 6]);
    lines.extend(["NVRM: fallen off the bus", "NVRM: this kernel module has the version 2.0."]);
    assert_eq!(events(&lines), []);
    assert_eq!(events(&["NVRM: The NVIDIA GPU invalid.0\nNVRM: fallen off the bus"]), []);
}

#[test]
fn versions_that_differ() {
    let mismatch = [NvrmEvent::ApiMismatch { client: "535.247.01".into(), module: "535.230.02".into() }];
    let one = "NVRM: API mismatch: the client has the version 535.247.01, but\n\
               NVRM: this kernel module has the version 535.230.02.  Please\n\
               NVRM: make sure that this kernel module and all NVIDIA driver\n\
               NVRM: components have the same version.";
    assert_eq!(events(&[one]), mismatch);
    assert_eq!(events(&one.lines().map(str::trim_start).collect::<Vec<_>>()), mismatch);
    let named = "NVRM: API mismatch: the client 'nvidia-smi' (pid 4711)\n\
                 NVRM: has the version 535.247.01, but this kernel module has\n\
                 NVRM: the version 535.230.02.  Please make sure that this";
    assert_eq!(events(&[named]), mismatch);
}

#[test]
fn the_gsp_does_not_answer() {
    for text in [
        "NVRM: _kgspRpcGspEventPmuHalted: PMU halted",
        "NVRM: GPU0 _issueRpcAndWait: rpcSendMessage failed with status 0x0000000f for fn 78!",
        "NVRM: Timeout after 45s of waiting for RPC response from GPU3 GSP! Expected function 76 (GSP_RM_CONTROL)",
    ] {
        assert!(matches!(events(&[text])[..], [NvrmEvent::GspSilent { .. }]), "{text}");
    }
    let found = events(&["NVRM: Timeout after 45s of waiting for RPC response from GPU3 GSP!"]);
    assert!(matches!(found[..], [NvrmEvent::GspSilent { gpu: Some(3), .. }]), "{found:?}");
}

#[test]
fn other_trouble() {
    let uvm = "NVRM: nvGpuOpsReportFatalError: uvm encountered global fatal error 0x60, requiring os reboot to recover.";
    assert_eq!(events(&[uvm]), [NvrmEvent::UvmFatal { status: 0x60, reboot: true }]);
    let link = "NVRM: knvlinkUpdatePostRxDetectLinkMask_IMPL: Failed to update Rx Detect Link mask!";
    assert!(matches!(events(&[link])[..], [NvrmEvent::NvLinkDetection { .. }]));
    let init = "NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x62:0x40:2477)";
    let text = "RmInitAdapter failed! (0x62:0x40:2477)".to_owned();
    assert_eq!(events(&[init]), [NvrmEvent::InitFailed { pci: pci("0000:01:00.0"), text }]);
    let refused = "NVRM: dma-buf attach failed: topology not supported for mapping type FORCE_PCIE";
    assert_eq!(events(&[refused]), [NvrmEvent::MemoryRefused { text: refused[6..].to_owned() }]);
    assert_eq!(events(&["NVRM: None of the NVIDIA devices were initialized."]), [NvrmEvent::NoDevices]);
}

#[test]
fn a_load_of_the_module_is_a_fresh_start() {
    let loaded = |version: &str| [NvrmEvent::Loaded { version: version.into() }];
    let closed = "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024";
    assert_eq!(events(&[closed]), loaded("550.54.14"));
    let open =
        "NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  610.43.02  Release Build  (dvs-builder@x)";
    assert_eq!(events(&[open]), loaded("610.43.02"));
}

#[test]
fn a_storm_of_one_line_is_one_event_a_minute() {
    let mut nvrm = Nvrm::default();
    let line = "NVRM: _fabricNotifyEvent: Unable to notify ImexSessionApi";
    assert_eq!(nvrm.parse(line, 5), Some(NvrmEvent::ImexUnreachable { left_out: 0 }));
    for at in 6..106 {
        assert_eq!(nvrm.parse(line, at), None);
    }
    assert_eq!(nvrm.parse(line, 5 + IMEX_EVERY), Some(NvrmEvent::ImexUnreachable { left_out: 100 }));
}

#[test]
fn everyday_lines_are_none() {
    for text in [
        "NVRM: Persistence mode is deprecated and will be removed in a future release. Please use nvidia-persistenced instead.",
        "NVRM: GPU0 nvAssertOkFailedNoLog: Assertion failed: Reset required [NV_ERR_RESET_REQUIRED]",
        "NVRM: A GPU crash dump has been created.",
        "NVRM: ",
    ] {
        assert_eq!(events(&[text]), [], "{text}");
    }
}
