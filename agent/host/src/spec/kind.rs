//! What values a setting takes: the checks, and the words that describe them.

use serde_json::Value;

use super::input::Input;

/// What values a setting takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// true or false.
    Boolean,
    /// true, false or `auto`.
    AutoBoolean,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A whole number in a range.
    Integer {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A word, or a whole number in a range.
    IntegerOr {
        /// The word.
        word: &'static str,
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// Text of a form.
    Text(&'static Form),
    /// Any number of values, none twice.
    List(&'static Kind),
    /// Names with values.
    Table {
        /// What names are allowed.
        key: &'static Kind,
        /// What values are allowed.
        value: &'static Kind,
    },
}

/// A form that text can have.
#[derive(Debug)]
pub struct Form {
    /// What is allowed, to complete "allowed: …".
    pub allowed: &'static str,
    /// What is wrong with a text, to complete "`value`: …".
    pub check: fn(&str) -> Result<(), &'static str>,
}

/// Values of one list, to bound the search for doubles; a p5.48xlarge takes 64 volumes.
const MAX_ITEMS: usize = 256;

impl Kind {
    /// What is allowed, to complete "allowed: …".
    pub fn allowed(&self) -> String {
        match self {
            Self::Boolean => "true, false".to_owned(),
            Self::AutoBoolean => "auto, true, false".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::IntegerOr { word, min, max } => format!("{word}, or a whole number from {min} to {max}"),
            Self::Text(form) => form.allowed.to_owned(),
            Self::List(item) => format!("a list of: {}", item.allowed()),
            Self::Table { key, value } => format!("names: {}; values: {}", key.allowed(), value.allowed()),
        }
    }

    /// The value in its final form, or what is wrong with it.
    pub(crate) fn check(&self, input: &Input) -> Result<Value, String> {
        match (self, input) {
            (Self::Boolean, _) => boolean(input).map(Value::Bool).ok_or("not a boolean".to_owned()),
            (Self::AutoBoolean, Input::Text(word) | Input::Loose(word)) if word == "auto" => {
                Ok(Value::String(word.clone()))
            }
            (Self::AutoBoolean, _) => {
                boolean(input).map(Value::Bool).ok_or("not a boolean, nor auto".to_owned())
            }
            (Self::Choice(words), _) => choice(words, input),
            (Self::IntegerOr { word, .. }, Input::Text(text) | Input::Loose(text)) if text == word => {
                Ok(Value::String(text.clone()))
            }
            (Self::Integer { min, max } | Self::IntegerOr { min, max, .. }, _) => integer(input, *min, *max),
            (Self::Text(form), _) => {
                let text = input.scalar().ok_or("not text")?;
                (form.check)(&text)?;
                Ok(Value::String(text))
            }
            (Self::List(item), _) => list(item, input),
            // Tables are checked name by name, with `check_entry`.
            (Self::Table { .. }, _) => Err("not a table".to_owned()),
        }
    }

    /// The value that `text` from a variable stands for, in its final form, or what is wrong with it. `a,b` is a list.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        self.check(&Input::from_text(self, text)?)
    }

    /// One value of a table, or what is wrong with it or with its name.
    pub(crate) fn check_entry(&self, name: &str, input: &Input) -> Result<Value, String> {
        let Self::Table { key, value } = self else {
            return Err("not a table".to_owned());
        };
        let of_name = |problem| format!("the name {name:?}: {problem}");
        key.check(&Input::Text(name.to_owned())).map_err(of_name)?;
        value.check(input)
    }
}

/// Files say true or false; elsewhere the operator's other spellings are accepted.
fn boolean(input: &Input) -> Option<bool> {
    match input {
        Input::Boolean(value) => Some(*value),
        Input::Loose(text) => match text.as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn choice(words: &[&str], input: &Input) -> Result<Value, String> {
    match input {
        Input::Text(word) | Input::Loose(word) if words.contains(&word.as_str()) => {
            Ok(Value::String(word.clone()))
        }
        _ => Err("not one of the allowed words".to_owned()),
    }
}

fn integer(input: &Input, min: u64, max: u64) -> Result<Value, String> {
    let number = match input {
        Input::Integer(number) => *number,
        Input::Loose(text) => text.parse::<i128>().map_err(|_| "not a whole number")?,
        _ => return Err("not a whole number".to_owned()),
    };
    match u64::try_from(number) {
        Ok(number) if (min..=max).contains(&number) => Ok(Value::from(number)),
        _ => Err("out of range".to_owned()),
    }
}

fn list(item: &Kind, input: &Input) -> Result<Value, String> {
    let Input::List(inputs) = input else {
        return Err("not a list".to_owned());
    };
    if inputs.len() > MAX_ITEMS {
        return Err(format!("more than {MAX_ITEMS} values"));
    }
    let mut values = Vec::new();
    for input in inputs {
        let value = item.check(input).map_err(|problem| format!("{}: {problem}", input.shown()))?;
        if values.contains(&value) {
            return Err(format!("{} is given twice", input.shown()));
        }
        values.push(value);
    }
    Ok(Value::Array(values))
}
