#!/bin/sh
# Makes the root for tests of dnf and apt: Debian with both, repositories of small stand-in packages, signed with test
# keys. Real are dnf, rpm, apt, dpkg, gpg, systemctl; stand-ins are the packages, `modprobe` and the kernels' folders.
# Usage: root.sh FOLDER MIRROR SOURCES; FOLDER/root is the root then. SOURCES holds packages.sh and modprobe.
set -eu
out=$1 mirror=$2 sources=$3
root=$out/root
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C

debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg bookworm "$root" "$mirror"
cat > "$root/etc/dpkg/dpkg.cfg.d/bed" << 'END'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
END
chroot "$root" apt-get install --yes --no-install-recommends \
    dnf rpm createrepo-c apt-utils gnupg systemd

# From here on no archive is known but the ones a test adds.
rm -rf "$root"/etc/apt/sources.list "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
# As on Amazon Linux: rpm's database in its usual place; a plugin of Debian's that no Amazon Linux has is off.
mkdir -p "$root/etc/rpm" "$root/etc/yum.repos.d" "$root/etc/dnf/plugins" "$root/srv" "$root/work"
printf '%%_dbpath /var/lib/rpm\n%%__gpg /usr/bin/gpg\n' > "$root/etc/rpm/macros"
printf '[main]\nenabled=false\n' > "$root/etc/dnf/plugins/local.conf"
install -m 755 "$sources/modprobe" "$root/usr/sbin/modprobe"
cp "$sources/packages.sh" "$root/work/"

# The running kernels, as the cases tell them.
for kernel in 6.12.40-63.114.amzn2023.x86_64 6.8.0-1021-aws; do
    mkdir -p "$root/usr/lib/modules/$kernel"
    : > "$root/usr/lib/modules/$kernel/modules.dep"
done
chroot "$root" sh -eu /work/packages.sh
rm -rf "$root/work" "$root/root/.gnupg"
