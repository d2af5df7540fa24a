//! The catalogue: every rule there is, one row each.

mod efa;
mod gpu;
mod log;
mod node;
mod probe;
#[cfg(test)]
mod tests;
pub mod xid;

use super::Rule;

pub use efa::*;
pub use gpu::*;
pub use log::*;
pub use node::*;
pub use probe::*;

/// Rows of the catalogue, and the list of them.
macro_rules! rules {
    ($list:ident: $($name:ident = $code:literal, $kind:ident, $severity:ident, $confirm:expr, $clears:ident
        $(, for $hold:literal s)?;
        is $about:literal, seen $detected:literal, do $action:literal, by $source:literal;)+) => {
        $(
            #[doc = $about]
            pub const $name: $crate::health::Rule = $crate::health::Rule {
                code: $code,
                kind: $crate::health::Kind::$kind,
                severity: $crate::finding::Severity::$severity,
                confirm: $confirm,
                clears: $crate::finding::Clears::$clears,
                hold: $crate::health::rules::hold(&[$($hold)?]),
                about: $about,
                detected: $detected,
                action: $action,
                source: $source,
            };
        )+
        pub(super) const $list: &[&$crate::health::Rule] = &[$(&$name),+];
    };
}
use rules;

/// Seconds, where a row says any.
const fn hold(seconds: &[u64]) -> Option<std::time::Duration> {
    match seconds {
        [seconds] => Some(std::time::Duration::from_secs(*seconds)),
        _ => None,
    }
}

/// A span in a row.
const fn seconds(count: u64) -> std::time::Duration {
    std::time::Duration::from_secs(count)
}

/// Every rule, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [gpu::ROWS, efa::ROWS, log::ROWS, probe::ROWS, node::ROWS]
        .into_iter()
        .flatten()
        .copied()
        .chain(xid::all())
}

/// The rule with this code.
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}
