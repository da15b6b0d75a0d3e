//! What is in force: flags and environment before the configuration file before defaults.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::failure::Failure;
use super::prices::PriceFile;
use crate::cli::{Cli, Common};
use crate::config::{self, Files, Library, LoadedKeymap, Place, Problem, Theme};
use crate::input::Keymap;

/// The default cluster of the demo.
pub const DEMO_SEED: u64 = 7;

/// Everything that configuration decides.
pub struct Options {
    /// The name of the theme.
    pub theme_name: String,
    /// The theme.
    pub theme: Theme,
    /// The name of the keymap.
    pub keymap_name: String,
    /// The keys.
    pub keymap: Keymap,
    /// Namespaces to narrow rows to; `None` for all.
    pub namespaces: Option<Vec<String>>,
    /// No writing actions.
    pub readonly: bool,
    /// How it was said that AWS is left out; `None` where it is not.
    pub without_aws: Option<&'static str>,
    /// Karpenter's version as given.
    pub karpenter_version: Option<String>,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// The user's prices.
    pub prices: PriceFile,
    /// Every mistake in the user's files.
    pub problems: Vec<Problem>,
    /// The themes and keymaps there are.
    pub library: Library,
    settings_file: Option<String>,
}

impl Options {
    /// Reads the user's files and puts flags over them. Mistakes in files are collected, not fatal; a theme or keymap
    /// that a flag names must be there.
    pub fn load(cli: &Cli) -> Result<Self, Failure> {
        let mut files = read_files(&cli.common)?;
        let (settings, problems) = match &files.settings {
            Some((path, text)) => config::parse_settings(path, text),
            None => Default::default(),
        };
        files.problems.extend(problems);
        let mut problems = files.problems;
        let prices = PriceFile::read(price_places(cli, settings.prices.as_ref(), files.settings.as_ref())?);
        problems.extend(prices.problems().iter().cloned());
        problems.extend(settings.prices.as_ref().and_then(|(_, named)| missing(&prices, named)));
        let theme_name = theme_name(&cli.common, settings.theme);
        let keymap_name = cli.common.keymap.clone().or(settings.keymap).unwrap_or_else(|| "default".into());
        check_names(&cli.common, &files.library)?;
        let (theme, theme_problems) = Theme::load(&files.library, &theme_name);
        let (LoadedKeymap { keymap, .. }, keymap_problems) = config::keymap(&files.library, &keymap_name);
        problems.extend(theme_problems.into_iter().chain(keymap_problems));
        let readonly = cli.common.readonly || settings.readonly.unwrap_or(false);
        Ok(Self {
            theme_name,
            theme,
            keymap_name,
            keymap: if readonly { keymap.without(crate::input::Action::writes) } else { keymap },
            namespaces: namespaces(cli, settings.namespaces),
            readonly,
            without_aws: without_aws(&cli.common, settings.aws),
            karpenter_version: cli.common.karpenter_version.clone().or(settings.karpenter_version),
            mouse: settings.mouse.unwrap_or(true),
            prices,
            problems,
            library: files.library,
            settings_file: files.settings.map(|(path, _)| path),
        })
    }

    /// The first mistake in the configuration file itself or in the prices, which may decide what is shown.
    pub fn settings_problem(&self) -> Option<&Problem> {
        let of_settings = |problem: &&Problem| self.settings_file.as_deref() == Some(problem.place.file.as_str());
        self.problems.iter().find(of_settings).or(self.prices.problems().first())
    }
}

/// `NO_COLOR` (<https://no-color.org>) comes after the flag, which is more explicit, and before the file.
fn theme_name(common: &Common, configured: Option<String>) -> String {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let asked = no_colour.then(|| config::theme::MONOCHROME.to_string());
    let chosen = common.theme.clone().or(asked).or(configured);
    chosen.unwrap_or_else(|| config::theme::DEFAULT.to_string())
}

fn without_aws(common: &Common, configured: Option<bool>) -> Option<&'static str> {
    if common.no_aws { Some("--no-aws") } else { (configured == Some(false)).then_some("aws = false in config.toml") }
}

/// Where the user's prices may be: the flag's file, the settings' file, or in the configuration folder. The demo has
/// prices of its own, and takes others only from the flag.
fn price_places(
    cli: &Cli,
    configured: Option<&(String, Place)>,
    settings: Option<&(String, String)>,
) -> Result<Vec<PathBuf>, Failure> {
    if let Some(path) = &cli.common.prices {
        return match std::fs::metadata(path) {
            Ok(_) => Ok(vec![path.clone()]),
            Err(error) => Err(Failure::usage(
                format!("cannot read {}: {error}", path.display()),
                "--prices names a file that can be read",
            )),
        };
    }
    if cli.demo.demo {
        return Ok(Vec::new());
    }
    Ok(match configured {
        Some((path, _)) => {
            let folder = settings.and_then(|(file, _)| Path::new(file).parent()).unwrap_or(Path::new(""));
            vec![folder.join(path)]
        }
        None => config::directory().map(|folder| config::price_places(&folder)).unwrap_or_default(),
    })
}

/// The settings name a file that is not there; in the configuration folder there need not be one.
fn missing(prices: &PriceFile, named: &Place) -> Option<Problem> {
    let [path] = prices.places() else { return None };
    let message = format!("names a file that is not there: {}", path.display());
    prices.is_absent().then(|| Problem { place: named.clone(), key: "prices".into(), message })
}

fn namespaces(cli: &Cli, configured: Option<Vec<String>>) -> Option<Vec<String>> {
    if cli.rows.all_namespaces {
        return None;
    }
    let flags = Some(cli.rows.namespaces.clone()).filter(|names| !names.is_empty());
    flags.or(configured.filter(|names| !names.is_empty()))
}

fn check_names(common: &Common, library: &Library) -> Result<(), Failure> {
    let unknown = |kind: &str, name: &Option<String>, texts: &[config::Text]| match name {
        Some(name) if !texts.iter().any(|text| text.name == *name) => {
            let mut names: Vec<&str> = texts.iter().map(|text| text.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            Err(Failure::usage(format!("no such {kind}: {name}"), format!("there are: {}", names.join(", "))))
        }
        _ => Ok(()),
    };
    unknown("theme", &common.theme, &library.themes)?;
    unknown("keymap", &common.keymap, &library.keymaps)
}

fn read_files(common: &Common) -> Result<Files, Failure> {
    let mut files = config::directory().map(|folder| config::read(&folder)).unwrap_or_default();
    if let Some(path) = &common.config {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("cannot read {}: {error}", path.display()), "--config names a file that can be read")
        })?;
        files.settings = Some((path.display().to_string(), text));
    }
    Ok(files)
}

/// `$XDG_CACHE_HOME/batchtop`: what AWS told.
pub fn cache_folder() -> Option<PathBuf> {
    let xdg = etcetera::base_strategy::Xdg::new().ok()?;
    Some(xdg.cache_dir().join("batchtop"))
}

/// `$XDG_STATE_HOME/batchtop`: journal and log.
pub fn state_folder() -> Option<PathBuf> {
    let xdg = etcetera::base_strategy::Xdg::new().ok()?;
    xdg.state_dir().map(|folder| folder.join("batchtop"))
}
