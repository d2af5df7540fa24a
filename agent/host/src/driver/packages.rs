//! Which packages carry the driver, and which of their versions.

mod names;
mod resolve;

pub use names::{Bound, Request, fabric_requests, kernel_requests, patterns, schemes};
pub use resolve::{Missing, Offered, Package, Purpose, Resolved, fabric, resolve, upstream};
