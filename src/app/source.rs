//! Reports of the Sources: Deltas, health, facts of the cluster.

use super::{App, listing, notice};
use crate::fleet::{ClusterFacts, Delta, Epoch, Fleet, Health, HealthState, Report, SourceGroup, SourceId, Sources};

/// A Source says something. What an older connection still says is dropped.
pub fn report(app: &mut App, epoch: Epoch, report: Report) {
    if epoch != app.epoch {
        return;
    }
    match report {
        Report::Delta(delta) => apply(app, delta),
        Report::Health(source, health) => set_health(app, source, health),
        Report::Cluster(facts) => set_facts(app, *facts),
        Report::Down(error) => app.down = Some(error),
    }
}

/// A change of the cluster's objects proves that the cluster answers.
fn apply(app: &mut App, delta: Delta) {
    if delta.source_group() == SourceGroup::Cluster {
        app.down = None;
    }
    let changed = app.fleet.apply(delta);
    let (insights, inputs) = app.insights_mut();
    insights.note(&inputs, &changed);
    listing::note(app, &changed);
}

fn set_facts(app: &mut App, facts: ClusterFacts) {
    if let Some(words) = facts.warning.as_ref().filter(|words| app.cluster.warning.as_ref() != Some(words)) {
        notice::warning(app, words.clone());
    }
    app.cluster = facts;
    let (insights, inputs) = app.insights_mut();
    insights.note_cluster(&inputs);
    listing::note_parts(app);
    app.ui.listing.dirty = true;
}

/// A Source of the cluster that answers again proves that it is no longer down.
fn set_health(app: &mut App, source: SourceId, health: Health) {
    let is_of_cluster = source.group() == SourceGroup::Cluster;
    if is_of_cluster && matches!(health.state, HealthState::Syncing | HealthState::Live) {
        app.down = None;
    }
    let before = app.sources.insert(source, health);
    let (insights, inputs) = app.insights_mut();
    insights.note_health(&inputs, source, before.as_ref());
}

/// Forgets everything that the old connection told, before another context is connected.
pub fn forget(app: &mut App, context: &str) {
    app.epoch = Epoch(app.epoch.0 + 1);
    app.fleet = Fleet::default();
    app.scope.namespaces = None;
    app.settings.scope.namespaces = None;
    app.sources = Sources::new();
    app.down = None;
    let contexts = std::mem::take(&mut app.cluster.contexts);
    app.cluster = ClusterFacts { context: context.to_owned(), contexts, ..ClusterFacts::default() };
    let (insights, inputs) = app.insights_mut();
    insights.forget(&inputs);
    app.ui.desk = super::Desk::default();
}
