//! Values out of readings.

use gpunode_probe_protocol::Reading;

/// Takes values out of readings, and keeps the names of the fields that are not supported.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) not_supported: Vec<&'static str>,
}

impl Values {
    /// The value for the field `name`, where there is one.
    pub(super) fn value<T: Clone>(&mut self, name: &'static str, reading: &Reading<T>) -> Option<T> {
        if matches!(reading, Reading::NotSupported) && !self.not_supported.contains(&name) {
            self.not_supported.push(name);
        }
        reading.value().cloned()
    }
}
