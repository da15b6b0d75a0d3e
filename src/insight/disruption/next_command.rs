//! From which nodes Karpenter's next command comes, as long as nothing but the time changes.
//!
//! Empty nodes go together and drifted ones one after another, both in an order that the objects tell. What consolidation takes
//! is decided by prices and by a simulation, and is not told.

use super::reason::Reason;
use super::turn::{Chance, Turn};
use crate::fleet::{ObjectKey, Sym};
use crate::insight::sentence::{Part, Sentence, plural, sentence};
use crate::units::Time;

/// How often Karpenter looks for nodes to disrupt (karpenter pkg/controllers/disruption/controller.go, `pollingPeriod`).
const POLLING_SECONDS: i64 = 10;

/// How long Karpenter waits before it takes empty nodes, to see whether they stay empty (karpenter
/// pkg/controllers/disruption/consolidation.go, `consolidationTTL`).
pub const VALIDATION_SECONDS: i64 = 15;

/// How many nodes the sentence names.
const MOST_NAMED: usize = 3;

/// Of how many drifted nodes it is asked whether their pods have places.
const MOST_ASKED: usize = 64;

/// What a command does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Nodes go, and nothing is launched for them.
    Delete,
    /// A node goes, and another one comes in its place.
    Replace,
}

/// Whether Karpenter's simulation finds places for the pods of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Places {
    /// It is proven not to.
    Missing,
    /// It may not.
    Doubtful,
    /// Nothing speaks against it.
    Expected,
}

/// Karpenter's next command of one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NextCommand {
    /// The reason.
    pub reason: Reason,
    /// The nodes from which it comes, those first that Karpenter tries first; at least one.
    pub nodes: Vec<Sym>,
    /// Not before this.
    pub from: Time,
    /// Not after this; `None` where that cannot be told.
    pub to: Option<Time>,
    /// What it does, where that can be told.
    pub command: Option<Command>,
    /// What is known, in one sentence.
    pub message: Sentence,
}

/// A node whose turn may come.
type Candidate<'a> = (&'a Sym, &'a Turn);

/// The next command of each reason, of each Karpenter. `places` is asked of those nodes only that would be next.
pub fn next_commands<'a>(
    turns: impl Iterator<Item = Candidate<'a>>,
    now: Time,
    places: impl Fn(&Sym, Reason) -> Places,
) -> Vec<NextCommand> {
    let (auto_mode, others): (Vec<Candidate<'_>>, Vec<Candidate<'_>>) =
        turns.partition(|(_, turn)| turn.is_of_auto_mode);
    let of_one = |turns: &[Candidate<'_>]| {
        let loop_state = Loop::of(turns, now);
        [loop_state.next_empty(), loop_state.next_drifted(&places)]
    };
    [others, auto_mode].iter().flat_map(|turns| of_one(turns)).flatten().collect()
}

/// The disruption loop of one Karpenter.
struct Loop<'a> {
    turns: &'a [Candidate<'a>],
    now: Time,
}

/// Nodes that can be chosen for a reason, each with the moment from which on it can.
type Ready<'a> = Vec<(Time, Candidate<'a>)>;

impl<'a> Loop<'a> {
    const fn of(turns: &'a [Candidate<'a>], now: Time) -> Self {
        Self { turns, now }
    }

    /// Nodes of which a chance is there; `None` where it is not known of a node whether it is among them.
    fn ready(&self, chance: fn(&Turn) -> Chance) -> Option<Ready<'a>> {
        let mut ready = Vec::new();
        for (name, turn) in self.turns {
            match chance(turn) {
                Chance::Never => {}
                Chance::Unknown => return None,
                Chance::From(at) => ready.push((at.max(self.now), (*name, *turn))),
                Chance::Now => ready.push((self.now, (*name, *turn))),
            }
        }
        Some(ready)
    }

    /// Whether a pass of consolidation, which takes its time, may be under way or begin.
    fn may_consolidate(&self) -> bool {
        self.turns.iter().any(|(_, turn)| turn.may_be_consolidated)
    }

    /// Whether an empty node can be chosen at a moment, or that is not known.
    fn may_take_empty(&self, at: Time) -> bool {
        self.turns.iter().any(|(_, turn)| match turn.empty {
            Chance::Never => false,
            Chance::Unknown | Chance::Now => true,
            Chance::From(from) => from <= at,
        })
    }

    /// All empty nodes that can be chosen when Karpenter looks go together, as far as budgets allow.
    fn next_empty(&self) -> Option<NextCommand> {
        let (first, mut nodes) = at_the_next_look(self.ready(|turn| turn.empty)?)?;
        nodes.sort_unstable_by_key(|(_, (name, _))| *name);
        // Of a node that can be chosen already it is not known for how long Karpenter has watched it.
        let is_watched = nodes.iter().any(|(_, (_, turn))| turn.empty == Chance::Now);
        let last = first.plus_seconds(POLLING_SECONDS + VALIDATION_SECONDS);
        let message = sentence![
            named(&nodes),
            if nodes.len() == 1 { " goes" } else { " go together" },
            ", as far as budgets allow"
        ];
        Some(NextCommand {
            reason: Reason::Empty,
            from: if is_watched { first } else { first.plus_seconds(VALIDATION_SECONDS) },
            to: (!self.may_consolidate()).then_some(last),
            nodes: names(&nodes),
            command: Some(Command::Delete),
            message,
        })
    }

    /// The first that Karpenter tries and can place the pods of; nothing where it passes over all of them for now.
    fn next_drifted(&self, places: &impl Fn(&Sym, Reason) -> Places) -> Option<NextCommand> {
        let ready = self.ready(|turn| turn.drifted)?.into_iter().filter(|(_, (_, turn))| !goes_as_empty(turn));
        let (first, mut nodes) = at_the_next_look(ready.collect())?;
        nodes.sort_by_key(|(_, (name, turn))| (place(turn), *name));
        let nodes = first_in_turn(first, nodes, |name| places(name, Reason::Drifted));
        let (_, (_, turn)) = nodes.first().filter(|_| nodes.iter().any(|(_, (_, turn))| !turn.may_be_passed_over))?;
        let command = command_of(&nodes);
        let is_free = !self.may_consolidate() && !self.may_take_empty(first.plus_seconds(POLLING_SECONDS));
        let since = turn.drifted_since.map(|since| sentence![", drifted since ", since]);
        let message = if nodes.len() == 1 {
            sentence![named(&nodes), " is the first of the drifted nodes", since]
        } else {
            sentence!["one of ", named(&nodes), ", the first of the drifted nodes"]
        };
        Some(NextCommand {
            reason: Reason::Drifted,
            from: first,
            // Where pods have to move, the simulation may find no place for them.
            to: (is_free && command.is_some()).then(|| first.plus_seconds(POLLING_SECONDS)),
            command,
            nodes: names(&nodes),
            message,
        })
    }
}

/// Nodes of static NodePools are always replaced; whether those with pods to move are is decided by the simulation.
fn command_of(nodes: &[(Time, Candidate<'_>)]) -> Option<Command> {
    let all = |is: fn(&Turn) -> bool| nodes.iter().all(|(_, (_, turn))| is(turn));
    if all(|turn| turn.is_static) {
        return Some(Command::Replace);
    }
    all(|turn| !turn.is_static && !turn.moves_pods).then_some(Command::Delete)
}

/// Whether a drifted node goes as an empty one before Karpenter looks at drifted ones.
pub(super) fn goes_as_empty(turn: &Turn) -> bool {
    turn.order.emptiness_first && turn.empty == Chance::Now
}

/// The earliest moment, and what can be chosen when Karpenter looks next after it.
fn at_the_next_look(ready: Ready<'_>) -> Option<(Time, Ready<'_>)> {
    let first = ready.iter().map(|(at, _)| *at).min()?;
    let last = first.plus_seconds(POLLING_SECONDS);
    Some((first, ready.into_iter().filter(|(at, _)| *at <= last).collect()))
}

/// The place of a drifted node in the order in which Karpenter tries them: those of static NodePools, in no order; those without
/// pods to move; the others; each by how long they have been drifted (karpenter pkg/controllers/disruption/drift.go and
/// staticdrift.go).
pub(super) fn place(turn: &Turn) -> (u8, Option<Time>) {
    match turn {
        Turn { is_static: true, .. } => (0, None),
        Turn { moves_pods: false, order, .. } if !order.drifts_one_by_one => (1, None),
        Turn { moves_pods: false, .. } => (1, turn.drifted_since),
        Turn { .. } => (2, turn.drifted_since),
    }
}

/// Those of the nodes in turn that can be the first: up to the first that is surely there and is not passed over, and those
/// that have the same place.
fn first_in_turn(first: Time, nodes: Ready<'_>, places: impl Fn(&Sym) -> Places) -> Ready<'_> {
    let mut found: Ready<'_> = Vec::new();
    let mut last = None;
    for (asked, (at, (name, turn))) in nodes.into_iter().enumerate() {
        if last.is_some_and(|last| place(turn) > last) {
            break;
        }
        let places = if asked < MOST_ASKED { places(name) } else { Places::Expected };
        if places == Places::Missing {
            continue;
        }
        if at == first && !turn.may_be_passed_over && places == Places::Expected {
            last = Some(place(turn));
        }
        found.push((at, (name, turn)));
    }
    found
}

fn names(nodes: &[(Time, Candidate<'_>)]) -> Vec<Sym> {
    nodes.iter().map(|(_, (name, _))| (*name).clone()).collect()
}

/// `a, b, c and 2 more nodes`.
fn named(nodes: &[(Time, Candidate<'_>)]) -> Sentence {
    let node = |(_, (name, _)): &(Time, Candidate<'_>)| Part::Object(ObjectKey::cluster(name));
    let shown = Sentence::joined(nodes.iter().take(MOST_NAMED).map(node), ", ");
    let more = nodes.len().saturating_sub(MOST_NAMED);
    sentence![shown, (more > 0).then(|| sentence![" and ", plural(more, "more node")])]
}

#[cfg(test)]
mod tests {
    use super::super::turn::Order;
    use super::*;
    use Chance::{From, Never, Now, Unknown};

    const NOW: Time = Time::from_seconds(1_000);

    fn at(seconds: i64) -> Time {
        NOW.plus_seconds(seconds)
    }

    /// A node with a pod that has to move, of which nothing can be chosen.
    fn turn() -> Turn {
        Turn {
            empty: Never,
            drifted: Never,
            may_be_consolidated: false,
            is_of_auto_mode: false,
            is_static: false,
            moves_pods: true,
            drifted_since: None,
            may_be_passed_over: false,
            order: Order { emptiness_first: true, drifts_one_by_one: true },
        }
    }

    fn empty(chance: Chance) -> Turn {
        Turn { empty: chance, moves_pods: false, ..turn() }
    }

    fn drifted(chance: Chance, since: i64) -> Turn {
        Turn { drifted: chance, drifted_since: Some(Time::from_seconds(since)), ..turn() }
    }

    /// The commands for nodes `n0`, `n1` …; those of which the number is among `proven` are proven to stay.
    fn found(turns: &[Turn], proven: &[&str]) -> Vec<NextCommand> {
        let names: Vec<Sym> = (0..turns.len()).map(|number| Sym::new(&format!("n{number}"))).collect();
        let places = |name: &Sym| if proven.contains(&name.as_str()) { Places::Missing } else { Places::Expected };
        next_commands(names.iter().zip(turns), NOW, |name, _| places(name))
    }

    fn nodes(turns: &[Turn], proven: &[&str]) -> Vec<(Reason, String)> {
        let names = |nodes: &[Sym]| nodes.iter().map(Sym::as_str).collect::<Vec<_>>().join(" ");
        found(turns, proven).iter().map(|command| (command.reason, names(&command.nodes))).collect()
    }

    fn of_empty(turns: &[Turn]) -> Option<String> {
        nodes(turns, &[]).into_iter().find(|(reason, _)| *reason == Reason::Empty).map(|(_, nodes)| nodes)
    }

    fn of_drifted(turns: &[Turn], proven: &[&str]) -> Option<String> {
        nodes(turns, proven).into_iter().find(|(reason, _)| *reason == Reason::Drifted).map(|(_, nodes)| nodes)
    }

    #[test]
    fn empty_nodes_go_together_with_those_that_are_there_at_the_same_look() {
        for (turns, wanted) in [
            (vec![], None),
            (vec![turn()], None),
            (vec![empty(Now), turn(), empty(Now)], Some("n0 n2")),
            (vec![empty(From(at(10))), empty(Now), empty(From(at(11)))], Some("n0 n1")),
            (vec![empty(From(at(90))), empty(From(at(100))), empty(From(at(101)))], Some("n0 n1")),
            (vec![empty(Now), empty(Unknown)], None),
        ] {
            assert_eq!(of_empty(&turns).as_deref(), wanted, "{turns:?}");
        }
    }

    #[test]
    fn an_empty_node_is_watched_for_15_seconds_after_karpenter_looked() {
        let window = |turns: &[Turn]| found(turns, &[]).first().map(|command| (command.from, command.to));
        assert_eq!(window(&[empty(Now)]), Some((NOW, Some(at(25)))), "it may have been watched for a while");
        assert_eq!(window(&[empty(From(at(60)))]), Some((at(75), Some(at(85)))));
        let consolidated = Turn { may_be_consolidated: true, ..turn() };
        assert_eq!(window(&[empty(From(at(60))), consolidated]), Some((at(75), None)));
    }

    #[test]
    fn drifted_nodes_go_in_the_order_of_karpenter() {
        let of_static = |since| Turn { is_static: true, ..drifted(Now, since) };
        let without_pods = |since| Turn { moves_pods: false, ..drifted(Now, since) };
        let nominated = |since| Turn { may_be_passed_over: true, ..drifted(Now, since) };
        for (turns, wanted) in [
            (vec![drifted(Now, 30), drifted(Now, 20), drifted(Now, 40)], Some("n1")),
            (vec![drifted(Now, 30), drifted(Now, 20), drifted(Now, 20)], Some("n1 n2")),
            (vec![drifted(Now, 10), without_pods(30), without_pods(20)], Some("n2")),
            (vec![drifted(Now, 10), without_pods(20), of_static(90), of_static(80)], Some("n2 n3")),
            (vec![nominated(10), drifted(Now, 20), drifted(Now, 30)], Some("n0 n1")),
            (vec![drifted(From(at(5)), 10), drifted(Now, 20)], Some("n0 n1")),
            (vec![drifted(From(at(15)), 10), drifted(Now, 20)], Some("n1")),
            (vec![drifted(From(at(3_600)), 10), drifted(From(at(3_600)), 20)], Some("n0")),
            (vec![drifted(Unknown, 10), drifted(Now, 20)], None),
            (vec![Turn { empty: Now, ..without_pods(10) }, drifted(Now, 20)], Some("n1")),
            (vec![Turn { empty: From(at(30)), ..without_pods(10) }, drifted(Now, 20)], Some("n0")),
        ] {
            assert_eq!(of_drifted(&turns, &[]).as_deref(), wanted, "{turns:?}");
        }
    }

    #[test]
    fn nothing_is_told_of_drifted_nodes_that_are_all_passed_over() {
        let passed_over = |since| Turn { may_be_passed_over: true, ..drifted(Now, since) };
        assert_eq!(of_drifted(&[passed_over(10), passed_over(20)], &[]), None);
        assert_eq!(of_drifted(&[passed_over(10), drifted(From(at(5)), 20)], &[]).as_deref(), Some("n0 n1"));
    }

    #[test]
    fn the_end_of_the_time_is_told_where_no_pods_have_to_move() {
        let end = |turn: Turn| found(&[turn], &[]).first().and_then(|command| command.to);
        assert_eq!(end(drifted(Now, 10)), None, "the simulation decides");
        assert_eq!(end(Turn { moves_pods: false, ..drifted(Now, 10) }), Some(at(10)));
        assert_eq!(end(Turn { is_static: true, ..drifted(From(at(60)), 10) }), Some(at(70)));
        let consolidated = Turn { may_be_consolidated: true, moves_pods: false, ..drifted(Now, 10) };
        assert_eq!(end(consolidated), None, "a pass of consolidation takes its time");
    }

    #[test]
    fn a_node_that_is_proven_to_stay_is_not_next() {
        let turns = [drifted(Now, 10), drifted(Now, 20), drifted(Now, 30)];
        assert_eq!(of_drifted(&turns, &["n0"]).as_deref(), Some("n1"));
        assert_eq!(of_drifted(&turns, &["n0", "n1", "n2"]), None);
    }

    #[test]
    fn a_node_whose_pods_may_have_no_place_does_not_keep_others_from_being_next() {
        let turns = [drifted(Now, 10), drifted(Now, 20), drifted(Now, 30)];
        let names: Vec<Sym> = ["n0", "n1", "n2"].map(Sym::new).into();
        let of = |doubtful: &[&str]| {
            let places =
                |name: &Sym| if doubtful.contains(&name.as_str()) { Places::Doubtful } else { Places::Expected };
            let found = next_commands(names.iter().zip(&turns), NOW, |name, _| places(name));
            found.first().map(|command| command.nodes.len())
        };
        assert_eq!((of(&[]), of(&["n0"]), of(&["n1"]), of(&["n0", "n1", "n2"])), (Some(1), Some(2), Some(1), Some(3)));
    }

    #[test]
    fn drifted_nodes_without_pods_go_together_before_1_7() {
        let order = Order { emptiness_first: false, drifts_one_by_one: false };
        let without_pods = |since| Turn { moves_pods: false, order, ..drifted(Now, since) };
        let with_pods = Turn { order, ..drifted(Now, 5) };
        assert_eq!(of_drifted(&[without_pods(10), with_pods, without_pods(20)], &[]).as_deref(), Some("n0 n2"));
    }

    #[test]
    fn each_karpenter_goes_by_its_own() {
        let of_auto_mode = |turn: Turn| Turn { is_of_auto_mode: true, ..turn };
        let turns = [drifted(Now, 20), of_auto_mode(drifted(Now, 10)), of_auto_mode(empty(Unknown))];
        assert_eq!(nodes(&turns, &[]), [(Reason::Drifted, "n0".to_owned()), (Reason::Drifted, "n1".to_owned())]);
    }

    #[test]
    fn what_a_command_does_is_told_where_no_simulation_decides_it() {
        let of_static = Turn { is_static: true, ..drifted(Now, 10) };
        let without_pods = Turn { moves_pods: false, ..drifted(Now, 10) };
        for (turn, wanted) in [
            (empty(Now), Some(Command::Delete)),
            (of_static, Some(Command::Replace)),
            (without_pods, Some(Command::Delete)),
            (drifted(Now, 10), None),
        ] {
            let found = found(std::slice::from_ref(&turn), &[]);
            assert_eq!(found.first().map(|command| command.command), Some(wanted), "{turn:?}");
        }
    }

    #[test]
    fn the_sentence_names_a_few_nodes() {
        let message = |turns: &[Turn]| found(turns, &[]).first().map(|command| command.message.machine_text());
        let many = vec![empty(Now); 5];
        assert_eq!(message(&many).as_deref(), Some("n0, n1, n2 and 2 more nodes go together, as far as budgets allow"));
        let one = [drifted(Now, 30), drifted(Now, 20)];
        assert_eq!(
            message(&one).as_deref(),
            Some("n1 is the first of the drifted nodes, drifted since 1970-01-01T00:00:20Z")
        );
    }
}
