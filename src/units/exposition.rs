//! Pages of metrics as exporters serve them: the Prometheus text exposition format 0.0.4 and OpenMetrics text 1.0.
//!
//! Everything borrows from the page. A line that cannot be read is counted, and the lines after it are still read.
//! Exemplars and comments other than HELP and TYPE are skipped; names in quotes (Prometheus 3) count as unreadable,
//! because exporters write them only for those who ask.
//!
//! Sources: <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md> and
//! <https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>.

use std::borrow::Cow;
use std::fmt;

/// Samples that are read of one page; an exporter of 5,000 nodes with 100 metrics each stays below.
pub const MAX_SAMPLES: usize = 1_000_000;

/// Length of a line that is read; exporters stay below 4 KiB.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// What stands between the parts of a line. Carriage returns are tolerated at its end.
const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// A line of a page other than comments.
#[derive(Clone, PartialEq, Debug)]
pub enum Entry<'a> {
    /// `# HELP name text`.
    Help {
        /// Name of the metric family.
        name: &'a str,
        /// The text without its escapes.
        text: Cow<'a, str>,
    },
    /// `# TYPE name type`.
    Type {
        /// Name of the metric family.
        name: &'a str,
        /// Type of its samples.
        kind: MetricType,
    },
    /// `name{label="value"} 1.5 1790000000000`.
    Sample(Sample<'a>),
}

/// The types of both formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricType {
    /// Counter: only increases, or restarts at zero.
    Counter,
    /// Gauge: increases and decreases.
    Gauge,
    /// Counts in buckets.
    Histogram,
    /// A histogram that also goes down (OpenMetrics).
    GaugeHistogram,
    /// Quantiles of observations, with their sum and count.
    Summary,
    /// Text in labels (OpenMetrics).
    Info,
    /// One of several states (OpenMetrics).
    StateSet,
    /// `untyped`, in OpenMetrics `unknown`.
    Unknown,
}

impl MetricType {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "untyped" | "unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

/// One sample of a page.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample<'a> {
    /// Name of the metric.
    pub name: &'a str,
    /// Labels in the order of the page.
    pub labels: Labels<'a>,
    /// Value; may be NaN or infinite.
    pub value: f64,
    /// As written: milliseconds since 1970 in the format of Prometheus, seconds in OpenMetrics.
    pub timestamp: Option<f64>,
}

/// The labels of a sample, in the order of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Labels<'a> {
    /// What stands between the braces; every label in it has been read once without a defect.
    text: &'a str,
}

impl<'a> Labels<'a> {
    /// The value of a label, without its escapes.
    pub fn get(self, wanted: &str) -> Option<Cow<'a, str>> {
        self.into_iter().find_map(|(name, value)| (name == wanted).then_some(value))
    }
}

impl<'a> IntoIterator for Labels<'a> {
    type Item = (&'a str, Cow<'a, str>);
    type IntoIter = LabelsIter<'a>;

    fn into_iter(self) -> LabelsIter<'a> {
        LabelsIter { rest: self.text }
    }
}

/// Name and value of each label.
#[derive(Clone, Debug)]
pub struct LabelsIter<'a> {
    rest: &'a str,
}

impl<'a> Iterator for LabelsIter<'a> {
    type Item = (&'a str, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let (label, rest) = label(self.rest.trim_start_matches(BLANKS)).ok()?;
        self.rest = rest.trim_start_matches(BLANKS).trim_start_matches(',');
        Some((label.name, unescaped(label.raw)))
    }
}

/// Why a line is unreadable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// The line does not begin with a metric name.
    Name,
    /// Its labels are not written `{name="value",…}`.
    Labels,
    /// The value is not a number.
    Value,
    /// The timestamp is not a number.
    Timestamp,
    /// Something follows that is no exemplar.
    Trailing,
    /// HELP or TYPE without a name, or of an unknown type.
    Metadata,
    /// The line is not UTF-8.
    Encoding,
    /// The line is longer than [`MAX_LINE_BYTES`].
    TooLong,
    /// It is beyond [`MAX_SAMPLES`]: neither it nor what follows is read.
    TooManySamples,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("it does not begin with the name of a metric"),
            Self::Labels => f.write_str("its labels are not written {name=\"value\"}"),
            Self::Value => f.write_str("its value is not a number"),
            Self::Timestamp => f.write_str("its timestamp is not a number"),
            Self::Trailing => f.write_str("something follows the number"),
            Self::Metadata => f.write_str("it is no valid HELP or TYPE"),
            Self::Encoding => f.write_str("it is not UTF-8"),
            Self::TooLong => write!(f, "it is longer than {MAX_LINE_BYTES} bytes"),
            Self::TooManySamples => write!(f, "it is beyond {MAX_SAMPLES} samples, where reading ends"),
        }
    }
}

/// A line that could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadLine {
    /// Line number, from 1.
    pub line: usize,
    /// Defect of the line.
    pub defect: Defect,
}

/// The lines of a page that could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadLines {
    /// Number of unreadable lines.
    pub count: usize,
    /// The first of them.
    pub first: BadLine,
}

/// `3 unreadable lines, the first is line 12: its value is not a number`.
impl fmt::Display for BadLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BadLine { line, defect } = self.first;
        match self.count {
            1 => write!(f, "line {line} is unreadable: {defect}"),
            count => write!(f, "{count} unreadable lines, the first is line {line}: {defect}"),
        }
    }
}

/// Reads a page, line by line.
#[derive(Clone, Debug)]
pub struct Exposition<'a> {
    rest: &'a [u8],
    line: usize,
    samples: usize,
    bad: Option<BadLines>,
}

impl<'a> Exposition<'a> {
    /// Starts at the head of a page. Bytes, because one line in a wrong encoding must not spoil the others.
    pub const fn new(page: &'a [u8]) -> Self {
        Self { rest: page, line: 0, samples: 0, bad: None }
    }

    /// The samples alone.
    pub fn samples(&mut self) -> impl Iterator<Item = Sample<'a>> {
        self.filter_map(|entry| match entry {
            Entry::Sample(sample) => Some(sample),
            Entry::Help { .. } | Entry::Type { .. } => None,
        })
    }

    /// Unreadable lines so far.
    pub const fn bad_lines(&self) -> Option<BadLines> {
        self.bad
    }

    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let mut parts = self.rest.splitn(2, |byte| *byte == b'\n');
        let line = parts.next()?;
        self.rest = parts.next().unwrap_or_default();
        Some(line)
    }

    fn end(&mut self) {
        self.rest = &[];
    }

    fn note(&mut self, defect: Defect) {
        let first = BadLine { line: self.line, defect };
        self.bad.get_or_insert(BadLines { count: 0, first }).count += 1;
    }

    /// The sample, unless there have been too many.
    fn counted(&mut self, sample: Sample<'a>) -> Option<Entry<'a>> {
        if self.samples == MAX_SAMPLES {
            self.note(Defect::TooManySamples);
            self.end();
            return None;
        }
        self.samples += 1;
        Some(Entry::Sample(sample))
    }
}

impl<'a> Iterator for Exposition<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let line = self.next_line()?;
            match parse_line(line) {
                Ok(Line::Entry(Entry::Sample(sample))) => return self.counted(sample),
                Ok(Line::Entry(entry)) => return Some(entry),
                Ok(Line::Comment) => {}
                Ok(Line::EndOfPage) => self.end(),
                Err(defect) => self.note(defect),
            }
        }
    }
}

/// A line by what it holds.
enum Line<'a> {
    Entry(Entry<'a>),
    /// An empty line, or a comment.
    Comment,
    /// `# EOF` of OpenMetrics.
    EndOfPage,
}

fn parse_line(line: &[u8]) -> Result<Line<'_>, Defect> {
    if line.len() > MAX_LINE_BYTES {
        return Err(Defect::TooLong);
    }
    let line = std::str::from_utf8(line).map_err(|_| Defect::Encoding)?.trim_matches(BLANKS);
    match line.strip_prefix('#') {
        Some(comment) => metadata(comment),
        None if line.is_empty() => Ok(Line::Comment),
        None => sample(line).map(|sample| Line::Entry(Entry::Sample(sample))),
    }
}

/// Classifies the text after a `#`.
fn metadata(comment: &str) -> Result<Line<'_>, Defect> {
    let (keyword, rest) = comment.strip_prefix(BLANKS).map(word).unwrap_or_default();
    match keyword {
        "EOF" if rest.is_empty() => Ok(Line::EndOfPage),
        "HELP" => help(rest).map(Line::Entry),
        "TYPE" => metric_type(rest).map(Line::Entry),
        _ => Ok(Line::Comment),
    }
}

fn help(rest: &str) -> Result<Entry<'_>, Defect> {
    let (name, text) = metric_name(rest).ok_or(Defect::Metadata)?;
    if text.starts_with(|c| !BLANKS.contains(&c)) {
        return Err(Defect::Metadata);
    }
    Ok(Entry::Help { name, text: unescaped(text.trim_start_matches(BLANKS)) })
}

fn metric_type(rest: &str) -> Result<Entry<'_>, Defect> {
    let (name, kind) = metric_name(rest).ok_or(Defect::Metadata)?;
    let kind = kind.strip_prefix(BLANKS).and_then(|kind| MetricType::parse(kind.trim_start_matches(BLANKS)));
    Ok(Entry::Type { name, kind: kind.ok_or(Defect::Metadata)? })
}

fn sample(line: &str) -> Result<Sample<'_>, Defect> {
    let (name, rest) = metric_name(line).ok_or(Defect::Name)?;
    if rest.starts_with(|c| c != '{' && !BLANKS.contains(&c)) {
        return Err(Defect::Name);
    }
    let rest = rest.trim_start_matches(BLANKS);
    let (labels, rest) = rest.strip_prefix('{').map_or(Ok((Labels::default(), rest)), label_block)?;
    let (numbers, exemplar) = rest.split_once('#').unwrap_or((rest, "{"));
    let (value, numbers) = word(numbers);
    let (timestamp, trailing) = word(numbers);
    if !trailing.is_empty() || !exemplar.trim_start_matches(BLANKS).starts_with('{') {
        return Err(Defect::Trailing);
    }
    let value = value.parse().map_err(|_| Defect::Value)?;
    let timestamp = Some(timestamp).filter(|text| !text.is_empty()).map(parse_timestamp).transpose()?;
    Ok(Sample { name, labels, value, timestamp })
}

fn parse_timestamp(text: &str) -> Result<f64, Defect> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or(Defect::Timestamp)
}

/// The labels up to the closing brace, and what follows it.
fn label_block(inside: &str) -> Result<(Labels<'_>, &str), Defect> {
    let mut rest = inside.trim_start_matches(BLANKS);
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            let text = inside.get(..inside.len() - rest.len()).unwrap_or_default();
            return Ok((Labels { text }, after));
        }
        let (_, after) = label(rest)?;
        let after = after.trim_start_matches(BLANKS);
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start_matches(BLANKS),
            None if after.starts_with('}') => after,
            None => return Err(Defect::Labels),
        };
    }
}

/// A label as it stands on the page.
struct Label<'a> {
    name: &'a str,
    /// The value with its escapes.
    raw: &'a str,
}

/// `name="value"`, and what follows it.
fn label(text: &str) -> Result<(Label<'_>, &str), Defect> {
    let (name, rest) = name(text, |c| c == '_').ok_or(Defect::Labels)?;
    let value = rest.trim_start_matches(BLANKS).strip_prefix('=').ok_or(Defect::Labels)?;
    let value = value.trim_start_matches(BLANKS).strip_prefix('"').ok_or(Defect::Labels)?;
    let (raw, rest) = until_quote(value).ok_or(Defect::Labels)?;
    Ok((Label { name, raw }, rest))
}

/// The text before the next quote that is not escaped, and the text behind it.
fn until_quote(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    let (before, quote) = text.split_at_checked(end)?;
    Some((before, quote.strip_prefix('"')?))
}

fn metric_name(text: &str) -> Option<(&str, &str)> {
    name(text, |c| c == '_' || c == ':')
}

/// Letters, digits and what else is allowed, not beginning with a digit; and what follows.
fn name(text: &str, is_allowed: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !is_allowed(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    name.starts_with(|c: char| !c.is_ascii_digit()).then_some((name, rest))
}

/// The next word, empty at the end, and what follows it without blanks in front.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(BLANKS);
    let (word, rest) = text.split_once(BLANKS).unwrap_or((text, ""));
    (word, rest.trim_start_matches(BLANKS))
}

/// What may follow a backslash in the value of a label or in HELP, and what both together stand for.
const ESCAPES: [(char, char); 3] = [('\\', '\\'), ('"', '"'), ('n', '\n')];

/// A text without its escapes. As Prometheus does, a backslash before anything else stays.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let meaning = after.chars().next().and_then(|c| ESCAPES.iter().find(|(written, _)| *written == c));
        if let Some((written, meant)) = meaning {
            plain.push(*meant);
            rest = after.strip_prefix(*written).unwrap_or(after);
        } else {
            plain.push('\\');
            rest = after;
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    /// Labels as a reader sees them.
    fn labels(sample: &Sample<'_>) -> Vec<(String, String)> {
        sample.labels.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect()
    }

    fn only_sample(line: &str) -> Sample<'_> {
        let mut page = Exposition::new(line.as_bytes());
        let mut samples: Vec<_> = page.samples().collect();
        assert_eq!(page.bad_lines(), None, "{line}");
        assert_eq!(samples.len(), 1, "{line}");
        samples.remove(0)
    }

    #[test]
    fn unusual_but_valid_exposition_lines_are_read() {
        let cases: &[(&str, &str, Pairs<'_>, f64, Option<f64>)] = &[
            ("up 1", "up", &[], 1.0, None),
            ("up{} 1", "up", &[], 1.0, None),
            ("  up \t 1 \r", "up", &[], 1.0, None),
            ("up{ } 1", "up", &[], 1.0, None),
            ("ns:up:sum{a=\"b\"}1", "ns:up:sum", &[("a", "b")], 1.0, None),
            ("a{b=\"}\"} 2", "a", &[("b", "}")], 2.0, None),
            ("a{b=\"x,c=\\\"y\\\"\"} 2", "a", &[("b", "x,c=\"y\"")], 2.0, None),
            ("a{b=\"1,2\",c=\"{}\"} 2", "a", &[("b", "1,2"), ("c", "{}")], 2.0, None),
            (r#"a{b="C:\\DIR\\",c="x"} 2"#, "a", &[("b", r"C:\DIR\"), ("c", "x")], 2.0, None),
            (r#"a{b="one\ntwo"} 2"#, "a", &[("b", "one\ntwo")], 2.0, None),
            (r#"a{b="\t\\n"} 2"#, "a", &[("b", r"\t\n")], 2.0, None),
            ("a{b=\"\",} 2", "a", &[("b", "")], 2.0, None),
            ("a { b = \"c\" , d = \"e\" , } 2", "a", &[("b", "c"), ("d", "e")], 2.0, None),
            ("a{b=\"späte # Läufe\"} 2", "a", &[("b", "späte # Läufe")], 2.0, None),
            ("a{b=\"c\"} 1.006 1790000000", "a", &[("b", "c")], 1.006, Some(1_790_000_000.0)),
            ("a 1 1520879607.789", "a", &[], 1.0, Some(1_520_879_607.789)),
            ("a 1e-05", "a", &[], 1e-5, None),
            ("a +Inf", "a", &[], f64::INFINITY, None),
            ("a -Inf -3982045", "a", &[], f64::NEG_INFINITY, Some(-3_982_045.0)),
            ("a_bucket{le=\"+Inf\"} 17 # {trace_id=\"x # y\"} 0.67 152.5", "a_bucket", &[("le", "+Inf")], 17.0, None),
            ("a 17 152.5 # {} 0.67", "a", &[], 17.0, Some(152.5)),
        ];
        for (line, name, wanted, value, timestamp) in cases {
            let sample = only_sample(line);
            let found = labels(&sample);
            let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!((sample.name, found.as_slice()), (*name, *wanted), "{line}");
            assert_eq!((sample.value.to_bits(), sample.timestamp), (value.to_bits(), *timestamp), "{line}");
        }
        assert!(only_sample("a NaN").value.is_nan());
    }

    #[test]
    fn lines_outside_the_format_are_refused_with_the_reason() {
        let cases = [
            ("1up 1", Defect::Name),
            ("{a=\"b\"} 1", Defect::Name),
            ("node.up 1", Defect::Name),
            ("a{b=\"c\" 1", Defect::Labels),
            ("a{b=\"c} 1", Defect::Labels),
            ("a{b=c} 1", Defect::Labels),
            ("a{,} 1", Defect::Labels),
            ("a{b=\"c\"d=\"e\"} 1", Defect::Labels),
            ("a{b:c=\"d\"} 1", Defect::Labels),
            ("a{b=\"c\\\"} 1", Defect::Labels),
            ("a", Defect::Value),
            ("a{b=\"c\"}", Defect::Value),
            ("a one", Defect::Value),
            ("a 1 now", Defect::Timestamp),
            ("a 1 NaN", Defect::Timestamp),
            ("a 1 2 3", Defect::Trailing),
            ("a 1 # two", Defect::Trailing),
            ("# TYPE a number", Defect::Metadata),
            ("# TYPE", Defect::Metadata),
            ("# HELP", Defect::Metadata),
        ];
        for (line, defect) in cases {
            let mut page = Exposition::new(line.as_bytes());
            assert_eq!(page.next(), None, "{line}");
            let first = BadLine { line: 1, defect };
            assert_eq!(page.bad_lines(), Some(BadLines { count: 1, first }), "{line}");
        }
    }

    #[test]
    fn a_page_is_read_past_its_bad_lines() {
        let page = b"# HELP a Two\\nlines, a \\\\ and a \\x\n# TYPE a counter\n\n# just a comment\n#HELP\n\
            a_total 1\na_total one\n\xff 2\na_total 3\n# UNIT a bytes\n# EOF\na_total 4\n";
        let mut page = Exposition::new(page);
        let entries: Vec<_> = page.by_ref().collect();
        let sample =
            |value| Entry::Sample(Sample { name: "a_total", labels: Labels::default(), value, timestamp: None });
        let wanted = [
            Entry::Help { name: "a", text: "Two\nlines, a \\ and a \\x".into() },
            Entry::Type { name: "a", kind: MetricType::Counter },
            sample(1.0),
            sample(3.0),
        ];
        assert_eq!(entries, wanted);
        let bad = page.bad_lines().expect("two bad lines");
        assert_eq!(bad.to_string(), "2 unreadable lines, the first is line 7: its value is not a number");
    }

    #[test]
    fn overlong_lines_and_pages_are_cut_at_their_limits() {
        let long = format!("a{{b=\"{}\"}} 1\na 2\n", "x".repeat(MAX_LINE_BYTES));
        let mut page = Exposition::new(long.as_bytes());
        assert_eq!(page.samples().map(|sample| sample.value).collect::<Vec<_>>(), [2.0]);
        assert_eq!(page.bad_lines().map(|bad| bad.first.defect), Some(Defect::TooLong));

        let many = "a 1\n".repeat(MAX_SAMPLES + 2);
        let mut page = Exposition::new(many.as_bytes());
        assert_eq!(page.samples().count(), MAX_SAMPLES);
        let first = BadLine { line: MAX_SAMPLES + 1, defect: Defect::TooManySamples };
        assert_eq!(page.bad_lines(), Some(BadLines { count: 1, first }));
    }

    /// A label value as an exporter writes it.
    fn escaped(text: &str) -> String {
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(page in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut page = Exposition::new(&page);
            let read: Vec<_> = page.samples().map(|sample| labels(&sample)).collect();
            prop_assert!(read.len() + page.bad_lines().map_or(0, |bad| bad.count) <= 401);
        }

        #[test]
        fn near_valid_text_is_read_without_a_panic(page in "([a{}=\",\\\\n #1\n]|# EOF|# HELP |# TYPE |b=\"){0,60}") {
            let mut page = Exposition::new(page.as_bytes());
            for entry in page.by_ref() {
                if let Entry::Sample(sample) = entry {
                    labels(&sample);
                }
            }
        }

        #[test]
        fn a_written_sample_is_read_back(
            name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,9}",
            written in proptest::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,9}", any::<String>()), 0..4),
            value in any::<f64>(),
            timestamp in proptest::option::of(any::<i32>()),
        ) {
            let pairs: Vec<String> =
                written.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
            let time = timestamp.map(|time| format!(" {time}")).unwrap_or_default();
            let line = format!("{name}{{{}}} {value}{time}\n", pairs.join(","));
            let sample = only_sample(&line);
            prop_assert_eq!(sample.name, name);
            prop_assert_eq!(labels(&sample), written);
            prop_assert!(sample.value.to_bits() == value.to_bits() || sample.value.is_nan() && value.is_nan());
            prop_assert_eq!(sample.timestamp, timestamp.map(f64::from));
        }
    }
}
