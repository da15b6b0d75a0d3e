//! A NodeClaim: from request to ready node, and when it ends.

use super::super::context::FrameContext;
use super::super::verdict::NodeDisruptionText;
use super::super::{Line, format, pools, words};
use super::{Page, cost};
use crate::app::{claim_phase, node_phase};
use crate::config::Role;
use crate::fleet::{NodeClaimRow, ObjectKey};
use crate::units::{Time, duration};

/// Details of a NodeClaim; `None` where it is gone.
pub(super) fn page(frame: &FrameContext<'_>, key: &ObjectKey) -> Option<Page> {
    let claim = frame.app.fleet.node_claims.get(key)?;
    let mut page = Page::new("NodeClaim", &key.name);
    page.line(summary(frame, claim));
    timeline(frame, claim, &mut page);
    end(frame, claim, &mut page);
    if frame.app.fleet.node_of(claim).is_none() {
        cost::of_claim(frame, claim, &mut page);
    }
    relations(frame, claim, &mut page);
    page.conditions(frame, &claim.conditions);
    Some(page)
}

fn summary(frame: &FrameContext<'_>, claim: &NodeClaimRow) -> Line {
    let parts = [
        claim.instance_type().map(ToString::to_string),
        claim.capacity_type().map(|capacity| capacity.name().to_owned()),
        claim.zone().map(ToString::to_string),
        claim.node_pool().map(|pool| format!("pool {pool}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let line = words::claim(claim_phase(claim, frame.app)).line().and(Role::Text, format!("   {}", parts.join(" · ")));
    let of_node = frame.app.fleet.node_of(claim).and_then(|node| Some(&frame.node(node)?.cost));
    match of_node.or_else(|| frame.app.insights.picture.claim(claim)?.cost.as_ref()) {
        Some(found) => line.and(Role::Text, " · ").then(cost::headline(frame, found)),
        None => line,
    }
}

/// Created, then each step with how long it took; the step that is under way with how long it has taken so far.
fn timeline(frame: &FrameContext<'_>, claim: &NodeClaimRow, page: &mut Page) {
    page.section("TIMELINE");
    let mut before = claim.meta.created;
    page.fact("created", Line::plain(format::clock_seconds(frame.app.now, before)));
    for (step, condition) in [("launched", "Launched"), ("registered", "Registered"), ("initialized", "Initialized")] {
        let Some(at) = claim.true_since(condition) else {
            page.fact(step, waiting(frame, claim, before));
            return;
        };
        let took = format::span(at.seconds_since(before));
        page.fact(
            step,
            Line::plain(format::clock_seconds(frame.app.now, at)).and(Role::TextDim, format!("  after {took}")),
        );
        before = at;
    }
    let total = format::span(before.seconds_since(claim.meta.created));
    page.fact("in all", Line::plain(total));
}

fn waiting(frame: &FrameContext<'_>, claim: &NodeClaimRow, since: Time) -> Line {
    if claim.meta.deletion.is_some() {
        return Line::of(Role::TextDim, "never: it is being deleted");
    }
    Line::of(Role::Pending, format!("◌ not yet, for {}", format::age(frame.app.now.seconds_since(since))))
}

fn end(frame: &FrameContext<'_>, claim: &NodeClaimRow, page: &mut Page) {
    page.section("ITS END");
    let expires = match claim.expires_at() {
        Some(at) => {
            let after = pools::lifetime(claim.expire_after);
            format!(
                "{} ({}, expireAfter {after})",
                format::clock(frame.app.now, at),
                format::relative(frame.app.now, at)
            )
        }
        None => pools::lifetime(claim.expire_after),
    };
    page.fact("expires", Line::plain(expires));
    let grace = claim
        .termination_grace_seconds
        .map_or_else(|| "none: drains as long as it takes".to_owned(), duration::format_compact);
    page.fact("grace period", Line::plain(grace));
    if let Some(since) = claim.meta.deleting_since() {
        page.fact("deleted", Line::of(Role::Terminating, format::relative(frame.app.now, since)));
    }
    if let Some(at) = claim.termination_at {
        page.fact("killed", Line::of(Role::Bad, format!("{} at the latest", format::clock(frame.app.now, at))));
    }
    if claim.do_not_disrupt.is_some() {
        page.item(Line::of(Role::Warn, "△ has karpenter.sh/do-not-disrupt, which is not read on a NodeClaim"));
    }
}

fn relations(frame: &FrameContext<'_>, claim: &NodeClaimRow, page: &mut Page) {
    page.section("BELONGS TO");
    match frame.app.fleet.node_of(claim) {
        Some(node) => {
            let phase = node_phase(node, frame.app);
            page.fact("Node", Line::plain(&node.meta.key.name).and(Role::Text, "  ").then(words::node(phase).line()));
            let said = NodeDisruptionText::of(frame, node);
            let until = Line::of(Role::TextDim, "   until ").then(said.until());
            page.fact("Karpenter", said.glyph().and(Role::Text, " ").then(said.short()).then(until));
            page.fact("", Line::of(Role::TextDim, said.sentence()));
        }
        None => page.fact("Node", Line::of(Role::TextDim, "none yet")),
    }
    page.fact_if("NodePool", claim.node_pool());
    page.fact_if("NodeClass", claim.node_class.as_ref().map(|class| format!("{} {}", class.kind, class.name)));
    page.fact_if("provider id", claim.provider_id.as_ref());
    let requested =
        format!("{} cpu, {}", format::cores(claim.requests.cpu_millis), format::bytes(claim.requests.memory_bytes));
    page.fact("asked for", Line::plain(requested));
}
