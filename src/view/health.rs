//! The faces of Sources, and what stands where rows cannot.

use super::context::FrameContext;
use super::{Line, format};
use crate::app::{Narrowing, Rows, Screen};
use crate::config::Role;
use crate::fleet::{Health, HealthState, KarpenterApi, Kind, SourceGroup, SourceId};
use crate::input::{Action, Context};
use crate::units::Time;

/// Glyph and role of a state.
pub(super) const fn glyph(state: HealthState) -> (&'static str, Role) {
    match state {
        HealthState::Connecting => ("◌", Role::Pending),
        HealthState::Syncing => ("◔", Role::Pending),
        HealthState::Live => ("●", Role::Ok),
        HealthState::Stale => ("◑", Role::Warn),
        HealthState::Forbidden => ("⊘", Role::Warn),
        HealthState::Absent | HealthState::NotNeeded => ("○", Role::TextDim),
        HealthState::Failed => ("✗", Role::Bad),
    }
}

/// The state in words: `stale for 42s, next try in 8s`.
pub(super) fn words(health: &Health, now: Time) -> String {
    match health.state {
        HealthState::Connecting => "connecting".to_owned(),
        HealthState::Syncing => format!("syncing {}", format::count(health.objects)),
        HealthState::Live => "live".to_owned(),
        HealthState::Stale => with_next_try(stale_for(health, now), health, now),
        HealthState::Forbidden => "forbidden".to_owned(),
        HealthState::Absent => "absent".to_owned(),
        HealthState::NotNeeded => "not needed".to_owned(),
        HealthState::Failed => with_next_try("failed".to_owned(), health, now),
    }
}

fn stale_for(health: &Health, now: Time) -> String {
    match health.as_of {
        Some(as_of) => format!("stale for {}", format::age(now.seconds_since(as_of))),
        None => "stale".to_owned(),
    }
}

fn with_next_try(words: String, health: &Health, now: Time) -> String {
    match health.next_try.map(|at| at.seconds_since(now)) {
        Some(seconds @ 1..) => format!("{words}, next try in {}", format::age(seconds)),
        Some(_) => format!("{words}, trying again"),
        None => words,
    }
}

/// The one state of the cluster, for the header: the worst of its Sources. Sources of prices have their place beside the prices.
pub(super) fn summary(frame: &FrameContext<'_>) -> Line {
    if frame.app.down.is_some() {
        return Line::of(Role::Bad, "✗ no connection");
    }
    let Some((id, health)) = of_cluster(frame).max_by_key(|(id, health)| urgency(**id, health.state)) else {
        return face_of(HealthState::Connecting, "connecting".to_owned());
    };
    match health.state {
        HealthState::Live | HealthState::Absent | HealthState::NotNeeded => live(frame),
        HealthState::Forbidden if !id.is_essential() => live(frame),
        HealthState::Connecting => face_of(health.state, "connecting".to_owned()),
        HealthState::Syncing => {
            face_of(health.state, format!("syncing {} {}", id.name(), format::count(health.objects)))
        }
        state => face_of(state, format!("{} {}", id.name(), words(health, frame.app.now))),
    }
}

fn of_cluster<'a>(frame: &'a FrameContext<'_>) -> impl Iterator<Item = (&'a SourceId, &'a Health)> {
    frame.app.sources.iter().filter(|(id, _)| id.group() == SourceGroup::Cluster)
}

fn face_of(state: HealthState, words: String) -> Line {
    let (glyph, role) = glyph(state);
    Line::of(role, glyph).and(role, " ").and(role, words)
}

/// Higher is worse; of equal states the essential Source speaks.
fn urgency(id: SourceId, state: HealthState) -> (u8, bool) {
    let essential = id.is_essential();
    let rank = match state {
        HealthState::Forbidden if essential => 6,
        HealthState::Failed => 5,
        HealthState::Stale => 4,
        HealthState::Syncing => 3,
        HealthState::Connecting => 2,
        HealthState::Forbidden => 1,
        HealthState::Live | HealthState::Absent | HealthState::NotNeeded => 0,
    };
    (rank, essential)
}

fn live(frame: &FrameContext<'_>) -> Line {
    let forbidden = of_cluster(frame).filter(|(_, health)| health.state == HealthState::Forbidden).count();
    let line = face_of(HealthState::Live, "live".to_owned());
    if forbidden == 0 { line } else { line.and(Role::Warn, format!(", {forbidden} forbidden")) }
}

/// What the rule above the table says about rows that are there but not the whole truth.
pub(super) fn banner(frame: &FrameContext<'_>) -> Line {
    let wanting =
        |kind: &Kind| !matches!(frame.state(*kind), HealthState::Live | HealthState::Absent | HealthState::NotNeeded);
    let spec = frame.app.ui.level.screen.spec();
    let kinds = spec.own_kinds_of(frame.app.ui.level.view).iter().chain(spec.counted_kinds);
    let Some(kind) = kinds.copied().find(wanting) else { return Line::new() };
    let health = frame.app.sources.get(&SourceId::Kind(kind)).cloned().unwrap_or_default();
    let line = face_of(health.state, format!("{} {}", kind.resource(), words(&health, frame.app.now)));
    match &health.message {
        Some(message) => line.and(Role::TextDim, format!(": {message}")),
        None => line,
    }
}

/// What stands in the middle when a screen has no rows: what is the matter, then what to do.
pub(super) fn empty(frame: &FrameContext<'_>) -> Vec<Line> {
    if let Some(down) = &frame.app.down {
        return vec![Line::of(Role::Bad, format!("✗ {}", down.message)), Line::of(Role::TextDim, &down.hint)];
    }
    let kind = main_kind(frame);
    let health = frame.app.sources.get(&SourceId::Kind(kind)).cloned().unwrap_or_default();
    let (glyph, role) = glyph(health.state);
    let message = health.message.as_ref().map(|message| Line::of(Role::TextDim, message));
    let lines = match health.state {
        HealthState::Live | HealthState::Stale => return nothing_listed(frame),
        HealthState::Connecting => vec![Line::of(role, format!("{glyph} connecting to {}", server(frame)))],
        HealthState::Syncing => {
            let read = format!("{glyph} reading {}: {} so far", kind.resource(), format::count(health.objects));
            vec![Line::of(role, read)]
        }
        HealthState::Forbidden => vec![
            Line::of(role, format!("{glyph} you may not list {}", kind.resource())),
            Line::of(Role::TextDim, "batchtop rbac viewer prints the roles that it needs"),
        ],
        HealthState::Absent | HealthState::NotNeeded => absent(frame, kind, glyph),
        HealthState::Failed => {
            vec![Line::of(role, format!("{glyph} reading {} {}", kind.resource(), words(&health, frame.app.now)))]
        }
    };
    lines.into_iter().chain(message).collect()
}

/// The first kind of the screen that is not complete, else the first: what keeps rows from being there.
fn main_kind(frame: &FrameContext<'_>) -> Kind {
    let level = &frame.app.ui.level;
    level.screen.spec().own_kinds_of(level.view).first().copied().unwrap_or(Kind::Node)
}

fn server(frame: &FrameContext<'_>) -> String {
    match (frame.app.cluster.context.as_str(), frame.app.cluster.server.as_str()) {
        ("", "") => "the cluster".to_owned(),
        ("", server) => server.to_owned(),
        (context, "") => context.to_owned(),
        (context, server) => format!("{context} at {server}"),
    }
}

fn absent(frame: &FrameContext<'_>, kind: Kind, glyph: &str) -> Vec<Line> {
    if !matches!(kind, Kind::NodePool | Kind::NodeClaim) {
        return vec![Line::of(Role::TextDim, format!("{glyph} this cluster serves no {}", kind.resource()))];
    }
    let api = match frame.app.cluster.karpenter_api {
        KarpenterApi::V1Alpha5 => "karpenter.sh/v1alpha5, which has no such resource",
        KarpenterApi::V1Beta1 => "karpenter.sh/v1beta1, which has no such resource",
        KarpenterApi::V1 | KarpenterApi::Absent | KarpenterApi::Unknown => {
            return vec![
                Line::of(Role::TextStrong, format!("{glyph} no Karpenter in this cluster")),
                Line::of(Role::TextDim, "it serves no karpenter.sh API; Fleet, Jobs, Pods and Events work without"),
            ];
        }
    };
    vec![Line::of(Role::Warn, format!("{glyph} this cluster serves {api}"))]
}

/// How to see the other rows of the screen.
fn next_view(frame: &FrameContext<'_>) -> String {
    let key = frame.app.settings.keymap.keys_of(Context::Table, Action::NextView);
    let key = key.unwrap_or_else(|| format!(":{}", Action::NextView.name()));
    format!("{key} shows the next view")
}

/// Everything was read, and still there is no row.
fn nothing_listed(frame: &FrameContext<'_>) -> Vec<Line> {
    let level = &frame.app.ui.level;
    if level.screen == Screen::Cost && frame.app.insights.rates().is_none() {
        let words = format!("{} rates are known as soon as all nodes and NodeClaims are", format::NOT_YET);
        return vec![Line::of(Role::Pending, words)];
    }
    let spec = level.screen.spec();
    let noun = level.table().noun;
    if frame.app.ui.listing.unfiltered > 0 && !level.filter.is_empty() {
        let hidden = format::count(frame.app.ui.listing.unfiltered);
        let text = format!("none of {hidden} {noun} meets the filter {}", level.filter);
        return vec![Line::plain(text), Line::of(Role::TextDim, "esc takes the filter away")];
    }
    if matches!(level.table().rows, Rows::Matters(_)) {
        return vec![match frame.app.ui.desk.matters() {
            None => Line::of(Role::Unknown, "not known yet: not everything is read that decides"),
            Some(_) => Line::of(Role::Ok, "✓ nothing that batchtop looks for needs anybody now"),
        }];
    }
    if level.view.keeps.is_some() {
        let text = format!("no {noun} in the view {}: {}", level.view.name, level.view.help);
        return vec![Line::of(Role::TextDim, text), Line::of(Role::TextDim, next_view(frame))];
    }
    let namespaced = spec.narrowed_by == Narrowing::NamespacesAndLabels;
    let place = match (level.scope.is_some(), namespaced && frame.app.scope.namespaces.is_some()) {
        (true, _) => "here".to_owned(),
        (false, true) => format!("in {}", super::header::namespaces(frame)),
        (false, false) => "in this cluster".to_owned(),
    };
    vec![Line::of(Role::TextDim, format!("no {noun} {place}"))]
}
