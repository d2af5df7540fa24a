//! The checked-in bindings are what bindgen makes of libfabric's headers.

use std::path::Path;

include!("../generate.rs");

const FILE: &str = "src/bindings.rs";
/// The version of the headers that the checked-in bindings are made of: Debian 12's.
const KEPT: [&str; 2] = ["pub const FI_MAJOR_VERSION: u32 = 1;", "pub const FI_MINOR_VERSION: u32 = 17;"];

#[test]
fn the_checked_in_bindings_are_what_the_headers_say() {
    // Cargo starts a test in the folder of its package; what the compiler was told may be another clone's.
    let folder = Path::new(".");
    let made = generate(folder, bindgen::Formatter::Rustfmt)
        .expect("libfabric-dev and libclang-dev are in tests/prerequisites.debian");
    let path = folder.join(FILE);
    let kept = std::fs::read_to_string(&path).unwrap();
    if kept == made {
        return;
    }
    let version = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("_VERSION: u32"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let other = std::env::temp_dir().join("libfabric-bindings.rs");
    std::fs::write(&other, &made).unwrap();
    // Newer headers append fields. That the ones in use stay where they are, the compiler checked (`layout.rs`).
    if version(&kept) == KEPT && version(&made) != KEPT {
        println!(
            "only the layout was compared: the headers here are of another version: {:?}",
            version(&made)
        );
        return;
    }
    panic!("{} differs from what the headers say: {}", path.display(), other.display());
}
