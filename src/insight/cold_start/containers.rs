//! What the containers of a pod did until all of them ran: pulls, init containers, and what lies between.

use super::first_run::FirstRun;
use super::{Evidence, Phase, PhaseName};
use crate::fleet::{CLOCK_SKEW_SECONDS, Pull, Sym};
use crate::units::Time;

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
    /// Whether it seems to have been on the Node, as nobody told how it came and its container ran right behind the sandbox.
    pub seems_cached: bool,
    /// When the pull that goes on began; `None` where none does.
    pub pulling_since: Option<Time>,
    /// Pulls that failed.
    pub failures: u32,
    /// Why the last of them failed.
    pub error: Option<Sym>,
}

impl ImageStart {
    /// Of a container whose pod had its sandbox then.
    pub(super) fn of(run: &FirstRun<'_>, sandbox: Option<Time>) -> Self {
        let container = run.container;
        let pull = run.pulled.and_then(|(_, pull)| pull);
        // An image that was pulled has not been there, whatever a later start of the container found.
        let was_pulled = run.pulling.is_some() || run.pulled.is_some();
        let pull_millis = pull.map(|pull| pull.pull_millis).or_else(|| pull_millis_by_events(run));
        Self {
            container: container.name.clone(),
            is_init: !run.is_main(),
            image: container.image.clone(),
            asks_registry: container.asks_registry,
            pull_millis,
            wait_millis: pull.and_then(|pull| wait_millis(run, pull)),
            bytes: pull.and_then(|pull| pull.bytes),
            is_cached: if was_pulled { Some(false) } else { run.present.map(|_| true) },
            seems_cached: sandbox.is_some_and(|sandbox| run.seems_cached(sandbox)),
            pulling_since: run.pulling.filter(|_| pull_millis.is_none()),
            failures: run.failed_pulls(),
            error: run.error().map(Sym::new),
        }
    }
}

const MILLIS_PER_SECOND: u64 = 1_000;

/// From the Event of its beginning to that of its end, else to the start of the container.
fn pull_millis_by_events(run: &FirstRun<'_>) -> Option<u64> {
    let begin = run.pulling?;
    millis_between(begin, run.image_there(begin)?)
}

/// How long a pull waited in the kubelet's queue: as it tells itself, else by the times of its Events, where no pull failed
/// between them.
fn wait_millis(run: &FirstRun<'_>, pull: Pull) -> Option<u64> {
    let by_events = || {
        let begin = run.pulling.filter(|_| run.failed_pulls() == 0)?;
        millis_between(begin, run.pulled?.0)
    };
    Some(pull.total_millis.or_else(by_events)?.saturating_sub(pull.pull_millis))
}

fn millis_between(begin: Time, end: Time) -> Option<u64> {
    u64::try_from(end.seconds_since(begin)).ok().map(|seconds| seconds * MILLIS_PER_SECOND)
}

/// A stretch of time; without an end while it goes on.
type Stretch = (Time, Option<Time>);

impl FirstRun<'_> {
    /// From the first attempt to pull its image to its success, waits and failures between them included. `otherwise` is the
    /// begin where nobody told it.
    fn pull(&self, otherwise: Time) -> Option<Stretch> {
        let before = self.pulled.and_then(|(at, pull)| Some(at.plus_seconds(-pull?.total_seconds())));
        let failed = self.failures().map(|failure| failure.since.time()).min();
        let waits = self.is_waiting_for_image().then_some(otherwise);
        let begin = self.pulling.or(before).or(failed).or(waits)?;
        Some((begin, self.image_there(begin).map(|end| end.max(begin))))
    }

    /// Whether nothing but that its image was there explains how soon it ran behind the sandbox. What takes no longer than
    /// clocks differ is no pull of an image that matters.
    fn seems_cached(&self, sandbox: Time) -> bool {
        let is_soon = |started: Time| (0..=CLOCK_SKEW_SECONDS).contains(&started.seconds_since(sandbox));
        !self.is_image_known() && self.failed_pulls() == 0 && self.started.is_some_and(is_soon)
    }

    /// The time in which it is at work, of an init container: its attempts, and what lies between them.
    fn work(&self) -> Option<Stretch> {
        let begin = self.earliest_start().filter(|_| self.is_init())?;
        Some((begin, self.container.finished.map(|at| at.time().max(begin))))
    }
}

impl Pull {
    /// With the time in the kubelet's queue, rounded up: Events tell of seconds.
    fn total_seconds(self) -> i64 {
        let millis = self.total_millis.unwrap_or(self.pull_millis);
        i64::try_from(millis.div_ceil(MILLIS_PER_SECOND)).unwrap_or(i64::MAX)
    }
}

/// The steps between a sandbox and the last main container that runs.
///
/// Pulls and init containers may take turns. Then each takes its own time only: Pull that in which any image was pulled, Init
/// that in which init containers worked and none was pulled, Start the rest. Otherwise each step begins where the one before
/// it ended. What lies before the first of them always belongs to it.
pub(super) fn phases(runs: &[FirstRun<'_>], begin: Time, started: Option<Time>) -> Vec<Phase> {
    let end = started.map(|started| started.max(begin));
    let mut pulls = Stretches::of(runs.iter().filter_map(|run| run.pull(begin)), begin, end);
    let mut work = Stretches::of(runs.iter().filter_map(FirstRun::work), begin, end).without(&pulls);
    let is_pull_first = pulls.begin().is_some_and(|pull| work.begin().is_none_or(|work| pull <= work));
    let first = if is_pull_first { &mut pulls } else { &mut work };
    first.begin_at(begin);
    // While images are still to come, it is open whether another pull comes behind the work that was done.
    let may_take_turns =
        end.is_none() && runs.iter().any(FirstRun::is_init) && !runs.iter().all(FirstRun::is_image_known);
    let take_turns = pulls.overlaps(&work);
    let steps = Steps { begin, end, open: end.is_none().then(|| open_phase(runs, &pulls, &work)), pulls, work };
    if take_turns || may_take_turns { steps.in_turns(take_turns) } else { steps.in_a_row(is_pull_first) }
}

/// The step of containers that have not all started.
fn open_phase(runs: &[FirstRun<'_>], pulls: &Stretches, work: &Stretches) -> PhaseName {
    let is_at_work =
        |run: &FirstRun<'_>| run.is_init() && run.container.finished.is_none() && run.container.is_restarted();
    if pulls.opened.is_some() {
        PhaseName::Pull
    } else if work.opened.is_some() || runs.iter().any(is_at_work) {
        PhaseName::Init
    } else {
        PhaseName::Start
    }
}

/// What pulls and init containers did from a sandbox to the last main container that runs.
struct Steps {
    begin: Time,
    end: Option<Time>,
    /// The step that goes on while that container does not run.
    open: Option<PhaseName>,
    pulls: Stretches,
    work: Stretches,
}

const PULL: (PhaseName, Evidence) = (PhaseName::Pull, Evidence::Event);
const INIT: (PhaseName, Evidence) = (PhaseName::Init, Evidence::Status);

impl Steps {
    /// Each step begins where the one before it ended.
    fn in_a_row(self, is_pull_first: bool) -> Vec<Phase> {
        let (pulls, work) = ((PULL, &self.pulls), (INIT, &self.work));
        let in_order = if is_pull_first { [pulls, work] } else { [work, pulls] };
        let (mut phases, mut at) = (Vec::new(), self.begin);
        for ((name, source), stretches) in in_order {
            let Some(end) = stretches.end().filter(|_| self.open != Some(name)) else { continue };
            phases.push(Phase::over(name, (at, end), end.seconds_since(at), source));
            at = end;
        }
        phases.sort_by_key(|phase| phase.name);
        phases.push(match (self.end, self.open) {
            (Some(end), _) => Phase::over(PhaseName::Start, (at, end), end.seconds_since(at), Evidence::Status),
            (None, open) => {
                let (name, source) = open_step(open);
                Phase::open(name, at, at, 0, source)
            }
        });
        phases
    }

    /// Each step has its own time, and the one that goes on, else Start, all that lies between.
    fn in_turns(self, take_turns: bool) -> Vec<Phase> {
        let own = [self.pulls.phase(PULL), self.work.phase(INIT)];
        let mut phases: Vec<Phase> = own.into_iter().flatten().filter(|phase| self.open != Some(phase.name)).collect();
        let others_seconds = phases.iter().map(|phase| i64::from(phase.spent_seconds)).sum();
        let last = phases.iter().filter_map(Phase::end).max().unwrap_or(self.begin);
        phases.push(match (self.end, self.open) {
            (Some(end), _) => {
                let rest_seconds = end.seconds_since(self.begin) - others_seconds;
                Phase::over(PhaseName::Start, (last, end), rest_seconds, Evidence::Status)
            }
            (None, open) => {
                let (name, source) = open_step(open);
                let own = match name {
                    PhaseName::Pull => self.pulls.begin(),
                    PhaseName::Init => self.work.begin(),
                    _ => None,
                };
                Phase::open(name, own.filter(|_| take_turns).unwrap_or(last), self.begin, others_seconds, source)
            }
        });
        phases
    }
}

fn open_step(open: Option<PhaseName>) -> (PhaseName, Evidence) {
    match open {
        Some(PhaseName::Pull) => PULL,
        Some(PhaseName::Init) => INIT,
        _ => (PhaseName::Start, Evidence::Derived),
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

    /// The end of the last that has ended.
    fn end(&self) -> Option<Time> {
        self.closed.last().map(|(_, to)| *to)
    }

    /// Lets the first of them begin earlier.
    fn begin_at(&mut self, begin: Time) {
        match (self.closed.first_mut(), &mut self.opened) {
            (Some(first), opened) if opened.is_none_or(|opened| first.0 <= opened) => first.0 = begin,
            (_, opened) => *opened = opened.map(|_| begin),
        }
    }

    /// Whether any of them lies between those of others, or they between these.
    fn overlaps(&self, others: &Self) -> bool {
        let is_before = |one: &Self, other: &Self| {
            one.opened.is_none() && one.end().zip(other.begin()).is_none_or(|(end, begin)| end <= begin)
        };
        !is_before(self, others) && !is_before(others, self)
    }

    /// The step that those make up that have ended; `None` where there are none.
    fn phase(&self, (name, source): (PhaseName, Evidence)) -> Option<Phase> {
        let (start, end) = (self.closed.first()?.0, self.closed.last()?.1);
        let spent_seconds = self.closed.iter().map(|(from, to)| to.seconds_since(*from)).sum();
        Some(Phase::over(name, (start, end), spent_seconds, source))
    }
}
