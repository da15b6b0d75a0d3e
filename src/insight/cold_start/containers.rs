//! What the containers of a pod did until all of them ran: pulls, init containers, and what lies between.

use super::{Evidence, Phase, PhaseName};
use crate::fleet::{ContainerRole, ContainerStart, PodStart, Pull, Sym};
use crate::units::{Second, Time};

/// How the image of one container came to its Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageStart {
    /// Name of the container.
    pub container: Sym,
    /// Whether it is an init container.
    pub is_init: bool,
    /// The image, as the spec names it.
    pub image: Sym,
    /// Whether the registry is asked at each start, also for an image that is there.
    pub asks_registry: bool,
    /// How long the pull took, in milliseconds; `None` where there was none or it is not known.
    pub pull_millis: Option<u64>,
    /// How long it waited in the kubelet's queue before, in milliseconds.
    pub wait_millis: Option<u64>,
    /// Its size as the runtime keeps it.
    pub bytes: Option<u64>,
    /// Whether it was on the Node already; `None` where nobody told.
    pub is_cached: Option<bool>,
    /// Pulls that failed.
    pub failures: u32,
    /// Why the last of them failed.
    pub error: Option<Sym>,
}

impl ImageStart {
    pub(super) fn of(container: &ContainerStart) -> Self {
        let pull = container.pulled.and_then(|(_, pull)| pull);
        let wait = pull.and_then(|pull| Some(pull.total_millis?.saturating_sub(pull.pull_millis)));
        // An image that was pulled has not been there, whatever a later start of the container found.
        let was_pulled = container.pulling.is_some() || container.pulled.is_some();
        Self {
            container: container.name.clone(),
            is_init: container.role != ContainerRole::Main,
            image: container.image.clone(),
            asks_registry: container.asks_registry,
            pull_millis: pull.map(|pull| pull.pull_millis).or_else(|| container.pull_millis_by_events()),
            wait_millis: wait,
            bytes: pull.and_then(|pull| pull.bytes),
            is_cached: if was_pulled { Some(false) } else { container.present.map(|_| true) },
            failures: container.failures.iter().map(|failure| failure.count).sum(),
            error: container.failures.last().map(|failure| failure.error.clone()),
        }
    }
}

/// A stretch of time; without an end while it goes on.
pub(super) type Stretch = (Time, Option<Time>);

impl ContainerStart {
    /// Whether the kubelet waits with the image: the pull fails.
    pub(super) fn is_waiting_for_image(&self) -> bool {
        const REASONS: [&str; 7] = [
            "ErrImagePull",
            "ImagePullBackOff",
            "ErrImageNeverPull",
            "InvalidImageName",
            "ImageInspectError",
            "RegistryUnavailable",
            "SignatureValidationFailed",
        ];
        self.waiting.as_ref().is_some_and(|waiting| REASONS.contains(&waiting.reason.as_str()))
    }

    /// When the first Event told of its image.
    pub(super) fn first_image_event(&self) -> Option<Time> {
        let pulled = self.pulled.map(|(at, _)| at);
        let failed = self.failures.iter().map(|failure| failure.since);
        [self.pulling, pulled, self.present].into_iter().flatten().chain(failed).min().map(Second::time)
    }

    /// Whether it is known whether its image was pulled.
    pub(super) const fn is_image_known(&self) -> bool {
        self.pulling.is_some() || self.pulled.is_some() || self.present.is_some()
    }

    /// From the Event of its beginning to that of its end, else to the start of the container.
    fn pull_millis_by_events(&self) -> Option<u64> {
        const MILLIS_PER_SECOND: u64 = 1_000;
        let begin = self.pulling?.time();
        let end = self.pulled.map(|(at, _)| at).or_else(|| self.first_start())?.time();
        u64::try_from(end.seconds_since(begin)).ok().map(|seconds| seconds * MILLIS_PER_SECOND)
    }

    /// From the first attempt to pull its image to its success, waits and failures between them included. `otherwise` is the
    /// begin where nobody told it.
    pub(super) fn pull(&self, otherwise: Time) -> Option<Stretch> {
        let before = self.pulled.and_then(|(at, pull)| Some(at.time().plus_seconds(-pull?.total_seconds())));
        let failed = self.failures.iter().map(|failure| failure.since).min().map(Second::time);
        let waits = self.is_waiting_for_image().then_some(otherwise);
        let begin = self.pulling.map(Second::time).or(before).or(failed).or(waits)?;
        let end = self.pulled.map(|(at, _)| at).or_else(|| self.first_start());
        Some((begin, end.map(|end| end.time().max(begin))))
    }

    /// The time in which it is at work, of an init container.
    pub(super) fn work(&self) -> Option<Stretch> {
        let begin = self.first_start().filter(|_| self.role == ContainerRole::Init)?.time();
        Some((begin, self.finished.map(|at| at.time().max(begin))))
    }
}

impl Pull {
    /// With the time in the kubelet's queue, rounded up: Events tell of seconds.
    fn total_seconds(self) -> i64 {
        let millis = self.total_millis.unwrap_or(self.pull_millis);
        i64::try_from(millis.div_ceil(1_000)).unwrap_or(i64::MAX)
    }
}

/// The steps between a sandbox and the last main container that runs. They may take turns, so each takes its own time only:
/// Pull that in which any image was pulled, Init that in which init containers worked and none was pulled, Start the rest.
pub(super) fn phases(start: &PodStart, begin: Time, started: Option<Time>) -> Vec<Phase> {
    let containers = &start.containers;
    let end = started.map(|started| started.max(begin));
    let pulls = Stretches::of(containers.iter().filter_map(|container| container.pull(begin)), begin, end);
    let work = Stretches::of(containers.iter().filter_map(ContainerStart::work), begin, end).without(&pulls);
    let open = end.is_none().then(|| open_phase(containers, &pulls, &work));
    let is_over = |phase: &Phase| open != Some(phase.name);
    let own = [pulls.phase(PhaseName::Pull, Evidence::Event), work.phase(PhaseName::Init, Evidence::Status)];
    let mut phases: Vec<Phase> = own.into_iter().flatten().filter(is_over).collect();
    let others_seconds = phases.iter().map(|phase| i64::from(phase.spent_seconds)).sum();
    let last = phases.iter().filter_map(Phase::end).max().unwrap_or(begin);
    phases.push(match (end, open) {
        (Some(end), _) => {
            Phase::over(PhaseName::Start, (last, end), end.seconds_since(begin) - others_seconds, Evidence::Status)
        }
        (None, open) => {
            let name = open.unwrap_or(PhaseName::Start);
            let (own, source) = match name {
                PhaseName::Pull => (pulls.begin(), Evidence::Event),
                PhaseName::Init => (work.begin(), Evidence::Status),
                _ => (None, Evidence::Derived),
            };
            // What lies between is of the step that goes on.
            Phase::open(name, own.unwrap_or(last), begin, others_seconds, source)
        }
    });
    phases
}

/// The step of containers that have not all started.
fn open_phase(containers: &[ContainerStart], pulls: &Stretches, work: &Stretches) -> PhaseName {
    let is_at_work = |container: &ContainerStart| {
        container.role == ContainerRole::Init && container.finished.is_none() && container.is_restarted
    };
    if pulls.opened.is_some() {
        PhaseName::Pull
    } else if work.opened.is_some() || containers.iter().any(is_at_work) {
        PhaseName::Init
    } else {
        PhaseName::Start
    }
}

/// Stretches of time.
struct Stretches {
    /// Those that have ended, in order; they do not touch.
    closed: Vec<(Time, Time)>,
    /// The begin of the first that goes on.
    opened: Option<Time>,
}

impl Stretches {
    /// Together, within `begin` and `end`.
    fn of(stretches: impl Iterator<Item = Stretch>, begin: Time, end: Option<Time>) -> Self {
        let within = |at: Time| end.map_or(at, |end| at.min(end)).max(begin);
        let (mut closed, mut opened): (Vec<(Time, Time)>, Option<Time>) = (Vec::new(), None);
        for (from, to) in stretches {
            match to.or(end) {
                Some(to) => closed.push((within(from), within(to))),
                None => opened = opened.into_iter().chain([within(from)]).min(),
            }
        }
        closed.sort_unstable();
        let mut joined: Vec<(Time, Time)> = Vec::new();
        for (from, to) in closed {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        Self { closed: joined, opened }
    }

    /// Without the time in which those of the other ones are.
    fn without(mut self, others: &Self) -> Self {
        let closed = others.closed.iter().map(|(from, to)| (*from, Some(*to)));
        for (from, to) in closed.chain(others.opened.map(|from| (from, None))) {
            let parts =
                |(begin, end): (Time, Time)| [(begin, end.min(from)), (to.map_or(end, |to| begin.max(to)), end)];
            let left = self.closed.into_iter().flat_map(parts).filter(|(begin, end)| begin < end);
            self.closed = left.collect();
        }
        self
    }

    fn begin(&self) -> Option<Time> {
        self.closed.first().map(|(from, _)| *from).into_iter().chain(self.opened).min()
    }

    /// The step that those make up that have ended; `None` where there are none.
    fn phase(&self, name: PhaseName, source: Evidence) -> Option<Phase> {
        let (start, end) = (self.closed.first()?.0, self.closed.last()?.1);
        let spent_seconds = self.closed.iter().map(|(from, to)| to.seconds_since(*from)).sum();
        Some(Phase::over(name, (start, end), spent_seconds, source))
    }
}
