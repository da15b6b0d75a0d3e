//! Line numbers of byte positions in a text.

/// Where the lines of a text begin. Made once for a text, so that a file with many values is not counted from its
/// beginning for each of them.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    /// Of this text.
    pub(super) fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The number of the line, from 1, in which a byte is, and the position at which this line begins.
    pub(super) fn at(&self, byte: usize) -> (usize, usize) {
        let number = self.0.partition_point(|start| *start <= byte);
        (number, number.checked_sub(1).and_then(|index| self.0.get(index)).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn line_numbers_and_starts_equal_a_count_from_the_beginning() {
        for text in ["", "a", "a\n", "\n\na\r\nbc\n", "one\ntwo\n\nthree"] {
            let lines = Lines::of(text);
            for at in 0..=text.len() {
                let before = &text[..at];
                let start = before.rfind('\n').map_or(0, |at| at + 1);
                assert_eq!(lines.at(at), (before.matches('\n').count() + 1, start), "{at} in {text:?}");
            }
        }
    }
}
