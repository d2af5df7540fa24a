//! The forms that text settings can have. The installer has settings of its own with the same forms.

pub mod aws;
pub(super) mod download;
pub(super) mod kubernetes;
pub(super) mod linux;
pub(super) mod packages;
pub mod version;

#[cfg(test)]
mod tests;

/// Whether `text` is not empty and made of bytes that `allowed` accepts.
fn made_of(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

/// `true` is fine, `false` is `problem`.
fn or(ok: bool, problem: &'static str) -> Result<(), &'static str> {
    if ok { Ok(()) } else { Err(problem) }
}
