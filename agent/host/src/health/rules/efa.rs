//! EFA interfaces: what sysfs, their counters and libfabric say.

use super::{rules, seconds};
use crate::health::rule::Confirm::{AtOnce, For, Looks};

rules! { ROWS:
    EFA_MISSING = "EfaMissing", Node, Error, Looks(2), Replace;
        is "Fewer EFA interfaces are there than the instance should have.",
        seen "fewer EFA functions on the PCI bus than the configuration or the instance metadata say, in two looks in a row",
        do "Replace the instance: an EFA cannot be attached to a running one. If it was launched with fewer, set `efa.expectedCount`.",
        by "EC2 DescribeInstanceTypes; EC2 user guide, Elastic Fabric Adapter";
    EFA_ABSENT = "EfaAbsent", Efa, Error, Looks(2), Replace;
        is "An attached EFA-only interface has no device.",
        seen "an interface without addresses in the instance metadata whose MAC address is in no EFA device's GID, in two looks in a row",
        do "Replace the instance.",
        by "The first GID is the MAC address of the ENI (RFC 4291, appendix A)";
    EFA_NOT_BOUND = "EfaNotBound", Efa, Error, Looks(2), DriverReload;
        is "An EFA function is on the PCI bus, but no driver drives it.",
        seen "PCI vendor 1d0f, device efa0 to efa3, without an RDMA device, in two looks in a row",
        do "Look at the kernel log for lines of efa; load the module (`modprobe efa`), else replace the instance.",
        by "efa_main.c";
    EFA_DRIVER_ABSENT = "EfaDriverAbsent", Node, Error, Looks(2), WhenGone;
        is "The instance type has EFA and the EFA kernel module is not loaded.",
        seen "EFA functions on the PCI bus and no /sys/module/efa, in two looks in a row",
        do "Let gpunode install it (`efa.install = \"auto\"`), or use an image that carries EFA.",
        by "efa_main.c";
    EFA_RATE_LOW = "EfaRateLow", Efa, Warning, Looks(2), WhenGone;
        is "The EFA runs slower than the others of this machine.",
        seen "the port's rate is below the highest rate of its siblings, in two looks in a row",
        do "Replace the instance.",
        by "efa_verbs.c, efa_query_port: the rate follows the speed that the device reports";
    EFA_NO_GPUDIRECT = "EfaNoGpuDirect", Efa, Warning, Looks(3), WhenGone;
        is "The EFA cannot reach GPU memory: every message takes a detour through the host's memory.",
        seen "the device's `p2p` file names no provider while the NVIDIA driver is loaded, in three looks in a row",
        do "Load the EFA module after the NVIDIA module; NVIDIA drivers of R580 and later need EFA 2.17.3.",
        by "efa_sysfs.c; EFA driver release notes";
    EFA_DRIVER_PAIR = "EfaDriverPair", Node, Warning, AtOnce, WhenGone;
        is "These versions of the NVIDIA driver and of the EFA driver do not work together.",
        seen "NVIDIA driver 580 or later with an EFA driver before 2.17.3; NVIDIA driver 595 with EFA on p6e",
        do "Update the EFA driver to 2.17.3 or later; on p6e, go back to the NVIDIA driver 580, with the option that EfaTopologyCheck asks for.",
        by "EFA driver release notes, 2.17.3; NVIDIA data-centre driver release notes, 595.91.07; NVIDIA/aicr issue 2383";
    EFA_TOPOLOGY_CHECK = "EfaTopologyCheck", Node, Warning, AtOnce, WhenGone;
        is "The NVIDIA driver lends no EFA card of this p6e the GPUs' memory: NCCL falls back to sockets.",
        seen "NVIDIA driver before 595 on p6e whose `/proc/driver/nvidia/params` does not say `GrdmaPciTopoCheckOverride: 1`",
        do "Load the driver with `NVreg_GrdmaPciTopoCheckOverride=1`, as gpunode does where it installs it, and reboot.",
        by "NVIDIA/aicr, documentation of its validation on p6e; NVIDIA data-centre driver release notes, 595.91.07";
    EFA_ADMIN_TIMEOUT = "EfaAdminTimeout", Efa, Error, AtOnce, DriverReload;
        is "The card left a command unanswered, so its driver has closed the command queue for good.",
        seen "no_completion_cmds above 0",
        do "Drain the node and replace the instance; the driver does not recover the card by itself.",
        by "efa_com.c: a timeout clears the queue's running bit";
    EFA_QUEUE_CLOSED = "EfaQueueClosed", Efa, Error, AtOnce, DriverReload;
        is "The card's command queue is closed: nothing can be asked of it any more.",
        seen "reading a port counter ends with ENODEV while the device is there",
        do "Drain the node and replace the instance; the driver does not recover the card by itself.",
        by "efa_com.c";
    EFA_UNRESPONSIVE = "EfaUnresponsive", Efa, Error, AtOnce, WhenGone;
        is "The card does not answer.",
        seen "reading a port counter, which asks the card, does not come back in time",
        do "Drain the node; replace the instance when EfaQueueClosed follows.",
        by "efa_com.c: a command may wait up to 30 s";
    EFA_DRIVER_HANGS = "EfaDriverHangs", Efa, Error, AtOnce, WhenGone;
        is "The driver does not answer for this EFA: whoever asks for what it knows of the device stands in the kernel.",
        seen "a file of the device below /sys/class/infiniband that asks only the driver, or a counter that the driver keeps, does not come back in time",
        do "Look at the kernel log for hung tasks and lines of efa; drain the node and replace the instance.",
        by "efa_verbs.c: all of them are read from the driver's memory, which takes microseconds";
    EFA_KEEP_ALIVE_STALLED = "EfaKeepAliveStalled", Efa, Error, AtOnce, WhenGone;
        is "The card no longer sends its keep-alive.",
        seen "keep_alive_rcvd has not moved for five of the longest spans seen before between two of its steps, while those of the siblings move",
        do "Drain the node and replace the instance.",
        by "efa_com.c counts the events and watches nobody; the span is learnt on each device";
    EFA_COMMAND_ERRORS = "EfaCommandErrors", Efa, Warning, AtOnce, WhenGone, for 300 s;
        is "The card refuses many commands.",
        seen "cmds_err grows by more than 10 a minute",
        do "Look which program opens and closes EFA endpoints in a loop; when no program does, replace the instance.",
        by "efa_com.c; the rate is that of NVIDIA NVSentinel's NIC monitor";
    EFA_DROPS = "EfaDrops", Efa, Warning, For(seconds(25)), WhenGone, for 120 s;
        is "The EFA drops received packets, more than its siblings.",
        seen "rx_drops above 100 a second and above a thousandth of rx_pkts, at least four times the median of the siblings, for 25 s",
        do "When only this interface drops, replace the instance; when all do, the application posts too few buffers.",
        by "efa_io_defs; the rate is that of NVIDIA NVSentinel's NIC monitor, the comparison is ours";
    EFA_RETRANSMITS = "EfaRetransmits", Efa, Warning, For(seconds(25)), WhenGone, for 120 s;
        is "The EFA sends many packets again, more than its siblings.",
        seen "retrans_pkts above one in a hundred of tx_pkts and above 100 a second, at least four times the median of the siblings, for 25 s",
        do "When only this interface does, replace the instance; when all do, look at the network between the nodes.",
        by "EC2 user guide, Monitor an Elastic Fabric Adapter; AWS publishes no limit, the ratio is our choice";
    EFA_RETRANSMIT_TIMEOUTS = "EfaRetransmitTimeouts", Efa, Warning, For(seconds(25)), WhenGone, for 120 s;
        is "Packets of the EFA time out again and again, so that it changes its network path, more than its siblings.",
        seen "retrans_timeout_events above 10 a second, at least four times the median of the siblings, for 25 s",
        do "When only this interface does, replace the instance.",
        by "EC2 user guide, Monitor an Elastic Fabric Adapter; the rate is our choice";
    EFA_RDMA_ERRORS = "EfaRdmaErrors", Efa, Info, AtOnce, WhenGone, for 300 s;
        is "RDMA reads or writes of the EFA failed.",
        seen "rdma_read_wr_err or rdma_write_wr_err grew since the look before",
        do "Nothing, when a job or its peer ended at that time.",
        by "efa_admin_cmds_defs.h; errors follow a peer that was killed";
    EFA_REMOTE_UNRESPONSIVE = "EfaRemoteUnresponsive", Efa, Info, AtOnce, WhenGone, for 300 s;
        is "Remote nodes did not answer this EFA. That blames them, or the way to them, and not this node.",
        seen "unresponsive_remote_events or impaired_remote_conn_events grew by more than 1 a second",
        do "Look at the health of the other nodes of the job.",
        by "EC2 user guide, Monitor an Elastic Fabric Adapter";
    EFA_HIDDEN = "EfaHidden", Efa, Error, Looks(2), WhenGone;
        is "The EFA device is there, but libfabric does not list it, so that NCCL does not use it.",
        seen "libfabric lists other EFA devices and not this one, in two looks in a row",
        do "Check that /dev/infiniband/uverbs of the device can be opened; reload the EFA driver, else replace the instance.",
        by "libfabric, prov/efa";
    EFA_ALL_HIDDEN = "EfaAllHidden", Node, Error, Looks(2), WhenGone;
        is "EFA devices are there, but libfabric lists none, so that NCCL falls back to TCP in silence.",
        seen "fi_getinfo for efa gives nothing, in two looks in a row",
        do "Look for an RDMA device that cannot be opened: one such device hides all others. The message names the RDMA devices that are not EFA.",
        by "libfabric issue 12708";
    EFA_NO_RDM = "EfaNoRdm", Efa, Error, Looks(2), WhenGone;
        is "libfabric offers only datagrams on this EFA device, and NCCL needs reliable messages.",
        seen "libfabric lists the device without an FI_EP_RDM endpoint, in two looks in a row",
        do "Update the EFA installer's packages; reload the driver.",
        by "libfabric manual, fi_efa(7)";
    LIBFABRIC_UNUSABLE = "LibfabricUnusable", Node, Warning, Looks(2), WhenGone;
        is "libfabric is installed and cannot be used.",
        seen "it does not load, or fi_getinfo ends with another error than no data, in two looks in a row",
        do "Install the EFA installer's packages anew.",
        by "libfabric manual, fi_getinfo(3)";
    EFA_IDLE = "EfaIdle", Node, Warning, For(seconds(600)), WhenGone;
        is "Programs hold EFA devices and keep the GPUs busy, but nothing goes over any EFA: the job may run over TCP.",
        seen "EFA queue pairs exist, all GPUs at least half busy, and no EFA counter of bytes moves, for 600 s",
        do "Look in the job's log for `NET/OFI`; NCCL_DEBUG=INFO says which network it uses. Nothing is wrong when the job runs on one node.",
        by "aws-do-eks issue 63; the span is our choice";
}
