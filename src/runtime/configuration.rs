//! `batchtop config print` and `batchtop config schema`.

use std::fmt::Write as _;

use super::failure::Failure;
use super::options::Options;
use crate::app::column_names;
use crate::config::{self, SETTINGS, Setting, SettingOrigin, SettingValue, setting};

/// What is printed of the settings in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Those that have a value.
    Values,
    /// All, with where each value comes from.
    WithOrigin,
}

/// What editors that know TOML (taplo, Even Better TOML) look for to check and complete the file. A path, because nothing of
/// it is published anywhere.
const SCHEMA_HINT: &str = "#:schema ./config.schema.json\n";

const SCHEMA_WORDS: &str =
    "# Editors complete and check this file after: batchtop config schema > config.schema.json\n";

/// The JSON Schema of `config.toml`.
pub fn schema() -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(&config::schema(&column_names));
    text.map(|text| text + "\n").map_err(|error| Failure::bug(format!("the schema cannot be written: {error}")))
}

/// The settings in force, in the format of the configuration file.
pub fn in_force(options: &Options, shown: Shown) -> String {
    let head = if shown == Shown::Values { SCHEMA_HINT } else { "" };
    written(head, |setting| {
        let origin = options.settings.get(setting).map_or(&SettingOrigin::Default, |(_, origin)| origin);
        let comment = if shown == Shown::WithOrigin { format!(" # {origin}") } else { String::new() };
        let key = setting.parts().1;
        let value = used_file(options, setting).or_else(|| options.settings.value(setting).map(SettingValue::toml));
        match value {
            Some(value) => Some(format!("{key} = {value}{comment}\n")),
            None if shown == Shown::WithOrigin => Some(format!("# {key} is not set: {}\n", setting.without)),
            None => None,
        }
    })
}

/// The file that is read, which nothing needs to name where it is in the configuration folder.
fn used_file(options: &Options, setting: &Setting) -> Option<String> {
    let file = match setting {
        of if *of == setting::PRICES => options.files.prices.file(),
        of if *of == setting::SPOT_ADVISOR => options.files.advisor.file(),
        _ => None,
    };
    file.map(|file| toml::Value::String(file.to_owned()).to_string())
}

/// All settings with their meaning; each is a comment, so that the file changes nothing until somebody edits it.
pub fn defaults() -> String {
    written(&format!("{SCHEMA_HINT}{SCHEMA_WORDS}"), |setting| {
        let (key, help) = (setting.parts().1, setting.help);
        Some(match setting.default_value() {
            Some(value) => format!("\n# {help}.\n#{key} = {}\n", value.toml()),
            None => format!("\n# {help}. Without it: {}.\n#{key} =\n", setting.without),
        })
    })
}

/// What is written of each setting, with the head of its table before the first of it of which anything is.
fn written(head: &str, write: impl Fn(&'static Setting) -> Option<String>) -> String {
    let (mut text, mut table) = (head.to_owned(), "");
    for setting in SETTINGS.iter().copied() {
        let Some(line) = write(setting) else { continue };
        let of = setting.parts().0;
        if of != table {
            let _ = writeln!(text, "\n[{of}]");
            table = of;
        }
        text.push_str(&line);
    }
    text
}
