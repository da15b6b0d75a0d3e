//! The state of the application.

use super::Ui;
use crate::fleet::{ClusterFacts, ConnectionError, Epoch, Fleet, Sources};
use crate::input::Keymap;
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
    /// How alive each Source is.
    pub sources: Sources,
    /// What is known of the cluster.
    pub cluster: ClusterFacts,
    /// Why nothing can be read.
    pub down: Option<ConnectionError>,
    /// What the user is looking at.
    pub ui: Ui,
}

impl App {
    /// Before anything is known.
    pub fn new(settings: Settings, now: Time) -> Self {
        Self {
            settings,
            now,
            epoch: Epoch::default(),
            fleet: Fleet::default(),
            sources: Sources::new(),
            cluster: ClusterFacts::default(),
            down: None,
            ui: Ui::default(),
        }
    }
}
