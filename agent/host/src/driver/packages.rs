//! Which packages carry the driver, and which of their versions.

mod kernel;
mod missing;
mod names;
mod prebuilt;
mod resolve;

pub use kernel::{extra_modules, headers};
pub use missing::Missing;
pub use names::{Bound, Naming, Request, fabric_requests, patterns, schemes};
pub use prebuilt::Prebuilt;
pub use resolve::{Offered, Package, Purpose, Resolved, fabric, resolve, upstream};
