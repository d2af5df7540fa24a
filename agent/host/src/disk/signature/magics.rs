//! The table of fixed marks: a name, where, and which bytes. Names are libblkid's where it knows the format.
//!
//! Sources: the on-disk headers of the kernel's file systems, libblkid's tables of names and places, SNIA DDF,
//! mdadm's and dmraid's format descriptions, OSMLIB's `ORCLDISK`, drbd's `drbd_meta_data.h`.
//! Where two formats share a mark, both are named: a name too many is harmless, one too few is not.

/// Where a mark stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// Bytes from the start of the device.
    Start(u64),
    /// Sectors of 512 bytes from its end (1 is the last one), and bytes into that sector.
    Sector(u64, u64),
    /// Blocks of 4 KiB from its end, and bytes into that block.
    Block(u64, u64),
}

impl At {
    /// The offset on a device of `size` bytes; `None` where the device is too small.
    pub(crate) fn offset(self, size: u64) -> Option<u64> {
        match self {
            Self::Start(at) => Some(at),
            Self::Sector(back, into) => Some((size / 512).checked_sub(back)? * 512 + into),
            Self::Block(back, into) => Some((size / 4096).checked_sub(back)? * 4096 + into),
        }
    }
}

/// One row.
pub(crate) struct Magic {
    pub(crate) name: &'static str,
    pub(crate) at: At,
    pub(crate) bytes: &'static [u8],
}

macro_rules! magics {
    ($($name:literal: $($at:expr => $bytes:expr),+;)+) => {
        pub(crate) const MAGICS: &[Magic] = &[$($(Magic { name: $name, at: $at, bytes: $bytes }),+),+];
    };
}

use At::{Block, Sector, Start};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

magics! {
    // Partition tables, besides DOS (in `partition`).
    "gpt": Start(512) => b"EFI PART", Start(4096) => b"EFI PART", Sector(1, 0) => b"EFI PART", Sector(8, 0) => b"EFI PART";
    "mac": Start(0) => b"ER\x02\x00", Start(512) => b"PM\0\0";
    "bsd": Start(512) => b"\x57\x45\x56\x82", Start(64) => b"\x57\x45\x56\x82";
    "sun": Start(508) => b"\xda\xbe";
    "sgi": Start(0) => b"\x0b\xe5\xa9\x41";
    "ultrix": Start(16 * KIB - 72) => b"\x02\x09\x03\0";
    "ldm": Start(3 * KIB) => b"PRIVHEAD";
    // Volume managers, encryption, integrity.
    "LVM2_member": Start(24) => b"LVM2 001", Start(536) => b"LVM2 001", Start(1048) => b"LVM2 001", Start(1560) => b"LVM2 001";
    "LVM1_member": Start(0) => b"HM\x01\0", Start(0) => b"HM\x02\0";
    "crypto_LUKS": Start(0) => b"LUKS\xba\xbe", Start(16 * KIB) => b"SKUL\xba\xbe", Start(32 * KIB) => b"SKUL\xba\xbe",
        Start(64 * KIB) => b"SKUL\xba\xbe", Start(128 * KIB) => b"SKUL\xba\xbe", Start(256 * KIB) => b"SKUL\xba\xbe",
        Start(512 * KIB) => b"SKUL\xba\xbe", Start(MIB) => b"SKUL\xba\xbe", Start(2 * MIB) => b"SKUL\xba\xbe",
        Start(4 * MIB) => b"SKUL\xba\xbe";
    "BitLocker": Start(0) => b"\xeb\x52\x90-FVE-FS-", Start(0) => b"\xeb\x58\x90-FVE-FS-", Start(0) => b"\xeb\x58\x90MSWIN4.1";
    "cs_fvault2": Start(88) => b"CS";
    "DM_verity_hash": Start(0) => b"verity\0\0";
    "DM_integrity": Start(0) => b"integrt\0";
    "DM_snapshot_cow": Start(0) => b"SnAp";
    "vdo": Start(0) => b"dmvdo001";
    "stratis": Start(516) => b"!Stra0tis\x86\xff\x02^\x41rh", Start(4612) => b"!Stra0tis\x86\xff\x02^\x41rh";
    "bcache": Start(4096 + 24) => b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81";
    "bcachefs": Start(4096 + 24) => b"\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef";
    "drbd": Block(1, 60) => b"\x83\x74\x02\x6b", Block(1, 60) => b"\x83\x74\x02\x6c", Block(1, 60) => b"\x83\x74\x02\x6d";
    "drbdmanage_control_volume": Start(0) => b"$DRBDmgr=q";
    "drbdproxy_datalog": Start(0) => b"DRBDdlh*";
    "ceph_bluestore": Start(0) => b"bluestore block device";
    "oracleasm": Start(32) => b"ORCLDISK", Start(32) => b"ORCLCLRD";
    // Firmware RAID: superblocks at the end.
    "isw_raid_member": Sector(2, 0) => b"Intel Raid ISM Cfg Sig. ", Block(2, 0) => b"Intel Raid ISM Cfg Sig. ";
    "ddf_raid_member": Sector(1, 0) => b"\xde\x11\xde\x11", Sector(1, 0) => b"\x11\xde\x11\xde",
        Sector(257, 0) => b"\xde\x11\xde\x11", Sector(257, 0) => b"\x11\xde\x11\xde";
    "promise_fasttrack_raid_member": Sector(63, 0) => PROMISE, Sector(255, 0) => PROMISE, Sector(256, 0) => PROMISE,
        Sector(16, 0) => PROMISE, Sector(399, 0) => PROMISE, Sector(591, 0) => PROMISE, Sector(675, 0) => PROMISE,
        Sector(735, 0) => PROMISE, Sector(911, 0) => PROMISE, Sector(974, 0) => PROMISE, Sector(991, 0) => PROMISE,
        Sector(951, 0) => PROMISE, Sector(3087, 0) => PROMISE;
    "nvidia_raid_member": Sector(2, 0) => b"NVIDIA";
    "lsi_mega_raid_member": Sector(1, 0) => b"$XIDE$";
    "jmicron_raid_member": Sector(1, 0) => b"JM";
    "adaptec_raid_member": Sector(1, 0) => b"\x37\xfc\x4d\x1e";
    "silicon_medley_raid_member": Sector(1, 0x60) => b"\0\0\0\x2f";
    "via_raid_member": Sector(1, 0) => b"\x55\xaa";
    "hpt45x_raid_member": Sector(11, 0) => b"\xf3\x16\x78\x5a", Sector(11, 0) => b"\xfd\x16\x78\x5a";
    "hpt37x_raid_member": Start(4640) => b"\xf0\x16\x78\x5a", Start(4640) => b"\xfd\x16\x78\x5a";
    // Linux file systems, besides those with a module of their own (ext, XFS).
    "btrfs": Start(64 * KIB + 64) => b"_BHRfS_M", Start(64 * MIB + 64) => b"_BHRfS_M", Start((256 << 30) + 64) => b"_BHRfS_M";
    "f2fs": Start(KIB) => b"\x10\x20\xf5\xf2", Start(5 * KIB) => b"\x10\x20\xf5\xf2";
    "squashfs": Start(0) => b"hsqs", Start(0) => b"sqsh", Start(0) => b"qshs", Start(0) => b"shsq";
    "erofs": Start(KIB) => b"\xe2\xe1\xf5\xe0";
    "jfs": Start(32 * KIB) => b"JFS1", Start(60 * KIB) => b"JFS1";
    "reiserfs": Start(8 * KIB + 0x34) => b"ReIsEr", Start(64 * KIB + 0x34) => b"ReIsEr", Start(8 * KIB + 20) => b"ReIsEr";
    "reiser4": Start(64 * KIB) => b"ReIsEr4";
    "nilfs2": Start(KIB + 6) => b"\x34\x34", Block(1, 6) => b"\x34\x34";
    "ocfs": Start(0) => b"OracleCFS";
    "ocfs2": Start(KIB) => b"OCFSV2", Start(2 * KIB) => b"OCFSV2", Start(4 * KIB) => b"OCFSV2", Start(8 * KIB) => b"OCFSV2";
    "gfs2": Start(64 * KIB) => b"\x01\x16\x19\x70";
    "cramfs": Start(0) => b"\x45\x3d\xcd\x28", Start(0) => b"\x28\xcd\x3d\x45", Start(512) => b"\x45\x3d\xcd\x28";
    "romfs": Start(0) => b"-rom1fs-";
    "zonefs": Start(0) => b"SFOZ";
    "ubi": Start(0) => b"UBI#";
    "ubifs": Start(0) => b"\x31\x18\x10\x06";
    "minix": Start(KIB + 16) => b"\x7f\x13", Start(KIB + 16) => b"\x8f\x13", Start(KIB + 16) => b"\x68\x24",
        Start(KIB + 16) => b"\x78\x24", Start(KIB + 24) => b"\x5a\x4d", Start(KIB + 16) => b"\x13\x7f",
        Start(KIB + 16) => b"\x13\x8f", Start(KIB + 16) => b"\x24\x68", Start(KIB + 16) => b"\x24\x78";
    "bfs": Start(0) => b"\xce\xfa\xad\x1b";
    "befs": Start(32) => b"BFS1", Start(32) => b"1SFB", Start(544) => b"BFS1", Start(544) => b"1SFB";
    "ufs": Start(1372) => UFS1, Start(1372) => UFS1_BE, Start(1372) => UFS2, Start(1372) => UFS2_BE,
        Start(8 * KIB + 1372) => UFS1, Start(8 * KIB + 1372) => UFS1_BE, Start(8 * KIB + 1372) => UFS2,
        Start(8 * KIB + 1372) => UFS2_BE, Start(64 * KIB + 1372) => UFS2, Start(64 * KIB + 1372) => UFS2_BE,
        Start(64 * KIB + 1372) => UFS1, Start(64 * KIB + 1372) => UFS1_BE, Start(256 * KIB + 1372) => UFS2,
        Start(256 * KIB + 1372) => UFS2_BE;
    "vxfs": Start(KIB) => b"\xf5\xfc\x01\xa5", Start(8 * KIB) => b"\xa5\x01\xfc\xf5";
    "sysv": Start(KIB + 504) => b"\xfd\x18\x7e\x20", Start(KIB + 504) => b"\x20\x7e\x18\xfd", Start(512 + 504) => b"\x20\x7e\x18\xfd";
    "nss": Start(4 * KIB) => b"SPB5";
    // File systems of others.
    "ntfs": Start(3) => b"NTFS    ", Sector(1, 3) => b"NTFS    ";
    "exfat": Start(3) => b"EXFAT   ", Start(12 * 512 + 3) => b"EXFAT   ";
    "vfat": Start(0x36) => b"FAT12   ", Start(0x36) => b"FAT16   ", Start(0x36) => b"FAT     ", Start(0x36) => b"MSDOS",
        Start(0x52) => b"FAT32   ", Start(0x52) => b"MSWIN", Start(6 * 512 + 0x52) => b"FAT32   ";
    "ReFS": Start(0) => b"\0\0\0ReFS\0";
    "hpfs": Start(8 * KIB) => b"\x49\xe8\x95\xf9";
    "hfsplus": Start(KIB) => b"H+\0\x04", Start(KIB) => b"HX\0\x05", Sector(2, 0) => b"H+\0\x04", Sector(2, 0) => b"HX\0\x05";
    "hfs": Start(KIB) => b"BD", Sector(2, 0) => b"BD";
    "apfs": Start(32) => b"NXSB";
    "iso9660": Start(32 * KIB + 1) => b"CD001", Start(32 * KIB + 9) => b"CDROM";
    "udf": Start(32 * KIB + 1) => b"BEA01", Start(32 * KIB + 1) => b"BOOT2", Start(32 * KIB + 1) => b"CDW02",
        Start(32 * KIB + 1) => b"NSR02", Start(32 * KIB + 1) => b"NSR03", Start(32 * KIB + 1) => b"TEA01",
        Start(34 * KIB + 1) => b"NSR02", Start(34 * KIB + 1) => b"NSR03", Start(36 * KIB + 1) => b"NSR02",
        Start(36 * KIB + 1) => b"NSR03";
    "VMFS": Start(2 * MIB) => b"\x5e\xf1\xab\x2f";
    "VMFS_volume_member": Start(MIB) => b"\x0d\xd0\x01\xc0";
    // Swap and suspended systems: the last ten bytes of the first page, for every page size.
    "swap": Start(4 * KIB - 10) => SWAP2, Start(8 * KIB - 10) => SWAP2, Start(16 * KIB - 10) => SWAP2,
        Start(32 * KIB - 10) => SWAP2, Start(64 * KIB - 10) => SWAP2, Start(4 * KIB - 10) => SWAP1,
        Start(8 * KIB - 10) => SWAP1, Start(16 * KIB - 10) => SWAP1, Start(32 * KIB - 10) => SWAP1,
        Start(64 * KIB - 10) => SWAP1;
    "swsuspend": Start(4 * KIB - 10) => b"S1SUSPEND", Start(4 * KIB - 10) => b"S2SUSPEND", Start(4 * KIB - 10) => b"ULSUSPEND",
        Start(4 * KIB - 10) => b"LINHIB0001", Start(64 * KIB - 10) => b"S1SUSPEND", Start(64 * KIB - 10) => b"S2SUSPEND",
        Start(64 * KIB - 10) => b"ULSUSPEND", Start(64 * KIB - 10) => b"LINHIB0001",
        Start(0) => b"\xed\xc3\x02\xe9\x98\x56\xe5\x0c";
}

const PROMISE: &[u8] = b"Promise Technology, Inc.";
const UFS1: &[u8] = b"\x54\x19\x01\0";
const UFS1_BE: &[u8] = b"\0\x01\x19\x54";
const UFS2: &[u8] = b"\x19\x01\x54\x19";
const UFS2_BE: &[u8] = b"\x19\x54\x01\x19";
const SWAP1: &[u8] = b"SWAP-SPACE";
const SWAP2: &[u8] = b"SWAPSPACE2";
