//! The layers of a configuration, and what each assigns.

mod text;
mod toml_text;

use super::input::Input;
use super::mistake::Errors;
use super::settings::Setting;
use super::source::Source;
use crate::user_data::Part;

/// One layer of a configuration; a later one wins.
#[derive(Clone, Debug)]
pub struct Layer(Content);

#[derive(Clone, Debug)]
enum Content {
    Toml { origin: Origin, text: String },
    Env(Vec<(String, String)>),
    Flags(Vec<String>),
}

/// What a TOML text is, to say where its lines are.
#[derive(Clone, Debug)]
enum Origin {
    File(String),
    UserData { part: usize, first_line: usize, decoded: bool },
}

impl Origin {
    /// The source of `line` of the text, from 1.
    fn at(&self, line: usize) -> Source {
        match self {
            Self::File(path) => Source::File { path: path.clone(), line },
            Self::UserData { part, decoded: true, .. } => {
                Source::UserData { part: *part, line, decoded: true }
            }
            Self::UserData { part, first_line, decoded: false } => {
                Source::UserData { part: *part, line: first_line + line - 1, decoded: false }
            }
        }
    }
}

/// A value given to a setting.
pub(crate) struct Assignment {
    pub(crate) setting: &'static Setting,
    /// The name inside a setting that is a table.
    pub(crate) name: Option<String>,
    pub(crate) input: Input,
    pub(crate) source: Source,
}

impl Layer {
    /// The `text` of the file `path`, which is only named in messages.
    pub fn file(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self(Content::Toml { origin: Origin::File(path.into()), text: text.into() })
    }

    /// A part of the user data.
    pub fn user_data(part: &Part) -> Self {
        let origin =
            Origin::UserData { part: part.number, first_line: part.first_line, decoded: part.encoded };
        Self(Content::Toml { origin, text: part.text.clone() })
    }

    /// Variables, of which only `GPUNODE_…` and the operator's names are looked at. An empty one counts as not
    /// set; `GPUNODE_…` wins over the operator's name for the same setting.
    pub fn env<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(Content::Env(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    /// Flags of the form `path=value`, where a path may go on into a table (`nccl.env.NCCL_DEBUG=INFO`).
    pub fn flags<F: Into<String>>(flags: impl IntoIterator<Item = F>) -> Self {
        Self(Content::Flags(flags.into_iter().map(Into::into).collect()))
    }

    /// What the layer assigns, in order; what cannot be read goes to `errors`.
    pub(crate) fn read(&self, errors: &mut Errors) -> Vec<Assignment> {
        match &self.0 {
            Content::Toml { origin, text } => toml_text::read(origin, text, errors),
            Content::Env(variables) => text::read_env(variables, errors),
            Content::Flags(flags) => text::read_flags(flags, errors),
        }
    }
}
