//! gpunode's own formats: what the real tools write is read back, and what mdadm reads is what we read.

use gpunode_host::disk::signature::{Content, MdSuper, XfsSuper};
use gpunode_host::disk::{ARRAY_NAME, LABEL};

use crate::image::Image;

const UUID: &str = "01234567-89ab-cdef-0123-456789abcdef";

fn xfs_of(image: &Image) -> XfsSuper {
    let probe = image.probe();
    match &probe.signatures[..] {
        [one] => match &one.content {
            Content::Xfs(xfs) => xfs.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn our_volume() -> Image {
    let image = Image::new(512);
    image.make(&format!("mkfs.xfs -q -K -L {LABEL} -m uuid={UUID} $IMG"));
    image
}

#[test]
fn a_volume_made_by_mkfs_is_ours() {
    let xfs = xfs_of(&our_volume());
    assert!(xfs.is_ours(512 << 20), "{xfs:?}");
    assert_eq!((xfs.uuid.to_string().as_str(), xfs.size), (UUID, 512 << 20));
    assert!(!xfs.is_ours((512 << 20) - 1), "larger than its device");
}

#[test]
fn a_volume_in_progress_is_intact_and_not_whole() {
    let image = our_volume();
    image.make("xfs_db -x -c 'sb 0' -c 'write inprogress 1' $IMG");
    let xfs = xfs_of(&image);
    assert!(xfs.in_progress && xfs.intact && !xfs.is_ours(512 << 20), "{xfs:?}");
}

#[test]
fn a_volume_with_sectors_of_4_kib_is_intact_too() {
    let image = Image::new(512);
    image.make(&format!("mkfs.xfs -q -K -s size=4096 -L {LABEL} $IMG"));
    assert!(xfs_of(&image).is_ours(512 << 20));
}

#[test]
fn one_wrong_byte_in_the_superblock_is_noticed() {
    let image = our_volume();
    for offset in [9, 40, 110, 127, 200, 224, 300, 511] {
        let byte = image.read(offset, 1);
        image.write(offset, &[byte[0] ^ 1]);
        assert!(!xfs_of(&image).intact, "byte {offset}");
        image.write(offset, &byte);
    }
    assert!(xfs_of(&image).intact);
}

/// A version 1 superblock as `md_p.h` lays it out, written down a second time so that the reader is not tested
/// against its own idea of it.
fn md_superblock(at: u64, size: u64) -> Vec<u8> {
    let mut words = vec![0u32; 128];
    words[0] = 0xa92b_4efc;
    words[1] = 1;
    for (i, word) in (4..8).zip([0x0123_4567u32, 0x89ab_cdef, 0x0123_4567, 0x89ab_cdef]) {
        words[i] = word.swap_bytes();
    }
    for (i, part) in format!("host:{ARRAY_NAME}\0\0\0\0").as_bytes().chunks_exact(4).enumerate() {
        words[8 + i] = u32::from_le_bytes(part.try_into().unwrap());
    }
    let data = u32::try_from((size >> 9) - 4096).unwrap();
    words[16] = 1_700_000_000;
    words[20] = data;
    words[22] = 1024;
    words[23] = 2;
    words[32] = 2048;
    words[34] = data;
    words[36] = u32::try_from(at >> 9).unwrap();
    words[40] = 1;
    words[48] = 1_700_000_000;
    words[55] = 128;
    words[64] = 0x0001_0000;
    words[65..].fill(0xffff_ffff);
    let sum: u64 = words.iter().map(|&word| u64::from(word)).sum();
    words[54] = u32::try_from((sum & 0xffff_ffff) + (sum >> 32)).unwrap();
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn md_of(image: &Image) -> Option<MdSuper> {
    image.probe().signatures.iter().find_map(|signature| match &signature.content {
        Content::Md(md) => Some(md.clone()),
        Content::Plain | Content::Xfs(_) => None,
    })
}

#[test]
fn md_superblocks_are_read_as_mdadm_reads_them() {
    let size = 64u64 << 20;
    for (version, at) in [("1.0", size - 8192), ("1.1", 0), ("1.2", 4096)] {
        let image = Image::new(64);
        image.write(at, &md_superblock(at, size));
        let theirs = image.ask("mdadm --examine");
        for line in [
            format!("Version : {version}"),
            "Array UUID : 01234567:89abcdef:01234567:89abcdef".to_owned(),
            format!("Name : host:{ARRAY_NAME}"),
            "Raid Level : raid0".to_owned(),
            "Raid Devices : 2".to_owned(),
            "Device Role : Active device 1".to_owned(),
            "Data Offset : 2048 sectors".to_owned(),
        ] {
            assert!(theirs.contains(&line), "{line} not in\n{theirs}");
        }
        assert!(theirs.lines().any(|l| l.contains("Checksum") && l.contains("correct")), "{theirs}");
        let md = md_of(&image).unwrap();
        assert_eq!((md.version, md.array.to_string().as_str()), (version, UUID));
        assert_eq!((md.level, md.raid_disks, md.role), (0, 2, Some(1)));
        assert_eq!(md.payload, 1 << 20..size - (1 << 20));
        assert!(md.intact);
        assert_eq!(md.is_ours(), version == "1.2");
        crate::check(&image, &["linux_raid_member"]);
    }
}

#[test]
fn an_old_md_superblock_is_named() {
    let image = Image::new(64);
    let at = (64u64 << 20) - (64 << 10);
    let mut words = [0u32; 16];
    words[..9].copy_from_slice(&[0xa92b_4efc, 0, 90, 0, 0, 7, 1, 0, 1024]);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    image.write(at, &bytes);
    assert!(image.seen_by_libblkid().contains("linux_raid_member"), "the image is not what it should be");
    crate::check(&image, &["linux_raid_member"]);
}
