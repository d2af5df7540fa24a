//! Colours, where somebody sees them.

use std::io::IsTerminal;

use gpunode_host::Severity;
use gpunode_host::health::report::{Standing, Verdict};

use crate::environment;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    Good,
    Warning,
    Bad,
    Dim,
    Bold,
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint(pub(crate) bool);

/// Whether standard output is a terminal that can do more than a typewriter; one of which nothing is known cannot.
pub(crate) fn is_screen() -> bool {
    let can = environment::value("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    can && std::io::stdout().is_terminal()
}

impl Paint {
    /// For standard output: only on a terminal that knows colours, and not where NO_COLOR asks for none
    /// (<https://no-color.org>).
    pub(crate) fn stdout() -> Self {
        let refused = environment::value("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(!refused && is_screen())
    }

    /// `text` in its style. The codes are those of every terminal since the VT100's successors (ECMA-48, SGR).
    pub(crate) fn text(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            _ if !self.0 || text.is_empty() => return text.to_owned(),
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
            Style::Dim => "2",
            Style::Bold => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

impl From<Severity> for Style {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Bad,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Dim,
        }
    }
}

impl From<Standing> for Style {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Error => Self::Bad,
            Standing::Warning => Self::Warning,
            Standing::Ok | Standing::Info => Self::Good,
            Standing::Unknown => Self::Dim,
        }
    }
}

impl From<Verdict> for Style {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Healthy => Self::Good,
            Verdict::Degraded | Verdict::Unknown => Self::Warning,
            Verdict::Unhealthy => Self::Bad,
        }
    }
}

/// What a device or the kernel log says, on one line and without codes that would move a terminal's cursor.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
