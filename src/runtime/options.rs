//! Effective options: flags and environment take precedence over the configuration file, and that over defaults.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::advisor::AdvisorFile;
use super::backend::UserFiles;
use super::failure::Failure;
use super::prices::PriceFile;
use super::setup;
use super::watched_file::{Watched, WatchedFile};
use crate::app::{ChosenColumns, mistakes_in_columns};
use crate::cli::{Cli, Common};
use crate::config::{
    self, ColourDepth, Effective, Files, Library, LoadedKeymap, Problem, Setting, SettingOrigin, SettingValue, Theme,
    setting,
};
use crate::files;
use crate::fleet::Utilization;
use crate::input::Keymap;
use crate::insight::gpu::GpuThresholds;
use crate::insight::spot::SpotThresholds;
use crate::source::demo;
use crate::source::kube::{self, PrometheusChoice};

/// Default seed of the demo.
pub const DEMO_SEED: u64 = 7;

/// Effective options.
#[derive(Clone)]
pub struct Options {
    /// Name of the theme.
    pub theme_name: String,
    /// Styles of all roles.
    pub theme: Theme,
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
    /// Columns of the screens.
    pub columns: ChosenColumns,
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
    /// All settings in force, with where each comes from.
    pub settings: Effective,
    settings_file: Option<String>,
}

impl Options {
    /// Reads the user's files and applies the flags. Mistakes in files are collected and not fatal.
    ///
    /// # Errors
    /// When a flag names a file that cannot be read, or an unknown theme or keymap.
    pub fn load(cli: &Cli) -> Result<Self, Failure> {
        Self::with(&Given::of(cli))
    }

    /// The same with what was chosen since.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn with(given: &Given) -> Result<Self, Failure> {
        let cli = &given.cli;
        let mut files = read_files(&cli.common)?;
        let (settings, problems) = match &files.settings {
            Some((path, text)) => config::parse_settings(path, text),
            None => Default::default(),
        };
        files.problems.extend(problems);
        let mut problems = files.problems;
        problems.extend(mistakes_in_columns(&settings));
        check_names(&cli.common, &files.library)?;
        // The kubeconfig is only read where something depends on the context.
        let context = match &given.context {
            _ if !settings.has_contexts() => String::new(),
            Some(context) => context.clone(),
            None => first_context(cli),
        };
        let mut settings = Effective::of(&settings, &context);
        put_given(&mut settings, cli);
        if given.context.is_some() {
            forget_namespaces(&mut settings);
        }
        for (of, value) in &given.session {
            settings.put(of, value.clone(), SettingOrigin::Session);
        }
        let beside = files.settings.as_ref().map(|(path, _)| path.as_str());
        let prices = PriceFile::read(price_places(cli, &settings, beside)?);
        problems.extend(problems_of(&prices, &setting::PRICES, &settings));
        let advisor = AdvisorFile::read(advisor_places(cli, &settings, beside));
        problems.extend(problems_of(&advisor, &setting::SPOT_ADVISOR, &settings));
        let theme_name = file_name(&settings, &setting::THEME, &files.library.themes, &mut problems);
        let keymap_name = file_name(&settings, &setting::KEYMAP, &files.library.keymaps, &mut problems);
        let (theme, theme_problems) = Theme::load(&files.library, &theme_name);
        let (LoadedKeymap { keymap, .. }, keymap_problems) = config::keymap(&files.library, &keymap_name);
        problems.extend(theme_problems.into_iter().chain(keymap_problems));
        let readonly = settings.is_on(&setting::READONLY);
        Ok(Self {
            theme_name,
            theme,
            keymap: if readonly { keymap.without(crate::input::Action::writes) } else { keymap },
            namespaces: Some(settings.names(&setting::NAMESPACES).to_vec()).filter(|names| !names.is_empty()),
            readonly,
            without_aws: without_aws(&settings),
            karpenter_version: settings.text(&setting::KARPENTER_VERSION).map(str::to_owned),
            gpu: gpu_thresholds(&settings),
            spot: spot_thresholds(&settings),
            placement: placement(&settings),
            checkpoint_annotation: name(&settings, &setting::JOBS_CHECKPOINT_ANNOTATION),
            prometheus: prometheus(&settings),
            mouse: settings.is_on(&setting::MOUSE),
            columns: ChosenColumns::in_force(&settings),
            files: UserFiles { prices, advisor },
            problems,
            library: files.library,
            settings,
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

/// What decides which settings are in force, besides the files.
#[derive(Clone, Debug)]
pub struct Given {
    /// Flags and environment.
    pub cli: Cli,
    /// The context that was picked; `None` for that of flags and kubeconfig.
    pub context: Option<String>,
    /// What was set after `:set`, each setting at most once.
    pub session: Vec<(&'static Setting, SettingValue)>,
}

impl Given {
    /// Of flags and environment alone.
    pub fn of(cli: &Cli) -> Self {
        Self { cli: cli.clone(), context: None, session: Vec::new() }
    }
}

/// Namespaces that were not chosen for the context that was picked are those of another cluster.
fn forget_namespaces(settings: &mut Effective) {
    let is_of_context = matches!(settings.get(&setting::NAMESPACES), Some((_, SettingOrigin::Context(..))));
    if !is_of_context {
        settings.put(&setting::NAMESPACES, SettingValue::Names(Vec::new()), SettingOrigin::Default);
    }
}

/// The name of a theme or a keymap; the default one where `config.toml` names one that does not exist.
fn file_name(
    settings: &Effective,
    of: &'static Setting,
    texts: &[config::Text],
    problems: &mut Vec<Problem>,
) -> String {
    let name = name(settings, of);
    let Some((_, place)) = settings.named_file(of).filter(|_| !texts.iter().any(|text| text.name == name)) else {
        return name;
    };
    let message = config::no_such(of.key, &name, &names_of(texts));
    problems.push(Problem { place: place.clone(), key: of.key.into(), message });
    match of.default_value() {
        Some(SettingValue::Text(default)) => default,
        _ => name,
    }
}

/// The names of files, sorted, each once.
pub fn names_of(texts: &[config::Text]) -> Vec<&str> {
    let mut names: Vec<&str> = texts.iter().map(|text| text.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl Options {
    /// The mistakes that keep a change of the files from being applied; the files that are watched for themselves have their own.
    pub fn problems_of_change(&self) -> impl Iterator<Item = &Problem> {
        let others: Vec<&Problem> = self.files.prices.problems().iter().chain(self.files.advisor.problems()).collect();
        self.problems.iter().filter(move |problem| !others.contains(problem))
    }

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

/// The context that is connected to first; empty where it is not known.
fn first_context(cli: &Cli) -> String {
    if cli.demo.demo {
        return demo::CONTEXT.to_owned();
    }
    setup::connect_options(&cli.connection).map(|options| kube::name_of_context(&options)).unwrap_or_default()
}

/// A name that has a default.
fn name(settings: &Effective, of: &'static Setting) -> String {
    settings.text(of).unwrap_or_default().to_owned()
}

fn gpu_thresholds(settings: &Effective) -> GpuThresholds {
    let default = GpuThresholds::default();
    let percent = |of| settings.percent(of).map(Utilization::percent);
    GpuThresholds {
        busy: percent(&setting::GPU_BUSY_PERCENT).unwrap_or(default.busy),
        parked_memory: percent(&setting::GPU_PARKED_MEMORY_PERCENT).unwrap_or(default.parked_memory),
        grace_seconds: settings.seconds(&setting::GPU_GRACE).unwrap_or(default.grace_seconds),
        dwell_seconds: settings.seconds(&setting::GPU_DWELL).unwrap_or(default.dwell_seconds),
    }
}

fn spot_thresholds(settings: &Effective) -> SpotThresholds {
    let default = SpotThresholds::DEFAULT;
    let percent = |of| settings.percent(of).and_then(|set| u8::try_from(set).ok());
    SpotThresholds {
        high_risk: percent(&setting::SPOT_HIGH_RISK).unwrap_or(default.high_risk),
        least_coverage_percent: percent(&setting::SPOT_LEAST_COVERAGE_PERCENT)
            .unwrap_or(default.least_coverage_percent),
        half_life_seconds: settings.seconds(&setting::SPOT_HALF_LIFE).unwrap_or(default.half_life_seconds),
    }
}

fn placement(settings: &Effective) -> Option<u32> {
    settings.count(&setting::SPOT_PLACEMENT_CONFIGURATIONS).filter(|_| settings.is_on(&setting::SPOT_PLACEMENT_SCORES))
}

fn prometheus(settings: &Effective) -> PrometheusChoice {
    match settings.service(&setting::PROMETHEUS_SERVICE) {
        _ if !settings.is_on(&setting::PROMETHEUS_ENABLED) => {
            PrometheusChoice::Off { by: "prometheus.enabled = false in config.toml" }
        }
        Some(server) => PrometheusChoice::Named(server),
        None => PrometheusChoice::Find,
    }
}

/// Puts what flags and environment say over the file.
fn put_given(settings: &mut Effective, cli: &Cli) {
    let Common { theme, keymap, prices, karpenter_version, .. } = &cli.common;
    // <https://no-color.org>: below the flag, which is more explicit, and above the file.
    if theme.is_none() && std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        let monochrome = SettingValue::Text(config::theme::MONOCHROME.to_owned());
        settings.put(&setting::THEME, monochrome, SettingOrigin::Environment("NO_COLOR"));
    }
    let text = |value: &Option<String>| value.clone().map(SettingValue::Text);
    let prices = prices.as_ref().map(|path| SettingValue::Text(path.display().to_string()));
    let names = (!cli.rows.namespaces.is_empty()).then(|| SettingValue::Names(cli.rows.namespaces.clone()));
    let given = [
        (&setting::THEME, text(theme), "theme"),
        (&setting::KEYMAP, text(keymap), "keymap"),
        (&setting::PRICES, prices, "prices"),
        (&setting::KARPENTER_VERSION, text(karpenter_version), "karpenter_version"),
        (&setting::READONLY, cli.common.readonly.then_some(SettingValue::Switch(true)), "readonly"),
        (&setting::AWS, cli.common.no_aws.then_some(SettingValue::Switch(false)), "no_aws"),
        (&setting::NAMESPACES, names, "namespaces"),
        (&setting::NAMESPACES, cli.rows.all_namespaces.then(|| SettingValue::Names(Vec::new())), "all_namespaces"),
    ];
    for (of, value, argument) in given {
        if let Some(value) = value {
            settings.put(of, value, cli.origin_of(argument));
        }
    }
}

/// What turned AWS off.
fn without_aws(settings: &Effective) -> Option<&'static str> {
    let (_, origin) = settings.get(&setting::AWS).filter(|_| !settings.is_on(&setting::AWS))?;
    Some(match origin {
        SettingOrigin::Flag(_) | SettingOrigin::Environment(_) => "--no-aws",
        SettingOrigin::Session => ":set aws false",
        _ => "aws = false in config.toml",
    })
}

/// Possible paths of the price file: that of the flag, that of the settings, or those in the configuration folder. The
/// demo has its own prices and uses a price file only if the flag names one.
fn price_places(cli: &Cli, settings: &Effective, beside: Option<&str>) -> Result<Vec<PathBuf>, Failure> {
    let path = settings.text(&setting::PRICES).map(Path::new);
    if let (Some(path), None) = (path, settings.named_file(&setting::PRICES)) {
        return match std::fs::metadata(path) {
            Ok(_) => Ok(vec![path.to_owned()]),
            Err(error) => Err(Failure::usage(
                format!("cannot read {}: {error}", path.display()),
                "--prices must name a readable file",
            )),
        };
    }
    if cli.demo.demo {
        return Ok(Vec::new());
    }
    Ok(match settings.named_file(&setting::PRICES) {
        Some((path, _)) => vec![beside_settings(beside, path)],
        None => config::directory().map(|folder| config::price_places(&folder)).unwrap_or_default(),
    })
}

/// The path of a file that the settings name.
fn beside_settings(settings: Option<&str>, path: &str) -> PathBuf {
    settings.and_then(|file| Path::new(file).parent()).unwrap_or(Path::new("")).join(path)
}

/// Possible paths of the file of the Spot Instance Advisor. The demo has data of its own.
fn advisor_places(cli: &Cli, settings: &Effective, beside: Option<&str>) -> Vec<PathBuf> {
    if cli.demo.demo {
        return Vec::new();
    }
    match (settings.named_file(&setting::SPOT_ADVISOR), settings.text(&setting::SPOT_ADVISOR)) {
        (Some((path, _)), _) => vec![beside_settings(beside, path)],
        (None, Some(path)) => vec![PathBuf::from(path)],
        (None, None) => config::directory().iter().map(|folder| config::advisor_place(folder)).collect(),
    }
}

/// Mistakes in a file, and that the settings name one that does not exist. In the configuration folder it is optional.
fn problems_of<T: Watched>(file: &WatchedFile<T>, of: &Setting, settings: &Effective) -> Vec<Problem> {
    let missing = || {
        let ([path], (_, place)) = (file.places(), settings.named_file(of)?) else { return None };
        let message = format!("no such file: {}", path.display());
        file.is_absent().then(|| Problem { place: place.clone(), key: of.key.into(), message })
    };
    file.problems().iter().cloned().chain(missing()).collect()
}

fn check_names(common: &Common, library: &Library) -> Result<(), Failure> {
    let unknown = |kind: &str, name: &Option<String>, texts: &[config::Text]| match name {
        Some(name) if !texts.iter().any(|text| text.name == *name) => {
            let names = names_of(texts).join(", ");
            Err(Failure::usage(format!("no such {kind}: {name}"), format!("available: {names}")))
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
