# Runs a command in the chroot, in mount and process namespaces that are ours alone (see run.rs).
# Arguments: chroot, clone, cargo's home, target folder, command...
root=$1 clone=$2 cargo=$3 target=$4
shift 4
mkdir -p "$root$clone" "$root/cargo" "$root/target"
bind() {
    mount --bind "$1" "$root$2"
}
seal() {
    mount -o remount,bind,ro "$root$1"
}
bind "$clone" "$clone" && seal "$clone"
bind "$cargo" /cargo && seal /cargo
bind "$target" /target
bind /dev /dev
mount -t proc proc "$root/proc"
exec chroot "$root" env -i -C "$clone" \
    PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 CARGO_HOME=/cargo CARGO_TARGET_DIR=/target "$@"
