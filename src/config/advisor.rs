//! The data of the Spot Instance Advisor, `spot-advisor-data.json`, as AWS publishes it.
//!
//! Of every region and instance type the range for Linux is read, and nothing else. A file with a mistake is not used at
//! all.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::problem::{Place, Problem};
use crate::fleet::{Advisor, AdvisorRange, Interner};
use crate::units::Time;

/// AWS has some 35 regions.
const MAX_REGIONS: usize = 256;

/// AWS has some 1,400 instance types.
const MAX_TYPES: usize = 8_192;

/// Longer names are none of a region or an instance type.
const MAX_NAME_BYTES: usize = 64;

/// Reads the file; `as_of` is when it was written.
///
/// # Errors
/// When it is no such data, or its ranges are not those that batchtop knows.
pub fn parse(file: &str, text: &str, as_of: Time) -> Result<Advisor, Problem> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|error| problem(file, text, &error))?;
    if let Some(problem) = document.ranges.iter().find_map(|entry| entry.problem(file, text)) {
        return Err(problem);
    }
    let mut interner = Interner::default();
    let mut advisor = Advisor { file: file.to_owned(), as_of, ..Advisor::default() };
    for (region, systems) in &document.spot_advisor.0 {
        let types = systems.linux.0.iter().map(|(name, entry)| (interner.sym(name), entry.r.0)).collect();
        advisor.regions.insert(interner.sym(region), types);
    }
    if advisor.entries() == 0 {
        return Err(Problem::of_file(file, "has no instance type for Linux in spot_advisor"));
    }
    Ok(advisor)
}

fn problem(file: &str, text: &str, error: &serde_json::Error) -> Problem {
    let words = error.to_string();
    // The place stands before the message, as in other files.
    let message = words.split(" at line ").next().unwrap_or_default().to_owned();
    // Columns are counted in bytes there.
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before = line.as_bytes().get(..error.column()).map(|bytes| String::from_utf8_lossy(bytes).chars().count());
    let place = Place { file: file.to_owned(), line: error.line(), column: before.unwrap_or(error.column()) };
    Problem { place, key: String::new(), message }
}

#[derive(Deserialize)]
struct Document<'a> {
    /// What the ranges are.
    #[serde(default)]
    ranges: Vec<RangeEntry>,
    #[serde(borrow)]
    spot_advisor: Named<'a, Systems<'a>, MAX_REGIONS>,
}

#[derive(Deserialize)]
struct Systems<'a> {
    #[serde(borrow, default, rename = "Linux")]
    linux: Named<'a, Entry, MAX_TYPES>,
}

#[derive(Deserialize)]
struct Entry {
    r: Range,
}

/// The index of a range.
struct Range(AdvisorRange);

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(RangeVisitor)
    }
}

/// A mistake is found while the number is read, so that it has the place of the number.
struct RangeVisitor;

impl Visitor<'_> for RangeVisitor {
    type Value = Range;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the index of a range, 0 to 4")
    }

    fn visit_u64<E: Error>(self, index: u64) -> Result<Range, E> {
        range(index).map(Range).ok_or_else(|| E::custom(format!("unknown range: {index}; AWS writes 0 to 4")))
    }
}

fn range(index: u64) -> Option<AdvisorRange> {
    u8::try_from(index).ok().and_then(AdvisorRange::of_index)
}

/// What an index means.
#[derive(Deserialize)]
struct RangeEntry {
    index: u64,
    label: String,
}

impl RangeEntry {
    /// Another meaning of an index would make every risk wrong.
    fn problem(&self, file: &str, text: &str) -> Option<Problem> {
        let known = range(self.index).map(AdvisorRange::name);
        if known == Some(self.label.as_str()) {
            return None;
        }
        let Self { index, label } = self;
        let known = known.unwrap_or("none");
        let message = format!("range {index} is {label:?} here; this batchtop knows it as {known:?}");
        let line = text.lines().position(|line| line.contains(label.as_str())).map_or(0, |line| line + 1);
        Some(Problem { place: Place { file: file.to_owned(), line, column: 0 }, key: "ranges".to_owned(), message })
    }
}

/// A JSON object with so many names at most, in the order of the file.
struct Named<'a, T, const MOST: usize>(Vec<(Cow<'a, str>, T)>);

impl<T, const MOST: usize> Default for Named<'_, T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Named<'a, T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for NamedVisitor<T, MOST> {
    type Value = Named<'de, T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut named = Vec::new();
        while let Some((name, value)) = map.next_entry::<Name<'de>, T>()? {
            if named.len() >= MOST {
                return Err(Error::custom(format!("has more than {MOST} names; it is no data of the advisor")));
            }
            named.push((name.0, value));
        }
        Ok(Named(named))
    }
}

/// The name of a region or an instance type.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Text<'t>(#[serde(borrow)] Cow<'t, str>);
        let Text(name) = Text::deserialize(deserializer)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_plain) {
            return Err(Error::custom("a name is none of a region or an instance type"));
        }
        Ok(Self(name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RANGES: &str = r#"[{"index":0,"label":"<5%","dots":0,"max":5},{"index":1,"label":"5-10%","dots":1,"max":11},
        {"index":2,"label":"10-15%","dots":2,"max":16},{"index":3,"label":"15-20%","dots":3,"max":22},
        {"index":4,"label":">20%","dots":4,"max":100}]"#;

    const AT: Time = Time::from_seconds(1_790_000_000);

    fn file(advisor: &str) -> String {
        format!(
            "{{\"global_rate\":\"<10%\",\n\"ranges\":{RANGES},\n\"instance_types\":{{\"g5.xlarge\":{{\"emr\":true,\"cores\":4}}}},\n\
             \"spot_advisor\":{advisor}}}"
        )
    }

    #[test]
    fn the_range_of_each_type_and_region_is_read_for_linux() {
        let text = file(
            r#"{"us-east-1":{"Windows":{"g5.xlarge":{"s":1,"r":0}},"Linux":{"g5.xlarge":{"s":59,"r":4},"m5.large":{"r":0}}},
                "eu-west-1":{"Linux":{"g5.xlarge":{"s":59,"r":2}}},"eu-west-2":{}}"#,
        );
        let advisor = parse("a.json", &text, AT).expect("no mistake");
        let range = |region, name| advisor.range(region, name, AT).map(AdvisorRange::name);
        assert_eq!(range("us-east-1", "g5.xlarge"), Some(">20%"));
        assert_eq!((range("us-east-1", "m5.large"), range("eu-west-1", "g5.xlarge")), (Some("<5%"), Some("10-15%")));
        assert_eq!((range("eu-west-1", "m5.large"), advisor.entries(), advisor.as_of), (None, 3, AT));
    }

    #[test]
    fn a_mistake_names_line_and_column() {
        for (text, (place, words)) in [
            (
                file(r#"{"us-east-1":{"Linux":{"g5.xlarge":{"s":59,"r":5}}}}"#),
                ("a.json:6:63: ", "unknown range: 5; AWS writes 0 to 4"),
            ),
            (file(r#"{"us-east-1":{"Linux":[]}}"#), ("a.json:6:", "expected an object")),
            (file("{}"), ("a.json: ", "has no instance type")),
            (file(r#"{"us east":{"Linux":{}}}"#), ("a.json:6:", "a name is none of a region")),
            (file("{}").replace("5-10%", "5-8%"), ("a.json:2: ranges: ", "range 1 is \"5-8%\" here")),
            ("{\n\"ranges\": 3}".to_owned(), ("a.json:2:", "invalid type")),
            ("{}".to_owned(), ("a.json:1:", "missing field `spot_advisor`")),
            ("<Error/>".to_owned(), ("a.json:1:1: ", "expected value")),
            (String::new(), ("a.json:1", "EOF")),
        ] {
            let problem = parse("a.json", &text, AT).expect_err(&text).to_string();
            assert!(problem.starts_with(place) && problem.contains(words), "{problem}\n{text}");
        }
    }

    #[test]
    fn names_are_limited_in_number_and_length() {
        let regions = |count: usize| {
            let region = |n| format!("\"r-{n}\":{{\"Linux\":{{\"a.b\":{{\"r\":1}}}}}}");
            file(&format!("{{{}}}", (0..count).map(region).collect::<Vec<_>>().join(",")))
        };
        assert_eq!(parse("a", &regions(MAX_REGIONS), AT).expect("no mistake").entries(), MAX_REGIONS);
        assert!(parse("a", &regions(MAX_REGIONS + 1), AT).is_err());
        let long = "r".repeat(MAX_NAME_BYTES + 1);
        assert!(parse("a", &file(&format!("{{\"{long}\":{{}}}}")), AT).is_err());
    }

    proptest! {
        #[test]
        fn whatever_the_file_holds_it_is_read_or_told_with_its_place(text in "[\\[{\"r:,}\\]0-9a-zé\n]{0,80}") {
            if let Err(problem) = parse("a.json", &text, AT) {
                prop_assert_eq!(problem.place.file.as_str(), "a.json");
                prop_assert!(problem.place.line <= text.lines().count().max(1) + 1);
            }
        }
    }
}
