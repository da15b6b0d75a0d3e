//! The screen Starts, and what details say of starts.

use batchtop::app::App;
use batchtop::fleet::*;

use crate::fixture::{
    HOUR, ago, claim, clock, condition, empty, event, fleet, frame, g5, job, node, now, p5, pod, press, report,
    resources, set_health, upsert,
};
use crate::paint::{body, body_with_roles, snapshot, text};
use crate::rows;
use crate::screens::SIZES;

const IMAGE: &str = "registry.example/ml/pytorch-train:2.8-cuda12";

/// A container of which nothing is told yet.
fn container() -> ContainerStart {
    ContainerStart::new(Sym::new("trainer"), Sym::new(IMAGE), ContainerRole::Main)
}

fn second(seconds_ago: i64) -> batchtop::units::Second {
    ago(seconds_ago).into()
}

fn pull(seconds: u64) -> Pull {
    Pull { pull_millis: seconds * 1_000, total_millis: Some(seconds * 1_000 + 2_000), bytes: Some(11_200_000_000) }
}

/// A pod that has not been ready yet.
fn starting(name: &str, job: Option<&str>, node: Option<&str>, age: i64, start: PodStart) -> PodRow {
    PodRow {
        phase: PodPhase::Pending,
        status: Sym::new("Pending"),
        containers_ready: 0,
        start: Some(Box::new(start)),
        ..pod(name, job, node, age, resources(8_000, 64, 8))
    }
}

/// A pod whose start is over.
fn started(name: &str, job: Option<&str>, node: Option<&str>, age: i64, start: PodStart) -> PodRow {
    let start = PodStart { was_ready: true, ..start };
    PodRow {
        phase: PodPhase::Running,
        status: Sym::new("Running"),
        containers_ready: 1,
        ..starting(name, job, node, age, start)
    }
}

fn nominated(claim: &str, seconds_ago: i64) -> Vec<Nomination> {
    vec![Nomination { at: second(seconds_ago), claim: Some(Sym::new(claim)), node: None }]
}

/// A Job of two pods on machines that were made for them: one is ready, the other pulls.
fn cold() -> Vec<Delta> {
    let machine = |name: &str, age| {
        let node_name = format!("ip-{name}");
        let claims = Delta::NodeClaims(upsert(claim(&format!("gpu-{name}"), Some(&node_name), age, &p5())));
        [claims, Delta::Nodes(upsert(node(&node_name, age - 60, &p5())))]
    };
    let pulled = ContainerStart {
        pulling: Some(second(565)),
        pulled: Some((second(122), Some(pull(441)))),
        started: Some(second(120)),
        is_first_start: true,
        ..container()
    };
    let start = |containers: ContainerStart, ready| PodStart {
        scheduled: Some(second(570)),
        sandbox: Some(second(566)),
        ready,
        containers: Box::new([containers]),
        ..PodStart::default()
    };
    let pulling = ContainerStart { pulling: Some(second(180)), ..container() };
    let late = PodStart { scheduled: Some(second(190)), sandbox: Some(second(181)), ..start(pulling, None) };
    let pods = [
        started("cold-0-k2v9s", Some("cold"), Some("ip-a"), 700, start(pulled, Some(second(105)))),
        starting("cold-1-x8q4z", Some("cold"), Some("ip-b"), 330, late),
    ];
    let jobs = Delta::Jobs(upsert(JobRow { active: 2, ready: 1, ..job("cold", 701, 2) }));
    let machines = machine("a", 690).into_iter().chain(machine("b", 320));
    machines.chain([jobs]).chain(pods.map(|pod| Delta::Pods(upsert(pod)))).collect()
}

/// A machine whose device plugin is late, and capacity that is not there.
fn stuck() -> Vec<Delta> {
    let message = "Resource \"nvidia.com/gpu\" was requested but not registered";
    let unmet = condition("Initialized", Status::Unknown, 150, "ResourceNotRegistered", message);
    let mut plug = claim("gpu-plug", Some("ip-plug"), 270, &g5());
    plug.conditions.retain(|condition| &*condition.kind != "Initialized");
    plug.conditions.push(unmet);
    let start = |nominations| PodStart { nominations, containers: Box::new([container()]), ..PodStart::default() };
    let waits = PodRow {
        unschedulable: Sym::new("0/6 nodes are available: 6 Insufficient nvidia.com/gpu."),
        ..starting(
            "wait-0-c0c0a",
            Some("wait"),
            None,
            371,
            PodStart { first_tried: Some(second(370)), ..start(nominated("gpu-none1", 365)) },
        )
    };
    let refused = "NodeClaim gpu-none1 event: insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: We \
        currently do not have sufficient p5.48xlarge capacity in the Availability Zone you requested (us-east-1b).";
    let refused = event(
        "ice",
        360,
        EventClass::Provisioning,
        "InsufficientCapacityError",
        ("NodeClaim", "", "gpu-none1"),
        refused,
    );
    vec![
        Delta::NodeClaims(upsert(plug)),
        Delta::Nodes(upsert(node("ip-plug", 210, &g5()))),
        Delta::Events(vec![Change::Upsert(refused)]),
        Delta::Pods(upsert(starting("plug-0-b7n3m", Some("plug"), None, 280, start(nominated("gpu-plug", 269))))),
        Delta::Pods(upsert(waits)),
    ]
}

/// On Nodes that were there: an image that cannot be pulled, one that was there, and a start of which the Events are gone.
fn on_old_nodes() -> Vec<Delta> {
    let node = Some("ip-10-0-12-34.ec2.internal");
    let failed = PullFailure {
        event: Sym::new("f"),
        count: 4,
        since: second(90),
        at: second(20),
        error: Sym::new("failed to resolve reference: 401 Unauthorized"),
    };
    let failing = ContainerStart { pulling: Some(second(92)), failures: vec![failed], ..container() };
    let warm = ContainerStart {
        present: Some(second(3_597)),
        started: Some(second(3_596)),
        is_first_start: true,
        ..container()
    };
    let forgotten = ContainerStart { started: Some(second(4 * HOUR - 380)), is_first_start: true, ..container() };
    let start = |container, bound, ready: Option<i64>| PodStart {
        scheduled: Some(second(bound)),
        sandbox: Some(second(bound - 2)),
        ready: ready.map(second),
        containers: Box::new([container]),
        ..PodStart::default()
    };
    [
        starting("auth-0-e3e3e", None, node, 95, start(failing, 95, None)),
        started("warm-0-w1w1w", None, node, HOUR, start(warm, 3_600, Some(3_595))),
        started("past-0-p5p5p", None, node, 4 * HOUR, start(forgotten, 4 * HOUR - 1, Some(4 * HOUR - 392))),
    ]
    .map(|pod| Delta::Pods(upsert(pod)))
    .into()
}

/// Every kind of start once.
pub fn starts(size: (u16, u16)) -> App {
    let mut app = fleet(size);
    for delta in [cold(), stuck(), on_old_nodes()].into_iter().flatten() {
        report(&mut app, Report::Delta(delta));
    }
    clock(&mut app, now());
    press(&mut app, "7");
    frame(&mut app);
    app
}

pub fn starts_after(size: (u16, u16), keys: &str) -> App {
    let mut app = starts(size);
    press(&mut app, keys);
    app
}

#[test]
fn starts_of_pods() {
    for size in SIZES {
        snapshot!(format!("starts_{}x{}", size.0, size.1), body_with_roles(&starts(size)));
    }
}

#[test]
fn starts_in_sums() {
    for (name, keys) in [("gangs", "v"), ("images", "v v"), ("nodes", "v v v")] {
        for size in [(80, 24), (120, 40), (200, 60)] {
            snapshot!(format!("starts_{name}_{}x{}", size.0, size.1), body(&starts_after(size, keys)));
        }
    }
    let sentence = |keys: &str| {
        let mut app = starts_after((200, 60), keys);
        app.ui.notice = None;
        let shown = text(&app);
        shown.lines().rev().nth(1).unwrap_or_default().trim().to_owned()
    };
    snapshot!("starts_sentences_of_sums", ["v", "v v", "v v v"].map(sentence).join("\n"));
}

/// The line above the footer about each of them.
#[test]
fn the_sentence_about_a_start_says_what_it_waits_for_or_what_took_long() {
    let sentence = |down: usize| {
        let shown = text(&starts_after((200, 60), &"j ".repeat(down)));
        shown.lines().rev().nth(1).unwrap_or_default().trim().to_owned()
    };
    let sentences: Vec<String> = (0..7).map(sentence).collect();
    snapshot!("starts_sentences", sentences.join("\n"));
}

/// What its pods wait for is why a Job does not run; of one that is complete nothing is to be said.
#[test]
fn a_job_says_what_its_pods_wait_for() {
    let shown = text(&starts_after((200, 60), "2"));
    let row = |name: &str| {
        let found = shown.lines().find(|line| line.split_whitespace().any(|word| word == name));
        found.unwrap_or_else(|| panic!("no {name} in\n{shown}")).to_owned()
    };
    for (job, why) in [("cold", "pulling "), ("broken", "BackoffLimitExceeded"), ("nightly-29", "✓ Complete   ")] {
        assert!(row(job).contains(why), "{}", row(job));
    }
    assert!(!row("nightly-29").contains("CompletionsReached"), "{}", row("nightly-29"));
}

#[test]
fn the_signs_of_the_steps_that_are_drawn_are_explained_below_them() {
    let shown = text(&starts((120, 40)));
    let legend = shown.lines().rev().nth(2).unwrap_or_default();
    for sign in ["░ WaitingForCapacity", "▒ Boot", "▚ Initialize", "█ Pull", "▄ Start"] {
        assert!(legend.contains(sign), "{legend}");
    }
    assert!(!legend.contains("Queued"), "{legend}");
    let covered = text(&starts_after((120, 40), "enter"));
    assert!(!covered.contains("░ WaitingForCapacity  "), "there is no bar to be explained:\n{covered}");
}

/// NodePool `gpu` makes its machines of an EC2NodeClass whose data volume is a snapshot that is read when it is needed.
#[test]
fn details_of_an_image_tell_what_is_in_place_and_what_would_help() {
    let volume = Volume {
        device: Sym::new("/dev/xvdb"),
        snapshot: Some(Sym::new("snap-0123456789abcdef0")),
        initialization_mib_per_second: None,
        throughput_mib_per_second: Some(500),
        iops: None,
    };
    let class = NodeClassRow {
        meta: rows::meta("", "gpu", ago(HOUR)),
        conditions: Vec::new(),
        reservations: Vec::new(),
        images: ImageSetup { is_bottlerocket: true, volumes: vec![volume], ..ImageSetup::default() },
    };
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut app = starts(size);
        let mut pool = app.fleet.node_pools.get(&ObjectKey::cluster("gpu")).cloned().expect("NodePool gpu");
        let (group, kind) = (Sym::new("karpenter.k8s.aws"), Sym::new("EC2NodeClass"));
        pool.node_class = Some(NodeClassRef { group, kind, name: Sym::new("gpu") });
        report(&mut app, Report::Delta(Delta::NodePools(upsert(pool))));
        report(&mut app, Report::Delta(Delta::Ec2NodeClasses(upsert(class.clone()))));
        press(&mut app, "v v enter");
        snapshot!(format!("starts_detail_image_{}x{}", size.0, size.1), body(&app));
    }
}

#[test]
fn details_tell_of_starts() {
    for (name, keys) in [("pod", "j j enter"), ("pod_ready", "G enter"), ("job", "v enter")] {
        for size in [(80, 24), (200, 60)] {
            let app = starts_after(size, keys);
            snapshot!(format!("starts_detail_{name}_{}x{}", size.0, size.1), body(&app));
        }
    }
    let shown = text(&starts_after((200, 60), "j j j j enter"));
    assert!(shown.contains("→ Pull took 7m24s of 9m55s, 10 GiB of registry.example/ml/pytorch-train:"), "{shown}");
    let shown = text(&starts_after((200, 60), "1 / i p - b enter enter"));
    assert!(
        shown.contains("STARTS") && shown.contains("ml/cold-1-x8q4z  pulling pytorch-train:2.8-cuda12 for 3m"),
        "{shown}"
    );
    let shown = text(&starts_after((200, 60), "v enter"));
    assert!(shown.contains("=█ Pull 3m01s ██") && shown.contains("▚ Initialize  - Schedule"), "a bar: {shown}");
}

#[test]
fn a_screen_without_starts_says_why() {
    let mut app = empty((80, 24));
    press(&mut app, "7");
    snapshot!("face_starts_connecting", body(&app));
    set_health(&mut app, Kind::Pod, HealthState::Forbidden);
    snapshot!("face_starts_forbidden", body(&app));
    set_health(&mut app, Kind::Pod, HealthState::Live);
    snapshot!("face_starts_none", body(&app));
}

/// Without Events the steps are those of conditions, and the screen says what is missing.
#[test]
fn starts_without_events_say_so() {
    let mut app = starts((120, 40));
    set_health(&mut app, Kind::Event, HealthState::Forbidden);
    let shown = text(&app);
    assert!(shown.contains("⊘ events forbidden"), "{shown}");
    press(&mut app, "G enter");
    let shown = text(&app);
    assert!(shown.contains("Events are forbidden: of pulls and of capacity nothing is known"), "{shown}");
}

/// What the screen says in a row is what the JSON says of the same start.
#[test]
fn rows_agree_with_the_document() {
    let app = starts((200, 60));
    let shown = text(&app);
    let told = batchtop::export::start_report(&app, |_| true).cold_starts;
    assert_eq!(told.len(), 7);
    for start in &told {
        let row = shown.lines().find(|line| line.contains(&*start.pod.0)).expect("a row");
        let first = told.first().expect("a start");
        assert!(shown.find(&*first.pod.0) <= shown.find(&*start.pod.0), "the worst is the first: {shown}");
        assert_eq!(row.contains("ready") || row.contains("started"), start.open_phase.is_none(), "{row}");
        assert_eq!(
            row.contains(" ?"),
            !start.complete || (start.open_phase.is_some() && start.eta_seconds.is_none()),
            "{row}"
        );
    }
}
