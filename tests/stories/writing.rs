//! Protecting, unprotecting, undoing.

use batchtop::app::{DurationChoice, Effect, Msg, Overlay, Settings, Severity, Ui};
use batchtop::fleet::{
    Change, ClusterFacts, Delta, Health, HealthState, KarpenterApi, Kind, Meta, NodeRow, ObjectChange, PodPhase,
    PodRow, Report, ResourceVersion, SourceId, Uid, ValueChange, WriteOutcome,
};

use crate::dsl::{Story, story, story_with};
use crate::fixture::{
    facts, finished, health, hours_ago, job, node, pending, pod, pod_of, protected, remove_pod, small, upsert_node,
    upsert_pod, wide,
};

const TRAIN_0: &str = "3 / 'train-0' enter";

fn of_version(version: &str) -> Settings {
    Settings { karpenter_version: Some(version.to_owned()), ..Settings::default() }
}

fn choices(story: &Story) -> Vec<DurationChoice> {
    story.dialog().choices.clone()
}

fn would_write(story: &Story) -> Vec<Option<String>> {
    story.dialog().targets.iter().map(|target| target.change.value().and_then(|change| change.to.clone())).collect()
}

/// The annotation that the first request is about.
fn requested(story: &Story) -> &ValueChange {
    match story.effects.first() {
        Some(Effect::Write { change: ObjectChange::Value(change), .. }) => change,
        other => panic!("{other:?}"),
    }
}

fn refused(message: &str) -> WriteOutcome {
    WriteOutcome::Refused { code: 403, message: message.to_owned() }
}

#[test]
fn a_pod_is_protected_until_it_finishes() {
    let told = story(small())
        .keys(TRAIN_0)
        .keys("p")
        .asks_to("protect pod ml/train-0 in prod-ml")
        .ends("until the pod finishes");
    let told = told.keys("enter").asks(&["protect Pod ml/train-0: None -> Some(\"true\")"]).nothing_open();
    told.answered(0, 0, WriteOutcome::Done).says("protected pod ml/train-0").severity(Severity::Info).nothing_open();
}

#[test]
fn the_dialog_knows_the_node_of_a_pod() {
    let told = story(small()).keys(TRAIN_0).keys("p");
    assert_eq!(told.dialog().targets[0].node.as_deref(), Some("gpu-a"));
}

#[test]
fn escape_closes_the_dialog_without_writing() {
    story(small()).keys(TRAIN_0).keys("p esc").asks(&[]).nothing_open();
}

#[test]
fn a_write_request_carries_the_last_read_resource_version() {
    let told = story(small()).keys(TRAIN_0).keys("p");
    let fresh = Meta { resource_version: ResourceVersion::Number(200), ..pod_of("train", "train-0", "gpu-a").meta };
    let told = told.told(vec![upsert_pod(PodRow { meta: fresh, ..pod_of("train", "train-0", "gpu-a") })]).keys("enter");
    let Some(Effect::Write { verb, .. }) = told.effects.first() else { panic!("{:?}", told.effects) };
    let change = requested(&told);
    assert_eq!((change.resource_version.as_str(), *verb), ("200", "protect"));
    assert_eq!(change.uid, Uid::parse("uid of ml/train-0"));
}

#[test]
fn a_value_that_changed_under_the_open_dialog_is_left_for_the_server_to_refuse() {
    let told = story(small()).keys(TRAIN_0).keys("p");
    let fresh = Meta { resource_version: ResourceVersion::Number(200), ..pod_of("train", "train-0", "gpu-a").meta };
    let other = protected(PodRow { meta: fresh, ..pod_of("train", "train-0", "gpu-a") }, "2h");
    let told =
        told.told(vec![upsert_pod(other)]).keys("enter").asks(&["protect Pod ml/train-0: None -> Some(\"true\")"]);
    let change = requested(&told);
    assert_eq!(change.resource_version, "100");
}

#[test]
fn a_chosen_duration_counts_from_now_and_not_from_the_pods_start() {
    let told = story(small()).keys(TRAIN_0).keys("p right right");
    let told =
        told.ends("until 16:00 UTC, 4h from now").ends("Karpenter counts from the pod's start, so \"10h\" is written");
    told.keys("enter").asks(&["protect Pod ml/train-0: None -> Some(\"10h\")"]);
}

#[test]
fn the_written_duration_adds_the_time_since_the_start_and_follows_the_clock() {
    let told = story(small()).keys(TRAIN_0).keys("p right");
    assert_eq!(would_write(&told), [Some("7h".to_owned())]);
    let told = told.seconds(61).ends("until 13:02 UTC, 1h from now");
    assert_eq!(would_write(&told), [Some("7h2m".to_owned())]);
}

#[test]
fn an_end_tomorrow_has_its_date() {
    story(small()).keys(TRAIN_0).keys("p right right right").ends("until 2026-11-22 00:00 UTC, 12h from now");
}

#[test]
fn pods_that_ran_for_different_times_get_different_values_and_one_end() {
    let told = story(small())
        .keys("3 / 'train-' '!train-2' enter".replace("' '", "' space '").as_str())
        .keys("ctrl-a p right right");
    let told = told.ends("until 16:00 UTC").ends("\"5h\" to \"10h\" is written").asks_to("protect 2 pods in prod-ml");
    told.keys("enter").asks(&[
        "protect Pod ml/train-0: None -> Some(\"10h\")",
        "protect Pod ml/train-1: Some(\"4h\") -> Some(\"5h\")",
    ]);
}

#[test]
fn a_pod_that_has_not_started_is_protected_from_its_start() {
    let told =
        story(small()).keys("3 / 'train-2' enter p right right").ends("for 4h from its start: it has not started yet");
    told.keys("enter").asks(&["protect Pod ml/train-2: None -> Some(\"4h\")"]);
}

#[test]
fn a_typed_duration_is_written_in_gos_format() {
    let told = story(small()).keys("3 / 'train-2' enter p left '90min' enter");
    told.asks(&["protect Pod ml/train-2: None -> Some(\"1h30m\")"]);
    let told = story(small()).keys(TRAIN_0).keys("p left '1day' space '2h' enter");
    told.asks(&["protect Pod ml/train-0: None -> Some(\"32h\")"]);
}

#[test]
fn an_invalid_duration_is_refused_and_can_be_corrected() {
    let told = story(small()).keys(TRAIN_0).keys("p left '4x' enter").asks(&[]).refuses("4x");
    assert_eq!(would_write(&told), [None]);
    told.keys("backspace 'h' enter").asks(&["protect Pod ml/train-0: None -> Some(\"10h\")"]);
}

#[test]
fn an_empty_or_zero_duration_is_refused() {
    story(small()).keys(TRAIN_0).keys("p left enter").asks(&[]).refuses("type for how long");
    story(small()).keys(TRAIN_0).keys("p left '0s' enter").asks(&[]).refuses("at least 1s");
}

#[test]
fn arrow_keys_leave_an_unfinished_duration() {
    story(small())
        .keys(TRAIN_0)
        .keys("p left '4x' enter right enter")
        .asks(&["protect Pod ml/train-0: None -> Some(\"true\")"]);
}

#[test]
fn a_duration_can_be_pasted() {
    let mut told = story(small()).keys("3 / 'train-2' enter p left");
    told.send(Msg::Paste("8h\n".to_owned()));
    told.keys("enter").asks(&["protect Pod ml/train-2: None -> Some(\"8h\")"]);
}

#[test]
fn durations_are_not_offered_to_a_karpenter_that_ignores_them() {
    let told =
        story_with(small(), of_version("1.11.2")).keys(TRAIN_0).keys("p").notes("Karpenter 1.11.2 reads only \"true\"");
    assert_eq!(choices(&told), [DurationChoice::UntilFinished]);
}

#[test]
fn durations_have_no_note_for_a_karpenter_that_supports_them() {
    let told = story_with(small(), of_version("1.12.0")).keys(TRAIN_0).keys("p").no_note("durations");
    assert_eq!(choices(&told).len(), 5);
}

#[test]
fn the_dialog_notes_an_assumed_karpenter_version() {
    let unknown = batchtop::fleet::ClusterFacts { karpenter_crd_version: None, ..facts() };
    let told = story(small()).told(vec![Report::Cluster(Box::new(unknown))]);
    let told = told.keys(TRAIN_0).keys("p").notes("assumed");
    assert_eq!(choices(&told).len(), 5);
}

#[test]
fn legacy_apis_and_clusters_without_karpenter_get_a_note() {
    let api = |karpenter_api| Report::Cluster(Box::new(batchtop::fleet::ClusterFacts { karpenter_api, ..facts() }));
    let told = story(small()).told(vec![api(KarpenterApi::V1Beta1)]).keys(TRAIN_0).keys("p").notes("no durations");
    assert_eq!(choices(&told).len(), 1);
    story(small()).told(vec![api(KarpenterApi::Absent)]).keys(TRAIN_0).keys("p").notes("serves no Karpenter API");
}

#[test]
fn only_the_value_true_is_offered_for_a_node() {
    let told = story(small())
        .keys("G p")
        .asks_to("protect node cpu-a in prod-ml")
        .notes("on a Node Karpenter reads only \"true\"");
    assert_eq!(choices(&told), [DurationChoice::UntilFinished]);
    told.ends("until somebody removes it").keys("right enter").asks(&["protect Node cpu-a: None -> Some(\"true\")"]);
}

#[test]
fn protecting_two_nodes_sends_two_requests() {
    let told = story(small()).keys("G space k space p").asks_to("protect 2 nodes in prod-ml").keys("enter");
    told.asks(&["protect Node cpu-a: None -> Some(\"true\")", "protect Node lab: None -> Some(\"true\")"]).marks(&[]);
}

#[test]
fn pods_on_nodes_not_managed_by_karpenter_get_a_note() {
    story(small()).keys("3 / 'alone' enter p").notes("1 of 1 on nodes that Karpenter does not manage");
    story(small()).keys(TRAIN_0).keys("p").no_note("does not manage");
}

#[test]
fn all_active_pods_of_a_job_are_protected() {
    let told = story(small()).keys("2 j p").asks_to("protect 3 pods of Job ml/train in prod-ml");
    let told = told.notes("retries of this Job will not be protected: the template lacks the annotation");
    told.notes("1 of 3 carry a value already, it is replaced: \"4h\"").keys("enter").asks(&[
        "protect Pod ml/train-0: None -> Some(\"true\")",
        "protect Pod ml/train-1: Some(\"4h\") -> Some(\"true\")",
        "protect Pod ml/train-2: None -> Some(\"true\")",
    ]);
}

#[test]
fn a_template_with_the_annotation_protects_retries() {
    let annotated =
        batchtop::fleet::JobRow { template_do_not_disrupt: Some("true".into()), active: 3, ..job("ml", "train") };
    let report = Report::Delta(Delta::Jobs(vec![Change::Upsert(annotated)]));
    let told = story(small()).told(vec![report]).keys("2 / 'train' enter p").no_note("retries");
    told.keys("esc u").notes("retries of this Job will be protected again");
}

#[test]
fn a_job_cannot_be_protected_until_all_its_pods_are_known() {
    let told = story(small()).told(vec![health(Kind::Pod, HealthState::Syncing)]).keys("2 j p").nothing_open();
    told.says("nothing to protect: not all of its pods are known, source pods is Syncing (7 read)");
}

#[test]
fn a_job_cannot_be_protected_where_its_pods_may_not_be_read() {
    let in_namespace = |name: &str| {
        let namespaces = Some(vec![name.into()]);
        let pods = Health { state: HealthState::Live, objects: 7, namespaces, ..Health::default() };
        Report::Health(SourceId::Kind(Kind::Pod), pods)
    };
    let told = story(small()).told(vec![in_namespace("web")]).keys("2 j p").nothing_open();
    told.says("its pods are not known: those of namespace ml may not be read (Job ml/train)");
    let told = story(small()).told(vec![in_namespace("ml")]).keys("2 j p");
    assert!(!would_write(&told).is_empty());
}

#[test]
fn a_job_without_active_pods_has_nothing_to_protect() {
    story(small()).keys("2 G p").says("it has no active pods (Job ml/done)").nothing_open();
}

#[test]
fn rows_that_cannot_be_protected_are_skipped_with_the_reason() {
    for (keys, want) in [
        ("j p", "Karpenter reads this annotation on the Node, not on the NodeClaim (NodeClaim gpu-new)"),
        ("4 p", "Karpenter does not read this annotation on a NodePool"),
        ("5 V p", "an Event cannot be protected"),
        ("3 / 'done-0' enter p", "it has finished, and Karpenter ignores finished pods (Pod ml/done-0)"),
        ("3 / 'leaving' enter p", "it is being deleted, and Karpenter ignores such pods (Pod vision/leaving)"),
        ("3 / 'nothing' enter p", "no row is selected"),
    ] {
        story(small()).keys(keys).says(want).nothing_open();
    }
}

#[test]
fn rows_that_can_be_protected_are_protected_beside_skipped_ones() {
    let told = story(small())
        .keys("3 / '/train-0' enter space esc / 'done-0' enter space p")
        .asks_to("protect pod ml/train-0 in prod-ml");
    told.skips(&["Pod ml/done-0: it has finished, and Karpenter ignores finished pods"]);
}

#[test]
fn a_node_that_is_being_deleted_cannot_be_protected() {
    let leaving = Meta { deletion: Some(hours_ago(0)), ..node("cpu-a", "cpu").meta };
    let told = story(small()).told(vec![upsert_node(NodeRow { meta: leaving, ..node("cpu-a", "cpu") })]);
    told.keys("/ 'cpu-a' enter p").says("it is being deleted, which the annotation does not stop");
}

#[test]
fn u_removes_the_annotation() {
    let told = story(small()).keys("3 / 'train-1' enter u").asks_to("unprotect pod ml/train-1 in prod-ml");
    told.keys("enter").asks(&["unprotect Pod ml/train-1: Some(\"4h\") -> None"]);
}

#[test]
fn u_on_an_object_without_the_annotation_writes_nothing() {
    story(small()).keys(TRAIN_0).keys("u").says("it does not carry the annotation").nothing_open();
    story(small()).keys("G u").says("neither it nor a pod on it carries the annotation (Node cpu-a)").nothing_open();
}

#[test]
fn u_on_a_job_unprotects_its_annotated_pods() {
    let told = story(small()).keys("2 j u").asks_to("unprotect pod ml/train-1 of Job ml/train in prod-ml");
    assert_eq!(told.dialog().skipped.len(), 2);
}

#[test]
fn marked_rows_are_written_instead_of_the_selected_one() {
    story(small()).keys("3 / 'train-0' enter space esc g g p").asks_to("protect pod ml/train-0 in prod-ml");
}

#[test]
fn protect_in_the_details_is_about_the_opened_object() {
    let told = story(small()).keys("3 G space / 'train-0' enter enter p").asks_to("protect pod ml/train-0 in prod-ml");
    told.keys("enter").asks(&["protect Pod ml/train-0: None -> Some(\"true\")"]);
}

#[test]
fn readonly_mode_refuses_every_write() {
    let settings = || Settings { readonly: true, ..Settings::default() };
    for (keys, verb) in [("p", "protect"), ("u", "unprotect"), ("U", "undo"), (": 'protect' enter", "protect")] {
        let told = story_with(small(), settings()).keys(TRAIN_0).keys(keys);
        told.says("readonly").says(verb).nothing_open().asks(&[]);
    }
}

#[test]
fn more_than_twenty_objects_are_written_only_after_typing_their_number() {
    let told = story(wide(21)).keys("2 p enter").asks(&[]).refuses("type 21 to protect 21 objects");
    let told = told.keys("'20' enter").asks(&[]).refuses("type 21");
    assert_eq!(told.keys("backspace '1' enter").effects.len(), 8);
}

#[test]
fn twenty_objects_are_written_without_typing_their_number() {
    assert_eq!(story(wide(20)).keys("2 p enter").effects.len(), 8);
}

#[test]
fn a_typed_duration_and_the_typed_number_are_separate_inputs() {
    let told = story(wide(21)).keys("2 p left '4h' enter").asks(&[]).refuses("type 21");
    assert_eq!(told.dialog().other.value(), "4h");
    let told = told.keys("'21' enter");
    let change = requested(&told);
    assert_eq!(change.to.as_deref(), Some("10h"));
}

#[test]
fn at_most_eight_write_requests_are_open_at_a_time() {
    let told = story(wide(12)).keys("2 p enter");
    assert_eq!(told.effects.len(), 8);
    let told = told.answered(0, 3, WriteOutcome::Done).asks(&["protect Pod ml/wide-08: None -> Some(\"true\")"]);
    told.says("protect 12 pods of Job ml/wide: 1 of 12 answered");
}

#[test]
fn all_write_requests_are_sent_in_the_end() {
    let told = story(wide(12)).keys("2 p enter").all_done().says("protected 12 pods of Job ml/wide");
    assert!(told.app.ui.writes[0].items.iter().all(|item| item.outcome == Some(WriteOutcome::Done)));
}

#[test]
fn only_the_first_answer_to_a_sent_request_counts() {
    let told = story(wide(12)).keys("2 p enter").answered(0, 0, WriteOutcome::Gone).answered(0, 0, WriteOutcome::Done);
    assert_eq!(told.app.ui.writes[0].items[0].outcome, Some(WriteOutcome::Gone));
    let told =
        told.answered(0, 11, WriteOutcome::Done).answered(0, 99, WriteOutcome::Done).answered(9, 0, WriteOutcome::Done);
    assert_eq!(told.app.ui.writes[0].items[11].outcome, None);
}

#[test]
fn a_refused_write_is_reported_in_the_servers_words() {
    let told =
        story(small()).keys(TRAIN_0).keys("p enter").answered(0, 0, refused("pods \"train-0\" is forbidden: no patch"));
    told.says("protect pod ml/train-0: Pod ml/train-0: refused (403): pods \"train-0\" is forbidden: no patch")
        .severity(Severity::Error)
        .nothing_open();
}

#[test]
fn every_write_outcome_has_its_message() {
    for (outcome, want) in [
        (
            WriteOutcome::ChangedBySomebody { now: Some("2h".to_owned()) },
            "changed by somebody, now \"2h\"; not written",
        ),
        (WriteOutcome::ChangedBySomebody { now: None }, "removed by somebody"),
        (WriteOutcome::Recreated, "recreated under the same name"),
        (WriteOutcome::Gone, "it is gone"),
        (WriteOutcome::Unanswered { message: "timed out".to_owned() }, "it may have been written: timed out"),
        (
            WriteOutcome::NotJournaled { message: "disk full".to_owned() },
            "not sent, as the journal cannot be written: disk full",
        ),
    ] {
        story(small()).keys(TRAIN_0).keys("p enter").answered(0, 0, outcome).says(want).severity(Severity::Error);
    }
}

#[test]
fn failures_of_a_write_to_several_objects_are_listed() {
    let told = story(small()).keys("2 j p enter").answered(0, 0, WriteOutcome::Done).answered(0, 1, refused("no"));
    let told = told
        .nothing_open()
        .answered(0, 2, WriteOutcome::Gone)
        .says("2 of 3 not done; Pod ml/train-1: refused (403): no");
    assert!(matches!(told.app.ui.overlay, Some(Overlay::Results { write: 0, .. })));
    let told = told.keys("esc").nothing_open().keys(": 'results' enter");
    assert!(matches!(told.app.ui.overlay, Some(Overlay::Results { write: 0, .. })));
}

#[test]
fn results_do_not_close_a_prompt_that_is_being_typed_in() {
    let told = story(small()).keys("2 j p enter / 'tr'");
    let told = told.answered(0, 0, refused("no")).answered(0, 1, refused("no")).answered(0, 2, refused("no"));
    assert!(matches!(told.app.ui.overlay, Some(Overlay::Prompt(_))));
    told.says("3 of 3 not done");
}

#[test]
fn a_written_row_changes_only_with_the_watch() {
    let told = story(small()).keys(TRAIN_0).keys("p enter").all_done();
    let pod = told.app.fleet.pods.get(&pod_of("train", "train-0", "").meta.key).unwrap();
    assert_eq!(pod.do_not_disrupt, None);
}

#[test]
fn undo_restores_the_values_before_the_write() {
    let told = story(small()).keys("2 j p enter").all_done().keys("U").asks_to("undo protect 3 pods in prod-ml");
    let told = told.keys("enter").asks(&[
        "undo Pod ml/train-0: Some(\"true\") -> None",
        "undo Pod ml/train-1: Some(\"true\") -> Some(\"4h\")",
        "undo Pod ml/train-2: Some(\"true\") -> None",
    ]);
    told.all_done().says("undone: protect 3 pods").keys("U").says("nothing to undo").nothing_open();
}

#[test]
fn undo_restores_a_removed_duration_verbatim() {
    let told = story(small()).keys("3 / 'train-1' enter u enter").all_done().keys("U enter");
    told.asks(&["undo Pod ml/train-1: None -> Some(\"4h\")"]);
}

#[test]
fn undo_reverts_only_successful_changes() {
    let told = story(small()).keys("2 j p enter").answered(0, 0, WriteOutcome::Done).answered(0, 1, refused("no"));
    let told = told.answered(0, 2, WriteOutcome::Unanswered { message: "eof".to_owned() }).keys("esc U enter");
    told.asks(&["undo Pod ml/train-0: Some(\"true\") -> None"]);
}

#[test]
fn undo_waits_for_the_answers() {
    story(small()).keys(TRAIN_0).keys("p enter U").says("0 of 1 answered; undo when it is").nothing_open();
}

#[test]
fn each_undo_reverts_one_earlier_write() {
    let told = story(small()).keys(TRAIN_0).keys("p enter").all_done().keys("esc / 'alone' enter p enter").all_done();
    let told = told.keys("U").asks_to("undo protect pod ml/alone in prod-ml").keys("enter").all_done();
    told.keys("U").asks_to("undo protect pod ml/train-0 in prod-ml");
}

#[test]
fn an_undo_that_was_refused_can_be_tried_again() {
    let told = story(small()).keys(TRAIN_0).keys("p enter").all_done().keys("U enter").answered(1, 0, refused("busy"));
    told.keys("U enter").asks(&["undo Pod ml/train-0: Some(\"true\") -> None"]);
}

#[test]
fn undo_does_not_touch_a_value_changed_since() {
    let told = story(small()).keys(TRAIN_0).keys("p enter").all_done();
    let told = told.told(vec![upsert_pod(protected(pod_of("train", "train-0", "gpu-a"), "9h"))]).keys("U");
    told.says("nothing to undo: Pod ml/train-0: changed by somebody since, now \"9h\"").nothing_open();
}

#[test]
fn undo_carries_the_version_that_the_watch_brought() {
    let told = story(small()).keys(TRAIN_0).keys("p enter").all_done();
    let fresh = Meta { resource_version: ResourceVersion::Number(300), ..pod_of("train", "train-0", "gpu-a").meta };
    let row = protected(PodRow { meta: fresh, ..pod_of("train", "train-0", "gpu-a") }, "true");
    let told = told.told(vec![upsert_pod(row)]).keys("U enter");
    let change = requested(&told);
    assert_eq!(change.resource_version, "300");
}

#[test]
fn undo_never_touches_another_object_of_the_same_name() {
    let told = story(small()).keys(TRAIN_0).keys("p enter").all_done();
    let other = Meta { uid: Uid::parse("another"), ..pod_of("train", "train-0", "gpu-a").meta };
    let told = told.told(vec![upsert_pod(PodRow { meta: other, ..pod_of("train", "train-0", "gpu-a") })]).keys("U");
    told.says("recreated under the same name").nothing_open();
    let told = story(small()).keys(TRAIN_0).keys("p enter").all_done().told(vec![remove_pod("ml", "train-0")]);
    told.keys("U").says("it is gone");
}

#[test]
fn the_context_changes_only_after_all_answers_and_has_nothing_to_undo() {
    let told =
        story(small()).keys(TRAIN_0).keys("p enter : 'ctx' space 'lab' enter").says("wait before changing the context");
    told.answered(0, 0, WriteOutcome::Done)
        .keys(": 'ctx' space 'lab' enter")
        .asks(&["connect lab #1"])
        .keys("U")
        .says("nothing to undo");
}

#[test]
fn q_does_not_quit_before_all_writes_are_answered() {
    let told = story(small()).keys(TRAIN_0).keys("p enter q").asks(&["protect Pod ml/train-0: None -> Some(\"true\")"]);
    told.says("0 of 1 answered; wait, or leave with ctrl-c").all_done();
}

#[test]
fn only_a_limited_number_of_writes_is_kept() {
    let mut told = story(small()).keys(TRAIN_0);
    for _ in 0..Ui::WRITES_KEPT + 3 {
        let answered = told.keys("p enter");
        let id = answered.app.ui.next_write - 1;
        told = answered.answered(id, 0, WriteOutcome::Done);
    }
    assert_eq!(told.app.ui.writes.len(), Ui::WRITES_KEPT);
}

#[test]
fn keys_of_the_table_do_nothing_while_a_dialog_is_open() {
    story(small()).keys(TRAIN_0).keys("p j s 3 p enter").asks(&["protect Pod ml/train-0: None -> Some(\"true\")"]);
}

#[test]
fn finished_pods_of_a_job_are_excluded_and_pending_ones_included() {
    let told = story(small()).told(vec![
        upsert_pod(finished(pod_of("train", "train-0", "gpu-a"), PodPhase::Failed)),
        upsert_pod(pending(pod_of("train", "train-3", ""))),
        upsert_pod(pod("ml", "train-4", "gpu-a")),
    ]);
    let told = told.keys("2 j p").asks_to("protect 3 pods of Job ml/train in prod-ml");
    let names: Vec<&str> = told.dialog().targets.iter().map(|target| &*target.change.key().object.name).collect();
    assert_eq!(names, ["train-1", "train-2", "train-3"]);
}

#[test]
fn the_quit_command_waits_for_answers_like_the_q_key() {
    let told = story(small()).keys(TRAIN_0).keys("p enter").keys(": 'q' enter").asks(&[]);
    told.says("0 of 1 answered; wait, or leave with ctrl-c").keys(": 'quit' enter").asks(&[]);
    let told = story(small()).keys(TRAIN_0).keys("p enter").keys(": 'q!' enter").asks(&["quit"]);
    told.all_done();
    story(small()).keys(TRAIN_0).keys("p enter").all_done().keys(": 'q' enter").asks(&["quit"]);
}

#[test]
fn up_and_down_scroll_a_dialog_without_a_second_line_to_type_in() {
    let mut told = story(wide(20));
    told.send(Msg::Resize { width: 100, height: 12 });
    let told = told.keys("2 p down");
    assert_eq!(told.dialog().scroll.line, 1);
    let told = told.keys("pgdn");
    let page = told.app.ui.page_rows;
    assert_eq!(told.dialog().scroll.line, 1 + page);
    let mut told = told.keys("up");
    assert_eq!(told.dialog().scroll.line, page);
    let end = told.draw().geometry.scroll_end;
    assert!((page + 1..3 * page).contains(&end), "{end}");
    let told = told.keys("pgdn pgdn");
    assert_eq!(told.dialog().scroll.line, end, "it ends where the text ends");
    assert_eq!(told.keys("right").dialog().scroll.line, 0, "what is chosen is seen");
}

#[test]
fn typing_scrolls_a_dialog_back_to_its_top() {
    let told = story(wide(21)).keys("2 p pgdn");
    assert!(told.dialog().scroll.line > 0);
    let told = told.keys("'2'");
    assert_eq!((told.dialog().scroll.line, told.dialog().typed.value()), (0, "2"));
    let told = told.keys("pgdn enter").refuses("type 21");
    assert_eq!(told.dialog().scroll.line, 0, "why it was refused is seen");
    let told = told.keys("left down");
    assert_eq!(told.dialog().scroll.line, 0, "down goes to the other line");
    assert!(told.dialog().typing_number);
}

#[test]
fn the_dialog_names_the_server_where_there_is_no_context() {
    let server = "https://10.0.0.1:443".to_owned();
    let inside = ClusterFacts { context: String::new(), server: server.clone(), ..facts() };
    let told = story(small()).told(vec![Report::Cluster(Box::new(inside))]).keys(TRAIN_0).keys("p");
    assert_eq!((told.dialog().context.as_str(), &told.dialog().server), ("", &server));
}

#[test]
fn a_node_is_cordoned_after_a_confirmation_and_the_same_key_uncordons_it() {
    let told = story(small()).keys("G C").asks_to("cordon node cpu-a in prod-ml");
    let texts: Vec<String> = told.dialog().consequences.iter().map(|it| it.text.machine_text()).collect();
    assert_eq!(texts[0], "no new pod is scheduled on node cpu-a");
    assert!(texts[1].contains("cordoning evicts nothing"), "{texts:?}");
    let told =
        told.keys("enter").asks(&["cordon Node cpu-a: None -> Some(\"true\")"]).all_done().says("cordoned node cpu-a");
    let cordoned = NodeRow { cordoned: true, ..node("cpu-a", "cpu") };
    let told = told.told(vec![upsert_node(cordoned)]);
    told.keys("C")
        .asks_to("uncordon node cpu-a in prod-ml")
        .keys("enter")
        .asks(&["uncordon Node cpu-a: Some(\"true\") -> None"]);
}

#[test]
fn undo_takes_a_cordon_back_for_the_same_node_only() {
    let told = story(small()).keys("G C enter").all_done();
    let cordoned = NodeRow { cordoned: true, ..node("cpu-a", "cpu") };
    let told = told.told(vec![upsert_node(cordoned)]).keys("U").asks_to("undo cordon node cpu-a in prod-ml");
    told.keys("enter").asks(&["undo Node cpu-a: Some(\"true\") -> None"]);
    let other = NodeRow {
        meta: Meta { uid: batchtop::fleet::Uid::parse("another"), ..node("cpu-a", "cpu").meta },
        ..node("cpu-a", "cpu")
    };
    let told = story(small()).keys("G C enter").all_done().told(vec![upsert_node(other)]).keys("U");
    told.says("nothing to undo: Node cpu-a: recreated under the same name").nothing_open();
}

#[test]
fn only_nodes_are_cordoned_and_read_only_does_not() {
    story(small()).keys("3 C").says("only a Node can be cordoned").nothing_open();
    let settings = Settings { readonly: true, ..Settings::default() };
    story_with(small(), settings).keys("C").says("readonly").nothing_open();
}

#[test]
fn the_command_that_drains_a_node_is_copied() {
    let told = story(small()).keys("G K");
    told.asks(&["copy kubectl --context prod-ml drain cpu-a --ignore-daemonsets --delete-emptydir-data"]);
    story(small()).keys("4 K").asks(&[]).says("there is no node here to drain");
}
