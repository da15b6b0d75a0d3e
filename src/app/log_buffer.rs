//! The lines of a log that are kept, and where in them a text was found.

use std::collections::VecDeque;

use crate::fleet::LogLine;
use crate::units::text::{plain_line, printable};

/// The most lines that are kept; the oldest go first.
pub const MOST_LOG_LINES: usize = 20_000;

/// The most bytes that the kept lines may take together; the oldest go first.
pub const MOST_LOG_BYTES: usize = 8 << 20;

/// Bytes that a line takes besides its text.
const BYTES_BESIDES_TEXT: usize = size_of::<LogEntry>();

/// One line of the kept log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogEntry {
    /// A line of the container. Its text is printable.
    Line(LogLine),
    /// The container was restarted here.
    Restarted,
}

impl LogEntry {
    /// The text that is searched; empty where it is no line of the container.
    pub fn text(&self) -> &str {
        match self {
            Self::Line(line) => &line.text,
            Self::Restarted => "",
        }
    }

    fn bytes(&self) -> usize {
        self.text().len() + BYTES_BESIDES_TEXT
    }
}

/// Lines of a log, each with a number that it keeps: 0 is the first one that was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogBuffer {
    entries: VecDeque<LogEntry>,
    /// Number of the oldest entry; as many have been dropped.
    first: u64,
    bytes: usize,
    search: Option<LogSearch>,
}

/// A text that is looked for, in whichever case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogSearch {
    /// The text as it was typed.
    pub text: String,
    /// The same in lower case, made once for all lines.
    folded: String,
    /// The numbers of the kept lines that contain it.
    pub matches: VecDeque<u64>,
    /// The number of the line that was found last.
    pub at: Option<u64>,
}

/// In which direction is looked on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To newer lines.
    Newer,
    /// To older lines.
    Older,
}

impl LogSearch {
    /// Whether a text contains what is looked for.
    pub fn is_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.folded)
    }

    /// The place of the line that was found last among all that match, from 1.
    pub fn place(&self) -> Option<usize> {
        let at = self.at?;
        self.matches.binary_search(&at).ok().map(|index| index + 1)
    }

    /// Goes to the next match beyond `from`, around the ends, and returns its number.
    fn go(&mut self, from: u64, direction: Direction) -> Option<u64> {
        let found = match direction {
            Direction::Newer => self.matches.iter().find(|at| **at > from).or_else(|| self.matches.front()),
            Direction::Older => self.matches.iter().rev().find(|at| **at < from).or_else(|| self.matches.back()),
        };
        self.at = found.copied();
        self.at
    }
}

impl LogBuffer {
    /// Takes a line as it came: escape sequences and control characters go, so that what is searched is what is seen.
    pub fn take(&mut self, line: &LogLine) {
        let text = printable(&plain_line(&line.text));
        self.push(LogEntry::Line(LogLine { text, at: line.at, cut_bytes: line.cut_bytes }));
    }

    /// Adds an entry, and drops the oldest ones that there is no room for.
    pub fn push(&mut self, entry: LogEntry) {
        let number = self.end();
        if let Some(search) = self.search.as_mut().filter(|search| search.is_in(entry.text())) {
            search.matches.push_back(number);
        }
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.entries.len() > MOST_LOG_LINES || self.bytes > MOST_LOG_BYTES {
            let Some(dropped) = self.entries.pop_front() else { break };
            self.bytes -= dropped.bytes();
            self.first += 1;
        }
        let first = self.first;
        if let Some(search) = &mut self.search {
            while search.matches.front().is_some_and(|at| *at < first) {
                search.matches.pop_front();
            }
        }
    }

    /// Number of the oldest entry that is kept, which is also how many have been dropped.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The number that the next entry gets.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has come yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a number; `None` where it was dropped or has not come.
    pub fn get(&self, number: u64) -> Option<&LogEntry> {
        self.entries.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// All entries, the oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &LogEntry> {
        self.entries.iter()
    }

    /// What is looked for.
    pub const fn search(&self) -> Option<&LogSearch> {
        self.search.as_ref()
    }

    /// Looks for a text in all lines, now and as they come; for nothing where it is empty.
    pub fn look_for(&mut self, text: &str) {
        let mut search =
            LogSearch { text: text.to_owned(), folded: text.to_lowercase(), matches: VecDeque::new(), at: None };
        let numbers = self.first..;
        search.matches = numbers
            .zip(&self.entries)
            .filter(|(_, entry)| search.is_in(entry.text()))
            .map(|(number, _)| number)
            .collect();
        self.search = (!text.is_empty()).then_some(search);
    }

    /// Goes to the next match in a direction; that after `from` where none was found before. Returns its number.
    pub fn find(&mut self, from: u64, direction: Direction) -> Option<u64> {
        let search = self.search.as_mut()?;
        let from = search.at.unwrap_or(from);
        search.go(from, direction)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> LogLine {
        LogLine { text: text.to_owned(), ..LogLine::default() }
    }

    fn filled(lines: usize) -> LogBuffer {
        let mut buffer = LogBuffer::default();
        (0..lines).for_each(|number| buffer.take(&line(&format!("line {number}"))));
        buffer
    }

    #[test]
    fn the_oldest_lines_go_and_numbers_stay() {
        let buffer = filled(MOST_LOG_LINES + 7);
        assert_eq!((buffer.len(), buffer.first(), buffer.end()), (MOST_LOG_LINES, 7, MOST_LOG_LINES as u64 + 7));
        assert_eq!((buffer.get(6), buffer.get(7).map(LogEntry::text)), (None, Some("line 7")));
    }

    #[test]
    fn long_lines_take_the_place_of_many() {
        let mut buffer = filled(100);
        let long = "x".repeat(1 << 20);
        (0..7).for_each(|_| buffer.take(&line(&long)));
        assert_eq!(buffer.first(), 0);
        buffer.take(&line(&long));
        assert_eq!((buffer.first(), buffer.len()), (101, 7), "everything but what fits");
        (0..20).for_each(|_| buffer.take(&line(&long)));
        assert!(buffer.bytes <= MOST_LOG_BYTES);
    }

    #[test]
    fn a_search_goes_around_the_ends_and_finds_what_comes_later() {
        let mut buffer = LogBuffer::default();
        ["Loss 3", "step", "loss 2", "step"].iter().for_each(|text| buffer.take(&line(text)));
        assert_eq!(buffer.find(4, Direction::Older), None, "nothing is looked for");
        buffer.look_for("LOSS");
        assert_eq!(buffer.find(4, Direction::Older), Some(2));
        assert_eq!(buffer.search().and_then(LogSearch::place), Some(2));
        assert_eq!(buffer.find(4, Direction::Older), Some(0));
        assert_eq!(buffer.find(4, Direction::Older), Some(2), "around the end");
        buffer.take(&line("loss 1"));
        assert_eq!(buffer.find(0, Direction::Newer), Some(4));
        assert_eq!(buffer.find(0, Direction::Newer), Some(0), "around the end");
        buffer.look_for("nothing of the kind");
        assert_eq!(buffer.find(0, Direction::Newer), None);
        buffer.look_for("");
        assert_eq!(buffer.search(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn bounds_numbers_and_matches_hold_whatever_comes(
            lines in proptest::collection::vec((0_usize..3, 0_usize..600_000), 0..40),
            early in 0_usize..40,
        ) {
            let mut buffer = LogBuffer::default();
            for (at, (kind, length)) in lines.iter().enumerate() {
                if at == early {
                    buffer.look_for("ab");
                }
                match kind {
                    0 => buffer.take(&line(&"x".repeat(*length))),
                    1 => buffer.take(&line(&format!("\u{1b}[31mA\u{1b}[0mb {}", "y".repeat(*length)))),
                    _ => buffer.push(LogEntry::Restarted),
                }
                prop_assert_eq!(buffer.end(), at as u64 + 1);
                prop_assert!(buffer.len() <= MOST_LOG_LINES && buffer.bytes <= MOST_LOG_BYTES);
                prop_assert_eq!(buffer.bytes, buffer.entries().map(LogEntry::bytes).sum::<usize>());
            }
            if let Some(search) = buffer.search().cloned() {
                buffer.look_for("ab");
                prop_assert_eq!(Some(search.matches), buffer.search().map(|search| search.matches.clone()));
            }
        }
    }
}
