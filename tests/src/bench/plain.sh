# What the agent does on this machine, one command after the other, without a look before or after.
set -eu
now() { date +%s%3N; }
begin=$(now)
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token)
for path in dynamic/instance-identity/document meta-data/network/interfaces/macs/ user-data; do
    curl -sf -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/$path" >/dev/null
done

modprobe sch_fq
modprobe tcp_bbr
cat >/etc/sysctl.d/90-gpunode.conf <<'END'
net.core.default_qdisc = fq
net.ipv4.tcp_congestion_control = bbr
net.core.rmem_max = 134217728
net.core.wmem_max = 134217728
net.ipv4.tcp_rmem = 4096 131072 134217728
net.ipv4.tcp_wmem = 4096 16384 134217728
END
sysctl -q -p /etc/sysctl.d/90-gpunode.conf

printf '* soft memlock unlimited\n* hard memlock unlimited\n' >/etc/security/limits.d/90-gpunode.conf
for unit in containerd kubelet nodeadm-run; do
    mkdir -p /etc/systemd/system/$unit.service.d
    printf '[Service]\nLimitMEMLOCK=infinity\n' >/etc/systemd/system/$unit.service.d/30-gpunode-limits.conf
done
systemctl daemon-reload
echo 60 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages

disks=$(readlink -f /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWSBENCH*[0-9] | sort -u)
for disk in $disks; do
    wipefs -n "$disk"
    blkid -p "$disk" || true
done
mdadm --quiet --create /dev/md/gpunode --run --level=0 --metadata=1.2 --homehost=any --name=gpunode \
    --raid-devices="$(echo "$disks" | wc -l)" $disks
udevadm settle
mkfs.xfs -q -K -L gpunode-data /dev/md/gpunode
uuid=$(blkid -s UUID -o value /dev/md/gpunode)
unit() {
    printf '[Mount]\nWhat=%s\nWhere=%s\nType=%s\nOptions=%s\n[Install]\nWantedBy=local-fs.target\n' "$2" "$3" "$4" "$5" \
        >"/etc/systemd/system/$1.mount"
}
unit 'mnt-k8s\x2ddisks-0' "/dev/disk/by-uuid/$uuid" /mnt/k8s-disks/0 xfs noatime
unit var-lib-containerd /mnt/k8s-disks/0/containerd /var/lib/containerd none bind
unit var-lib-kubelet /mnt/k8s-disks/0/kubelet /var/lib/kubelet none bind
unit var-log-pods /mnt/k8s-disks/0/pods /var/log/pods none bind
systemctl -q enable 'mnt-k8s\x2ddisks-0.mount' var-lib-containerd.mount var-lib-kubelet.mount var-log-pods.mount
systemctl start 'mnt-k8s\x2ddisks-0.mount'
for pair in /var/lib/containerd:containerd /var/lib/kubelet:kubelet /var/log/pods:pods; do
    mkdir -p "${pair%:*}"
    cp -a "${pair%:*}" "/mnt/k8s-disks/0/${pair#*:}"
done
sync -f /mnt/k8s-disks/0
systemctl start var-lib-containerd.mount var-lib-kubelet.mount var-log-pods.mount

for file in /etc/nccl.conf /etc/environment.d/90-gpunode-nccl.conf /etc/profile.d/gpunode-nccl.sh /etc/cdi/gpunode.yaml; do
    mkdir -p "${file%/*}"
    echo '# nothing' >"$file"
done
systemctl daemon-reload
echo $(($(now) - begin))
