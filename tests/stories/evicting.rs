//! Evicting pods, and finding the owner to scale.

use batchtop::app::{Overlay, ScaledOwner, Screen, Settings, Severity};
use batchtop::fleet::{
    CapacityType, Delta, DisruptedPods, DisruptionBudgetRow, Eviction, HealthState, JobRow, Kind, Meta, NodeClaimRow,
    NodePoolRow, PodPhase, PodRow, PodSelector, Price, PriceChange, PriceKey, PriceList, Report, Right, Rights, Status,
    Sym, Uid, WriteOutcome,
};
use batchtop::units::{Lifetime, Selector};

use crate::dsl::{Story, story, story_with};
use crate::fixture::{
    budget, claim, facts, finished, health, hours_ago, job, labels, node, owned, pending, pod, pod_of, pool, protected,
    remove_pod, small, upsert_pod, upsert_workload, upserts, wide, workload,
};
use crate::rows::condition;

/// A quiet NodeClaim of the pool of GPUs.
fn quiet(name: &str, node: &str) -> NodeClaimRow {
    let mut row = claim(name, "gpu", Some(node));
    row.conditions.push(condition("Consolidatable", Status::True, hours_ago(1)));
    row
}

/// A pod that asks for no GPU.
fn small_pod(name: &str, node: &str) -> PodRow {
    pod("ml", name, node)
}

fn web(name: &str) -> PodRow {
    let row = owned("Deployment", "web", small_pod(name, "stranded"));
    PodRow { labels: labels(&[("app", "web")]), ..row }
}

fn front(allowed: i64) -> DisruptionBudgetRow {
    let selector = PodSelector::Matching(Selector::parse("app=web").unwrap());
    DisruptionBudgetRow { selector, disruptions_allowed: allowed, ..budget("ml", "front") }
}

/// A stranded GPU node with these pods besides a DaemonSet's, a mirror pod and a finished one; and a pool that consolidates
/// empty nodes after half a minute.
struct World {
    pods: Vec<PodRow>,
    jobs: Vec<JobRow>,
    budgets: Vec<DisruptionBudgetRow>,
    consolidate_after: Lifetime,
}

impl World {
    fn of(pods: Vec<PodRow>) -> Self {
        Self { pods, jobs: vec![job("ml", "train")], budgets: Vec::new(), consolidate_after: Lifetime::Seconds(30) }
    }

    fn reports(mut self) -> Vec<Report> {
        let mirror = Eviction { of_node: true, ..Eviction::default() };
        self.pods.push(owned("DaemonSet", "logs", small_pod("logs-x", "stranded")));
        self.pods.push(PodRow { eviction: mirror.into(), ..small_pod("kube-proxy", "stranded") });
        self.pods.push(finished(small_pod("over", "stranded"), PodPhase::Succeeded));
        let gpu = NodePoolRow {
            consolidation_policy: Sym::new("WhenEmpty"),
            consolidate_after: self.consolidate_after,
            ..pool("gpu")
        };
        let kinds =
            [Kind::Node, Kind::NodeClaim, Kind::NodePool, Kind::Pod, Kind::PodDisruptionBudget, Kind::Event, Kind::Job];
        let mut reports = vec![
            Report::Cluster(Box::new(facts())),
            Report::Delta(Delta::Nodes(upserts(vec![node("stranded", "gpu"), node("lab", "")]))),
            Report::Delta(Delta::NodeClaims(upserts(vec![quiet("c-stranded", "stranded")]))),
            Report::Delta(Delta::NodePools(upserts(vec![gpu]))),
            Report::Delta(Delta::Jobs(upserts(self.jobs))),
            Report::Delta(Delta::Pods(upserts(self.pods))),
            Report::Delta(Delta::DisruptionBudgets(upserts(self.budgets))),
        ];
        reports.extend(kinds.map(|kind| health(kind, HealthState::Live)));
        reports
    }

    fn told(self) -> Story {
        story(self.reports())
    }
}

fn stranded(pods: Vec<PodRow>) -> Story {
    World::of(pods).told()
}

/// On the row of the stranded node.
const NODE: &str = "/ 'stranded' enter";

const TRAIN_0: &str = "3 / 'train-0' enter";

fn texts(story: &Story, severity: Severity) -> Vec<String> {
    let of_severity = story.dialog().consequences.iter().filter(|it| it.severity == severity);
    of_severity.map(|it| it.text.machine_text()).collect()
}

fn warnings(story: &Story) -> Vec<String> {
    texts(story, Severity::Warning)
}

fn infos(story: &Story) -> Vec<String> {
    texts(story, Severity::Info)
}

const NO_WAY_BACK: &str = "an eviction cannot be undone";

const COME_BACK: &str = "pods made anew may come back to node stranded, unless kubectl cordon stranded keeps them off";

fn refused(code: u16, message: &str) -> WriteOutcome {
    WriteOutcome::Refused { code, message: message.to_owned() }
}

fn without(rights: &[Right]) -> Report {
    let mut known = Rights::default();
    for right in Right::ALL {
        known.tell(right, !rights.contains(&right));
    }
    for right in rights.iter().filter(|right| right.is_namespaced()) {
        known.tell_of_namespace(*right, "ml", false);
    }
    Report::Cluster(Box::new(batchtop::fleet::ClusterFacts { rights: known, ..facts() }))
}

#[test]
fn the_pods_that_keep_a_stranded_node_are_evicted_after_a_confirmation() {
    let told = stranded(vec![web("web-0"), web("web-1")]).keys(NODE).keys("X");
    let told = told.asks_to("evict 2 pods on node stranded in prod-ml").asks(&[]).skips(&[]);
    let told = told.keys("enter").asks(&["evict Pod ml/web-0", "evict Pod ml/web-1"]).nothing_open();
    told.all_done().says("evicted 2 pods on node stranded").severity(Severity::Info).nothing_open();
}

#[test]
fn an_eviction_carries_the_uid_of_the_pod_that_the_user_saw() {
    let told = story(small()).keys(TRAIN_0).keys("X");
    let other = Meta { uid: Uid::parse("another"), ..pod_of("train", "train-0", "gpu-a").meta };
    let told = told.told(vec![upsert_pod(PodRow { meta: other, ..pod_of("train", "train-0", "gpu-a") })]);
    let told = told.keys("enter").asks(&["evict Pod ml/train-0"]);
    let Some(batchtop::app::Effect::Write { change, verb, .. }) = told.effects.first() else { panic!("no write") };
    assert_eq!((change.uid(), *verb), (&Uid::parse("uid of ml/train-0"), "evict"));
}

#[test]
fn the_row_changes_only_when_the_watch_says_so() {
    let told = story(small()).keys(TRAIN_0).keys("X enter").all_done().rows(&["ml/train-0"]);
    told.told(vec![remove_pod("ml", "train-0")]).rows(&[]);
}

#[test]
fn leaving_the_dialog_evicts_nothing() {
    story(small()).keys(TRAIN_0).keys("X esc").asks(&[]).nothing_open();
}

#[test]
fn eviction_works_on_pods_marked_rows_jobs_details_and_claims() {
    story(small()).keys(TRAIN_0).keys("X").asks_to("evict pod ml/train-0 in prod-ml");
    let marked = story(small()).keys("3 / 'train' enter ctrl-a X").asks_to("evict 2 pods in prod-ml");
    marked.skips(&["Pod ml/train-2: it is on no node yet"]);
    story(small()).keys("2 / 'train' enter X").asks_to("evict 2 pods of Job ml/train in prod-ml");
    story(small()).keys(TRAIN_0).keys("enter X").asks_to("evict pod ml/train-0 in prod-ml");
    story(small()).keys("/ 'gpu-a' enter enter X").asks_to("evict 2 pods on node gpu-a in prod-ml");
    story(small()).keys("4 : 'pools' enter / 'gpu-claim' enter X").asks_to("evict 2 pods on node gpu-a in prod-ml");
    story(small()).keys(TRAIN_0).keys(": 'evict' enter").asks_to("evict pod ml/train-0 in prod-ml");
}

#[test]
fn pods_that_keep_no_node_are_left_alone_with_the_reason() {
    let told = stranded(vec![web("web-0")]).keys("3 / 'ns:ml' enter").keys("ctrl-a X");
    told.skips(&[
        "Pod ml/kube-proxy: it is a mirror pod, which only the kubelet of its node can end",
        "Pod ml/logs-x: its DaemonSet makes it anew on the same node",
        "Pod ml/over: it has finished, and keeps no node",
    ]);
    let leaving = Meta { deletion: Some(hours_ago(0)), ..small_pod("going", "stranded").meta };
    let told = stranded(vec![PodRow { meta: leaving, ..small_pod("going", "stranded") }]);
    let told = told.keys("3 / 'going' enter X").nothing_open().says("it is being deleted already");
    told.keys("1").keys(NODE).keys("X").nothing_open().says("nothing to evict: no pod keeps it");
    let told = stranded(vec![pending(small_pod("new", ""))]).keys("3 / 'new' enter X");
    told.nothing_open().says("it is on no node yet");
}

#[test]
fn rows_without_pods_say_what_to_choose_instead() {
    story(small()).keys("4 / '^gpu' enter X").nothing_open();
    story(small()).keys("5 V X").nothing_open().says("choose the pod or the node itself");
    story(small()).keys("4 g g X").nothing_open().says("choose one of its nodes");
}

#[test]
fn a_node_of_which_not_all_pods_are_known_is_not_emptied() {
    let mut reports = World::of(vec![web("web-0")]).reports();
    reports.push(health(Kind::Pod, HealthState::Syncing));
    story(reports).keys(NODE).keys("X").nothing_open().says("not all of its pods are known");
}

#[test]
fn readonly_evicts_nothing() {
    let settings = Settings { readonly: true, ..Settings::default() };
    let told = story_with(small(), settings).keys(TRAIN_0).keys("X");
    told.nothing_open().says("readonly").severity(Severity::Warning);
}

#[test]
fn a_missing_right_is_named_and_the_key_is_not_offered() {
    let offers = |told: &mut Story| {
        told.send(batchtop::app::Msg::Resize { width: 200, height: 40 });
        let footer = told.draw().lines.last().map(|placed| placed.line.text()).unwrap_or_default();
        (footer.contains("evict"), footer.contains("protect"))
    };
    let mut told = story(small()).keys(TRAIN_0);
    assert_eq!(offers(&mut told), (true, true), "a right that is not known is tried");
    let mut told = told.told(vec![without(&[Right::EvictPods])]);
    assert_eq!(offers(&mut told), (false, true));
    let told = told.keys("X").nothing_open().severity(Severity::Warning);
    let mut told =
        told.says("you may not create pods/eviction in namespace ml; batchtop rbac operator prints the rights");
    told = told.told(vec![without(&[Right::PatchPods])]).keys("p").says("you may not patch pods in namespace ml");
    assert_eq!(offers(&mut told), (true, true), "nodes may be annotated");
    let mut told = told.told(vec![without(&[Right::PatchPods, Right::PatchNodes])]);
    assert_eq!(offers(&mut told), (true, false));
    told.keys("1 / 'gpu-a' enter p").says("you may not patch nodes; batchtop rbac operator prints the rights");
}

#[test]
fn what_becomes_of_the_node_is_said_with_its_dollars() {
    let told = stranded(vec![web("web-0")]).keys(NODE).keys("X");
    assert_eq!(warnings(&told), [NO_WAY_BACK, COME_BACK]);
    let quiet = "node stranded is empty then: Karpenter may take it 30s after the last pod has gone (consolidateAfter)";
    let unpriced = "node stranded costs an amount that is not known";
    assert_eq!(infos(&told), ["Deployment ml/web makes 1 pod anew", unpriced, quiet]);
    let key = PriceKey {
        place: Sym::new("us-east-1a"),
        instance_type: Sym::new("p5.48xlarge"),
        capacity_type: CapacityType::Spot,
    };
    let price = Price { micro_usd_per_hour: 55_040_000, as_of: hours_ago(1) };
    let priced = Report::Delta(Delta::Prices(vec![PriceChange::Listed(PriceList::AwsSpot, key, price)]));
    let mut reports = World::of(vec![web("web-0")]).reports();
    let region = labels(&[
        ("karpenter.sh/nodepool", "gpu"),
        ("karpenter.sh/registered", "true"),
        ("karpenter.sh/initialized", "true"),
        ("karpenter.sh/capacity-type", "spot"),
        ("node.kubernetes.io/instance-type", "p5.48xlarge"),
        ("topology.kubernetes.io/zone", "us-east-1a"),
        ("topology.kubernetes.io/region", "us-east-1"),
    ]);
    let row = batchtop::fleet::NodeRow { labels: region, cordoned: true, ..node("stranded", "gpu") };
    reports.extend([priced, crate::fixture::upsert_node(row)]);
    let told = story(reports).keys(NODE).keys("X");
    assert_eq!(warnings(&told), [NO_WAY_BACK], "a cordoned node gets no new pods");
    assert!(infos(&told).contains(&"node stranded costs $55.04/h".to_owned()), "{:?}", infos(&told));
}

#[test]
fn a_pool_that_consolidates_at_once_frees_the_node_at_once() {
    let world = World { consolidate_after: Lifetime::Seconds(0), ..World::of(vec![web("web-0"), web("web-1")]) };
    let told = world.told().keys(NODE).keys("X");
    assert!(infos(&told).contains(&"node stranded is empty then: Karpenter may take it (Empty)".to_owned()));
    let told = told.keys("esc 3 / 'web-0' enter X");
    let stays = "node stranded keeps other pods, and stays: NodePool \"gpu\" has consolidation policy WhenEmpty, but node \
                 is not empty";
    assert!(infos(&told).contains(&stays.to_owned()), "{:?}", infos(&told));
}

#[test]
fn another_pod_that_protects_still_holds_the_node() {
    let other = protected(owned("Deployment", "db", small_pod("db-0", "stranded")), "true");
    let told = stranded(vec![web("web-0"), other]).keys("3 / 'web-0' enter X");
    let held = infos(&told).into_iter().find(|text| text.starts_with("node stranded keeps")).unwrap_or_default();
    assert!(held.contains("and stays: Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/db-0)"), "{held}");
}

#[test]
fn an_annotation_does_not_stop_an_eviction_and_the_dialog_says_so() {
    let told = stranded(vec![protected(web("web-0"), "true"), web("web-1")]).keys(NODE).keys("X");
    let want = "ml/web-0 is protected: that stops Karpenter, and not this eviction";
    assert_eq!(warnings(&told), [NO_WAY_BACK, want, COME_BACK]);
    assert!(infos(&told).iter().any(|text| text.contains("is empty then")), "{:?}", infos(&told));
}

#[test]
fn a_pod_without_an_owner_is_lost_and_the_dialog_says_so() {
    let told = stranded(vec![small_pod("notebook", "stranded")]).keys(NODE).keys("X");
    let want = "nothing makes ml/notebook anew: it has no owner, and its work is lost";
    assert_eq!(warnings(&told), [NO_WAY_BACK, want]);
    let told = stranded((0..5).map(|n| small_pod(&format!("n{n}"), "stranded")).collect()).keys(NODE).keys("X");
    let want = "nothing makes 5 pods anew (ml/n0, ml/n1, ml/n2 and 2 more): they have no owner, and their work is lost";
    assert_eq!(warnings(&told), [NO_WAY_BACK, want]);
}

#[test]
fn the_controller_of_another_api_decides_for_itself() {
    let told = stranded(vec![owned("RayCluster", "ray", small_pod("ray-0", "stranded"))]).keys(NODE).keys("X");
    assert_eq!(infos(&told)[0], "RayCluster ml/ray decides whether it makes its 1 pod anew");
}

/// What the dialog says first about evicting two pods of this Job.
fn said_of(row: JobRow) -> (Severity, String) {
    let pods = ["train-0", "train-1"].map(|name| pod_of("train", name, "stranded"));
    let world = World { jobs: vec![row], ..World::of(pods.to_vec()) };
    let told = world.told().keys(NODE).keys("X");
    let about = told.dialog().consequences.iter().find(|it| it.text.machine_text().starts_with("Job "));
    about.map(|it| (it.severity, it.text.machine_text())).unwrap()
}

#[test]
fn a_job_counts_evictions_as_its_failure_policy_says() {
    let with = |disrupted_pods| JobRow { disrupted_pods, failed: 1, backoff_limit: 3, ..job("ml", "train") };
    let anew = "Job ml/train makes 2 pods anew, from the start";
    for (disrupted_pods, severity, want) in [
        (DisruptedPods::Counted, Severity::Info, format!("{anew}; each counts as a failure: 3 of at most 3")),
        (
            DisruptedPods::Ignored,
            Severity::Info,
            format!("{anew}; its podFailurePolicy does not count them as failures"),
        ),
        (
            DisruptedPods::FailJob,
            Severity::Warning,
            "Job ml/train fails as a whole: its podFailurePolicy says so of disrupted pods".to_owned(),
        ),
        (
            DisruptedPods::FailIndex,
            Severity::Warning,
            "Job ml/train gives up the indexes of 2 pods: its podFailurePolicy says so".to_owned(),
        ),
    ] {
        assert_eq!(said_of(with(disrupted_pods)), (severity, want), "{disrupted_pods:?}");
    }
}

#[test]
fn a_job_whose_backoff_limit_is_passed_fails_and_the_dialog_says_so() {
    let fails = "Job ml/train fails: that makes 2 failures, its backoffLimit is 1".to_owned();
    assert_eq!(said_of(JobRow { backoff_limit: 1, ..job("ml", "train") }), (Severity::Warning, fails));
    let no_limit = i64::from(i32::MAX);
    let counts = "Job ml/train makes 2 pods anew, from the start; each counts as a failure".to_owned();
    assert_eq!(said_of(JobRow { backoff_limit: no_limit, ..job("ml", "train") }), (Severity::Info, counts));
}

#[test]
fn budgets_that_are_going_to_refuse_are_named() {
    let pods = || vec![web("web-0"), web("web-1"), web("web-2")];
    let warned = |budgets| {
        let told = World { budgets, ..World::of(pods()) }.told().keys(NODE).keys("X");
        let said = warnings(&told);
        said[1..said.len() - 1].to_vec()
    };
    assert_eq!(warned(vec![front(3)]), Vec::<String>::new());
    let one = "pdb ml/front allows 1 eviction now: 2 of 3 are going to be refused";
    assert_eq!(warned(vec![front(1)]), [one]);
    assert_eq!(warned(vec![front(0)]), ["pdb ml/front allows nothing now: 3 of 3 are going to be refused"]);
    let other = DisruptionBudgetRow { meta: budget("ml", "other").meta, ..front(3) };
    let several = "ml/web-0, ml/web-1, ml/web-2 are under several PodDisruptionBudgets: that is refused always";
    assert_eq!(warned(vec![front(3), other]), [several]);
    let mut reports = World { budgets: vec![front(0)], ..World::of(pods()) }.reports();
    reports.push(health(Kind::PodDisruptionBudget, HealthState::Forbidden));
    let told = story(reports).keys("3 / 'web-0' enter X");
    assert!(warnings(&told).contains(&"not all PodDisruptionBudgets are known: one of them may refuse".to_owned()));
}

#[test]
fn the_dialog_follows_the_cluster_while_it_is_open() {
    let told = stranded(vec![web("web-0")]).keys("3 / 'web-0' enter X");
    let told = told.told(vec![upsert_pod(protected(web("web-0"), "true"))]).seconds(1);
    assert!(warnings(&told).iter().any(|text| text.starts_with("ml/web-0 is protected")));
}

#[test]
fn every_answer_to_an_eviction_is_told_in_words() {
    let over = "Cannot evict pod as it would violate the pod's disruption budget.";
    for (outcome, words) in [
        (refused(429, over), "refused (429): Cannot evict pod as it would violate the pod's disruption budget."),
        (refused(403, "cannot create resource pods/eviction"), "refused (403): cannot create resource pods/eviction"),
        (WriteOutcome::Recreated, "recreated under the same name; not evicted"),
        (WriteOutcome::Gone, "it is gone; not evicted"),
        (WriteOutcome::Unanswered { message: "eof".to_owned() }, "no answer, it may have been evicted: eof"),
        (
            WriteOutcome::NotJournaled { message: "disk full".to_owned() },
            "not sent, as the journal cannot be written: disk full",
        ),
    ] {
        let told = story(small()).keys(TRAIN_0).keys("X enter").answered(0, 0, outcome);
        told.says(&format!("evict pod ml/train-0: Pod ml/train-0: {words}")).severity(Severity::Error);
    }
}

#[test]
fn evictions_that_are_refused_are_listed_one_by_one() {
    let told = stranded(vec![web("web-0"), web("web-1")]).keys(NODE).keys("X enter");
    let told = told.answered(0, 0, WriteOutcome::Done).answered(0, 1, refused(429, "over budget"));
    let mut told = told.says("1 of 2 not done; Pod ml/web-1: refused (429): over budget");
    assert!(matches!(told.app.ui.overlay, Some(Overlay::Results { .. })));
    let shown: Vec<String> = told
        .draw()
        .overlay
        .map(|panel| panel.lines.iter().map(batchtop::view::Line::text).collect())
        .unwrap_or_default();
    assert_eq!(shown, ["1 of 2 pods evicted", "✓ ml/web-0  evicted", "✗ ml/web-1  refused (429): over budget"]);
}

#[test]
fn many_evictions_need_their_number_and_go_a_few_at_a_time() {
    let told = story(wide(21)).keys("2 X enter").asks(&[]).refuses("type 21 to evict 21 objects");
    let told = told.keys("'21' enter");
    assert_eq!(told.effects.len(), 8);
    let told = told.answered(0, 3, WriteOutcome::Done).asks(&["evict Pod ml/wide-08"]);
    told.answered(0, 4, refused(429, "no")).asks(&["evict Pod ml/wide-09"]);
}

#[test]
fn an_eviction_cannot_be_undone() {
    let told = story(small()).keys(TRAIN_0).keys("X enter").all_done().keys("U").nothing_open();
    told.says("evict pod ml/train-0: an eviction cannot be undone").severity(Severity::Warning);
    let told = story(small()).keys(TRAIN_0).keys("p enter").all_done().keys("X enter").all_done().keys("U");
    let told = told.asks_to("undo protect pod ml/train-0 in prod-ml");
    told.notes("evict pod ml/train-0 stays: an eviction cannot be undone");
    let told = story(small()).keys(TRAIN_0).keys("X enter").all_done().keys("p enter").all_done().keys("U");
    told.asks_to("undo protect pod ml/train-0 in prod-ml").no_note("eviction");
}

fn owners(story: &Story) -> &[ScaledOwner] {
    match &story.app.ui.overlay {
        Some(Overlay::Owners(owners)) => &owners.items,
        other => panic!("no owners but {other:?}; notice {:?}", story.app.ui.notice),
    }
}

#[test]
fn the_owner_of_the_gpus_of_a_node_and_its_command_are_copied() {
    let notebook = PodRow {
        requests: pod_of("train", "x", "").requests,
        ..owned("Deployment", "notebook", small_pod("notebook-0", "stranded"))
    };
    let told = stranded(vec![notebook, web("web-0")]).keys(NODE).keys("O");
    assert_eq!(owners(&told).len(), 1, "the pod without a GPU does not hold one");
    let command = "kubectl --context prod-ml -n ml scale deployment/notebook --replicas=0";
    let told = told.keys("Y").asks(&[&format!("copy {command}")]).says(&format!("copied {command}"));
    told.keys("esc").nothing_open().screen(Screen::Fleet);
}

#[test]
fn a_job_is_suspended_and_one_of_kueue_by_its_workload() {
    let told = story(small()).keys("2 / 'train' enter O Y");
    told.asks(&[r#"copy kubectl --context prod-ml -n ml patch job/train -p '{"spec":{"suspend":true}}'"#]);
    let told = story(small()).told(vec![upsert_workload(workload(&job("ml", "train")))]).keys("2 / 'train' enter O Y");
    told.asks(&[
        r#"copy kubectl --context prod-ml -n ml patch workload/job-train --type=merge -p '{"spec":{"active":false}}'"#,
    ]);
}

#[test]
fn owners_are_chosen_with_the_keys_of_rows() {
    let told = stranded(vec![web("web-0"), small_pod("bare", "stranded")]).keys(NODE).keys("O j Y");
    assert_eq!(owners(&told).iter().map(|owner| owner.kind.as_str()).collect::<Vec<_>>(), ["Deployment", "Pod"]);
    told.asks(&["copy kubectl --context prod-ml -n ml delete pod/bare"]);
    let told = stranded(vec![owned("Custom", "thing", small_pod("thing-0", "stranded"))]).keys(NODE).keys("O Y");
    told.asks(&[]).says("no command is known that scales a Custom");
    let told = stranded(Vec::new()).keys(NODE).keys("O").nothing_open();
    told.says("no pod is known here that has an owner to scale");
}
