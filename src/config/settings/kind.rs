//! What values settings take: how they are read from a file or a typed line, written as TOML, and described in the schema.

use serde_json::json;
use toml::de::DeValue;

use super::super::document::{Document, Value};
use super::table::Setting;
use crate::fleet::ServiceAddress;
use crate::units::duration;

/// What values a setting takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Name of a theme.
    Theme,
    /// Name of a keymap.
    Keymap,
    /// Names of namespaces.
    Namespaces,
    /// `true` or `false`.
    Switch,
    /// A whole number from 1 to 100.
    Percent,
    /// A whole number from 1 to this.
    Count(u32),
    /// A duration in the grammar of Kubernetes.
    Duration {
        /// The shortest, in seconds.
        least: i64,
        /// The longest, in seconds.
        most: i64,
        /// What is said of one that is shorter or longer.
        words: &'static str,
    },
    /// Key of an annotation.
    Annotation,
    /// A version like 1.14 or 1.14.1.
    Version,
    /// Port of a Service.
    Service,
    /// Names of columns of a screen, and `label:KEY`.
    Columns,
    /// Path of a file; a relative one is relative to the folder of `config.toml`.
    File,
}

/// The value of a setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SettingValue {
    /// A name, a path, a version, an address.
    Text(String),
    /// Yes or no.
    Switch(bool),
    /// A whole number from 1 to 100.
    Percent(u32),
    /// A whole number.
    Count(u32),
    /// A duration in seconds.
    Seconds(i64),
    /// Names, in their order.
    Names(Vec<String>),
}

impl SettingValue {
    /// As TOML.
    pub fn toml(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        match self {
            Self::Text(text) => quoted(text),
            Self::Switch(is_on) => is_on.to_string(),
            Self::Percent(number) | Self::Count(number) => number.to_string(),
            Self::Seconds(seconds) => quoted(&duration::format_compact(*seconds)),
            Self::Names(names) => {
                format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl SettingValue {
    /// As JSON, for the schema.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Switch(is_on) => json!(is_on),
            Self::Percent(number) | Self::Count(number) => json!(number),
            Self::Seconds(seconds) => json!(duration::format_compact(*seconds)),
            Self::Names(names) => json!(names),
        }
    }
}

impl Kind {
    /// Reads the value at `key`; a mistake is noted and gives `None`.
    pub(super) fn read<'t>(self, document: &mut Document<'t>, key: &str, value: &Value<'t>) -> Option<SettingValue> {
        match self {
            Self::Theme | Self::Keymap | Self::File => document.string(key, value).map(text),
            Self::Namespaces => namespaces(document, key, value).map(SettingValue::Names),
            Self::Columns => columns(document, key, value).map(SettingValue::Names),
            Self::Switch => document.boolean(key, value).map(SettingValue::Switch),
            Self::Percent => percent(document, key, value).map(SettingValue::Percent),
            Self::Count(most) => {
                let count = document.integer(key, value, 1..=i64::from(most))?;
                u32::try_from(count).ok().map(SettingValue::Count)
            }
            Self::Duration { least, most, words } => {
                let seconds = seconds(document, key, value)?;
                if (least..=most).contains(&seconds) {
                    return Some(SettingValue::Seconds(seconds));
                }
                document.note(&value.span(), key, words);
                None
            }
            Self::Annotation => annotation(document, key, value),
            Self::Version => version(document, key, value),
            Self::Service => service(document, key, value),
        }
    }

    /// A line that a person typed, as TOML: strings may be without quotes, lists without brackets.
    fn typed(self, text: &str) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        match self {
            Self::Switch => match text {
                "on" | "yes" => "true".to_owned(),
                "off" | "no" => "false".to_owned(),
                other => other.to_owned(),
            },
            Self::Percent => text.trim_end_matches('%').to_owned(),
            Self::Namespaces | Self::Columns if !text.starts_with('[') => {
                let names = text.split([',', ' ']).filter(|name| !name.is_empty()).map(quoted);
                format!("[{}]", names.collect::<Vec<_>>().join(", "))
            }
            Self::Namespaces | Self::Columns | Self::Count(_) => text.to_owned(),
            _ if text.starts_with(['"', '\'']) => text.to_owned(),
            _ => quoted(text),
        }
    }

    /// Values to choose from, where they are few and known.
    pub const fn choices(self) -> &'static [&'static str] {
        match self {
            Self::Switch => &["true", "false"],
            _ => &[],
        }
    }

    /// The part of the schema that says which values it takes.
    pub(super) fn schema(self) -> serde_json::Value {
        match self {
            Self::Theme | Self::Keymap | Self::File => json!({"type": "string"}),
            Self::Namespaces => json!({"type": "array", "items": {"type": "string", "pattern": NAMESPACE_PATTERN}}),
            Self::Columns => json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true}),
            Self::Switch => json!({"type": "boolean"}),
            Self::Percent => json!({"type": "integer", "minimum": 1, "maximum": 100}),
            Self::Count(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
            Self::Duration { .. } => json!({"type": "string", "pattern": DURATION_PATTERN}),
            Self::Annotation => json!({"type": "string", "pattern": ANNOTATION_PATTERN, "maxLength": MAX_KEY_BYTES}),
            Self::Version => json!({"type": "string", "pattern": VERSION_PATTERN}),
            Self::Service => json!({"type": "string", "pattern": SERVICE_PATTERN}),
        }
    }
}

impl Setting {
    /// Reads what a person typed as its value.
    ///
    /// # Errors
    /// With a sentence that says what is wrong.
    pub fn read_typed(&'static self, text: &str) -> Result<SettingValue, String> {
        let line = format!("value = {}\n", self.kind.typed(text.trim()));
        let (mut document, table) = Document::parse(self.key, &line);
        let value = table.get("value").and_then(|value| self.kind.read(&mut document, self.key, value));
        let problems = document.into_problems();
        match (value, problems.first()) {
            (Some(value), None) => Ok(value),
            (_, Some(problem)) => Err(format!("{}: {}", self.key, problem.message)),
            (None, None) => Err(format!("{}: a value is missing", self.key)),
        }
    }

    /// The value where nothing sets one.
    pub fn default_value(&'static self) -> Option<SettingValue> {
        let line = format!("value = {}\n", self.default?);
        let (mut document, table) = Document::parse(self.key, &line);
        self.kind.read(&mut document, self.key, table.get("value")?)
    }
}

const NAMESPACE_PATTERN: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
const DURATION_PATTERN: &str =
    r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*$";
const ANNOTATION_PATTERN: &str = r"^[-A-Za-z0-9_./]+$";
const VERSION_PATTERN: &str = r"^v*[0-9]+\.[0-9]+(\.[0-9]+)?$";
const SERVICE_PATTERN: &str = r"^(https?:)?[^/:]+/[^/:]+:[^/:]+(/.*)?$";

fn text(text: &str) -> SettingValue {
    SettingValue::Text(text.to_owned())
}

/// The longest key of an annotation: a domain, a slash, a name.
const MAX_KEY_BYTES: usize = 253 + 1 + 63;

/// Whether it has the form of the key of a label or an annotation.
pub(super) fn is_metadata_key(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    !text.is_empty() && text.len() <= MAX_KEY_BYTES && text.bytes().all(is_plain)
}

fn annotation(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<SettingValue> {
    let name = document.string(key, value)?;
    if is_metadata_key(name) {
        return Some(text(name));
    }
    let message = format!("invalid key of an annotation: {name:?}; write it like \"example.com/last-checkpoint\"");
    document.note(&value.span(), key, message);
    None
}

fn service(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<SettingValue> {
    let address = document.string(key, value)?;
    if address.parse::<ServiceAddress>().is_ok() {
        return Some(text(address));
    }
    let message = format!(
        "invalid port of a Service: {address:?}; write it like \"monitoring/prometheus-operated:9090\", with https: before \
         it for TLS"
    );
    document.note(&value.span(), key, message);
    None
}

/// Zero percent would be no limit.
fn percent(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<u32> {
    document.integer(key, value, 1..=100).and_then(|percent| u32::try_from(percent).ok())
}

/// A duration in the grammar of Kubernetes, as a number of seconds.
fn seconds(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<i64> {
    const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
    let text = document.string(key, value)?;
    let parsed = duration::parse_go(text).ok().filter(|nanoseconds| *nanoseconds >= 0);
    if parsed.is_none() {
        document.note(&value.span(), key, format!("invalid duration: {text:?}; write it like \"10m\" or \"90s\""));
    }
    parsed.map(|nanoseconds| nanoseconds / NANOSECONDS_PER_SECOND)
}

fn namespaces(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<Vec<String>> {
    if let DeValue::Array(array) = value.get_ref() {
        return Some(array.iter().filter_map(|item| namespace(document, key, item)).collect());
    }
    document.note(&value.span(), key, "must be an array of names in square brackets, for example [\"ml\"]");
    None
}

/// Which names there are is not known here: the screens define their columns.
fn columns<'t>(document: &mut Document<'t>, key: &str, value: &Value<'t>) -> Option<Vec<String>> {
    if matches!(value.get_ref(), DeValue::Array(_)) {
        return Some(document.strings(key, value).into_iter().map(|(name, _)| name.to_owned()).collect());
    }
    document.note(&value.span(), key, "must be an array of names in square brackets, for example [\"name\", \"age\"]");
    None
}

/// A namespace is an RFC 1123 label.
fn namespace(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<String> {
    let name = document.string(key, value)?;
    let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !letters || name.is_empty() || name.len() > 63 || name.starts_with('-') || name.ends_with('-') {
        let message = format!("invalid namespace name: {name:?}; allowed: 1 to 63 of a-z, 0-9 and - in between");
        document.note(&value.span(), key, message);
        return None;
    }
    Some(name.to_owned())
}

fn version(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<SettingValue> {
    let version = document.string(key, value)?;
    let numbers: Vec<&str> = version.trim_start_matches('v').split('.').collect();
    let numeric = numbers.iter().all(|number| number.parse::<u32>().is_ok());
    if !numeric || !(2..=3).contains(&numbers.len()) {
        document.note(
            &value.span(),
            key,
            format!("invalid version: {version:?}; write it like \"1.14\" or \"1.14.1\""),
        );
        return None;
    }
    Some(text(version))
}
