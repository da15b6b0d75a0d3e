//! A fleet with one node for each thing that can be said of a node, and one pod for each state of a protection.

use batchtop::app::{App, Msg, update};
use batchtop::fleet::*;
use batchtop::units::{Lifetime, Selector};

use crate::fixture::{
    DAY, HOUR, ago, budget, claim, clock, condition, empty, event, frame, labels, m7i, meta, node, now, pod, pool,
    press, protected, relist, report, resources, set_health,
};
use crate::paint::{body, body_with_roles, snapshot, text};
use crate::rows;

/// A node that nothing keeps, its NodeClaim, and a pod on it.
struct Machine {
    node: NodeRow,
    claim: NodeClaimRow,
    pod: Option<PodRow>,
}

fn machine(name: &str, pool: &str) -> Machine {
    let mut node = node(name, 6 * HOUR, &m7i());
    node.labels = with(&node.labels, "karpenter.sh/nodepool", Some(pool));
    let mut claim = claim(&format!("c-{name}"), Some(name), 6 * HOUR, &m7i());
    claim.labels = node.labels.clone();
    claim.expire_after = Lifetime::Never;
    claim.termination_grace_seconds = None;
    claim.conditions.push(condition("Consolidatable", Status::True, HOUR, "Consolidatable", ""));
    Machine { node, claim, pod: Some(pod(&format!("p-{name}"), None, Some(name), HOUR, resources(500, 1, 0))) }
}

fn with(old: &Labels, key: &str, value: Option<&str>) -> Labels {
    let others = old.iter().filter(|(other, _)| **other != key).map(|(k, v)| (k.to_string(), v.to_string()));
    let mut pairs: Vec<(String, String)> = others.collect();
    pairs.extend(value.map(|value| (key.to_owned(), value.to_owned())));
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    labels(&pairs)
}

impl Machine {
    fn protected(mut self, value: &str) -> Self {
        self.pod = self.pod.map(|pod| protected(pod, value));
        self
    }

    fn expiring_in(mut self, seconds: i64) -> Self {
        self.claim.expire_after = Lifetime::Seconds(6 * HOUR + seconds);
        self.claim.termination_grace_seconds = Some(600);
        self
    }

    fn drifted(mut self) -> Self {
        self.claim.conditions.push(condition("Drifted", Status::True, HOUR, "Drifted", ""));
        self
    }

    fn empty(mut self) -> Self {
        self.pod = None;
        self
    }
}

fn machines() -> Vec<Machine> {
    let mut all: Vec<Machine> = [
        ("terminating", "any"),
        ("disrupting", "any"),
        ("reclaimed", "any"),
        ("starting", "any"),
        ("by-node", "any"),
        ("no-pool", "gone"),
        ("by-pdb", "any"),
        ("by-budget", "none"),
        ("static", "fixed"),
        ("disabled", "never"),
        ("not-quiet", "slow"),
        ("policy", "empty-only"),
        ("no-label", "any"),
        ("paused", "any"),
        ("nothing-to-gain", "any"),
        ("candidate", "any"),
    ]
    .map(|(name, pool)| machine(name, pool))
    .into();
    all[0].claim.meta.deletion = Some(ago(900));
    all[1].node.taints =
        vec![Taint { key: Sym::new("karpenter.sh/disrupted"), value: Sym::new(""), effect: Sym::new("NoSchedule") }];
    all[1].claim.conditions.push(condition("DisruptionReason", Status::True, 60, "Empty", ""));
    all[2].pod = all[2].pod.take().map(|pod| protected(pod, "true"));
    all[3].node.labels = with(&all[3].node.labels, "karpenter.sh/initialized", None);
    all[3].claim.capacity = resources(7_910, 29, 1);
    all[4].node.do_not_disrupt = Some(Sym::new("true"));
    all[6].pod = all[6].pod.take().map(|pod| PodRow { labels: labels(&[("app", "front")]), ..pod });
    all[10].claim.conditions.retain(|condition| condition.kind != "Consolidatable");
    all[10].claim.last_pod_event = Some(ago(60));
    all[12].node.labels = with(&all[12].node.labels, "topology.kubernetes.io/zone", None);
    let azure = Some(NodeClassRef {
        group: Sym::new("karpenter.azure.com"),
        kind: Sym::new("AKSNodeClass"),
        name: Sym::new("default"),
    });
    all[13].claim.node_class.clone_from(&azure);
    all.extend([
        machine("by-pod", "any").protected("true"),
        machine("until", "any").protected("4h"),
        machine("doomed", "any").protected("4h").expiring_in(HOUR),
        machine("far", "any").protected("true").expiring_in(20 * DAY),
        Machine { pod: machine("overridden", "any").protected("true").pod, ..machine("overridden", "any").drifted() },
        machine("drifted", "any").drifted(),
        machine("empty", "any").empty(),
        machine("invalid", "empty-only").protected("2d"),
        machine("ended", "empty-only").protected("10m"),
    ]);
    all[20].claim.termination_grace_seconds = Some(600);
    all
}

fn pools() -> Vec<NodePoolRow> {
    let open = || vec![budget("100%")];
    let slow = NodePoolRow { consolidate_after: Lifetime::Seconds(300), ..pool("slow", open()) };
    let never = NodePoolRow { consolidate_after: Lifetime::Never, ..pool("never", open()) };
    let fixed = NodePoolRow { replicas: Some(1), ..pool("fixed", open()) };
    let only = NodePoolRow { consolidation_policy: Sym::new("WhenEmpty"), ..pool("empty-only", open()) };
    let night = Budget { schedule: Some(Sym::new("0 18 * * *")), duration: Some(Sym::new("20h")), ..budget("0") };
    vec![pool("any", open()), pool("none", vec![night]), slow, never, fixed, only]
}

fn events() -> Vec<EventRow> {
    let on = |name: &str, seconds, class, reason, kind: &'static str, object: &'static str, message| {
        event(name, seconds, class, reason, (kind, "", object), message)
    };
    vec![
        on(
            "i",
            20,
            EventClass::Interruption,
            "SpotInterrupted",
            "NodeClaim",
            "c-reclaimed",
            "Spot interruption warning was triggered",
        ),
        on(
            "u",
            60,
            EventClass::Blocked,
            "Unconsolidatable",
            "Node",
            "nothing-to-gain",
            "Can't replace with a cheaper node",
        ),
        on(
            "b",
            60,
            EventClass::Blocked,
            "DisruptionBlocked",
            "Node",
            "by-pod",
            "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/p-by-pod)",
        ),
    ]
}

/// All of these machines, live.
pub fn zoo(size: (u16, u16)) -> App {
    let mut app = empty(size);
    let all = machines();
    let stuck = NodeClaimRow {
        node_class: all[13].claim.node_class.clone(),
        provider_id: None,
        conditions: Vec::new(),
        ..claim("c-launching", None, 60, &m7i())
    };
    let claims = all.iter().map(|machine| machine.claim.clone()).chain([stuck]).collect();
    let own = NodeRow { labels: labels(&[]), provider_id: None, ..node("own", DAY, &m7i()) };
    let nodes = all.iter().map(|machine| machine.node.clone()).chain([own]).collect();
    let lost = protected(pod("p-lost", None, Some("nowhere"), HOUR, resources(500, 1, 0)), "true");
    let over = PodRow {
        phase: PodPhase::Succeeded,
        ..protected(pod("p-over", None, Some("by-pod"), HOUR, resources(500, 1, 0)), "true")
    };
    let pods = all.iter().filter_map(|machine| machine.pod.clone()).chain([lost, over]).collect();
    let front = PodSelector::Matching(Selector::parse("app=front").expect("a selector"));
    let pdb = rows::disruption_budget(meta("ml", "front", DAY), front);
    for delta in [
        Delta::Nodes(relist(nodes)),
        Delta::NodeClaims(relist(claims)),
        Delta::NodePools(relist(pools())),
        Delta::Pods(relist(pods)),
        Delta::DisruptionBudgets(relist(vec![pdb])),
        Delta::Events(relist(events())),
    ] {
        report(&mut app, Report::Delta(delta));
    }
    for kind in Kind::ALL {
        set_health(&mut app, kind, HealthState::Live);
    }
    settle(&mut app);
    app
}

/// All work is done, then a frame is drawn.
fn settle(app: &mut App) {
    batchtop::app::settle(app);
    frame(app);
}

/// The row of this name alone, on a screen given by its key; and after more keys.
pub fn zoo_row(size: (u16, u16), screen: &str, name: &str, keys: &str) -> App {
    let mut app = zoo(size);
    press(&mut app, &format!("{screen} /"));
    update(&mut app, Msg::Paste(format!("name:{name}")));
    press(&mut app, &format!("enter {keys}"));
    app
}

/// The details of the node of this name.
pub fn zoo_detail(name: &str, size: (u16, u16)) -> App {
    zoo_row(size, "1", name, "enter")
}

/// A fleet with one of everything, after these keys.
pub fn zoo_after(size: (u16, u16), keys: &str) -> App {
    let mut app = zoo(size);
    press(&mut app, keys);
    app
}

/// The nodes of which the details are snapshots.
pub const DETAILED: [&str; 9] =
    ["doomed", "by-pod", "by-pdb", "by-budget", "overridden", "by-node", "own", "candidate", "reclaimed"];

#[test]
fn every_verdict_is_shown_in_its_own_words() {
    let shown = text(&zoo((160, 50)));
    for words in [
        "not managed",
        "terminating",
        "disrupting: Empty",
        "interrupted",
        "starting: device plugin",
        "held: node annotation",
        "no NodePool gone",
        "held: pod p-by-pod",
        "held: pdb front",
        "budget 0 of 1 until 14:00",
        "static",
        "consolidation disabled",
        "quiet at 12:08",
        "policy WhenEmpty",
        "label missing",
        "paused: claim c-launching",
        "unconsolidatable",
        "candidate: empty",
        "candidate: drifted",
        "candidate: underutilized",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    for glyph in ["!", "▲", "△", "✗", "↓", "◌", "▣", "○", "◇", "·"] {
        assert!(shown.contains(&format!(" {glyph}  ")), "{glyph}: {shown}");
    }
    snapshot!("zoo_160x50", body(&zoo((160, 50))));
    snapshot!("zoo_80x36", body_with_roles(&zoo((80, 36))));
}

#[test]
fn unknown_verdicts_are_shown_as_unknown() {
    for (kind, words) in
        [(Kind::Pod, "unknown: pods not read, 12,300 so far"), (Kind::PodDisruptionBudget, "unknown: PDBs not read")]
    {
        let mut app = zoo((230, 50));
        set_health(&mut app, kind, HealthState::Syncing);
        settle(&mut app);
        let shown = text(&app);
        assert!(shown.contains(words) && !shown.contains("candidate:"), "{shown}");
        assert!(shown.contains(" ?  candidate ") && shown.contains("drifted: pods do not stop it"), "{shown}");
    }
}

#[test]
fn every_protection_state_has_its_glyph_and_words() {
    let mut app = zoo((160, 50));
    press(&mut app, "3");
    let shown = text(&app);
    for shield in [
        "▣ holds",
        "◧ until 15:04",
        "▲ dies 13:13",
        "△ dies 12-11",
        "▲ will not hold",
        "□ ignored: invalid",
        "□ ended 11:14",
        "□ over",
        "? not known",
    ] {
        assert!(shown.contains(shield), "{shield}: {shown}");
    }
    assert!(shown.contains("killed 13:13: expires 13:04"), "the first gap: {shown}");
    snapshot!("zoo_pods_160x50", body(&app));
}

#[test]
fn details_show_the_checks_and_the_advice() {
    for name in DETAILED {
        snapshot!(format!("zoo_detail_{name}"), body(&zoo_detail(name, (120, 60))));
    }
    let narrow = body(&zoo_detail("doomed", (80, 24)));
    assert!(narrow.contains("MAY KARPENTER TAKE IT?"), "{narrow}");
    snapshot!("zoo_detail_doomed_80x24", narrow);
}

#[test]
fn the_sentence_of_a_protected_expiring_node_says_when_its_pod_dies() {
    let mut app = zoo_row((200, 50), "1", "doomed", "");
    let want = "protected by ml/p-doomed (\"4h\", ends 15:04) but expires 13:04 and has terminationGracePeriod 10m: p-doomed dies \
                13:13:30";
    assert!(text(&app).contains(want), "{}", text(&app));
    app.ui.size = (80, 24);
    assert!(text(&app).contains("p-doomed dies 13:13:30"), "{}", text(&app));
}

#[test]
fn dialogs_name_the_effect_of_a_write_on_nodes() {
    let shown = text(&zoo_row((80, 24), "1", "by-node", "u"));
    assert!(shown.contains("→ frees node by-node for Karpenter"), "{shown}");
    let shown = body(&zoo_row((80, 24), "3", "p-doomed", "p"));
    assert!(shown.contains("△ node doomed expires 13:04"), "{shown}");
    snapshot!("zoo_protect_80x24", shown);
    assert!(now() > ago(1));
}

#[test]
fn pools_show_what_budgets_allow_now_and_the_next_day() {
    for size in [(120, 40), (200, 40)] {
        let mut app = zoo(size);
        press(&mut app, "4");
        let shown = text(&app);
        assert!(shown.contains("####") && shown.contains("...."), "{shown}");
        snapshot!(format!("zoo_pools_{}x{}", size.0, size.1), body(&app));
    }
    snapshot!("zoo_pool_100x60", body(&zoo_row((100, 60), "4", "none", "enter")));
}

#[test]
fn findings_are_untruncated_sentences_with_clock_times() {
    let mut app = zoo((80, 24));
    press(&mut app, "F");
    snapshot!("zoo_findings_80x24", body(&app));
    app.ui.size = (80, 200);
    let shown = text(&app);
    assert!(shown.contains("13:13") && !shown.contains("2026-11-21T"), "{shown}");
    assert!(!shown.lines().any(|line| line.ends_with("… │")), "{shown}");
}

#[test]
fn the_sentence_of_an_event_names_its_node_and_the_pods_it_hits() {
    let mut app = zoo((80, 24));
    press(&mut app, "5 V");
    app.ui.notice = None;
    let told = |app: &App, words: &str| assert!(text(app).contains(words), "{words}: {}", text(app));
    told(&app, "! 12:03:40 NodeClaim c-reclaimed → reclaimed, ▣ p-reclaimed: Spot");
    press(&mut app, "/");
    update(&mut app, Msg::Paste("annotation".to_owned()));
    press(&mut app, "enter");
    told(&app, "▣ 12:03:00 Node by-pod ▣ p-by-pod: Pod has");
}

#[test]
fn the_sentence_of_a_node_pool_explains_its_bar_where_there_is_room() {
    let legend = |size| {
        let mut app = zoo(size);
        press(&mut app, "4");
        text(&app)
            .lines()
            .filter(|line| line.contains("NodePool ") && line.ends_with("# allowed  + in part  . nothing"))
            .count()
    };
    assert_eq!((legend((80, 24)), legend((120, 24)), legend((200, 40))), (0, 1, 1));
}

#[test]
fn a_disruption_pause_is_shown_from_the_same_time_as_its_verdict() {
    let at = |age: i64| {
        let mut app = zoo((160, 50));
        let launching = NodeClaimRow {
            node_class: machines()[13].claim.node_class.clone(),
            provider_id: None,
            conditions: Vec::new(),
            ..claim("c-launching", None, age, &m7i())
        };
        report(&mut app, Report::Delta(Delta::NodeClaims(vec![Change::Upsert(launching)])));
        settle(&mut app);
        let shown = text(&app);
        (shown.contains("△ disruption paused"), shown.contains("paused: claim c-launching"))
    };
    assert_eq!(at(19), (false, false));
    assert_eq!(at(20), (true, true));
}

#[test]
fn a_node_is_only_said_to_be_gone_where_all_nodes_are_known() {
    let shown = |state| {
        let mut app = empty((200, 50));
        let ready = claim("c-alone", Some("n-alone"), DAY, &m7i());
        report(&mut app, Report::Delta(Delta::NodeClaims(relist(vec![ready]))));
        set_health(&mut app, Kind::NodeClaim, HealthState::Live);
        set_health(&mut app, Kind::Node, state);
        settle(&mut app);
        text(&app)
    };
    let (gone, unreadable) = ("its Node is gone", "Nodes are not readable");
    assert!(shown(HealthState::Live).contains(gone) && shown(HealthState::Stale).contains(gone));
    for state in [HealthState::Forbidden, HealthState::Failed] {
        let text = shown(state);
        assert!(text.contains(unreadable) && !text.contains(gone), "{state:?}: {text}");
    }
    for state in [HealthState::Connecting, HealthState::Syncing] {
        let text = shown(state);
        assert!(text.contains("c-alone") && !text.contains(gone) && !text.contains(unreadable), "{state:?}: {text}");
    }
}

/// Two drifted machines and an empty one of a NodePool that lets them go; all else is held.
fn with_next_commands(size: (u16, u16)) -> App {
    let mut app = empty(size);
    let mut all =
        [machine("drifted-0", "any").drifted(), machine("drifted-1", "any").drifted(), machine("kept", "any")];
    all[1].claim.conditions.last_mut().expect("Drifted").last_transition = Some(ago(2 * HOUR));
    all[2] = machine("kept", "any").protected("true");
    let empty_one = machine("empty", "any").empty();
    let all: Vec<Machine> = all.into_iter().chain([empty_one]).collect();
    for delta in [
        Delta::Nodes(relist(all.iter().map(|one| one.node.clone()).collect())),
        Delta::NodeClaims(relist(all.iter().map(|one| one.claim.clone()).collect())),
        Delta::NodePools(relist(pools())),
        Delta::Pods(relist(all.iter().filter_map(|one| one.pod.clone()).collect())),
    ] {
        report(&mut app, Report::Delta(delta));
    }
    for kind in Kind::ALL {
        set_health(&mut app, kind, HealthState::Live);
    }
    clock(&mut app, now());
    settle(&mut app);
    app
}

#[test]
fn the_next_commands_stand_below_the_table_of_fleet_in_as_many_words_as_fit() {
    let lower_rule = |size| text(&with_next_commands(size)).lines().rev().nth(2).map(str::to_owned).unwrap_or_default();
    let rules = [(40, 16), (60, 24), (80, 24), (120, 40)].map(lower_rule);
    snapshot!("next_commands", rules.join("\n"));
    assert!(!text(&with_next_commands((40, 10))).contains("next:"), "there is no rule to write into");
    let mut app = with_next_commands((80, 24));
    press(&mut app, "/ d r i f t e d - 1 enter enter");
    let said = text(&app);
    assert!(said.contains("Karpenter's next command for Drifted: it"), "{said}");
    press(&mut app, "esc 2");
    assert!(!text(&app).contains("takes next"), "it is about nodes");
}

#[test]
fn provisioners_are_listed_without_budgets_and_pay_for_their_nodes() {
    let mut app = empty((120, 24));
    let facts = ClusterFacts { karpenter_api: KarpenterApi::V1Alpha5, ..app.cluster.clone() };
    report(&mut app, Report::Cluster(Box::new(facts)));
    let mut one = machine("old", "any");
    one.node.labels =
        with(&with(&one.node.labels, "karpenter.sh/nodepool", None), "karpenter.sh/provisioner-name", Some("default"));
    one.node.labels = with(&one.node.labels, "eks-node-viewer/instance-price", Some("0.4"));
    one.claim.labels = one.node.labels.clone();
    let provisioner = NodePoolRow { budgets: None, conditions: Vec::new(), ..pool("default", Vec::new()) };
    for delta in [
        Delta::Nodes(relist(vec![one.node])),
        Delta::NodeClaims(relist(vec![one.claim])),
        Delta::NodePools(relist(vec![provisioner])),
        Delta::Pods(relist(one.pod.into_iter().collect())),
    ] {
        report(&mut app, Report::Delta(delta));
    }
    for kind in Kind::ALL {
        set_health(&mut app, kind, HealthState::Live);
    }
    settle(&mut app);
    press(&mut app, "4");
    snapshot!("provisioners", body(&app));
    press(&mut app, "enter");
    snapshot!("provisioner_detail", body(&app));
    press(&mut app, "esc 1 / p o o l : d e f a u l t enter");
    snapshot!("nodes_of_a_provisioner", body(&app));
}
