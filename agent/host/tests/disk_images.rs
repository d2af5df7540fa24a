//! Disks made by the tools of each format itself: each must be named, never taken for blank, and nothing that
//! libblkid sees may be missed, on whole images as on damaged ones.

// A test that cannot go on ends there; helpers of tests are not seen as tests by the lints.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "disk_images/captured.rs"]
mod captured;
#[path = "disk_images/image.rs"]
mod image;
#[path = "disk_images/ours.rs"]
mod ours;

use image::Image;

/// Marsaglia's xorshift64*: the same damage at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }
}

/// Everything that must hold for an image that carries `names`.
fn check(image: &Image, names: &[&str]) {
    let seen = image.names();
    for name in names {
        assert!(seen.contains(*name), "{name} not among {seen:?}");
    }
    assert_sees_what_libblkid_sees(image, "whole");
    damage(image);
    // The marks are gone, the rest of the format is still there: not blank, though libblkid thinks so.
    image.make("wipefs -q -a $IMG");
    assert!(!image.probe().is_blank(), "taken for blank after wipefs");
}

fn assert_sees_what_libblkid_sees(image: &Image, when: &str) {
    let (theirs, ours) = (image.seen_by_libblkid(), image.names());
    let missed: Vec<_> = theirs.difference(&ours).collect();
    assert!(missed.is_empty(), "{when}: libblkid sees {missed:?}, we see only {ours:?}");
}

/// Bytes beside the marks are overwritten, a few at a time, and put back.
fn damage(image: &Image) {
    let spans = image.probe().data;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..8 {
        let mut undo = Vec::new();
        for _ in 0..=dice.below(4) {
            let span = spans[usize::try_from(dice.below(spans.len() as u64)).unwrap()];
            let offset = span.first + dice.below(span.last - span.first + 1);
            undo.push((offset, image.read(offset, 1)));
            image.write(offset, &[u8::try_from(dice.below(256)).unwrap()]);
        }
        assert!(!image.probe().is_blank());
        assert_sees_what_libblkid_sees(image, &format!("damage {round} at {undo:?}"));
        for (offset, byte) in undo.into_iter().rev() {
            image.write(offset, &byte);
        }
    }
}

/// One test for each format: name, MiB, script, and what must be seen.
macro_rules! formats {
    ($($name:ident: $mib:literal, $script:literal, [$($sees:literal),+];)+) => {$(
        #[test]
        fn $name() {
            let image = Image::new($mib);
            image.make($script);
            check(&image, &[$($sees),+]);
        }
    )+};
}

formats! {
    gpt: 64, "sgdisk -n 1:0:+8M $IMG", ["gpt", "PMBR"];
    gpt_without_partitions: 64, "sgdisk -o $IMG", ["gpt", "PMBR"];
    dos: 64, "echo ,8M | sfdisk -q $IMG", ["dos"];
    dos_without_partitions: 64, "echo label: dos | sfdisk -q $IMG", ["dos"];
    sun: 64, "echo label: sun | sfdisk -q $IMG", ["sun"];
    sgi: 64, "echo label: sgi | sfdisk -q $IMG", ["sgi"];
    ext2: 64, "mkfs.ext2 -q -F $IMG", ["ext2"];
    ext3: 64, "mkfs.ext3 -q -F $IMG", ["ext3"];
    ext4: 64, "mkfs.ext4 -q -F $IMG", ["ext4"];
    ext_journal: 64, "mke2fs -q -F -O journal_dev $IMG", ["jbd"];
    xfs: 512, "mkfs.xfs -q $IMG", ["xfs"];
    btrfs: 256, "mkfs.btrfs -q $IMG", ["btrfs"];
    swap: 64, "mkswap $IMG", ["swap"];
    swap_with_pages_of_64_kib: 64, "mkswap -p 65536 $IMG", ["swap"];
    luks1: 64, "echo pw | cryptsetup -q luksFormat --type luks1 --pbkdf-force-iterations 1000 $IMG -", ["crypto_LUKS"];
    luks2: 64, "echo pw | cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $IMG -",
        ["crypto_LUKS"];
    verity: 64, "truncate -s 1M data && veritysetup format data $IMG", ["DM_verity_hash"];
    fat12: 4, "mkfs.vfat $IMG", ["vfat"];
    fat16: 64, "mkfs.vfat -F16 $IMG", ["vfat"];
    fat32: 64, "mkfs.vfat -F32 $IMG", ["vfat"];
    exfat: 64, "mkfs.exfat $IMG", ["exfat"];
    ntfs: 64, "mkfs.ntfs -F -q $IMG", ["ntfs"];
    f2fs: 128, "mkfs.f2fs -q $IMG", ["f2fs"];
    squashfs: 1, "rm $IMG; mksquashfs /etc/apt $IMG -quiet", ["squashfs"];
    erofs: 1, "mkfs.erofs $IMG /etc/apt", ["erofs"];
    iso9660: 1, "genisoimage -quiet -o $IMG /etc/apt", ["iso9660"];
    udf: 64, "mkudffs -b 2048 $IMG", ["udf"];
    udf_with_blocks_of_512: 64, "mkudffs -b 512 $IMG", ["udf"];
    udf_with_blocks_of_4096: 64, "mkudffs -b 4096 $IMG", ["udf"];
    jfs: 64, "mkfs.jfs -q $IMG", ["jfs"];
    reiserfs: 64, "mkfs.reiserfs -q -f -f $IMG", ["reiserfs"];
    nilfs2: 256, "mkfs.nilfs2 -q $IMG", ["nilfs2"];
    ocfs2: 256, "mkfs.ocfs2 -q -M local --fs-features=local $IMG", ["ocfs2"];
    gfs2: 256, "mkfs.gfs2 -q -O -p lock_nolock $IMG", ["gfs2"];
    bcache: 64, "make-bcache -B $IMG", ["bcache"];
    minix: 64, "mkfs.minix $IMG", ["minix"];
    minix3: 64, "mkfs.minix -3 $IMG", ["minix"];
    cramfs: 1, "mkfs.cramfs /etc/apt $IMG", ["cramfs"];
    bfs: 1, "mkfs.bfs $IMG", ["bfs"];
    apfs: 1024, "mkapfs $IMG", ["apfs"];
    hfs: 64, "hformat -f $IMG", ["hfs"];
}

#[test]
fn lvm() {
    let image = Image::new(64);
    // pvcreate takes block devices only. Without udev in the way it works on a loop device of any machine.
    image.make(
        "losetup --version >/dev/null; loop=$(losetup -f --show $IMG); trap 'losetup -d $loop' EXIT
         pvcreate -q -ff -y --devicesfile '' --config 'devices{scan_lvs=0} activation{udev_sync=0 udev_rules=0}' $loop",
    );
    check(&image, &["LVM2_member"]);
}

#[test]
fn the_spare_table_alone_is_a_gpt() {
    let image = Image::new(64);
    image.make("sgdisk -o $IMG");
    image.write(0, &vec![0; 1 << 20]);
    assert!(image.names().contains("gpt"));
    assert_sees_what_libblkid_sees(&image, "spare only");
}

#[test]
fn the_spare_header_alone_is_luks() {
    let image = Image::new(64);
    image.make(
        "echo pw | cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $IMG -",
    );
    image.write(0, &[0; 4096]);
    assert!(image.names().contains("crypto_LUKS"));
    assert_sees_what_libblkid_sees(&image, "spare only");
}

#[test]
fn four_uberblocks_are_a_zfs_member() {
    let image = Image::new(128);
    for slot in 4..8 {
        image.write((128 << 10) + slot * 1024, &0x00ba_b10cu64.to_le_bytes());
    }
    assert!(image.seen_by_libblkid().contains("zfs_member"), "the image is not what it should be");
    check(&image, &["zfs_member"]);
}

/// What is read whole is gone, and with it every mark that libblkid knows: the spare superblocks are left.
#[test]
fn a_file_system_that_lost_both_its_ends_is_not_blank() {
    const MIB: u64 = 100 << 10;
    for make in ["mkfs.ext4 -q -F $IMG", "mkfs.xfs -q -f -K -l size=64m $IMG", "mkfs.btrfs -q -f $IMG"] {
        let image = Image::new(MIB);
        image.make(make);
        let gone = vec![0; 4 << 20];
        image.write(0, &gone);
        image.write((MIB << 20) - gone.len() as u64, &gone);
        assert!(!image.probe().is_blank(), "{make}");
    }
}

#[test]
fn a_blank_image_is_blank_for_everyone() {
    let image = Image::new(64);
    assert!(image.probe().is_blank());
    assert!(image.seen_by_libblkid().is_empty());
}
