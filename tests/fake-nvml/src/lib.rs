//! A `libnvidia-ml.so.1` whose GPUs and faults come from a scenario file.
//!
//! The scenario of `/some/folder/libnvidia-ml.so.1` is `/some/folder/scenario.toml`: found from the library's own
//! place, since who loads it may have no environment. It is read again, when it has changed, at `nvmlInit_v2`, at
//! `nvmlDeviceGetCount_v2` and when its folder changes while `nvmlEventSetWait_v2` waits. [`scenario::Scenario`] says what can
//! stand in it. A scenario that cannot be read makes `nvmlInit_v2` fail with 999 and say why on standard error.
#![allow(unsafe_code)] // The whole point is a C interface.
#![allow(clippy::cast_possible_truncation)] // Counts of GPUs and processes, sizes of structs.
#![allow(clippy::missing_safety_doc)] // NVML's own reference says what each function wants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Nothing but tests loads it.
#![allow(non_snake_case, missing_docs, unreachable_pub)] // The names are NVML's, and the loader reaches them.

mod bell;
mod exports;
mod gate;
mod machine;
pub mod place;
pub mod scenario;
