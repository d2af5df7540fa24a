//! GPU node groups: which there are, and what has to be so before anything is made.

mod checks;
mod contradictions;
mod facts;
mod groups;
mod image;
mod joined;
mod karpenter;
mod quota;
mod reservation;

pub use checks::{Problem, check};
pub use contradictions::contradictions;
pub(crate) use facts::itself;
pub use facts::{EfaGroup, Facts, Subnet, facts, nodes, subnets, there_as_other_kind};
pub use groups::{Group, GroupsError, candidates, groups, scaling_group};
pub use image::Image;
pub use joined::{Joined, joined};
pub use karpenter::karpenter;
pub use quota::{Verdict, quota};
pub use reservation::Reservation;
