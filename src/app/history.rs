//! Lines that were typed earlier.

use super::PromptKind;

/// How many filters, commands and searches each are remembered.
const MOST_LINES: usize = 50;

/// Filters, commands and searches of this session, each the newest last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History {
    filters: Vec<String>,
    commands: Vec<String>,
    searches: Vec<String>,
}

/// Which line is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recall {
    /// The one before.
    Older,
    /// The one after.
    Newer,
}

impl History {
    /// Remembers a line; one that was typed before moves to the end.
    pub fn add(&mut self, kind: PromptKind, line: &str) {
        if line.is_empty() {
            return;
        }
        let lines = match kind {
            PromptKind::Filter => &mut self.filters,
            PromptKind::Command => &mut self.commands,
            PromptKind::Search => &mut self.searches,
        };
        lines.retain(|known| known != line);
        lines.push(line.to_owned());
        let surplus = lines.len().saturating_sub(MOST_LINES);
        lines.drain(..surplus);
    }

    /// The line before or after the one of this index (`None`: after all of them), with its index; an empty line after the
    /// newest. `None` where there is no other.
    pub fn recall(&self, kind: PromptKind, from: Option<usize>, which: Recall) -> Option<(Option<usize>, String)> {
        let lines = match kind {
            PromptKind::Filter => &self.filters,
            PromptKind::Command => &self.commands,
            PromptKind::Search => &self.searches,
        };
        let from = from.unwrap_or(lines.len());
        let at = match which {
            Recall::Older => from.checked_sub(1)?,
            Recall::Newer => Some(from + 1).filter(|at| *at <= lines.len())?,
        };
        Some(lines.get(at).map_or((None, String::new()), |line| (Some(at), line.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_recalled_from_the_newest_to_the_oldest_and_back() {
        let mut history = History::default();
        for line in ["a", "b", "", "a"] {
            history.add(PromptKind::Filter, line);
        }
        let kind = PromptKind::Filter;
        assert_eq!(history.recall(kind, None, Recall::Older), Some((Some(1), "a".to_owned())));
        assert_eq!(history.recall(kind, Some(1), Recall::Older), Some((Some(0), "b".to_owned())));
        assert_eq!(history.recall(kind, Some(0), Recall::Older), None);
        assert_eq!(history.recall(kind, Some(0), Recall::Newer), Some((Some(1), "a".to_owned())));
        assert_eq!(history.recall(kind, Some(1), Recall::Newer), Some((None, String::new())));
        assert_eq!(history.recall(PromptKind::Command, None, Recall::Older), None);
    }

    #[test]
    fn only_so_many_lines_are_remembered() {
        let mut history = History::default();
        (0..200).for_each(|line| history.add(PromptKind::Command, &line.to_string()));
        assert_eq!(history.commands.len(), MOST_LINES);
        assert_eq!(history.commands.last().map(String::as_str), Some("199"));
    }
}
