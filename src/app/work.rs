//! Runs the insights' work in slices, and turns what they want of the outside into effects.

use super::{App, Effect, listing};
use crate::fleet::{Health, HealthState, SourceId};

/// Does one slice of the insights' work.
pub fn slice(app: &mut App) -> Vec<Effect> {
    let (insights, inputs) = app.insights_mut();
    let requests = insights.work(&inputs);
    listing::note_parts(app);
    let demand = requests.demand.map(|demand| {
        demand.sources.iter().for_each(|source| expect(app, *source));
        Effect::Demand(demand)
    });
    demand.into_iter().chain(requests.remember.map(Effect::Remember)).collect()
}

/// Does all of it.
pub fn settle(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    while app.insights.has_work() {
        effects.extend(slice(app));
    }
    effects
}

/// A Source that was not needed is shown as connecting until it reports itself.
fn expect(app: &mut App, source: SourceId) {
    if app.sources.get(&source).is_none_or(|health| health.state == HealthState::NotNeeded) {
        app.sources.insert(source, Health::default());
    }
}
