//! Small pieces that every parser of kernel lines uses.

/// The longest free text that an event keeps, in bytes. A line of the kernel may be 2 KiB (`PRINTK_MESSAGE_MAX`), and
/// what a person needs of it stands at its beginning.
pub(crate) const MAX_TEXT: usize = 240;
/// The longest name of a process, device or file system that an event keeps, in bytes. The kernel's own limits are 16
/// for a task and 32 for a disk; the NVIDIA driver prints names of programs that are longer.
pub(crate) const MAX_NAME: usize = 64;
/// The longest cgroup path that an event keeps, in bytes; one of a pod's container has about 180.
pub(crate) const MAX_CGROUP: usize = 512;

/// `text` without white space around it, and no longer than `most` bytes.
pub(crate) fn clip(text: &str, most: usize) -> String {
    let text = text.trim();
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text[..end].trim_end().to_owned()
}

/// The decimal number at the start of `text`, and what follows it.
pub(crate) fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// As [`number`], for what fits 32 bits.
pub(crate) fn number32(text: &str) -> Option<(u32, &str)> {
    let (value, rest) = number(text)?;
    Some((u32::try_from(value).ok()?, rest))
}

/// `0x` and hexadecimal digits at the start of `text`, and what follows them.
pub(crate) fn hex32(text: &str) -> Option<(u32, &str)> {
    let digits = text.strip_prefix("0x")?;
    let end = digits.bytes().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(digits.len());
    Some((u32::from_str_radix(&digits[..end], 16).ok()?, &digits[end..]))
}

/// The part of `text` between `open` and the next `close`.
pub(crate) fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    Some(text.split_once(open)?.1.split_once(close)?.0)
}

/// The value of `key=` in a list that is parted by commas, as in `task=python3,pid=17,uid=0`.
pub(crate) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split(',').find_map(|pair| pair.trim_start().strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(clip("  añb ", 2), "a");
        assert_eq!(clip("añb", 3), "añ");
        assert_eq!(clip("", 0), "");
    }

    #[test]
    fn numbers_end_where_their_digits_do() {
        assert_eq!(number("22s]"), Some((22, "s]")));
        assert_eq!(number("x"), None);
        assert_eq!(number32("4294967296"), None);
        assert_eq!(hex32("0x60, requiring"), Some((0x60, ", requiring")));
        assert_eq!(hex32("0x"), None);
        assert_eq!(field("a=1,task=x,pid=17", "pid"), Some("17"));
    }
}
