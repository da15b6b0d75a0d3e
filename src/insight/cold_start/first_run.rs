//! The first run of a container: what is told of it, and not of a later one.

use crate::fleet::{CLOCK_SKEW_SECONDS, ContainerRole, ContainerStart, PodStart, Pull, PullFailure, back_off};
use crate::units::{Second, Time};

/// Reasons of `state.waiting` with which the kubelet waits with an image.
const OF_IMAGES: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "RegistryUnavailable",
    "SignatureValidationFailed",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
];

/// The first of them, so many, are told after a pull that failed.
const OF_PULLS: usize = 4;

/// The first run of a container.
///
/// Status and Events keep little of it once the container has been started again, and the Events of a later start look like
/// those of the first one. So what was told after the first start is left out; where it is not known which start was the
/// first, so is what any start may have told.
pub(super) struct FirstRun<'a> {
    /// Everything that is known of the container.
    pub(super) container: &'a ContainerStart,
    /// When it first ran; `None` where it has not, or where that is not certain.
    pub(super) started: Option<Time>,
    /// When its image was first begun to be pulled.
    pub(super) pulling: Option<Time>,
    /// When its image was first pulled, and how long that took, where the kubelet told.
    pub(super) pulled: Option<(Time, Option<Pull>)>,
    /// When its image was first found on the Node.
    pub(super) present: Option<Time>,
}

impl<'a> FirstRun<'a> {
    /// Of each container of a pod: init containers first, then as in the spec.
    pub(super) fn all(pod: &'a PodStart) -> Vec<Self> {
        pod.containers.iter().map(|container| Self::of(pod, container)).collect()
    }

    fn of(pod: &PodStart, container: &'a ContainerStart) -> Self {
        let started = container.certain_start(pod.bound_at()).map(Second::time);
        let run = Self { container, started, pulling: None, pulled: None, present: None };
        Self {
            pulling: container.pulling.map(Second::time).filter(|at| run.has_told_of_pull(*at)),
            pulled: container.pulled.map(|(at, pull)| (at.time(), pull)).filter(|(at, _)| run.has_told_of_pull(*at)),
            present: container.present.map(Second::time).filter(|at| run.has_told(*at)),
            ..run
        }
    }

    /// Whether it has run, and it is certain when first; or it has not run yet.
    pub(super) const fn is_known(&self) -> bool {
        self.started.is_some() || !self.container.is_restarted()
    }

    /// The earliest start that is known, perhaps a later one than the first.
    pub(super) fn earliest_start(&self) -> Option<Time> {
        self.started.or_else(|| self.container.first_start().map(Second::time))
    }

    fn has_told(&self, at: Time) -> bool {
        match self.started {
            Some(started) => at.seconds_since(started) <= CLOCK_SKEW_SECONDS,
            None => !self.container.is_restarted(),
        }
    }

    /// An image that is only pulled where it is missing is pulled for the first start.
    fn has_told_of_pull(&self, at: Time) -> bool {
        self.has_told(at) || (!self.is_known() && !self.container.asks_registry)
    }

    /// Reasons for which its pulls failed, the oldest first.
    pub(super) fn failures(&self) -> impl Iterator<Item = &'a PullFailure> {
        let failures = &self.container.failures;
        failures.iter().filter(|failure| self.has_told_of_pull(failure.since.time()))
    }

    /// How many pulls failed. A kubelet that waits before it pulls again has seen one fail, whatever is known of it.
    pub(super) fn failed_pulls(&self) -> u32 {
        let counted = self.failures().map(|failure| failure.count);
        let counted = counted.fold(self.container.forgotten_failures, u32::saturating_add);
        let has_failed = self.is_waiting_for(&OF_IMAGES[..OF_PULLS]) || self.back_off().is_some();
        counted.max(u32::from(has_failed))
    }

    /// Why the last pull failed, in the words of the runtime.
    pub(super) fn error(&self) -> Option<&'a str> {
        let told = self.failures().last().map(|failure| failure.error.as_str());
        let waits = || {
            let waiting = self.container.waiting.as_ref().filter(|_| self.is_waiting_for_image())?;
            let message = waiting.message.as_str();
            back_off(message).map_or(Some(message), |(_, error)| error).filter(|error| !error.is_empty())
        };
        told.or_else(waits).or_else(|| back_off(self.back_off()?)?.1)
    }

    /// The message with which the kubelet last told that it waits before it pulls again.
    fn back_off(&self) -> Option<&'a str> {
        let told = self.container.back_off.as_deref()?;
        self.has_told_of_pull(told.since.time()).then_some(told.message.as_str())
    }

    /// Whether the kubelet waits with the image: the pull fails.
    pub(super) fn is_waiting_for_image(&self) -> bool {
        self.is_waiting_for(&OF_IMAGES)
    }

    /// What a container that has run before waits for is of a later start.
    fn is_waiting_for(&self, reasons: &[&str]) -> bool {
        let has_run = self.container.is_restarted() || self.earliest_start().is_some();
        let is_one = |reason: &str| reasons.contains(&reason);
        !has_run && self.container.waiting.as_ref().is_some_and(|waiting| is_one(waiting.reason.as_str()))
    }

    /// When the first Event told of its image.
    pub(super) fn first_image_event(&self) -> Option<Time> {
        let pulled = self.pulled.map(|(at, _)| at);
        let failed = self.failures().map(|failure| failure.since.time());
        [self.pulling, pulled, self.present].into_iter().flatten().chain(failed).min()
    }

    /// Whether it is known whether its image was pulled.
    pub(super) const fn is_image_known(&self) -> bool {
        self.pulling.is_some() || self.pulled.is_some() || self.present.is_some()
    }

    /// Whether it is known when its image was there.
    pub(super) const fn is_image_there(&self) -> bool {
        self.pulled.is_some() || self.present.is_some()
    }

    /// When its image was there, after a pull that began then; as late as the container ran where nobody told.
    pub(super) fn image_there(&self, pulling: Time) -> Option<Time> {
        let pulled = self.pulled.map(|(at, _)| at);
        // A pull that failed may have been that of another pod in the end.
        let found = || self.present.filter(|at| *at >= pulling);
        pulled.or_else(found).or_else(|| self.earliest_start())
    }

    /// Whether it is an init container that works before the main ones begin.
    pub(super) fn is_init(&self) -> bool {
        self.container.role == ContainerRole::Init
    }

    /// Whether it is a main container.
    pub(super) fn is_main(&self) -> bool {
        self.container.role == ContainerRole::Main
    }
}
