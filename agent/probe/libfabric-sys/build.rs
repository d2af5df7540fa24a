//! Makes the bindings from libfabric's headers where they and libclang are installed; else takes what the same call
//! made of the headers of libfabric 1.17. That both agree is a test (`tests/agree.rs`), and that either has the
//! layout that is asked for at run time is checked when the library is compiled.
#![allow(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::path::PathBuf;

include!("generate.rs");

fn main() -> std::io::Result<()> {
    let variable = |name| std::env::var(name).map(PathBuf::from).map_err(std::io::Error::other);
    let folder = variable("CARGO_MANIFEST_DIR")?;
    let out = variable("OUT_DIR")?.join("bindings.rs");
    for file in ["build.rs", "generate.rs", "wrapper.h", "src/bindings.rs"] {
        println!("cargo::rerun-if-changed={file}");
    }
    match generate(&folder, bindgen::Formatter::None) {
        Ok(bindings) => std::fs::write(out, bindings),
        Err(_) => std::fs::copy(folder.join("src/bindings.rs"), out).map(|_| ()),
    }
}
