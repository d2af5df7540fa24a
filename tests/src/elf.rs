//! What an ELF file asks of the machine that runs it.

use std::fs;
use std::path::Path;

use object::read::elf::{Dyn as _, ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSegment as _, elf};

/// How a program is linked.
#[derive(Debug, PartialEq, Eq)]
pub struct Linkage {
    /// The processor, one of `object::elf::EM_*`.
    pub machine: u16,
    /// `ET_EXEC`: a program at a fixed address; `ET_DYN`: one that can be anywhere (static-pie, or a library).
    pub kind: u16,
    /// The dynamic loader it asks for.
    pub interpreter: Option<String>,
    /// The libraries it asks for.
    pub needed: Vec<String>,
}

impl Linkage {
    /// Reads a 64-bit ELF file.
    pub fn read(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let bytes = fs::read(path)?;
        let file = ElfFile64::<Endianness>::parse(&*bytes)?;
        let endian = file.endian();
        let mut interpreter = None;
        let mut needed = Vec::new();
        for segment in file.elf_program_headers() {
            if let Some(name) = segment.interpreter(endian, &*bytes)? {
                interpreter = Some(String::from_utf8_lossy(name).into_owned());
            }
            let entries = segment.dynamic(endian, &*bytes)?.unwrap_or_default();
            let values =
                |tag| entries.iter().filter(move |e| e.tag32(endian) == Some(tag)).map(|e| e.d_val(endian));
            for offset in values(elf::DT_NEEDED) {
                let table = values(elf::DT_STRTAB).next().ok_or("DT_NEEDED without DT_STRTAB")?;
                needed.push(text_at(&file, table + offset).ok_or("DT_NEEDED outside the file")?);
            }
        }
        let header = file.elf_header();
        Ok(Self { machine: header.e_machine(endian), kind: header.e_type(endian), interpreter, needed })
    }

    /// Whether it is a program that needs nothing but a kernel.
    pub fn is_static(&self) -> bool {
        let program = self.kind == elf::ET_EXEC || self.kind == elf::ET_DYN;
        program && self.interpreter.is_none() && self.needed.is_empty()
    }
}

/// The text at an address. The dynamic entries speak of addresses, as sections may be stripped.
fn text_at(file: &ElfFile64<'_, Endianness>, address: u64) -> Option<String> {
    file.segments().find_map(|segment| {
        let end = segment.address() + segment.size();
        let bytes = segment.data_range(address, end.checked_sub(address)?).ok()??;
        let text = bytes.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_linked_dynamically() {
        let this = std::env::current_exe().unwrap();
        let linkage = Linkage::read(&this).unwrap();
        assert!(linkage.interpreter.as_deref().is_some_and(|name| name.contains("ld-")), "{linkage:?}");
        assert!(linkage.needed.iter().any(|name| name.starts_with("libc.so")), "{linkage:?}");
        assert!(!linkage.is_static());
    }

    #[test]
    fn a_text_is_no_program() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        fs::write(&path, "#!/bin/sh\n").unwrap();
        Linkage::read(&path).unwrap_err();
    }
}
