#!/bin/busybox sh
# First program of the guest. It plays the hardware: when systemd starts, the root disk, the disks with EC2's
# identities and the metadata address are there, at every boot, as on an instance.
export PATH=/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /run /root /backing
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755,nosuid,nodev run /run

fail() {
    echo "bed: $*" > /dev/console
    poweroff -f
}

# Drivers are probed asynchronously: waits up to 60 s of guest time for a name to appear, then gives up by name.
appear() {
    tries=0
    until ls $1 > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 3000 ] || fail "$1 did not appear"
        usleep 20000
    done
}

# The QEMU disk with this serial number, as a device path.
disk_with_serial() {
    tries=0
    while :; do
        for controller in /sys/class/nvme/nvme*; do
            [ "$(sed 's/ *$//' $controller/serial 2> /dev/null)" = "$1" ] || continue
            appear "$controller/${controller##*/}n1"
            found=/dev/${controller##*/}n1
            appear $found
            return
        done
        tries=$((tries + 1))
        [ $tries -lt 3000 ] || fail "no disk with serial number $1"
        usleep 20000
    done
}

# Kernel modules in the order that modprobe gave when the image was made. One that this processor has no use for
# (an accelerated checksum) may refuse to load.
while read -r module options; do insmod $module $options 2> /dev/null; done < /modules.order

mkdir /run/bed
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 bed /run/bed || fail "no shared folder"

# Disks with EC2's identities: files on a disk of our own, given to an NVMe target in this kernel and reached over
# TCP on the loopback address. Files, not block devices, so that the same bytes never show up under two device names
# (mdadm and blkid would take the wrong one). The target writes with O_DIRECT, so a power cut loses what the guest
# still held in memory; it is kinder than a real one, which may also lose what a disk has taken and not flushed.
export_disks() {
    disk_with_serial bed-backing
    mount -t ext4 -o noinit_itable $found /backing || fail "cannot mount the backing disk"
    mount -t configfs configfs /sys/kernel/config
    target=/sys/kernel/config/nvmet
    mkdir $target/ports/1
    echo tcp > $target/ports/1/addr_trtype
    echo ipv4 > $target/ports/1/addr_adrfam
    echo 127.0.0.1 > $target/ports/1/addr_traddr
    echo 4420 > $target/ports/1/addr_trsvcid
    while IFS='|' read -r serial bytes model; do
        [ -e /backing/$serial ] || truncate -s $bytes /backing/$serial
        subsystem=$target/subsystems/nqn.2014-08.bed:$serial
        mkdir $subsystem $subsystem/namespaces/1
        echo -n "$model" > $subsystem/attr_model
        echo -n "$serial" > $subsystem/attr_serial
        echo 1 > $subsystem/attr_allow_any_host
        # No UUID: then the kernel makes the wwid from vendor, serial and model, as it does for EC2's disks.
        echo 00000000-0000-0000-0000-000000000000 > $subsystem/namespaces/1/device_uuid
        echo -n /backing/$serial > $subsystem/namespaces/1/device_path
        echo 1 > $subsystem/namespaces/1/enable || fail "cannot export $serial"
        ln -s $subsystem $target/ports/1/subsystems/
    done < /disks
    while IFS='|' read -r serial bytes model; do
        # No keep-alive: under emulation the guest can stand still for longer than its time-out.
        echo "transport=tcp,traddr=127.0.0.1,trsvcid=4420,nqn=nqn.2014-08.bed:$serial,nr_io_queues=1,keep_alive_tmo=0" \
            > /dev/nvme-fabrics || fail "cannot connect $serial"
        disk_with_serial $serial
    done < /disks
    # Out of sight, not gone: the target keeps the files open, and nothing in the guest finds a mount of ours.
    umount /sys/kernel/config
    umount -l /backing
}

ip link set lo up
ip link add imds0 type dummy
ip addr add 169.254.169.254/32 dev imds0
ip link set imds0 up
[ -s /disks ] && export_disks

mkdir -p /run/systemd/system/sysinit.target.wants /run/bed.d
cp /bed.d/* /run/bed.d/
cp /units/*.service /run/systemd/system/
for unit in /units/*.service; do ln -s ../${unit##*/} /run/systemd/system/sysinit.target.wants/; done
while read -r unit; do ln -s /dev/null /run/systemd/system/$unit; done < /masked

# EC2 never gives up on a command, nor do the disks of a test. These two answer for the machine that the test runs on:
# what QEMU has lost is asked for again.
for serial in bed-backing bed-root; do
    disk_with_serial $serial
    echo 15000 > /sys/block/${found##*/}/queue/io_timeout
done
mount -t ext4 -o rw $found /root || fail "cannot mount the root disk"
for folder in proc sys dev run; do mount --move /$folder /root/$folder; done
exec switch_root /root /lib/systemd/systemd
