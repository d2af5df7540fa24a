//! What an ELF header says of a program (System V ABI, chapters 4 and 5): its processor, and whether it asks for a
//! loader, which an image without files does not have.

/// A processor, as OCI names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Processor {
    Amd64,
    Arm64,
}

impl Processor {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

const X86_64: u16 = 62;
const AARCH64: u16 = 183;
/// Program header: the path of a loader.
const INTERPRETER: u32 = 3;

/// The processor of a static program; an error says what it is instead.
pub(crate) fn processor_of_static(bytes: &[u8]) -> Result<Processor, &'static str> {
    const NOT_ELF: &str = "not a 64-bit little-endian ELF program";
    if bytes.get(..6) != Some(&[0x7f, b'E', b'L', b'F', 2, 1]) {
        return Err(NOT_ELF);
    }
    let half = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let processor = match half(18) {
        Some(X86_64) => Processor::Amd64,
        Some(AARCH64) => Processor::Arm64,
        _ => return Err("a program for another processor than x86-64 and aarch64"),
    };
    let table = bytes.get(32..40).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    let table = table.and_then(|table| usize::try_from(table).ok()).ok_or(NOT_ELF)?;
    let (size, count) = (half(54).ok_or(NOT_ELF)?, half(56).ok_or(NOT_ELF)?);
    for number in 0..usize::from(count) {
        let at = table.checked_add(number * usize::from(size)).ok_or(NOT_ELF)?;
        if word(at).ok_or(NOT_ELF)? == INTERPRETER {
            return Err("a program that asks for a loader; build it as `cargo xtask package` does");
        }
    }
    Ok(processor)
}
