//! What the kernel says: `/dev/kmsg` followed record by record, and the lines that concern a GPU node as events.
//!
//! [`Follower`] reads it, or [`Journal`] what journald has read of it, [`Record`] takes one record apart, [`Parser`] makes [`Event`]s. None of the three decides
//! whether anything is wrong: [`crate::xid`] and [`crate::sxid`] judge what has a code, the rules judge the rest.
//!
//! A program may write to `/dev/kmsg` too, but the kernel marks its lines with a facility other than its own, so that
//! nobody can make up a fault: [`Parser`] leaves such lines out, unless it is told otherwise by a test.
//!
//! Most kernels limit how many lines of a kind they print, so a count of events is a lower bound.

mod efa;
mod event;
mod family;
mod follower;
mod hardware;
mod journal;
mod nvrm;
mod parser;
mod pcie;
mod record;
mod storage;
mod stream;
mod sxid;
mod tasks;
mod text;
mod xid;

pub use efa::{EfaClass, EfaEvent, EfaKind};
pub use event::{Entry, Event};
pub use follower::{DEVICE, Follower, FollowerError, Item, Progress, Seen, Start};
pub use hardware::{HardwareEvent, HardwareKind};
pub use journal::{
    FOLDERS as JOURNAL_FOLDERS, Journal, JournalError, Position, Unknown, fuzz as fuzz_journal,
};
pub use nvrm::NvrmEvent;
pub use parser::{Parser, Speakers};
pub use pcie::{PcieEvent, PcieKind};
pub use record::Record;
pub use storage::{StorageEvent, StorageKind};
pub use sxid::SxidEvent;
pub use tasks::{HungTaskEvent, LockupEvent, LockupKind, OomEvent};
pub use xid::{MemoryTail, NvLinkTail, Severity5, XidEvent, XidTail};
