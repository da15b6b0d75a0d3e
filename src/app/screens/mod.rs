//! The screens: one table entry each, from which commands, tabs, help, footer, filters and orders follow, and whether
//! rows depend on a change.
//!
//! A new screen is a module here with a [`ScreenSpec`] and its variant in [`Screen`], and a module in `view` that
//! writes its cells, with its arm in `view/mod.rs`. A new column is a definition in the module of its screen here, and
//! its cell in the one in `view`; a test in `view/mod.rs` fails while there is only one of them.

mod column;
mod spec;
mod table;
mod view;

pub mod cost;
pub mod desk;
pub mod device_columns;
pub mod device_group_columns;
pub mod devices;
pub mod events;
pub mod fleet;
pub mod incidents;
pub mod jobs;
pub mod pods;
pub mod pools;
pub mod spot_pools;
pub mod spot_zones;
pub mod start_gangs;
pub mod start_images;
pub mod start_nodes;
pub mod starts;

pub use column::{Align, Column, DeviceRank, Order, RankOfDevice, RowRank, WidthRange};
pub use spec::{Narrowing, RowCount, ScreenSpec};
pub use table::{Observations, RowRate, Rows, TableSpec, Urgency, UseOfRows};
pub use view::{Grouping, Keeps, View};

use super::App;
use crate::input::Action;

/// The screens, in the order of their number keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Screen {
    /// Nodes, and NodeClaims that have no Node yet.
    #[default]
    Fleet,
    /// Jobs, with their pods beneath.
    Jobs,
    /// Pods in every phase.
    Pods,
    /// NodePools, each with its NodeClaims.
    Pools,
    /// Events of Kubernetes, the newest first.
    Events,
    /// Dollars, grouped by NodePool, namespace, Job and more.
    Cost,
    /// Starts of pods: where the time went between created and ready.
    Starts,
}

impl Screen {
    /// Every screen, in the order of the number keys.
    pub const ALL: [Self; 7] =
        [Self::Fleet, Self::Jobs, Self::Pods, Self::Pools, Self::Events, Self::Cost, Self::Starts];

    /// Definition of the screen: columns, views, filters and what its rows are.
    pub fn spec(self) -> &'static ScreenSpec {
        match self {
            Self::Fleet => &fleet::SPEC,
            Self::Jobs => &jobs::SPEC,
            Self::Pods => &pods::SPEC,
            Self::Pools => &pools::SPEC,
            Self::Events => &events::SPEC,
            Self::Cost => &cost::SPEC,
            Self::Starts => &starts::SPEC,
        }
    }

    /// Its number key, from 1.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|screen| *screen == self).map_or(0, |at| at + 1)
    }

    /// The screens that are offered now.
    pub fn shown(app: &App) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|screen| (screen.spec().is_offered)(app))
    }

    /// The screen that an action leads to.
    pub fn of_action(action: Action) -> Option<Self> {
        Self::ALL.into_iter().find(|screen| screen.spec().action == action)
    }

    /// The screen of a command: its number or one of its names.
    pub fn of_command(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|screen| {
            let is_alias = screen.spec().aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name));
            is_alias || screen.number().to_string() == name
        })
    }
}
