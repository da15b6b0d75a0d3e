//! Spot capacity in the details of a Node: where it stands, how likely it goes, and what becomes of its pods when it does.

use super::super::context::FrameContext;
use super::super::spot_pools::{cut_short, protected};
use super::super::{Line, banner, format, score, spot};
use super::Page;
use crate::config::Role;
use crate::fleet::{Kind, NodeRow};
use crate::insight::spot::{SpotNode, SpotState};

/// What comes before everything else: that it is being taken back.
pub(super) fn alarm(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    let name = &node.meta.key.name;
    let found = frame.app.insights.spot.node(name).filter(|found| found.state == SpotState::Reclaiming);
    if let Some(found) = found {
        page.section("THE CLOUD TAKES IT BACK");
        going(frame, name, found, page);
    }
}

/// Where it stands, and its risk. Nothing where the Node is no spot capacity.
pub(super) fn section(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    let name = &node.meta.key.name;
    let Some(found) = frame.app.insights.spot.node(name) else { return };
    page.section("SPOT");
    if found.state != SpotState::Reclaiming {
        let line = spot::state(found.state, found.ends_at, frame.app.now);
        page.fact(
            "state",
            line.then(signal(frame, found)).and(Role::TextDim, format!("  {}", spot::meaning(found.state))),
        );
    }
    risk(frame, name, found, page);
}

/// When it goes, who told it, which pods go with it, and what comes in their place.
fn going(frame: &FrameContext<'_>, name: &str, found: &SpotNode, page: &mut Page) {
    page.fact("when", Line::of(Role::Bad, format!("! {}", banner::goes(frame, name))).then(signal(frame, found)));
    let stake = &found.stake;
    let of_pods = match cut_short(frame, stake) {
        _ if !frame.all(Kind::Pod) => Line::of(Role::Unknown, frame.pods_unknown()),
        None => Line::plain(format!("{} still there", format::plural(stake.pods, "pod"))),
        Some(words) => {
            Line::plain(format!("{} still there; ", format::plural(stake.pods, "pod"))).and(Role::Warn, words)
        }
    };
    page.fact("pods", of_pods);
    if let Some(words) = protected(frame, stake) {
        page.fact("no help", Line::of(Role::Warn, format!("△ {words}: protection stops Karpenter, not the cloud")));
    }
    let [_, replaced] = banner::replaced(frame, frame.app.insights.spot.reclaiming());
    let of_all = frame.app.insights.spot.reclaiming().nodes.len() > 1;
    let whose = if of_all { "  for all nodes that go" } else { "" };
    let line = match replaced.as_str() {
        "" => Line::of(Role::Unknown, "? not known: its pods had gone before, or are not read"),
        replaced => Line::plain(replaced).and(Role::TextDim, whose),
    };
    page.fact("replacements", line);
}

/// What tells so, and how long ago.
fn signal(frame: &FrameContext<'_>, found: &SpotNode) -> Line {
    let Some(signal) = &found.signal else { return Line::new() };
    let at = signal.at.map_or_else(String::new, |at| format!(" {}", format::relative(frame.app.now, at)));
    Line::of(Role::TextDim, format!("  {}{at}", signal.reason))
}

/// Its risk, and how many nodes stand on the same pool.
fn risk(frame: &FrameContext<'_>, name: &str, found: &SpotNode, page: &mut Page) {
    let spot = &frame.app.insights.spot;
    let (Some(of_node), Some(pool)) = (spot.score_of(name), spot.pool(&found.pool)) else { return };
    let letters = score::letters(of_node);
    let evidence = if letters.is_empty() { String::new() } else { format!("  ({letters})") };
    page.fact("risk", Line::plain(score::risk(of_node, &frame.app.settings.spot)).and(Role::TextDim, evidence));
    let others = format!("  {} on it", format::plural(pool.nodes, "node"));
    page.fact("spot pool", Line::plain(found.pool.to_string()).and(Role::TextDim, others));
}
