use super::*;

fn plug(root: &std::path::Path, address: &str, vendor: &str, class: &str, driver: Option<&str>) {
    let folder = root.join("sys/bus/pci/devices").join(address);
    std::fs::create_dir_all(&folder).unwrap();
    for (file, text) in [("vendor", vendor), ("class", class), ("device", "0x2330"), ("numa_node", "-1")] {
        std::fs::write(folder.join(file), format!("{text}\n")).unwrap();
    }
    if let Some(driver) = driver {
        std::os::unix::fs::symlink(format!("../../../../bus/pci/drivers/{driver}"), folder.join("driver"))
            .unwrap();
    }
}

#[test]
fn gpus_are_told_from_everything_else() {
    let dir = tempfile::tempdir().unwrap();
    plug(dir.path(), "0000:64:00.0", "0x10de", "0x030200", None);
    plug(dir.path(), "0000:53:00.0", "0x10de", "0x030200", Some("nvidia"));
    plug(dir.path(), "0000:00:1e.0", "0x10de", "0x030000", Some("vfio-pci"));
    plug(dir.path(), "0000:c0:00.0", "0x10de", "0x068000", Some("nvidia-nvswitch"));
    plug(dir.path(), "0000:00:1f.0", "0x10de", "0x040300", None);
    plug(dir.path(), "0000:00:02.0", "0x1d0f", "0x030000", None);
    plug(dir.path(), "0000:00:03.0", "garbage", "", None);
    let found = devices(&Root::new(dir.path()));
    let drivers: Vec<_> = found.iter().map(|gpu| (gpu.address.as_str(), gpu.driver.as_deref())).collect();
    assert_eq!(
        drivers,
        [("0000:00:1e.0", Some("vfio-pci")), ("0000:53:00.0", Some("nvidia")), ("0000:64:00.0", None)]
    );
    assert_eq!((found[1].device_id, found[1].numa_node), (0x2330, None));
}

#[test]
fn a_bus_that_is_looked_at_again_shows_what_came_what_went_and_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("sys/bus/pci/devices");
    plug(dir.path(), "0000:53:00.0", "0x10de", "0x030200", Some("nvidia"));
    plug(dir.path(), "0000:64:00.0", "0x10de", "0x030200", Some("nvidia"));
    plug(dir.path(), "0000:c0:00.0", "0x10de", "0x068000", None);
    plug(dir.path(), "0000:e0:00.0", "", "", None);
    let (mut bus, root) = (Bus::default(), Root::new(dir.path()));
    let mut seen = || {
        let found = bus.look(&root).unwrap();
        let gpu = |gpu: &GpuPci| format!("{} {}", gpu.address, gpu.driver.as_deref().unwrap_or("-"));
        (found.gpus.iter().map(gpu).collect::<Vec<_>>(), found.nvswitches.len())
    };
    assert_eq!(seen(), (vec!["0000:53:00.0 nvidia".into(), "0000:64:00.0 nvidia".into()], 1));
    std::fs::remove_dir_all(folder.join("0000:64:00.0")).unwrap();
    std::fs::remove_file(folder.join("0000:53:00.0/driver")).unwrap();
    // The driver of the machine could not read it at first.
    plug(dir.path(), "0000:e0:00.0", "0x10de", "0x030200", Some("nvidia"));
    assert_eq!(seen(), (vec!["0000:53:00.0 -".into(), "0000:e0:00.0 nvidia".into()], 1));
    // Another function at the same address: seen when its turn comes.
    plug(dir.path(), "0000:53:00.0", "0x1d0f", "0x020000", None);
    let mut looks = 0;
    while seen().0.len() == 2 {
        looks += 1;
        assert!(looks < crate::turns::ROUND);
    }
    assert_eq!(seen(), (vec!["0000:e0:00.0 nvidia".into()], 1));
}

#[test]
fn links_in_the_words_of_old_and_new_kernels() {
    for (text, number) in [
        ("2.5 GT/s PCIe", Some(1)),
        ("8 GT/s", Some(3)),
        ("8.0 GT/s PCIe", Some(3)),
        ("16.0 GT/s PCIe", Some(4)),
        ("32.0 GT/s PCIe", Some(5)),
        ("64.0 GT/s PCIe", Some(6)),
        ("Unknown", None),
        ("Unknown speed", None),
        ("32.0 MB/s", None),
        ("", None),
    ] {
        assert_eq!(generation(text), number, "{text}");
    }
    for (text, lanes) in
        [("16", Some(16)), ("1", Some(1)), ("0", None), ("63", None), ("255", None), ("x", None)]
    {
        assert_eq!(parse_width(text), lanes, "{text}");
    }
}

/// What the driver wrote on an H100 with driver 535.129.03.
const H100: &str = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 16\nGPU UUID: \t GPU-9221d5d1-b60b-a624-bf14-0a1819cfda3b\n\
                    Video BIOS: \t 96.00.99.00.01\nBus Type: \t PCIe\nDMA Size: \t 52 bits\n\
                    DMA Mask: \t 0xfffffffffffff\nBus Location: \t 0000:62:00.0\nDevice Minor: \t 5\n\
                    GPU Firmware: \t 535.129.03\nGPU Excluded:\t No\n";

#[test]
fn what_the_driver_says_of_a_gpu() {
    let read = Information::parse(H100).unwrap();
    assert_eq!(read.model.as_deref(), Some("NVIDIA H100 80GB HBM3"));
    assert_eq!(read.uuid.as_deref(), Some("GPU-9221d5d1-b60b-a624-bf14-0a1819cfda3b"));
    assert_eq!(read.vbios.as_deref(), Some("96.00.99.00.01"));
    assert_eq!((read.irq, read.minor, read.excluded), (Some(16), Some(5), Some(false)));
    assert_eq!(read.firmware.as_deref(), Some("535.129.03"));
    // A GPU that the driver has not started yet.
    let asleep = "Model: \t\t Tesla T4\nGPU UUID: \t GPU-????????-????-????-????-????????????\n\
                  Video BIOS: \t ??.??.??.??.??\nGPU Excluded:\t Yes\n";
    let asleep = Information::parse(asleep).unwrap();
    assert_eq!((asleep.uuid, asleep.vbios, asleep.excluded), (None, None, Some(true)));
    for text in ["", "\n", "Model", "no such thing: 1\n"] {
        assert_eq!(Information::parse(text), None, "{text:?}");
    }
}

#[test]
fn all_ones_is_nobody() {
    assert_eq!(ConfigSpace::of([0xff; 4]), ConfigSpace::AllOnes);
    let h100 = ConfigSpace::Answers { vendor_id: 0x10de, device_id: 0x2330 };
    assert_eq!(ConfigSpace::of([0xde, 0x10, 0x30, 0x23]), h100);
    let nowhere = hardware(&Root::new("/nowhere"), "0000:53:00.0").config;
    assert_eq!(nowhere, ConfigSpace::Unreadable { errno: Some(2) });
}
