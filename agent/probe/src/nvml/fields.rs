//! Field values: many numbers of one GPU in one call.
//!
//! The wrapper crates have a function for this that always asks about link 0; here `scopeId` carries the link.

mod ids;

use gpunode_probe_protocol::Reading;
use nvml_wrapper_sys::bindings::nvmlFieldValue_t;

use super::call::{Ask, call, code, reading};
pub(crate) use ids::throttle_ids;
use ids::{BLACKWELL, OF_GPU, OF_LINK, OF_LINK_FROM_BLACKWELL, OF_LINK_TO_HOPPER, UNKNOWN};

const NAME: &str = "nvmlDeviceGetFieldValues";

/// What one call answered.
pub(crate) struct Fields<'a> {
    ask: &'a Ask<'a>,
    from_blackwell: bool,
    answer: Result<Vec<nvmlFieldValue_t>, u32>,
}

impl<'a> Fields<'a> {
    /// Asks for everything that is worth asking, in one call. `architecture` chooses among the counters of links.
    pub(crate) fn of(ask: &'a Ask<'a>, throttled: [u32; 3], links: u32, architecture: Option<u32>) -> Self {
        let from_blackwell = architecture.is_some_and(|number| number >= BLACKWELL && number != UNKNOWN);
        let counters = if from_blackwell { OF_LINK_FROM_BLACKWELL } else { OF_LINK_TO_HOPPER };
        let of_link = |link| OF_LINK.iter().chain(counters).map(move |id| (*id, link));
        let of_gpu = OF_GPU.iter().chain(&throttled).map(|id| (*id, 0));
        let wanted = of_gpu.chain((0..links).flat_map(of_link)).map(wanted).collect();
        Self { from_blackwell, ..Self::these(ask, wanted) }
    }

    /// Asks for one field alone.
    pub(crate) fn one(ask: &'a Ask<'a>, id: u32) -> Self {
        Self::these(ask, vec![wanted((id, 0))])
    }

    fn these(ask: &'a Ask<'a>, mut values: Vec<nvmlFieldValue_t>) -> Self {
        let count = i32::try_from(values.len()).unwrap_or(i32::MAX);
        let done = call!(ask, nvmlDeviceGetFieldValues, ask.device, count, values.as_mut_ptr());
        if values.iter().any(|value| value.nvmlReturn == code::GPU_IS_LOST) {
            ask.lose();
        }
        Self { ask, from_blackwell: false, answer: done.map(|()| values) }
    }

    /// Whether the links were asked for the counters that Blackwell brought, not for the older ones.
    pub(crate) fn is_from_blackwell(&self) -> bool {
        self.from_blackwell
    }

    /// One field of the GPU.
    pub(crate) fn get(&self, id: u32) -> Reading<u64> {
        self.of_link(id, 0)
    }

    /// One field of a link.
    pub(crate) fn of_link(&self, id: u32, link: u32) -> Reading<u64> {
        let values = match &self.answer {
            Ok(values) => values,
            Err(code) => return self.ask.reading(NAME, Err(*code)),
        };
        let Some(value) = values.iter().find(|value| (value.fieldId, value.scopeId) == (id, link)) else {
            return Reading::NotSupported;
        };
        match value.nvmlReturn {
            code::SUCCESS => number(value).map_or(Reading::NotSupported, Reading::Value),
            code::INVALID_ARGUMENT => Reading::NotSupported,
            failure => match reading::<u64>(Err(failure)) {
                Reading::Failed(_) => self.ask.reading(&format!("{NAME}[{id}]"), Err(failure)),
                other => other,
            },
        }
    }

    /// A field that is 0 or 1.
    pub(crate) fn flag(&self, id: u32) -> Reading<bool> {
        self.get(id).map(|value| value != 0)
    }

    /// Fields that make sense only together: the first that has no value speaks for all.
    pub(crate) fn all<const N: usize>(&self, ids: [u32; N]) -> Reading<[u64; N]> {
        let mut values = [0; N];
        for (value, id) in values.iter_mut().zip(ids) {
            match self.get(id) {
                Reading::Value(number) => *value = number,
                other => return other.map(|_| values),
            }
        }
        Reading::Value(values)
    }
}

/// A number that is wanted in 32 bits; what does not fit is the largest.
pub(crate) fn narrow(reading: Reading<u64>) -> Reading<u32> {
    reading.map(|value| u32::try_from(value).unwrap_or(u32::MAX))
}

fn wanted((id, scope): (u32, u32)) -> nvmlFieldValue_t {
    // SAFETY: numbers and a union of numbers, for which zeros are valid.
    let empty: nvmlFieldValue_t = unsafe { std::mem::zeroed() };
    nvmlFieldValue_t { fieldId: id, scopeId: scope, nvmlReturn: code::NO_DATA, ..empty }
}

/// The number in the form that NVML says it has; `None` for a form that this version does not know.
fn number(value: &nvmlFieldValue_t) -> Option<u64> {
    let content = value.value;
    // SAFETY: every form is a number, all bits of the union were zero before, so each reads as some number.
    unsafe {
        Some(match value.valueType {
            1 => content.uiVal.into(),
            2 => content.ulVal,
            3 => content.ullVal,
            4 => content.sllVal.cast_unsigned(),
            5 => i64::from(content.siVal).cast_unsigned(),
            6 => content.usVal.into(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_in_the_form_that_it_has() {
        let mut value = wanted((82, 0));
        value.valueType = 5;
        value.value.siVal = -3;
        assert_eq!(number(&value).map(u64::cast_signed), Some(-3));
        value.valueType = 1;
        assert_eq!(number(&value), Some(u64::from((-3_i32).cast_unsigned())));
        value.valueType = 0;
        assert_eq!(number(&value), None);
        value.valueType = 99;
        assert_eq!(number(&value), None);
    }
}
