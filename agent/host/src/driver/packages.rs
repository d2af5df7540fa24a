//! Which packages carry the driver, and which of their versions.

mod missing;
mod names;
mod prebuilt;
mod resolve;

pub use missing::Missing;
pub use names::{Bound, Request, fabric_requests, kernel_requests, patterns, schemes};
pub use prebuilt::Prebuilt;
pub use resolve::{Offered, Package, Purpose, Resolved, fabric, resolve, upstream};
