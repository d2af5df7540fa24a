//! An instance of a launch template: what EC2 makes of the template, as a virtual machine.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gpunode_host::catalog;
use gpunode_host::metadata::{Eni, Identity, Metadata};
use gpunode_tests::vm::{Builder, Disk, Vm};
use gpunode_tests::{binary, node};
use gpunode_tree::{Options, mac};
use serde_json::Value;

use crate::image::Image;
use crate::site::{Launch, Site};

/// The user data, byte for byte.
pub(crate) fn user_data(launch: &Launch) -> Vec<u8> {
    STANDARD.decode(launch.data["UserData"].as_str().unwrap()).unwrap()
}

/// The machine. Its root disk is the test bed's, and its instance-store disks are of 1 GiB each; all else is as the
/// template says it.
pub(crate) fn machine(site: &Site, launch: &Launch, image: &Image) -> Builder {
    let data = &launch.data;
    let kind = data["InstanceType"].as_str().unwrap();
    let metadata = metadata(site, launch);
    let primary = metadata.enis[0].mac.clone();
    let mut builder = Vm::builder()
        .instance_type(kind)
        .metadata(metadata)
        .user_data(user_data(launch))
        .hardware(Options::default())
        .image(image.path())
        .network(&primary)
        .file("gpunode-daemonset", binary::daemonset())
        .cloud_init()
        // An emulated processor that stands still while others work on this machine is not a sick one.
        .kernel_argument("nowatchdog")
        .kernel_argument("rcupdate.rcu_cpu_stall_suppress=1")
        .kernel_argument("sysctl.kernel.hung_task_timeout_secs=0");
    for number in 0..catalog::find(kind).unwrap().disk_count() {
        builder = builder.disk(Disk::instance_store(&format!("AWSWHOLEWAY{number:09}"), 1));
    }
    for (number, (_, size)) in volumes(data).into_iter().enumerate() {
        builder = builder.disk(Disk::ebs(&format!("vol{:017x}", number + 1), size));
    }
    builder
}

/// Device name and GiB of each volume beside the root.
fn volumes(data: &Value) -> Vec<(String, u64)> {
    let all = data["BlockDeviceMappings"].as_array().unwrap().iter();
    let volume = |it: &Value| {
        (it["DeviceName"].as_str().unwrap().to_owned(), it["Ebs"]["VolumeSize"].as_u64().unwrap())
    };
    let [root, rest @ ..] = &all.map(volume).collect::<Vec<_>>()[..] else { panic!("no volume: {data}") };
    assert_eq!(root.0, "/dev/xvda");
    rest.to_vec()
}

/// What the metadata service says of it. Source of the forms: EC2 user guide, "Instance metadata categories".
fn metadata(site: &Site, launch: &Launch) -> Metadata {
    let (data, text) = (&launch.data, str::to_owned);
    let options = &data["MetadataOptions"];
    let said = ["HttpEndpoint", "HttpTokens", "InstanceMetadataTags"].map(|name| &options[name]);
    // As the guest's service is: no answer without a token, no tags.
    assert_eq!(said, ["enabled", "required", "disabled"]);
    let mut block_devices =
        BTreeMap::from([("ami".into(), text("xvda")), ("root".into(), text("/dev/xvda"))]);
    for (number, (device, _)) in volumes(data).iter().enumerate() {
        block_devices.insert(format!("ebs{}", number + 1), device.trim_start_matches("/dev/").to_owned());
    }
    Metadata {
        identity: Identity {
            instance_id: launch.instance.clone(),
            instance_type: text(data["InstanceType"].as_str().unwrap()),
            image_id: text(data["ImageId"].as_str().unwrap()),
            region: text("us-west-2"),
            availability_zone: launch.zone.clone(),
            availability_zone_id: Some(text("usw2-az1")),
            account_id: site.bed.account().to_owned(),
            architecture: text("x86_64"),
            private_ip: Some(text(Vm::ADDRESS)),
            life_cycle: Some(text("on-demand")),
            placement_group: data["Placement"]["GroupName"].as_str().map(text),
        },
        enis: data["NetworkInterfaces"].as_array().unwrap().iter().map(eni).collect(),
        block_devices,
        tags: None,
    }
}

/// An EFA-only interface has no address. The hardware has its own addresses for each place.
fn eni(interface: &Value) -> Eni {
    let number = |name: &str| u32::try_from(interface[name].as_u64().unwrap()).unwrap();
    let (card, device) = (number("NetworkCardIndex"), number("DeviceIndex"));
    let has_address = interface["InterfaceType"] != "efa-only";
    Eni {
        mac: mac(card, device),
        eni_id: format!("eni-0{card:08x}{device:08x}"),
        device_index: device,
        network_card: card,
        subnet_id: interface["SubnetId"].as_str().unwrap().to_owned(),
        ipv4: has_address.then(|| Vm::ADDRESS.to_owned()).into_iter().collect(),
        ipv6: Vec::new(),
    }
}

/// What the metadata service gives out in the guest, by the rules of its second version.
pub(crate) fn ask_imds(vm: &Vm, path: &str) -> Vec<u8> {
    let command = format!(
        "imds=http://169.254.169.254/latest; header='X-aws-ec2-metadata-token'; \
         token=$(curl -fsS -X PUT -H \"$header-ttl-seconds: 60\" $imds/api/token); \
         curl -fsS -H \"$header: $token\" $imds/{path}"
    );
    let output = node::done("the metadata service", vm.run(&command, node::LONG));
    assert_eq!(output.exit, 0, "{}", output.complaint());
    output.stdout
}
