//! The user's configuration: settings, themes, keymaps and prices.
//!
//! Everything is a TOML file (prices may be CSV). The files in `themes/` and `keymaps/` are embedded and are the only
//! defaults; a user's own file of the same name is merged over them. A mistake never prevents the start: every one of
//! them becomes a [`Problem`] with file, line, column and key, and the rest of the file is used (a price file with a
//! mistake is not used at all).

mod advisor;
mod document;
mod files;
mod keymap;
mod library;
mod lines;
mod prices;
mod problem;
mod settings;
pub mod theme;

pub use advisor::parse as parse_advisor;
pub use files::{
    Files, MAX_CONFIG_BYTES, MAX_FILES, advisor_place, directory, price_places, read, read_advisor, read_prices,
};
pub use keymap::{DEFAULT as DEFAULT_KEYMAP, LoadedKeymap, keymap};
pub use library::{Library, Origin, Text};
pub use prices::{PriceFormat, parse as parse_prices};
pub use problem::{Place, Problem, no_such};
pub use settings::{
    Applies, ColumnNames, Effective, Kind as SettingKind, Placed as PlacedSetting, SETTINGS, Setting, SettingOrigin,
    SettingValue, Settings, parse as parse_settings, schema, setting,
};
pub use theme::{ColourDepth, Role, Theme};
