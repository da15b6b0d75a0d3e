//! May Karpenter take a Node? What was checked in which order, what each gate said, what ends the Node anyway, and what
//! somebody who wants it otherwise does.

use super::super::context::FrameContext;
use super::super::verdict::{NodeDisruptionText, reasons};
use super::super::{Line, format, life_line, next_commands, timeline};
use super::Page;
use crate::config::Role;
use crate::fleet::{EventRow, Key, Kind, NodeRow, ObjectKey};
use crate::input::{Action, Context};
use crate::insight::disruption::evidence;
use crate::insight::disruption::hazards::HazardKind;
use crate::insight::disruption::{
    Blocker, BlockerKind, Doubt, Evidence, Gate, GateResult, Hazard, NotBefore, Reason, Standing, Verdict,
};
use crate::units::Time;

/// From this height on each gate that is open has a line of its own.
const ROOMY_FROM: u16 = 40;

/// Wide enough for the name of every reason, and a gap.
const REASON_WIDTH: usize = 15;

/// Of more pods or PodDisruptionBudgets only the first are named.
const MOST_NAMES: usize = 3;

/// Sections about verdict, gates, blockers, hazards and what to do.
pub(super) fn sections(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    let Some(node) = frame.app.fleet.nodes.get(&node.meta.key) else { return };
    let said = NodeDisruptionText::of(frame, node);
    answer(&said, page);
    gates(&said, page);
    notes(&said, page);
    ends(&said, page);
    advice(&said, page);
}

fn answer(said: &NodeDisruptionText<'_>, page: &mut Page) {
    page.section("MAY KARPENTER TAKE IT?");
    page.item(said.glyph().and(Role::Text, " ").then(said.short()));
    let case = said.frame.evaluator().case(said.node);
    if said.disruption.verdict != Verdict::NotManaged {
        let not_before = NotBefore::of(&case, &said.disruption);
        for reason in Reason::ALL {
            let name = Line::of(Role::TextDim, format!("{:<REASON_WIDTH$}", reason.name()));
            page.item(name.then(said.reason(reason, &case, not_before)));
        }
    }
    next_commands::of_node(said.frame, &said.node.meta.key.name).into_iter().for_each(|line| page.item(line));
    let since = said.frame.app.insights.held.since(&case, &said.disruption);
    if let Some(since) = since {
        let now = said.frame.app.now;
        let words = format!("held since {} UTC ({})", format::clock(now, since), format::relative(now, since));
        page.item(Line::of(Role::TextDim, words));
    }
}

/// In Karpenter's order. Of a node that is not Karpenter's nothing is asked.
fn gates(said: &NodeDisruptionText<'_>, page: &mut Page) {
    if said.disruption.verdict == Verdict::NotManaged {
        page.item(Line::plain("✗ ").and(Role::Text, "Node isn't managed by karpenter: no NodeClaim belongs to it"));
        return;
    }
    let mut open: Vec<Gate> = Vec::new();
    for (gate, result) in &said.frame.evaluator().explain(said.node) {
        if is_open(result) {
            open.push(*gate);
            continue;
        }
        put_open(said, &mut open, page);
        result.blockers.iter().for_each(|blocker| closed(said, blocker, page));
        unknown(said, *gate, result, page);
    }
    put_open(said, &mut open, page);
}

fn is_open(result: &GateResult) -> bool {
    result.blockers.is_empty() && result.undecided.is_empty()
}

/// Gates that are open: a sentence each where there is room, else a few words.
fn put_open(said: &NodeDisruptionText<'_>, open: &mut Vec<Gate>, page: &mut Page) {
    let gates = std::mem::take(open);
    if said.frame.app.ui.size.1 >= ROOMY_FROM {
        let line = |gate: Gate| Line::of(Role::Ok, "✓ ").and(Role::Text, open_words(said, gate));
        gates.into_iter().for_each(|gate| page.item(line(gate)));
    } else if !gates.is_empty() {
        let words: Vec<&str> = gates.into_iter().map(few_words).collect();
        page.item(Line::of(Role::Ok, "✓ ").and(Role::TextDim, words.join(", ")));
    }
}

const fn few_words(gate: Gate) -> &'static str {
    match gate {
        Gate::Loop => "loop runs",
        Gate::Managed => "managed",
        Gate::Queue => "not chosen yet",
        Gate::Initialized => "initialized",
        Gate::Deletion => "not deleting",
        Gate::NodeAnnotation => "node not annotated",
        Gate::Pool => "NodePool there",
        Gate::PodAnnotations => "no pod annotated",
        Gate::PodBudgets => "PDBs allow it",
        Gate::Static => "not static",
        Gate::Consolidation => "consolidation on",
        Gate::Labels => "labels there",
        Gate::Policy => "policy allows it",
        Gate::Quiet => "quiet",
        Gate::Budgets => "budgets allow it",
        Gate::Placement => "a NodePool is ready",
    }
}

fn open_words(said: &NodeDisruptionText<'_>, gate: Gate) -> String {
    let pool = said.node.node_pool().map_or("", |pool| pool.as_str());
    match gate {
        Gate::Loop => "Karpenter's disruption loop runs".to_owned(),
        Gate::Managed => "managed by Karpenter".to_owned(),
        Gate::Queue => "not chosen already".to_owned(),
        Gate::Initialized => "initialized".to_owned(),
        Gate::Deletion => "not being deleted".to_owned(),
        Gate::NodeAnnotation => "the Node itself is not annotated \"true\"".to_owned(),
        Gate::Pool => format!("NodePool {pool} is there"),
        Gate::PodAnnotations => "no pod protects it".to_owned(),
        Gate::PodBudgets => "no PodDisruptionBudget holds a pod".to_owned(),
        Gate::Static => "its NodePool is not static".to_owned(),
        Gate::Consolidation => "consolidation is not disabled".to_owned(),
        Gate::Labels => "its price can be looked up".to_owned(),
        Gate::Policy => "the consolidation policy allows it".to_owned(),
        Gate::Quiet => "quiet for consolidateAfter".to_owned(),
        Gate::Budgets => budget_words(said, pool),
        Gate::Placement => "a NodePool is ready for pods that have to move".to_owned(),
    }
}

/// How much the budgets leave for the reasons that apply.
fn budget_words(said: &NodeDisruptionText<'_>, pool: &str) -> String {
    let Some(budgets) = said.frame.evaluator().budgets(pool) else { return "budgets allow it".to_owned() };
    let now = said.frame.app.now;
    let left = said.disruption.applies.iter().map(|reason| match budgets.allowed(reason, now) {
        allowed if timeline::is_any(allowed) => format!("any number for {}", reason.name()),
        _ => format!("{} more of {} for {}", budgets.remaining(reason, now), budgets.counted, reason.name()),
    });
    let left: Vec<String> = left.collect();
    if left.is_empty() {
        return format!("budgets of {pool}: no reason applies that they would be asked for");
    }
    let next = budgets.next_change(now).map(|at| format!("; next change {} UTC", format::clock(now, at)));
    format!("budgets of {pool} allow {}{}", left.join(", "), next.unwrap_or_default())
}

/// Karpenter's own sentence, what it stops, until when, and how it is known.
fn closed(said: &NodeDisruptionText<'_>, blocker: &Blocker, page: &mut Page) {
    page.item(Line::of(Role::Warn, "✗ ").and(Role::TextStrong, said.message(blocker)));
    let mut parts = vec![format!("stops {}", reasons(blocker))];
    parts.extend(detail_of(said, blocker));
    parts.extend(blocker.until.map(|at| format!("until {}", when(said, at))));
    parts.extend(also_said(said, blocker));
    page.item(Line::of(Role::TextDim, format!("  {}", parts.join(" · "))));
}

fn when(said: &NodeDisruptionText<'_>, at: Time) -> String {
    let now = said.frame.app.now;
    if at <= now {
        return "any moment".to_owned();
    }
    format!("{} UTC ({})", format::clock(now, at), format::relative(now, at))
}

/// What the message does not say: the annotation's value and since when it counts, the budget in numbers.
fn detail_of(said: &NodeDisruptionText<'_>, blocker: &Blocker) -> Option<String> {
    let fleet = &said.frame.app.fleet;
    let object = &blocker.object.as_ref()?.object;
    match blocker.kind {
        BlockerKind::PodAnnotation => {
            let pod = fleet.pods.get(object)?;
            let value = pod.do_not_disrupt.as_ref().map_or("", |value| value.as_str());
            let since = pod.started.map(|at| format!(" since {}", format::clock(said.frame.app.now, at)));
            Some(format!("\"{value}\"{}", since.unwrap_or_default()))
        }
        BlockerKind::Pdb => {
            let row = fleet.disruption_budgets.get(object)?;
            Some(format!("{} healthy, {} wanted", row.current_healthy, row.desired_healthy))
        }
        _ => None,
    }
}

/// When Karpenter itself last said the same.
fn also_said(said: &NodeDisruptionText<'_>, blocker: &Blocker) -> Option<String> {
    if blocker.evidence == Evidence::Computed {
        return None;
    }
    let at = last_said(said, blocker).map(|event| format!(" {}", format::relative(said.frame.app.now, event.at)));
    Some(format!("also said by Karpenter's Event{}", at.unwrap_or_default()))
}

fn last_said<'a>(said: &NodeDisruptionText<'a>, blocker: &Blocker) -> Option<&'a EventRow> {
    let case = said.frame.evaluator().case(said.node);
    let name = case.events.iter().find(|event| evidence::said(event).is_some_and(|said| said.kind == blocker.kind))?;
    said.frame.app.fleet.events.get(&name.meta.key)
}

fn unknown(said: &NodeDisruptionText<'_>, gate: Gate, result: &GateResult, page: &mut Page) {
    for one in &result.undecided {
        let words = match one.doubt {
            Doubt::Objects(kind) => {
                format!("{} is not known: {} {}", asked(gate), kind.resource(), said.frame.not_read(kind))
            }
            Doubt::Pass => format!("{}; a pass that began before may still act", said.message(&one.blocker)),
            Doubt::Legacy | Doubt::Version | Doubt::AutoMode => said.message(&one.blocker),
        };
        page.item(Line::of(Role::Unknown, format!("? {words}")));
    }
}

const fn asked(gate: Gate) -> &'static str {
    match gate {
        Gate::Loop => "whether the disruption loop runs",
        Gate::Managed => "whether Karpenter manages it",
        Gate::Pool => "whether its NodePool is there",
        Gate::PodAnnotations => "whether a pod protects it",
        Gate::PodBudgets => "whether a PodDisruptionBudget holds a pod",
        Gate::Budgets => "what the budgets allow",
        Gate::Placement => "whether a NodePool is ready for pods that have to move",
        _ => "the next gate",
    }
}

/// What Karpenter's Events add, and what is assumed.
fn notes(said: &NodeDisruptionText<'_>, page: &mut Page) {
    for blocker in said.disruption.blockers.iter().filter(|blocker| blocker.kind.is_advisory()) {
        let until = blocker.until.map_or_else(String::new, |at| format!(", until about {}", when(said, at)));
        page.item(advisory(said.frame.app.now, blocker).and(Role::TextDim, until));
    }
    if let Some(message) = &said.disruption.disagreement {
        let words = format!("△ Karpenter said a moment ago what the objects do not show: \"{message}\"");
        page.item(Line::of(Role::Warn, words));
    }
    if said.disruption.assumed && said.claim.is_some() {
        let words = if said.frame.evaluator().case(said.node).is_of_auto_mode() {
            "i the version of EKS Auto Mode is not known: the newest is assumed"
        } else {
            "i Karpenter's version is not known: where versions differ about a node, the answer is unknown"
        };
        page.item(Line::of(Role::TextDim, words));
    }
}

/// What an Event says is Karpenter's own word; what follows from the objects alone may prove wrong.
fn advisory(now: Time, blocker: &Blocker) -> Line {
    let message = format::sentence(now, &blocker.message);
    if blocker.is_proof() {
        let why = if blocker.reasons.is_empty() {
            "i not by deletion: ".to_owned()
        } else {
            format!("i why it stays ({}): ", reasons(blocker))
        };
        return Line::of(Role::Info, why).and(Role::TextStrong, message);
    }
    let (who, words) = match blocker.evidence {
        Evidence::Event | Evidence::Both => ("Karpenter says ", format!("\"{message}\"")),
        Evidence::Computed => ("batchtop estimates: ", message.trim_end_matches(" (estimate)").to_owned()),
    };
    Line::of(Role::Info, format!("i {}: {who}", blocker.kind.name())).and(Role::TextStrong, words)
}

fn ends(said: &NodeDisruptionText<'_>, page: &mut Page) {
    page.section("WHAT WILL END IT ANYWAY");
    if said.hazards.is_empty() {
        page.item(Line::of(Role::TextDim, "nothing that is known of"));
    }
    page.lines.extend(life_line(said));
    said.hazards.iter().for_each(|hazard| end(said, hazard, page));
}

/// What ends it, when the first protected pod is killed, and when all that protects it ends.
fn life_line(said: &NodeDisruptionText<'_>) -> Option<Line> {
    let protects =
        |kind: BlockerKind| matches!(kind, BlockerKind::PodAnnotation | BlockerKind::NodeAnnotation | BlockerKind::Pdb);
    let protection: Vec<&Blocker> = said.disruption.firm().filter(|blocker| protects(blocker.kind)).collect();
    let mut marks = life_line::of_hazards(&said.hazards);
    marks.extend(life_line::of_killed(&said.hazards));
    if !protection.is_empty() {
        marks.extend(last_end(&protection).map(life_line::of_protection));
    }
    life_line::line(said.frame.app.now, marks, said.frame.detail_width()).map(|line| Line::plain("  ").then(line))
}

fn end(said: &NodeDisruptionText<'_>, hazard: &Hazard, page: &mut Page) {
    let breaks = said.broken().is_some_and(|broken| std::ptr::eq(broken.hazard, hazard));
    let (glyph, role) = if breaks { ("△", Role::Warn) } else { ("·", Role::Text) };
    let ahead = hazard.at.map_or_else(String::new, |at| format!(" ({})", format::relative(said.frame.app.now, at)));
    page.item(Line::of(role, format!("{glyph} {}{ahead}", said.end(hazard).what())));
    for reached in hazard.pods.iter().take(MOST_NAMES).filter(|_| hazard.ends_pods) {
        let killed = match reached.killed_at {
            Some(at) => format!("is killed {}", format::clock_seconds(said.frame.app.now, at)),
            None => "goes with it".to_owned(),
        };
        page.item(Line::of(Role::TextDim, format!("  {} {killed}", reached.pod)));
    }
    let more = hazard.pods.len().saturating_sub(MOST_NAMES);
    if more > 0 && hazard.ends_pods {
        page.item(Line::of(Role::TextDim, format!("  and {}", format::plural(more, "other protected pod"))));
    }
}

fn advice(said: &NodeDisruptionText<'_>, page: &mut Page) {
    page.section("WHAT TO DO");
    let mut told: Vec<String> = Vec::new();
    told.extend(rescue(said));
    told.extend(free(said));
    if told.is_empty() {
        told.push("nothing".to_owned());
    }
    told.iter().for_each(|words| page.item(advice_line(words)));
}

/// What leads to a list ends in a colon.
fn advice_line(words: &str) -> Line {
    if words.ends_with(':') { Line::of(Role::TextDim, words) } else { Line::plain(format!("→ {words}")) }
}

/// Nothing that batchtop writes stops what ends a protected pod.
fn rescue(said: &NodeDisruptionText<'_>) -> Option<String> {
    let broken = said.broken()?;
    let before = broken
        .at
        .map_or_else(|| "now".to_owned(), |at| format!("before {} UTC", format::clock_seconds(said.frame.app.now, at)));
    let whose = broken.pod.map_or_else(|| "its pods".to_owned(), ToString::to_string);
    let why = match broken.hazard.kind {
        HazardKind::DriftOverridesProtection => {
            "an annotation does not stop drift here; a budget of 0 for Drifted does"
        }
        HazardKind::StaticScaleDown => "raise spec.replicas to keep it",
        _ => "no annotation stops this",
    };
    Some(format!("save the work of {whose} {before}: {why}"))
}

/// What would let Karpenter take it, for each thing that stops it; or what would stop Karpenter.
fn free(said: &NodeDisruptionText<'_>) -> Vec<String> {
    match said.standing {
        Standing::NotManaged => vec!["nothing: Karpenter does not manage this Node".to_owned()],
        Standing::Terminating | Standing::Disrupting => vec!["nothing: it is on its way out".to_owned()],
        Standing::Interrupted => vec!["nothing keeps the instance; save what runs there".to_owned()],
        Standing::Candidate => {
            vec![format!("nothing if it may go; to keep it, {}", key(said, Action::Protect))]
        }
        _ if !said.disruption.may.yes.is_empty() => Vec::new(),
        _ => stopped(said),
    }
}

/// Reasons that are stopped by the same things stand together: one of them is enough for Karpenter.
fn stopped(said: &NodeDisruptionText<'_>) -> Vec<String> {
    let mut ways: Vec<(Vec<BlockerKind>, Vec<Reason>)> = Vec::new();
    for reason in Reason::ALL.into_iter().filter(|reason| said.disruption.applies.contains(*reason)) {
        let stops = said.disruption.firm().filter(|blocker| blocker.reasons.contains(reason));
        let mut kinds: Vec<BlockerKind> = stops.map(|blocker| blocker.kind).collect();
        kinds.dedup();
        match ways.iter_mut().find(|(known, _)| *known == kinds) {
            Some((_, reasons)) => reasons.push(reason),
            None => ways.push((kinds, vec![reason])),
        }
    }
    if ways.is_empty() {
        let kinds = said.disruption.firm().map(|blocker| blocker.kind).collect();
        ways.push((kinds, Vec::new()));
    }
    ways.into_iter().flat_map(|(kinds, reasons)| way(said, kinds, &reasons)).collect()
}

/// Everything that has to be done so that Karpenter may take it for these reasons.
fn way(said: &NodeDisruptionText<'_>, kinds: Vec<BlockerKind>, reasons: &[Reason]) -> Vec<String> {
    let words: Vec<String> = kinds.into_iter().filter_map(|kind| to_free(said, kind)).collect();
    let names: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
    let of = if names.is_empty() { String::new() } else { format!(" as {}", names.join(" or ")) };
    let all = if words.len() > 1 { ", all of" } else { "" };
    if words.is_empty() {
        return words;
    }
    [format!("to let Karpenter take it{of}{all}:")].into_iter().chain(words).collect()
}

fn to_free(said: &NodeDisruptionText<'_>, kind: BlockerKind) -> Option<String> {
    let of_kind: Vec<&Blocker> = said.disruption.firm().filter(|blocker| blocker.kind == kind).collect();
    let first = *of_kind.first()?;
    let name = first.object.as_ref().map_or("", |key| key.object.name.as_str());
    let or_wait = last_end(&of_kind).map_or_else(String::new, |at| format!(", or wait until {}", when(said, at)));
    let unprotect = key(said, Action::Unprotect);
    Some(match kind {
        BlockerKind::PodAnnotation => format!("{unprotect} on {}{or_wait}", names(&of_kind)),
        BlockerKind::NodeAnnotation => format!("remove the Node's annotation: {unprotect} on this node"),
        BlockerKind::Pdb => {
            format!("let {} allow a disruption: more healthy pods, or a smaller minAvailable", names(&of_kind))
        }
        BlockerKind::MultiplePdbs => {
            format!("leave one PodDisruptionBudget for {}: {}", names(&of_kind), said.message(first))
        }
        BlockerKind::Budget => format!("raise the budget of NodePool {name} for {}{or_wait}", reasons(first)),
        BlockerKind::Policy => {
            format!("set consolidationPolicy WhenEmptyOrUnderutilized on NodePool {name}, or move its pods")
        }
        BlockerKind::ConsolidateAfter => match last_end(&of_kind) {
            Some(at) if at <= said.frame.app.now => "wait: Karpenter looks again any moment".to_owned(),
            Some(at) => format!("wait until {}; each pod that comes or goes starts the wait anew", when(said, at)),
            None => "wait until no pod has come or gone for consolidateAfter".to_owned(),
        },
        BlockerKind::ConsolidationDisabled => format!("set consolidateAfter on NodePool {name}"),
        BlockerKind::NotInitialized => format!("wait until it is initialized{}", said.waits_for()),
        BlockerKind::NodePoolMissing if first.object.is_none() => {
            "make a NodePool of its provider Ready for the pods that would move".to_owned()
        }
        BlockerKind::NodePoolMissing => "bring its NodePool and NodeClass back, or delete the Node".to_owned(),
        BlockerKind::MissingLabels => "put the label back on the Node".to_owned(),
        BlockerKind::Static => format!("lower spec.replicas of NodePool {name}"),
        BlockerKind::LoopPaused => paused(said, first, &or_wait),
        BlockerKind::InputMissing => return missing(said),
        BlockerKind::NotManaged
        | BlockerKind::Deleting
        | BlockerKind::Nominated
        | BlockerKind::Balance
        | BlockerKind::Simulation => return None,
    })
}

fn paused(said: &NodeDisruptionText<'_>, blocker: &Blocker, or_wait: &str) -> String {
    match blocker.object.as_ref().map(|key| (key.kind, &key.object)) {
        Some((Kind::PodDisruptionBudget, key)) => format!("correct the selector of PodDisruptionBudget {key}"),
        Some((_, key)) => {
            format!("see why NodeClaim {} gets no instance ({}, enter){or_wait}", key.name, key_of_pools(said))
        }
        None => "wait".to_owned(),
    }
}

fn key_of_pools(said: &NodeDisruptionText<'_>) -> String {
    key(said, Action::Pools)
}

fn missing(said: &NodeDisruptionText<'_>) -> Option<String> {
    Some(match said.doubt()? {
        Doubt::Objects(kind) => {
            // What cannot be decoded is most likely of a newer API.
            let is_undecodable = said.frame.undecodable(kind).is_some();
            let do_what = if is_undecodable { "update batchtop" } else { "ask for the right to list" };
            format!("wait, or {do_what}: {}", said.missing_objects(kind))
        }
        Doubt::Version => {
            "say which Karpenter runs here: --karpenter-version, or the right to list its Deployment".to_owned()
        }
        Doubt::AutoMode => "wait until the NodeClass is gone, or make it anew".to_owned(),
        Doubt::Pass => "wait".to_owned(),
        Doubt::Legacy => return None,
    })
}

/// When the last of several ends, where all do.
fn last_end(blockers: &[&Blocker]) -> Option<crate::units::Time> {
    blockers.iter().map(|blocker| blocker.until).try_fold(None, |last, until| Some(last.max(Some(until?)))).flatten()
}

/// `pod ml/a`, `pods ml/a, ml/b`, `pods ml/a, ml/b, ml/c and 4 more`.
fn names(blockers: &[&Blocker]) -> String {
    let keys: Vec<&Key> = blockers.iter().filter_map(|blocker| blocker.object.as_ref()).collect();
    let noun = match keys.first().map(|key| key.kind) {
        Some(Kind::Pod) => "pod",
        Some(kind) => kind.name(),
        None => return String::new(),
    };
    let plural = if keys.len() == 1 { "" } else { "s" };
    let shown: Vec<String> = keys.iter().take(MOST_NAMES).map(|key| name_of(&key.object)).collect();
    let more = match keys.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{noun}{plural} {}{more}", shown.join(", "))
}

fn name_of(key: &ObjectKey) -> String {
    key.to_string()
}

/// `press u`, as the keymap has it; or the command where no key is bound.
fn key(said: &NodeDisruptionText<'_>, action: Action) -> String {
    match said.frame.app.settings.keymap.keys_of(Context::Table, action) {
        _ if said.frame.app.settings.readonly && action.writes() => {
            format!("{} (this batchtop is read-only)", action.name())
        }
        Some(keys) => format!("press {keys}"),
        None => format!("type :{}", action.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::disruption::Reasons;

    #[test]
    fn only_messages_of_events_are_quoted_as_karpenters() {
        let said = |kind, message: &'static str, evidence| {
            let now = Time::from_seconds(0);
            advisory(now, &Blocker { evidence, ..Blocker::new(kind, Reasons::ALL, message) }).text()
        };
        let weighed = said(BlockerKind::Balance, "it costs too little (estimate)", Evidence::Computed);
        assert_eq!(weighed, "i Balance: batchtop estimates: it costs too little");
        for evidence in [Evidence::Event, Evidence::Both] {
            let told = said(BlockerKind::Nominated, "nominated for a pending pod", evidence);
            assert_eq!(told, "i Nominated: Karpenter says \"nominated for a pending pod\"");
        }
    }
}
