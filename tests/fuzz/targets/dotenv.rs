//! The installer's `.env`: its lines, and the settings that they make.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    installer::dotenv::fuzz(&text);
    let file = installer::settings::File { path: ".env", text: &text };
    if let Err(errors) = installer::settings::load(Some(file), &[]) {
        assert!(!errors.is_empty());
    }
});
