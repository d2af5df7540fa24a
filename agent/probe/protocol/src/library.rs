//! Why a library cannot be used.

use serde::{Deserialize, Serialize};

/// Why a library gave nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unusable {
    /// The loader does not find it; `message` is the loader's.
    NotInstalled {
        /// What the loader said.
        message: String,
    },
    /// It was found, but it lacks what every version since the oldest supported one has, or cannot be loaded.
    WrongLibrary {
        /// What is missing, or what the loader said.
        message: String,
    },
    /// Its start failed with this code (`nvmlReturn_t`, or a negative `FI_E…` number of libfabric).
    Start {
        /// The library's code.
        code: i32,
        /// The library's own words for it.
        message: String,
    },
    /// One of its calls did not come back before the deadline. A sweep of GPUs says so in its own `stuck`.
    Stuck {
        /// The library's name of the call.
        call: String,
        /// Milliseconds since it began.
        for_ms: u32,
    },
}
