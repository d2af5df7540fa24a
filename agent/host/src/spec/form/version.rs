//! Versions of what is installed.

use super::super::kind::Form;
use super::{made_of, or};

/// NVIDIA driver.
pub const NVIDIA_DRIVER: Form = Form {
    allowed: "a full version (550.127.05), a branch (580) or latest",
    check: |text| {
        let branch = text.split('.').next().unwrap_or_default();
        or(text == "latest" || (branch.len() == 3 && numbers(text, 1, 3)), "not an NVIDIA driver version")
    },
};

/// EFA installer.
pub const EFA_INSTALLER: Form = Form {
    allowed: "a version of the EFA installer (1.43.0) or latest",
    check: |text| or(text == "latest" || numbers(text, 3, 3), "not a version of the EFA installer"),
};

/// NCCL, with the package revision that container images carry (`2.22.3-1`).
pub const NCCL: Form = Form {
    allowed: "an NCCL version (2.22.3 or 2.22.3-1)",
    check: |text| {
        let (version, revision) = text.split_once('-').unwrap_or((text, "1"));
        or(numbers(version, 2, 3) && numbers(revision, 1, 1), "not an NCCL version")
    },
};

/// Whether `text` is `least` to `most` numbers of at most four digits, with dots between.
fn numbers(text: &str, least: usize, most: usize) -> bool {
    let number = |word: &str| word.len() <= 4 && made_of(word, |byte| byte.is_ascii_digit());
    text.split('.').all(number) && (least..=most).contains(&text.split('.').count())
}
