//! The part of libfabric's C interface that lists interfaces (`fi_getinfo`), without linking to libfabric.
//!
//! # Where the types come from
//! bindgen makes them from `<rdma/fabric.h>` when the crate is built; where the headers or libclang are not installed,
//! what bindgen made of libfabric 1.17's headers is used (`src/bindings.rs`; both x86-64 and aarch64 lay these
//! structures out alike, and the bindings carry size and offset checks that the compiler evaluates).
//!
//! # Which layout that is
//! libfabric versions its binary interface with symbol versions, apart from the API version that a program asks for.
//! `fi_getinfo`, `fi_freeinfo` and `fi_dupinfo` exist as `FABRIC_1.0` to `FABRIC_1.3` in 1.9 to 1.17, and under newer
//! names, with longer attribute structures, in later releases (`libfabric.map`); `dlsym` gives the newest of them.
//! [`Library`] asks with `dlvsym` for `FABRIC_1.3`, which every release from 1.9 to 2.x exports and whose structures are
//! those of the 1.17 headers, and takes all three from the same version, since what one allocates the others free.
//! Where a library was built without symbol versions there is only one layout, and `dlsym` gives it.
//!
//! Later releases only append fields. So: structures are allocated by the library (`fi_dupinfo(NULL)`, which is what
//! the header's inline `fi_allocinfo` does), never here, and only fields that [`layout`] pins are read.

pub mod layout;
mod library;

pub use library::{Library, OpenError, VERSION_1_18, version_number};

/// What bindgen made of the headers.
#[allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    dead_code,
    reason = "made by bindgen, in C's names"
)]
pub mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
