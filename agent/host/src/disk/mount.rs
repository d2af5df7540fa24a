//! Tables of what is mounted and swapped on: `/proc/1/mountinfo`, `/proc/swaps`.

use std::path::PathBuf;
use std::time::Duration;

use super::discover::DevNumber;
use crate::Root;
use crate::root::ReadError;

/// The table of the machine. The first process has it, with paths as the machine knows them; a pod's own (`self`) has
/// what the pod has been given, and counts where the first process's cannot be read.
const TABLES: [&str; 2] = ["/proc/1/mountinfo", "/proc/self/mountinfo"];

/// How long who must not wait waits for it. It is in the kernel's memory, and stands only where a mount does.
pub const PATIENCE: Duration = Duration::from_millis(400);

/// The machine's table of mounts.
///
/// # Errors
/// There is none, or none that can be read: that must never pass for "nothing is mounted".
pub fn table(root: &Root) -> Result<Vec<Mount>, ReadError> {
    let [first, own] = TABLES;
    let text = match root.read_text(first) {
        Ok(Some(text)) => Some(text),
        Ok(None) | Err(_) => root.read_text(own)?,
    };
    let absent = || ReadError { path: own.into(), source: std::io::ErrorKind::NotFound.into() };
    text.as_deref().map(parse_mountinfo).ok_or_else(absent)
}

/// One line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Device number of the file system; major 0 where it has no block device of its own (btrfs, overlay).
    pub dev: DevNumber,
    /// Which folder of the file system is shown; `/` unless it is a bind mount or a subvolume.
    pub root: PathBuf,
    /// Where.
    pub point: PathBuf,
    /// For example `xfs`.
    pub kind: String,
    /// The device as it was named to mount, or any other word.
    pub source: String,
    /// Whether nobody can write here: mounted so, or the file system as a whole has become so after an error.
    pub read_only: bool,
}

/// Reads `/proc/self/mountinfo`. Lines that do not have its form are left out; the kernel writes none.
pub fn parse_mountinfo(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_line).collect()
}

/// Form: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`, with any number of
/// optional fields before the dash (proc(5)).
fn parse_line(line: &str) -> Option<Mount> {
    let mut fields = line.split(' ');
    let dev = DevNumber::parse(fields.by_ref().nth(2)?)?;
    let root = unescape(fields.next()?);
    let point = unescape(fields.next()?);
    let here = fields.next()?;
    // Where there are no optional fields, the dash is next.
    fields.by_ref().find(|&field| field == "-")?;
    let kind = unescape(fields.next()?);
    let source = fields.next().map(unescape).unwrap_or_default();
    let all = fields.next().unwrap_or_default();
    let read_only = [here, all].iter().any(|options| options.split(',').any(|option| option == "ro"));
    Some(Mount { dev, root: root.into(), point: point.into(), kind, source, read_only })
}

/// The devices or files in `/proc/swaps`: the first column, below the heading.
pub fn parse_swaps(text: &str) -> Vec<String> {
    text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(unescape).collect()
}

/// Undoes the kernel's `mangle`: space, tab, newline, `\` and `#` are written as `\` and three octal digits.
pub fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match bytes.get(at + 1..at + 4).and_then(octal) {
            Some(value) if byte == b'\\' => {
                out.push(value);
                at += 4;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn octal(digits: &[u8]) -> Option<u8> {
    let value = digits.iter().try_fold(0u16, |sum, &digit| {
        matches!(digit, b'0'..=b'7').then(|| sum * 8 + u16::from(digit - b'0'))
    })?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_system_may_be_read_only_here_or_everywhere() {
        for (line, is_it) in [
            ("36 35 259:3 / /a rw,noatime shared:7 - ext4 /dev/x rw,errors=remount-ro", false),
            ("36 35 259:3 / /a ro,noatime - xfs /dev/x rw", true),
            ("36 35 259:3 / /a rw,noatime - ext4 /dev/x ro", true),
        ] {
            assert_eq!(parse_mountinfo(line)[0].read_only, is_it, "{line}");
        }
    }

    #[test]
    fn optional_fields_are_skipped() {
        let text = "36 35 259:3 / /mnt/a\\040b rw,noatime master:1 shared:7 - xfs /dev/nvme1n1 rw\n\
                    22 1 0:21 / /proc rw - proc proc rw\nnonsense\n";
        let mounts = parse_mountinfo(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].dev, DevNumber { major: 259, minor: 3 });
        assert_eq!(mounts[0].point, PathBuf::from("/mnt/a b"));
        assert_eq!((mounts[0].kind.as_str(), mounts[0].source.as_str()), ("xfs", "/dev/nvme1n1"));
    }

    #[test]
    fn swaps_are_the_first_column() {
        let text =
            "Filename\t\t\t\tType\t\tSize\n/dev/nvme2n1                            partition\t1\t0\t-2\n";
        assert_eq!(parse_swaps(text), ["/dev/nvme2n1"]);
        assert!(parse_swaps("").is_empty());
    }

    fn escape(text: &str) -> String {
        let mangle = |c: char| match c {
            ' ' | '\t' | '\n' | '\\' | '#' => format!("\\{:03o}", c as u32),
            other => other.to_string(),
        };
        text.chars().map(mangle).collect()
    }

    proptest! {
        #[test]
        fn escaping_is_undone(point in "/[ -~\\t\\n\u{e4}]{0,20}", source in "[ -~\\t\\n]{1,20}") {
            let line = format!("1 2 8:1 / {} rw a:1 - ext4 {} rw", escape(&point), escape(&source));
            let mounts = parse_mountinfo(&line);
            prop_assert_eq!(mounts.len(), 1);
            prop_assert_eq!(mounts[0].point.to_str(), Some(point.as_str()));
            prop_assert_eq!(&mounts[0].source, &source);
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            let lines = text.lines().count();
            prop_assert!(parse_mountinfo(&text).len() <= lines);
            prop_assert!(parse_swaps(&text).len() <= lines);
            prop_assert!(unescape(&text).len() <= text.len() * 3);
        }
    }
}
