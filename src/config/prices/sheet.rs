//! CSV price file: each row is a rule; an empty cell leaves the field out.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::rate::RateFields;
use super::rule::check_capacity;
use super::{DEFAULT_MAX_AGE_DAYS, amount};
use crate::config::lines::Lines;
use crate::config::problem::{Place, Problem, no_such};
use crate::fleet::{PriceRule, RuleMatch, Sym, UserPrices};
use crate::units::Time;

const COLUMNS: [&str; 9] =
    ["cloud", "region", "zone", "instance_type", "capacity", "per_hour", "includes_gpu", "per_gpu_hour", "note"];

/// Reads the file.
pub(super) fn parse(file: &str, text: &str) -> Result<UserPrices, Vec<Problem>> {
    let mut sheet = Sheet { file, problems: Vec::new() };
    let as_of = sheet.as_of(text);
    let mut rows = rows(text).into_iter();
    let header = rows.next().unwrap_or_default();
    let rules = if sheet.check_header(&header) {
        rows.filter_map(|row| sheet.rule(&header, &row)).collect()
    } else {
        Vec::new()
    };
    if !sheet.problems.is_empty() {
        sheet.problems.sort();
        return Err(sheet.problems);
    }
    let max_age_days = DEFAULT_MAX_AGE_DAYS;
    Ok(UserPrices { file: file.to_owned(), as_of, max_age_days, rules, ..UserPrices::default() })
}

/// A row that is not empty, and its line.
#[derive(Default)]
struct Row {
    line: usize,
    cells: StringRecord,
}

fn rows(text: &str) -> Vec<Row> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let (lines, mut rows) = (Lines::of(text), Vec::new());
    // Reading from memory cannot fail, and text is UTF-8: there is no error that could end it early.
    while let Some(Ok(cells)) = reader.records().next() {
        // Spreadsheets write empty rows as commas only.
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push(Row { line: line_of(text, &lines, &cells), cells });
        }
    }
    rows
}

/// The line in which a row begins. The reader's own position is before the comments and empty lines above it.
fn line_of(text: &str, lines: &Lines, cells: &StringRecord) -> usize {
    let at = cells.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
    let from = text.get(at..).unwrap_or_default();
    let skipped = from.lines().take_while(|line| line.trim().is_empty() || line.starts_with('#')).count();
    lines.at(at).0 + skipped
}

/// A file that is being read, with the mistakes found so far.
struct Sheet<'t> {
    file: &'t str,
    problems: Vec<Problem>,
}

impl Sheet<'_> {
    fn note(&mut self, line: usize, key: &str, message: impl Into<String>) {
        let place = Place { file: self.file.to_owned(), line, column: 0 };
        self.problems.push(Problem { place, key: key.to_owned(), message: message.into() });
    }

    /// The date after `# as_of:`; spreadsheets append commas to the line.
    fn as_of(&mut self, text: &str) -> Time {
        let date_in = |line: &'_ str| {
            let comment = line.trim_start_matches('"').strip_prefix('#')?.trim_start().strip_prefix("as_of:")?;
            Some(comment.trim_end_matches([',', '"', ' ', '\t', '\r']).trim_start().to_owned())
        };
        let mut found = text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, date_in(line)?)));
        let Some((line, day)) = found.next() else {
            self.note(0, "as_of", "is missing; write the date of the prices in a line like # as_of: 2026-11-01");
            return Time::default();
        };
        if let Some((again, _)) = found.next() {
            self.note(again, "as_of", format!("is defined twice, first in line {line}"));
        }
        amount::day(&day).map_err(|message| self.note(line, "as_of", message)).unwrap_or_default()
    }

    /// Whether the header has exactly the expected columns.
    fn check_header(&mut self, header: &Row) -> bool {
        let known = self.problems.len();
        for (at, name) in header.cells.iter().enumerate() {
            if !COLUMNS.contains(&name) {
                self.note(header.line, "header", no_such("column", name, &COLUMNS));
            } else if header.cells.iter().take(at).any(|other| other == name) {
                self.note(header.line, "header", format!("{name:?} is defined twice"));
            }
        }
        let is_missing = |column: &&&str| !header.cells.iter().any(|name| name == **column);
        let missing: Vec<&str> = COLUMNS.iter().filter(is_missing).copied().collect();
        if !missing.is_empty() {
            let message = format!("missing columns: {}; the header must be {}", missing.join(", "), COLUMNS.join(","));
            self.note(header.line, "header", message);
        }
        self.problems.len() == known
    }

    fn rule(&mut self, header: &Row, row: &Row) -> Option<PriceRule> {
        let (found, wanted) = (row.cells.len(), header.cells.len());
        if found != wanted {
            let message = format!("has {found} cells, the header has {wanted}; check for an extra comma or quote");
            self.note(row.line, "row", message);
            return None;
        }
        if row.cells.iter().any(|cell| cell.contains('\n')) {
            self.note(row.line, "row", "has a line break in a cell; is a quote missing?");
        }
        let cell = |column: &str| {
            let at = header.cells.iter().position(|name| name == column)?;
            row.cells.get(at).filter(|cell| !cell.is_empty())
        };
        let symbol = |column: &str| cell(column).map(Sym::new);
        if cell("per_hour").or(cell("per_gpu_hour")).is_none() {
            self.note(row.line, "row", "no rate; allowed: per_hour, or per_gpu_hour, or both");
            return None;
        }
        if let Some(Err(message)) = cell("capacity").map(check_capacity) {
            self.note(row.line, "capacity", message);
        }
        let fields = RateFields {
            per_hour: cell("per_hour").map(|text| self.dollars(row, "per_hour", text)),
            includes_gpu: cell("includes_gpu").map(|text| {
                // A cell with a mistake gets a valid value, so that it is not reported a second time.
                self.boolean(row, text).unwrap_or(cell("per_gpu_hour").is_none())
            }),
            per_gpu_hour: cell("per_gpu_hour").map(|text| self.dollars(row, "per_gpu_hour", text)),
            ..RateFields::default()
        };
        let rate = fields.rate().map_err(|message| self.note(row.line, "row", message)).ok()?;
        let matches = RuleMatch {
            cloud: symbol("cloud"),
            region: symbol("region"),
            zone: symbol("zone"),
            instance: symbol("instance_type"),
            capacity: symbol("capacity"),
            ..RuleMatch::default()
        };
        Some(PriceRule { matches, rate, note: symbol("note"), line: row.line })
    }

    /// Micro-dollars per hour; zero if the cell is invalid, which is recorded.
    fn dollars(&mut self, row: &Row, column: &str, text: &str) -> i64 {
        amount::dollars(text).map_err(|message| self.note(row.line, column, message)).unwrap_or_default()
    }

    /// `true` or `false` in any case: spreadsheets write capitals.
    fn boolean(&mut self, row: &Row, text: &str) -> Option<bool> {
        match text.to_ascii_lowercase().as_str() {
            "true" => return Some(true),
            "false" => return Some(false),
            _ => self.note(row.line, "includes_gpu", format!("must be true or false, not {text:?}")),
        }
        None
    }
}
