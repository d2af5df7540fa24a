# The first process of the node's place: $1 is the machine's folder, $2 the node's name, the rest its addresses.
set -e
trap 'echo "not ready"' EXIT
root=$1
busybox hostname "$2"
shift 2

busybox ip link set lo up
for address in "$@"; do busybox ip address add "$address/32" dev lo; done

# What the kubelet, containerd and their plugins write.
for folder in /run /var/lib /var/log /opt; do mount -t tmpfs none "$folder"; done
# The kubelet sets them for its whole machine, which this one is not to be.
mkdir /run/settings
for path in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    if [ -e "/proc/sys/$path" ]; then
        file=/run/settings/$(echo "$path" | tr / _)
        cat "/proc/sys/$path" >"$file"
        mount --bind "$file" "/proc/sys/$path"
    fi
done
# The machine's files over those of this one: containerd's settings as the agent wrote them, its CDI specification.
for folder in etc usr/bin; do mount -t overlay -o "lowerdir=$root/$folder:/$folder" none "/$folder"; done
# What an overlay shows of a folder below it that changes, is not said.
mount --bind "$root/etc/cdi" /etc/cdi
# A file system below the machine's root, which the pod may not write either.
mkdir -p "$root/mounted-below"
mount -t tmpfs none "$root/mounted-below"
mount --rbind "$root/dev" /dev

trap - EXIT
echo ready
exec >/dev/null
# It takes over the containers' shims, and waits for whatever ends.
sleep infinity &
wait $!
