//! Buckets that pods use through the Mountpoint for S3 CSI driver: how they are named, what its role may do with them, and
//! what S3 says of them.

mod arn;
mod checks;
mod held;
mod name;

pub use arn::{ArnError, Grant, Grants, Why, fuzz};
pub use checks::{Allowed, Fact, Problem, State, fact, problems};
pub use held::{Held, MOST_CHARACTERS};
pub use name::wrong_name;
