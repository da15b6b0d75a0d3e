//! Reads `config.toml`.

use super::document::{Document, Value, join};
use super::problem::{Place, Problem};
use crate::fleet::ServiceAddress;
use crate::units::duration;

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
    /// Where one class of accelerators ends and the next begins.
    pub gpu: GpuSettings,
    /// Which Prometheus server is asked.
    pub prometheus: PrometheusSettings,
    /// What is read of Jobs.
    pub jobs: JobsSettings,
    /// How the risk of spot capacity is estimated.
    pub spot: SpotSettings,
    /// Price file, and the place of the setting; a relative path is relative to the folder of `config.toml`.
    pub prices: Option<(String, Place)>,
}

/// The table `[gpu]`; `None` for keys that it does not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GpuSettings {
    /// Utilization in percent from which a device is busy.
    pub busy_percent: Option<u32>,
    /// Percent of its memory from which a device is parked.
    pub parked_memory_percent: Option<u32>,
    /// How long nothing is said of the devices of a pod that has just started.
    pub grace_seconds: Option<i64>,
    /// How long a device must be less active until its class says so.
    pub dwell_seconds: Option<i64>,
}

/// The table `[prometheus]`; `None` for keys that it does not set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PrometheusSettings {
    /// Whether one is asked.
    pub enabled: Option<bool>,
    /// The port of its Service.
    pub service: Option<ServiceAddress>,
}

/// The table `[jobs]`; `None` for keys that it does not set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JobsSettings {
    /// The annotation of Jobs and pods that tells of the last checkpoint.
    pub checkpoint_annotation: Option<String>,
}

/// The table `[spot]`; `None` for keys that it does not set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SpotSettings {
    /// Risk from which on it is high.
    pub high_risk: Option<u32>,
    /// Coverage in percent below which there is no number.
    pub least_coverage_percent: Option<u32>,
    /// After how long what was watched counts half.
    pub half_life_seconds: Option<i64>,
    /// File of the Spot Instance Advisor, and the place of the setting; a relative path is relative to the folder of
    /// `config.toml`.
    pub advisor: Option<(String, Place)>,
    /// Whether AWS is asked for placement scores.
    pub placement_scores: Option<bool>,
    /// How many configurations of these may be new within 24 hours.
    pub placement_configurations: Option<u32>,
}

/// All keys of `config.toml`.
const KEYS: [&str; 12] = [
    "aws",
    "gpu",
    "jobs",
    "karpenter_version",
    "keymap",
    "mouse",
    "namespaces",
    "prices",
    "prometheus",
    "readonly",
    "spot",
    "theme",
];

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
            "prices" => settings.prices = named_file(&mut document, name, value),
            "gpu" => settings.gpu = gpu(&mut document, value),
            "prometheus" => settings.prometheus = prometheus(&mut document, value),
            "jobs" => settings.jobs = jobs(&mut document, value),
            "spot" => settings.spot = spot(&mut document, value),
            "mouse" => settings.mouse = document.boolean(name, value),
            _ => document.note_unknown_key(key, "", &KEYS),
        }
    }
    (settings, document.into_problems())
}

/// A path, and where it stands.
fn named_file(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<(String, Place)> {
    let path = document.string(key, value)?.to_owned();
    Some((path, document.place(&value.span())))
}

/// All keys of the table `[jobs]`.
const JOBS_KEYS: [&str; 1] = ["checkpointAnnotation"];

fn jobs<'t>(document: &mut Document<'t>, value: &Value<'t>) -> JobsSettings {
    let mut settings = JobsSettings::default();
    let Some(table) = document.table("jobs", value) else { return settings };
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = join("jobs", name);
        match name {
            "checkpointAnnotation" => settings.checkpoint_annotation = annotation(document, &path, value),
            _ => document.note_unknown_key(key, "jobs", &JOBS_KEYS),
        }
    }
    settings
}

/// The longest key of an annotation: a domain, a slash, a name.
const MAX_KEY_BYTES: usize = 253 + 1 + 63;

fn annotation(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<String> {
    let text = document.string(key, value)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    if text.is_empty() || text.len() > MAX_KEY_BYTES || !text.bytes().all(is_plain) {
        let message = format!("invalid key of an annotation: {text:?}; write it like \"example.com/last-checkpoint\"");
        document.note(&value.span(), key, message);
        return None;
    }
    Some(text.to_owned())
}

/// All keys of the table `[spot]`.
const SPOT_KEYS: [&str; 6] =
    ["advisor", "halfLife", "highRisk", "leastCoveragePercent", "placementConfigurations", "placementScores"];

/// AWS does not publish how many it takes; "a few (10)" says the sample of AWS that tracks these scores (aws-samples,
/// ec2-spot-placement-score-tracker).
const MOST_PLACEMENT_CONFIGURATIONS: i64 = 10;

fn spot<'t>(document: &mut Document<'t>, value: &Value<'t>) -> SpotSettings {
    let mut settings = SpotSettings::default();
    let Some(table) = document.table("spot", value) else { return settings };
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = join("spot", name);
        match name {
            "highRisk" => settings.high_risk = percent(document, &path, value),
            "leastCoveragePercent" => settings.least_coverage_percent = percent(document, &path, value),
            "halfLife" => settings.half_life_seconds = half_life(document, &path, value),
            "advisor" => settings.advisor = named_file(document, &path, value),
            "placementScores" => settings.placement_scores = document.boolean(&path, value),
            "placementConfigurations" => {
                let most = document.integer(&path, value, 1..=MOST_PLACEMENT_CONFIGURATIONS);
                settings.placement_configurations = most.and_then(|most| u32::try_from(most).ok());
            }
            _ => document.note_unknown_key(key, "spot", &SPOT_KEYS),
        }
    }
    settings
}

/// From an hour to a year: what fades sooner is never evidence, and what is older says nothing.
const HALF_LIFE_SECONDS: std::ops::RangeInclusive<i64> = 3_600..=365 * 86_400;

fn half_life(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<i64> {
    let seconds = seconds(document, key, value)?;
    if HALF_LIFE_SECONDS.contains(&seconds) {
        return Some(seconds);
    }
    document.note(&value.span(), key, "must be from \"1h\" to \"8760h\"");
    None
}

/// All keys of the table `[gpu]`.
const GPU_KEYS: [&str; 4] = ["busyPercent", "dwell", "grace", "parkedMemoryPercent"];

fn gpu<'t>(document: &mut Document<'t>, value: &Value<'t>) -> GpuSettings {
    let mut settings = GpuSettings::default();
    let Some(table) = document.table("gpu", value) else { return settings };
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = join("gpu", name);
        match name {
            "busyPercent" => settings.busy_percent = percent(document, &path, value),
            "parkedMemoryPercent" => settings.parked_memory_percent = percent(document, &path, value),
            "grace" => settings.grace_seconds = seconds(document, &path, value),
            "dwell" => settings.dwell_seconds = seconds(document, &path, value),
            _ => document.note_unknown_key(key, "gpu", &GPU_KEYS),
        }
    }
    settings
}

/// All keys of the table `[prometheus]`.
const PROMETHEUS_KEYS: [&str; 2] = ["enabled", "service"];

fn prometheus<'t>(document: &mut Document<'t>, value: &Value<'t>) -> PrometheusSettings {
    let mut settings = PrometheusSettings::default();
    let Some(table) = document.table("prometheus", value) else { return settings };
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = join("prometheus", name);
        match name {
            "enabled" => settings.enabled = document.boolean(&path, value),
            "service" => settings.service = service(document, &path, value),
            _ => document.note_unknown_key(key, "prometheus", &PROMETHEUS_KEYS),
        }
    }
    settings
}

fn service(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<ServiceAddress> {
    let text = document.string(key, value)?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let message = format!(
            "invalid port of a Service: {text:?}; write it like \"monitoring/prometheus-operated:9090\", with https: before \
             it for TLS"
        );
        document.note(&value.span(), key, message);
    }
    parsed
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
