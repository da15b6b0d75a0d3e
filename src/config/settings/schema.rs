//! The JSON Schema of `config.toml`, for editors.

use serde_json::{Map, Value, json};

use super::file::CONTEXT;
use super::kind::Kind;
use super::table::{SETTINGS, Setting};

/// The columns that can be chosen for a screen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ColumnNames {
    /// Their names.
    pub names: Vec<&'static str>,
    /// Whether its rows have labels.
    pub has_labels: bool,
}

fn of_columns(known: &ColumnNames) -> Value {
    let named = json!({"enum": known.names});
    if known.has_labels { json!({"anyOf": [named, {"type": "string", "pattern": "^label:."}]}) } else { named }
}

/// The JSON Schema of `config.toml`; `columns` tells which there are for the key of a setting. It is made of the definitions
/// of the settings.
pub fn schema(columns: &dyn Fn(&str) -> ColumnNames) -> Value {
    let of_context = json!({"type": "object", "additionalProperties": false, "properties": properties(columns)});
    let mut all = properties(columns);
    let contexts = json!({
        "description": "Settings for single contexts of the kubeconfig, by name; a star stands for any characters. They come \
                        before those outside of these tables",
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/settings"},
    });
    all.insert(CONTEXT.to_owned(), contexts);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.toml of batchtop",
        "type": "object",
        "additionalProperties": false,
        "properties": all,
        "$defs": {"settings": of_context},
    })
}

/// Every setting, those of a table as the properties of an object.
fn properties(columns: &dyn Fn(&str) -> ColumnNames) -> Map<String, Value> {
    let mut properties = Map::new();
    for setting in SETTINGS {
        let (table, key) = setting.parts();
        if table.is_empty() {
            properties.insert(key.to_owned(), property(setting, columns));
            continue;
        }
        let of_table = properties
            .entry(table)
            .or_insert_with(|| json!({"type": "object", "additionalProperties": false, "properties": {}}));
        of_table["properties"][key] = property(setting, columns);
    }
    properties
}

fn property(setting: &'static Setting, columns: &dyn Fn(&str) -> ColumnNames) -> Value {
    let mut schema = setting.kind.schema();
    if setting.kind == Kind::Columns {
        schema["items"] = of_columns(&columns(setting.key));
    }
    let description = match setting.without {
        "" => setting.help.to_owned(),
        without => format!("{}. Without it: {without}", setting.help),
    };
    schema["description"] = json!(description);
    if let Some(default) = setting.default_value() {
        schema["default"] = default.json();
    }
    schema
}
