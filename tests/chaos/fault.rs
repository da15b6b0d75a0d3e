//! The faults, which requests they can befall, and what each must show in Health.

use std::collections::BTreeMap;

use batchtop::fleet::{HealthState, Kind, SourceId};

use super::random::Random;

/// What answers are about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// The objects of one kind.
    Kind(Kind),
    /// Karpenter's CustomResourceDefinition.
    Crds,
    /// Which API groups there are. No Source: the last answer holds.
    Discovery,
}

impl Target {
    /// The Source whose Health tells of it.
    pub fn source(self) -> Option<SourceId> {
        match self {
            Self::Kind(kind) => Some(SourceId::Kind(kind)),
            Self::Crds => Some(SourceId::KarpenterCrds),
            Self::Discovery => None,
        }
    }

    fn seed(self) -> u64 {
        match self {
            Self::Kind(kind) => kind as u64,
            Self::Crds => 100,
            Self::Discovery => 101,
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// The first page of a list.
    List,
    /// A further page.
    NextPage,
    /// A watch.
    Watch,
    /// One object, or the API groups.
    Object,
}

/// One way to do wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    // --- answers of any request ---
    /// 500 with a Status.
    InternalError,
    /// 503 in plain text, as proxies have it.
    Unavailable,
    /// 429 with Retry-After.
    TooManyRequests,
    /// 403.
    Forbidden,
    /// 401.
    Unauthorized,
    /// 404.
    NotFound,
    /// 410.
    Gone,
    /// 200 with the page of a portal.
    HtmlPage,
    /// 200 with `{}`.
    EmptyObject,
    /// 200 with a Status that says 500.
    StatusAsSuccess,
    /// The connection is closed without an answer.
    ClosedBeforeHead,
    /// No answer, and the connection stays open.
    Silence,
    // --- answers of lists and objects ---
    /// The connection breaks in the middle of the body.
    CutInBody,
    /// Nothing comes any more from the middle of the body on.
    SilenceInBody,
    /// A zipped body without its end.
    TruncatedGzip,
    /// The body comes in small pieces with pauses.
    SlowDrip,
    // --- further pages of lists ---
    /// A page names itself as the next one.
    TokenTwice,
    // --- watches from their beginning ---
    /// 200 and no line.
    EndsAtOnce,
    /// 200, and nothing comes any more.
    HalfOpen,
    /// Events from before the version that was asked for come again, in their order; among them are older versions of objects
    /// that have been deleted since.
    Replay,
    // --- watches after a while ---
    /// The connection breaks in the middle of a line.
    CutInLine,
    /// ERROR with a Status that says 410.
    ErrorGone,
    /// ERROR with a Status that says 500.
    ErrorInternal,
    /// An event of a type that there is not.
    UnknownEvent,
    /// The server has forgotten what the request would go on from, by itself and not as planned.
    Expired,
}

const ANY: [Fault; 12] = [
    Fault::InternalError,
    Fault::Unavailable,
    Fault::TooManyRequests,
    Fault::Forbidden,
    Fault::Unauthorized,
    Fault::NotFound,
    Fault::Gone,
    Fault::HtmlPage,
    Fault::EmptyObject,
    Fault::StatusAsSuccess,
    Fault::ClosedBeforeHead,
    Fault::Silence,
];

const BODY: [Fault; 4] = [Fault::CutInBody, Fault::SilenceInBody, Fault::TruncatedGzip, Fault::SlowDrip];

const PAGE: [Fault; 2] = [Fault::TokenTwice, Fault::TokenTwice];

const WATCH: [Fault; 3] = [Fault::EndsAtOnce, Fault::HalfOpen, Fault::Replay];

const WITHIN_WATCH: [Fault; 4] = [Fault::CutInLine, Fault::ErrorGone, Fault::ErrorInternal, Fault::UnknownEvent];

impl Fault {
    /// Every fault that is planned.
    pub fn planned() -> impl Iterator<Item = Self> {
        ANY.into_iter().chain(BODY).chain([Self::TokenTwice]).chain(WATCH).chain(WITHIN_WATCH)
    }

    /// What it has to show where it befalls this request. `number` is in the server's words.
    pub fn expected(self, target: Target, asked: Asked, number: usize) -> Expected {
        let marker = marker(number);
        let told = |words: &[&str]| Expected::told(&[HealthState::Stale, HealthState::Failed], words);
        if target == Target::Discovery {
            return Expected::Nothing;
        }
        match self {
            Self::InternalError
            | Self::Unavailable
            | Self::TooManyRequests
            | Self::Unauthorized
            | Self::ErrorInternal => told(&[&marker]),
            Self::Forbidden => {
                Expected::told(&[HealthState::Stale, HealthState::Failed, HealthState::Forbidden], &[&marker])
            }
            Self::NotFound => not_found(target),
            Self::Gone if target == Target::Crds => told(&[&marker]),
            Self::Gone | Self::ErrorGone | Self::Expired => told(&["(410)", AGAIN]),
            Self::HtmlPage => told(&[match (target, asked) {
                (Target::Crds, _) => "the answer cannot be read",
                (_, Asked::Watch) => "sent a line that cannot be read",
                _ => "is not a JSON object",
            }]),
            Self::EmptyObject => told(&[match (target, asked) {
                (Target::Crds, _) => "the answer cannot be read",
                (_, Asked::Watch) => "sent an event without object",
                _ => "is an object without kind",
            }]),
            Self::StatusAsSuccess => {
                told(&[if target == Target::Crds { "the answer cannot be read" } else { &marker }])
            }
            Self::UnknownEvent => told(&["sent an event of type \"CHAOS\""]),
            Self::ClosedBeforeHead | Self::CutInBody | Self::TruncatedGzip => told(&["no connection"]),
            Self::Silence | Self::SilenceInBody => told(&[SILENT]),
            Self::TokenTwice => told(&["the same continue token came twice"]),
            // What ends after a while is opened again at once, and nobody need know.
            Self::EndsAtOnce | Self::CutInLine => Expected::ToldOrOpenedAgain("no connection"),
            Self::HalfOpen => Expected::Quiet,
            Self::SlowDrip | Self::Replay => Expected::Nothing,
        }
    }
}

/// What Health says while everything is read again; where it comes right after `Live`, it says that a watch expired.
pub const AGAIN: &str = "reading everything again";

/// What Health says when nothing came for too long.
pub const SILENT: &str = "no answer in time";

/// By which the words of a fault are known.
pub fn marker(number: usize) -> String {
    format!("[chaos {number}]")
}

fn not_found(target: Target) -> Expected {
    match target {
        Target::Kind(kind) if !kind.spec().is_optional() => {
            Expected::told(&[HealthState::Stale, HealthState::Failed], &["the API server has no"])
        }
        Target::Kind(_) => Expected::told(&[HealthState::Absent], &["the API server has no"]),
        _ => Expected::told(&[HealthState::Absent], &[]),
    }
}

/// What a fault has to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expected {
    /// A report of one of these states, with one of these words (any, where there are none).
    Told(Vec<HealthState>, Vec<String>),
    /// A report with these words, or the next request of the kind opens the watch again.
    ToldOrOpenedAgain(&'static str),
    /// Until the next request, Health does not say that anything was heard.
    Quiet,
    /// Nothing: it does no harm.
    Nothing,
}

impl Expected {
    fn told(states: &[HealthState], words: &[&str]) -> Self {
        Self::Told(states.to_vec(), words.iter().map(|&words| words.to_owned()).collect())
    }
}

/// How a watch goes on that was opened well.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    pub fault: Fault,
    /// How long after its beginning.
    pub after_millis: u64,
}

/// Which faults come when: the same seed gives each target the same faults, request by request.
pub struct Schedule {
    seed: u64,
    is_on: bool,
    randoms: BTreeMap<Target, Random>,
}

impl Schedule {
    pub fn new(seed: u64) -> Self {
        Self { seed, is_on: false, randoms: BTreeMap::new() }
    }

    /// Begins from the first fault, or ends all faults.
    pub fn switch(&mut self, is_on: bool) {
        self.is_on = is_on;
        self.randoms.clear();
    }

    fn random(&mut self, target: Target) -> &mut Random {
        let seed = self.seed;
        self.randoms.entry(target).or_insert_with(|| Random::of(&[seed, 2, target.seed()]))
    }

    /// The fault of the next request, if it has one.
    pub fn next(&mut self, target: Target, asked: Asked) -> Option<Fault> {
        let random = self.is_on.then(|| self.random(target))?;
        let (percent, choices): (usize, Vec<Fault>) = match asked {
            Asked::List => (25, [&ANY[..], &BODY].concat()),
            Asked::NextPage => (8, [&ANY[..], &BODY, &PAGE, &PAGE].concat()),
            Asked::Watch => (25, [&ANY[..], &WATCH, &WATCH].concat()),
            Asked::Object => (30, [&ANY[..], &BODY].concat()),
        };
        random.is_in(percent).then(|| random.pick(&choices))
    }

    /// What becomes of a watch that was opened well.
    pub fn fate(&mut self, target: Target, longest_millis: u64) -> Option<Fate> {
        let random = self.is_on.then(|| self.random(target))?;
        let (fault, after_millis) = (random.pick(&WITHIN_WATCH), random.next() % longest_millis);
        random.is_in(50).then_some(Fate { fault, after_millis })
    }
}
