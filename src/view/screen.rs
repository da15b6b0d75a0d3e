//! The screen as plain data: already chosen, measured and cut.

use super::{Align, Line};
use crate::app;
use crate::config::Role;

/// A rectangle of terminal cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Area {
    /// Leftmost column, from 0.
    pub x: u16,
    /// Topmost row, from 0.
    pub y: u16,
    /// Width in columns.
    pub width: u16,
    /// Height in rows.
    pub height: u16,
}

impl Area {
    /// An area of one row.
    pub const fn row(x: u16, y: u16, width: u16) -> Self {
        Self { x, y, width, height: 1 }
    }

    /// Whether a cell lies in it.
    pub const fn contains(self, x: u16, y: u16) -> bool {
        x >= self.x && x - self.x < self.width && y >= self.y && y - self.y < self.height
    }

    /// All but so many columns at the right, and these.
    pub const fn split_right(self, columns: u16) -> (Self, Self) {
        let width = self.width.saturating_sub(columns);
        let right = Self { x: self.x.saturating_add(width), width: self.width - width, ..self };
        (Self { width, ..self }, right)
    }

    /// Without `margin` columns at each side and as many rows as `rows` above and below.
    pub const fn inset(self, margin: u16, rows: u16) -> Self {
        Self {
            x: self.x.saturating_add(margin),
            y: self.y.saturating_add(rows),
            width: self.width.saturating_sub(2 * margin),
            height: self.height.saturating_sub(2 * rows),
        }
    }
}

/// A line with its place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Placed {
    /// Cells of the line; one row.
    pub area: Area,
    /// Text with its roles.
    pub line: Line,
}

/// The title of a screen, to be clicked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tab {
    /// The screen that a click shows.
    pub screen: app::Screen,
    /// Cells and text of the title.
    pub placed: Placed,
}

/// A column of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Leftmost column of the terminal.
    pub x: u16,
    /// Columns of the terminal.
    pub width: u16,
    /// The side at which its texts stand.
    pub align: Align,
    /// Title, cut to the width.
    pub title: Line,
    /// The column by which a click on the title sorts; `None` where rows cannot be sorted by it.
    pub sorts_by: Option<&'static app::Column>,
}

/// A row of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Identity of the row, for clicks.
    pub key: app::RowKey,
    /// One text for each column.
    pub cells: Vec<Line>,
    /// The mark in front.
    pub mark: Line,
    /// Role that is laid over the whole row, for a selected or marked one.
    pub emphasis: Option<Role>,
}

/// The rows that are visible.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// Titles in its first row, rows below.
    pub area: Area,
    /// The columns that fit.
    pub columns: Vec<Column>,
    /// The rows that fit.
    pub rows: Vec<Row>,
}

/// The frame of a panel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Border {
    /// All around, with the title in it: dialogs.
    Box,
    /// A line at the left: details beside the table.
    Left,
    /// None: details that fill the body.
    None,
}

/// A titled text: details, help, a dialog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Panel {
    /// Cells of the panel, border included.
    pub area: Area,
    /// Lines around the text.
    pub border: Border,
    /// Title, cut to the width.
    pub title: Line,
    /// The lines that are visible.
    pub lines: Vec<Line>,
    /// The last row: keys, or how much is hidden.
    pub hint: Line,
}

impl Panel {
    /// Where the lines go: below the title, above the hint.
    pub fn inside(&self) -> Area {
        match self.border {
            Border::Box => self.area.inset(2, 1),
            Border::Left => Area {
                height: self.area.height.saturating_sub(2),
                y: self.area.y.saturating_add(1),
                ..self.text_area()
            },
            Border::None => Area {
                height: self.area.height.saturating_sub(1),
                y: self.area.y.saturating_add(1),
                ..self.text_area()
            },
        }
    }

    /// Where title and hint go, by its columns.
    pub fn text_area(&self) -> Area {
        let (left, right) = match self.border {
            Border::Box => (2, 2),
            Border::Left => (2, 1),
            Border::None => (1, 1),
        };
        let width = self.area.width.saturating_sub(left + right);
        Area { x: self.area.x.saturating_add(left), width, ..self.area }
    }
}

/// Middle of the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// A table with at least one row.
    Table(Table),
    /// Sentences why there are no rows.
    Face(Vec<Placed>),
    /// Nothing but the details.
    Covered,
}

/// Everything that is to be seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Screen {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Single lines at their places: header, totals, filter and sort, sentence, footer.
    pub lines: Vec<Placed>,
    /// The titles of the screens.
    pub tabs: Vec<Tab>,
    /// Horizontal lines, each with what is written into it.
    pub rules: Vec<Placed>,
    /// Table, or what stands in its place.
    pub body: Body,
    /// Details of one object, beside the table or in its place.
    pub detail: Option<Panel>,
    /// Dialog or text over everything else.
    pub overlay: Option<Panel>,
    /// Column and row at which the cursor blinks; `None` where nothing is typed.
    pub cursor: Option<(u16, u16)>,
    /// Sizes that keys go by, for the App.
    pub geometry: app::Geometry,
}

/// Meaning of a click on a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hit {
    /// A row of the table.
    Row(app::RowKey),
    /// The title of a screen.
    Title(app::Screen),
    /// The title of a column by which rows can be sorted.
    Column(&'static app::Column),
}

impl Screen {
    /// What is at this cell; nothing below a dialog can be clicked.
    pub fn hit(&self, x: u16, y: u16) -> Option<Hit> {
        if self.overlay.is_some() {
            return None;
        }
        if let Some(tab) = self.tabs.iter().find(|tab| tab.placed.area.contains(x, y)) {
            return Some(Hit::Title(tab.screen));
        }
        let Body::Table(table) = &self.body else { return None };
        if y == table.area.y && table.area.contains(x, y) {
            let is_there = |column: &&Column| (column.x..column.x.saturating_add(column.width)).contains(&x);
            return table.columns.iter().find(is_there)?.sorts_by.map(Hit::Column);
        }
        let below_titles = y.checked_sub(table.area.y)?.checked_sub(1)?;
        let row = table.rows.get(usize::from(below_titles)).filter(|_| table.area.contains(x, y))?;
        Some(Hit::Row(row.key.clone()))
    }
}
