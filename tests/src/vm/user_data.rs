//! User data in the form that cloud-init and nodeadm read.

use std::fmt::Write;

/// A MIME multi-part document of (content type, text) parts, as EKS user data is.
pub fn mime(parts: &[(&str, &str)]) -> String {
    const BOUNDARY: &str = "==BED==";
    let mut text = format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\n\n");
    for (kind, body) in parts {
        // Writing to a string cannot fail.
        let _ = write!(text, "--{BOUNDARY}\nContent-Type: {kind}; charset=\"us-ascii\"\n\n{body}\n");
    }
    text + &format!("--{BOUNDARY}--\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn parts_are_apart_and_the_end_is_marked() {
        let text = super::mime(&[("text/x-shellscript", "#!/bin/sh\n"), ("text/plain", "b")]);
        assert_eq!(text.matches("\n--==BED==\n").count(), 2);
        assert!(text.ends_with("\nb\n--==BED==--\n"));
    }
}
