//! Reports for people: tables, findings, and the screen of `watch`. Nothing here decides anything.

mod devices;
mod findings;
mod head;
mod inventory;
mod paint;
mod report;
mod screen;
mod table;
#[cfg(test)]
mod tests;
mod units;

pub(crate) use findings::line as finding_line;
pub(crate) use head::machine;
pub(crate) use inventory::{csv, table as inventory_table};
pub(crate) use paint::{Paint, clean, is_screen};
pub(crate) use report::full;
pub(crate) use screen::{Size, screen};
pub(crate) use units::time;
