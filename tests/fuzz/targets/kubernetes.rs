//! Labels and taints.

#![no_main]

use gpunode_host::kubernetes::{Taint, kubelet_label, label_value, qualified_name};

libfuzzer_sys::fuzz_target!(|text: &str| {
    // A flag is split at commas, and its command line at white space and quotes.
    let splits = |c: char| c.is_whitespace() || c.is_control() || ",='\"\\$".contains(c);
    if qualified_name(text).is_ok() || label_value(text).is_ok() {
        assert!(!text.contains(splits), "{text:?}");
    }
    if kubelet_label(text).is_ok() {
        assert_eq!(qualified_name(text), Ok(()));
    }
    if let Ok(taint) = Taint::parse(text) {
        assert_eq!(Taint::parse(&taint.to_string()), Ok(taint));
    }
});
