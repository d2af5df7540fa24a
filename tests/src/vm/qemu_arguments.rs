//! QEMU's command line for a machine.

use super::Builder;
use super::image::Image;
use super::machine_files::Files;

/// Begins with `ec2`, by which cloud-init knows an instance (its `identify_aws`).
const UUID: &str = "ec20a1b2-c3d4-4e5f-8607-182930a1b2c3";

pub(super) fn arguments(about: &Builder, image: &Image, files: &Files) -> Vec<String> {
    let mut arguments = machine(about);
    arguments.extend(boot(about, image, files));
    arguments.extend(channels(files));
    arguments.extend(about.network.iter().flat_map(|mac| network(mac)));
    arguments.extend(disk(&files.root().display().to_string(), "qcow2", "bed-root"));
    arguments.extend(disk(&files.backing().display().to_string(), "raw", "bed-backing"));
    for foreign in about.disks.iter().filter(|disk| !disk.is_ec2()) {
        let path = files.foreign(&foreign.serial).display().to_string();
        arguments.extend(disk(&path, "raw", &foreign.serial));
    }
    arguments
}

fn machine(about: &Builder) -> Vec<String> {
    let kind = &about.instance_type;
    let count = about.processors;
    words(&[
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-machine",
        "q35",
        "-accel",
        // What it keeps of translated code, in MiB. Left alone it takes a gigabyte, more than the guest uses of its memory.
        "tcg,thread=multi,tb-size=256",
        "-cpu",
        "max",
        "-smp",
        // Room for a second processor, always: for a machine that can only ever have one, QEMU before 8.1 leaves out the
        // guest's memory barriers and locks, though its disks run on threads of their own. The driver then misses, now
        // and then, that a disk wants its doorbell rung, and with EC2's endless time-out the disk stands for good.
        &format!("{count},maxcpus={}", about.processors.max(2)),
        "-m",
        &about.memory_mib.to_string(),
        "-smbios",
        "type=0,vendor=Amazon EC2,version=1.0",
        "-smbios",
        &format!("type=1,manufacturer=Amazon EC2,product={kind},uuid={UUID},serial={UUID}"),
        "-smbios",
        "type=2,manufacturer=Amazon EC2,asset=i-0123456789abcdef0",
        "-smbios",
        "type=3,manufacturer=Amazon EC2,asset=Amazon EC2",
    ])
}

fn boot(about: &Builder, image: &Image, files: &Files) -> Vec<String> {
    // The second line saves seconds of every emulated boot: no self-tests of ciphers, no mitigations of processor
    // faults, no auditing, no waiting for entropy.
    let mut line = "console=ttyS0 loglevel=4 panic=-1 systemd.unit=multi-user.target \
        cryptomgr.notests mitigations=off audit=0 random.trust_cpu=on"
        .to_owned();
    if !about.cloud_init {
        line.push_str(" cloud-init=disabled");
    }
    if about.network.is_some() {
        // Its name is the same whatever else is on the bus, and nobody renames it while it comes up.
        line.push_str(" net.ifnames=0");
    }
    for argument in &about.kernel_arguments {
        line.push(' ');
        line.push_str(argument);
    }
    words(&[
        "-kernel",
        &image.kernel().display().to_string(),
        "-initrd",
        &files.initramfs().display().to_string(),
        "-append",
        &line,
    ])
}

/// The serial console, the control channel and the shared folder.
fn channels(files: &Files) -> Vec<String> {
    words(&[
        "-chardev",
        &format!("file,id=console,append=on,path={}", files.console_log().display()),
        "-serial",
        "chardev:console",
        "-chardev",
        "socket,id=control,fd=0",
        "-device",
        "virtio-serial-pci",
        "-device",
        "virtserialport,chardev=control,name=gpunode.control",
        "-virtfs",
        &format!("local,mount_tag=bed,security_model=none,multidevs=remap,path={}", files.shared().display()),
    ])
}

/// No ROM: nothing is booted from it. No router's advertisements: they would show a way out.
fn network(mac: &str) -> Vec<String> {
    words(&[
        "-netdev",
        "user,id=network,ipv6=off",
        "-device",
        &format!("virtio-net-pci,netdev=network,mac={mac},romfile="),
    ])
}

/// cache=unsafe: what the guest has flushed survives the end of QEMU, which is the power cut we make; it need not
/// survive one of this machine.
fn disk(path: &str, format: &str, serial: &str) -> Vec<String> {
    words(&[
        "-drive",
        &format!("if=none,id={serial},format={format},cache=unsafe,discard=unmap,file={path}"),
        "-device",
        &format!("nvme,drive={serial},serial={serial}"),
    ])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
