//! What one Source has been told, what it still has to ask, and when: pure, so that years pass in a test.

use std::collections::{BTreeMap, BTreeSet};

use super::failure::Failure;
use super::wants::{Answer, Want};
use crate::fleet::{Health, HealthState, Sym};
use crate::units::Time;

/// Answers that are kept; what nobody wants any more makes room first. AWS sells some 1,400 instance types.
pub(super) const MOST_ANSWERS: usize = 20_000;

/// Between two rounds of requests, so that a demand that grows page by page is answered in few.
const ROUND_SPACING_SECONDS: i64 = 2;

/// The first wait after a failure; each further one is twice as long.
const BACKOFF_FIRST_SECONDS: i64 = 60;
/// The longest wait after a failure.
const BACKOFF_MOST_SECONDS: i64 = 15 * 60;
/// The least wait after a failure, even when something new is wanted.
const BACKOFF_LEAST_SECONDS: i64 = 60;

/// What is asked again belongs together: answers this much younger than one that is due are asked for with it.
const TOGETHER_PERCENT: i64 = 50;

/// An answer, and when it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub(super) answer: Answer,
    pub(super) as_of: Time,
}

/// Why the last round did not succeed.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Setback {
    failure: Failure,
    /// How many rounds in a row.
    times: u32,
    at: Time,
    /// Whether something new has been wanted since.
    is_pressed: bool,
}

/// The agenda of one Source.
pub(super) struct Agenda {
    /// How long an answer is good, in seconds.
    period: i64,
    wants: BTreeSet<Want>,
    known: BTreeMap<Want, Known>,
    /// Regions that AWS offers nothing for, with the reason.
    unavailable: BTreeMap<Sym, String>,
    setback: Option<Setback>,
    last_round: Option<Time>,
    /// Items that could not be read when a region was last asked about.
    unreadable: BTreeMap<Sym, u64>,
    /// Regions whose answer had more pages than are read.
    cut_short: BTreeSet<Sym>,
    /// What else is to be said while it lives.
    note: Option<String>,
}

impl Agenda {
    pub(super) fn new(period: i64) -> Self {
        Self {
            period,
            wants: BTreeSet::new(),
            known: BTreeMap::new(),
            unavailable: BTreeMap::new(),
            setback: None,
            last_round: None,
            unreadable: BTreeMap::new(),
            cut_short: BTreeSet::new(),
            note: None,
        }
    }

    /// From now on this is wanted, and nothing else; returns what of it is new.
    pub(super) fn want(&mut self, wants: BTreeSet<Want>, unavailable: BTreeMap<Sym, String>) -> BTreeSet<Want> {
        let new: BTreeSet<Want> = wants.difference(&self.wants).cloned().collect();
        if let Some(setback) = &mut self.setback {
            setback.is_pressed |= !new.is_empty();
        }
        self.unreadable.retain(|region, _| wants.iter().any(|want| want.region == *region));
        self.cut_short.retain(|region| wants.iter().any(|want| want.region == *region));
        (self.wants, self.unavailable) = (wants, unavailable);
        new
    }

    /// One of the regions that something is wanted of.
    pub(super) fn any_region(&self) -> Option<Sym> {
        self.wants.first().map(|want| want.region.clone())
    }

    pub(super) fn is_wanted(&self, want: &Want) -> bool {
        self.wants.contains(want)
    }

    pub(super) fn known(&self, want: &Want) -> Option<&Known> {
        self.known.get(want)
    }

    /// Everything that is known, wanted or not.
    pub(super) fn all_known(&self) -> impl Iterator<Item = (&Want, &Known)> {
        self.known.iter()
    }

    /// An answer came. What is wanted always has a place; of the rest, only what fits.
    pub(super) fn learn(&mut self, want: Want, known: Known) {
        if self.known.len() >= MOST_ANSWERS && !self.known.contains_key(&want) {
            if !self.is_wanted(&want) {
                return;
            }
            let spare = self.known.keys().find(|key| !self.wants.contains(*key)).cloned();
            spare.and_then(|spare| self.known.remove(&spare));
        }
        self.known.insert(want, known);
    }

    /// When the next round is due; `None` where nothing is wanted.
    pub(super) fn next_round(&self) -> Option<Time> {
        let due = self.wants.iter().map(|want| self.due_at(want)).min()?;
        let spaced = self.last_round.map(|at| at.plus_seconds(ROUND_SPACING_SECONDS));
        Some(due.max(self.retry_at().or(spaced).unwrap_or_default()))
    }

    fn due_at(&self, want: &Want) -> Time {
        self.known.get(want).map_or(Time::default(), |known| known.as_of.plus_seconds(self.period))
    }

    /// Not before then, after a failure.
    fn retry_at(&self) -> Option<Time> {
        let setback = self.setback.as_ref()?;
        let wait = if setback.is_pressed { BACKOFF_LEAST_SECONDS } else { backoff_seconds(setback.times) };
        Some(setback.at.plus_seconds(wait))
    }

    /// What the round that begins now asks for.
    pub(super) fn begin_round(&mut self, now: Time) -> BTreeSet<Want> {
        self.last_round = Some(now);
        let is_due = |want: &&Want| self.due_at(want) <= now;
        let due: BTreeSet<Want> = self.wants.iter().filter(is_due).cloned().collect();
        let renewed: BTreeSet<&Sym> =
            due.iter().filter(|want| self.known.contains_key(*want)).map(|want| &want.region).collect();
        let soon = now.plus_seconds(self.period * TOGETHER_PERCENT / 100);
        let is_due_soon = |want: &&Want| renewed.contains(&want.region) && self.due_at(want) <= soon;
        let together: Vec<Want> = self.wants.iter().filter(is_due_soon).cloned().collect();
        let mut due: BTreeSet<Want> = due;
        due.extend(together);
        for region in due.iter().map(|want| &want.region) {
            self.unreadable.remove(region);
            self.cut_short.remove(region);
        }
        due
    }

    /// So many items of an answer about a region could not be read.
    pub(super) fn count_unreadable(&mut self, region: &Sym, items: u64) {
        if items > 0 {
            *self.unreadable.entry(region.clone()).or_default() += items;
        }
    }

    /// An answer about a region had more pages than are read.
    pub(super) fn note_cut_short(&mut self, region: &Sym) {
        self.cut_short.insert(region.clone());
    }

    /// What to say as long as it lives.
    pub(super) fn set_note(&mut self, note: String) {
        self.note = Some(note);
    }

    /// Everything that the round asked for was answered, or this went wrong last.
    pub(super) fn end_round(&mut self, outcome: Result<(), Failure>, now: Time) {
        let times = self.setback.as_ref().map_or(0, |setback| setback.times) + 1;
        self.setback = outcome.err().map(|failure| Setback { failure, times, at: now, is_pressed: false });
    }

    /// Whether an answer to everything that is wanted is to be expected without a failure's wait.
    pub(super) fn is_settled(&self, now: Time) -> bool {
        self.retry_at().is_some_and(|at| at > now) || self.wants.iter().all(|want| self.due_at(want) > now)
    }

    /// How alive the Source is.
    pub(super) fn health(&self, now: Time) -> Health {
        let answered = || self.wants.iter().filter_map(|want| self.known.get(want));
        let (state, message) = self.state(now);
        let objects = answered().map(|known| prices(&known.answer)).sum();
        Health {
            state,
            objects,
            as_of: answered().map(|known| known.as_of).min(),
            message: message.map(|text| Sym::new(&text)),
            next_try: self.retry_at().filter(|_| self.setback.is_some() && !self.wants.is_empty()),
            undecodable: self.unreadable.values().sum::<u64>() + self.lost(),
            namespaces: None,
        }
    }

    /// Answers that hold a price which cannot be used.
    fn lost(&self) -> u64 {
        let lost = |known: &&Known| matches!(known.answer, Answer::Ambiguous | Answer::Foreign);
        self.wants.iter().filter_map(|want| self.known.get(want)).filter(lost).count() as u64
    }

    /// Whether everything that is wanted has an answer, however old.
    fn is_complete(&self) -> bool {
        self.wants.iter().all(|want| self.known.contains_key(want))
    }

    fn state(&self, now: Time) -> (HealthState, Option<String>) {
        if self.wants.is_empty() {
            let reasons: Vec<String> = self.unavailable.values().cloned().collect();
            if reasons.is_empty() {
                let Health { state, message, .. } = Health::not_needed();
                return (state, message.map(|message| message.to_string()));
            }
            return (HealthState::Absent, Some(reasons.join("; ")));
        }
        if let Some(setback) = &self.setback {
            let state = if self.is_complete() { HealthState::Stale } else { setback.failure.state() };
            return (state, Some(setback.failure.sentence()));
        }
        let is_answered = self.wants.iter().all(|want| self.was_asked(want, now));
        match (self.is_complete() && is_answered, self.last_round) {
            (true, _) => (HealthState::Live, self.notes()),
            (false, None) => (HealthState::Connecting, None),
            (false, Some(_)) => (HealthState::Syncing, None),
        }
    }

    /// What is kept from an earlier session and too old does not count as answered; what is only just being renewed does.
    fn was_asked(&self, want: &Want, now: Time) -> bool {
        let slack = self.period * TOGETHER_PERCENT / 100;
        self.due_at(want).plus_seconds(slack) > now
    }

    /// What is not as it should be while it lives.
    fn notes(&self) -> Option<String> {
        let of = |answer: &Answer| {
            let is_it = |want: &&Want| self.known.get(*want).is_some_and(|known| known.answer == *answer);
            self.wants.iter().filter(is_it).map(|want| want.what.name()).collect::<BTreeSet<&str>>()
        };
        let unreadable: u64 = self.unreadable.values().sum();
        let notes = [
            self.note.clone(),
            listed("AWS tells nothing usable of ", &of(&Answer::Nothing)),
            listed("AWS tells several prices, none newer than the others, of ", &of(&Answer::Ambiguous)),
            listed("AWS tells prices in another currency than dollars of ", &of(&Answer::Foreign)),
            (unreadable > 0).then(|| format!("{unreadable} items of AWS's answer could not be read")),
            listed(
                "AWS's answer has more pages than are read in ",
                &self.cut_short.iter().map(AsRef::as_ref).collect(),
            ),
            (!self.unavailable.is_empty()).then(|| self.unavailable.values().cloned().collect::<Vec<_>>().join("; ")),
        ];
        let said: Vec<String> = notes.into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// So many names are written out; of the rest only the number.
const NAMES_SHOWN: usize = 4;

fn listed(words: &str, names: &BTreeSet<&str>) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let shown: Vec<&str> = names.iter().copied().take(NAMES_SHOWN).collect();
    let rest = names.len() - shown.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    Some(format!("{words}{}{more}", shown.join(", ")))
}

fn prices(answer: &Answer) -> u64 {
    match answer {
        Answer::Zones(zones) => zones.len() as u64,
        Answer::Rate(_) | Answer::Fargate(..) | Answer::Hardware(_) => 1,
        Answer::Nothing | Answer::Ambiguous | Answer::Foreign => 0,
    }
}

/// After so many failures in a row.
fn backoff_seconds(times: u32) -> i64 {
    let doublings = times.saturating_sub(1).min(8);
    (BACKOFF_FIRST_SECONDS << doublings).min(BACKOFF_MOST_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::super::wants::What;
    use super::*;

    const PERIOD: i64 = 300;

    fn at(seconds: i64) -> Time {
        Time::from_seconds(1_795_000_000 + seconds)
    }

    fn spot(name: &str) -> Want {
        Want { region: Sym::new("us-east-1"), what: What::Spot(Sym::new(name)) }
    }

    fn wanting(names: &[&str]) -> Agenda {
        let mut agenda = Agenda::new(PERIOD);
        want(&mut agenda, names);
        agenda
    }

    fn want(agenda: &mut Agenda, names: &[&str]) -> usize {
        agenda.want(names.iter().map(|name| spot(name)).collect(), BTreeMap::new()).len()
    }

    fn zones(rate: i64) -> Answer {
        Answer::Zones(vec![(Sym::new("us-east-1a"), rate)])
    }

    /// A round in which everything is answered; returns how much was asked for.
    fn round(agenda: &mut Agenda, now: Time) -> usize {
        let due = agenda.begin_round(now);
        let asked = due.len();
        for want in due {
            agenda.learn(want, Known { answer: zones(1), as_of: now });
        }
        agenda.end_round(Ok(()), now);
        asked
    }

    fn fail(agenda: &mut Agenda, now: Time) {
        agenda.begin_round(now);
        agenda.end_round(Err(Failure::Throttled("slow down".to_owned())), now);
    }

    #[test]
    fn nothing_is_asked_before_something_is_wanted() {
        let agenda = Agenda::new(PERIOD);
        assert_eq!(agenda.next_round(), None);
        let health = agenda.health(at(0));
        assert_eq!((health.state, health.message), (HealthState::NotNeeded, Health::not_needed().message));
        assert!(agenda.is_settled(at(0)));
    }

    #[test]
    fn what_is_wanted_is_asked_at_once_and_again_after_its_period() {
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
    fn what_comes_later_is_asked_alone_and_then_together_with_the_rest() {
        let mut agenda = wanting(&["a"]);
        round(&mut agenda, at(0));
        assert_eq!(want(&mut agenda, &["a", "b"]), 1);
        assert_eq!(agenda.next_round(), Some(at(ROUND_SPACING_SECONDS)), "not before the least spacing");
        assert_eq!(agenda.health(at(1)).state, HealthState::Syncing);
        assert_eq!(round(&mut agenda, at(100)), 1);
        assert_eq!(round(&mut agenda, at(PERIOD)), 2);
        assert_eq!(agenda.next_round(), Some(at(2 * PERIOD)));
    }

    #[test]
    fn what_is_wanted_no_more_is_asked_no_more() {
        let mut agenda = wanting(&["a", "b"]);
        round(&mut agenda, at(0));
        assert_eq!(want(&mut agenda, &["b"]), 0);
        assert_eq!(round(&mut agenda, at(PERIOD)), 1);
        want(&mut agenda, &[]);
        assert_eq!(agenda.next_round(), None);
        assert_eq!(agenda.health(at(PERIOD)).state, HealthState::NotNeeded);
        assert_eq!(want(&mut agenda, &["b"]), 1);
        assert_eq!(agenda.next_round(), Some(at(2 * PERIOD)), "what is known is not asked for anew");
    }

    #[test]
    fn after_failures_waits_double_from_a_minute_to_a_quarter_of_an_hour() {
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
    fn after_a_failure_something_new_is_asked_a_minute_later_at_the_earliest() {
        let mut agenda = wanting(&["a"]);
        for seconds in [0, 60, 180, 420] {
            fail(&mut agenda, at(seconds));
        }
        assert_eq!(agenda.next_round(), Some(at(420 + 480)));
        want(&mut agenda, &["a", "b"]);
        assert_eq!(agenda.next_round(), Some(at(420 + 60)));
        fail(&mut agenda, at(480));
        assert_eq!(agenda.next_round(), Some(at(480 + 900)), "and then it has had its turn");
    }

    #[test]
    fn old_prices_stay_in_sight_as_stale() {
        let mut agenda = wanting(&["a"]);
        round(&mut agenda, at(0));
        fail(&mut agenda, at(PERIOD));
        let health = agenda.health(at(PERIOD));
        assert_eq!((health.state, health.as_of, health.objects), (HealthState::Stale, Some(at(0)), 1));
        assert_eq!(health.message.as_deref(), Some("AWS asks for patience: slow down"));
        want(&mut agenda, &["a", "b"]);
        assert_eq!(agenda.health(at(PERIOD)).state, HealthState::Failed, "some of it was never there");
    }

    #[test]
    fn what_an_earlier_session_kept_counts_while_it_is_young_enough() {
        let mut agenda = Agenda::new(PERIOD);
        agenda.learn(spot("a"), Known { answer: zones(1), as_of: at(-100) });
        want(&mut agenda, &["a"]);
        assert_eq!(agenda.health(at(0)).state, HealthState::Live);
        assert_eq!(agenda.next_round(), Some(at(PERIOD - 100)));
        let old = at(10 * PERIOD);
        let health = agenda.health(old);
        assert_eq!((health.state, health.as_of), (HealthState::Connecting, Some(at(-100))));
        assert!(!agenda.is_settled(old));
    }

    #[test]
    fn what_is_amiss_is_said() {
        let mut agenda = wanting(&["a", "b", "c", "d"]);
        agenda.begin_round(at(0));
        for (name, answer) in
            [("a", zones(1)), ("b", Answer::Nothing), ("c", Answer::Ambiguous), ("d", Answer::Foreign)]
        {
            agenda.learn(spot(name), Known { answer, as_of: at(0) });
        }
        agenda.count_unreadable(&Sym::new("us-east-1"), 3);
        agenda.note_cut_short(&Sym::new("us-east-1"));
        agenda.end_round(Ok(()), at(0));
        let health = agenda.health(at(0));
        assert_eq!((health.state, health.objects, health.undecodable), (HealthState::Live, 1, 5));
        let words = health.message.expect("words").to_string();
        for part in ["nothing usable of b", "none newer than the others, of c", "than dollars of d", "3 items", "pages"]
        {
            assert!(words.contains(part), "{part} in {words}");
        }
        round(&mut agenda, at(PERIOD));
        assert_eq!(agenda.health(at(PERIOD)).message, None);
    }

    #[test]
    fn answers_are_bounded_and_what_is_wanted_has_a_place() {
        let mut agenda = wanting(&["wanted"]);
        let known = || Known { answer: zones(1), as_of: at(0) };
        (0..=MOST_ANSWERS).for_each(|n| agenda.learn(spot(&n.to_string()), known()));
        assert_eq!(agenda.all_known().count(), MOST_ANSWERS);
        agenda.learn(spot("wanted"), known());
        assert_eq!(agenda.all_known().count(), MOST_ANSWERS);
        assert!(agenda.known(&spot("wanted")).is_some());
    }
}
