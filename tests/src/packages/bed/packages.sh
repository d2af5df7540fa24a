# Builds the stand-in packages and their repositories, inside the root.
cd /work
export HOME=/root LC_ALL=C
# A key for each role; the second one signs nothing that a case trusts.
for name in nvidia other system; do
    gpg --batch --quiet --passphrase '' --quick-generate-key "$name <$name@example.org>" rsa2048 sign never
    gpg --armor --export "$name@example.org" > "/srv/$name.asc"
    gpg --with-colons --fingerprint "$name@example.org" | sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -n 1 > "/srv/$name.fingerprint"
done

# What the scripts of NVIDIA's packages do with DKMS: build for the running kernel, and go on without a module when that
# does not work. `hold` in /run/bed lets a case stop it in the middle.
build() { # VERSION FLAVOUR PLACE
    cat << END
kernel=\$(cat /proc/sys/kernel/osrelease)
if [ -e /run/bed/hold ]; then : > /run/bed/held; while [ -e /run/bed/hold ]; do sleep 0.05; done; fi
if [ -d "/lib/modules/\$kernel/build" ]; then
    mkdir -p "/lib/modules/\$kernel/$3"
    echo "$1 $2" > "/lib/modules/\$kernel/$3/nvidia.ko"
else
    echo "Error! Your kernel headers for kernel \$kernel cannot be found" >&2
fi
END
}

script() { # PATH TEXT
    mkdir -p "${1%/*}"
    printf '#!/bin/sh\n%s\n' "$2" > "$1"
    chmod 755 "$1"
}

unit() { # PATH PROGRAM
    mkdir -p "${1%/*}"
    printf '[Service]\nExecStart=/usr/bin/%s\n[Install]\nWantedBy=multi-user.target\n' "$2" > "$1"
}

# What depmod does when the modules of a package are there.
depmod() { # FOLDER
    printf 'printf "kernel/extra/drm.ko:\\nkernel/extra/ib_umad.ko:\\n" >> %s/modules.dep\n' "$1"
}

# The files of a package, in the folder `files`.
lay() { # KIND VERSION LIBRARIES
    rm -rf files
    mkdir -p files/usr/share/stand-in
    echo "$2" > "files/usr/share/stand-in/$1"
    case $1 in
    utils)
        script files/usr/bin/nvidia-smi "echo $2"
        mkdir -p "files$3"
        echo "$2" > "files$3/libnvidia-ml.so.$2"
        # What a case with a full disk runs out of.
        mkdir -p files/usr/share/stand-in-large
        head -c 3000000 /dev/urandom > files/usr/share/stand-in-large/firmware ;;
    persistenced)
        script files/usr/bin/nvidia-persistenced :
        unit files/usr/lib/systemd/system/nvidia-persistenced.service nvidia-persistenced ;;
    fabric)
        script files/usr/bin/nv-fabricmanager "echo 'Fabric Manager version is : $2'"
        unit files/usr/lib/systemd/system/nvidia-fabricmanager.service nv-fabricmanager ;;
    toolkit) script files/usr/bin/nvidia-ctk : ; script files/usr/bin/nvidia-container-runtime : ;;
    nccl) mkdir -p "files$3" && echo "$2" > "files$3/libnccl.so.$2" ;;
    prebuilt) mkdir -p "files$3" && echo "$prebuilt" > "files$3/nvidia.ko" ;;
    headers) mkdir -p "files$3/build" && : > "files$3/build/Makefile" ;;
    extra) mkdir -p "files$3/kernel/extra" && : > "files$3/kernel/extra/drm.ko" && : > "files$3/kernel/extra/ib_umad.ko" ;;
    subnet) script files/opt/nvidia/nvlsm/sbin/nvlsm : ;;
    esac
}

rpm() { # REPOSITORY NAME EPOCH VERSION RELEASE KIND ARGUMENT "EXTRA HEADER LINES" [FLAVOUR]
    if [ "$6" = meta ]; then rm -rf files; mkdir files; else lay "$6" "$4" "$7"; fi
    {
        printf 'Name: %s\nEpoch: %s\nVersion: %s\nRelease: %s\nSummary: stand-in\nLicense: none\nBuildArch: noarch\n%b\n' "$2" "$3" "$4" "$5" "$8"
        printf '%%description\nstand-in\n%%install\ncp -a /work/files/. %%{buildroot}/\n'
        if [ -n "${9:-}" ]; then
            printf '%%post\n'
            build "$4" "$9" extra
            printf '%%preun\nif [ "$1" = 0 ]; then rm -f /lib/modules/*/extra/nvidia.ko; fi\n'
        fi
        [ "$6" != extra ] || { printf '%%post\n'; depmod "$7"; }
        printf '%%files\n'
        (cd files && find . -type f | sed 's/^\.//')
    } > p.spec
    rpmbuild --quiet -bb --define '_topdir /work/rb' p.spec
    mkdir -p "/srv/rpm/$1"
    mv rb/RPMS/noarch/*.rpm "/srv/rpm/$1/"
}

deb() { # REPOSITORY NAME VERSION REVISION KIND ARGUMENT "EXTRA CONTROL LINES" [FLAVOUR]
    lay "$5" "$3" "$6"
    [ "$5" != kmod ] || mv files/usr/share/stand-in/kmod "files/usr/share/stand-in/$2"
    [ "$5" != meta ] || rm -r files/usr
    [ "$5" != utils ] || mv files/usr/share/stand-in/utils "files/usr/share/stand-in/$2"
    mkdir -p files/DEBIAN
    printf 'Package: %s\nVersion: %s-%s\nArchitecture: amd64\nMaintainer: bed <bed@example.org>\nDescription: stand-in\n%b' "$2" "$3" "$4" "$7" > files/DEBIAN/control
    if [ -n "${8:-}" ]; then
        script files/DEBIAN/postinst "[ \"\$1\" = configure ] || exit 0
$(build "$3" "$8" updates/dkms)"
        script files/DEBIAN/prerm "[ \"\$1\" != remove ] || rm -f /lib/modules/*/updates/dkms/nvidia.ko"
    fi
    [ "$5" != extra ] || script files/DEBIAN/postinst "[ \"\$1\" = configure ] || exit 0
$(depmod "$6")"
    mkdir -p "/srv/deb/$1"
    dpkg-deb --build --root-owner-group -Znone files "/srv/deb/$1/$2_$3-${4}_amd64.deb" > /dev/null
}

for version in 550.127.05 580.82.07 580.95.05; do
    branch=${version%%.*} fabric=nvidia-fabricmanager
    [ "$branch" -ge 580 ] || fabric=nvidia-fabric-manager
    rpm nvidia kmod-nvidia-open-dkms 3 "$version" 1.amzn2023 kmod '' "Provides: nvidia-kmod = 3:$version\nConflicts: kmod-nvidia-latest-dkms" open
    rpm nvidia kmod-nvidia-latest-dkms 3 "$version" 1.amzn2023 kmod '' "Provides: nvidia-kmod = 3:$version\nConflicts: kmod-nvidia-open-dkms" proprietary
    rpm nvidia nvidia-driver-cuda 3 "$version" 1.amzn2023 utils /usr/lib64 "Requires: nvidia-kmod = 3:$version"
    rpm nvidia nvidia-persistenced 3 "$version" 1.amzn2023 persistenced '' ''
    rpm nvidia "$fabric" 0 "$version" 1 fabric '' 'Conflicts: nvidia-fm-other'

    # As in NVIDIA's repository: packages ask for each other by "at least", which the newest of a branch fulfils.
    libraries=/usr/lib/x86_64-linux-gnu
    for flavour in open proprietary; do
        name=nvidia-headless-$branch other=nvidia-headless-$branch-open
        [ "$flavour" = proprietary ] || { name=nvidia-headless-$branch-open other=nvidia-headless-$branch; }
        deb nvidia "$name" "$version" 0ubuntu1 kmod '' "Depends: nvidia-utils-$branch (>= $version), nvidia-compute-utils-$branch (>= $version)\nConflicts: $other, nvidia-stand-in-kmod\nProvides: nvidia-stand-in-kmod\n" "$flavour"
    done
    deb nvidia "nvidia-utils-$branch" "$version" 0ubuntu1 utils "$libraries" 'Conflicts: nvidia-stand-in-utils\nReplaces: nvidia-stand-in-utils\nProvides: nvidia-stand-in-utils\n'
    deb nvidia "nvidia-compute-utils-$branch" "$version" 0ubuntu1 persistenced '' 'Conflicts: nvidia-stand-in-persistenced\nReplaces: nvidia-stand-in-persistenced\nProvides: nvidia-stand-in-persistenced\n'
    deb nvidia "nvidia-fabricmanager-$branch" "$version" 0ubuntu1 fabric '' 'Conflicts: nvidia-stand-in-fabric\nReplaces: nvidia-stand-in-fabric\nProvides: nvidia-stand-in-fabric\n'
done
rpm nvidia nvidia-container-toolkit 0 1.17.8 1 toolkit '' ''
rpm nvidia nvlsm 0 2025.10.14 1 subnet '' ''
for repository in nvidia bare given-up; do deb "$repository" nvidia-container-toolkit 1.17.8 1 toolkit '' ''; done
for repository in nvidia bare; do deb "$repository" nvlsm 2025.10.14 1 subnet '' ''; done
# NVIDIA's repository for Ubuntu from branch 590 on: names without the branch.
for version in 590.48.01 595.71.05; do
    replaces() { printf 'Conflicts: nvidia-stand-in-%s\\nReplaces: nvidia-stand-in-%s\\nProvides: nvidia-stand-in-%s\\n' "$1" "$1" "$1"; }
    deb bare nvidia-dkms-open "$version" 1ubuntu1 kmod '' "Depends: nvidia-kernel-common (>= $version)\n$(replaces kmod)" open
    deb bare nvidia-kernel-common "$version" 1ubuntu1 meta '' ''
    deb bare libnvidia-compute "$version" 1ubuntu1 utils "$libraries" "$(replaces utils)"
    deb bare nvidia-persistenced "$version" 1ubuntu1 persistenced '' "$(replaces persistenced)"
    deb bare nvidia-fabricmanager "$version" 1ubuntu1 fabric '' "$(replaces fabric)"
done
# A branch that Ubuntu has given up: empty packages of its version, which ask for the next branch.
for name in headless-590-server-open utils-590-server compute-utils-590-server fabricmanager-590; do
    next=$(echo "$name" | sed s/590/595/)
    deb given-up "nvidia-$name" 590.48.01 0ubuntu0.22.04.5 meta '' "Depends: nvidia-$next\n"
    deb given-up "nvidia-$next" 595.71.05 0ubuntu0.22.04.1 meta '' ''
done
# NCCL: one version for several releases of CUDA, whose newest a driver of branch 550 cannot run.
for build in 2.22.3:cuda12.2 2.22.3:cuda12.5 2.27.7:cuda12.9 2.27.7:cuda13.0; do
    rpm nvidia libnccl 0 "${build%:*}" "1+${build#*:}" nccl /usr/lib64 ''
    deb nvidia libnccl2 "${build%:*}" "1+${build#*:}" nccl /usr/lib/x86_64-linux-gnu ''
done
# What Ubuntu has beside them: modules that are built already, for one kernel and one version of the driver. The package has
# the kernel's version, and depends on the driver's.
prebuilt='580.95.05 open' common=nvidia-kernel-common-580
deb prebuilt linux-modules-nvidia-580-open-6.8.0-1021-aws 6.8.0 1021.23 prebuilt /usr/lib/modules/6.8.0-1021-aws/kernel/nvidia-580-open "Depends: $common (<= 580.95.05-1), $common (>= 580.95.05)\n"
deb prebuilt "$common" 580.95.05 0ubuntu0.22.04.1 meta '' 'Conflicts: nvidia-stand-in-kmod\n'
deb prebuilt nvidia-headless-no-dkms-580-open 580.95.05 0ubuntu0.22.04.1 meta '' "Depends: $common (>= 580.95.05)\nConflicts: nvidia-stand-in-kmod\n"
# The system's own repositories: the kernels' headers, and what every rpm asks for.
rpm system kernel6.12-devel 1 6.12.40 63.114.amzn2023 headers /usr/lib/modules/6.12.40-63.114.amzn2023.x86_64 ''
deb system linux-headers-6.8.0-1021-aws 6.8.0 1021.23 headers /usr/lib/modules/6.8.0-1021-aws ''
# What their kernels keep in a package apart.
rpm system kernel6.12-modules-extra 1 6.12.40 63.114.amzn2023 extra /usr/lib/modules/6.12.40-63.114.amzn2023.x86_64 ''
deb system linux-modules-extra-6.8.0-1021-aws 6.8.0 1021.23 extra /usr/lib/modules/6.8.0-1021-aws ''
for name in libibumad infiniband-diags; do rpm system "$name" 0 58.amzn0 1 meta '' ''; done
for name in libibumad3 infiniband-diags; do deb system "$name" 50.0 2 meta '' ''; done
rpm base system-release 0 2023 1 meta '' 'Provides: /bin/sh\nProvides: system-release(releasever) = 2023'
command rpm -i --nosignature --justdb /srv/rpm/base/*.rpm

cp -r /srv/rpm/nvidia /srv/rpm/unsigned
rpmsign --define '_gpg_name nvidia@example.org' --addsign /srv/rpm/nvidia/*.rpm > /dev/null
rpmsign --define '_gpg_name system@example.org' --addsign /srv/rpm/system/*.rpm > /dev/null
for name in nvidia unsigned system; do createrepo_c -q "/srv/rpm/$name"; done
cp -r /srv/deb/nvidia /srv/deb/unsigned
for name in nvidia unsigned system prebuilt bare given-up; do
    case $name in
    prebuilt) signer=system ;;
    bare | given-up) signer=nvidia ;;
    *) signer=$name ;;
    esac
    cd "/srv/deb/$name"
    apt-ftparchive packages . > Packages
    apt-ftparchive release . > /work/Release
    mv /work/Release Release
    [ "$name" = unsigned ] || gpg --batch --quiet --local-user "$signer@example.org" --clearsign --output InRelease Release
done
