//! What the guest's kernel starts with: a shell, kernel modules, and the first program with what it is told.

use std::path::Path;

use super::cpio::Archive;
use super::error::at;
use super::{Builder, Disk, Error};

const INIT: &str = include_str!("guest/init.sh");
const CONTROL: &str = include_str!("guest/control.sh");
const IMDS: &str = include_str!("guest/imds.sh");
const HARDWARE: &str = include_str!("guest/hardware.sh");
const CONTROL_UNIT: &str = include_str!("guest/bed-control.service");
const IMDS_UNIT: &str = include_str!("guest/bed-imds.service");
const HARDWARE_UNIT: &str = include_str!("guest/bed-hardware.service");
/// Units of the distribution that a test machine has no use for.
const MASKED: &str = include_str!("guest/masked");

/// Writes the initramfs for a machine; `base` is the part that comes from Debian.
pub(super) fn write(path: &Path, base: &Path, about: &Builder) -> Result<(), Error> {
    let mut archive = Archive::default();
    for folder in ["bin", "modules"] {
        archive.folder(folder);
        for (name, content) in files(&base.join(folder))? {
            archive.file(&format!("{folder}/{name}"), 0o755, &content);
        }
    }
    let order = base.join("modules.order");
    archive.file("modules.order", 0o644, &std::fs::read(&order).map_err(at(&order))?);
    archive.file("init", 0o755, INIT.as_bytes());
    archive.folder("bed.d");
    archive.file("bed.d/control.sh", 0o755, CONTROL.as_bytes());
    archive.file("bed.d/imds.sh", 0o755, IMDS.as_bytes());
    archive.file("bed.d/hardware.sh", 0o755, HARDWARE.as_bytes());
    archive.folder("units");
    archive.file("units/bed-control.service", 0o644, CONTROL_UNIT.as_bytes());
    if about.metadata.is_some() {
        archive.file("units/bed-imds.service", 0o644, IMDS_UNIT.as_bytes());
    }
    if about.is_played() {
        archive.file("units/bed-hardware.service", 0o644, HARDWARE_UNIT.as_bytes());
    }
    archive.file("masked", 0o644, uncommented(MASKED).as_bytes());
    let lines: String = about.disks.iter().filter(|disk| disk.is_ec2()).map(Disk::line).collect();
    archive.file("disks", 0o644, lines.as_bytes());
    std::fs::write(path, archive.finish()).map_err(at(path))
}

/// Names and bytes of a folder's files.
fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, std::fs::read(&path).map_err(at(&path))?));
    }
    files.sort();
    Ok(files)
}

/// The words before `#`, one a line.
fn uncommented(text: &str) -> String {
    text.lines()
        .filter_map(|line| line.split('#').next()?.split_whitespace().next())
        .flat_map(|word| [word, "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn comments_are_not_for_the_guest() {
        assert_eq!(super::uncommented("# why\na.timer   # because\n\nb\n"), "a.timer\nb\n");
    }
}
