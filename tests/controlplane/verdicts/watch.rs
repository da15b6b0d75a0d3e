//! Watching Karpenter decide: what it took, when, for which reason, and what batchtop said last.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::world::{Member, World, end_of, end_since, text};
use crate::bed::{Bed, Result};
use crate::product::program::Program;

/// Between two looks at the cluster.
const PAUSE: Duration = Duration::from_millis(400);
/// Between two questions to batchtop while Karpenter runs.
const ASKING: SignedDuration = SignedDuration::from_secs(6);
/// Passes over all methods without a decision after which Karpenter has nothing to do:
/// one may have begun before the last change.
const QUIET_PASSES: u64 = 2;
/// A paused loop makes no passes. It looks again every second.
const PAUSED_FOR: SignedDuration = SignedDuration::from_secs(20);
/// What Karpenter counts each time it comes to the last of its methods.
const PASSES: &str =
    r#"karpenter_voluntary_disruption_decision_evaluation_duration_seconds_count{consolidation_type="single""#;
/// What it counts for each decision.
const DECISIONS: &str = "karpenter_voluntary_disruption_decisions_total{";

/// A snapshot, and the cluster as it was just before.
pub struct Answered {
    /// When the answer had been given.
    pub at: Timestamp,
    /// The document.
    pub document: Value,
    /// The cluster.
    pub world: Rc<World>,
}

/// A Node that Karpenter began to end.
pub struct Taking {
    /// `Empty`, `Drifted`, `Underutilized`, or `Ended` for none of these.
    pub reason: String,
    /// When that was seen.
    pub at: Timestamp,
    /// The last answer given while the Node was still seen untouched.
    pub answer: usize,
    /// The last look at which it was untouched.
    pub before: Rc<World>,
    /// The first at which it was not.
    pub after: Rc<World>,
}

/// Everything seen in one bed since the first answer.
pub struct Watch<'a> {
    bed: &'a Bed,
    program: &'a Program,
    /// batchtop's answers in order.
    pub answers: Vec<Answered>,
    /// What was taken so far.
    pub takings: BTreeMap<Member, Taking>,
    last: Rc<World>,
    rest: Rest,
}

/// Since when Karpenter has decided nothing.
#[derive(Default)]
struct Rest {
    passes: u64,
    decisions: u64,
    since: u64,
    paused_since: Option<Timestamp>,
}

impl<'a> Watch<'a> {
    /// Begins with a first answer, while Karpenter is stopped.
    pub fn begin(bed: &'a Bed, program: &'a Program) -> Result<Self> {
        let last = Rc::new(World::look(bed)?);
        let (answers, takings) = (Vec::new(), BTreeMap::new());
        let mut watch = Self { bed, program, answers, takings, last, rest: Rest::default() };
        watch.ask()?;
        Ok(watch)
    }

    /// Asks batchtop.
    pub fn ask(&mut self) -> Result<()> {
        let world = Rc::new(World::look(self.bed)?);
        self.note(&world)?;
        let document = self.program.snapshot(&[])?;
        self.answers.push(Answered { at: Timestamp::now(), document, world });
        Ok(())
    }

    /// Looks and asks until this holds, or for this long; whether it came to hold.
    pub fn until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> Result<bool> {
        let end = Timestamp::now() + limit;
        while Timestamp::now() < end {
            let world = Rc::new(World::look(self.bed)?);
            self.note(&world)?;
            self.rest.note(self.bed, &world);
            if done(self) {
                return Ok(true);
            }
            if self.is_due() {
                self.ask()?;
            }
            thread::sleep(PAUSE);
        }
        Ok(false)
    }

    /// Whether Karpenter has looked at everything since the last decision or [`Self::disturb`].
    pub fn at_rest(&self) -> bool {
        let paused = self.rest.paused_since.is_some_and(|since| Timestamp::now().duration_since(since) > PAUSED_FOR);
        paused || self.rest.passes >= self.rest.since + QUIET_PASSES
    }

    /// Whether the first answer was given so long ago.
    pub fn has_asked_for(&self, time: SignedDuration) -> bool {
        self.answers.first().is_some_and(|answer| Timestamp::now().duration_since(answer.at) > time)
    }

    /// When the cluster was last looked at.
    pub fn looked_at(&self) -> Timestamp {
        self.last.at
    }

    /// Something was changed: Karpenter has to look again.
    pub fn disturb(&mut self) {
        self.rest.since = self.rest.passes;
        self.rest.paused_since = None;
    }

    /// What happened to a Node.
    pub fn taking(&self, node: &str) -> Option<&Taking> {
        self.takings.iter().find(|(member, _)| member.node == node).map(|(_, taking)| taking)
    }

    fn is_due(&self) -> bool {
        self.answers.last().is_none_or(|answer| Timestamp::now().duration_since(answer.at) > ASKING)
    }

    /// Writes down what this look shows for the first time.
    fn note(&mut self, world: &Rc<World>) -> Result<()> {
        let last = std::mem::replace(&mut self.last, Rc::clone(world));
        let Some(answer) = self.answers.iter().rposition(|answer| answer.at <= last.at) else { return Ok(()) };
        for member in last.members() {
            let Some(claim) = last.claim(&member.claim).filter(|claim| end_of(claim).is_none()) else { continue };
            let reason = match world.claim(&member.claim) {
                Some(claim) => end_of(claim),
                None => Some(end_since(self.bed, claim)?),
            };
            if let Some(reason) = reason {
                let (before, after) = (Rc::clone(&last), Rc::clone(world));
                self.takings.insert(member, Taking { reason, at: world.at, answer, before, after });
            }
        }
        Ok(())
    }
}

impl Rest {
    fn note(&mut self, bed: &Bed, world: &World) {
        let metrics = bed.karpenter_metrics().unwrap_or_default();
        let (passes, decisions) = (sum(&metrics, PASSES), sum(&metrics, DECISIONS));
        if decisions != self.decisions {
            self.since = passes;
        }
        (self.passes, self.decisions) = (passes, decisions);
        self.paused_since = world.paused().then(|| self.paused_since.unwrap_or(world.at));
    }
}

/// Sum of the whole numbers of all samples whose line begins like this.
fn sum(metrics: &str, begin: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with(begin));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// An Event that Karpenter wrote or repeated since this time: kind and name of its
/// object, reason, message.
pub fn events_since(bed: &Bed, start: Timestamp) -> Result<Vec<[String; 4]>> {
    let events = bed.api().list("/api/v1/events?fieldSelector=source%3Dkarpenter")?;
    let is_fresh = |event: &&Value| {
        let last: Option<Timestamp> = text(&event["lastTimestamp"]).parse().ok();
        last.is_some_and(|last| last.as_second() >= start.as_second())
    };
    let told = |event: &Value| {
        let object = &event["involvedObject"];
        [&object["kind"], &object["name"], &event["reason"], &event["message"]].map(|value| text(value).to_owned())
    };
    Ok(events.iter().filter(is_fresh).map(told).collect())
}
