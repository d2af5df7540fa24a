//! Puts the superblocks that mdadm and mkfs.xfs would write on the demo machine's disks, so that these are judged by
//! the same code as real ones.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use gpunode_host::disk::ARRAY_NAME;
use gpunode_host::disk::signature::{MdSuper, XfsSuper};
use gpunode_host::disk::superblock::{md_block, xfs_sector};
use uuid::Uuid;

/// Where version 1.2 stands, and where mdadm lets the contents of large disks begin, in bytes.
const MD_OFFSET: u64 = 4096;
const MD_DATA: u64 = 132 << 20;
/// The chunk size that mdadm takes by default, in bytes.
const CHUNK: u64 = 512 << 10;

/// Writes the superblock of member `slot`; answers with the bytes it adds to the array.
pub(super) fn write_md(disk: &Path, id: &str, slot: usize, count: usize) -> io::Result<u64> {
    let size = disk.metadata()?.len();
    let data = size.saturating_sub(MD_DATA) / CHUNK * CHUNK;
    let block = md_block(&MdSuper {
        version: "1.2",
        array: parse(id)?,
        name: format!("any:{ARRAY_NAME}"),
        level: 0,
        raid_disks: u32::try_from(count).unwrap_or(u32::MAX),
        role: u16::try_from(slot).ok(),
        payload: MD_DATA..MD_DATA + data,
        header: MD_OFFSET..MD_OFFSET + 256 + 2 * count as u64,
        intact: true,
        first: None,
    });
    write_at(disk, MD_OFFSET, &block)?;
    Ok(data)
}

/// Writes an XFS superblock over the whole device.
pub(super) fn write_xfs(device: &Path, id: &str, label: &str) -> io::Result<()> {
    let size = device.metadata()?.len();
    let xfs = XfsSuper { uuid: parse(id)?, label: label.to_owned(), size, in_progress: false, intact: true };
    write_at(device, 0, &xfs_sector(&xfs))
}

fn parse(id: &str) -> io::Result<Uuid> {
    id.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn write_at(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}
