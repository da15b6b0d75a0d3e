//! What is in force, and where it comes from.

use std::collections::BTreeMap;
use std::fmt;

use super::super::problem::Place;
use super::file::Settings;
use super::kind::SettingValue;
use super::table::{SETTINGS, Setting};
use crate::fleet::ServiceAddress;

/// Where the value of a setting comes from, the weakest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SettingOrigin {
    /// Nothing sets it.
    Default,
    /// Nothing sets it, and it goes by what the terminal told.
    Terminal,
    /// This place in `config.toml`.
    File(Place),
    /// This place in `config.toml`, in the table of the contexts of this name or pattern.
    Context(String, Place),
    /// A variable of the environment.
    Environment(&'static str),
    /// A flag of the command line.
    Flag(&'static str),
    /// Typed after `:set`.
    Session,
}

/// `default`, `config.toml:3`, `config.toml:9, context prod-*`, `BATCHTOP_THEME`, `--theme`.
impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Terminal => f.write_str("background of the terminal"),
            Self::File(place) => write!(f, "{}:{}", place.file, place.line),
            Self::Context(pattern, place) => write!(f, "{}:{}, context {pattern}", place.file, place.line),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
            Self::Session => f.write_str(":set"),
        }
    }
}

/// The settings in force; one that has no default may be without a value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effective(BTreeMap<&'static str, (SettingValue, SettingOrigin)>);

impl Effective {
    /// Defaults, and over them what `config.toml` sets, and over that what it sets for the context.
    pub fn of(settings: &Settings, context: &str) -> Self {
        let mut effective = Self::default();
        for setting in SETTINGS {
            if let Some(value) = setting.default_value() {
                effective.put(setting, value, SettingOrigin::Default);
            }
        }
        for (key, set) in &settings.layer {
            effective.0.insert(key, (set.value.clone(), SettingOrigin::File(set.place.clone())));
        }
        for context in settings.of_context(context) {
            for (key, set) in &context.layer {
                let origin = SettingOrigin::Context(context.pattern.clone(), set.place.clone());
                effective.0.insert(key, (set.value.clone(), origin));
            }
        }
        effective
    }

    /// Sets a value in place of the one before.
    pub fn put(&mut self, setting: &'static Setting, value: SettingValue, origin: SettingOrigin) {
        self.0.insert(setting.key, (value, origin));
    }

    /// Value and origin.
    pub fn get(&self, setting: &Setting) -> Option<&(SettingValue, SettingOrigin)> {
        self.0.get(setting.key)
    }

    /// The value; `None` where there is none.
    pub fn value(&self, setting: &Setting) -> Option<&SettingValue> {
        self.get(setting).map(|(value, _)| value)
    }

    /// A name, path, version or address.
    pub fn text(&self, setting: &Setting) -> Option<&str> {
        match self.value(setting)? {
            SettingValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a switch is on; `false` for what is none.
    pub fn is_on(&self, setting: &Setting) -> bool {
        matches!(self.value(setting), Some(SettingValue::Switch(true)))
    }

    /// A percentage.
    pub fn percent(&self, setting: &Setting) -> Option<u32> {
        match self.value(setting)? {
            SettingValue::Percent(percent) => Some(*percent),
            _ => None,
        }
    }

    /// A whole number.
    pub fn count(&self, setting: &Setting) -> Option<u32> {
        match self.value(setting)? {
            SettingValue::Count(count) => Some(*count),
            _ => None,
        }
    }

    /// A duration in seconds.
    pub fn seconds(&self, setting: &Setting) -> Option<i64> {
        match self.value(setting)? {
            SettingValue::Seconds(seconds) => Some(*seconds),
            _ => None,
        }
    }

    /// Names, in their order; none for what is no list.
    pub fn names(&self, setting: &Setting) -> &[String] {
        match self.value(setting) {
            Some(SettingValue::Names(names)) => names,
            _ => &[],
        }
    }

    /// A port of a Service.
    pub fn service(&self, setting: &Setting) -> Option<ServiceAddress> {
        self.text(setting)?.parse().ok()
    }

    /// A path that a file names, with the place in that file; `None` where it comes from elsewhere.
    pub fn named_file(&self, setting: &Setting) -> Option<(&str, &Place)> {
        match self.get(setting)? {
            (SettingValue::Text(path), SettingOrigin::File(place) | SettingOrigin::Context(_, place)) => {
                Some((path, place))
            }
            _ => None,
        }
    }
}
