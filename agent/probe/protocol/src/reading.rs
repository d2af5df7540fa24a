//! One value that a library was asked for.

use serde::{Deserialize, Serialize};

/// What came of asking for one value. That a device does not have a thing is an answer, not an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reading<T> {
    /// The value.
    Value(T),
    /// This device, driver or library does not know the thing (`NVML_ERROR_NOT_SUPPORTED` 3,
    /// `NVML_ERROR_FUNCTION_NOT_FOUND` 13, and for one field of many `NVML_ERROR_NO_DATA` 21).
    NotSupported,
    /// The library's error code (`nvmlReturn_t`).
    Failed(u32),
    /// Not asked for in this sweep: slow things are asked for more rarely.
    #[default]
    NotAsked,
}

impl<T> Reading<T> {
    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The library's error code, where it gave one that means trouble.
    pub fn failed(&self) -> Option<u32> {
        match self {
            Self::Failed(code) => Some(*code),
            _ => None,
        }
    }
}
