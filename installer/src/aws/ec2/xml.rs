//! EC2's answers: XML, read into a tree of names and texts. Attributes, comments and white space between elements mean
//! nothing there.

#[cfg(test)]
mod tests;

use xmlparser::{ElementEnd, Token, Tokenizer};

/// Bytes of an answer that are read. The largest that we ask for, two versions of a launch template with 32 interfaces and
/// 16 KiB of user data each, is under 100 KiB.
pub(super) const MOST_BYTES: usize = 8 << 20;
/// Elements within one another. EC2's deepest answer has about ten.
const MOST_DEPTH: usize = 64;

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// Why an answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// More than is read.
    #[error("an answer of {0} bytes, and {MOST_BYTES} at most are read")]
    TooLong(usize),
    /// More levels than there can be.
    #[error("an answer of more than {MOST_DEPTH} levels")]
    TooDeep,
    /// No text.
    #[error("an answer that is no UTF-8")]
    Text(#[from] std::str::Utf8Error),
    /// No XML.
    #[error("an answer that is no XML: {0}")]
    Syntax(#[from] xmlparser::Error),
    /// Cut off, or not well formed.
    #[error("an answer that is no whole XML document: {0}")]
    Form(&'static str),
}

impl Element {
    /// The document's root element.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, XmlError> {
        if bytes.len() > MOST_BYTES {
            return Err(XmlError::TooLong(bytes.len()));
        }
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        for token in Tokenizer::from(std::str::from_utf8(bytes)?) {
            match token? {
                Token::ElementStart { local, .. } => {
                    if open.len() == MOST_DEPTH {
                        return Err(XmlError::TooDeep);
                    }
                    open.push(Self { name: local.as_str().to_owned(), ..Self::default() });
                }
                Token::ElementEnd { end: ElementEnd::Open, .. } => {}
                Token::ElementEnd { end, .. } => close(end, &mut open, &mut root)?,
                Token::Text { text } | Token::Cdata { text, .. }
                    if open.is_empty() && !text.as_str().trim().is_empty() =>
                {
                    return Err(XmlError::Form("text outside of it"));
                }
                Token::Text { text } => {
                    let Some(element) = open.last_mut() else { continue };
                    unescape(text.as_str(), &mut element.text);
                }
                Token::Cdata { text, .. } => {
                    let Some(element) = open.last_mut() else { continue };
                    element.text.push_str(text.as_str());
                }
                _ => {}
            }
        }
        if !open.is_empty() {
            return Err(XmlError::Form("it ends in the middle"));
        }
        root.ok_or(XmlError::Form("there is nothing in it"))
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }

    /// The children `item` of the first child of this name, which is how EC2 writes lists.
    pub fn items<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.child(name).into_iter().flat_map(|list| &list.children).filter(|child| child.name == "item")
    }

    /// The same in answers of Auto Scaling, which calls them `member`.
    pub fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.child(name).into_iter().flat_map(|list| &list.children).filter(|child| child.name == "member")
    }

    /// The value of a tag, in the list `tagSet`.
    pub fn tag(&self, key: &str) -> Option<String> {
        self.items("tagSet").find(|tag| tag.text("key") == key).map(|tag| tag.text("value").to_owned())
    }

    /// The first element of this name, at any depth.
    pub(crate) fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name { Some(self) } else { self.children.iter().find_map(|child| child.find(name)) }
    }
}

fn close(end: ElementEnd<'_>, open: &mut Vec<Element>, root: &mut Option<Element>) -> Result<(), XmlError> {
    let element = open.pop().ok_or(XmlError::Form("an end without a beginning"))?;
    if let ElementEnd::Close(_, local) = end
        && local.as_str() != element.name
    {
        return Err(XmlError::Form("the end of another element"));
    }
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_some() => return Err(XmlError::Form("two roots")),
        None => *root = Some(element),
    }
    Ok(())
}

/// References are put in place of what they stand for; what is none stays as it is.
fn unescape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let found = after.split_once(';').and_then(|(name, after)| Some((letter(name)?, after)));
        if let Some((letter, after)) = found {
            out.push(letter);
            rest = after;
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
}

fn letter(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let hex = number.strip_prefix('x').map(|digits| u32::from_str_radix(digits, 16));
            char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?)
        }
    }
}
