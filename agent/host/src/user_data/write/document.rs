//! A MIME multipart document (RFC 2046, section 5.1) in the making.

use super::WriteError;

/// What the delimiters are made of; a number follows where a part has such a line.
const BOUNDARY: &str = "gpunode";

#[derive(Debug, Default)]
pub(super) struct Document(Vec<Part>);

#[derive(Debug)]
struct Part {
    /// For messages.
    what: &'static str,
    content_type: &'static str,
    body: String,
}

impl Document {
    /// Adds a part. Line ends become those of Unix, which every reader here takes and YAML needs.
    pub(super) fn add(
        &mut self,
        what: &'static str,
        content_type: &'static str,
        body: &str,
    ) -> Result<(), WriteError> {
        let body = body.strip_prefix('\u{feff}').unwrap_or(body).replace("\r\n", "\n");
        for (place, line) in body.lines().enumerate() {
            if line.contains(is_unfit) {
                let problem = "a control character; it would not come through MIME and YAML as it is";
                return Err(WriteError::Unfit { part: what, line: place + 1, problem });
            }
        }
        self.0.push(Part { what, content_type, body });
        Ok(())
    }

    /// Fails where a part has a line that a document with this boundary would be split at.
    pub(super) fn is_clear_of(&self, boundary: &str, problem: &'static str) -> Result<(), WriteError> {
        for part in &self.0 {
            if let Some(place) = part.body.lines().position(|line| delimits(line, boundary)) {
                return Err(WriteError::Unfit { part: part.what, line: place + 1, problem });
            }
        }
        Ok(())
    }

    /// Fails where `size` bytes are too many, and names the part to begin with.
    pub(super) fn fits(&self, size: usize, limit: usize) -> Result<(), WriteError> {
        if size <= limit {
            return Ok(());
        }
        let largest = self.0.iter().max_by_key(|part| part.body.len());
        let (largest, largest_size) = largest.map_or(("none", 0), |part| (part.what, part.body.len()));
        Err(WriteError::TooLarge { size, limit, largest, largest_size })
    }

    pub(super) fn text(&self) -> String {
        let boundary = self.boundary();
        let mut text =
            format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\n\n");
        for Part { content_type, body, .. } in &self.0 {
            // The line end before a delimiter belongs to the delimiter, so the body keeps its own.
            let head = format!("--{boundary}\nContent-Type: {content_type}; charset=\"utf-8\"\n\n");
            text.extend([&head, body, "\n"]);
        }
        text + &format!("--{boundary}--\n")
    }

    /// One that no line of a part is taken for, found by counting: chance would make every document another.
    fn boundary(&self) -> String {
        let taken = |boundary: &String| self.is_clear_of(boundary, "").is_err();
        let numbered = (1_usize..).map(|number| format!("{BOUNDARY}-{number}"));
        std::iter::once(BOUNDARY.to_owned()).chain(numbered).find(|one| !taken(one)).unwrap_or_default()
    }
}

/// Readers differ in what they take for a delimiter (Python's wants a whole line, Go's allows blanks after it), so
/// anything that begins like one counts.
fn delimits(line: &str, boundary: &str) -> bool {
    line.strip_prefix("--").is_some_and(|rest| rest.starts_with(boundary))
}

/// What MIME, YAML's literal blocks or a shell would not carry as it is (YAML 1.2, section 5.1, `c-printable`; and the
/// line breaks of Unicode, at which Python splits).
fn is_unfit(character: char) -> bool {
    (character.is_control() && character != '\t')
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
