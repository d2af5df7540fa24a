# Back to blank disks and a machine that was never prepared.
for place in /var/log/pods /var/lib/kubelet /var/lib/containerd /mnt/k8s-disks/0; do umount -q $place; done
mdadm -q --stop --scan
udevadm settle
for disk in $(readlink -f /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWSBENCH*[0-9] | sort -u); do
    blkdiscard -f "$disk"
done
rm -rf /var/lib/gpunode /run/gpunode /etc/systemd/system/*.mount /etc/systemd/system/*.d/*gpunode* \
    /etc/systemd/system/local-fs.target.wants/*.mount /etc/nccl.conf /etc/environment.d/*gpunode* \
    /etc/profile.d/*gpunode* /etc/cdi /etc/sysctl.d/*gpunode* /etc/modules-load.d/gpunode.conf \
    /etc/security/limits.d/*gpunode* /etc/tmpfiles.d/*gpunode* /etc/eks
echo 0 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
sysctl -q net.ipv4.tcp_congestion_control=cubic net.core.default_qdisc=pfifo_fast net.core.rmem_max=212992 \
    net.core.wmem_max=212992
systemctl daemon-reload
udevadm settle
true
