//! Rows: what is listed, in which order, what the filter leaves.

use batchtop::app::{Effect, Scope, Screen, Severity};
use batchtop::fleet::{
    ClaimedDevice, Consumer, Delta, GpuDemand, GpuFraction, GpuPart, Health, HealthState, Kind, Labels, PodRow,
    PoolKey, Report, ResourceClaimRow, Resources, SourceId, Sym, WorkloadRow,
};

use crate::dsl::{Story, story};
use crate::fixture::{
    claim, event, labels, meta, namespaces, node, pod, protected, remove_pod, small, suspended_job, upsert_claim,
    upsert_event, upsert_job, upsert_node, upsert_pod, upsert_workload, upserts, workload,
};

const FLEET: [&str; 5] = ["gpu-broken", "gpu-new", "gpu-a", "lab", "cpu-a"];
const PODS: [&str; 8] = [
    "vision/crash",
    "vision/leaving",
    "ml/train-2",
    "kube-system/dns",
    "ml/alone",
    "ml/train-0",
    "ml/train-1",
    "ml/done-0",
];

#[test]
fn fleet_lists_nodes_and_claims_without_node_broken_and_starting_first() {
    story(small()).screen(Screen::Fleet).rows(&FLEET).selected("Node gpu-broken");
}

#[test]
fn jobs_lists_failed_ones_first() {
    story(small()).keys("2").rows(&["vision/eval", "ml/train", "ml/done"]);
}

#[test]
fn the_kueue_workload_status_of_a_job_changes_its_place_in_lists() {
    let (first, other) = (suspended_job("ml", "first"), suspended_job("ml", "other"));
    let held = workload(&other);
    let queued = upsert_workload(held.clone());
    let deactivated = upsert_workload(WorkloadRow { is_active: false, ..held });
    for (keys, before, after) in [
        (
            "2",
            vec!["vision/eval", "ml/train", "ml/first", "ml/other", "ml/done"],
            vec!["vision/eval", "ml/train", "ml/other", "ml/first", "ml/done"],
        ),
        ("2 / 'status:queued' enter", vec![], vec!["ml/other"]),
        ("2 / 'status:suspended' enter", vec!["ml/first", "ml/other"], vec!["ml/first"]),
        ("2 / 'queued' enter", vec![], vec!["ml/other"]),
        ("2 v", vec![], vec!["ml/other"]),
    ] {
        let told = story(small()).told(vec![upsert_job(first.clone()), upsert_job(other.clone())]).keys(keys);
        let told = told.rows(&before).told(vec![queued.clone()]).rows(&after);
        told.told(vec![deactivated.clone()]).rows(&before);
    }
}

#[test]
fn a_job_that_failed_a_day_ago_is_not_listed_first() {
    story(small()).keys("2").seconds(24 * 3600).keys("1 2").rows(&["ml/train", "vision/eval", "ml/done"]);
}

#[test]
fn pods_lists_failing_leaving_pending_running_finished() {
    story(small()).keys("3").rows(&PODS);
}

#[test]
fn claims_lists_each_pool_with_its_claims_beneath() {
    story(small()).keys("4").rows(&["cpu", "gpu", "gpu-new", "gpu-claim"]);
}

#[test]
fn claims_stay_beneath_their_pool_in_every_order() {
    story(small()).keys("4 S").says("sorted by name").rows(&["cpu", "gpu", "gpu-claim", "gpu-new"]).keys("r").rows(&[
        "gpu",
        "gpu-new",
        "gpu-claim",
        "cpu",
    ]);
}

#[test]
fn claims_of_a_pool_that_is_gone_are_listed_last() {
    story(small()).told(vec![upsert_claim(claim("orphan", "gone", None))]).keys("4 S").rows(&[
        "cpu",
        "gpu",
        "gpu-claim",
        "gpu-new",
        "orphan",
    ]);
}

#[test]
fn events_lists_the_newest_first() {
    story(small()).keys("5 V").rows(&["ml/e2", "default/e3", "default/e1"]);
}

#[test]
fn selection_and_mark_follow_a_claim_that_becomes_a_node() {
    story(small())
        .keys("j space k")
        .selected("NodeClaim gpu-new")
        .marks(&["NodeClaim gpu-new"])
        .told(vec![upsert_claim(claim("gpu-new", "gpu", Some("gpu-z"))), upsert_node(node("gpu-z", "gpu"))])
        .rows(&["gpu-broken", "gpu-a", "lab", "cpu-a", "gpu-z"])
        .selected("Node gpu-z")
        .marks(&["Node gpu-z"]);
}

#[test]
fn rows_change_only_at_the_next_frame() {
    let mut story = story(small()).keys("3");
    let epoch = story.app.epoch;
    story.send(batchtop::app::Msg::Source(epoch, remove_pod("vision", "crash")));
    assert_eq!(story.app.ui.listing.rows.len(), 8);
    story.send(batchtop::app::Msg::Frame);
    assert_eq!(story.app.ui.listing.rows.len(), 7);
}

#[test]
fn a_change_of_a_kind_not_listed_leaves_the_listing_unchanged() {
    let mut story = story(small()).keys("3");
    let epoch = story.app.epoch;
    story.send(batchtop::app::Msg::Source(epoch, upsert_node(node("other", "cpu"))));
    assert!(!story.app.ui.listing.is_behind());
    story.send(batchtop::app::Msg::Source(epoch, upsert_pod(pod("a", "b", ""))));
    assert!(story.app.ui.listing.is_behind());
}

#[test]
fn the_selection_stays_on_its_row_when_other_rows_come_and_go() {
    story(small())
        .keys("3 j j j")
        .selected("Pod kube-system/dns")
        .told(vec![upsert_pod(pod("a", "first", "cpu-a")), remove_pod("vision", "crash")])
        .selected("Pod kube-system/dns");
}

#[test]
fn the_selection_survives_another_order() {
    story(small()).keys("3 j j j S S").says("sorted by namespace").selected("Pod kube-system/dns");
}

#[test]
fn the_next_row_is_selected_where_the_selected_one_is_deleted() {
    story(small()).keys("3 j j j").told(vec![remove_pod("kube-system", "dns")]).selected("Pod ml/alone");
}

#[test]
fn the_row_before_is_selected_where_the_last_one_is_deleted() {
    story(small()).keys("3 G").told(vec![remove_pod("ml", "done-0")]).selected("Pod ml/train-1");
}

#[test]
fn the_first_row_stays_selected_until_a_key_selects_another() {
    story(small())
        .keys("1")
        .told(vec![upsert_node(node("aaa", ""))])
        .selected("Node gpu-broken")
        .keys("2 S")
        .selected("Job ml/done");
}

#[test]
fn g_g_selects_the_first_row_in_any_order() {
    story(small()).keys("5 V G g g").selected("Event ml/e2").keys("r").selected("Event default/e1");
}

#[test]
fn orders_are_gone_through_forwards_and_backwards() {
    story(small())
        .keys("3 : 'sort-back' enter")
        .says("sorted by age")
        .keys(": 'sort-back' enter")
        .says("sorted by until")
        .keys("S S")
        .says("sorted by attention")
        .rows(&PODS);
}

#[test]
fn r_reverses_the_order_and_restores_it() {
    story(small())
        .keys("2 S")
        .rows(&["ml/done", "vision/eval", "ml/train"])
        .keys("r")
        .rows(&["ml/train", "vision/eval", "ml/done"])
        .keys("r")
        .rows(&["ml/done", "vision/eval", "ml/train"]);
}

#[test]
fn rows_without_a_value_stay_last_in_both_directions() {
    let sorted = story(small()).keys("3 : 'sort' space 'until' enter").says("sorted by until");
    sorted.selected("Pod ml/train-1").keys("r").selected("Pod ml/train-1");
}

#[test]
fn nodes_can_be_sorted_by_their_number_of_pods() {
    story(small()).keys(": 'sort' space 'pods' enter").rows(&["cpu-a", "gpu-a", "lab", "gpu-broken", "gpu-new"]);
}

#[test]
fn a_filter_word_matches_part_of_the_name_in_any_case() {
    story(small()).keys("3 / 'TRAIN' enter").rows(&["ml/train-2", "ml/train-0", "ml/train-1"]).nothing_open();
}

#[test]
fn rows_follow_while_the_filter_is_typed() {
    story(small())
        .keys("3 / 'vision/'")
        .rows(&["vision/crash", "vision/leaving"])
        .keys("'c'")
        .rows(&["vision/crash"])
        .keys("backspace")
        .rows(&["vision/crash", "vision/leaving"]);
}

#[test]
fn a_row_must_meet_every_filter_term() {
    story(small()).keys("3 / 'train' space 'gpu-a' enter").rows(&["ml/train-0", "ml/train-1"]);
}

#[test]
fn an_exclamation_mark_negates_a_filter_term() {
    story(small()).keys("3 / '!ml/' enter").rows(&["vision/crash", "vision/leaving", "kube-system/dns"]);
    story(small()).keys("1 / '!pool:gpu' enter").rows(&["lab", "cpu-a"]);
}

/// A claim of a pod that has these devices of Node `gpu-a`.
fn claimed(pod: &PodRow, devices: &[&str]) -> Report {
    let pool = PoolKey { driver: Sym::new("gpu.nvidia.com"), pool: Sym::new("gpu-a") };
    let device = |name: &&str| ClaimedDevice { pool: pool.clone(), device: Sym::new(name), share: None };
    let claim = ResourceClaimRow {
        meta: meta(&pod.meta.key.namespace, "devices"),
        owner: None,
        requests: Box::default(),
        devices: devices.iter().map(device).collect(),
        reserved_for: [Consumer { name: pod.meta.key.name.clone(), uid: pod.meta.uid.clone() }].into(),
    };
    Report::Delta(Delta::ResourceClaims(upserts(vec![claim])))
}

#[test]
fn pods_are_listed_by_the_devices_of_their_claims_and_parts_of_devices() {
    let claims = pod("ml", "claims", "gpu-a");
    let fraction = Some(Box::new(GpuFraction { part: GpuPart::Thousandths(500), devices: 1 }));
    let shares = pod("ml", "shares", "gpu-a");
    let requests = Resources { fraction, ..(*shares.requests).clone() };
    let shares = PodRow { requests: requests.into(), ..shares };
    let told = story(small()).told(vec![upsert_pod(claims.clone()), upsert_pod(shares)]);
    let told = told.keys("3 / 'gpu:yes' enter : 'sort' space 'gpu' enter");
    let told = told.rows(&["ml/done-0", "ml/train-0", "ml/train-1", "ml/train-2", "ml/shares"]);
    told.told(vec![claimed(&claims, &["gpu-0", "gpu-1"])]).rows(&[
        "ml/claims",
        "ml/done-0",
        "ml/train-0",
        "ml/train-1",
        "ml/train-2",
        "ml/shares",
    ]);
}

#[test]
fn a_filter_term_with_a_key_tests_one_field() {
    for (keys, want) in [
        ("1 / 'pool:gpu' enter", vec!["gpu-broken", "gpu-new", "gpu-a"]),
        ("1 / 'status:notready' enter", vec!["gpu-broken"]),
        ("1 / 'type:m7i' enter", vec!["lab", "cpu-a"]),
        ("1 / 'zone:1a' enter", vec!["gpu-broken", "gpu-a"]),
        ("1 / 'cap:spot' enter", vec!["gpu-broken", "gpu-a"]),
        ("1 / 'gpu:yes' enter", vec!["gpu-broken", "gpu-new", "gpu-a"]),
        ("1 / 'protected:yes' enter", vec!["gpu-a"]),
        ("1 / 'name:a' enter", vec!["gpu-a", "lab", "cpu-a"]),
        ("2 / 'protected:yes' enter", vec!["ml/train"]),
        ("2 / 'status:complete' enter", vec!["ml/done"]),
        ("3 / 'protected:yes' enter", vec!["ml/train-1"]),
        ("3 / 'gpu:no' enter", vec!["vision/crash", "vision/leaving", "kube-system/dns", "ml/alone"]),
        ("3 / 'node:cpu' enter", vec!["vision/crash", "vision/leaving", "kube-system/dns"]),
        ("3 / 'job:done' enter", vec!["ml/done-0"]),
        ("3 / 'ns:kube' enter", vec!["kube-system/dns"]),
        ("3 / 'pool:gpu' enter", vec!["ml/train-0", "ml/train-1", "ml/done-0"]),
        ("4 / 'status:registering' enter", vec!["gpu-new"]),
        ("5 V / 'node:gpu-a' enter", vec!["ml/e2", "default/e1"]),
        ("5 V / 'kind:claim' enter", vec!["default/e3"]),
        ("5 V / 'reason:evict' enter", vec!["ml/e2"]),
    ] {
        let told = story(small()).keys(keys);
        let complaint = told.app.ui.notice.as_ref().filter(|(notice, _)| notice.severity > Severity::Info);
        assert!(complaint.is_none(), "{keys}: {complaint:?}");
        told.rows(&want);
    }
}

#[test]
fn a_filter_term_of_another_screen_is_reported_and_left_out() {
    story(small())
        .keys("3 / 'zone:1a' space 'dns' enter")
        .says("knows no \"zone:\" here; there are name, ns, pool")
        .severity(Severity::Warning)
        .rows(&["kube-system/dns"]);
    story(small()).keys("3 / 'gpu:maybe' enter").says("gpu: wants yes, no, idle or busy").rows(&PODS);
}

#[test]
fn a_filter_compares_numbers_and_knows_alternatives() {
    for (keys, want) in [
        ("1 / 'gpu>0' enter", vec!["gpu-broken", "gpu-new", "gpu-a"]),
        ("1 / 'gpu>=8' enter", vec!["gpu-broken", "gpu-new", "gpu-a"]),
        ("1 / 'gpu<8' enter", vec!["lab", "cpu-a"]),
        ("1 / '!gpu>0' enter", vec!["lab", "cpu-a"]),
        ("3 / 'gpu>0' space '!job:done' enter", vec!["ml/train-2", "ml/train-0", "ml/train-1"]),
        ("3 / 'ns:vision|kube' enter", vec!["vision/crash", "vision/leaving", "kube-system/dns"]),
        ("3 / 'crash|dns' enter", vec!["vision/crash", "kube-system/dns"]),
        ("3 / '!ns:vision|ml' enter", vec!["kube-system/dns"]),
        ("1 / 'age<2h' enter", vec![]),
        ("1 / 'age>2h' space 'pool:cpu' enter", vec!["cpu-a"]),
        // Nobody knows what it costs: it is neither more nor less.
        ("1 / '$>0' enter", vec![]),
        ("1 / '!$>0' enter", vec![]),
        ("3 / 'dies<24h' enter", vec![]),
    ] {
        let told = story(small()).keys(keys);
        assert!(told.app.ui.notice.is_none(), "{keys}: {:?}", told.app.ui.notice);
        let rows: Vec<String> = told.app.ui.listing.rows.iter().map(crate::dsl::row_name).collect();
        assert_eq!(rows, want, "{keys}");
    }
}

#[test]
fn what_cannot_be_compared_is_said_in_the_line_that_is_typed() {
    for (typed, said) in [
        ("'pool>5'", "pool is no number; write pool:5"),
        ("'age>many'", "age: \"many\" is no duration"),
        ("'$>x'", "$: \"x\" is no amount of dollars"),
        ("'age:2h'", "age is compared"),
        ("'protected:maybe'", "protected: wants yes or no"),
        ("'nothing>5'", "the filter knows no \"nothing:\" here"),
    ] {
        let told = story(small()).keys(&format!("1 / {typed}")).says_nothing().rows(&FLEET);
        let error = batchtop::app::filter_error(&told.app).unwrap_or_default();
        assert!(error.contains(said), "{error}");
        told.keys("enter").says(said).severity(Severity::Warning);
    }
}

#[test]
fn up_and_down_recall_filters_and_tab_completes_them() {
    let told = story(small())
        .keys("3 / 'dns' enter / ctrl-u 'vision' enter esc / up")
        .rows(&["vision/crash", "vision/leaving"]);
    let told = told.keys("up").rows(&["kube-system/dns"]).keys("down down").rows(&PODS);
    let told = told.keys("'ns:vi' tab enter").rows(&["vision/crash", "vision/leaving"]);
    assert_eq!(told.app.ui.level.filter, "ns:vision");
    let told = told.keys("esc / '!prot' tab 'y' tab");
    assert_eq!(told.app.ui.level.filter, "!protected:yes");
}

#[test]
fn text_finds_what_a_row_shows_of_protection() {
    story(small()).keys("3 / 'until' enter").rows(&["ml/train-1"]);
    story(small()).keys("1 / '0/8' enter").rows(&["gpu-broken"]);
}

#[test]
fn an_unfinished_filter_term_hides_no_rows() {
    story(small()).keys("3 / 'ns:'").rows(&PODS).says_nothing().keys("backspace backspace backspace '!'").rows(&PODS);
}

#[test]
fn escape_while_filtering_restores_the_filter_and_selection() {
    story(small())
        .keys("3 j j j / 'vision'")
        .selected("Pod vision/leaving")
        .keys("esc")
        .rows(&PODS)
        .selected("Pod kube-system/dns");
}

#[test]
fn escape_in_the_table_removes_the_filter() {
    story(small()).keys("3 / 'vision' enter esc").rows(&PODS);
}

#[test]
fn editing_a_filter_starts_with_its_current_text() {
    story(small()).keys("3 / 'dnx' enter / backspace backspace 's' enter").rows(&["kube-system/dns"]);
}

#[test]
fn a_filtered_listing_keeps_the_number_of_all_rows() {
    let told = story(small()).keys("3 / 'nothing-like-it' enter").rows(&[]);
    assert_eq!(told.app.ui.listing.unfiltered, 8);
    told.keys("esc").rows(&PODS);
}

#[test]
fn pasted_lines_become_one_filter_line() {
    let mut told = story(small()).keys("3 /");
    told.send(batchtop::app::Msg::Paste("train\n!train-2\u{1b}".to_owned()));
    told.rows(&["ml/train-0", "ml/train-1"]);
}

#[test]
fn a_namespace_narrows_jobs_pods_and_events_only() {
    let told = story(small()).keys("n 'ml' enter").says("namespace ml only").rows(&FLEET);
    let told = told.keys("2").rows(&["ml/train", "ml/done"]);
    let told = told.keys("3").rows(&["ml/train-2", "ml/alone", "ml/train-0", "ml/train-1", "ml/done-0"]);
    let told = told.keys("5 V").rows(&["ml/e2"]);
    told.keys("n up up enter").says("all namespaces").rows(&["ml/e2", "default/e3", "default/e1"]);
}

#[test]
fn namespaces_are_those_listed_or_else_those_of_known_objects() {
    let names = |told: crate::dsl::Story| match told.app.ui.overlay {
        Some(batchtop::app::Overlay::Picker(picker)) => picker.items,
        other => panic!("{other:?}"),
    };
    assert_eq!(names(story(small()).keys("n")), ["all", "kube-system", "ml", "vision"]);
    assert_eq!(names(story(small()).told(vec![namespaces(&["zzz", "ml"])]).keys("n")), ["all", "ml", "zzz"]);
}

#[test]
fn the_scope_of_the_command_line_narrows_nodes_and_pods() {
    let scope = batchtop::insight::Scope {
        namespaces: Some(std::collections::BTreeSet::from(["vision".to_owned()])),
        node_selector: batchtop::units::Selector::parse("karpenter.sh/nodepool=gpu").ok(),
        selector: None,
    };
    let settings = batchtop::app::Settings { scope, ..Default::default() };
    let told = crate::dsl::story_with(small(), settings).rows(&["gpu-broken", "gpu-new", "gpu-a"]);
    told.keys("3").rows(&["vision/crash", "vision/leaving"]).keys("4").rows(&["gpu", "gpu-new", "gpu-claim"]);
}

#[test]
fn an_expired_protection_no_longer_matches_the_protected_filter() {
    let young = protected(pod("ml", "brief", "gpu-a"), "6h1m");
    let told = story(small()).told(vec![upsert_pod(young)]).keys("3 / 'protected:yes' enter");
    let mut told = told.rows(&["ml/brief", "ml/train-1"]).seconds(60);
    told.send(batchtop::app::Msg::Frame);
    told.rows(&["ml/train-1"]);
}

#[test]
fn drilling_into_a_node_sets_its_scope_and_lists_pods() {
    let told = story(small()).keys("j j l");
    assert_eq!(told.app.ui.level.scope, Some(Scope::Node(Sym::new("gpu-a"))));
    assert!(told.app.ui.listing.rows.iter().all(|row| row.object().is_some_and(|key| key.kind == Kind::Pod)));
}

fn scoped(selector: &str, node_selector: &str) -> batchtop::app::Settings {
    let parse = |text: &str| batchtop::units::Selector::parse(text).ok().filter(|_| !text.is_empty());
    let scope =
        batchtop::insight::Scope { namespaces: None, selector: parse(selector), node_selector: parse(node_selector) };
    batchtop::app::Settings { scope, ..Default::default() }
}

fn labelled(key: &str, value: &str) -> Labels {
    Labels::new(vec![(Sym::new(key), Sym::new(value))])
}

#[test]
fn events_in_scope_appear_and_vanish_with_the_selected_pods() {
    let told = crate::dsl::story_with(small(), scoped("team=a", "")).keys("5 V").rows(&[]);
    let train = batchtop::fleet::PodRow { labels: labelled("team", "a"), ..pod("ml", "train-0", "gpu-a") };
    told.told(vec![upsert_pod(train)]).rows(&["ml/e2"]).told(vec![remove_pod("ml", "train-0")]).rows(&[]);
}

#[test]
fn events_of_a_node_include_those_of_its_pods_and_claim() {
    let told = story(small()).told(vec![remove_pod("ml", "train-0")]).keys("5 V / 'node:gpu-a' enter");
    let told = told.rows(&["default/e1"]).told(vec![upsert_pod(pod("ml", "train-0", "gpu-a"))]);
    let told = told.rows(&["ml/e2", "default/e1"]);
    let told = told.told(vec![upsert_claim(claim("gpu-new", "gpu", Some("gpu-a")))]);
    told.rows(&["ml/e2", "default/e3", "default/e1"]);
}

#[test]
fn claims_are_in_scope_once_their_node_matches_the_node_selector() {
    let told = crate::dsl::story_with(small(), scoped("", "team=a")).keys("4").rows(&[]);
    let mut gpu_a = node("gpu-a", "gpu");
    gpu_a.labels =
        Labels::new(vec![(Sym::new("karpenter.sh/nodepool"), Sym::new("gpu")), (Sym::new("team"), Sym::new("a"))]);
    told.told(vec![upsert_node(gpu_a)]).rows(&["gpu", "gpu-claim"]);
}

#[test]
fn events_about_a_claim_are_found_whatever_their_namespace() {
    let named = batchtop::fleet::ObjectKey::new("default", "gpu-new");
    let late = event("e9", 1, "Registered", "NodeClaim", &named);
    let told = story(small()).told(vec![upsert_event(late)]);
    told.keys("j l").screen(Screen::Events).rows(&["default/e9", "default/e3"]);
}

#[test]
fn pods_of_a_volcano_job_belong_to_no_kubernetes_job() {
    let owner = |api: &str| batchtop::fleet::Owner {
        api_version: Sym::new(api),
        kind: Sym::new("Job"),
        name: Sym::new("train"),
        uid: batchtop::fleet::Uid::parse("uid of ml/train"),
    };
    let of = |name: &str, api: &str| {
        upsert_pod(batchtop::fleet::PodRow { owner: Some(owner(api).into()), ..pod("ml", name, "lab") })
    };
    let told = story(small()).told(vec![of("mpi", "batch.volcano.sh/v1alpha1"), of("one-more", "batch/v1")]);
    let told = told.keys("3 / 'job:train' space '!train-' enter").rows(&["ml/one-more"]);
    let job = batchtop::fleet::Uid::parse("uid of ml/train");
    assert!(told.app.fleet.pods_of_job(&job).all(|pod| &*pod.meta.key.name != "mpi"));
}

#[test]
fn every_column_has_help_and_only_sortable_columns_can_be_sorted_by() {
    for (screen, table) in Screen::ALL.into_iter().flat_map(|screen| screen.spec().tables().map(move |it| (screen, it)))
    {
        let names: std::collections::BTreeSet<&str> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), table.columns.len(), "two columns of {} have one name", table.name);
        let to_view = screen.spec().views.iter().take_while(|view| screen.spec().table_of(view) != table).map(|_| "v");
        let to_view = to_view.collect::<Vec<_>>().join(" ");
        for column in table.columns {
            assert!(!column.help.is_empty(), "{} {}", table.name, column.name);
            assert!(column.is_shown() || column.is_sortable(), "{} {}", table.name, column.name);
            let keys = format!("{} {to_view} : 'sort' space '{}' enter", screen.number(), column.name);
            // By then it is known that there is spot capacity, without which some views are not offered.
            let told = story(small()).seconds(2).keys(&keys);
            if column.is_sortable() {
                told.says(&format!("sorted by {}", column.name));
            } else {
                told.says(&format!("no column \"{}\" to sort by", column.name));
            }
        }
    }
}

#[test]
fn a_recreated_pod_leaves_the_list_when_it_is_deleted() {
    let made = || upsert_pod(pod("a", "fresh", "lab"));
    let gone = || remove_pod("a", "fresh");
    let told = story(small()).keys("3").told(vec![made()]);
    let listed = told.app.ui.listing.rows.len();
    let told = told.told(vec![gone(), made()]);
    assert_eq!(told.app.ui.listing.rows.len(), listed);
    assert_eq!(told.told(vec![gone()]).app.ui.listing.rows.len(), listed - 1);
}

/// So many nodes with GPUs, each with an exporter.
fn exported(count: usize) -> Vec<Report> {
    let name = |number: usize| format!("gpu-{number:02}");
    let nodes = (0..count).map(|number| upsert_node(node(&name(number), "gpu")));
    let exporters = (0..count).map(|number| {
        let labels = labels(&[("app", "nvidia-dcgm-exporter")]);
        upsert_pod(PodRow { labels, ..pod("gpu", &format!("dcgm-{number:02}"), &name(number)) })
    });
    nodes.chain(exporters).collect()
}

/// What is asked last of exporters while some seconds pass.
fn asked(mut told: Story) -> (Story, GpuDemand) {
    let mut last = GpuDemand::default();
    for _ in 0..8 {
        told = told.seconds(1);
        let of_gpus = |effect: &Effect| match effect {
            Effect::Demand(demand) => demand.gpus.clone(),
            _ => None,
        };
        last = told.effects.iter().rev().find_map(of_gpus).unwrap_or(last);
    }
    (told, last)
}

#[test]
fn exporters_of_nodes_on_screen_are_read_first() {
    let (told, demand) = asked(story(small()).told(exported(90)).keys("g g"));
    let is_first = |demand: &GpuDemand, node: &str| demand.first.contains(node);
    assert_eq!(demand.exporters.len(), 90);
    assert!(is_first(&demand, "gpu-00") && !is_first(&demand, "gpu-89"), "{demand:?}");
    let (_, demand) = asked(told.keys("G"));
    assert!(is_first(&demand, "gpu-89") && !is_first(&demand, "gpu-00"), "{demand:?}");
}

#[test]
fn exporters_of_nodes_whose_devices_are_on_screen_are_read_first() {
    let is_first = |demand: &GpuDemand, node: &str| demand.first.contains(node);
    let (told, _) = asked(story(small()).told(exported(90)));
    let (told, demand) = asked(told.keys("d g g"));
    assert!(is_first(&demand, "gpu-00") && !is_first(&demand, "gpu-89"), "{demand:?}");
    let (_, demand) = asked(told.keys("G"));
    assert!(is_first(&demand, "gpu-89") && !is_first(&demand, "gpu-00"), "{demand:?}");
}

#[test]
fn exporters_that_nobody_asks_for_are_not_waited_for() {
    let idle = || Report::Health(SourceId::GpuExporters, Health::metrics_not_needed());
    let state = |told: &Story| told.app.sources.get(&SourceId::GpuExporters).map(|health| health.state);
    // A node with GPUs of which only a Prometheus server could tell.
    let (told, demand) = asked(story(small()).told(vec![idle(), upsert_node(node("gpu-silent", "gpu"))]));
    assert!(demand.exporters.is_empty() && demand.prometheus.contains_key("gpu-silent"), "{demand:?}");
    assert_eq!(state(&told), Some(HealthState::NotNeeded));
    let (told, _) = asked(told.told(exported(1)));
    assert_eq!(state(&told), Some(HealthState::Connecting));
}
