//! Saving what is shown to a file.

use batchtop::app::{ExistingFile, Fetched, Msg, Overlay, SaveDialog, SaveFailure, SaveFormat, Severity};
use batchtop::fleet::{Key, Kind, ObjectKey};
use batchtop::{export, view};

use crate::dsl::{Story, story};
use crate::fixture::small;

fn dialog(told: &Story) -> &SaveDialog {
    match &told.app.ui.overlay {
        Some(Overlay::Save(dialog)) => dialog,
        other => panic!("no dialog but {other:?}"),
    }
}

fn saved(mut told: Story, path: &str, result: Result<String, SaveFailure>) -> Story {
    told.send(Msg::Saved { format: SaveFormat::Csv, path: path.to_owned(), result });
    told
}

#[test]
fn a_table_is_saved_with_two_keys_under_a_name_that_tells_what_it_is() {
    let told = story(small()).keys("E enter");
    told.asks(&["save batchtop-fleet-2026-11-21T120000Z.txt, what is there: Kept"]).nothing_open();
    let told = story(small()).keys("3 E right");
    assert_eq!(dialog(&told).format(), SaveFormat::Csv);
    let told = told.keys("enter").asks(&["save batchtop-pods-2026-11-21T120000Z.csv, what is there: Kept"]);
    saved(told, "x.csv", Ok("/home/jane/x.csv".to_owned())).says("saved /home/jane/x.csv").severity(Severity::Info);
}

#[test]
fn a_name_of_ones_own_is_typed_and_an_empty_one_is_refused() {
    let told = story(small()).keys("E ctrl-u enter").asks(&[]);
    assert_eq!(dialog(&told).error.as_deref(), Some("type the name of a file"));
    told.keys("'rows' enter").asks(&["save rows, what is there: Kept"]);
    story(small()).keys("E esc").asks(&[]).nothing_open();
}

#[test]
fn a_file_that_is_there_is_replaced_only_after_a_second_enter() {
    let told = saved(story(small()).keys("E ctrl-u 'x.csv' enter"), "x.csv", Err(SaveFailure::Exists));
    assert!(dialog(&told).error.as_deref().is_some_and(|error| error.contains("enter replaces it")));
    told.keys("enter").asks(&["save x.csv, what is there: Replaced"]);
    let told = saved(story(small()), "x.csv", Err(SaveFailure::Exists)).keys("backspace");
    assert_eq!(dialog(&told).existing, ExistingFile::Kept, "of another name nothing was said");
    let told = saved(story(small()), "x.csv", Err(SaveFailure::Exists)).keys("right");
    assert_eq!(dialog(&told).existing, ExistingFile::Kept, "nor of another form");
    let failed = Err(SaveFailure::Failed("Permission denied (os error 13)".to_owned()));
    saved(story(small()), "x.csv", failed).says("x.csv was not saved: Permission denied").severity(Severity::Error);
}

#[test]
fn rows_that_are_no_objects_have_no_json() {
    assert!(!dialog(&story(small()).keys("6 E")).formats.contains(&SaveFormat::Json));
    assert!(dialog(&story(small()).keys("1 E")).formats.contains(&SaveFormat::Json));
}

#[test]
fn every_row_and_column_is_saved_whatever_the_screen_shows() {
    let mut told = story(small()).keys("3");
    told.send(Msg::Resize { width: 40, height: 10 });
    let text = view::table_text(&told.app).unwrap();
    assert_eq!(text.lines().count(), told.app.ui.listing.rows.len() + 1);
    assert!(text.contains("train-0") && text.contains("leaving"), "{text}");
    let csv = view::table_csv(&told.app).unwrap();
    let columns = |line: &str| line.matches(',').count();
    let first = csv.lines().next().unwrap();
    assert!(first.starts_with("NAME,NS,") && columns(first) > 8, "{first}");
    assert!(csv.ends_with("\r\n"));
}

#[test]
fn the_json_of_the_rows_is_that_of_the_snapshot() {
    for (keys, array, name) in [("3 / 'train-1' enter", "pods", "train-1"), ("2 / 'eval' enter", "jobs", "eval")] {
        let told = story(small()).keys(keys);
        let rows = export::rows(&told.app);
        let document = serde_json::to_value(export::snapshot(&told.app, export::GpuDetail::Sums)).unwrap();
        assert_eq!(rows.len(), 1, "{keys}");
        assert_eq!(rows[0]["name"], name);
        assert!(document[array].as_array().unwrap().contains(&rows[0]));
    }
    let told = story(small()).keys("1");
    assert_eq!(export::rows(&told.app).len(), told.app.ui.listing.rows.len(), "nodes and claims");
    let told = story(small()).keys("5 V");
    assert_eq!(export::rows(&told.app).len(), told.app.ui.listing.rows.len(), "events");
}

#[test]
fn an_object_is_read_in_the_editor_with_one_key_once_it_is_fetched() {
    let key = Key::new(Kind::Pod, ObjectKey::new("ml", "train-0"));
    let fetched = |mut told: Story, result| {
        let epoch = told.app.epoch;
        told.send(Msg::Fetched { epoch, key: key.clone(), result });
        told
    };
    let yaml = || Ok(Fetched { yaml: "kind: Pod\n".to_owned(), ..Fetched::default() });
    let asked = || story(small()).keys("3 / 'train-0' enter e").asks(&["fetch Pod ml/train-0"]);
    fetched(asked(), yaml()).asks(&["edit Pod-train-0: kind: Pod\n"]);
    fetched(asked(), Err("it is gone".to_owned())).asks(&[]).says("Pod ml/train-0 cannot be shown: it is gone");
    let opened = fetched(story(small()).keys("3 / 'train-0' enter enter"), yaml()).asks(&[]);
    opened.keys("e").asks(&["edit Pod-train-0: kind: Pod\n"]);
    fetched(asked().keys("enter"), yaml()).asks(&[]);
    story(small()).keys("6 e").asks(&[]).says("this row is no object");
}
