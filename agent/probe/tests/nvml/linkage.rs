//! What the program asks of the loader.

use std::collections::BTreeSet;

use object::elf::{FileHeader64, SHT_GNU_VERNEED};
use object::read::elf::{FileHeader as _, SectionHeader as _, VersionIndex};
use object::{Endianness, Object as _};

/// Amazon Linux 2023 has glibc 2.34.
const NEWEST: (u32, u32) = (2, 34);

fn bytes() -> Vec<u8> {
    std::fs::read(env!("CARGO_BIN_EXE_gpunode-probe")).unwrap()
}

#[test]
fn no_symbol_is_newer_than_glibc_2_34() {
    let bytes = bytes();
    let header = FileHeader64::<Endianness>::parse(&*bytes).unwrap();
    let endian = header.endian().unwrap();
    let sections = header.sections(endian, &*bytes).unwrap();
    assert!(sections.iter().any(|section| section.sh_type(endian) == SHT_GNU_VERNEED));
    let versions = sections.versions(endian, &*bytes).unwrap().unwrap();
    let symbols = sections.symbols(endian, &*bytes, object::elf::SHT_DYNSYM).unwrap();
    let mut seen = BTreeSet::new();
    for (index, symbol) in symbols.enumerate() {
        let version = VersionIndex(versions.version_index(endian, index).0 & !object::elf::VERSYM_HIDDEN);
        let Some(version) = versions.version(version).unwrap() else { continue };
        let name = String::from_utf8_lossy(symbols.symbol_name(endian, symbol).unwrap()).into_owned();
        let version = String::from_utf8_lossy(version.name()).into_owned();
        if let Some(number) = version.strip_prefix("GLIBC_") {
            let (major, rest) = number.split_once('.').unwrap_or((number, "0"));
            let minor = rest.split('.').next().unwrap_or("0");
            let number: (u32, u32) = (major.parse().unwrap(), minor.parse().unwrap());
            assert!(number <= NEWEST, "{name} needs {version}");
            seen.insert(number);
        }
    }
    assert!(seen.contains(&NEWEST), "this test sees the versions: {seen:?}");
}

#[test]
fn it_asks_for_nothing_but_the_c_library() {
    let bytes = bytes();
    let file = object::File::parse(&*bytes).unwrap();
    let _ = file.architecture();
    let header = FileHeader64::<Endianness>::parse(&*bytes).unwrap();
    let endian = header.endian().unwrap();
    let sections = header.sections(endian, &*bytes).unwrap();
    let (dynamic, strings) = sections.dynamic(endian, &*bytes).unwrap().unwrap();
    let strings = sections.strings(endian, &*bytes, strings).unwrap();
    let needed: BTreeSet<String> = dynamic
        .iter()
        .filter(|entry| entry.d_tag.get(endian) == u64::from(object::elf::DT_NEEDED))
        .map(|entry| u32::try_from(entry.d_val.get(endian)).unwrap())
        .map(|place| String::from_utf8_lossy(strings.get(place).unwrap()).into_owned())
        .collect();
    let allowed = ["libc.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];
    assert!(needed.contains("libc.so.6"), "{needed:?}");
    assert!(needed.iter().all(|name| allowed.contains(&name.as_str())), "{needed:?}");
}
