use super::*;

fn event(text: &str) -> Option<(String, StorageKind)> {
    parse(text).map(|event| (event.device, event.kind))
}

fn is(text: &str, device: &str, kind: StorageKind) {
    assert_eq!(event(text), Some((device.to_owned(), kind)), "{text}");
}

fn io(sector: Option<u64>) -> StorageKind {
    StorageKind::IoError { sector }
}

#[test]
fn failed_reads_and_writes() {
    is(
        "I/O error, dev nvme1n1, sector 2048 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2",
        "nvme1n1",
        io(Some(2048)),
    );
    is(
        "blk_update_request: I/O error, dev nvme1n1, sector 7 op 0x1:(WRITE) flags 0x800",
        "nvme1n1",
        io(Some(7)),
    );
    is("print_req_error: critical medium error, dev nvme2n1, sector 9", "nvme2n1", io(Some(9)));
    is("critical target error, dev md0, sector 9 op 0x1:(WRITE)", "md0", io(Some(9)));
    is("Buffer I/O error on dev nvme1n1, logical block 0, async page read", "nvme1n1", io(None));
    is("Buffer I/O error on device dm-0, logical block 1", "dm-0", io(None));
    is("nvme1n1: I/O Cmd(0x2) @ LBA 0, 8 blocks, I/O Error (sct 0x0 / sc 0x6) DNR", "nvme1n1", io(None));
    assert_eq!(event("operation not supported error, dev nvme1n1, sector 0 op 0x3:(DISCARD)"), None);
}

#[test]
fn controllers_that_do_not_answer() {
    let down = |status| StorageKind::ControllerDown { status };
    is(
        "nvme nvme0: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0xffff",
        "nvme0",
        down(Some(u32::MAX)),
    );
    is("nvme nvme0: Device not ready; aborting reset, CSTS=0x1", "nvme0", down(None));
    let timeout = |reset| StorageKind::CommandTimeout { reset };
    is("nvme nvme0: I/O 12 QID 3 timeout, aborting", "nvme0", timeout(false));
    is("nvme nvme0: I/O 258 (I/O Cmd) QID 4 timeout, aborting", "nvme0", timeout(false));
    is(
        "nvme nvme0: I/O tag 84 (1054) opcode 0x1 (I/O Cmd) QID 2 timeout, aborting req_op:WRITE(1) size:4096",
        "nvme0",
        timeout(false),
    );
    is("nvme nvme0: I/O 260 (I/O Cmd) QID 2 timeout, reset controller", "nvme0", timeout(true));
    is("nvme nvme0: I/O 26 QID 0 timeout, disable controller", "nvme0", timeout(true));
    assert_eq!(event("nvme nvme0: I/O 26 QID 0 timeout, completion polled"), None);
    is("nvme nvme0: Removing after probe failure status: -19", "nvme0", StorageKind::ControllerRemoved);
    is("nvme nvme0: Disabling device after reset failure: -19", "nvme0", StorageKind::ControllerRemoved);
}

#[test]
fn file_systems() {
    use StorageKind::{FilesystemCorruption, FilesystemIoError, FilesystemReadOnly, FilesystemShutdown};
    is(
        "XFS (nvme1n1): metadata I/O error in \"xfs_trans_read_buf_map\" at daddr 0x2 len 8 error 5",
        "nvme1n1",
        FilesystemIoError,
    );
    is("XFS (md0): log I/O error -5", "md0", FilesystemIoError);
    is(
        "XFS (md0): Metadata corruption detected at xfs_agf_read_verify+0x1/0x2 [xfs], xfs_agf block 0x1",
        "md0",
        FilesystemCorruption,
    );
    is("XFS (md0): Corruption detected. Unmount and run xfs_repair", "md0", FilesystemCorruption);
    is(
        "XFS (md0): Corruption of in-memory data (0x8) detected at xfs_defer_finish_noroll+0x1/0x2 [xfs] (fs/xfs/libxfs/xfs_defer.c:1).  Shutting down filesystem.",
        "md0",
        FilesystemShutdown,
    );
    is("XFS (md0): Filesystem has been shut down due to log error (0x2).", "md0", FilesystemShutdown);
    is(
        "EXT4-fs error (device nvme0n1p1): ext4_find_entry:1463: inode #2: comm ls: reading directory lblock 0",
        "nvme0n1p1",
        FilesystemCorruption,
    );
    is("EXT4-fs (nvme0n1p1): I/O error while writing superblock", "nvme0n1p1", FilesystemIoError);
    is("EXT4-fs (nvme0n1p1): Remounting filesystem read-only", "nvme0n1p1", FilesystemReadOnly);
    is("Aborting journal on device nvme0n1p1-8.", "nvme0n1p1", FilesystemShutdown);
}

#[test]
fn arrays() {
    let failed = |array: &str| StorageKind::ArrayDiskFailed { array: array.into() };
    is("md/raid0md0: Disk failure on nvme2n1 detected, failing array.", "nvme2n1", failed("md0"));
    is("md/raid1:md127: Disk failure on nvme1n1, disabling device.", "nvme1n1", failed("md127"));
}

#[test]
fn everyday_lines_are_none() {
    for text in [
        "nvme nvme0: 8/0/0 default/read/poll queues",
        "nvme nvme0: pci function 0000:00:04.0",
        "nvme nvme0: resetting controller",
        "XFS (nvme1n1): Mounting V5 Filesystem 5e1f",
        "XFS (nvme1n1): Ending clean mount",
        "XFS (nvme1n1): Unmount and run xfs_repair",
        "EXT4-fs (nvme0n1p1): mounted filesystem with ordered data mode. Opts: (null)",
        "EXT4-fs (",
        "md/raid0:md0: md_size is 3750000000 sectors.",
        "md/: Disk failure on x",
        "critical space allocation error, dev dm-0, sector 1",
        "I/O error",
        "nvme0n1: p1 p2",
    ] {
        assert_eq!(event(text), None, "{text}");
    }
}
