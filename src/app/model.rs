//! The state of the application.

use super::{Burning, Ui};
use crate::fleet::{ClusterFacts, ConnectionError, Epoch, Fleet, Sources};
use crate::input::Keymap;
use crate::insight::disruption::HeldMemory;
use crate::insight::picture::Judge;
use crate::insight::{KarpenterVersion, Known, Picture, Scope};
use crate::units::Time;

/// What does not change while batchtop runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// No writing actions.
    pub readonly: bool,
    /// The cluster is simulated.
    pub demo: bool,
    /// Karpenter's version as given by flag, environment or configuration.
    pub karpenter_version: Option<String>,
    /// What the rows are narrowed to at first.
    pub scope: Scope,
    /// batchtop's own version.
    pub version: String,
    /// The keys.
    pub keymap: Keymap,
}

/// Everything batchtop knows. Only `update` changes it.
pub struct App {
    /// What does not change.
    pub settings: Settings,
    /// What time it is.
    pub now: Time,
    /// Generation of the connection.
    pub epoch: Epoch,
    /// What exists.
    pub fleet: Fleet,
    /// What it means; always that of `fleet`.
    pub picture: Picture,
    /// Which Karpenter runs there, as far as it is known.
    pub karpenter: KarpenterVersion,
    /// How alive each Source is.
    pub sources: Sources,
    /// What is known of the cluster.
    pub cluster: ClusterFacts,
    /// Why nothing can be read.
    pub down: Option<ConnectionError>,
    /// What the rows are narrowed to; totals never follow it.
    pub scope: Scope,
    /// Which nodes are held since when, as far as batchtop saw it itself.
    pub held: HeldMemory,
    /// What everything costs.
    pub burning: Burning,
    /// What the user is looking at.
    pub ui: Ui,
}

impl App {
    /// Before anything is known.
    pub fn new(settings: Settings, now: Time) -> Self {
        let mut app = Self {
            scope: settings.scope.clone(),
            settings,
            now,
            epoch: Epoch::default(),
            fleet: Fleet::default(),
            picture: Picture::default(),
            karpenter: KarpenterVersion::default(),
            sources: Sources::new(),
            cluster: ClusterFacts::default(),
            down: None,
            held: HeldMemory::default(),
            burning: Burning::default(),
            ui: Ui::default(),
        };
        app.detect_karpenter();
        app
    }

    /// What decides about nodes now; cheap to make, to be made once for each frame.
    pub fn judge(&self) -> Judge<'_> {
        Judge::new(&self.fleet, &self.picture, &Known::new(&self.sources), &self.karpenter, self.now)
    }

    /// Looks again which Karpenter runs there.
    pub(super) fn detect_karpenter(&mut self) {
        let flag = self.settings.karpenter_version.as_deref();
        self.karpenter = KarpenterVersion::detect(flag, &self.fleet.controllers, &self.cluster);
    }
}
