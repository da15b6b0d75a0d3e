//! The screen Starts: which come first, what is beneath, what filters find.

use batchtop::app::Screen;
use batchtop::fleet::{
    CapacityType, Change, ContainerRole, ContainerStart, Delta, EventRow, JobRow, Kind, ObjectKey, PodPhase, PodRow,
    PodStart, Price, PriceChange, PriceKey, PriceList, Pull, Report, Sym,
};
use batchtop::units::Second;

use crate::dsl::{Story, story};
use crate::fixture::{event, hours_ago, job, noon, pending, pod, pod_of, small, upsert_event, upsert_pod, upserts};

fn second(seconds_ago: i64) -> Second {
    noon().plus_seconds(-seconds_ago).into()
}

fn container() -> ContainerStart {
    ContainerStart::new(Sym::new("main"), Sym::new("ml/train:1"), ContainerRole::Main)
}

/// Bound so many seconds ago.
fn bound(seconds_ago: i64, container: ContainerStart) -> PodStart {
    let scheduled = Some(second(seconds_ago));
    PodStart { scheduled, sandbox: scheduled, containers: Box::new([container]), ..PodStart::default() }
}

fn created(mut pod: PodRow, seconds_ago: i64, start: PodStart) -> Report {
    pod.meta.created = noon().plus_seconds(-seconds_ago);
    pod.start = Some(Box::new(start));
    upsert_pod(pod)
}

/// A pod that was ready so many seconds after it was bound, which was when it was created.
fn ready(pod: PodRow, seconds: i64) -> Report {
    let ran = ContainerStart {
        started: Some(second(3_600 - seconds)),
        is_first_start: true,
        present: Some(second(3_600)),
        ..container()
    };
    let start = PodStart { ready: Some(second(3_600 - seconds)), was_ready: true, ..bound(3_600, ran) };
    created(pod, 3_600, start)
}

fn pulling(pod: PodRow, seconds_ago: i64) -> Report {
    let pod = PodRow { phase: PodPhase::Pending, status: Sym::new("ContainerCreating"), started: None, ..pod };
    let pulls = ContainerStart { pulling: Some(second(seconds_ago)), ..container() };
    created(pod, seconds_ago, bound(seconds_ago, pulls))
}

fn priced() -> Report {
    let key = PriceKey {
        place: Sym::new("us-east-1a"),
        instance_type: Sym::new("p5.48xlarge"),
        capacity_type: CapacityType::Spot,
    };
    let price = Price { micro_usd_per_hour: 55_040_000, as_of: hours_ago(1) };
    Report::Delta(Delta::Prices(vec![PriceChange::Listed(PriceList::AwsSpot, key, price)]))
}

/// A Job whose two pods start together; of the third Job at most one runs at a time.
fn gangs() -> Story {
    let two = JobRow { parallelism: 2, completions: Some(2), ..job("ml", "duo") };
    let turns = JobRow { parallelism: 1, completions: Some(2), ..job("ml", "turns") };
    let pods = [("duo", "duo-0", 60), ("duo", "duo-1", 90), ("turns", "turns-0", 60), ("turns", "turns-1", 300)];
    let pods = pods.map(|(job, name, seconds)| ready(pod_of(job, name, "gpu-a"), seconds));
    let told = starts().told(vec![Report::Delta(Delta::Jobs(upserts(vec![job("ml", "train"), two, turns])))]);
    told.told(pods.into())
}

/// Of what details are open.
fn opened(told: &Story) -> Option<(Kind, String)> {
    let detail = told.app.ui.level.detail.as_ref()?;
    detail.object().map(|key| (key.kind, key.object.to_string()))
}

#[test]
fn gangs_are_jobs_whose_pods_start_together() {
    let told = gangs().keys("7 v").rows(&["ml/train", "ml/duo"]);
    let told = told.keys(": 'sort' space 'skew' enter").rows(&["ml/duo", "ml/train"]);
    // Its starts are beneath it, its details say what they make together.
    let told = told.keys("l").screen(Screen::Starts).rows(&["ml/duo-1", "ml/duo-0"]).keys("esc enter");
    assert_eq!(opened(&told), Some((Kind::Job, "ml/duo".to_owned())));
}

#[test]
fn a_gang_can_be_protected_as_a_whole() {
    gangs().keys("7 v j p").asks_to("protect 2 pods of Job ml/duo in prod-ml");
}

/// A second later what was observed is summed up.
fn observed() -> Story {
    let pulled = |seconds: u64, name: &str| {
        let took = Pull { pull_millis: seconds * 1_000, total_millis: None, bytes: Some(1_000_000_000) };
        let pulled = Some((second(100), Some(took)));
        let ran = ContainerStart {
            pulling: Some(second(900)),
            pulled,
            started: Some(second(99)),
            is_first_start: true,
            ..container()
        };
        let start = PodStart { ready: Some(second(98)), was_ready: true, ..bound(1_000, ran) };
        created(pod("ml", name, "gpu-a"), 1_000, start)
    };
    let missing = EventRow {
        reason: Sym::new("InsufficientCapacityError"),
        ..event("ice", 5, "InsufficientCapacityError", "NodeClaim", &ObjectKey::cluster("cpu-gone1"))
    };
    starts().told(vec![pulled(10, "first"), pulled(30, "second"), upsert_event(missing)]).seconds(1)
}

#[test]
fn images_are_listed_with_their_pulls_and_lead_to_the_starts_that_want_them() {
    let told = observed().keys("7 v v");
    let told = told.rows(&["ml/train:1 p5.48xlarge gpu", "ml/train:1 m7i.2xlarge"]);
    let statistics = told.app.insights.starts.statistics();
    let of_gpu = statistics.images.iter().find(|image| image.pool.is_some()).unwrap();
    assert_eq!((of_gpu.pulls, of_gpu.p50_millis, of_gpu.p95_millis), (2, Some(10_000), Some(30_000)));
    let told =
        told.keys(": 'sort' space 'cached' enter").rows(&["ml/train:1 m7i.2xlarge", "ml/train:1 p5.48xlarge gpu"]);
    let told = told.keys("/ 'type:p5' enter").rows(&["ml/train:1 p5.48xlarge gpu"]);
    let told = told.keys("enter");
    assert!(matches!(&told.app.ui.level.detail, Some(detail) if detail.object().is_none()), "an image has details");
    let told = told.keys("esc l").screen(Screen::Starts);
    assert_eq!(told.app.ui.level.filter, "image:ml/train:1");
    assert_eq!(told.app.ui.listing.rows.len(), 6, "all but the one whose containers are not known");
    // Once out of the filter, once out of the level.
    told.keys("esc esc").rows(&["ml/train:1 p5.48xlarge gpu"]);
}

#[test]
fn an_image_that_is_pulled_appears_a_second_later() {
    let told = starts().keys("7 v v").rows(&[]).seconds(1).told(Vec::new());
    told.rows(&["ml/train:1 m7i.2xlarge", "ml/train:1 p5.48xlarge gpu"]);
}

#[test]
fn machines_are_listed_by_node_pool_with_what_failed_and_lead_to_its_nodes() {
    let told = observed().keys("7 v v v").rows(&["cpu", "gpu"]);
    let told = told.keys("enter");
    assert_eq!(opened(&told), Some((Kind::NodePool, "cpu".to_owned())));
    told.keys("esc j l").screen(Screen::Fleet).keys("esc / 'pool:cp' enter").rows(&["cpu"]);
}

/// Two that go on and three that are over, on a Node with a price and on one without.
fn starts() -> Story {
    story(small()).told(vec![
        priced(),
        ready(pod("ml", "slow", "lab"), 500),
        ready(pod("ml", "quick", "lab"), 5),
        ready(pod_of("train", "dear", "gpu-a"), 60),
        pulling(pod_of("train", "pulls", "gpu-a"), 30),
        created(
            pending(pod("vision", "waits", "")),
            400,
            PodStart { unscheduled: Some(second(399)), ..PodStart::default() },
        ),
    ])
}

#[test]
fn those_that_go_on_come_first_then_the_most_dollars_then_the_longest() {
    starts().keys("7").screen(Screen::Starts).rows(&["ml/pulls", "vision/waits", "ml/dear", "ml/slow", "ml/quick"]);
}

#[test]
fn starts_are_ordered_by_what_they_took_and_by_their_step() {
    let told = starts().keys("7 : 'sort' space 'total' enter");
    let told = told.rows(&["ml/slow", "vision/waits", "ml/dear", "ml/pulls", "ml/quick"]);
    let told = told.keys(": 'sort' space 'step' enter");
    let told = told.rows(&["vision/waits", "ml/pulls", "ml/dear", "ml/quick", "ml/slow"]);
    // What nobody can price comes last, whichever way round.
    told.keys(": 'sort' space 'waiting' enter").rows(&["ml/dear", "ml/pulls", "ml/quick", "ml/slow", "vision/waits"]);
}

#[test]
fn the_filter_finds_steps_and_what_is_over() {
    starts()
        .keys("7 / 'start:pull' enter")
        .rows(&["ml/pulls"])
        .keys("esc / 'start:over' space '!job:train' enter")
        .rows(&["ml/slow", "ml/quick"]);
    // The same word on Pods, where pods without a known start meet neither.
    starts()
        .keys("3 / 'start:waiting' enter")
        .rows(&["vision/waits"])
        .keys("esc / '!start:over' space '!start:pull' space 'ns:vision' enter")
        .rows(&["vision/crash", "vision/leaving", "vision/waits"]);
}

#[test]
fn a_start_opens_the_details_of_its_pod_and_leads_to_its_events() {
    let told = starts().keys("7 enter");
    assert_eq!(opened(&told), Some((Kind::Pod, "ml/pulls".to_owned())));
    told.keys("esc l").screen(Screen::Events).keys("esc").screen(Screen::Starts).selected("Pod ml/pulls");
}

#[test]
fn a_start_that_ends_takes_its_place_among_those_that_are_over() {
    let told = starts().keys("7 j j").selected("Pod ml/dear");
    let told = told.told(vec![ready(pod_of("train", "pulls", "gpu-a"), 3_000)]);
    told.rows(&["vision/waits", "ml/pulls", "ml/dear", "ml/slow", "ml/quick"]).selected("Pod ml/dear");
}

#[test]
fn pods_without_a_known_start_are_no_rows_and_go_with_their_pods() {
    let told = starts()
        .keys("7")
        .told(vec![Report::Delta(Delta::Pods(vec![Change::Remove(batchtop::fleet::ObjectKey::new("ml", "slow"))]))]);
    let told = told.rows(&["ml/pulls", "vision/waits", "ml/dear", "ml/quick"]);
    assert!(told.app.fleet.pods.len() > told.app.ui.listing.rows.len());
}

#[test]
fn a_namespace_narrows_starts() {
    starts().keys("7 : 'ns' space 'vision' enter").rows(&["vision/waits"]);
    let counted = (Screen::Starts.spec().count)(&starts().app);
    assert_eq!(counted, Some(5), "{:?}", Kind::Pod);
}

#[test]
fn pods_are_ordered_by_what_their_start_took_those_without_one_last() {
    let told = starts().keys("3 : 'sort' space 'start' enter");
    let rows: Vec<String> = told.app.ui.listing.rows.iter().map(crate::dsl::row_name).collect();
    assert_eq!(rows[..5], ["ml/slow", "vision/waits", "ml/dear", "ml/pulls", "ml/quick"]);
    let told = told.keys("r");
    let rows: Vec<String> = told.app.ui.listing.rows.iter().map(crate::dsl::row_name).collect();
    assert_eq!(rows[..5], ["ml/quick", "ml/pulls", "ml/dear", "vision/waits", "ml/slow"]);
}
