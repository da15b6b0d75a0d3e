//! Moving: rows, pages, levels, screens, details, commands, contexts.

use batchtop::app::{DetailText, Effect, Fetched, Mouse, Msg, Overlay, Scope, Screen, Severity, update};
use batchtop::fleet::{ConnectionError, Epoch, HealthState, Key, Kind, ObjectKey, Report};

use crate::dsl::{Story, story};
use crate::fixture::{facts, health, pod, small, upsert_pod, wide};

fn offset(story: &Story) -> usize {
    story.app.ui.level.offset
}

#[test]
fn the_selection_stops_at_both_ends_of_the_list() {
    story(small())
        .keys("k")
        .selected("Node gpu-broken")
        .keys("j j j j j j j")
        .selected("Node cpu-a")
        .keys("k")
        .selected("Node lab");
}

#[test]
fn page_keys_move_by_a_page_and_stop_at_both_ends() {
    let told = story(wide(40)).keys("3 ctrl-d").selected("Pod ml/wide-16");
    assert_eq!(offset(&told), 1);
    let told = told.keys("pgdn pgdn").selected("Pod ml/wide-39");
    assert_eq!(offset(&told), 24);
    let told = told.keys("pgup").selected("Pod ml/wide-23");
    assert_eq!(offset(&told), 23);
    assert_eq!(offset(&told.keys("home")), 0);
}

#[test]
fn a_smaller_terminal_keeps_the_selected_row_in_sight() {
    let mut told = story(wide(40)).keys("3 G k k");
    assert_eq!(offset(&told), 24);
    told.send(Msg::Resize { width: 80, height: 10 });
    assert_eq!(offset(&told), 33);
    told.send(Msg::Resize { width: 80, height: 60 });
    assert_eq!(offset(&told), 0);
}

#[test]
fn a_notch_of_the_wheel_moves_the_selection_by_three_rows() {
    let mut told = story(wide(40)).keys("3");
    told.send(Msg::Mouse(Mouse::WheelDown));
    let mut told = told.selected("Pod ml/wide-03");
    told.send(Msg::Mouse(Mouse::WheelUp));
    told.selected("Pod ml/wide-00");
}

#[test]
fn a_click_selects_a_row_unless_an_overlay_is_open() {
    let row = Key::new(Kind::Node, ObjectKey::cluster("gpu-a"));
    let mut told = story(small());
    told.send(Msg::Mouse(Mouse::Row(row.clone().into())));
    let mut told = told.selected("Node gpu-a").keys("k ?");
    told.send(Msg::Mouse(Mouse::Row(row.into())));
    told.selected("NodeClaim gpu-new");
}

#[test]
fn a_click_on_a_title_shows_its_screen() {
    let mut told = story(small());
    told.send(Msg::Mouse(Mouse::Title(Screen::Jobs)));
    told.screen(Screen::Jobs);
}

#[test]
fn drilling_down_leads_from_a_pool_to_nodes_pods_and_events_and_back() {
    let told = story(small()).keys("4 j l").screen(Screen::Fleet).rows(&["gpu-broken", "gpu-new", "gpu-a"]);
    let told = told.keys("G l").screen(Screen::Pods).rows(&["ml/train-0", "ml/train-1", "ml/done-0"]);
    let told = told.keys("l").screen(Screen::Events).rows(&["ml/e2"]);
    let told = told.keys("l").says("nothing beneath").keys("h").screen(Screen::Pods).selected("Pod ml/train-0");
    told.keys("esc")
        .selected("Node gpu-a")
        .keys("q")
        .screen(Screen::Pools)
        .selected("NodePool gpu")
        .keys("esc")
        .screen(Screen::Pools);
}

#[test]
fn drilling_down_leads_from_a_job_to_its_pods() {
    story(small()).keys("2 j l").rows(&["ml/train-2", "ml/train-0", "ml/train-1"]);
}

#[test]
fn drilling_down_leads_from_a_claim_to_its_pods_or_its_events() {
    story(small()).keys("4 G l").screen(Screen::Pods).rows(&["ml/train-0", "ml/train-1", "ml/done-0"]);
    story(small()).keys("j l").screen(Screen::Events).rows(&["default/e3"]);
}

#[test]
fn rows_of_a_scope_follow_the_watch() {
    let told = story(small()).keys("4 j l G l").told(vec![upsert_pod(pod("a", "new", "gpu-a"))]);
    told.rows(&["a/new", "ml/train-0", "ml/train-1", "ml/done-0"]);
}

#[test]
fn back_clears_the_filter_before_it_leaves_the_level() {
    let told = story(small()).keys("j j l / 'train-1' enter").rows(&["ml/train-1"]);
    let told = told.keys("esc").rows(&["ml/train-0", "ml/train-1", "ml/done-0"]).selected("Pod ml/train-1");
    told.keys("esc").screen(Screen::Fleet);
}

#[test]
fn every_screen_remembers_its_selection_and_filter() {
    let told = story(small()).keys("G 3 / 'ml' enter j 2 1").selected("Node cpu-a");
    told.keys("3").selected("Pod ml/alone").rows(&["ml/train-2", "ml/alone", "ml/train-0", "ml/train-1", "ml/done-0"]);
}

#[test]
fn the_number_of_the_current_screen_leaves_its_levels() {
    let told = story(small()).keys("4 j l 4").screen(Screen::Pools).selected("NodePool gpu");
    assert!(told.app.ui.outer.is_empty());
}

#[test]
fn tab_and_backtab_cycle_through_the_screens() {
    story(small())
        .keys("tab tab")
        .screen(Screen::Pods)
        .keys("tab tab tab tab tab")
        .screen(Screen::Fleet)
        .keys("backtab backtab")
        .screen(Screen::Cost);
}

#[test]
fn q_leaves_levels_then_batchtop_and_ctrl_c_always_leaves() {
    story(small()).keys("G l q").asks(&[]).screen(Screen::Fleet).keys("q").asks(&["quit"]);
    for keys in ["ctrl-c", "/ ctrl-c", "n ctrl-c", "? ctrl-c", "G p ctrl-c", "enter ctrl-c"] {
        let told = story(small()).keys(keys);
        assert_eq!(told.effects.last(), Some(&Effect::Quit), "{keys}");
    }
}

#[test]
fn q_closes_an_overlay_or_the_details() {
    story(small()).keys("? q").asks(&[]).nothing_open().keys("enter q").asks(&["fetch Node gpu-broken"]);
}

#[test]
fn enter_opens_details_and_fetches_them_each_time() {
    let told = story(small()).keys("G enter").asks(&["fetch Node cpu-a"]);
    assert!(told.app.ui.level.detail.is_some());
    let told = told.keys("esc");
    assert!(told.app.ui.level.detail.is_none());
    told.keys("enter").asks(&["fetch Node cpu-a"]);
}

#[test]
fn every_kind_of_row_has_details() {
    for (keys, want) in [
        ("j enter", &["fetch NodeClaim gpu-new"][..]),
        ("2 enter", &["fetch Job vision/eval", "ask the past of Job vision/eval"][..]),
        ("3 enter", &["fetch Pod vision/crash"][..]),
        ("4 enter", &["fetch NodePool cpu"][..]),
        ("5 V enter", &["fetch Event ml/e2"][..]),
    ] {
        story(small()).keys(keys).asks(want);
    }
}

fn fetched(story: &mut Story, epoch: u64, name: &str, yaml: &str) {
    let fetched = Fetched { annotations: Vec::new(), yaml: yaml.to_owned() };
    story.send(Msg::Fetched {
        epoch: Epoch(epoch),
        key: Key::new(Kind::Node, ObjectKey::cluster(name)),
        result: Ok(fetched),
    });
}

fn yaml(story: &Story) -> Option<String> {
    let detail = story.app.ui.level.detail.as_ref()?;
    detail.fetched.as_ref()?.as_ref().ok().map(|fetched| fetched.yaml.clone())
}

#[test]
fn a_fetched_object_is_shown_only_in_its_own_details() {
    let mut told = story(small()).keys("G enter");
    fetched(&mut told, 0, "lab", "of lab");
    assert_eq!(yaml(&told), None);
    fetched(&mut told, 7, "cpu-a", "of another cluster");
    assert_eq!(yaml(&told), None);
    fetched(&mut told, 0, "cpu-a", "of cpu-a");
    assert_eq!(yaml(&told).as_deref(), Some("of cpu-a"));
}

#[test]
fn a_refused_fetch_is_kept_in_the_servers_words() {
    let mut told = story(small()).keys("G enter");
    let key = Key::new(Kind::Node, ObjectKey::cluster("cpu-a"));
    told.send(Msg::Fetched { epoch: Epoch(0), key, result: Err("nodes \"cpu-a\" is forbidden".to_owned()) });
    let detail = told.app.ui.level.detail.unwrap();
    assert_eq!(detail.fetched, Some(Err("nodes \"cpu-a\" is forbidden".to_owned())));
}

#[test]
fn y_shows_the_yaml_and_the_text_again() {
    let text = |told: &Story| told.app.ui.level.detail.as_ref().map(|detail| detail.text);
    let told = story(small()).keys("y").asks(&["fetch Node gpu-broken"]);
    assert_eq!(text(&told), Some(DetailText::Yaml));
    assert_eq!(text(&told.keys("y")), Some(DetailText::Readable));
}

#[test]
fn details_scroll_up_to_the_end_of_their_text() {
    let scroll = |told: &Story| told.app.ui.level.detail.as_ref().map(|detail| detail.scroll.line);
    let mut told = story(small());
    told.send(Msg::Resize { width: 100, height: 12 });
    let mut told = told.keys("enter j j");
    assert_eq!(scroll(&told), Some(2));
    let end = told.draw().geometry.scroll_end;
    assert!(end > 5, "the text is longer than the terminal");
    told = told.keys(&"pgdn ".repeat(end));
    assert_eq!(scroll(&told), Some(end));
    told = told.keys("k");
    assert_eq!(scroll(&told), Some(end - 1));
    told.send(Msg::Resize { width: 100, height: 15 });
    assert_eq!(scroll(&told), Some(end - 3), "no empty lines are left below the text");
    assert_eq!(scroll(&told.keys("g g")), Some(0));
}

#[test]
fn the_selection_does_not_move_while_details_scroll() {
    story(small()).keys("enter j j esc").selected("Node gpu-broken");
}

#[test]
fn help_and_sources_open_and_close_with_their_keys() {
    let told = story(small()).keys("?");
    assert!(matches!(told.app.ui.overlay, Some(Overlay::Help { scroll }) if scroll.line == 0));
    let told = told.keys("j");
    assert!(matches!(told.app.ui.overlay, Some(Overlay::Help { scroll }) if scroll.line == 1));
    let told = told.keys("? H");
    assert!(matches!(told.app.ui.overlay, Some(Overlay::Sources { scroll }) if scroll.line == 0));
    told.keys("H").nothing_open();
}

#[test]
fn a_screen_can_be_chosen_from_help() {
    story(small()).keys("? 3").nothing_open().screen(Screen::Pods);
}

#[test]
fn commands_name_screens_as_kubectl_and_k9s_do() {
    for (name, screen) in [
        ("jobs", Screen::Jobs),
        ("po", Screen::Pods),
        ("PODS", Screen::Pods),
        ("no", Screen::Fleet),
        ("pools", Screen::Pools),
        ("claims", Screen::Pools),
        ("np", Screen::Pools),
        ("nc", Screen::Pools),
        ("nodeclaims", Screen::Pools),
        ("ev", Screen::Events),
        ("job", Screen::Jobs),
    ] {
        story(small()).keys(&format!("2 : '{name}' enter")).screen(screen).says_nothing();
    }
}

#[test]
fn a_screen_command_may_be_followed_by_a_namespace() {
    story(small()).keys(": 'po' space 'vision' enter").rows(&["vision/crash", "vision/leaving"]);
}

#[test]
fn the_ns_command_chooses_one_namespace_or_all() {
    let told = story(small()).keys("2 : 'ns' space 'ml' enter").rows(&["ml/train", "ml/done"]);
    told.keys(": 'ns' space 'all' enter").rows(&["vision/eval", "ml/train", "ml/done"]);
}

#[test]
fn an_unknown_namespace_is_refused_with_near_names() {
    let told = story(small()).keys("2 : 'ns' space 'visoin' enter").rows(&["vision/eval", "ml/train", "ml/done"]);
    told.says("no namespace \"visoin\" is known; did you mean vision?").severity(Severity::Error);
}

#[test]
fn commands_lead_to_an_object_by_name_from_anywhere() {
    story(small()).keys("6 : 'node' space 'gpu-a' enter").screen(Screen::Fleet).selected("Node gpu-a");
    story(small()).keys(": 'pod' space 'ml/train-1' enter").screen(Screen::Pods).selected("Pod ml/train-1");
    story(small()).keys(": 'pod' space 'dns' enter").selected("Pod kube-system/dns");
    story(small()).keys("3 : 'job' space 'eva' enter").screen(Screen::Jobs).selected("Job vision/eval");
    let told = story(small()).keys(": 'pod' space 'train' enter").rows(&["ml/train-2", "ml/train-0", "ml/train-1"]);
    told.says("3 pods have train in their names");
    let told = story(small()).keys("2 : 'node' space 'gpu-b' enter").screen(Screen::Fleet).selected("Node gpu-broken");
    told.keys(": 'node' space 'gpx-a' enter")
        .says("no Node \"gpx-a\" is known; did you mean gpu-a")
        .severity(Severity::Error);
}

#[test]
fn an_object_is_shown_whatever_hid_it() {
    let told = story(small()).keys("3 / 'nothing' enter n 'vision' enter : 'pod' space 'dns' enter");
    told.selected("Pod kube-system/dns");
}

#[test]
fn tab_completes_the_names_of_objects() {
    let typed = |told: &Story| match &told.app.ui.overlay {
        Some(Overlay::Prompt(prompt)) => prompt.input.value().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(typed(&story(small()).keys(": 'node' space 'gpu-b' tab")), "node gpu-broken");
    assert_eq!(typed(&story(small()).keys(": 'pod' space 'vision/c' tab")), "pod vision/crash");
    assert_eq!(typed(&story(small()).keys(": 'job' space 't' tab")), "job train");
    assert_eq!(typed(&story(small()).keys("3 : '2' enter : up")), "2", "the line before");
}

#[test]
fn brackets_lead_back_and_forward_through_places() {
    let told = story(small()).keys("2 3 / 'dns' enter 4 [").screen(Screen::Pods).rows(&["kube-system/dns"]);
    let told = told.keys("[").screen(Screen::Jobs).keys("[").screen(Screen::Fleet);
    let told =
        told.keys("[").says("nothing to go back to").keys("] ]").screen(Screen::Pods).keys("]").screen(Screen::Pools);
    let told = told.keys("]").says("nothing to go forward to");
    let told = told.keys("[ 5 ]").says("nothing to go forward to").screen(Screen::Events);
    told.keys("1 G l [").screen(Screen::Fleet).selected("Node cpu-a").keys("]").screen(Screen::Pods);
}

#[test]
fn zero_shows_all_namespaces_and_a_key_without_use_says_so() {
    let told = story(small()).keys("3 n 'vision' enter").rows(&["vision/crash", "vision/leaving"]);
    assert_eq!(told.keys("0").says("all namespaces").app.ui.listing.rows.len(), 8);
    story(small()).keys("w").says("w does nothing here; ? shows the keys").severity(Severity::Info);
    story(small()).keys("esc").says_nothing();
}

#[test]
fn rows_are_sorted_by_the_title_of_a_column_and_by_one_key() {
    let sorted = |told: &Story| (told.app.ui.level.sort.column.name, told.app.ui.level.sort.reversed);
    assert_eq!(sorted(&story(small()).keys(": 'sort' space '$/h' enter")), ("cost", false));
    assert_eq!(sorted(&story(small()).keys("$")), ("cost", false));
    assert_eq!(sorted(&story(small()).keys("3 $ $")), ("cost", true));
    assert_eq!(sorted(&story(small()).keys("2 A")), ("age", false));
    story(small()).keys("5 v $").says("cannot be sorted by cost");
}

#[test]
fn unknown_commands_get_the_nearest_names() {
    story(small()).keys(": 'evnts' enter").says("no command \"evnts\"; did you mean events").severity(Severity::Error);
    story(small()).keys(": 'xyzzy' enter").says("no command \"xyzzy\"");
}

#[test]
fn actions_can_be_run_as_commands() {
    story(small()).keys(": 'help' enter").keys("esc : 'sort-reverse' enter").selected("Node cpu-a");
    story(small()).keys(": 'redraw' enter").asks(&["redraw"]);
    story(small()).keys(": 'quit' enter").asks(&["quit"]);
    story(small()).keys(": 'q' enter").asks(&["quit"]);
}

#[test]
fn an_empty_command_does_nothing_and_backspace_closes_the_prompt() {
    story(small()).keys(": enter").nothing_open().says_nothing().keys(": 'a' backspace backspace").nothing_open();
}

#[test]
fn sorting_by_an_unknown_column_lists_the_columns() {
    story(small())
        .keys(": 'sort' space 'colour' enter")
        .says("no column \"colour\" to sort by; there are attention, name, verdict, until, cost, pool");
}

fn line(story: &Story) -> String {
    match &story.app.ui.overlay {
        Some(Overlay::Prompt(prompt)) => prompt.input.value().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tab_completes_commands_and_their_arguments() {
    for (keys, want) in [
        (": 'sou' tab", "sources"),
        (": 'nodep' tab", "nodepool"),
        (": 'ct' tab", "ctx "),
        (": 'ctx' space 'prod' tab", "ctx prod-"),
        (": 'ctx' space 'prod-m' tab", "ctx prod-ml"),
        (": 'ns' space 'vi' tab", "ns vision"),
        (": 'po' space 'k' tab", "po kube-system"),
        (": 'sort' space 'ty' tab", "sort type"),
        (": 'zzz' tab", "zzz"),
    ] {
        assert_eq!(line(&story(small()).keys(keys)), want, "{keys}");
    }
}

#[test]
fn the_command_line_is_edited_as_in_a_shell() {
    assert_eq!(line(&story(small()).keys(": 'ctx' space 'lab' ctrl-w 'x' ctrl-a 'a' ctrl-e 'z'")), "actx xz");
    assert_eq!(line(&story(small()).keys(": 'abc' left left del ctrl-e 'é' backspace")), "ac");
    assert_eq!(line(&story(small()).keys(": 'abc' ctrl-u")), "");
}

#[test]
fn changing_the_context_forgets_everything_of_the_old_one() {
    let told = story(small()).keys("3 j space G l : 'ctx' space 'prod-web' enter").asks(&["connect prod-web #1"]);
    assert_eq!(told.app.cluster.context, "prod-web");
    assert!(told.app.fleet.pods.is_empty() && told.app.sources.is_empty() && told.app.ui.outer.is_empty());
    let mut told = told.marks(&[]).rows(&[]).says("connecting to prod-web");
    update(&mut told.app, Msg::Source(Epoch(0), upsert_pod(pod("old", "ghost", ""))));
    assert!(told.app.fleet.pods.is_empty(), "the old connection is still heard");
    told.told(vec![upsert_pod(pod("new", "one", ""))]).keys("3").rows(&["new/one"]);
}

#[test]
fn contexts_are_picked_from_a_list() {
    let told = story(small()).keys("c 'web' enter").asks(&["connect prod-web #1"]);
    told.told(vec![Report::Cluster(Box::new(facts()))]).keys("c up enter").asks(&["connect lab #2"]);
}

#[test]
fn a_picker_without_a_match_stays_open() {
    let told = story(small()).keys("c 'nowhere' enter").asks(&[]);
    assert!(matches!(told.app.ui.overlay, Some(Overlay::Picker(_))));
    told.keys("esc").nothing_open();
}

#[test]
fn an_unknown_context_is_not_connected() {
    story(small())
        .keys(": 'ctx' space 'prod-mll' enter")
        .asks(&[])
        .says("no context \"prod-mll\"; did you mean prod-ml?");
}

#[test]
fn letters_type_into_a_picker() {
    let told = story(small()).keys("n 'jqp'");
    assert!(matches!(&told.app.ui.overlay, Some(Overlay::Picker(picker)) if picker.input.value() == "jqp"));
}

#[test]
fn space_marks_a_row_moves_down_and_unmarks_a_marked_row() {
    let told =
        story(small()).keys("space space").marks(&["Node gpu-broken", "NodeClaim gpu-new"]).selected("Node gpu-a");
    told.keys("k space").marks(&["Node gpu-broken"]);
}

#[test]
fn all_listed_rows_are_marked_and_unmarked() {
    let told =
        story(small()).keys("3 / 'train' enter ctrl-a").marks(&["Pod ml/train-0", "Pod ml/train-1", "Pod ml/train-2"]);
    told.keys("ctrl-a").marks(&[]);
}

#[test]
fn marks_stay_under_a_filter_and_wait_on_their_screen() {
    let told = story(small()).keys("3 space / 'dns' enter").marks(&["Pod vision/crash"]);
    told.keys("2")
        .marks(&[])
        .keys("3")
        .marks(&["Pod vision/crash"])
        .keys("l")
        .marks(&[])
        .keys("h")
        .marks(&["Pod vision/crash"]);
}

#[test]
fn marks_of_rows_that_are_gone_are_dropped() {
    story(small()).keys("3 space").told(vec![crate::fixture::remove_pod("vision", "crash")]).marks(&[]);
}

#[test]
fn the_name_of_the_selected_row_is_copied() {
    story(small()).keys("3 Y").asks(&["copy crash"]).says("copied crash");
}

#[test]
fn the_terminal_can_be_redrawn_and_suspended() {
    story(small()).keys("ctrl-l ctrl-z").asks(&["redraw", "suspend"]);
    story(small()).keys("? ctrl-l").asks(&["redraw"]);
}

#[test]
fn an_unfinished_key_sequence_is_discarded() {
    story(small())
        .keys("g j")
        .selected("NodeClaim gpu-new")
        .keys("G g esc")
        .selected("Node cpu-a")
        .keys("g g")
        .selected("Node gpu-broken");
}

#[test]
fn a_notice_disappears_after_ten_seconds() {
    story(small()).keys("S").says("sorted by name").seconds(9).says("sorted by name").seconds(1).says_nothing();
}

#[test]
fn errors_stay_until_a_key_is_pressed() {
    let told = story(small()).keys(": 'xyzzy' enter").seconds(600).says("xyzzy");
    told.keys("j").says_nothing();
}

#[test]
fn a_key_pressed_right_after_an_error_does_not_hide_it() {
    story(small()).keys(": 'xyzzy' enter j").says("xyzzy");
}

#[test]
fn an_answer_from_the_cluster_ends_the_connection_down_state() {
    let down = ConnectionError { message: "refused".to_owned(), hint: "start it".to_owned(), exit_code: 3 };
    let told = story(small()).told(vec![Report::Down(down)]);
    assert!(told.app.down.is_some());
    assert!(told.told(vec![health(Kind::Node, HealthState::Live)]).app.down.is_none());
}

#[test]
fn drilling_into_a_job_sets_its_scope() {
    let told = story(small()).keys("2 j l");
    assert_eq!(told.app.ui.level.scope, Some(Scope::Job(ObjectKey::new("ml", "train"))));
    assert_eq!(told.app.ui.outer.len(), 1);
}
