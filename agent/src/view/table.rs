//! Text in columns.

use super::paint::{Paint, Style, clean};

/// One field.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Without style.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self::styled(text, Style::Plain)
    }

    /// With a style.
    pub(super) fn styled(text: impl AsRef<str>, style: impl Into<Style>) -> Self {
        Self { text: clean(text.as_ref()), style: style.into() }
    }

    /// What there may be.
    pub(super) fn maybe(text: Option<impl ToString>) -> Self {
        Self::new(text.map(|text| text.to_string()).unwrap_or_default())
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// A column's heading, and whether its fields stand right.
pub(super) type Heading = (&'static str, bool);

/// The lines of a table: the headings, then the rows. A column in which no row has anything is left out; a field that
/// has nothing is a dash.
pub(super) fn lines(headings: &[Heading], rows: &[Vec<Cell>], paint: Paint) -> Vec<String> {
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(Cell::width).max().unwrap_or(0);
    let columns: Vec<_> = (0..headings.len())
        .map(|at| (at, width(at)))
        .filter(|(_, width)| *width > 0)
        .map(|(at, width)| (at, width.max(headings[at].0.chars().count())))
        .collect();
    let head = columns.iter().map(|(at, _)| Cell::styled(headings[*at].0, Style::Dim)).collect::<Vec<_>>();
    let line = |cell: &dyn Fn(usize, usize) -> Cell| {
        let fields = columns.iter().enumerate().map(|(nth, (at, width))| {
            let cell = cell(nth, *at);
            let room = " ".repeat(width.saturating_sub(cell.width()));
            let text = paint.text(cell.style, &cell.text);
            if headings[*at].1 { format!("{room}{text}") } else { format!("{text}{room}") }
        });
        fields.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let dash = |cell: Option<&Cell>| match cell {
        Some(cell) if !cell.text.is_empty() => cell.clone(),
        _ => Cell::styled("-", Style::Dim),
    };
    let first = line(&|nth, _| head[nth].clone());
    let rest = rows.iter().map(|row| line(&|_, at| dash(row.get(at))));
    std::iter::once(first).chain(rest).collect()
}
