use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::metadata::Eni;

/// A device as sysfs lays it out: the class entry is a link to the device's folder below its PCI function.
fn plug(root: &Path, name: &str, address: &str, ids: (&str, &str), gid: &str) {
    let pci = root.join("sys/devices/pci0000:00").join(address);
    let device = pci.join("infiniband").join(name);
    fs::create_dir_all(device.join("ports/1/gids")).unwrap();
    fs::create_dir_all(root.join("sys/class/infiniband")).unwrap();
    fs::create_dir_all(pci.join("infiniband_verbs/uverbs0")).unwrap();
    symlink(
        format!("../../devices/pci0000:00/{address}/infiniband/{name}"),
        root.join("sys/class/infiniband").join(name),
    )
    .unwrap();
    symlink(format!("../../../{address}"), device.join("device")).unwrap();
    symlink("../../../bus/pci/drivers/efa", pci.join("driver")).unwrap();
    for (path, text) in [
        (pci.join("vendor"), ids.0),
        (pci.join("device"), ids.1),
        (pci.join("numa_node"), "1"),
        (device.join("node_guid"), "0cba:4aff:fe1d:7e21"),
        (device.join("ports/1/gids/0"), gid),
        (device.join("ports/1/state"), "4: ACTIVE"),
    ] {
        fs::write(path, format!("{text}\n")).unwrap();
    }
}

fn eni(mac: &str, id: &str) -> Eni {
    Eni { mac: mac.to_owned(), eni_id: id.to_owned(), ..Eni::default() }
}

#[test]
fn a_device_with_all_its_facts() {
    let dir = tempfile::tempdir().unwrap();
    plug(
        dir.path(),
        "rdmap79s0",
        "0000:4f:00.0",
        ("0x1d0f", "0xefa2"),
        "fe80:0000:0000:0000:0cba:4aff:fe1d:7e21",
    );
    plug(
        dir.path(),
        "mlx5_0",
        "0000:05:00.0",
        ("0x15b3", "0x1021"),
        "fe80:0000:0000:0000:0cba:4aff:fe1d:7e22",
    );
    plug(dir.path(), "ena0", "0000:06:00.0", ("0x1d0f", "0xec20"), "fe80:0000:0000:0000:0cba:4aff:fe1d:7e23");
    let found = devices(&Root::new(dir.path())).unwrap();
    assert_eq!(
        found,
        [Efa {
            name: "rdmap79s0".into(),
            pci_address: Some("0000:4f:00.0".into()),
            device_id: Some(0xefa2),
            driver: Some("efa".into()),
            mac: Some("0e:ba:4a:1d:7e:21".into()),
            gid: Some("fe80:0000:0000:0000:0cba:4aff:fe1d:7e21".into()),
            gids: vec!["fe80:0000:0000:0000:0cba:4aff:fe1d:7e21".into()],
            node_guid: Some("0cba:4aff:fe1d:7e21".into()),
            port_state: Some("4: ACTIVE".into()),
            numa_node: Some(1),
            uverbs: Some("uverbs0".into()),
            ..Efa::default()
        }]
    );
}

#[test]
fn a_device_without_a_gid_still_shows() {
    let dir = tempfile::tempdir().unwrap();
    plug(
        dir.path(),
        "efa_0",
        "0000:00:06.0",
        ("0x1d0f", "0xefa0"),
        "0000:0000:0000:0000:0000:0000:0000:0000",
    );
    let found = devices(&Root::new(dir.path())).unwrap();
    assert_eq!((found.len(), found[0].mac.as_deref()), (1, None));
    assert!(devices(&Root::new("/nowhere")).unwrap().is_empty());
}

/// The kernel refuses a way with a name of more than 255 bytes, which is not to say that nothing is there.
#[test]
fn a_device_that_cannot_be_seen_is_not_one_that_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    let gid = "fe80:0000:0000:0000:0cba:4aff:fe1d:7e21";
    for (name, address) in [("rdmap79s0", "0000:4f:00.0"), ("rdmap80s0", "0000:50:00.0")] {
        plug(dir.path(), name, address, ("0x1d0f", "0xefa2"), gid);
    }
    let root = Root::new(dir.path());
    fs::create_dir_all(root.at("/sys/bus/pci/devices")).unwrap();
    assert_eq!((names(&root).unwrap().len(), devices(&root).unwrap().len()), (2, 2));
    let link = root.at("/sys/class/infiniband/rdmap80s0/device");
    let replace = |target: &str| {
        fs::remove_file(&link).unwrap();
        symlink(target, &link).unwrap();
    };
    replace(&"x".repeat(300));
    let path = Path::new("/sys/class/infiniband/rdmap80s0/device");
    assert_eq!(names(&root).unwrap_err().path, path);
    assert_eq!(devices(&root).unwrap_err().path, path);
    assert_eq!(observe(&root).unwrap_err().path, path);
    // What has just gone is no device.
    replace("/gone");
    assert_eq!((names(&root).unwrap().len(), devices(&root).unwrap().len()), (1, 1));
    assert_eq!(observe(&root).unwrap().devices.len(), 1);
}

#[test]
fn devices_and_interfaces_are_joined_by_mac() {
    let efa =
        |name: &str, mac: Option<&str>| Efa { name: name.into(), mac: mac.map(Into::into), ..Efa::default() };
    let found =
        vec![efa("a", Some("0e:00:00:00:00:01")), efa("b", Some("0e:00:00:00:00:09")), efa("c", None)];
    let enis = [eni("0e:00:00:00:00:00", "eni-0"), eni("0E:00:00:00:00:01", "eni-1"), eni("", "eni-2")];
    let joined = join(found, &enis);
    let ids: Vec<_> =
        joined.devices.iter().map(|pair| pair.eni.as_ref().map(|eni| eni.eni_id.as_str())).collect();
    assert_eq!(ids, [Some("eni-1"), None, None]);
    let others: Vec<_> = joined.others.iter().map(|eni| eni.eni_id.as_str()).collect();
    assert_eq!(others, ["eni-0", "eni-2"]);
}

#[test]
fn only_link_local_gids_carry_a_mac() {
    for gid in [
        "",
        "x",
        "fe80::1",
        "2001:db8::0cba:4aff:fe1d:7e21",
        "fe80:0:0:1:0cba:4aff:fe1d:7e21",
        "fe80::0cba:4aff:ff1d:7e21",
    ] {
        assert_eq!(mac_of_gid(gid), None, "{gid}");
    }
}

proptest! {
    #[test]
    fn every_mac_comes_back_from_its_gid(mac: [u8; 6]) {
        let mut bytes = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]];
        let groups: Vec<_> = bytes.chunks(2).map(|pair| format!("{:02x}{:02x}", pair[0], pair[1])).collect();
        let text: Vec<_> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(mac_of_gid(&groups.join(":")), Some(text.join(":")));
        bytes[11] = 0xfe;
        prop_assert_eq!(mac_of_gid(&std::net::Ipv6Addr::from(bytes).to_string()), None);
    }

    #[test]
    fn any_text_is_a_mac_or_none(gid in "\\PC{0,50}") {
        mac_of_gid(&gid);
    }
}

#[test]
fn rates_in_the_drivers_words() {
    for (text, gbps) in [
        ("100 Gb/sec (4X EDR)", Some(100)),
        ("400 Gb/sec (8X HDR)", Some(400)),
        ("2.5 Gb/sec (1X SDR)", Some(2)),
        ("100 Mb/sec", None),
        ("Gb/sec", None),
        ("", None),
    ] {
        assert_eq!(parse_rate(text), gbps, "{text}");
    }
    // p5, p5en, p6-b200, g7, g6.8xlarge.
    let cards = [100.0, 200.0, 400.0, 350.0, 25.0];
    assert_eq!(cards.map(rate_shown), [100, 200, 400, 200, 25]);
}
