//! What the Sources say.

use super::{App, Effect, listing};
use crate::fleet::{ClusterFacts, Delta, Epoch, Fleet, Health, HealthState, Kind, Report, SourceId, Sources};
use crate::insight::Picture;

/// A Source says something. What an older connection still says is dropped.
pub fn report(app: &mut App, epoch: Epoch, report: Report) -> Vec<Effect> {
    if epoch != app.epoch {
        return Vec::new();
    }
    match report {
        Report::Delta(delta) => apply(app, delta),
        Report::Health(source, health) => set_health(app, source, health),
        Report::Cluster(facts) => set_facts(app, *facts),
        Report::Down(error) => app.down = Some(error),
    }
    Vec::new()
}

/// Prices come from elsewhere, and prove nothing of the cluster.
fn apply(app: &mut App, delta: Delta) {
    if !matches!(delta, Delta::Prices(_)) {
        app.down = None;
    }
    let changed = app.fleet.apply(delta);
    app.picture.update(&app.fleet, &changed);
    if changed.kinds.contains(&Kind::KarpenterDeployment) {
        app.detect_karpenter();
        app.ui.listing.dirty = true;
    }
    app.burning.note(&changed);
    listing::note(app, &changed);
}

fn set_facts(app: &mut App, facts: ClusterFacts) {
    app.cluster = facts;
    app.detect_karpenter();
    app.ui.listing.verdicts.note();
    app.burning.note_all();
    app.ui.listing.dirty = true;
}

/// A Source of the cluster that answers again proves that it is no longer down.
fn set_health(app: &mut App, source: SourceId, health: Health) {
    let is_of_cluster = !SourceId::OF_PRICES.contains(&source);
    if is_of_cluster && matches!(health.state, HealthState::Syncing | HealthState::Live) {
        app.down = None;
    }
    app.ui.listing.verdicts.note_health(app.sources.get(&source), &health);
    if app.sources.get(&source).map(|before| before.state) != Some(health.state) {
        app.burning.note_all();
    }
    app.sources.insert(source, health);
}

/// Forgets everything that the old connection told, before another context is connected.
pub fn forget(app: &mut App, context: &str) {
    app.epoch = Epoch(app.epoch.0 + 1);
    app.fleet = Fleet::default();
    app.picture = Picture::default();
    app.ui.listing.verdicts = super::Verdicts::default();
    app.burning = super::Burning::default();
    app.scope.namespaces = None;
    app.sources = Sources::new();
    app.down = None;
    let contexts = std::mem::take(&mut app.cluster.contexts);
    app.cluster = ClusterFacts { context: context.to_owned(), contexts, ..ClusterFacts::default() };
    app.detect_karpenter();
}
