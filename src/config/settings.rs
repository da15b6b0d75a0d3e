//! Reads `config.toml`.

use super::document::{Document, Value};
use super::problem::{Place, Problem};

/// Settings of `config.toml`; `None` for keys that it does not set. Flags and environment take precedence over it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// Name of a theme.
    pub theme: Option<String>,
    /// Name of a keymap.
    pub keymap: Option<String>,
    /// Namespaces whose rows are listed.
    pub namespaces: Option<Vec<String>>,
    /// Whether writing actions are removed.
    pub readonly: Option<bool>,
    /// Whether AWS is asked for prices.
    pub aws: Option<bool>,
    /// Karpenter's version, if it cannot be read from the cluster.
    pub karpenter_version: Option<String>,
    /// Whether the mouse is used.
    pub mouse: Option<bool>,
    /// Price file, and the place of the setting; a relative path is relative to the folder of `config.toml`.
    pub prices: Option<(String, Place)>,
}

/// All keys of `config.toml`.
const KEYS: [&str; 8] = ["aws", "karpenter_version", "keymap", "mouse", "namespaces", "prices", "readonly", "theme"];

/// Reads `config.toml`; `file` is its name in problems.
pub fn parse(file: &str, text: &str) -> (Settings, Vec<Problem>) {
    let (mut document, table) = Document::parse(file, text);
    let mut settings = Settings::default();
    for (key, value) in &table {
        let name: &str = key.get_ref();
        match name {
            "theme" => settings.theme = document.string(name, value).map(str::to_owned),
            "keymap" => settings.keymap = document.string(name, value).map(str::to_owned),
            "namespaces" => settings.namespaces = namespaces(&mut document, value),
            "aws" => settings.aws = document.boolean(name, value),
            "readonly" => settings.readonly = document.boolean(name, value),
            "karpenter_version" => settings.karpenter_version = version(&mut document, value),
            "prices" => {
                let path = document.string(name, value);
                settings.prices = path.map(|path| (path.to_owned(), document.place(&value.span())));
            }
            "mouse" => settings.mouse = document.boolean(name, value),
            _ => document.note_unknown_key(key, "", &KEYS),
        }
    }
    (settings, document.into_problems())
}

fn namespaces(document: &mut Document<'_>, value: &Value<'_>) -> Option<Vec<String>> {
    if let toml::de::DeValue::Array(array) = value.get_ref() {
        return Some(array.iter().filter_map(|item| namespace(document, item)).collect());
    }
    document.note(&value.span(), "namespaces", "must be an array of names in square brackets, for example [\"ml\"]");
    None
}

/// A namespace is an RFC 1123 label.
fn namespace(document: &mut Document<'_>, value: &Value<'_>) -> Option<String> {
    let name = document.string("namespaces", value)?;
    let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !letters || name.is_empty() || name.len() > 63 || name.starts_with('-') || name.ends_with('-') {
        let message = format!("invalid namespace name: {name:?}; allowed: 1 to 63 of a-z, 0-9 and - in between");
        document.note(&value.span(), "namespaces", message);
        return None;
    }
    Some(name.to_owned())
}

fn version(document: &mut Document<'_>, value: &Value<'_>) -> Option<String> {
    let key = "karpenter_version";
    let text = document.string(key, value)?;
    let numbers: Vec<&str> = text.trim_start_matches('v').split('.').collect();
    let numeric = numbers.iter().all(|number| number.parse::<u32>().is_ok());
    if !numeric || !(2..=3).contains(&numbers.len()) {
        document.note(&value.span(), key, format!("invalid version: {text:?}; write it like \"1.14\" or \"1.14.1\""));
        return None;
    }
    Some(text.to_owned())
}
