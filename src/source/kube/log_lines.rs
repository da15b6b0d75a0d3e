//! The body of a log, cut into lines with their times; and where to go on after a connection has ended.

use crate::fleet::{LOG_LINE_BYTES, LogLine};
use crate::units::Time;

/// Room for the time in front of a line: `2026-11-21T12:00:00.123456789Z `, also with an offset.
const STAMP_BYTES: usize = 40;

/// The last line that was told: a log that is opened again begins with the second in which it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Resume {
    /// Nanoseconds since the Unix epoch of the newest line.
    last: Option<i128>,
    /// How many lines with just this time were told.
    equal: usize,
}

impl Resume {
    /// `sinceTime` of the next request: the API takes whole seconds (`metav1.Time`).
    pub(super) fn since(self) -> Option<Time> {
        let seconds = self.last?.div_euclid(1_000_000_000);
        Some(Time::from_seconds(i64::try_from(seconds).ok()?))
    }

    fn note(&mut self, stamp: i128) {
        if self.last == Some(stamp) {
            self.equal += 1;
        } else if self.last.is_none_or(|last| stamp > last) {
            *self = Self { last: Some(stamp), equal: 1 };
        }
    }
}

/// What has come of a log and is not told yet.
#[derive(Debug, Default)]
pub(super) struct LogLines {
    /// The beginning of a line whose end has not come, as much of it as is kept.
    partial: Vec<u8>,
    /// How many bytes of it are not kept.
    cut_bytes: usize,
    /// Whole lines.
    ready: Vec<LogLine>,
    /// The last line that was told.
    resume: Resume,
    /// What was told before this connection, and is told again at its beginning.
    told: Resume,
}

impl LogLines {
    /// Another connection begins: what it repeats is left out, and an unfinished line comes again.
    pub(super) fn reopen(&mut self) {
        self.drop_partial();
        self.told = self.resume;
    }

    /// Where to go on.
    pub(super) fn resume(&self) -> Resume {
        self.resume
    }

    /// Takes a piece of the body.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let mut pieces = piece.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = pieces.next() {
            self.extend(part);
            if pieces.peek().is_some() {
                self.finish();
            }
        }
    }

    /// What stands behind the last end of line is a line: the container has ended.
    pub(super) fn finish_last(&mut self) {
        if !self.partial.is_empty() {
            self.finish();
        }
    }

    /// How many lines wait to be told.
    pub(super) fn waiting(&self) -> usize {
        self.ready.len()
    }

    /// The lines that wait to be told.
    pub(super) fn take(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.ready)
    }

    fn extend(&mut self, part: &[u8]) {
        let room = (LOG_LINE_BYTES + STAMP_BYTES).saturating_sub(self.partial.len());
        let (kept, cut) = part.split_at(part.len().min(room));
        self.partial.extend_from_slice(kept);
        self.cut_bytes = self.cut_bytes.saturating_add(cut.len());
    }

    fn drop_partial(&mut self) {
        self.partial.clear();
        self.cut_bytes = 0;
    }

    fn finish(&mut self) {
        let text = String::from_utf8_lossy(&self.partial).into_owned();
        let mut cut_bytes = self.cut_bytes;
        self.drop_partial();
        let (stamp, text) = stamped(&text);
        if stamp.is_some_and(|stamp| self.was_told(stamp)) {
            return;
        }
        let kept = text.get(..text.floor_char_boundary(LOG_LINE_BYTES)).unwrap_or(text);
        cut_bytes = cut_bytes.saturating_add(text.len() - kept.len());
        if let Some(stamp) = stamp {
            self.resume.note(stamp);
        }
        self.ready.push(LogLine { at: stamp.and_then(time), text: kept.to_owned(), cut_bytes });
    }

    /// Whether a line of this time was told on a connection before.
    fn was_told(&mut self, stamp: i128) -> bool {
        let Some(last) = self.told.last else { return false };
        if stamp == last && self.told.equal > 0 {
            self.told.equal -= 1;
            return true;
        }
        stamp < last
    }
}

fn time(nanos: i128) -> Option<Time> {
    Some(Time::from_micros(i64::try_from(nanos.div_euclid(1_000)).ok()?))
}

/// The time in front of a line in nanoseconds, and its text. A line that begins otherwise is all text.
fn stamped(line: &str) -> (Option<i128>, &str) {
    let (stamp, text) = line.split_once(' ').unwrap_or((line, ""));
    let parsed: Option<jiff::Timestamp> = stamp.parse().ok();
    parsed.map_or((None, line), |stamp| (Some(stamp.as_nanosecond()), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: &str = "2026-11-21T12:00:00";

    fn texts(lines: &mut LogLines) -> Vec<String> {
        lines.take().into_iter().map(|line| line.text).collect()
    }

    fn written(lines: &mut LogLines, stamps: &[(&str, &str)]) {
        for (fraction, text) in stamps {
            lines.push(format!("{SECOND}{fraction}Z {text}\n").as_bytes());
        }
    }

    #[test]
    fn lines_are_the_same_however_the_body_comes_in_pieces() {
        let body = format!(
            "{SECOND}.5Z one\n{SECOND}.6Z \n{SECOND}.7Z \u{e9}\u{20ac} two words\nno stamp\n{SECOND}Z unfinished"
        );
        let whole = {
            let mut lines = LogLines::default();
            lines.push(body.as_bytes());
            lines.take()
        };
        assert_eq!(
            whole.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
            ["one", "", "é€ two words", "no stamp"]
        );
        assert_eq!(whole[0].at, Time::parse(&format!("{SECOND}.5Z")));
        assert_eq!(whole[3].at, None);
        for size in 1..12 {
            let mut lines = LogLines::default();
            body.as_bytes().chunks(size).for_each(|piece| lines.push(piece));
            assert_eq!(lines.take(), whole, "in pieces of {size}");
            lines.finish_last();
            assert_eq!(texts(&mut lines), ["unfinished"]);
        }
    }

    #[test]
    fn a_huge_line_is_cut_between_characters_and_bytes_that_are_no_text_are_marked() {
        let mut lines = LogLines::default();
        lines.push(format!("{SECOND}Z ").as_bytes());
        (0..5_000).for_each(|_| lines.push("€€€€€€€€€€".as_bytes()));
        assert!(lines.partial.len() <= LOG_LINE_BYTES + STAMP_BYTES);
        lines.push(b"\n\xff\xfe ok\n");
        let told = lines.take();
        assert!(told[0].text.len() <= LOG_LINE_BYTES && told[0].text.ends_with('\u{20ac}'));
        assert!(told[0].cut_bytes >= 150_000 - LOG_LINE_BYTES - STAMP_BYTES, "{}", told[0].cut_bytes);
        assert_eq!(told[1].text, "\u{fffd}\u{fffd} ok");
    }

    #[test]
    fn what_a_second_connection_repeats_is_told_once_and_nothing_is_left_out() {
        let mut lines = LogLines::default();
        written(&mut lines, &[(".1", "a"), (".25", "b"), (".25", "c")]);
        lines.push(format!("{SECOND}.25Z unfin").as_bytes());
        assert_eq!(texts(&mut lines), ["a", "b", "c"]);
        assert_eq!(lines.resume().since(), Time::parse(&format!("{SECOND}Z")));
        lines.reopen();
        written(&mut lines, &[(".1", "a"), (".25", "b"), (".25", "c"), (".25", "unfinished"), (".3", "d")]);
        assert_eq!(texts(&mut lines), ["unfinished", "d"]);
        lines.reopen();
        written(&mut lines, &[(".3", "d"), (".300000001", "e")]);
        assert_eq!(texts(&mut lines), ["e"]);
    }
}
