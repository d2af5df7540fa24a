//! One line.

use super::SHOWN;

/// An assignment before its references are filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Reference(String),
}

/// The name where there is one, and what is wrong.
type Wrong = (Option<String>, String);

/// `None` for a line without an assignment.
pub(super) fn parse(line: &str) -> Result<Option<Line>, Wrong> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let nameless = |what: String| (None, what);
    if let Some(odd) = line.chars().find(|letter| letter.is_control() && *letter != '\t') {
        return Err(nameless(format!("the control character {odd:?}")));
    }
    let body = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    };
    let Some((name, value)) = body.split_once('=') else {
        return Err(nameless(format!("{:?} is not NAME=value", shown(body))));
    };
    if name != name.trim_end() || value != value.trim_start() && !value.trim_start().starts_with('#') {
        return Err(nameless(format!("white space beside the = of {:?}; a shell takes none", shown(name))));
    }
    if !is_name(name) {
        let what = "is not a name: letters, digits and _, not beginning with a digit";
        return Err(nameless(format!("{:?} {what}", shown(name))));
    }
    match pieces(value) {
        Ok(pieces) => Ok(Some(Line { name: name.to_owned(), pieces })),
        Err(what) => Err((Some(name.to_owned()), what)),
    }
}

fn pieces(value: &str) -> Result<Vec<Piece>, String> {
    if let Some(rest) = value.strip_prefix('\'') {
        let (inside, after) = rest.split_once('\'').ok_or("the ' has no end on this line")?;
        nothing_after(after)?;
        return plain(inside.to_owned());
    }
    if let Some(rest) = value.strip_prefix('"') {
        let (pieces, after) = walk(rest, true)?;
        nothing_after(after)?;
        return Ok(pieces);
    }
    let (pieces, after) = walk(value, false)?;
    nothing_after(after)?;
    Ok(pieces)
}

fn plain(text: String) -> Result<Vec<Piece>, String> {
    if text.contains('\t') { Err("a tab in a value".to_owned()) } else { Ok(vec![Piece::Text(text)]) }
}

/// Reads up to the closing quote, or without quotes up to white space; what is after it comes back.
fn walk(text: &str, quoted: bool) -> Result<(Vec<Piece>, &str), String> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        match letter {
            '"' if quoted => {
                pieces.push(Piece::Text(literal));
                return Ok((pieces, after));
            }
            ' ' | '\t' if !quoted => break,
            '\t' => return Err("a tab in a value".to_owned()),
            '\'' | '"' | '`' | '\\' if !quoted => {
                return Err(format!("{letter} in a value without quotes; put all of it in '…'"));
            }
            '`' => return Err("` starts a command in a shell; in '…' it is a character".to_owned()),
            '\\' => {
                let next = after.chars().next().filter(|next| matches!(next, '"' | '\\' | '$'));
                literal.push(next.ok_or("\\ stands before \", \\ or $ only; in '…' it is a character")?);
                rest = &after[1..];
                continue;
            }
            '$' => {
                let (name, after) = reference(after)?;
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                pieces.push(Piece::Reference(name.to_owned()));
                rest = after;
                continue;
            }
            _ => literal.push(letter),
        }
        rest = after;
    }
    if quoted {
        return Err("the \" has no end on this line".to_owned());
    }
    pieces.push(Piece::Text(literal));
    Ok((pieces, rest))
}

/// What follows a `$`.
fn reference(text: &str) -> Result<(&str, &str), String> {
    let inside = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    match inside {
        Some((name, after)) if is_name(name) => Ok((name, after)),
        _ => Err("$ stands before {NAME} only; in '…' it is a character".to_owned()),
    }
}

/// A comment after a value needs white space before it, as in a shell.
fn nothing_after(text: &str) -> Result<(), String> {
    let trimmed = text.trim_start();
    let comment = trimmed.starts_with('#') && trimmed.len() < text.len();
    if trimmed.is_empty() || comment {
        return Ok(());
    }
    Err(format!("{:?} after the value; a value with white space needs quotes", shown(trimmed)))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
