//! The schedule of one AWS Source: its cached answers, the requests that are due, retries after failures, and the
//! [`Health`] that follows. Pure: the time is an argument, so that a test can let years pass.

use std::collections::{BTreeMap, BTreeSet};

use super::failure::Failure;
use super::request::{Answer, PriceRequest};
use crate::fleet::{Health, HealthState, Sym};
use crate::units::Time;

/// Most answers in the cache; those that are no longer wanted are evicted first. AWS sells some 1,400 instance types.
pub(super) const MAX_ANSWERS: usize = 20_000;

/// Shortest time between two rounds of requests. During a relist the demand grows page by page; the spacing answers it
/// in few rounds.
const ROUND_SPACING_SECONDS: i64 = 2;

/// Wait after the first failure; doubled after each further failure in a row.
const BACKOFF_FIRST_SECONDS: i64 = 60;
/// Longest wait after a failure.
const BACKOFF_MAX_SECONDS: i64 = 15 * 60;
/// Shortest wait after a failure, also when new requests have been added since.
const BACKOFF_MIN_SECONDS: i64 = 60;

/// When an answer is due, those of its region that fall due within this percentage of the period are renewed with it,
/// so that they share requests.
const RENEW_TOGETHER_PERCENT: i64 = 50;

/// An answer and the time at which AWS gave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CachedAnswer {
    pub(super) answer: Answer,
    pub(super) as_of: Time,
}

/// Failure of the last round, and how long to wait before the next.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Backoff {
    failure: Failure,
    /// Failed rounds in a row, this one included.
    rounds: u32,
    at: Time,
    /// Whether new requests have been added since the failure; they shorten the wait.
    has_new_requests: bool,
}

/// Wanted requests, cached answers and retry state of one Source.
pub(super) struct Agenda {
    /// Seconds after which an answer is asked for again.
    period: i64,
    requests: BTreeSet<PriceRequest>,
    cached: BTreeMap<PriceRequest, CachedAnswer>,
    /// Regions for which AWS offers no price list, with the reason.
    unavailable: BTreeMap<Sym, String>,
    backoff: Option<Backoff>,
    last_round: Option<Time>,
    /// By region: items of the last response that could not be parsed.
    unreadable: BTreeMap<Sym, u64>,
    /// Regions whose last response had more pages than are read.
    truncated: BTreeSet<Sym>,
    /// A further note for the health message while the Source is live.
    note: Option<String>,
}

impl Agenda {
    pub(super) fn new(period: i64) -> Self {
        Self {
            period,
            requests: BTreeSet::new(),
            cached: BTreeMap::new(),
            unavailable: BTreeMap::new(),
            backoff: None,
            last_round: None,
            unreadable: BTreeMap::new(),
            truncated: BTreeSet::new(),
            note: None,
        }
    }

    /// Replaces the wanted requests; returns those that were not wanted before.
    pub(super) fn set_requests(
        &mut self,
        requests: BTreeSet<PriceRequest>,
        unavailable: BTreeMap<Sym, String>,
    ) -> BTreeSet<PriceRequest> {
        let new: BTreeSet<PriceRequest> = requests.difference(&self.requests).cloned().collect();
        if let Some(backoff) = &mut self.backoff {
            backoff.has_new_requests |= !new.is_empty();
        }
        self.unreadable.retain(|region, _| requests.iter().any(|request| request.region == *region));
        self.truncated.retain(|region| requests.iter().any(|request| request.region == *region));
        (self.requests, self.unavailable) = (requests, unavailable);
        new
    }

    /// The region of one of the wanted requests.
    pub(super) fn any_region(&self) -> Option<Sym> {
        self.requests.first().map(|request| request.region.clone())
    }

    pub(super) fn is_wanted(&self, request: &PriceRequest) -> bool {
        self.requests.contains(request)
    }

    pub(super) fn cached(&self, request: &PriceRequest) -> Option<&CachedAnswer> {
        self.cached.get(request)
    }

    /// All cached answers, also those no longer wanted.
    pub(super) fn all_cached(&self) -> impl Iterator<Item = (&PriceRequest, &CachedAnswer)> {
        self.cached.iter()
    }

    /// Caches an answer. If the cache is full, a wanted answer evicts an unwanted one, and an unwanted one is dropped.
    pub(super) fn insert_answer(&mut self, request: PriceRequest, cached: CachedAnswer) {
        if self.cached.len() >= MAX_ANSWERS && !self.cached.contains_key(&request) {
            if !self.is_wanted(&request) {
                return;
            }
            let spare = self.cached.keys().find(|key| !self.requests.contains(*key)).cloned();
            spare.and_then(|spare| self.cached.remove(&spare));
        }
        self.cached.insert(request, cached);
    }

    /// Time of the next round; `None` if nothing is wanted.
    pub(super) fn next_round(&self) -> Option<Time> {
        let due = self.requests.iter().map(|request| self.due_at(request)).min()?;
        let spaced = self.last_round.map(|at| at.plus_seconds(ROUND_SPACING_SECONDS));
        Some(due.max(self.retry_at().or(spaced).unwrap_or_default()))
    }

    fn due_at(&self, request: &PriceRequest) -> Time {
        self.cached.get(request).map_or(Time::default(), |cached| cached.as_of.plus_seconds(self.period))
    }

    /// Earliest time of a retry; `None` if the last round succeeded.
    fn retry_at(&self) -> Option<Time> {
        let backoff = self.backoff.as_ref()?;
        let wait = if backoff.has_new_requests { BACKOFF_MIN_SECONDS } else { backoff_seconds(backoff.rounds) };
        Some(backoff.at.plus_seconds(wait))
    }

    /// Begins a round; returns the requests that it has to make.
    pub(super) fn begin_round(&mut self, now: Time) -> BTreeSet<PriceRequest> {
        self.last_round = Some(now);
        let is_due = |request: &&PriceRequest| self.due_at(request) <= now;
        let due: BTreeSet<PriceRequest> = self.requests.iter().filter(is_due).cloned().collect();
        let renewed: BTreeSet<&Sym> =
            due.iter().filter(|request| self.cached.contains_key(*request)).map(|request| &request.region).collect();
        let soon = now.plus_seconds(self.period * RENEW_TOGETHER_PERCENT / 100);
        let is_due_soon = |request: &&PriceRequest| renewed.contains(&request.region) && self.due_at(request) <= soon;
        let together: Vec<PriceRequest> = self.requests.iter().filter(is_due_soon).cloned().collect();
        let mut due: BTreeSet<PriceRequest> = due;
        due.extend(together);
        for region in due.iter().map(|request| &request.region) {
            self.unreadable.remove(region);
            self.truncated.remove(region);
        }
        due
    }

    /// Counts items of a region's response that could not be parsed.
    pub(super) fn count_unreadable(&mut self, region: &Sym, items: u64) {
        if items > 0 {
            *self.unreadable.entry(region.clone()).or_default() += items;
        }
    }

    /// Records that a region's response had more pages than are read.
    pub(super) fn note_truncated(&mut self, region: &Sym) {
        self.truncated.insert(region.clone());
    }

    /// Sets a note that the health message carries while the Source is live.
    pub(super) fn set_note(&mut self, note: String) {
        self.note = Some(note);
    }

    /// Ends a round: every request was answered, or the round failed.
    pub(super) fn end_round(&mut self, outcome: Result<(), Failure>, now: Time) {
        let rounds = self.backoff.as_ref().map_or(0, |backoff| backoff.rounds) + 1;
        self.backoff = outcome.err().map(|failure| Backoff { failure, rounds, at: now, has_new_requests: false });
    }

    /// Whether no answer is to be expected now: all are up to date, or the Source waits after a failure.
    pub(super) fn is_settled(&self, now: Time) -> bool {
        self.retry_at().is_some_and(|at| at > now) || self.requests.iter().all(|request| self.due_at(request) > now)
    }

    /// Health of the Source, for the sources screen.
    pub(super) fn health(&self, now: Time) -> Health {
        let answered = || self.requests.iter().filter_map(|request| self.cached.get(request));
        let (state, message) = self.state(now);
        let objects = answered().map(|cached| price_count(&cached.answer)).sum();
        Health {
            state,
            objects,
            as_of: answered().map(|cached| cached.as_of).min(),
            message: message.map(|text| Sym::new(&text)),
            next_try: self.retry_at().filter(|_| self.backoff.is_some() && !self.requests.is_empty()),
            undecodable: self.unreadable.values().sum::<u64>() + self.unusable(),
            namespaces: None,
        }
    }

    /// Wanted answers whose price cannot be used: ambiguous, or in another currency.
    fn unusable(&self) -> u64 {
        let unusable = |cached: &&CachedAnswer| matches!(cached.answer, Answer::Ambiguous | Answer::Foreign);
        self.requests.iter().filter_map(|request| self.cached.get(request)).filter(unusable).count() as u64
    }

    /// Whether each wanted request has an answer, of any age.
    fn is_complete(&self) -> bool {
        self.requests.iter().all(|request| self.cached.contains_key(request))
    }

    fn state(&self, now: Time) -> (HealthState, Option<String>) {
        if self.requests.is_empty() {
            let reasons: Vec<String> = self.unavailable.values().cloned().collect();
            if reasons.is_empty() {
                let Health { state, message, .. } = Health::prices_not_needed();
                return (state, message.map(|message| message.to_string()));
            }
            return (HealthState::Absent, Some(reasons.join("; ")));
        }
        if let Some(backoff) = &self.backoff {
            let state = if self.is_complete() { HealthState::Stale } else { backoff.failure.state() };
            return (state, Some(backoff.failure.sentence()));
        }
        let is_answered = self.requests.iter().all(|request| self.is_fresh_enough(request, now));
        match (self.is_complete() && is_answered, self.last_round) {
            (true, _) => (HealthState::Live, self.notes()),
            (false, None) => (HealthState::Connecting, None),
            (false, Some(_)) => (HealthState::Syncing, None),
        }
    }

    /// Whether the answer is up to date, or only just due for renewal. An outdated one from an earlier session is not.
    fn is_fresh_enough(&self, request: &PriceRequest, now: Time) -> bool {
        let slack = self.period * RENEW_TOGETHER_PERCENT / 100;
        self.due_at(request).plus_seconds(slack) > now
    }

    /// Shortcomings of the answers while the Source is live, as one message.
    fn notes(&self) -> Option<String> {
        let names_with = |answer: &Answer| {
            let has_answer =
                |request: &&PriceRequest| self.cached.get(*request).is_some_and(|cached| cached.answer == *answer);
            self.requests.iter().filter(has_answer).map(|request| request.item.name()).collect::<BTreeSet<&str>>()
        };
        let unreadable: u64 = self.unreadable.values().sum();
        let notes = [
            self.note.clone(),
            names_sentence("AWS lists no usable price or description for ", &names_with(&Answer::Nothing)),
            names_sentence(
                "AWS lists several prices with the same effective date for ",
                &names_with(&Answer::Ambiguous),
            ),
            names_sentence("AWS lists no price in US dollars for ", &names_with(&Answer::Foreign)),
            (unreadable > 0).then(|| format!("{unreadable} items of the AWS response could not be parsed")),
            names_sentence(
                "the AWS response has more pages than batchtop reads, in ",
                &self.truncated.iter().map(AsRef::as_ref).collect(),
            ),
            (!self.unavailable.is_empty()).then(|| self.unavailable.values().cloned().collect::<Vec<_>>().join("; ")),
        ];
        let sentences: Vec<String> = notes.into_iter().flatten().collect();
        (!sentences.is_empty()).then(|| sentences.join("; "))
    }
}

/// Names that a message lists; the rest is counted.
const NAMES_SHOWN: usize = 4;

fn names_sentence(words: &str, names: &BTreeSet<&str>) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let shown: Vec<&str> = names.iter().copied().take(NAMES_SHOWN).collect();
    let rest = names.len() - shown.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    Some(format!("{words}{}{more}", shown.join(", ")))
}

fn price_count(answer: &Answer) -> u64 {
    match answer {
        Answer::Zones(zones) => zones.len() as u64,
        Answer::Histories(zones) => zones.len() as u64,
        Answer::Placement(zones) => zones.len() as u64,
        Answer::Rate(_) | Answer::Fargate(..) | Answer::Hardware(_) => 1,
        Answer::Nothing | Answer::Ambiguous | Answer::Foreign => 0,
    }
}

/// Seconds to wait after this many failures in a row.
fn backoff_seconds(rounds: u32) -> i64 {
    let doublings = rounds.saturating_sub(1).min(8);
    (BACKOFF_FIRST_SECONDS << doublings).min(BACKOFF_MAX_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::super::request::{PriceItem, ZonePrice};
    use super::*;

    const PERIOD: i64 = 300;

    fn at(seconds: i64) -> Time {
        Time::from_seconds(1_795_000_000 + seconds)
    }

    fn spot(name: &str) -> PriceRequest {
        PriceRequest { region: Sym::new("us-east-1"), item: PriceItem::Spot(Sym::new(name)) }
    }

    fn wanting(names: &[&str]) -> Agenda {
        let mut agenda = Agenda::new(PERIOD);
        request(&mut agenda, names);
        agenda
    }

    fn request(agenda: &mut Agenda, names: &[&str]) -> usize {
        agenda.set_requests(names.iter().map(|name| spot(name)).collect(), BTreeMap::new()).len()
    }

    fn zones(rate: i64) -> Answer {
        Answer::Zones(vec![ZonePrice { zone: Sym::new("us-east-1a"), zone_id: None, micro_usd_per_hour: rate }])
    }

    /// A round in which everything is answered; returns how much was asked for.
    fn round(agenda: &mut Agenda, now: Time) -> usize {
        let due = agenda.begin_round(now);
        let asked = due.len();
        for request in due {
            agenda.insert_answer(request, CachedAnswer { answer: zones(1), as_of: now });
        }
        agenda.end_round(Ok(()), now);
        asked
    }

    fn fail(agenda: &mut Agenda, now: Time) {
        agenda.begin_round(now);
        agenda.end_round(Err(Failure::Throttled("slow down".to_owned())), now);
    }

    #[test]
    fn no_price_is_requested_before_the_first_demand() {
        let agenda = Agenda::new(PERIOD);
        assert_eq!(agenda.next_round(), None);
        let health = agenda.health(at(0));
        assert_eq!((health.state, health.message), (HealthState::NotNeeded, Health::prices_not_needed().message));
        assert!(agenda.is_settled(at(0)));
    }

    #[test]
    fn a_demand_is_requested_at_once_and_again_after_its_period() {
        let mut agenda = wanting(&["a", "b"]);
        assert!(agenda.next_round().is_some_and(|due| due <= at(0)) && !agenda.is_settled(at(0)));
        assert_eq!(agenda.health(at(0)).state, HealthState::Connecting);
        assert_eq!(round(&mut agenda, at(0)), 2);
        let health = agenda.health(at(1));
        assert_eq!((health.state, health.as_of, health.objects), (HealthState::Live, Some(at(0)), 2));
        assert_eq!(agenda.next_round(), Some(at(PERIOD)));
        assert!(agenda.is_settled(at(PERIOD - 1)) && !agenda.is_settled(at(PERIOD)));
        assert_eq!(agenda.health(at(PERIOD)).state, HealthState::Live, "renewing does not make it less alive");
    }

    #[test]
    fn a_later_demand_is_requested_alone_once_and_then_with_the_others() {
        let mut agenda = wanting(&["a"]);
        round(&mut agenda, at(0));
        assert_eq!(request(&mut agenda, &["a", "b"]), 1);
        assert_eq!(agenda.next_round(), Some(at(ROUND_SPACING_SECONDS)), "not before the least spacing");
        assert_eq!(agenda.health(at(1)).state, HealthState::Syncing);
        assert_eq!(round(&mut agenda, at(100)), 1);
        assert_eq!(round(&mut agenda, at(PERIOD)), 2);
        assert_eq!(agenda.next_round(), Some(at(2 * PERIOD)));
    }

    #[test]
    fn an_ended_demand_is_not_requested() {
        let mut agenda = wanting(&["a", "b"]);
        round(&mut agenda, at(0));
        assert_eq!(request(&mut agenda, &["b"]), 0);
        assert_eq!(round(&mut agenda, at(PERIOD)), 1);
        request(&mut agenda, &[]);
        assert_eq!(agenda.next_round(), None);
        assert_eq!(agenda.health(at(PERIOD)).state, HealthState::NotNeeded);
        assert_eq!(request(&mut agenda, &["b"]), 1);
        assert_eq!(agenda.next_round(), Some(at(2 * PERIOD)), "what is known is not asked for anew");
    }

    #[test]
    fn the_wait_after_failures_doubles_from_1_to_15_minutes() {
        let mut agenda = wanting(&["a"]);
        let mut now = at(0);
        for minutes in [1, 2, 4, 8, 15, 15] {
            fail(&mut agenda, now);
            let health = agenda.health(now);
            assert_eq!((health.state, health.next_try), (HealthState::Failed, Some(now.plus_seconds(60 * minutes))));
            assert!(agenda.is_settled(now), "nothing more is to be expected before the next try");
            now = agenda.next_round().expect("a next round");
            assert_eq!(Some(now), health.next_try);
        }
        round(&mut agenda, now);
        fail(&mut agenda, now.plus_seconds(PERIOD));
        assert_eq!(agenda.next_round(), Some(now.plus_seconds(PERIOD + 60)), "a success starts it over");
    }

    #[test]
    fn a_new_demand_is_requested_no_sooner_than_a_minute_after_a_failure() {
        let mut agenda = wanting(&["a"]);
        for seconds in [0, 60, 180, 420] {
            fail(&mut agenda, at(seconds));
        }
        assert_eq!(agenda.next_round(), Some(at(420 + 480)));
        request(&mut agenda, &["a", "b"]);
        assert_eq!(agenda.next_round(), Some(at(420 + 60)));
        fail(&mut agenda, at(480));
        assert_eq!(agenda.next_round(), Some(at(480 + 900)), "and then it has had its turn");
    }

    #[test]
    fn after_a_failed_renewal_earlier_prices_are_stale() {
        let mut agenda = wanting(&["a"]);
        round(&mut agenda, at(0));
        fail(&mut agenda, at(PERIOD));
        let health = agenda.health(at(PERIOD));
        assert_eq!((health.state, health.as_of, health.objects), (HealthState::Stale, Some(at(0)), 1));
        assert_eq!(health.message.as_deref(), Some("AWS throttles the requests: slow down"));
        request(&mut agenda, &["a", "b"]);
        assert_eq!(agenda.health(at(PERIOD)).state, HealthState::Failed, "some of it was never there");
    }

    #[test]
    fn a_cached_answer_is_live_until_its_period_ends() {
        let mut agenda = Agenda::new(PERIOD);
        agenda.insert_answer(spot("a"), CachedAnswer { answer: zones(1), as_of: at(-100) });
        request(&mut agenda, &["a"]);
        assert_eq!(agenda.health(at(0)).state, HealthState::Live);
        assert_eq!(agenda.next_round(), Some(at(PERIOD - 100)));
        let old = at(10 * PERIOD);
        let health = agenda.health(old);
        assert_eq!((health.state, health.as_of), (HealthState::Connecting, Some(at(-100))));
        assert!(!agenda.is_settled(old));
    }

    #[test]
    fn health_names_missing_ambiguous_foreign_unreadable_and_truncated_answers() {
        let mut agenda = wanting(&["a", "b", "c", "d"]);
        agenda.begin_round(at(0));
        for (name, answer) in
            [("a", zones(1)), ("b", Answer::Nothing), ("c", Answer::Ambiguous), ("d", Answer::Foreign)]
        {
            agenda.insert_answer(spot(name), CachedAnswer { answer, as_of: at(0) });
        }
        agenda.count_unreadable(&Sym::new("us-east-1"), 3);
        agenda.note_truncated(&Sym::new("us-east-1"));
        agenda.end_round(Ok(()), at(0));
        let health = agenda.health(at(0));
        assert_eq!((health.state, health.objects, health.undecodable), (HealthState::Live, 1, 5));
        let words = health.message.expect("words").to_string();
        for part in ["description for b", "same effective date for c", "US dollars for d", "3 items", "pages"] {
            assert!(words.contains(part), "{part} in {words}");
        }
        round(&mut agenda, at(PERIOD));
        assert_eq!(agenda.health(at(PERIOD)).message, None);
    }

    #[test]
    fn cached_answers_are_limited_but_a_demanded_one_always_fits() {
        let mut agenda = wanting(&["wanted"]);
        let cached = || CachedAnswer { answer: zones(1), as_of: at(0) };
        (0..=MAX_ANSWERS).for_each(|n| agenda.insert_answer(spot(&n.to_string()), cached()));
        assert_eq!(agenda.all_cached().count(), MAX_ANSWERS);
        agenda.insert_answer(spot("wanted"), cached());
        assert_eq!(agenda.all_cached().count(), MAX_ANSWERS);
        assert!(agenda.cached(&spot("wanted")).is_some());
    }
}
