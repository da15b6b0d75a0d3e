//! The present table with all its rows, and the present log, as files have them.

use super::context::FrameContext;
use super::screen::{Area, Table};
use super::{Line, text};
use crate::app::{Align, App, LineTimes, LogEntry, LogView};

/// More rows are not saved as a table.
pub const MOST_SAVED_ROWS: usize = 60_000;

/// Columns for which every column of every table has room.
const WIDE: u16 = 2_000;

/// The present table with all its rows and columns; a sentence why not where it is too long.
fn table(frame: &FrameContext<'_>) -> Result<Table, String> {
    let rows = frame.app.ui.listing.rows.len();
    let height = u16::try_from(rows + 1).ok().filter(|_| rows <= MOST_SAVED_ROWS);
    let height = height.ok_or_else(|| format!("{rows} rows are more than {MOST_SAVED_ROWS}; filter them"))?;
    Ok((frame.table_view().table)(frame, Area { x: 0, y: 0, width: WIDE, height }))
}

/// Titles and cells as texts, all rows of equal length.
fn cells(table: &Table) -> Vec<Vec<String>> {
    let title = |line: &Line| line.text().trim_end_matches(['↓', '↑']).to_owned();
    let titles = table.columns.iter().map(|column| title(&column.title)).collect();
    let of_row = |cells: &Vec<Line>| cells.iter().map(|cell| cell.text().trim().to_owned()).collect();
    std::iter::once(titles).chain(table.rows.iter().map(|row| of_row(&row.cells))).collect()
}

/// The present table as text, its columns below one another.
///
/// # Errors
/// When it has too many rows.
pub fn table_text(app: &App) -> Result<String, String> {
    let frame = &FrameContext::new(app);
    let table = table(frame)?;
    let cells = cells(&table);
    let widest =
        |at: usize| cells.iter().filter_map(|row| row.get(at)).map(|cell| text::width(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.columns.len()).map(widest).collect();
    let mut all = String::new();
    for row in &cells {
        let mut line = String::new();
        for ((cell, width), column) in row.iter().zip(&widths).zip(&table.columns) {
            let gap = " ".repeat(width.saturating_sub(text::width(cell)));
            let [before, after] =
                if column.align == Align::Right { [gap, String::new()] } else { [String::new(), gap] };
            line.extend([&before, cell, &after, "  "]);
        }
        all.push_str(line.trim_end());
        all.push('\n');
    }
    Ok(all)
}

/// The present table as comma-separated values (RFC 4180), in which nothing is a formula.
///
/// # Errors
/// When it has too many rows.
pub fn table_csv(app: &App) -> Result<String, String> {
    let frame = &FrameContext::new(app);
    let cells = cells(&table(frame)?);
    let line = |row: &Vec<String>| row.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",") + "\r\n";
    Ok(cells.iter().map(line).collect())
}

/// What makes a spreadsheet take a cell for a formula (OWASP, CSV injection).
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn csv_cell(text: &str) -> String {
    let text = if text.starts_with(FORMULA_STARTS) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The kept lines of a log, with their times where these are shown.
pub fn log_text(log: &LogView) -> String {
    let line = |entry: &LogEntry| match entry {
        LogEntry::Restarted => "-- the container was restarted --\n".to_owned(),
        LogEntry::Line(line) => match (log.times, line.at) {
            (LineTimes::Shown, Some(at)) => format!("{at} {}\n", line.text),
            _ => format!("{}\n", line.text),
        },
    };
    log.buffer.entries().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::csv_cell;

    #[test]
    fn no_cell_is_a_formula_and_separators_are_quoted() {
        for (text, cell) in [
            ("plain", "plain"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-$0.28", "'-$0.28"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\r=x", "\"'\r=x\""),
            ("1,234", "\"1,234\""),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("–", "–"),
        ] {
            assert_eq!(csv_cell(text), cell, "{text:?}");
        }
    }
}
