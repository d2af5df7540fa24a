//! A value as it was written, before it is checked.

use std::fmt::Write;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::kind::Kind;

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    /// From a variable or a flag, where everything is text and the kind of the setting says what it means.
    Loose(String),
    Text(String),
    Integer(i128),
    Boolean(bool),
    /// The literal: `2.20` may be meant as a version.
    Float(String),
    /// The literal of a date, or of a number too large for any setting.
    Other(String),
    List(Vec<Input>),
    /// Names of nested tables are joined with dots: `vm.swappiness = 1` and `"vm.swappiness" = 1` are the same.
    Table(Vec<(String, Input)>),
}

/// Characters of a value that a message repeats.
const SHOWN: usize = 120;

impl Input {
    /// What `text` from a variable or a flag means for `kind`: `a,b` or a TOML array for a list, `a=1,b=2` or a
    /// TOML inline table for a table.
    pub(crate) fn from_text(kind: &Kind, text: &str) -> Result<Self, String> {
        let text = text.trim();
        match kind {
            Kind::List(_) if text.starts_with('[') => Self::parse(text),
            Kind::List(_) => {
                Ok(Self::List(pieces(text).map(|piece| Self::Loose(piece.to_owned())).collect()))
            }
            Kind::Table { .. } if text.starts_with('{') => Self::parse(text),
            Kind::Table { .. } => pieces(text).map(pair).collect::<Result<_, _>>().map(Self::Table),
            _ => Ok(Self::Loose(text.to_owned())),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        match DeValue::parse(text) {
            Ok(value) => Ok(Self::from_toml(value.get_ref())),
            Err(error) => Err(format!("not TOML: {}", error.message())),
        }
    }

    pub(crate) fn from_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(number) => integer(number),
            DeValue::Float(number) => Self::Float(number.as_str().to_owned()),
            DeValue::Boolean(value) => Self::Boolean(*value),
            DeValue::Datetime(date) => Self::Other(date.to_string()),
            DeValue::Array(items) => {
                Self::List(items.iter().map(|item| Self::from_toml(item.get_ref())).collect())
            }
            DeValue::Table(table) => {
                Self::Table(flatten(table).into_iter().map(|leaf| (leaf.name, leaf.input)).collect())
            }
        }
    }

    /// The value as text, for settings that are text.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self {
            Self::Loose(text) | Self::Text(text) | Self::Float(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Boolean(value) => Some(value.to_string()),
            Self::Other(_) | Self::List(_) | Self::Table(_) => None,
        }
    }

    /// For messages: TOML, without control characters, cut where it is long.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::new();
        self.show(&mut text);
        if text.chars().count() > SHOWN {
            text = text.chars().take(SHOWN).chain(['…']).collect();
        }
        text
    }

    /// Writing to a String cannot fail, so the results are not looked at.
    fn show(&self, out: &mut String) {
        if out.len() > SHOWN * 4 {
            return;
        }
        match self {
            Self::Loose(text) | Self::Text(text) => {
                let start: String = text.chars().take(SHOWN + 1).collect();
                let _ = write!(out, "{start:?}");
            }
            Self::Integer(number) => out.push_str(&number.to_string()),
            Self::Boolean(value) => out.push_str(&value.to_string()),
            Self::Float(text) | Self::Other(text) => out.extend(text.chars().take(SHOWN + 1)),
            Self::List(items) => show_joined(out, '[', items, ']', Self::show),
            Self::Table(entries) => show_joined(out, '{', entries, '}', |(name, value), out| {
                let _ = write!(out, "{name:?} = ");
                value.show(out);
            }),
        }
    }
}

fn show_joined<T>(out: &mut String, open: char, items: &[T], close: char, show: impl Fn(&T, &mut String)) {
    out.push(open);
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        show(item, out);
        if out.len() > SHOWN * 4 {
            break;
        }
    }
    out.push(close);
}

/// A value inside a table.
pub(crate) struct Leaf {
    /// Dotted.
    pub(crate) name: String,
    /// Byte of the document where the name begins.
    pub(crate) start: usize,
    pub(crate) input: Input,
}

/// The values inside a table and its tables.
pub(crate) fn flatten(table: &DeTable<'_>) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        let name = key.get_ref();
        match value.get_ref() {
            DeValue::Table(inner) => leaves.extend(
                flatten(inner).into_iter().map(|leaf| Leaf { name: format!("{name}.{}", leaf.name), ..leaf }),
            ),
            other => leaves.push(Leaf {
                name: name.to_string(),
                start: Spanned::span(key).start,
                input: Input::from_toml(other),
            }),
        }
    }
    leaves
}

fn integer(number: &DeInteger<'_>) -> Input {
    i128::from_str_radix(number.as_str(), number.radix())
        .map_or(Input::Other(number.to_string()), Input::Integer)
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|piece| !piece.is_empty())
}

fn pair(piece: &str) -> Result<(String, Input), String> {
    let (name, value) = piece.split_once('=').ok_or_else(|| format!("{piece:?} is not name=value"))?;
    Ok((name.trim().to_owned(), Input::Loose(value.trim().to_owned())))
}
