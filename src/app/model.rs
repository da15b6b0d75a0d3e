//! The state of the application.

use super::{ChosenColumns, FileNames, Ui};
use crate::config::Effective;
use crate::fleet::{ClusterFacts, ConnectionError, Epoch, Fleet, Sources};
use crate::input::Keymap;
use crate::insight::gpu::GpuThresholds;
use crate::insight::insights::Inputs;
use crate::insight::picture::{Evaluator, WorkSettings};
use crate::insight::spot::SpotThresholds;
use crate::insight::{Insights, Scope};
use crate::units::Time;

/// Settings from flags, environment and files, as they are in force now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// Whether writing actions are refused (`--readonly`).
    pub readonly: bool,
    /// The cluster is simulated.
    pub demo: bool,
    /// Karpenter's version as given by flag, environment or configuration.
    pub karpenter_version: Option<String>,
    /// Where one class of accelerators ends and the next begins.
    pub gpu: GpuThresholds,
    /// What counts of an estimate of the risk of spot capacity, and as how much.
    pub spot: SpotThresholds,
    /// The annotation of pods and Jobs that tells of the last checkpoint, as an RFC 3339 time.
    pub checkpoint_annotation: String,
    /// Namespaces and labels to which the rows are narrowed at first.
    pub scope: Scope,
    /// Version of batchtop, as `--version` prints it.
    pub version: String,
    /// Chords and the actions that they mean, in each context.
    pub keymap: Keymap,
    /// Columns of the screens for which the user chose some.
    pub columns: ChosenColumns,
    /// All settings in force, with where each comes from.
    pub values: Effective,
    /// Themes and keymaps that can be chosen.
    pub files: FileNames,
}

/// Everything batchtop knows. Only `update` changes it.
pub struct App {
    /// Settings in force; others come with [`super::Msg::Configured`].
    pub settings: Settings,
    /// Time of the last [`super::Msg::Clock`].
    pub now: Time,
    /// Number of the connection; reports of an older one are dropped.
    pub epoch: Epoch,
    /// Every object of the cluster that batchtop keeps, and the prices.
    pub fleet: Fleet,
    /// Everything that is derived from the Fleet and kept.
    pub insights: Insights,
    /// Health of each Source.
    pub sources: Sources,
    /// Names, versions and APIs of the connected cluster.
    pub cluster: ClusterFacts,
    /// Why the API server cannot be reached; `None` while it answers.
    pub down: Option<ConnectionError>,
    /// Namespaces and labels to which the rows are narrowed; totals never follow them.
    pub scope: Scope,
    /// State of the user interface: levels, listing, overlays, dialogs.
    pub ui: Ui,
}

/// The longest time between two ticks that is still paid for: the clock ticks each second and may be late, but a longer
/// time is that of a suspended laptop.
const LONGEST_TICK_SECONDS: i64 = 30;

/// The demo's clock may run a thousand times as fast.
const LONGEST_TICK_SECONDS_OF_DEMO: i64 = 30_000;

impl App {
    /// Before anything is known.
    pub fn new(settings: Settings, now: Time) -> Self {
        let mut app = Self {
            scope: settings.scope.clone(),
            settings,
            now,
            epoch: Epoch::default(),
            fleet: Fleet::default(),
            insights: Insights::default(),
            sources: Sources::new(),
            cluster: ClusterFacts::default(),
            down: None,
            ui: Ui::default(),
        };
        app.insights = Insights::new(&app.inputs());
        app
    }

    /// What the insights are derived from.
    pub fn inputs(&self) -> Inputs<'_> {
        inputs(&self.fleet, &self.sources, &self.cluster, &self.settings, self.now)
    }

    /// What decides about the work that goes with spot capacity.
    pub fn work_settings(&self) -> WorkSettings<'_> {
        WorkSettings { checkpoint_annotation: &self.settings.checkpoint_annotation, now: self.now }
    }

    /// The insights, to be changed, and what they are derived from.
    pub(super) fn insights_mut(&mut self) -> (&mut Insights, Inputs<'_>) {
        let inputs = inputs(&self.fleet, &self.sources, &self.cluster, &self.settings, self.now);
        (&mut self.insights, inputs)
    }

    /// What decides about nodes now; cheap to make, to be made once for each frame.
    pub fn evaluator(&self) -> Evaluator<'_> {
        self.insights.evaluator(&self.inputs())
    }
}

fn inputs<'a>(
    fleet: &'a Fleet,
    sources: &'a Sources,
    cluster: &'a ClusterFacts,
    settings: &'a Settings,
    now: Time,
) -> Inputs<'a> {
    let longest_tick_seconds = if settings.demo { LONGEST_TICK_SECONDS_OF_DEMO } else { LONGEST_TICK_SECONDS };
    let karpenter_version = settings.karpenter_version.as_deref();
    Inputs {
        fleet,
        sources,
        cluster,
        karpenter_version,
        gpu_thresholds: &settings.gpu,
        spot_thresholds: &settings.spot,
        checkpoint_annotation: &settings.checkpoint_annotation,
        now,
        longest_tick_seconds,
    }
}
