#!/bin/sh
# Makes the guest: a Debian root file system, its kernel, and the kernel modules the first program loads.
# Usage: image.sh FOLDER MIRROR PACKAGES-FILE MODULES-FILE; FOLDER then holds root.img, vmlinux, initramfs/.
set -eu
out=$1 mirror=$2 packages=$(sed 's/#.*//' "$3") modules=$(sed 's/#.*//' "$4")
root=$out/root
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C

debootstrap --variant=minbase --arch=amd64 --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    --include=ca-certificates bookworm "$root" "$mirror"
cat > "$root/etc/dpkg/dpkg.cfg.d/bed" << 'END'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
END
chroot "$root" apt-get install --yes --no-install-recommends $packages

# The kernel is unpacked, not installed: its installation would make an initramfs that nobody boots. Moved by hand,
# because the package has /lib as a folder, and Debian's root has it as a link.
mkdir "$root/kernel"
chroot "$root" sh -eu -c '
    cd /kernel
    image=$(apt-cache depends linux-image-amd64 | sed -n "s/.*Depends: \(linux-image-[0-9]\)/\1/p" | head -n 1)
    apt-get download "$image"
    dpkg-deb --extract "$image"_*.deb .
'
version=$(ls "$root/kernel/lib/modules")
mv "$root/kernel/lib/modules" "$root/usr/lib/"
# QEMU starts an ELF kernel at its PVH entry. Unpacking the kernel in there, emulated, would take 2 s of every boot.
kernel=$root/kernel/boot/vmlinuz-$version
start=$(grep --byte-offset --only-matching --text --max-count=1 --perl-regexp '\xfd7zXZ\x00' "$kernel" | cut -d: -f1)
tail --bytes="+$((${start%%[!0-9]*} + 1))" "$kernel" | xz --decompress --single-stream --stdout > "$out/vmlinux"
rm -r "$root/kernel"
# Drivers of hardware that QEMU is never asked for: more than half of all modules.
for family in gpu media net/wireless net/ethernet staging isdn iio input usb hid; do
    rm -rf "$root/usr/lib/modules/$version/kernel/drivers/$family"
done
rm -rf "$root/usr/lib/modules/$version/kernel/sound"
chroot "$root" depmod "$version"

# multipath=N: a disk hangs below its controller in sysfs, as EC2's do. io_timeout: what EC2's images set.
echo 'options nvme_core multipath=N io_timeout=4294967295' > "$root/etc/modprobe.d/bed.conf"
mkdir -p "$out/initramfs/modules" "$out/initramfs/bin"
for module in $modules; do chroot "$root" modprobe --set-version "$version" --show-depends "$module"; done |
    awk '$1 == "insmod" && !seen[$2]++ { sub(/^insmod /, ""); print }' |
    while read -r path options; do
        cp "$root$path" "$out/initramfs/modules/"
        echo "/modules/${path##*/} $options" >> "$out/initramfs/modules.order"
    done
cp "$root/bin/busybox" "$out/initramfs/bin/"

# cloud-init as on an instance, less the modules a test never asks for: each costs seconds under emulation.
cat > "$root/etc/cloud/cloud.cfg.d/99-bed.cfg" << 'END'
datasource_list: [Ec2]
network: {config: disabled}
cloud_init_modules: [bootcmd, write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-per-once, scripts-per-boot, scripts-per-instance, scripts-user]
END
# On an instance DHCP answers at once; here nobody would, for a minute of every boot. Without a client cloud-init
# goes on to its network stage, and finds the metadata service there.
rm "$root/usr/sbin/dhclient"
rm -rf "$root/var/lib/apt/lists" "$root/var/cache/apt" "$root/usr/share/doc" "$root/usr/share/man" \
    "$root/usr/share/locale" "$root/etc/resolv.conf"
echo bed > "$root/etc/hostname"
mke2fs -q -t ext4 -L bed-root -d "$root" "$out/root.img" 8G
rm -rf "$root"
