//! Finds settings by path, and what somebody probably meant.

use super::super::kind::Kind;
use super::{ALL, Setting};

/// What a dotted path names.
pub(crate) enum Found {
    /// A setting.
    Setting(&'static Setting),
    /// One name inside a setting that is a table.
    Entry(&'static Setting, String),
    /// A group of settings.
    Section,
    /// Nothing.
    Unknown,
}

/// What `path` names.
pub(crate) fn find(path: &str) -> Found {
    if let Some(setting) = ALL.iter().find(|setting| setting.path == path) {
        return Found::Setting(setting);
    }
    if is_section(path) {
        return Found::Section;
    }
    let entry = |setting: &'static Setting| {
        let name = path.strip_prefix(setting.path)?.strip_prefix('.')?;
        matches!(setting.kind, Kind::Table { .. }).then(|| Found::Entry(setting, name.to_owned()))
    };
    ALL.iter().find_map(entry).unwrap_or(Found::Unknown)
}

/// Whether `path` is a group of settings.
pub(crate) fn is_section(path: &str) -> bool {
    ALL.iter().any(|setting| setting.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// Bytes of a name that is compared; nobody mistypes more, and the comparison is quadratic.
const COMPARED: usize = 64;

/// The setting or section that somebody who wrote `path` probably meant.
pub(crate) fn nearest_path(path: &str) -> Option<String> {
    let sections = ALL.iter().filter_map(|setting| setting.path.split_once('.').map(|(section, _)| section));
    let candidates = ALL.iter().map(|setting| setting.path).chain(sections);
    nearest(path, candidates.map(str::to_owned)).or_else(|| elsewhere(path))
}

/// The only setting with the same last name, for a setting in the wrong section.
fn elsewhere(path: &str) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().map(plain);
    let mut same = ALL.iter().filter(|setting| last(setting.path) == last(path));
    same.next().filter(|_| same.next().is_none()).map(|setting| setting.path.to_owned())
}

/// The variable that somebody who wrote `name` probably meant.
pub(crate) fn nearest_variable(name: &str) -> Option<String> {
    nearest(name, ALL.iter().map(Setting::variable))
}

/// The one of `candidates` that somebody who wrote `wanted` probably meant, if any is near enough.
pub fn nearest(wanted: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    if wanted.len() > COMPARED {
        return None;
    }
    let wanted = plain(wanted);
    // A quarter of the letters wrong is still a typing mistake; more is another word.
    let most = (wanted.len() / 4).max(2);
    candidates
        .map(|candidate| (strsim::osa_distance(&wanted, &plain(&candidate)), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `mount_path`, `mount-path` and `mountPath` are the same mistake, not three.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '_' | '-'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
