//! `karpenter.sh/do-not-disrupt` on pods, as Karpenter 1.12 and later reads it.

use super::super::clock::Sec;
use super::super::events::EventText;
use super::super::model::{Pod, PodId};
use super::super::world::World;
use super::REPEAT;
use crate::units::duration::parse_go;

/// Meaning of the annotation at a point in time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Reading {
    /// The pod has no annotation.
    Absent,
    /// Protected until the annotation is removed, or for now because the pod has not started.
    Holds,
    /// Protected until this time.
    Until(Sec),
    /// The duration has elapsed.
    Elapsed,
    /// Ignored as invalid, with the reason.
    Invalid(String),
}

/// Reads the annotation of a pod.
pub(in super::super) fn read(pod: &Pod, now: Sec) -> Reading {
    let Some(value) = pod.do_not_disrupt.as_deref() else { return Reading::Absent };
    if value == "true" {
        return Reading::Holds;
    }
    match parse_go(value) {
        Err(error) => Reading::Invalid(format!("failed to parse \"{value}\" as a duration: {error}")),
        Ok(nanos) if nanos <= 0 => Reading::Invalid(format!("duration \"{value}\" must be positive")),
        Ok(nanos) => match pod.accepted.map(|start| start.saturating_add(nanos / 1_000_000_000)) {
            None => Reading::Holds,
            Some(end) if now < end => Reading::Until(end),
            Some(_) => Reading::Elapsed,
        },
    }
}

/// Whether a pod keeps Karpenter from disrupting its node.
pub(in super::super) fn protects(pod: &Pod, now: Sec) -> bool {
    pod.is_active() && matches!(read(pod, now), Reading::Holds | Reading::Until(_))
}

impl World {
    /// Karpenter's Events about the annotation of a pod.
    pub(super) fn say_protection(&mut self, id: PodId) {
        let Some(pod) = self.pods.get(&id).filter(|pod| pod.is_active()) else { return };
        let text = match read(pod, self.now) {
            Reading::Absent | Reading::Holds => return,
            Reading::Until(end) => {
                let end = crate::units::Time::from_seconds(end);
                let words = format!("The karpenter.sh/do-not-disrupt grace period will elapse at {end}");
                EventText::normal("DoNotDisruptUntil", words)
            }
            Reading::Elapsed => EventText::normal(
                "DoNotDisruptGracePeriodElapsed",
                "The karpenter.sh/do-not-disrupt grace period has elapsed, pod is now disruptable",
            ),
            Reading::Invalid(why) => EventText::warning(
                "InvalidDoNotDisruptAnnotation",
                format!("Invalid karpenter.sh/do-not-disrupt annotation: {why}, ignoring annotation"),
            ),
        };
        if let Some(subject) = self.pod_subject(id) {
            self.publish(subject, text, REPEAT);
        }
    }
}
