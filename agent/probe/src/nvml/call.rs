//! One call, on behalf of one GPU or of the library as a whole.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gpunode_probe_protocol::Reading;
use nvml_wrapper_sys::bindings::nvmlDevice_t;

use super::Session;
use crate::slot::Slot;

/// The `nvmlReturn_t` codes that are told apart here.
pub(crate) mod code {
    pub(crate) const SUCCESS: u32 = 0;
    pub(crate) const UNINITIALIZED: u32 = 1;
    pub(crate) const INVALID_ARGUMENT: u32 = 2;
    pub(crate) const NOT_SUPPORTED: u32 = 3;
    pub(crate) const NOT_FOUND: u32 = 6;
    pub(crate) const INSUFFICIENT_SIZE: u32 = 7;
    pub(crate) const DRIVER_NOT_LOADED: u32 = 9;
    pub(crate) const TIMEOUT: u32 = 10;
    pub(crate) const FUNCTION_NOT_FOUND: u32 = 13;
    pub(crate) const CORRUPTED_INFOROM: u32 = 14;
    pub(crate) const GPU_IS_LOST: u32 = 15;
    pub(crate) const LIB_RM_VERSION_MISMATCH: u32 = 18;
    pub(crate) const NO_DATA: u32 = 21;
    pub(crate) const ARGUMENT_VERSION_MISMATCH: u32 = 25;
    pub(crate) const DEPRECATED: u32 = 26;
}

/// Who asks: a thread, about one GPU or about the library.
pub(crate) struct Ask<'a> {
    pub(crate) session: &'a Session,
    pub(crate) slot: &'a Slot,
    /// Null where it is about the library.
    pub(crate) device: nvmlDevice_t,
    so_far: Rc<SoFar>,
}

/// What became of the calls about one GPU and its MIG devices.
#[derive(Default)]
struct SoFar {
    lost: Cell<bool>,
    failures: RefCell<Vec<(String, u32)>>,
}

impl<'a> Ask<'a> {
    /// About the library.
    pub(crate) fn library(session: &'a Session, slot: &'a Slot) -> Self {
        Self { session, slot, device: std::ptr::null_mut(), so_far: Rc::default() }
    }

    /// About this device; what fails is kept together with what failed before.
    pub(crate) fn about(&self, device: nvmlDevice_t) -> Self {
        Self { session: self.session, slot: self.slot, device, so_far: self.so_far.clone() }
    }

    /// Makes the call, unless the library lacks it or the GPU is known to be lost. The error is NVML's code.
    pub(crate) fn call(&self, name: &'static str, function: Option<impl FnOnce() -> u32>) -> Result<(), u32> {
        if self.so_far.lost.get() {
            return Err(code::GPU_IS_LOST);
        }
        let function = function.ok_or(code::FUNCTION_NOT_FOUND)?;
        self.slot.enter(name);
        match function() {
            code::SUCCESS => Ok(()),
            code => {
                self.so_far.lost.set(code == code::GPU_IS_LOST);
                Err(code)
            }
        }
    }

    /// What came of the call `name`; a failure is kept for the list of them.
    pub(crate) fn reading<T>(&self, name: &str, answer: Result<T, u32>) -> Reading<T> {
        let reading = reading(answer);
        if let Some(code) = reading.failed() {
            self.failed(name, code);
        }
        reading
    }

    /// Keeps a failure for the list of them. What is not asked any more of a lost GPU does not fail again.
    fn failed(&self, name: &str, code: u32) {
        let mut failures = self.so_far.failures.borrow_mut();
        let repeated = self.so_far.lost.get() && failures.iter().any(|(_, code)| *code == code::GPU_IS_LOST);
        if !repeated && !failures.iter().any(|(known, with)| known == name && *with == code) {
            failures.push((name.into(), code));
        }
    }

    /// The GPU answers no more; what is left is not asked.
    pub(crate) fn lose(&self) {
        self.so_far.lost.set(true);
    }

    /// The calls that failed so far.
    pub(crate) fn failures(&self) -> Vec<(String, u32)> {
        self.so_far.failures.take()
    }
}

/// Tells "does not have it" from "went wrong".
pub(crate) fn reading<T>(answer: Result<T, u32>) -> Reading<T> {
    match answer {
        Ok(value) => Reading::Value(value),
        Err(
            code::NOT_SUPPORTED
            | code::FUNCTION_NOT_FOUND
            | code::NO_DATA
            | code::ARGUMENT_VERSION_MISMATCH
            | code::DEPRECATED,
        ) => Reading::NotSupported,
        Err(code) => Reading::Failed(code),
    }
}

/// Calls a function of NVML by its name: `call!(ask, nvmlDeviceGetCount_v2, &raw mut count)`.
macro_rules! call {
    ($ask:expr, $name:ident $(, $argument:expr)* $(,)?) => {{
        let ask: &$crate::nvml::Ask<'_> = $ask;
        // SAFETY: each argument is a number, a handle that NVML gave, or points to a value of the type that the
        // signature names, which outlives the call; sizes of buffers are passed as they are.
        let function = ask.session.lib.$name.as_ref().ok().map(|function| || unsafe { function($($argument),*) });
        ask.call(stringify!($name), function)
    }};
}

/// Asks a function of NVML for one value of the GPU: `get!(ask, nvmlDeviceGetMinorNumber, 0)`. What stands after the
/// first value goes between the handle and the place for the answer.
macro_rules! get {
    ($ask:expr, $name:ident, $empty:expr $(, $argument:expr)* $(,)?) => {{
        let mut value = $empty;
        let done = $crate::nvml::call!($ask, $name, $ask.device $(, $argument)*, &raw mut value);
        $ask.reading(stringify!($name), done.map(|()| value))
    }};
}

pub(crate) use {call, get};
