//! The front desk: what needs somebody now, as of a moment ago.

use super::{App, Level, RateOfRows};
use crate::app::screens::Rows;
use crate::fleet::ObjectKey;
use crate::insight::picture::{Concern, Matter, MatterKey};
use crate::units::Time;

/// What needs somebody, as it was when that was last looked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Desk {
    matters: Option<Vec<Matter>>,
    /// When it was looked for; `None` before the first time.
    looked_at: Option<Time>,
}

impl Desk {
    /// What is most urgent in front; `None` where not everything is known that decides.
    pub fn matters(&self) -> Option<&[Matter]> {
        self.matters.as_deref()
    }

    /// The matter of a key, unless it is settled by now.
    pub fn find(&self, key: &MatterKey) -> Option<&Matter> {
        self.matters.iter().flatten().find(|matter| matter.key == *key)
    }

    /// What is paid for nothing on a Node.
    pub fn waste_of(&self, node: &ObjectKey) -> Option<&Matter> {
        let is_its = |matter: &&Matter| matter.key.concern == Concern::Waste && matter.key.object == *node;
        self.matters.iter().flatten().find(is_its)
    }

    /// Those that need somebody now.
    pub fn urgent(&self) -> impl Iterator<Item = &Matter> {
        self.matters.iter().flatten().filter(|matter| matter.needs_somebody())
    }

    /// What is paid for nothing.
    pub fn rate(&self) -> RateOfRows {
        sum(self.urgent())
    }
}

/// What matters cost together.
pub fn sum<'a>(matters: impl Iterator<Item = &'a Matter>) -> RateOfRows {
    matters.fold(RateOfRows::default(), |sum, matter| RateOfRows {
        micro_usd_per_hour: sum.micro_usd_per_hour.saturating_add(matter.rate.unwrap_or(0)),
        unpriced: sum.unpriced + usize::from(matter.is_unpriced),
    })
}

/// So many Nodes and pods are looked at for each second that passes between two looks, so that a look takes no more than a
/// thousandth of the time.
const OBJECTS_PER_SECOND: usize = 2_500;

/// Looks again where that is due.
pub fn tick(app: &mut App) {
    let objects = app.fleet.nodes.len() + app.fleet.pods.len();
    let seconds = i64::try_from(objects / OBJECTS_PER_SECOND + 1).unwrap_or(i64::MAX);
    if app.ui.desk.looked_at.is_none_or(|at| app.now.seconds_since(at) >= seconds) {
        look(app);
    }
}

/// Looks what needs somebody now.
pub fn look(app: &mut App) {
    let matters = app.insights.matters(&app.inputs());
    let has_changed = matters != app.ui.desk.matters;
    app.ui.desk = Desk { matters, looked_at: Some(app.now) };
    app.ui.listing.dirty |= has_changed && is_shown(&app.ui.level);
}

/// Whether a level lists what needs somebody.
pub fn is_shown(level: &Level) -> bool {
    matches!(level.table().rows, Rows::Matters(_))
}
