//! Runs the insights' work in slices, and turns what they want of the outside into effects.

use super::effects::Effects;
use super::{App, Effect, listing};
use crate::fleet::{Health, HealthState, SourceId};

/// Does one slice of the insights' work.
pub fn slice(app: &mut App, effects: &mut Effects) {
    let (insights, inputs) = app.insights_mut();
    let requests = insights.work(&inputs);
    listing::note_parts(app);
    if let Some(demand) = requests.demand {
        demand.sources.iter().for_each(|source| expect(app, *source));
        effects.push(Effect::Demand(demand));
    }
    if let Some(held) = requests.remember {
        effects.push(Effect::Remember(held));
    }
    if let Some(observed) = requests.starts {
        effects.push(Effect::RememberStarts(Box::new(observed)));
    }
    if let Some(record) = requests.remember_spot {
        effects.push(Effect::RememberSpot(record));
    }
}

/// Does all of it, and what would wait for a later second: for a document that is written once.
pub fn settle_completely(app: &mut App) -> Vec<Effect> {
    let (insights, inputs) = app.insights_mut();
    insights.hurry(&inputs);
    settle(app)
}

/// Does all of it that is due.
pub fn settle(app: &mut App) -> Vec<Effect> {
    let mut effects = Effects::default();
    while app.insights.has_work() {
        slice(app, &mut effects);
    }
    effects.into_vec()
}

/// A Source that was not needed is shown as connecting until it reports itself.
fn expect(app: &mut App, source: SourceId) {
    if app.sources.get(&source).is_none_or(|health| health.state == HealthState::NotNeeded) {
        app.sources.insert(source, Health::default());
    }
}
