# Runs the node's place until the standard input ends, and takes away what is left of it: $1 is the script inside, the
# rest its arguments. Says "init PID" and the cgroup's name.
inside=$1
shift

cgroups() {
    for folder in /sys/fs/cgroup/"$1" /sys/fs/cgroup/*/"$1"; do
        if [ -d "$folder" ]; then echo "$folder"; fi
    done
}

clear() {
    for folder in $(cgroups "$1"); do find "$folder" -depth -type d -exec rmdir {} +; done 2>/dev/null
}

# What is left where this script was killed itself: empty folders.
for left in $(cgroups 'gpunode-kubelet-*'); do
    name=${left##*/}
    kill -0 "${name##*-}" 2>/dev/null || clear "$name"
done

name=gpunode-kubelet-$$
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    # All that the kubelet wants to find there, as far as this kernel has them.
    for controller in cpu cpuset memory pids hugetlb; do
        echo "+$controller" 2>/dev/null >/sys/fs/cgroup/cgroup.subtree_control
    done
    mkdir "/sys/fs/cgroup/$name"
else
    for hierarchy in /sys/fs/cgroup/*/; do
        if [ -e "$hierarchy/tasks" ]; then mkdir -p "$hierarchy/$name"; fi
    done
    # A new group of this controller has neither processors nor memory, and takes no process.
    for what in cpus mems; do
        cat "/sys/fs/cgroup/cpuset/cpuset.$what" >"/sys/fs/cgroup/cpuset/$name/cpuset.$what"
    done
fi
echo "cgroup $name"

# No cgroup namespace: the kubelet and runc name groups from the root.
setpriv --pdeathsig KILL unshare --mount --propagation private --net --ipc --uts --pid --fork --kill-child --mount-proc \
    sh "$inside" "$@" &
unshare=$!
init=
while [ -z "$init" ] && kill -0 "$unshare"; do read -r init _ <"/proc/$unshare/task/$unshare/children"; done
echo "init $init"

cat >/dev/null
# With the first process of their namespace end all the others, containers, too, before it is waited for.
[ -n "$init" ] && kill -KILL "$init"
wait "$unshare"
tries=0
until clear "$name"; [ -z "$(cgroups "$name")" ] || [ $tries = 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
