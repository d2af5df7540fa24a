//! The table. Reading, checks, suggestions, `config show` and the file that `init` writes are made from it.

mod add_ons;
mod cluster;
mod group;
mod nodes;

use gpunode_host::spec::Kind;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As in `.env`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// As written in `.env`; may be `${NAME}` of another setting.
    pub default: Preset,
    /// What it is, in one or two sentences.
    pub about: &'static str,
}

/// What holds where nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// It has to be written.
    Required,
    /// It is not set.
    None,
    /// This value.
    Is(&'static str),
    /// The value of another setting.
    Same(&'static str),
}

/// A group of settings, as a heading in the file that `init` writes.
#[derive(Debug)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// Its settings.
    pub settings: &'static [Setting],
}

/// Every setting in the order of [`SECTIONS`].
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

const fn setting(name: &'static str, kind: Kind, default: Preset, about: &'static str) -> Setting {
    Setting { name, kind, default, about }
}

const fn text(form: &'static gpunode_host::spec::Form) -> Kind {
    Kind::Text(form)
}

const fn range(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

/// Every setting.
pub const SECTIONS: &[Section] = &[
    Section { title: "The cluster, which exists already", settings: cluster::SETTINGS },
    Section { title: "Storage and add-ons", settings: add_ons::SETTINGS },
    Section { title: "The GPU node group", settings: group::SETTINGS },
    Section { title: "The GPU nodes", settings: nodes::SETTINGS },
];
