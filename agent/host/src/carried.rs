//! Text that the library carries, packed by its build script.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// What `packed` was made of.
///
/// # Panics
/// When it was not made by the build script.
#[expect(clippy::expect_used, reason = "it is as the build script made it, or the program is damaged")]
pub(crate) fn unpack(packed: &[u8]) -> String {
    let mut text = String::new();
    ZlibDecoder::new(packed).read_to_string(&mut text).expect("the build script has packed it");
    text
}
