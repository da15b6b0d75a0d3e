//! From the keys of a listing to the rows that are visible.

use super::columns::{GAP, Shown, Wish, widths};
use super::context::FrameContext;
use super::layout::page_rows;
use super::screen::{Area, Column, Row, Table};
use super::{Align, Line, words};
use crate::app::{self, RowKey, Sort, WidthRange, first_visible_row};
use crate::config::Role;
use crate::fleet::HealthState;

/// Columns in front of the table, for the mark.
const MARGIN: u16 = 2;

/// Builds the visible part of a table. `row` finds what belongs to a key; an object that has gone since the listing was
/// made keeps its line, empty but for its name.
pub(super) fn table<R>(
    frame: &FrameContext<'_>,
    area: Area,
    shown: &[Shown<R>],
    row: impl Fn(&RowKey) -> Option<R>,
) -> Table {
    let keys = window(frame, area);
    let Chosen { shown, labels } = &chosen(frame, shown);
    let found: Vec<Option<R>> = keys.iter().map(&row).collect();
    let mut cells: Vec<Vec<Line>> = found.iter().zip(keys).map(|(row, key)| cells(shown, row.as_ref(), key)).collect();
    for (row, key) in cells.iter_mut().zip(keys) {
        labels.iter().for_each(|(at, label)| row[*at] = label_of(frame, key, label));
    }
    let level = &frame.app.ui.level;
    let widths = widths(&wishes(shown, &cells, level.sort), area.width.saturating_sub(MARGIN + 1));
    for (cells, row) in cells.iter_mut().zip(&found) {
        shorten(cells, shown, &widths, row.as_ref());
    }
    if level.screen.spec().own_kinds_of(level.view).iter().any(|kind| frame.state(*kind) == HealthState::Stale) {
        cells.iter_mut().flatten().for_each(|cell| *cell = std::mem::take(cell).all(Role::Stale));
    }
    let columns = place(shown, &widths, frame.app.ui.level.sort, area.x + MARGIN);
    let rows = keys.iter().zip(cells).map(|(key, cells)| finish(frame, key, cells, &widths)).collect();
    Table { area, columns, rows }
}

/// The columns that a table shows.
struct Chosen<'a, R> {
    shown: Vec<Shown<R>>,
    /// Those of labels: their places among `shown`, and the key of each label.
    labels: Vec<(usize, &'a str)>,
}

/// The columns that the user chose, in their order, of those that mean something now; all where nothing was chosen. What a row
/// is called, and what rows are sorted by, is always among them.
fn chosen<'a, R>(frame: &'a FrameContext<'_>, all: &[Shown<R>]) -> Chosen<'a, R> {
    let (level, columns) = (&frame.app.ui.level, &frame.app.settings.columns);
    let Some(wanted) = columns.of_table(level.screen, level.table()) else {
        return Chosen { shown: all.to_vec(), labels: Vec::new() };
    };
    let is_wanted = |column: &'static app::Column| wanted.contains(&column);
    let unasked = |shown: &&Shown<R>| {
        !is_wanted(shown.column) && (shown.column.importance == 0 || shown.column == level.sort.column)
    };
    let mut found = Chosen { shown: all.iter().filter(unasked).cloned().collect(), labels: Vec::new() };
    for column in wanted {
        if let Some(key) = columns.label(column) {
            found.labels.push((found.shown.len(), key));
            let title = key.rsplit('/').next().unwrap_or(key).to_uppercase();
            found.shown.push(Shown::new(column, |_| Line::new()).titled(title));
        } else if let Some(shown) = all.iter().find(|shown| shown.column == *column) {
            found.shown.push(shown.clone().chosen());
        }
    }
    found
}

/// The value of a label of a row.
fn label_of(frame: &FrameContext<'_>, key: &RowKey, label: &str) -> Line {
    let row = key.object().and_then(|key| app::RowRef::find(frame.app, key));
    row.map_or_else(Line::new, |row| words::or_none(row.label(label)))
}

/// The keys of the rows that fit, the selected one among them.
pub(super) fn window<'a>(frame: &'a FrameContext<'_>, area: Area) -> &'a [RowKey] {
    let (rows, cursor) = (&frame.app.ui.listing.rows, frame.app.ui.listing.cursor);
    let page = page_rows(area);
    let first = first_visible_row(frame.app.ui.level.offset, cursor, page, rows.len());
    rows.get(first..(first + page).min(rows.len())).unwrap_or_default()
}

fn cells<R>(shown: &[Shown<R>], row: Option<&R>, key: &RowKey) -> Vec<Line> {
    if let Some(row) = row {
        return shown.iter().map(|shown| (shown.cell)(row)).collect();
    }
    let gone = |shown: &Shown<R>| {
        let is_name = shown.column.importance == 0;
        if is_name { Line::of(Role::Unknown, format!("(gone) {}", words::row(key))) } else { Line::new() }
    };
    shown.iter().map(gone).collect()
}

/// Takes fewer words where all of them have no room and there are fewer.
fn shorten<R>(cells: &mut [Line], shown: &[Shown<R>], widths: &[Option<u16>], row: Option<&R>) {
    for ((cell, shown), width) in cells.iter_mut().zip(shown).zip(widths) {
        if let (Some(row), Some(shorter), Some(width)) = (row, shown.shorter, *width)
            && cell.width() > usize::from(width)
        {
            *cell = shorter(row);
        }
    }
}

/// The column by which rows are sorted comes right after the name, so that it is always seen.
fn wishes<R>(shown: &[Shown<R>], cells: &[Vec<Line>], sort: Sort) -> Vec<Wish> {
    let wish = |(at, shown): (usize, &Shown<R>)| {
        let title = shown.title.chars().count() + usize::from(shown.column.is_sortable());
        let widest = cells.iter().map(|row| row[at].width()).max().unwrap_or(0).max(title);
        let filled = u16::try_from(widest).unwrap_or(u16::MAX);
        let WidthRange { min, preferred, max } = shown.widths;
        let widths = WidthRange { min: min.min(filled), preferred: preferred.min(filled), max: max.min(filled) };
        if shown.column != sort.column {
            return Wish { importance: shown.importance, widths };
        }
        let title = u16::try_from(title).unwrap_or(u16::MAX);
        let WidthRange { min, preferred, max } = widths;
        let widths = WidthRange { min: min.max(title), preferred: preferred.max(title), max: max.max(title) };
        Wish { importance: shown.importance.min(1), widths }
    };
    shown.iter().enumerate().map(wish).collect()
}

fn place<R>(shown: &[Shown<R>], widths: &[Option<u16>], sort: Sort, start: u16) -> Vec<Column> {
    let mut x = start;
    let mut columns = Vec::new();
    for (shown, width) in shown.iter().zip(widths) {
        if let Some(width) = *width {
            columns.push(Column {
                x,
                width,
                align: shown.column.align,
                title: title(shown, sort).cut(usize::from(width)),
                sorts_by: Some(shown.column).filter(|column| column.is_sortable()),
            });
            x = x.saturating_add(width + GAP);
        }
    }
    columns
}

/// The column that rows are sorted by says so, and in which direction.
fn title<R>(shown: &Shown<R>, sort: Sort) -> Line {
    match (shown.column == sort.column, sort.reversed) {
        (false, _) => Line::of(Role::Column, &shown.title),
        (true, false) => Line::of(Role::ColumnSorted, &shown.title).and(Role::ColumnSorted, "↓"),
        (true, true) => Line::of(Role::ColumnSorted, &shown.title).and(Role::ColumnSorted, "↑"),
    }
}

fn finish(frame: &FrameContext<'_>, key: &RowKey, cells: Vec<Line>, widths: &[Option<u16>]) -> Row {
    let shown = cells.into_iter().zip(widths).filter_map(|(cell, width)| Some(cell.cut(usize::from((*width)?))));
    let (selected, marked) = (frame.selected() == Some(key), app::is_marked(frame.app, key));
    let mark = match (selected, marked) {
        (true, true) => "▸*",
        (true, false) => "▸",
        (false, true) => " *",
        (false, false) => "",
    };
    let emphasis = match (selected, marked) {
        (true, _) => Some(Role::RowSelected),
        (false, true) => Some(Role::RowMarked),
        (false, false) => None,
    };
    Row { key: key.clone(), cells: shown.collect(), mark: Line::of(Role::Key, mark), emphasis }
}

/// The column of a cell: where its text begins.
pub(crate) fn start_of(column: &Column, cell: &Line) -> u16 {
    let width = u16::try_from(cell.width()).unwrap_or(column.width).min(column.width);
    match column.align {
        Align::Left => column.x,
        Align::Right => column.x.saturating_add(column.width - width),
    }
}
