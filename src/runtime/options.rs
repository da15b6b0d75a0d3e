//! Effective options: flags and environment take precedence over the configuration file, and that over defaults.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::advisor::AdvisorFile;
use super::backend::UserFiles;
use super::failure::Failure;
use super::prices::PriceFile;
use super::watched_file::{Watched, WatchedFile};
use crate::cli::{Cli, Common};
use crate::config::{
    self, ColourDepth, Files, GpuSettings, Library, LoadedKeymap, Place, Problem, PrometheusSettings, SpotSettings,
    Theme,
};
use crate::files;
use crate::fleet::Utilization;
use crate::input::Keymap;
use crate::insight::gpu::GpuThresholds;
use crate::insight::spot::SpotThresholds;
use crate::source::kube::PrometheusChoice;

/// The annotation that tells of the last checkpoint, where the user names no other.
const CHECKPOINT_ANNOTATION: &str = "batchtop.io/last-checkpoint";

/// Default seed of the demo.
pub const DEMO_SEED: u64 = 7;

/// Effective options.
pub struct Options {
    /// Name of the theme.
    pub theme_name: String,
    /// Styles of all roles.
    pub theme: Theme,
    /// Name of the keymap.
    pub keymap_name: String,
    /// Key bindings.
    pub keymap: Keymap,
    /// Namespaces whose rows are listed; `None` for all.
    pub namespaces: Option<Vec<String>>,
    /// Whether actions that write to the cluster are removed.
    pub readonly: bool,
    /// Flag or setting that turns AWS off; `None` if it is on.
    pub without_aws: Option<&'static str>,
    /// Karpenter's version, if the user gave one.
    pub karpenter_version: Option<String>,
    /// Where one class of accelerators ends and the next begins.
    pub gpu: GpuThresholds,
    /// Which Prometheus server is asked for the metrics of accelerators.
    pub prometheus: PrometheusChoice,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// What counts of an estimate of the risk of spot capacity, and as how much.
    pub spot: SpotThresholds,
    /// How many configurations of placement scores may be new within 24 hours; `None` where AWS is not asked for any.
    pub placement: Option<u32>,
    /// The annotation that tells of the last checkpoint.
    pub checkpoint_annotation: String,
    /// Files of the user that are watched.
    pub files: UserFiles,
    /// All mistakes in the user's files.
    pub problems: Vec<Problem>,
    /// Available themes and keymaps.
    pub library: Library,
    settings_file: Option<String>,
}

impl Options {
    /// Reads the user's files and applies the flags. Mistakes in files are collected and not fatal.
    ///
    /// # Errors
    /// When a flag names a file that cannot be read, or an unknown theme or keymap.
    pub fn load(cli: &Cli) -> Result<Self, Failure> {
        let mut files = read_files(&cli.common)?;
        let (settings, problems) = match &files.settings {
            Some((path, text)) => config::parse_settings(path, text),
            None => Default::default(),
        };
        files.problems.extend(problems);
        let mut problems = files.problems;
        let prices = PriceFile::read(price_places(cli, settings.prices.as_ref(), files.settings.as_ref())?);
        problems.extend(problems_of(&prices, "prices", settings.prices.as_ref()));
        let advisor = AdvisorFile::read(advisor_places(cli, settings.spot.advisor.as_ref(), files.settings.as_ref()));
        problems.extend(problems_of(&advisor, "spot.advisor", settings.spot.advisor.as_ref()));
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
            gpu: gpu_thresholds(settings.gpu),
            spot: spot_thresholds(&settings.spot),
            placement: placement(&settings.spot),
            checkpoint_annotation: settings.jobs.checkpoint_annotation.unwrap_or_else(|| CHECKPOINT_ANNOTATION.into()),
            prometheus: prometheus(settings.prometheus),
            mouse: settings.mouse.unwrap_or(true),
            files: UserFiles { prices, advisor },
            problems,
            library: files.library,
            settings_file: files.settings.map(|(path, _)| path),
        })
    }

    /// The first mistake in `config.toml`, in the price file or in that of the advisor: those affect the output of
    /// `snapshot`.
    pub fn settings_problem(&self) -> Option<&Problem> {
        let of_settings = |problem: &&Problem| self.settings_file.as_deref() == Some(problem.place.file.as_str());
        self.problems.iter().find(of_settings).or(self.files.prices.problems().first()).or(self
            .files
            .advisor
            .problems()
            .first())
    }
}

impl Options {
    /// The theme for a terminal that shows so many colours: on sixteen the default one gives way to one that is made for them,
    /// and one that the user chose gets the nearest.
    pub fn theme_at(&self, depth: ColourDepth) -> Theme {
        let is_default = self.theme_name == config::theme::DEFAULT;
        if is_default && !self.theme.suits(depth) {
            return Theme::load(&self.library, config::theme::SIXTEEN_COLOURS).0;
        }
        self.theme.clone().at(depth)
    }
}

fn gpu_thresholds(settings: GpuSettings) -> GpuThresholds {
    let default = GpuThresholds::default();
    GpuThresholds {
        busy: settings.busy_percent.map_or(default.busy, Utilization::percent),
        parked_memory: settings.parked_memory_percent.map_or(default.parked_memory, Utilization::percent),
        grace_seconds: settings.grace_seconds.unwrap_or(default.grace_seconds),
        dwell_seconds: settings.dwell_seconds.unwrap_or(default.dwell_seconds),
    }
}

fn spot_thresholds(settings: &SpotSettings) -> SpotThresholds {
    let default = SpotThresholds::DEFAULT;
    let percent = |set: Option<u32>, default: u8| set.and_then(|set| u8::try_from(set).ok()).unwrap_or(default);
    SpotThresholds {
        high_risk: percent(settings.high_risk, default.high_risk),
        least_coverage_percent: percent(settings.least_coverage_percent, default.least_coverage_percent),
        half_life_seconds: settings.half_life_seconds.unwrap_or(default.half_life_seconds),
    }
}

fn placement(settings: &SpotSettings) -> Option<u32> {
    /// Fewer than AWS is said to take: others of the account may want some.
    const DEFAULT_CONFIGURATIONS: u32 = 8;
    let most_new = settings.placement_configurations.unwrap_or(DEFAULT_CONFIGURATIONS);
    settings.placement_scores.unwrap_or(false).then_some(most_new)
}

fn prometheus(settings: PrometheusSettings) -> PrometheusChoice {
    match settings {
        PrometheusSettings { enabled: Some(false), .. } => {
            PrometheusChoice::Off { by: "prometheus.enabled = false in config.toml" }
        }
        PrometheusSettings { service: Some(server), .. } => PrometheusChoice::Named(server),
        PrometheusSettings { service: None, .. } => PrometheusChoice::Find,
    }
}

/// `NO_COLOR` (<https://no-color.org>) ranks below the flag, which is more explicit, and above the file.
fn theme_name(common: &Common, configured: Option<String>) -> String {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let asked = no_colour.then(|| config::theme::MONOCHROME.to_string());
    let chosen = common.theme.clone().or(asked).or(configured);
    chosen.unwrap_or_else(|| config::theme::DEFAULT.to_string())
}

fn without_aws(common: &Common, configured: Option<bool>) -> Option<&'static str> {
    if common.no_aws { Some("--no-aws") } else { (configured == Some(false)).then_some("aws = false in config.toml") }
}

/// Possible paths of the price file: that of the flag, that of the settings, or those in the configuration folder. The
/// demo has its own prices and uses a price file only if the flag names one.
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
                "--prices must name a readable file",
            )),
        };
    }
    if cli.demo.demo {
        return Ok(Vec::new());
    }
    Ok(match configured {
        Some((path, _)) => vec![beside_settings(settings, path)],
        None => config::directory().map(|folder| config::price_places(&folder)).unwrap_or_default(),
    })
}

/// The path of a file that the settings name.
fn beside_settings(settings: Option<&(String, String)>, path: &str) -> PathBuf {
    settings.and_then(|(file, _)| Path::new(file).parent()).unwrap_or(Path::new("")).join(path)
}

/// Possible paths of the file of the Spot Instance Advisor. The demo has data of its own.
fn advisor_places(
    cli: &Cli,
    configured: Option<&(String, Place)>,
    settings: Option<&(String, String)>,
) -> Vec<PathBuf> {
    if cli.demo.demo {
        return Vec::new();
    }
    match configured {
        Some((path, _)) => vec![beside_settings(settings, path)],
        None => config::directory().iter().map(|folder| config::advisor_place(folder)).collect(),
    }
}

/// Mistakes in a file, and that the settings name one that does not exist. In the configuration folder it is optional.
fn problems_of<T: Watched>(file: &WatchedFile<T>, key: &str, named: Option<&(String, Place)>) -> Vec<Problem> {
    let missing = || {
        let ([path], (_, place)) = (file.places(), named?) else { return None };
        let message = format!("no such file: {}", path.display());
        file.is_absent().then(|| Problem { place: place.clone(), key: key.into(), message })
    };
    file.problems().iter().cloned().chain(missing()).collect()
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
            Err(Failure::usage(format!("no such {kind}: {name}"), format!("available: {}", names.join(", "))))
        }
        _ => Ok(()),
    };
    unknown("theme", &common.theme, &library.themes)?;
    unknown("keymap", &common.keymap, &library.keymaps)
}

fn read_files(common: &Common) -> Result<Files, Failure> {
    let mut found = config::directory().map(|folder| config::read(&folder)).unwrap_or_default();
    if let Some(path) = &common.config {
        let text = files::read_text(path, config::MAX_CONFIG_BYTES).map_err(|error| {
            Failure::usage(format!("cannot read {}: {error}", path.display()), "--config must name a readable file")
        })?;
        found.settings = Some((path.display().to_string(), text));
    }
    Ok(found)
}

/// `$XDG_CACHE_HOME/batchtop`: cached answers of AWS.
pub fn cache_folder() -> Option<PathBuf> {
    let xdg = etcetera::base_strategy::Xdg::new().ok()?;
    Some(xdg.cache_dir().join("batchtop"))
}

/// `$XDG_STATE_HOME/batchtop`: journal and log.
pub fn state_folder() -> Option<PathBuf> {
    let xdg = etcetera::base_strategy::Xdg::new().ok()?;
    xdg.state_dir().map(|folder| folder.join("batchtop"))
}
