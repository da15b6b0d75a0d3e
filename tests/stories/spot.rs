//! Spot capacity: Pools' spot pools, and Fleet's view of it.

use batchtop::app::{Opened, Screen, Settings};
use batchtop::fleet::{
    Advisor, AdvisorRange, CapacityType, Change, Delta, EventClass, EventObject, EventRow, GangRow, HealthState,
    JobRow, Kind, Meta, NodeRow, Nomination, ObjectKey, PodRow, PodStart, Price, PriceChange, PriceKey, PriceList,
    Report, SpotHistory, SpotMarketChange, SpotPlace, Sym,
};
use batchtop::view::Body;

use crate::dsl::{Story, row_name, story, story_with};
use crate::fixture::{
    claim, facts, health, hours_ago, job, labels, meta, node, noon, pending, pod, pod_of, protected, upsert_claim,
    upsert_event, upsert_node, upsert_pod, upserts,
};
use crate::rows;

pub fn spot_node(name: &str, kind: &str, zone: &str) -> NodeRow {
    let labels = labels(&[
        ("karpenter.sh/nodepool", "gpu"),
        ("karpenter.sh/registered", "true"),
        ("karpenter.sh/initialized", "true"),
        ("karpenter.sh/capacity-type", "spot"),
        ("node.kubernetes.io/instance-type", kind),
        ("topology.kubernetes.io/zone", zone),
        ("topology.kubernetes.io/region", "us-east-1"),
    ]);
    NodeRow { labels, ..node(name, "gpu") }
}

/// What Karpenter says of a Node, so many seconds before noon.
pub fn signal(node: &str, reason: &str, seconds_ago: i64) -> EventRow {
    let object = EventObject { kind: Sym::new("Node"), key: ObjectKey::cluster(node) };
    let at = noon().plus_seconds(-seconds_ago);
    rows::event(meta("default", &format!("{node}-{reason}")), at, EventClass::Interruption, reason, object)
}

fn price(list: PriceList, place: &str, kind: &str, micro_usd_per_hour: i64) -> PriceChange {
    let capacity_type = if list == PriceList::AwsSpot { CapacityType::Spot } else { CapacityType::OnDemand };
    let key = PriceKey { place: Sym::new(place), instance_type: Sym::new(kind), capacity_type };
    PriceChange::Listed(list, key, Price { micro_usd_per_hour, as_of: hours_ago(1) })
}

/// `g5.xlarge` in `us-east-1a`, of whose two Nodes Karpenter has had a recommendation for one; a dear and a cheap calm pool.
fn spot() -> Story {
    story(spot_reports()).settled().keys("4 v")
}

fn spot_reports() -> Vec<Report> {
    vec![
        Report::Cluster(Box::new(facts())),
        Report::Delta(Delta::Nodes(upserts(vec![
            spot_node("a-1", "g5.xlarge", "us-east-1a"),
            spot_node("a-2", "g5.xlarge", "us-east-1a"),
            spot_node("b-1", "g5.48xlarge", "us-east-1b"),
            spot_node("c-1", "m7i.large", "us-east-1c"),
            node("od", "cpu"),
        ]))),
        Report::Delta(Delta::NodeClaims(upserts(Vec::new()))),
        Report::Delta(Delta::Jobs(upserts(vec![job("ml", "train"), job("ml", "sweep")]))),
        Report::Delta(Delta::Pods(upserts(vec![
            protected(pod_of("train", "train-0", "a-1"), "true"),
            pod_of("train", "train-1", "a-2"),
            pod_of("sweep", "sweep-0", "b-1"),
            pod("web", "front", "c-1"),
        ]))),
        Report::Delta(Delta::Events(upserts(vec![signal("a-2", "SpotRebalanceRecommendation", 60)]))),
        Report::Delta(Delta::Prices(vec![
            price(PriceList::AwsSpot, "us-east-1a", "g5.xlarge", 400_000),
            price(PriceList::AwsOnDemand, "us-east-1", "g5.xlarge", 1_000_000),
            price(PriceList::AwsSpot, "us-east-1b", "g5.48xlarge", 6_000_000),
        ])),
        health(Kind::Node, HealthState::Live),
        health(Kind::NodeClaim, HealthState::Live),
        health(Kind::Pod, HealthState::Live),
        health(Kind::Event, HealthState::Live),
    ]
}

impl Story {
    /// Where spot capacity stands is found out once a second; then a frame of data is drawn.
    fn settled(self) -> Self {
        self.seconds(2).told(Vec::new())
    }
}

const REBALANCE: &str = "g5.xlarge/us-east-1a";
const DEAR: &str = "g5.48xlarge/us-east-1b";
const CHEAP: &str = "m7i.large/us-east-1c";

/// The cells of the rows on screen, by title of their column.
fn column(told: &mut Story, title: &str) -> Vec<String> {
    let Body::Table(table) = told.draw().body else { panic!("a table") };
    let is_it = |column: &batchtop::view::Column| column.title.text().trim_end_matches(['↓', '↑']) == title;
    let at = table.columns.iter().position(is_it).unwrap_or_else(|| panic!("no column {title}"));
    table.rows.iter().map(|row| row.cells[at].text().trim().to_owned()).collect()
}

/// The line above the footer, once the notice of the last key is gone.
fn sentence(told: &mut Story) -> String {
    told.app.ui.notice = None;
    let screen = told.draw();
    let y = screen.size.1 - 2;
    screen.lines.iter().find(|line| line.area.y == y).map(|line| line.line.text().trim().to_owned()).unwrap_or_default()
}

/// The lines of the details.
fn details(told: &mut Story) -> Vec<String> {
    told.draw().detail.map(|panel| panel.lines.iter().map(batchtop::view::Line::text).collect()).unwrap_or_default()
}

fn wide(mut told: Story) -> Story {
    told.send(batchtop::app::Msg::Resize { width: 200, height: 60 });
    told
}

#[test]
fn spot_pools_are_ordered_by_risk_and_those_without_a_known_risk_by_dollars() {
    let mut told = wide(spot().screen(Screen::Pools).rows(&[REBALANCE, DEAR, CHEAP]));
    assert_eq!(column(&mut told, "STATE"), ["△ rebalance", "● calm", "● calm"]);
    // What is not known is shown as unknown: a risk without evidence, a price that nobody tells.
    assert_eq!(column(&mut told, "RISK"), ["80 P", "?", "?"]);
    assert_eq!(column(&mut told, "$/H"), ["0.80", "6.00", "…"]);
    assert_eq!(column(&mut told, "SAVES"), ["60%", "…", "…"]);
    assert_eq!(column(&mut told, "OF ALL SPOT"), ["█████       50%", "██▌         25%", "██▌         25%"]);
    // A notice comes before every risk, and its countdown runs.
    let mut told = told.told(vec![upsert_event(signal("c-1", "SpotInterrupted", 0))]).settled();
    assert_eq!(column(&mut told, "STATE")[..2], ["! reclaiming 1:56", "△ rebalance"]);
    let mut told = told.rows(&[CHEAP, REBALANCE, DEAR]).seconds(30);
    assert_eq!(column(&mut told, "STATE")[0], "! reclaiming 1:26");
    told.keys(": 'sort' space 'cost' enter").rows(&[DEAR, REBALANCE, CHEAP]).keys("r").rows(&[REBALANCE, DEAR, CHEAP]);
}

#[test]
fn without_an_event_source_pools_are_blind_and_say_so() {
    let gone = Report::Delta(Delta::Events(upserts(Vec::new())));
    let reports = vec![
        Report::Cluster(Box::new(facts())),
        gone,
        upsert_node(spot_node("a-1", "g5.xlarge", "us-east-1a")),
        health(Kind::Node, HealthState::Live),
        health(Kind::Event, HealthState::Live),
    ];
    let mut told = wide(story(reports).settled()).keys("4 v").rows(&[REBALANCE]);
    assert_eq!(column(&mut told, "STATE"), ["? blind"]);
    // Pods have not been read: nothing is said of them.
    assert_eq!((column(&mut told, "PODS"), column(&mut told, "JOBS")), (vec!["…".to_owned()], vec!["…".to_owned()]));
    let words = "? nothing would tell of it; if this pool goes now: 1 node, 8 GPUs; pods are not known yet";
    assert_eq!(sentence(&mut told), words);
    let text = details(&mut told.keys("enter")).join("\n");
    assert!(text.contains("no event source is detected") && text.contains("? pods are not known yet"), "{text}");
}

#[test]
fn the_sentence_says_what_goes_if_the_pool_goes_now() {
    let mut told = wide(spot());
    let words = "if this pool goes now: 2 nodes, 16 GPUs, 2 pods; ml/train loses up to 6h; \
                 1 protected pod goes all the same";
    assert_eq!(sentence(&mut told), words);
    let told = told.told(vec![upsert_event(signal("a-1", "SpotInterrupted", 100))]).settled();
    let mut told = told.seconds(3);
    // Pods ask for 30 seconds, of which 13 are left; the other Node would still get two minutes.
    let words = sentence(&mut told);
    assert!(words.starts_with("! 1 of 2 goes in 0:13; if this pool goes now: 2 nodes"), "{words}");
    assert!(words.contains("; 1 pod needs longer to end than it gets; 1 protected pod"), "{words}");
    assert_eq!(column(&mut told, "CUT SHORT")[0], "1");
}

#[test]
fn a_filter_asks_a_spot_pool_its_place_its_state_its_nodes_and_its_jobs() {
    for (filter, rows) in [
        ("type:g5 !status:calm", vec![REBALANCE]),
        ("zone:1c", vec![CHEAP]),
        ("pool:gpu status:calm", vec![DEAR, CHEAP]),
        ("job:train", vec![REBALANCE]),
        ("ns:ml", vec![REBALANCE, DEAR]),
        ("node:b-1", vec![DEAR]),
        ("price:unknown", vec![CHEAP]),
        ("sweep", vec![DEAR]),
        ("rebalance", vec![REBALANCE]),
        ("name:g5.xlarge/us", vec![REBALANCE]),
    ] {
        spot().keys(&format!("/ '{}' enter", filter.replace(' ', "' space '"))).rows(&rows);
    }
}

#[test]
fn enter_tells_all_about_a_pool_and_l_leads_to_its_nodes() {
    let mut told = wide(spot()).keys("enter").asks(&[]);
    let opened = told.app.ui.level.detail.as_ref().map(|detail| detail.of.clone());
    assert!(matches!(opened, Some(Opened::SpotPool(pool)) if pool.to_string() == REBALANCE));
    let text = details(&mut told).join("\n");
    for part in [
        "△ rebalance   AWS spot · NodePools gpu · 2 nodes · 50% of all spot nodes",
        "$/h           0.80 now, $1.20/h (60%) less than on demand",
        "△ 1 protected pod goes all the same: protection stops Karpenter, not the cloud",
        "80 of 100, at least 80 for Rebalance",
        "10 % of all evidence (P)",
        "40 % of the on-demand price",
        "△ rebalance  a-2  risk  80 P  SpotRebalanceRecommendation",
        "ml/train  loses up to 6h  nothing of it is complete yet",
        "none that batchtop has seen",
        "are judgement",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    // It is no object: it has no YAML, and nothing of it is fetched.
    let told = told.keys("y").asks(&[]).keys("esc y").asks(&[]).keys("esc Y").asks(&["copy g5.xlarge/us-east-1a"]);
    let told = told.keys("l").screen(Screen::Fleet).rows(&["a-2", "a-1"]);
    assert_eq!(told.app.ui.level.view.name, "spot");
    told.keys("esc").screen(Screen::Pools).selected(&format!("spot pool {REBALANCE}"));
}

/// The course of a price that was so many thousandths lower until yesterday.
fn course(kind: &str, zone: &str, micro_usd_per_hour: i64, lower_by: i64) -> Option<PriceChange> {
    let before = micro_usd_per_hour * (1_000 - lower_by) / 1_000;
    let steps = vec![(noon().plus_seconds(-30 * 86_400), before), (noon().plus_seconds(-43_200), micro_usd_per_hour)];
    let place = SpotPlace { instance_type: Sym::new(kind), zone: Sym::new(zone) };
    Some(PriceChange::SpotHistory(place, Box::new(SpotHistory::of_steps(steps, noon())?)))
}

#[test]
fn details_tell_the_price_of_seven_days_and_where_the_same_costs_less() {
    let alike = spot_node("g6", "g6.xlarge", "us-east-1b");
    let courses = [
        course("g5.xlarge", "us-east-1a", 400_000, 100),
        course("g5.xlarge", "us-east-1b", 360_000, 0),
        course("g5.xlarge", "us-east-1c", 410_000, 0),
        course("g5.xlarge", "eu-west-1a", 10_000, 0),
        course("g6.xlarge", "us-east-1b", 380_000, 0),
    ];
    let courses = courses.into_iter().flatten().collect();
    let told = wide(spot()).told(vec![upsert_node(alike), Report::Delta(Delta::Prices(courses))]).settled();
    let text = details(&mut told.keys("g enter")).join("\n");
    for part in [
        "now           $0.40/h for a node, 40 % of the on-demand price",
        "$0.36/h to $0.40/h",
        "▁▁▁█",
        "trend         ▲ 5.2 % above the mean of a day, ▲ 10.2 % above the mean of seven days",
        "zones         cheaper: us-east-1b $0.36/h (10 % less)",
        "types         cheaper: g6.xlarge in us-east-1b $0.38/h (5 % less)",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let mut told = wide(spot()).keys("g enter");
    let text = details(&mut told).join("\n");
    assert!(text.contains("? AWS has not answered yet"), "{text}");
}

#[test]
fn details_tell_which_gangs_lose_their_quorum_and_what_goes_with_the_zone() {
    let member = |pod: PodRow| PodRow { labels: labels(&[("scheduling.x-k8s.io/pod-group", "llama")]), ..pod };
    let gang = GangRow { meta: meta("ml", "llama"), min_member: 3 };
    let told = wide(spot()).told(vec![
        Report::Delta(Delta::PodGroups(upserts(vec![gang]))),
        upsert_pod(member(pod_of("train", "train-0", "a-1"))),
        upsert_pod(member(pod_of("train", "train-1", "a-2"))),
        upsert_pod(member(pod_of("sweep", "sweep-0", "b-1"))),
        upsert_node(spot_node("a-3", "m7i.large", "us-east-1a")),
    ]);
    let mut told = told.settled();
    let words = sentence(&mut told);
    assert!(words.contains("; gang ml/llama loses its quorum"), "{words}");
    let text = details(&mut told.keys("enter")).join("\n");
    for part in [
        "gangs         △ gang ml/llama loses its quorum",
        "ml/llama  1 of 3 ready pods stay, it needs 3",
        "IF ALL SPOT CAPACITY OF us-east-1a GOES NOW",
        "goes          2 pools, 3 nodes, 24 GPUs, 2 pods; ml/train loses up to 6h",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn details_of_a_job_tell_what_it_loses_with_each_of_its_pools_since_its_last_checkpoint() {
    let told = wide(spot()).told(vec![upsert_pod(pod_of("train", "train-2", "b-1"))]).settled();
    let text = details(&mut told.keys("2 / 'train' enter enter")).join("\n");
    for part in [
        "IF THIS POOL GOES NOW",
        "g5.xlarge/us-east-1a  △ rebalance  risk  80 P",
        "2 of its 3 active pods go:  loses up to 6h  nothing of it is complete yet",
        "g5.48xlarge/us-east-1b  ● calm  risk   ?",
        "1 of its 3 active pods go:",
        "each pod that goes counts as a failure: 0 of at most",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let settings = Settings { checkpoint_annotation: "example.com/saved".to_owned(), ..Settings::default() };
    let saved =
        JobRow { stamps: [(Sym::new("example.com/saved"), noon().plus_seconds(-600))].into(), ..job("ml", "train") };
    let mut reports = spot_reports();
    reports.push(Report::Delta(Delta::Jobs(upserts(vec![saved]))));
    let told = wide(story_with(reports, settings).settled());
    let text = details(&mut told.keys("2 / 'train' enter enter")).join("\n");
    assert!(text.contains("loses up to 10m02s since its last checkpoint"), "{text}");
}

#[test]
fn details_tell_what_the_advisor_says_and_of_when_it_is() {
    let advisor = |days: i64| {
        let types = [(Sym::new("g5.xlarge"), AdvisorRange::Above20)].into();
        let regions = [(Sym::new("us-east-1"), types)].into();
        let as_of = noon().plus_seconds(-days * 86_400);
        let advisor = Advisor { file: "advisor.json".to_owned(), as_of, regions };
        Report::Delta(Delta::SpotMarket(SpotMarketChange::Advisor(Some(Box::new(advisor)))))
    };
    let told = |days: i64| wide(spot()).told(vec![advisor(days)]).settled();
    let mut fresh = told(9);
    assert_eq!(column(&mut fresh, "RISK"), ["80 AP", "?", "?"]);
    assert_eq!(column(&mut fresh, "KNOWN"), ["65%", "0%", "0%"]);
    let text = details(&mut fresh.keys("enter")).join("\n");
    assert!(text.contains("advisor       >20%  advisor.json, written 9d ago"), "{text}");
    let mut old = told(31);
    assert_eq!(column(&mut old, "RISK"), ["80 P", "?", "?"]);
    let text = details(&mut old.keys("enter")).join("\n");
    assert!(
        text.contains("△ advisor.json, written 31d ago: it does not count, for it is older than 30 days"),
        "{text}"
    );
}

#[test]
fn details_of_a_pool_without_nodes_say_so() {
    let told = spot().keys("G enter");
    let gone = Report::Delta(Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("c-1"))]));
    let mut told = told.told(vec![gone]).settled().rows(&[REBALANCE, DEAR]);
    assert!(details(&mut told)[0].contains("it has no nodes any more"));
}

#[test]
fn spot_pools_are_offered_only_where_there_is_spot_capacity() {
    let views = |told: &Story| {
        let offered = Screen::Pools.spec().views_offered(&told.app);
        offered.iter().map(|view| view.name).collect::<Vec<_>>()
    };
    let told = spot();
    assert_eq!(
        (views(&told), told.app.ui.level.view.name),
        (vec!["NodePools", "spot pools", "spot zones"], "spot pools")
    );
    // A view that is shown is not taken away; one that was left is not offered again.
    let told = told.told(vec![Report::Delta(Delta::Nodes(upserts(vec![node("od", "cpu")])))]).settled().rows(&[]);
    assert_eq!(views(&told), ["NodePools", "spot pools"]);
    let told = told.keys("v v").says("there is one view of Pools");
    assert_eq!(views(&told), ["NodePools"]);
}

#[test]
fn the_view_spot_of_fleet_opens_by_risk() {
    let mut told = wide(spot()).keys("1 v v v v").rows(&["a-2", "a-1", "b-1", "c-1"]);
    assert_eq!((told.app.ui.level.view.name, told.app.ui.level.sort.column.name), ("spot", "risk"));
    assert_eq!(column(&mut told, "RISK"), ["80 P", "? P", "?", "?"]);
    let told = told.told(vec![upsert_event(signal("a-1", "SpotInterrupted", 10))]).settled();
    // The sibling of a node that is taken back is at risk, too; less than what was recommended.
    let mut told = told.rows(&["a-1", "a-2", "b-1", "c-1"]);
    assert_eq!(column(&mut told, "RISK")[..2], ["100 P", "80 P"]);
    // Without spot capacity there is no such column.
    let told = told.told(vec![Report::Delta(Delta::Nodes(upserts(vec![node("od", "cpu")])))]).settled();
    let mut told = told.keys("V V V V");
    let Body::Table(table) = told.draw().body else { panic!("a table") };
    assert!(table.columns.iter().all(|column| column.title.text() != "RISK"));
    assert_eq!(told.app.ui.listing.rows.iter().map(row_name).collect::<Vec<_>>(), ["od"]);
}

/// The banner, where there is one: the line right above the table.
fn banner(told: &mut Story) -> Option<String> {
    let screen = told.draw();
    let line = screen.lines.iter().find(|line| line.line.text().starts_with(" ! "))?;
    Some(line.line.text().trim().to_owned())
}

#[test]
fn a_notice_shows_a_banner_with_a_countdown_on_every_screen_until_it_is_over() {
    let mut told = wide(spot());
    assert_eq!(banner(&mut told), None);
    let mut told = told.told(vec![upsert_event(signal("a-1", "SpotInterrupted", -2))]).settled();
    let words = "! a-1 goes in 1:58 (g5.xlarge/us-east-1a) · 1 pod · their owners have created no new pods yet";
    assert_eq!(banner(&mut told).as_deref(), Some(words));
    for screen in ["1", "2", "3", "4", "5", "6"] {
        told = told.keys(screen).seconds(1);
        assert!(banner(&mut told).is_some_and(|line| line.contains("a-1 goes in 1:5")), "{screen}");
    }
    // Pods ask for 30 seconds.
    let mut told = told.seconds(100);
    assert!(
        banner(&mut told).is_some_and(|line| line.contains("goes in 0:12") && line.contains("1 without time to end"))
    );
    let mut told = told.told(vec![upsert_event(signal("b-1", "SpotInterrupted", -110))]).settled();
    let line = banner(&mut told).unwrap();
    assert!(line.starts_with("! 2 nodes go: a-1 in 0:10, b-1 in 1:58"), "{line}");
    let gone = ["a-1", "b-1"].map(|name| Change::Remove(ObjectKey::cluster(name)));
    let mut told = told.told(vec![Report::Delta(Delta::Nodes(gone.to_vec()))]).settled();
    assert_eq!(banner(&mut told), None);
}

#[test]
fn the_banner_covers_no_row_and_not_the_selected_one() {
    let many = (0..40).map(|n| spot_node(&format!("n-{n:02}"), "g5.xlarge", "us-east-1a")).collect();
    let told = spot().told(vec![Report::Delta(Delta::Nodes(upserts(many)))]).settled().keys("1 G");
    let selected = |told: &mut Story| {
        let screen = told.draw();
        let Body::Table(table) = screen.body else { panic!("a table") };
        let last = table.area.y + table.area.height;
        let is_selected = |row: &batchtop::view::Row| row.mark.text().contains('▸');
        let at = table.rows.iter().position(is_selected).unwrap_or_else(|| panic!("the selected row"));
        let y = table.area.y + 1 + u16::try_from(at).unwrap();
        let lines: Vec<u16> = screen.lines.iter().map(|line| line.area.y).collect();
        (table.rows.len(), y < last && !lines.contains(&y))
    };
    let mut told = told;
    let (before, is_seen) = selected(&mut told);
    assert!(is_seen);
    let mut told = told.told(vec![upsert_event(signal("n-00", "SpotInterrupted", 5))]).settled();
    assert_eq!(selected(&mut told), (before - 1, true));
}

#[test]
fn the_banner_and_the_details_say_where_replacements_stand() {
    let told = wide(spot()).told(vec![upsert_event(signal("a-1", "SpotInterrupted", 0))]).settled();
    // Karpenter drains the node; the Job creates another pod, for which there is a NodeClaim in time.
    let now = told.app.now;
    let created = |pod: PodRow| PodRow { meta: Meta { created: now, ..pod.meta }, ..pod };
    let start = PodStart::default();
    let new = created(pending(pod_of("train", "train-9", "")));
    let new = PodRow { start: Some(Box::new(start.clone())), ..new };
    let other = created(pending(pod("web", "other", "")));
    let mut told = told.told(vec![upsert_pod(new.clone()), upsert_pod(other)]).seconds(1);
    let line = banner(&mut told).unwrap();
    assert!(line.ends_with("· 0 of 1 new pod ready, 1 without capacity"), "{line}");
    let nominated = Nomination { at: now.into(), claim: Some(Sym::new("gpu-new")), node: None };
    let start = PodStart { nominations: vec![nominated], ..start };
    let meant = PodRow { start: Some(Box::new(start)), ..new };
    let mut told = told.told(vec![upsert_claim(claim("gpu-new", "gpu", None)), upsert_pod(meant.clone())]).seconds(1);
    let line = banner(&mut told).unwrap();
    assert!(line.ends_with("· 0 of 1 new pod ready, gpu-new registering"), "{line}");
    let text = details(&mut told.keys("1 / 'a-1' enter enter")).join("\n");
    for part in [
        "THE CLOUD TAKES IT BACK",
        "! goes in 1:5",
        "SpotInterrupted",
        "replacements  0 of 1 new pod ready, gpu-new registering",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let told = wide(spot()).told(vec![upsert_event(signal("a-1", "SpotInterrupted", 0))]).settled();
    let ready = PodRow { node: Some(Sym::new("a-2")), ..created(pod_of("train", "train-9", "a-2")) };
    let mut told = told.told(vec![upsert_pod(ready)]).seconds(1);
    let line = banner(&mut told).unwrap();
    assert!(line.ends_with("· 1 of 1 new pod ready"), "{line}");
}

#[test]
fn the_screen_tells_of_spot_pools_what_the_json_does() {
    let told = spot().told(vec![upsert_event(signal("a-1", "SpotInterrupted", 100))]).settled();
    let mut told = wide(told.seconds(2));
    let json =
        serde_json::to_value(batchtop::export::snapshot(&told.app, batchtop::export::GpuDetail::Sums)).expect("JSON");
    let pools = json["spotPools"].as_array().expect("pools");
    let names = column(&mut told, "SPOT POOL");
    let in_json = |name: &String| pools.iter().find(|pool| pool["pool"] == **name).expect("the pool").clone();
    let pools: Vec<serde_json::Value> = names.iter().map(in_json).collect();
    let count = |value: &serde_json::Value| match value.as_u64() {
        Some(0) => "–".to_owned(),
        count => count.map_or_else(|| "?".to_owned(), |count| count.to_string()),
    };
    for (title, field) in [("PODS", "pods"), ("CUT SHORT", "podsCutShort"), ("PROTECTED", "podsProtected")] {
        assert_eq!(
            column(&mut told, title),
            pools.iter().map(|pool| count(&pool[field])).collect::<Vec<_>>(),
            "{field}"
        );
    }
    let risk = |pool: &serde_json::Value| pool["risk"].as_u64().map_or_else(|| "?".to_owned(), |risk| risk.to_string());
    let shown: Vec<String> =
        column(&mut told, "RISK").iter().filter_map(|cell| Some(cell.split(' ').next()?.to_owned())).collect();
    assert_eq!(shown, pools.iter().map(risk).collect::<Vec<_>>());
    let rate = |pool: &serde_json::Value| {
        pool["usdPerHour"].as_f64().map_or_else(|| "…".to_owned(), |rate| format!("{rate:.2}"))
    };
    assert_eq!(column(&mut told, "$/H"), pools.iter().map(rate).collect::<Vec<_>>());
    // The nodes of Fleet's view have the risks of the JSON, too.
    let mut told = told.keys("1 v v v v");
    let nodes = json["nodes"].as_array().expect("nodes");
    let of_node = |name: &String| nodes.iter().find(|node| node["name"] == **name).expect("the node")["spot"].clone();
    let names: Vec<String> = told.app.ui.listing.rows.iter().map(row_name).collect();
    let shown = column(&mut told, "RISK");
    let shown: Vec<&str> = shown.iter().filter_map(|cell| cell.split(' ').next()).collect();
    assert_eq!(shown, names.iter().map(|name| risk(&of_node(name))).collect::<Vec<_>>());
}

#[test]
fn spot_zones_tell_what_goes_at_once_and_lead_to_their_nodes() {
    let mut told = wide(spot().keys("v").rows(&["us-east-1b", "us-east-1a", "us-east-1c"]));
    assert_eq!(column(&mut told, "JOBS"), ["1", "1", "–"]);
    assert_eq!(column(&mut told, "PROTECTED"), ["–", "1", "–"]);
    assert_eq!(column(&mut told, "OF ALL SPOT"), ["██▌         25%", "█████       50%", "██▌         25%"]);
    let chips = |told: &mut Story| {
        let lines: Vec<String> = told.draw().rules.iter().map(|rule| rule.line.text()).collect();
        lines.into_iter().find(|line| line.contains("spot zones 3")).expect("the views")
    };
    assert!(chips(&mut told).contains("saves $1.20/h against on demand"), "{}", chips(&mut told));
    let told = told.keys("/ 'zone:1a' enter").rows(&["us-east-1a"]).keys("esc");
    let told = told.keys("G enter").screen(Screen::Fleet).rows(&["c-1"]);
    assert_eq!(told.app.ui.level.filter, "zone:us-east-1c");
}
