//! The settings in force while the dashboard runs.

use tokio::sync::{mpsc, watch};

use super::backend::ConnectionSettings;
use super::background::Background;
use super::configuration_watch::{self, Reading};
use super::failure::Failure;
use super::options::{Given, Options};
use super::setup;
use crate::app::{self, Notice, Severity};
use crate::config::{Applies, ColourDepth, Effective, SETTINGS, Setting, SettingOrigin, SettingValue, Theme, setting};

/// The theme for a light background.
const LIGHT: &str = "light";

/// What is in force, and what decides about it besides the files.
pub struct InForce {
    options: Options,
    given: watch::Sender<Given>,
    depth: ColourDepth,
    background: Background,
}

impl InForce {
    /// As read at the start, in a terminal that shows so many colours.
    pub fn new(given: Given, options: Options, depth: ColourDepth) -> Self {
        Self { options, given: watch::Sender::new(given), depth, background: Background::Dark }
    }

    /// Files and flags as they were last read.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Watches the files, and sends what is in them whenever they have changed.
    pub fn follow(&self, readings: mpsc::Sender<Reading>) -> impl Future<Output = ()> + Send + use<> {
        configuration_watch::follow(self.given.subscribe(), readings)
    }

    /// The present theme.
    pub fn theme(&self) -> Theme {
        self.options.theme_at(self.depth)
    }

    /// Options with the theme for the background, where none is named.
    fn for_background(&self, mut options: Options) -> Options {
        if self.background == Background::Light && is_unnamed(&options.settings) {
            let light = Theme::load(&options.library, LIGHT).0;
            if light.suits(self.depth) {
                options.settings.put(&setting::THEME, SettingValue::Text(LIGHT.to_owned()), SettingOrigin::Terminal);
                (options.theme_name, options.theme) = (LIGHT.to_owned(), light);
            }
        }
        options
    }

    /// Whether the background decides about the theme.
    pub fn asks_for_background(&self) -> bool {
        is_unnamed(&self.options.settings)
    }

    /// The terminal told its background.
    pub const fn set_background(&mut self, background: Background) {
        self.background = background;
    }

    /// Reads everything anew with a setting for the session.
    ///
    /// # Errors
    /// When a file that is named cannot be read; then the setting does not count.
    pub fn set(&mut self, setting: &'static Setting, value: SettingValue) -> Result<Options, Failure> {
        let mut given = self.given.borrow().clone();
        given.session.retain(|(known, _)| *known != setting);
        given.session.push((setting, value));
        let options = Options::with(&given)?;
        self.given.send_replace(given);
        Ok(options)
    }

    /// Reads everything anew for a context that was picked.
    ///
    /// # Errors
    /// When a file that is named cannot be read; the context counts all the same.
    pub fn choose_context(&mut self, context: &str) -> Result<Options, Failure> {
        self.given.send_modify(|given| given.context = Some(context.to_owned()));
        Options::with(&self.given.borrow())
    }

    /// What the next connection goes by.
    pub fn connection(&self) -> ConnectionSettings {
        setup::connection_settings(&self.given.borrow().cli, &self.options)
    }

    /// Puts options in force. Says what the application has to know of them, and which settings are others than before.
    ///
    /// # Errors
    /// When a selector cannot be read; the former options then stay in force.
    pub fn replace(&mut self, options: Options) -> Result<(app::Settings, Vec<&'static Setting>), Failure> {
        let options = self.for_background(options);
        let settings = setup::settings(&self.given.borrow().cli, &options)?;
        let changed = changed(&self.options.settings, &options.settings);
        self.options = options;
        Ok((settings, changed))
    }
}

fn is_unnamed(settings: &Effective) -> bool {
    matches!(settings.get(&setting::THEME), None | Some((_, SettingOrigin::Default | SettingOrigin::Terminal)))
}

/// The settings with other values.
fn changed(before: &Effective, now: &Effective) -> Vec<&'static Setting> {
    SETTINGS.iter().copied().filter(|setting| before.value(setting) != now.value(setting)).collect()
}

/// Why a reading of the files is not put in force; `None` where it is.
pub fn refusal(reading: &Reading) -> Option<Notice> {
    let first = match reading {
        Err(failure) => failure.message.clone(),
        Ok(options) => options.problems_of_change().next()?.to_string(),
    };
    Some(Notice { severity: Severity::Error, text: format!("{first}; the former settings stay in force") })
}

/// What is said once files that changed are in force.
pub fn news(changed: &[&'static Setting]) -> Notice {
    let names = |applies| {
        let of = changed.iter().filter(|setting| setting.applies == applies).map(|setting| setting.key);
        of.collect::<Vec<_>>().join(", ")
    };
    let (now, later) = (names(Applies::AtOnce), names(Applies::NextConnection));
    let later = if later.is_empty() { later } else { format!("{later} from the next connection on (:ctx)") };
    let parts: Vec<String> = [now, later].into_iter().filter(|part| !part.is_empty()).collect();
    let text = match parts.as_slice() {
        [] => "the configuration was read anew".to_owned(),
        parts => format!("the configuration was read anew: {}", parts.join("; ")),
    };
    Notice { severity: Severity::Info, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_settings;

    fn effective(text: &str) -> Effective {
        Effective::of(&parse_settings("config.toml", text).0, "")
    }

    #[test]
    fn news_name_what_changed_and_what_waits_for_the_next_connection() {
        let told = |before: &str, now: &str| news(&changed(&effective(before), &effective(now))).text;
        let later = "the configuration was read anew: theme, gpu.grace; aws from the next connection on (:ctx)";
        assert_eq!(told("", "theme = \"light\"\naws = false\n[gpu]\ngrace = \"1m\"\n"), later);
        assert_eq!(told("theme = \"light\"", "\n\ntheme = \"light\""), "the configuration was read anew");
        assert_eq!(told("mouse = false", ""), "the configuration was read anew: mouse");
    }
}
