//! A screen that is redrawn in place.
//!
//! It is the terminal's second screen, drawn from its corner each time, so a terminal that is made smaller or larger
//! meanwhile has nothing of the old drawing left over, and what was on the first screen is there again at the end.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::{Seen, Show};
use crate::view::{self, Paint, Size};

/// Values change all the time: a person reads no faster than this.
const REDRAW: Duration = Duration::from_secs(1);

/// Second screen; hidden cursor. Source: xterm's control sequences, modes 1049 and 25.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// To the corner.
const HOME: &str = "\x1b[H";
/// The rest of the line, and the rest of the screen, are blank.
const END_OF_LINE: &str = "\x1b[K";
const END_OF_SCREEN: &str = "\x1b[J";

pub(super) struct Terminal {
    paint: Paint,
    drawn: Option<(Instant, Size)>,
    begun: bool,
}

impl Terminal {
    pub(super) fn open() -> Self {
        // A terminal that is gone shows at the first drawing.
        let _ = write!(io::stdout(), "{ENTER}");
        Self { paint: Paint::stdout(), drawn: None, begun: false }
    }
}

impl Show for Terminal {
    fn show(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        self.begun |= seen.first;
        let size = size();
        let fresh = self.drawn.is_some_and(|(at, before)| at.elapsed() < REDRAW && before == size);
        if fresh && !seen.first && seen.changes.is_empty() {
            return Ok(());
        }
        let pending = if self.begun { 0 } else { seen.monitor.sources().pending().count() };
        let lines = view::screen(&seen.report(), pending, size, self.paint);
        let text = lines.join(&format!("{END_OF_LINE}\r\n"));
        self.drawn = Some((Instant::now(), size));
        write!(io::stdout(), "{HOME}{text}{END_OF_LINE}{END_OF_SCREEN}")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = write!(io::stdout(), "{LEAVE}");
        let _ = io::stdout().flush();
    }
}

/// The terminal's size; that of a VT100 where it does not say.
fn size() -> Size {
    let (rows, columns) = console::Term::stdout().size_checked().unwrap_or((24, 80));
    Size { rows: usize::from(rows).max(1), columns: usize::from(columns).max(1) }
}
