//! What batchtop said against what Karpenter did.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::place::Place;
use super::scenario::{Answer, Fate, Later, Proof, REASONS, Scenario};
use super::watch::{Answered, Taking, Watch};
use super::world::{Member, end_of, text};
use crate::bed::{Failure, Karpenter, Result};

/// Kubernetes writes whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// How late Karpenter's own clocks may come on a slow machine: expiry goes one node at a time.
const LATE: SignedDuration = SignedDuration::from_secs(20);

/// Reasons of the events that say why a node stays.
const STAYING: [&str; 2] = ["DisruptionBlocked", "Unconsolidatable"];

/// Beginnings of what Karpenter says when its simulation found nothing better.
const SIMULATION: [&str; 5] = [
    "Not all pods would schedule",
    "Can't remove without creating",
    "Can't replace with a cheaper node",
    "SpotToSpotConsolidation requires",
    "SpotToSpotConsolidation is disabled",
];

/// One event: kind and name of its object, reason, message.
pub type Event = [String; 4];

/// All disagreements of a bed.
pub struct Report {
    disagreements: Vec<String>,
}

impl Report {
    /// Without any yet.
    pub fn new() -> Self {
        Self { disagreements: Vec::new() }
    }

    /// A failure that tells all of them, if there are any.
    pub fn into_result(self) -> Result<()> {
        if self.disagreements.is_empty() {
            return Ok(());
        }
        let count = self.disagreements.len();
        Err(Failure::new(format!("{count} disagreements\n\n{}", self.disagreements.join("\n\n"))))
    }

    // ---- What batchtop says ----

    /// The last snapshot says this of a scenario's node and pods.
    pub fn answer(&mut self, watch: &Watch<'_>, scenario: &Scenario, place: &Place<'_>, wanted: &Answer) {
        let Some(answered) = watch.answers.last() else { return };
        let document = &answered.document;
        let Some(node) = row(document, "nodes", None, &place.node) else {
            return self.add(scenario.name, &["the snapshot has no such node"], &Value::Null);
        };
        let mut wrong = differences(&node["disruption"], wanted);
        wrong.extend(protections(document, place, wanted, |holds| holds != Some(true)));
        wrong.extend(findings(document, place, wanted));
        if !wrong.is_empty() {
            self.add(scenario.name, &wrong, &node["disruption"]);
        }
    }

    /// The last snapshot says that protections hold that do. It does not of a pod that
    /// started a moment before: Karpenter may have decided without knowing of it.
    pub fn lasting_protections(&mut self, watch: &Watch<'_>, scenario: &Scenario, place: &Place<'_>) {
        let Some(last) = watch.answers.last() else { return };
        let wrong = protections(&last.document, place, &scenario.answer, |holds| holds == Some(true));
        if !wrong.is_empty() {
            self.add(scenario.name, &wrong, disruption(last, &place.node));
        }
    }

    // ---- What Karpenter does ----

    /// Before the turn, each scenario met its first fate.
    pub fn first_fate(&mut self, watch: &Watch<'_>, events: &[Event], scenario: &Scenario, place: &Place<'_>) {
        let taking = watch.taking(&place.node);
        if let Later::Elapses(fate) = &scenario.later {
            // Once a node is taken there are other words, so silence cannot be heard any more.
            if !matches!(scenario.fate, Fate::Silence) {
                self.fate(watch, events, scenario, place, (&scenario.fate, None));
            }
            self.fate(watch, events, scenario, place, (fate, taking));
            self.not_before_its_end(watch, scenario, place);
        } else {
            self.fate(watch, events, scenario, place, (&scenario.fate, taking));
        }
    }

    /// After the turn, each scenario that goes on met its second.
    pub fn last_fate(&mut self, watch: &Watch<'_>, events: &[Event], scenario: &Scenario, place: &Place<'_>) {
        if let Later::After(_, _, fate) = &scenario.later {
            self.fate(watch, events, scenario, place, (fate, watch.taking(&place.node)));
        }
    }

    fn fate(
        &mut self,
        watch: &Watch<'_>,
        events: &[Event],
        scenario: &Scenario,
        place: &Place<'_>,
        (fate, taking): (&Fate, Option<&Taking>),
    ) {
        let Some(wrong) = unmet(events, place, fate, taking) else { return };
        let told = sentences(events, &place.node).map(|told| format!("event: {told}"));
        let wrong: Vec<String> = std::iter::once(format!("Karpenter: {wrong}")).chain(told).collect();
        self.add(scenario.name, &wrong, disruption(&watch.answers[0], &place.node));
    }

    /// A node that an announced end sets free is not taken earlier.
    fn not_before_its_end(&mut self, watch: &Watch<'_>, scenario: &Scenario, place: &Place<'_>) {
        let shown = disruption(&watch.answers[0], &place.node);
        let ends = blockers(shown).filter_map(|blocker| text(&blocker["until"]).parse::<Timestamp>().ok());
        if let (Some(taking), Some(end)) = (watch.taking(&place.node), ends.max())
            && taking.at < end - SECOND
        {
            let wrong = format!("taken at {}, before the announced end {end}", taking.at);
            self.add(scenario.name, &[wrong], shown);
        }
        if let Some(taking) = watch.taking(&place.node)
            && not_before(shown, &taking.reason).is_none()
        {
            self.add(scenario.name, &[format!("notBefore does not say when it may go as {}", taking.reason)], shown);
        }
    }

    // ---- Rules for every node of every bed ----

    /// No node was taken for a reason that the last answer excluded, unless it announced
    /// the change or something else changed in between.
    pub fn no_false_held(&mut self, watch: &Watch<'_>) {
        for (member, taking) in &watch.takings {
            let answered = &watch.answers[taking.answer];
            let shown = disruption(answered, &member.node);
            let may = shown["may"].get(&taking.reason);
            // Unknown would be no answer either: here everything can be read. But a pass that began before a pause may still act.
            let is_pausing = may.is_some_and(Value::is_null) && blockers(shown).any(|it| it["kind"] == "LoopPaused");
            if may.is_some_and(|may| *may != json!(true))
                && !is_pausing
                && !was_announced(answered, member, taking)
                && !inputs_changed(answered, member, taking)
            {
                let wrong = format!(
                    "FALSE HELD: {} taken as {} at {}; asked at {}",
                    member.node, taking.reason, taking.at, answered.at
                );
                self.add(&member.pool, &[wrong], shown);
            }
        }
    }

    /// No node was taken for a reason for which the last answer proved that the simulation cannot succeed, and none was
    /// deleted where it proved that it can only be replaced, unless something changed in between.
    pub fn no_false_proof(&mut self, watch: &Watch<'_>, events: &[Event], karpenter: Karpenter) {
        for (member, taking) in &watch.takings {
            let answered = &watch.answers[taking.answer];
            let shown = disruption(answered, &member.node);
            let is_replaced = karpenter < Karpenter::V1_11 || is_replaced(events, &member.node);
            let is_refuted = |proof: &Value| {
                let reasons = proof["reasons"].as_array().into_iter().flatten();
                let is_deleted = taking.reason == "Underutilized" && !is_replaced;
                let mut proven = reasons.map(text).peekable();
                if proven.peek().is_none() { is_deleted } else { proven.any(|reason| reason == taking.reason) }
            };
            if let Some(proof) = proofs(shown).find(|proof| is_refuted(proof))
                && !inputs_changed(answered, member, taking)
            {
                let wrong = format!("FALSE PROOF: {} taken as {}: {proof}", member.node, taking.reason);
                self.add(&member.pool, &[wrong], shown);
            }
        }
    }

    /// No node was taken before the moment that the last answer gave, unless something changed in between.
    pub fn none_before_it_was_said(&mut self, watch: &Watch<'_>) {
        for (member, taking) in &watch.takings {
            let answered = &watch.answers[taking.answer];
            let shown = disruption(answered, &member.node);
            if let Some(at) = not_before(shown, &taking.reason)
                && taking.at < at - SECOND
                && !inputs_changed(answered, member, taking)
            {
                let wrong = format!("{} taken as {} at {}, and not before {at}", member.node, taking.reason, taking.at);
                self.add(&member.pool, &[wrong], shown);
            }
        }
    }

    /// What Karpenter is ending is said to be ending, and can be taken no more.
    pub fn no_second_taking(&mut self, watch: &Watch<'_>) {
        let later = |taking: &Taking| watch.answers.iter().skip(taking.answer + 1);
        for (member, taking) in &watch.takings {
            let ending = later(taking)
                .filter(|answer| answer.world.at > taking.at)
                .filter(|answer| answer.world.claim(&member.claim).and_then(end_of).is_some());
            for shown in ending.map(|answer| disruption(answer, &member.node)).filter(|shown| !shown.is_null()) {
                let is_ending = ["BeingDisrupted", "Terminating"].contains(&text(&shown["verdict"]));
                if !is_ending || REASONS.iter().any(|reason| shown["may"][reason] != json!(false)) {
                    self.add(&member.pool, &[format!("{} is being taken as {}", member.node, taking.reason)], shown);
                }
            }
        }
    }

    /// Hazards with a time came at that time, and pods were killed when that was announced.
    pub fn kept_times(&mut self, watch: &Watch<'_>) {
        let (Some(first), Some(last)) = (watch.answers.first(), watch.answers.last()) else { return };
        for (member, taking) in &watch.takings {
            let shown = disruption(first, &member.node);
            for hazard in shown["hazards"].as_array().into_iter().flatten() {
                let mut wrong = not_at_its_time(hazard, taking);
                wrong.extend(hazard["pods"].as_array().into_iter().flatten().filter_map(|pod| not_killed(pod, last)));
                if !wrong.is_empty() {
                    self.add(&member.pool, &wrong, shown);
                }
            }
        }
    }

    /// Of a node on which nothing changed Karpenter says nothing that batchtop cannot explain
    /// by the objects. Where something did change, the event may be older than that.
    pub fn no_unexplained_event(&mut self, watch: &Watch<'_>, events: &[Event]) {
        let first = &watch.answers[0].world;
        for member in first.members() {
            let unchanged = |answer: &&Answered| answer.world.inputs(&member) == first.inputs(&member);
            for answered in watch.answers.iter().filter(unchanged) {
                for message in unexplained(&answered.document, &member.node) {
                    if sentences(events, &member.node).any(|told| message.contains(told)) {
                        let wrong = format!("{}: {}: {message}", answered.at, member.node);
                        self.add(&member.pool, &[wrong], disruption(answered, &member.node));
                    }
                }
            }
        }
    }

    /// At rest, a node that may be taken stays only where the simulation says why, or batchtop proved it. Younger
    /// nodes than the first answer are left out: Karpenter spares them for 20 seconds for
    /// the pods that it made them for, and tells nobody.
    pub fn no_unexplained_may(&mut self, watch: &Watch<'_>, events: &[Event]) {
        let Some(last) = watch.answers.last() else { return };
        for member in watch.answers[0].world.members() {
            let shown = disruption(last, &member.node);
            let may: Vec<&str> = REASONS.into_iter().filter(|reason| shown["may"][reason] == json!(true)).collect();
            let explained =
                sentences(events, &member.node).any(|told| SIMULATION.iter().any(|begin| told.starts_with(begin)));
            let is_proven = |reason: &&str| proofs(shown).any(|proof| names(proof, reason));
            let explained = explained || may.iter().all(is_proven);
            if !may.is_empty() && !explained && !is_balanced(last, &member) && watch.taking(&member.node).is_none() {
                self.add(&member.pool, &[format!("{} may be taken as {may:?}, and stays", member.node)], shown);
            }
        }
    }

    fn add<S: AsRef<str>>(&mut self, name: &str, wrong: &[S], shown: &Value) {
        let mut text = format!("== {name}");
        for line in wrong {
            let _ = write!(text, "\n   {}", line.as_ref());
        }
        let _ = write!(text, "\n   batchtop: {shown}");
        self.disagreements.push(text);
    }
}

// ---- Parts of an answer ----

fn differences(shown: &Value, wanted: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    let may: Vec<Value> = REASONS.iter().map(|reason| shown["may"][reason].clone()).collect();
    differs(&mut wrong, "verdict", &shown["verdict"], &json!(wanted.verdict));
    differs(&mut wrong, "may", &json!(may), &json!(wanted.may));
    differs(
        &mut wrong,
        "blockers",
        &sorted(relevant(shown, wanted)),
        &sorted(wanted.blockers.iter().map(|it| json!(it))),
    );
    let hazards = sorted(shown["hazards"].as_array().into_iter().flatten().map(|hazard| hazard["kind"].clone()));
    differs(&mut wrong, "hazards", &hazards, &sorted(wanted.hazards.iter().map(|kind| json!(kind))));
    wrong.extend(wrong_proof(shown, &wanted.proof));
    for kind in &wanted.ends {
        let announced = blockers(shown).any(|blocker| blocker["kind"] == *kind && blocker["until"].is_string());
        if !announced {
            wrong.push(format!("no end of {kind}"));
        }
    }
    wrong
}

/// What is proven of the simulation, where a scenario asks.
fn wrong_proof(shown: &Value, wanted: &Proof) -> Option<String> {
    let found: Vec<&Value> = proofs(shown).collect();
    let is_met = match wanted {
        Proof::Unasked => true,
        Proof::Nothing => found.is_empty(),
        Proof::Of { reasons, says } => {
            found.iter().any(|it| it["reasons"] == json!(reasons) && text(&it["message"]).contains(says))
        }
    };
    (!is_met).then(|| format!("proven: {}", json!(found)))
}

/// Whether a blocker stops this reason.
fn names(blocker: &Value, reason: &str) -> bool {
    blocker["reasons"].as_array().into_iter().flatten().any(|one| one == reason)
}

/// What batchtop has proven of the simulation.
fn proofs(shown: &Value) -> impl Iterator<Item = &Value> {
    let is_proof = |it: &&Value| it["kind"] == "Simulation" && it["evidence"] == "computed";
    shown["blockers"].as_array().into_iter().flatten().filter(is_proof)
}

fn differs(wrong: &mut Vec<String>, what: &str, shown: &Value, wanted: &Value) {
    if shown != wanted {
        wrong.push(format!("{what}: {shown}, expected {wanted}"));
    }
}

/// Kinds and reasons of the blockers, or of the wanted ones where others may stand beside them.
fn relevant<'a>(shown: &'a Value, wanted: &'a Answer) -> impl Iterator<Item = Value> + 'a {
    let is_relevant = |found: &Value| !wanted.others || wanted.blockers.iter().any(|it| *found == json!(it));
    blockers(shown).map(|blocker| json!([blocker["kind"], blocker["reasons"]])).filter(is_relevant)
}

fn sorted(values: impl Iterator<Item = Value>) -> Value {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_key(Value::to_string);
    Value::Array(values)
}

/// Blockers that decide something.
fn blockers(shown: &Value) -> impl Iterator<Item = &Value> {
    shown["blockers"].as_array().into_iter().flatten().filter(|blocker| blocker["advisory"] != json!(true))
}

/// What is wrong about those protections that hold or do not, as asked for.
fn protections(
    document: &Value,
    place: &Place<'_>,
    wanted: &Answer,
    which: impl Fn(Option<bool>) -> bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (pod, state, holds) in wanted.protections.iter().filter(|(_, _, holds)| which(*holds)) {
        let shown = row(document, "pods", Some(place.name), pod).map_or(&Value::Null, |pod| &pod["protection"]);
        let found = json!([shown["state"], shown["holds"]]);
        differs(&mut wrong, &format!("protection of {pod} {}", shown["gaps"]), &found, &json!([state, holds]));
        let has_gap = shown["gaps"].as_array().is_some_and(|gaps| !gaps.is_empty());
        if *holds == Some(false) && !has_gap {
            wrong.push(format!("no gap says why the protection of {pod} does not hold"));
        }
    }
    wrong
}

fn findings(document: &Value, place: &Place<'_>, wanted: &Answer) -> Vec<String> {
    let is_ours = |object: &Value| {
        object["namespace"] == place.name || [place.name, &place.node, &place.claim].contains(&text(&object["name"]))
    };
    let ours = all_findings(document).filter(|finding| is_ours(&finding["object"]));
    let rules: Vec<&str> = ours.map(|finding| text(&finding["rule"])).collect();
    let lacking = wanted.findings.iter().filter(|rule| !rules.contains(rule));
    lacking.map(|rule| format!("no finding {rule}, only {rules:?}")).collect()
}

/// Findings that Karpenter says of a node what the objects do not show.
fn unexplained<'a>(document: &'a Value, node: &'a str) -> impl Iterator<Item = &'a str> {
    let about = move |it: &&Value| it["rule"] == "EventDisagrees" && it["object"]["name"] == node;
    all_findings(document).filter(about).map(|finding| text(&finding["message"]))
}

fn all_findings(document: &Value) -> impl Iterator<Item = &Value> {
    document["findings"].as_array().into_iter().flatten()
}

fn row<'a>(document: &'a Value, field: &str, namespace: Option<&str>, name: &str) -> Option<&'a Value> {
    let rows = document[field].as_array()?;
    rows.iter().find(|row| row["name"] == name && namespace.is_none_or(|wanted| row["namespace"] == wanted))
}

/// Whether the pool weighs savings against disruption, which no event tells.
fn is_balanced(answered: &Answered, member: &Member) -> bool {
    row(&answered.document, "nodePools", None, &member.pool).is_some_and(|pool| pool["policy"] == "Balanced")
}

fn disruption<'a>(answered: &'a Answered, node: &str) -> &'a Value {
    row(&answered.document, "nodes", None, node).map_or(&Value::Null, |node| &node["disruption"])
}

// ---- Parts of a fate ----

/// What is wrong, if Karpenter did something else.
fn unmet(events: &[Event], place: &Place<'_>, fate: &Fate, taking: Option<&Taking>) -> Option<String> {
    let did = taking.map_or("left it alone".to_owned(), |taking| format!("ended it as {}", taking.reason));
    match (fate, taking) {
        (Fate::Taken(reason), Some(taking)) if taking.reason == *reason => None,
        (Fate::Ended, Some(taking)) if taking.reason == "Ended" => None,
        (Fate::Taken(reason), _) => Some(format!("{did}, expected {reason}")),
        (Fate::Ended, _) => Some(format!("{did}, expected an end for no disruption reason")),
        (_, Some(_)) => Some(format!("{did}, expected that it stays")),
        (Fate::Silence, None) => sentences(events, &place.node).next().map(|_| "spoke, expected silence".to_owned()),
        (Fate::Told(wanted), None) => {
            let wanted = wanted.replace('$', place.name);
            let told = sentences(events, &place.node).any(|told| told == wanted);
            (!told).then(|| format!("did not say {wanted:?}"))
        }
        (Fate::Unbalanced | Fate::Stays, None) => None,
        (Fate::ToldLike(begin) | Fate::Simulated(begin), None) => {
            let told = sentences(events, &place.node).any(|told| told.starts_with(begin));
            (!told).then(|| format!("did not say {begin:?} …"))
        }
        (Fate::ToldOfPool(reason), None) => {
            let wanted = format!("No allowed disruptions for disruption reason {reason} due to blocking budget");
            let told = about(events, "NodePool", place.name).any(|told| told == wanted);
            (!told).then(|| format!("did not say {wanted:?} of the NodePool"))
        }
    }
}

/// Why a Node stays, in Karpenter's words.
fn sentences<'a>(events: &'a [Event], node: &'a str) -> impl Iterator<Item = &'a str> {
    about(events, "Node", node)
}

/// Whether Karpenter said that another node takes the place of this one, which it does since 1.9.
fn is_replaced(events: &[Event], node: &str) -> bool {
    events.iter().any(|[kind, name, reason, message]| {
        kind == "Node" && name == node && reason == "ConsolidationCandidate" && message.contains("replace: [")
    })
}

fn about<'a>(events: &'a [Event], wanted: &'a str, object: &'a str) -> impl Iterator<Item = &'a str> {
    let matches = move |[kind, name, reason, _]: &&'a Event| {
        kind == wanted && name == object && STAYING.contains(&reason.as_str())
    };
    events.iter().filter(matches).map(|[_, _, _, message]| message.as_str())
}

/// An announced end that came much earlier or later.
fn not_at_its_time(hazard: &Value, taking: &Taking) -> Vec<String> {
    let Ok(at) = text(&hazard["at"]).parse::<Timestamp>() else { return Vec::new() };
    let late = taking.at.duration_since(at);
    let came = taking.reason != "Ended" || (-SECOND..LATE).contains(&late);
    if came { Vec::new() } else { vec![format!("{} announced for {at} came at {}", text(&hazard["kind"]), taking.at)] }
}

/// A pod that was to be killed at a time and was not, or before.
fn not_killed(pod: &Value, last: &Answered) -> Option<String> {
    let found = last.world.pod(text(&pod["namespace"]), text(&pod["name"]));
    let is_dying = found.is_none_or(|pod| !pod["metadata"]["deletionTimestamp"].is_null());
    let killed_at = text(&pod["killedAt"]).parse::<Timestamp>().ok();
    let must_be = killed_at.is_some_and(|at| at < last.world.at - LATE);
    let must_not_be = killed_at.is_none_or(|at| at > last.world.at + SECOND);
    let wrong = (must_be && !is_dying) || (must_not_be && is_dying);
    wrong.then(|| format!("killedAt of {pod}: dying at {} is {is_dying}", last.world.at))
}

/// Before when the node is not taken for a reason.
fn not_before(shown: &Value, reason: &str) -> Option<Timestamp> {
    text(&shown["notBefore"][reason]).parse().ok()
}

// ---- Excuses of a false "held" ----

/// An end of the blocker, or the next change of a budget, was announced and has passed.
fn was_announced(answered: &Answered, member: &Member, taking: &Taking) -> bool {
    let passed = |value: &Value| text(value).parse::<Timestamp>().is_ok_and(|end| end <= taking.at);
    let ends = blockers(disruption(answered, &member.node)).any(|blocker| passed(&blocker["until"]));
    let pool = row(&answered.document, "nodePools", None, &member.pool).unwrap_or(&Value::Null);
    let budgets = pool["budgets"].as_array().into_iter().flatten();
    ends || budgets.into_iter().any(|budget| passed(&budget["nextChangeAt"]))
}

fn inputs_changed(answered: &Answered, member: &Member, taking: &Taking) -> bool {
    let mut pauses = blockers(disruption(answered, &member.node)).filter(|blocker| blocker["kind"] == "LoopPaused");
    if pauses.any(|pause| taking.after.pauses_no_more(text(&pause["object"]["name"]))) {
        return true;
    }
    let (then, before) = (answered.world.inputs(member), taking.before.inputs(member));
    then != before || answered.world.surroundings(member) != taking.after.surroundings(member)
}
