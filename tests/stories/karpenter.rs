//! What Karpenter may take, and what a write would change about that.

use batchtop::app::{Effect, Msg, Screen, Severity};
use batchtop::fleet::{
    Delta, DisruptionBudgetRow, HealthState, JobRow, Kind, NodeClaimRow, NodePoolRow, NodeRow, PodRow, PodSelector,
    Report, Status, Sym, Taint,
};
use batchtop::insight::cost::CostPart;
use batchtop::units::{Lifetime, Selector};

use crate::dsl::{Story, row_name, story};
use crate::fixture::{
    budget, claim, facts, health, hours_ago, job, labels, node, noon, pod, pod_of, pool, protected, upsert_pod, upserts,
};
use crate::rows::condition;

/// A NodeClaim whose node was quiet for long enough.
fn quiet(name: &str, node: &str) -> NodeClaimRow {
    let mut row = claim(name, "cpu", Some(node));
    row.conditions.push(condition("Consolidatable", Status::True, hours_ago(1)));
    row
}

/// Pods of `app=web`, under a PodDisruptionBudget that lets none go.
fn web(name: &str, node: &str) -> PodRow {
    PodRow { labels: labels(&[("app", "web")]), ..pod("web", name, node) }
}

fn pdb() -> DisruptionBudgetRow {
    DisruptionBudgetRow {
        selector: PodSelector::Matching(Selector::parse("app=web").unwrap()),
        ..budget("web", "front")
    }
}

struct World {
    nodes: Vec<NodeRow>,
    claims: Vec<NodeClaimRow>,
    pods: Vec<PodRow>,
    pools: Vec<NodePoolRow>,
    jobs: Vec<JobRow>,
}

/// Every name says what holds the node, if anything does.
fn world() -> World {
    let names = ["by-pod", "by-two", "by-pod-and-pdb", "by-pdb", "by-itself", "free", "expiring"];
    let mut nodes: Vec<NodeRow> = names.iter().map(|name| node(name, "cpu")).collect();
    nodes[4].do_not_disrupt = Some(Sym::new("true"));
    let mut claims: Vec<NodeClaimRow> = names.iter().map(|name| quiet(&format!("c-{name}"), name)).collect();
    claims[6].expire_after = Lifetime::Seconds(24 * 3600 + 2 * 3600);
    claims[6].termination_grace_seconds = Some(600);
    let pods = vec![
        protected(pod_of("train", "train-0", "by-pod"), "true"),
        protected(pod_of("train", "train-1", "by-two"), "10h"),
        protected(pod("ml", "other", "by-two"), "8h"),
        protected(pod("ml", "shielded", "by-pod-and-pdb"), "true"),
        web("web-0", "by-pod-and-pdb"),
        web("web-1", "by-pdb"),
        pod("ml", "plain", "free"),
        pod_of("long", "long-0", "expiring"),
    ];
    let long = JobRow { active: 1, active_deadline_seconds: Some(20 * 3600), ..job("ml", "long") };
    World { nodes, claims, pods, pools: vec![pool("cpu")], jobs: vec![job("ml", "train"), long] }
}

fn reports(world: World) -> Vec<Report> {
    let kinds =
        [Kind::Node, Kind::NodeClaim, Kind::NodePool, Kind::Pod, Kind::PodDisruptionBudget, Kind::Event, Kind::Job];
    let mut reports = vec![
        Report::Cluster(Box::new(facts())),
        Report::Delta(Delta::Nodes(upserts(world.nodes))),
        Report::Delta(Delta::NodeClaims(upserts(world.claims))),
        Report::Delta(Delta::NodePools(upserts(world.pools))),
        Report::Delta(Delta::Jobs(upserts(world.jobs))),
        Report::Delta(Delta::Pods(upserts(world.pods))),
        Report::Delta(Delta::DisruptionBudgets(upserts(vec![pdb()]))),
    ];
    reports.extend(kinds.map(|kind| health(kind, HealthState::Live)));
    reports
}

fn told() -> Story {
    story(reports(world()))
}

fn verdict(story: &Story, name: &str) -> &'static str {
    let node = story.app.fleet.node(name).unwrap();
    story.app.insights.verdicts.summary(node).unwrap().verdict.name()
}

fn consequences(story: &Story) -> Vec<(Severity, String)> {
    story.dialog().consequences.iter().map(|it| (it.severity, it.text.machine_text())).collect()
}

fn texts(story: &Story) -> Vec<String> {
    consequences(story).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn nodes_in_danger_come_first_then_held_ones_then_candidates() {
    told().rows(&["by-itself", "by-pdb", "by-pod", "by-pod-and-pdb", "by-two", "expiring", "free"]);
    let mut world = world();
    world.pods.push(protected(pod("ml", "doomed", "expiring"), "true"));
    let told = story(reports(world));
    told.rows(&["expiring", "by-itself", "by-pdb", "by-pod", "by-pod-and-pdb", "by-two", "free"]);
}

#[test]
fn rows_are_sorted_by_verdict_and_by_end() {
    let held = ["by-itself", "by-pod-and-pdb", "by-pod", "by-two", "by-pdb", "expiring", "free"];
    let told = told().keys(": 'sort' space 'verdict' enter");
    let rows: Vec<String> = told.app.ui.listing.rows.iter().map(row_name).collect();
    assert_eq!(rows.iter().filter(|row| held.contains(&row.as_str())).count(), 7);
    assert_eq!(rows[5..], ["expiring", "free"], "{rows:?}");
    let told = told.keys(": 'sort' space 'until' enter");
    assert_eq!(row_name(&told.app.ui.listing.rows[0]), "by-two", "the only one with an end");
}

#[test]
fn held_nodes_are_found_by_filter_key_and_command() {
    let held = ["by-itself", "by-pdb", "by-pod", "by-pod-and-pdb", "by-two"];
    told().keys("/ 'held:yes' enter").rows(&held);
    told().keys("/ 'held:no' enter").rows(&["expiring", "free"]);
    told().keys("b").rows(&held).keys("b").rows(&[&held[..], &["expiring", "free"]].concat());
    told().keys("3 : 'held' enter").screen(Screen::Fleet).rows(&held);
    let told = told().keys("/ 'by-p' enter b").rows(&["by-pdb", "by-pod", "by-pod-and-pdb"]);
    assert_eq!(told.app.ui.level.filter, "by-p held:yes");
    assert_eq!(told.keys("b").app.ui.level.filter, "by-p");
}

#[test]
fn a_filter_finds_nodes_by_verdict_and_by_the_object_that_holds_them() {
    told().keys("/ 'verdict:protectedbypod' enter").rows(&["by-pod", "by-pod-and-pdb", "by-two"]);
    told().keys("/ 'by:poddisruptionbudget/web/front' enter").rows(&["by-pdb"]);
    told().keys("/ 'by:train-0' enter").rows(&["by-pod"]);
    told().keys("3 / 'held:yes'").keys("enter").says("the filter knows no \"held:\" here");
}

#[test]
fn u_on_a_node_unprotects_the_pods_that_protect_it() {
    let on = |node: &str| told().keys(&format!("/ '{node}' enter u"));
    on("by-two").asks_to("unprotect 2 pods on node by-two in prod-ml");
    let told = on("by-pod-and-pdb").asks_to("unprotect pod ml/shielded on node by-pod-and-pdb in prod-ml");
    assert!(texts(&told).iter().all(|text| !text.starts_with("frees")), "{:?}", texts(&told));
    on("by-itself").asks_to("unprotect node by-itself in prod-ml");
    on("by-pdb").says("PodDisruptionBudget web/front protects it, and no annotation does").nothing_open();
    on("free").says("neither it nor a pod on it carries the annotation").nothing_open();
}

#[test]
fn protected_pods_are_listed_by_when_they_are_protected_no_more() {
    let mut world = world();
    world.pods.push(protected(pod("ml", "doomed", "expiring"), "true"));
    let wanted = ["ml/doomed", "ml/other", "ml/train-1", "ml/shielded", "ml/train-0"];
    story(reports(world)).keys("3 v v").rows(&wanted);
}

#[test]
fn drifted_nodes_are_found_whatever_stops_karpenter() {
    let mut world = world();
    for at in [0, 5] {
        world.claims[at].conditions.push(condition("Drifted", Status::True, hours_ago(1)));
    }
    story(reports(world)).keys("/ 'drifted:yes' enter").rows(&["by-pod", "free"]);
}

#[test]
fn a_node_whose_state_is_unknown_is_neither_held_nor_free() {
    let mut reports = reports(world());
    reports.push(health(Kind::Pod, HealthState::Syncing));
    let told = story(reports);
    assert_eq!(verdict(&told, "free"), "Unknown");
    let told = told.keys("/ 'held:no' enter").rows(&[]);
    told.keys("esc / 'verdict:candidate' enter")
        .rows(&[])
        .keys("esc / 'verdict:unknown' enter")
        .rows(&["expiring", "free"]);
}

#[test]
fn verdicts_follow_changes_within_a_second() {
    let told = told().keys("b").told(vec![upsert_pod(protected(pod("ml", "late", "free"), "true"))]).seconds(1);
    let told = told.told(Vec::new());
    assert!(told.app.ui.listing.rows.iter().any(|row| row_name(row) == "free"));
    let told = told.told(vec![upsert_pod(pod("ml", "late", "free"))]).seconds(1).told(Vec::new());
    assert!(told.app.ui.listing.rows.iter().all(|row| row_name(row) != "free"));
}

#[test]
fn verdicts_follow_the_clock_within_a_minute() {
    let mut world = world();
    world.pods.push(protected(pod("ml", "brief", "free"), "6h1m"));
    let told = story(reports(world));
    assert_eq!(verdict(&told, "free"), "ProtectedByPod");
    let told = told.seconds(60).told(Vec::new());
    assert_eq!(verdict(&told, "free"), "ConsolidationCandidate");
}

#[test]
fn verdicts_follow_the_health_of_sources() {
    let told = told().told(vec![health(Kind::PodDisruptionBudget, HealthState::Failed)]).seconds(1).told(Vec::new());
    assert_eq!(verdict(&told, "free"), "Unknown");
    let told = told.told(vec![health(Kind::PodDisruptionBudget, HealthState::Live)]).seconds(1).told(Vec::new());
    assert_eq!(verdict(&told, "free"), "ConsolidationCandidate");
}

const TRAIN_0: &str = "3 / 'train-0' enter";

#[test]
fn unprotecting_the_only_pod_that_protects_frees_the_node() {
    let told = told().keys(TRAIN_0).keys("u");
    assert_eq!(texts(&told), ["frees node by-pod for Karpenter"]);
}

#[test]
fn unprotecting_pods_names_the_nodes_that_are_freed_or_stay_held() {
    let told = told().keys("3 / 'name:train' enter ctrl-a u");
    let want = ["frees node by-pod for Karpenter", "node by-two stays held by pod ml/other until 14:00 UTC"];
    assert_eq!(texts(&told), want);
    let mut world = world();
    world.pods.retain(|pod| pod.meta.key.name != "other");
    let told = story(reports(world)).keys("3 / 'name:train' enter ctrl-a u");
    assert_eq!(texts(&told), ["frees 2 nodes (by-pod, by-two) for Karpenter"]);
}

#[test]
fn unprotecting_a_pod_names_the_pdb_that_still_holds_its_node() {
    let told = told().keys("3 / 'shielded' enter u");
    assert_eq!(texts(&told), ["node by-pod-and-pdb stays held by pdb/front"]);
}

#[test]
fn unprotecting_a_node_frees_it() {
    let told = told().keys("/ 'by-itself' enter u");
    assert_eq!(texts(&told), ["frees node by-itself for Karpenter"]);
}

#[test]
fn protecting_a_candidate_node_or_its_pod_is_said_to_hold_the_node() {
    let told = told().keys("3 / 'plain' enter p");
    assert_eq!(texts(&told), ["holds node free that Karpenter may take now"]);
    let told = story(reports(world())).keys("/ 'free' enter p");
    assert_eq!(texts(&told), ["holds node free that Karpenter may take now"]);
}

#[test]
fn the_dialog_names_hazards_and_an_early_end_of_the_chosen_duration() {
    let told = told().keys("3 / 'long-0' enter p");
    let expires = "node expiring expires 14:00 UTC: protection cannot stop that (long-0 dies 14:09 UTC)";
    assert_eq!(
        consequences(&told),
        [
            (Severity::Info, "holds node expiring that Karpenter may take now".to_owned()),
            (Severity::Warning, expires.to_owned()),
        ]
    );
    let told = told.keys("right");
    let short = "protection ends 13:00 UTC, 12h before the Job's deadline (ml/long, 2026-11-22 01:00 UTC)";
    assert_eq!(texts(&told), ["holds node expiring that Karpenter may take now", short]);
    told.notes("retries of this Job will not be protected: the template lacks the annotation");
}

#[test]
fn protecting_a_pod_on_a_disrupted_node_is_said_to_be_too_late() {
    let mut world = world();
    world.nodes[5].taints =
        vec![Taint { key: Sym::new("karpenter.sh/disrupted"), value: Sym::new(""), effect: Sym::new("NoSchedule") }];
    let told = story(reports(world)).keys("3 / 'plain' enter p");
    assert_eq!(texts(&told), ["node free is on its way out already: protection comes too late"]);
}

#[test]
fn effects_of_a_write_are_unknown_before_pods_and_pdbs_are_read() {
    for kind in [Kind::Pod, Kind::PodDisruptionBudget] {
        let mut reports = reports(world());
        reports.push(health(kind, HealthState::Syncing));
        let told = story(reports).keys(TRAIN_0).keys("u");
        let want = format!("what this means for Karpenter is not known: not all {} are read", kind.resource());
        assert_eq!(texts(&told), [want]);
        let told = told.keys("esc esc / 'plain' enter p");
        assert!(texts(&told).iter().all(|text| !text.contains("may take")), "{:?}", texts(&told));
        let told = told.told(vec![health(kind, HealthState::Live)]).seconds(1);
        assert_eq!(texts(&told), ["holds node free that Karpenter may take now"]);
    }
}

#[test]
fn unprotecting_names_a_node_pool_budget_that_allows_nothing() {
    let mut world = world();
    let zero = batchtop::fleet::Budget { nodes: Sym::new("0"), reasons: None, schedule: None, duration: None };
    world.pools[0].budgets = Some(vec![zero]);
    let told = story(reports(world)).keys(TRAIN_0).keys("u");
    assert_eq!(texts(&told), ["node by-pod is held no longer, but the budgets of NodePool cpu allow nothing now"]);
}

#[test]
fn undo_names_its_effect_on_the_node() {
    let told = told().keys(TRAIN_0).keys("u enter").all_done().keys("U");
    assert_eq!(told.dialog().consequences, []);
    let plain = PodRow { do_not_disrupt: None, ..pod_of("train", "train-0", "by-pod") };
    let told = told.keys("esc").told(vec![upsert_pod(plain)]).keys("U");
    assert_eq!(texts(&told), ["holds node by-pod that Karpenter may take now"]);
    assert!(noon() > hours_ago(1));
}

/// The objects of the findings that are shown.
fn found(story: &Story) -> Option<Vec<String>> {
    story.app.ui.desk.matters()?;
    let matters = story.app.ui.listing.rows.iter().filter_map(|row| row.matter());
    Some(matters.map(|one| format!("{} {} {}", one.rule, one.kind, one.object)).collect())
}

#[test]
fn findings_are_computed_when_their_key_is_pressed() {
    let typo = upsert_pod(protected(pod("ml", "typo", "free"), "1d"));
    let shown = told().told(vec![typo]).keys("F");
    assert!(found(&shown).is_some_and(|found| found.contains(&"ProtectionInvalid Pod ml/typo".to_owned())));
    let shown = shown.keys("F").nothing_open().told(vec![health(Kind::Pod, HealthState::Syncing)]).keys("F");
    assert_eq!(found(&shown), None, "not all pods are known");
}

#[test]
fn held_nodes_are_remembered_once_a_minute_and_only_after_a_change() {
    let held = upsert_pod(protected(pod("ml", "train", "free"), "true"));
    let mut after = told().told(vec![held]);
    let minute = |told: &mut Story| {
        let now = told.app.now.plus_seconds(60);
        told.send(Msg::Clock(now));
        told.effects.iter().filter(|effect| matches!(effect, Effect::Remember(_))).count()
    };
    assert_eq!((minute(&mut after), minute(&mut after)), (1, 0));
}

/// The dollars per hour of the Nodes that are listed, in micro-dollars.
fn listed_dollars(story: &Story) -> i64 {
    let names = story.app.ui.listing.rows.iter().filter_map(|row| row.object());
    let cost = |name: &str| story.app.insights.picture.node(name).and_then(|node| node.cost.rate());
    names.filter_map(|key| cost(&key.object.name)).sum()
}

#[test]
fn rows_filters_header_and_json_agree_on_what_is_protected_and_held() {
    let mut world = world();
    // Its policy keeps the node as well as its pod does: protected, but not held.
    world.pools.push(NodePoolRow { consolidation_policy: Sym::new("WhenEmpty"), ..pool("batch") });
    world.nodes.push(node("kept", "batch"));
    world.claims.push(NodeClaimRow { labels: node("kept", "batch").labels, ..quiet("c-kept", "kept") });
    world.pods.push(protected(pod("ml", "keeper", "kept"), "true"));
    for (index, node) in world.nodes.iter_mut().enumerate() {
        let price = format!("{}.25", index + 1);
        let known: Vec<_> = node.labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let mut pairs: Vec<(&str, &str)> = known.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        pairs.push(("eks-node-viewer/instance-price", &price));
        node.labels = labels(&pairs);
    }
    let told = story(reports(world)).seconds(2).told(Vec::new());
    let rates = told.app.insights.rates().expect("everything is known").clone();
    let (protected, held) = (rates.parts.get(CostPart::Protected), rates.parts.get(CostPart::Held));
    assert!(protected > held && held > Some(0), "both kinds are there: {protected:?} {held:?}");
    let json =
        serde_json::to_value(batchtop::export::snapshot(&told.app, batchtop::export::GpuDetail::Sums)).expect("JSON");
    let in_json = |name: &str| json["totals"]["cost"][name].to_string();
    let in_dollars = |micros: Option<i64>| micros.map_or_else(String::new, |micros| (micros as f64 / 1e6).to_string());
    assert_eq!((in_json("protectedUsdPerHour"), in_json("heldUsdPerHour")), (in_dollars(protected), in_dollars(held)));
    let told = told.keys("/ 'protected:yes' enter");
    assert_eq!(Some(listed_dollars(&told)), protected);
    let told = told.keys("/ ctrl-u 'held:yes' enter");
    assert_eq!(Some(listed_dollars(&told)), held);
}

/// What is written into the lines above and below the table.
fn rules(story: &mut Story) -> String {
    story.draw().rules.iter().map(|rule| rule.line.text()).collect::<Vec<String>>().join("\n")
}

#[test]
fn the_node_from_which_karpenters_next_command_comes_is_named_until_it_is_gone() {
    let drifted = |hours| condition("Drifted", Status::True, hours_ago(hours));
    let mut world = world();
    world.claims[5].conditions.push(drifted(2));
    world.claims[6].conditions.push(drifted(1));
    let mut told = story(reports(world)).seconds(11);
    assert!(rules(&mut told).contains("Karpenter takes next: free as Drifted"), "{}", rules(&mut told));
    // Its pods go, and then itself.
    let gone = Delta::Nodes(vec![batchtop::fleet::Change::Remove(batchtop::fleet::ObjectKey::cluster("free"))]);
    let mut told = told.told(vec![Report::Delta(gone)]).seconds(11);
    assert!(rules(&mut told).contains("Karpenter takes next: expiring as Drifted"), "{}", rules(&mut told));
    let mut unknown = told.told(vec![health(Kind::PodDisruptionBudget, HealthState::Forbidden)]).seconds(11);
    assert!(!rules(&mut unknown).contains("takes next"), "what decides is not known");
}
