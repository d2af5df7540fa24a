#!/bin/sh
# Runs what the host asks for. Requests and answers are lines on a virtio port; the command, its output and its
# errors are files in the shared folder, so output of any size and kind needs no framing, and the output of a command
# that never ends can be read while it runs. Every command has its own session: one that hangs holds up nothing.
jobs=/run/bed/jobs
for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name")" = gpunode.control ] && device=/dev/${port##*/}
done
exec 3<> "$device"
echo "ready $(cat /proc/sys/kernel/random/boot_id)" >&3
while read -r verb id <&3; do
    job=$jobs/$id
    case $verb in
    run)
        (
            setsid --wait sh -c 'echo $$ > "$0/pid"; exec bash "$0/command"' "$job" \
                < /dev/null > "$job/stdout" 2> "$job/stderr" 3>&-
            echo "done $id $?" >&3
        ) &
        ;;
    kill) kill -s KILL -- "-$(cat "$job/pid")" ;;
    esac
done
