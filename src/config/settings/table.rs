//! The settings: one definition each.
//!
//! What is read, the schema, `config print` and `:set` follow from these entries.

use std::fmt;

use super::kind::Kind;

/// A setting of `config.toml`. There is one definition of each; two are equal where they are the same definition.
pub struct Setting {
    /// Where it stands: `theme`, or `gpu.grace` for the key `grace` of the table `[gpu]`. At most one dot.
    pub key: &'static str,
    /// What it is for, in one sentence without a period.
    pub help: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The value where nothing sets one, as TOML; `None` where it then has none.
    pub default: Option<&'static str>,
    /// What follows from its absence, where it has no default.
    pub without: &'static str,
    /// From when on a change counts.
    pub applies: Applies,
}

/// From when on the change of a setting counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applies {
    /// At once.
    AtOnce,
    /// When the next connection begins, to whichever context.
    NextConnection,
}

/// AWS does not publish how many it takes; "a few (10)" says the sample of AWS that tracks these scores (aws-samples,
/// ec2-spot-placement-score-tracker).
const MOST_PLACEMENT_CONFIGURATIONS: u32 = 10;

impl Setting {
    const fn new(key: &'static str, kind: Kind, default: Option<&'static str>, help: &'static str) -> Self {
        Self { key, help, kind, default, without: "", applies: Applies::AtOnce }
    }

    const fn without(mut self, without: &'static str) -> Self {
        self.without = without;
        self
    }

    const fn at_next_connection(mut self) -> Self {
        self.applies = Applies::NextConnection;
        self
    }

    /// The table in which it stands, and its key there; the table of a key at the top is empty.
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.key.split_once('.').unwrap_or(("", self.key))
    }

    /// The setting of this key, whole as in [`Setting::key`].
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().copied().find(|setting| setting.key == key)
    }
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Setting {}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setting({})", self.key)
    }
}

/// Defines settings, and lists them as `SETTINGS`: first those outside of tables, then table by table.
macro_rules! settings {
    ($($name:ident = $setting:expr;)+) => {
        $(#[doc = concat!("The setting ", stringify!($name), ".")] pub static $name: Setting = $setting;)+

        /// Every setting: first those outside of tables, then table by table.
        pub static SETTINGS: &[&Setting] = &[$(&$name),+];
    };
}

/// From an hour to a year: what fades sooner is never evidence, and what is older says nothing.
const HALF_LIFE: Kind = Kind::Duration { least: 3_600, most: 365 * 86_400, words: "must be from \"1h\" to \"8760h\"" };

/// The columns of a screen.
const fn columns(key: &'static str, help: &'static str) -> Setting {
    Setting::new(key, Kind::Columns, None, help)
        .without("all columns for which there is room, the most important first")
}

const ANY_DURATION: Kind = Kind::Duration { least: 0, most: i64::MAX, words: "" };

settings! {
    THEME = Setting::new(
        "theme",
        Kind::Theme,
        Some("\"dark\""),
        "Colours: a theme that batchtop themes lists, or a file of yours in themes/",
    );
    KEYMAP = Setting::new(
        "keymap",
        Kind::Keymap,
        Some("\"default\""),
        "Keys: default, vim, emacs, or a file of yours in keymaps/",
    );
    NAMESPACES = Setting::new(
        "namespaces",
        Kind::Namespaces,
        Some("[]"),
        "Only Jobs, Pods and Events of these namespaces are listed; none for all. Totals count the whole cluster",
    );
    READONLY = Setting::new(
        "readonly",
        Kind::Switch,
        Some("false"),
        "Whether every action that writes to the cluster is removed",
    );
    MOUSE = Setting::new(
        "mouse",
        Kind::Switch,
        Some("true"),
        "Whether clicks and the wheel are used; text is then selected with shift",
    );
    AWS = Setting::new("aws", Kind::Switch, Some("true"), "Whether AWS is asked for prices").at_next_connection();
    PRICES = Setting::new("prices", Kind::File, None, "Your price file, TOML or CSV, relative to this file")
        .without("prices.toml or prices.csv in the configuration folder, where there is one")
        .at_next_connection();
    KARPENTER_VERSION = Setting::new(
        "karpenter_version",
        Kind::Version,
        None,
        "Version of Karpenter, where it cannot be read from the cluster",
    )
        .without("it is read from the cluster");
    GPU_BUSY_PERCENT = Setting::new(
        "gpu.busyPercent",
        Kind::Percent,
        Some("5"),
        "From this utilization on a device is busy",
    );
    GPU_PARKED_MEMORY_PERCENT = Setting::new(
        "gpu.parkedMemoryPercent",
        Kind::Percent,
        Some("10"),
        "From this share of its memory (or 1 GiB) on a device is parked while it is not busy",
    );
    GPU_GRACE = Setting::new(
        "gpu.grace",
        ANY_DURATION,
        Some("\"10m\""),
        "For so long after its start nothing is said of a pod's devices",
    );
    GPU_DWELL = Setting::new(
        "gpu.dwell",
        ANY_DURATION,
        Some("\"2m\""),
        "For so long a device must be less active until its class says so",
    );
    PROMETHEUS_ENABLED = Setting::new(
        "prometheus.enabled",
        Kind::Switch,
        Some("true"),
        "Whether a Prometheus server is asked about accelerators whose exporter is not there or cannot be read",
    )
        .at_next_connection();
    PROMETHEUS_SERVICE = Setting::new(
        "prometheus.service",
        Kind::Service,
        None,
        "The Prometheus server, as NAMESPACE/NAME:PORT of its Service, with https: before it for TLS",
    )
        .without("it is found by itself")
        .at_next_connection();
    JOBS_CHECKPOINT_ANNOTATION = Setting::new(
        "jobs.checkpointAnnotation",
        Kind::Annotation,
        Some("\"batchtop.io/last-checkpoint\""),
        "Annotation of a Job or its pods that tells when it last saved its work, as RFC 3339",
    );
    SPOT_HIGH_RISK = Setting::new(
        "spot.highRisk",
        Kind::Percent,
        Some("70"),
        "From this risk on spot capacity is written as high",
    );
    SPOT_LEAST_COVERAGE_PERCENT = Setting::new(
        "spot.leastCoveragePercent",
        Kind::Percent,
        Some("35"),
        "Below this known part of all evidence a risk has no number",
    );
    SPOT_HALF_LIFE = Setting::new(
        "spot.halfLife",
        HALF_LIFE,
        Some("\"168h\""),
        "After this time what was watched of spot capacity counts half",
    );
    SPOT_ADVISOR = Setting::new(
        "spot.advisor",
        Kind::File,
        None,
        "Your copy of the data of the Spot Instance Advisor, relative to this file",
    )
        .without("spot-advisor-data.json in the configuration folder, where there is one")
        .at_next_connection();
    SPOT_PLACEMENT_SCORES = Setting::new(
        "spot.placementScores",
        Kind::Switch,
        Some("false"),
        "Ask AWS how likely requests for spot capacity are to succeed",
    )
        .at_next_connection();
    SPOT_PLACEMENT_CONFIGURATIONS = Setting::new(
        "spot.placementConfigurations",
        Kind::Count(MOST_PLACEMENT_CONFIGURATIONS),
        Some("8"),
        "Of placement scores, of which AWS takes few a day, at most so many new configurations within 24 hours",
    )
        .at_next_connection();
    COLUMNS_FLEET = columns("columns.fleet", "Columns of Fleet in their order, with label:KEY for the label of that key");
    COLUMNS_JOBS = columns("columns.jobs", "Columns of Jobs in their order, with label:KEY for the label of that key");
    COLUMNS_PODS = columns("columns.pods", "Columns of Pods in their order, with label:KEY for the label of that key");
    COLUMNS_POOLS = columns("columns.pools", "Columns of Pools in their order");
    COLUMNS_EVENTS = columns("columns.events", "Columns of Events in their order");
    COLUMNS_COST = columns("columns.cost", "Columns of Cost in their order");
    COLUMNS_STARTS = columns("columns.starts", "Columns of Starts in their order");
}
