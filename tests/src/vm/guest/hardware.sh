#!/bin/bash
# What the image and the instance have beside Debian and QEMU, as far as the host has put it into the shared folder:
# files of the image, the cards of a tree, a network card that leads to the host.
set -eu
bed=/run/bed tree=/run/bed-hardware

image() {
    tar --extract --directory=/ --no-overwrite-dir --keep-directory-symlink --file=$bed/image.tar
}

# What the cards' drivers would show is laid over what this kernel shows. In sysfs nothing can be added, only what is
# there can be covered, so what this kernel has on its bus is brought along, and its RDMA core makes the classes that
# are covered. It has no EFA driver.
cards() {
    bus=/sys/devices/pci0000:00
    mkdir $tree /run/bed-bus
    tar --extract --directory=$tree --file=$bed/hardware.tar
    modprobe ib_uverbs
    cp --archive /sys/bus/pci/devices/* $tree/sys/bus/pci/devices/
    mount --bind $bus /run/bed-bus
    # Else what covers the bus would cover it here, too.
    mount --make-private /run/bed-bus
    mount --bind $tree$bus $bus
    # The real devices stay sysfs, which udev insists on.
    for device in /run/bed-bus/*/; do
        place=$bus/$(basename "$device")
        mkdir "$place"
        mount --bind "$device" "$place"
    done
    for folder in /sys/bus/pci/devices /sys/class/infiniband /sys/class/infiniband_verbs /proc/driver; do
        mount --bind $tree$folder $folder
    done
    # Modules are still to be loaded, so this one keeps what is below it.
    mount -t overlay -o ro,lowerdir=$tree/sys/module:/sys/module modules /sys/module
    # Nodes of devices; there is nobody behind them.
    minor=0
    find $tree/dev -type l -printf '%P\n' | while read -r node; do
        mkdir -p "$(dirname "/dev/$node")"
        mknod -m 666 "/dev/$node" c 195 $((minor++))
    done
}

# Without a way to anything but the host.
network() {
    modprobe virtio_net
    until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
    ip link set eth0 up
    ip address add "$(cat $bed/network)/24" dev eth0
}

[ ! -e $bed/image.tar ] || image
[ ! -e $bed/hardware.tar ] || cards
[ ! -e $bed/network ] || network
