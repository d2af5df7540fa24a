//! One value that a library was asked for.

use serde::{Deserialize, Serialize};

/// What came of asking for one value. That a device does not have a thing is an answer, not an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reading<T> {
    /// The value.
    Value(T),
    /// This device, driver or library does not know the thing: `NVML_ERROR_NOT_SUPPORTED` 3,
    /// `NVML_ERROR_FUNCTION_NOT_FOUND` 13, `NVML_ERROR_NO_DATA` 21, `NVML_ERROR_ARGUMENT_VERSION_MISMATCH` 25 (the
    /// call knows no version of its argument that we do), `NVML_ERROR_DEPRECATED` 26, and for one field of many
    /// `NVML_ERROR_INVALID_ARGUMENT` 2 (the field is newer than the driver).
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

    /// Asks in another way where this one is not supported.
    #[must_use]
    pub fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::NotSupported => other(),
            answered => answered,
        }
    }

    /// The same answer with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Value(value) => Reading::Value(change(value)),
            Self::NotSupported => Reading::NotSupported,
            Self::Failed(code) => Reading::Failed(code),
            Self::NotAsked => Reading::NotAsked,
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
