//! Choosing the column to sort by.

use batchtop::app::{Msg, Overlay};
use batchtop::view;

use crate::dsl::{Story, story};
use crate::fixture::small;

/// The keys to a column of this name: `s`, and its letter.
fn letter(told: &Story, name: &str) -> String {
    let Some(Overlay::Sort(picker)) = &told.app.ui.overlay else { panic!("no columns") };
    let choice = picker.choices.iter().find(|choice| choice.column.name == name).unwrap();
    choice.letter.unwrap().to_string()
}

fn titles(told: &Story) -> Vec<String> {
    let view::Body::Table(table) = view::derive(&told.app).body else { return Vec::new() };
    table.columns.iter().map(|column| column.title.text()).collect()
}

#[test]
fn a_column_is_chosen_by_its_letter_and_turned_around_by_the_same_again() {
    let told = story(small()).keys("3 s");
    let key = letter(&told, "restarts");
    let told = told.keys(&key).nothing_open().says("sorted by restarts");
    assert!(!told.app.ui.level.sort.reversed);
    let told = told.keys("s").keys(&key).nothing_open();
    assert!(told.app.ui.level.sort.reversed);
    let told = told.keys("s");
    let overlay = view::derive(&told.app).overlay.unwrap();
    let shown: Vec<String> = overlay.lines.iter().map(view::Line::text).collect();
    assert!(shown.iter().any(|line| line.contains("restarts") && line.contains('↑')), "{shown:?}");
    told.keys("esc").nothing_open();
}

#[test]
fn a_column_is_chosen_with_arrows_and_enter() {
    let told = story(small()).keys("3 s down enter").nothing_open().says("sorted by");
    assert_ne!(told.app.ui.level.sort.column, told.app.ui.level.table().first_column());
}

#[test]
fn the_column_that_rows_are_sorted_by_is_always_shown() {
    for (width, screen) in [(40, "3"), (80, "1"), (80, "2"), (80, "3"), (60, "2")] {
        let mut told = story(small());
        told.send(Msg::Resize { width, height: 24 });
        let told = told.keys(screen);
        let columns: Vec<_> = told.app.ui.level.table().sortable().filter(|column| column.is_shown()).collect();
        for column in columns.into_iter().filter(|column| !column.title.is_empty()) {
            let mut told = story(small()).keys(screen).keys(&format!(": 'sort' space '{}' enter", column.name));
            let mut is_shown = |width| {
                told.send(Msg::Resize { width, height: 24 });
                titles(&told).iter().any(|title| title.ends_with('↓'))
            };
            // A column that the view does not have is not there however wide the terminal is.
            assert_eq!(is_shown(width), is_shown(400), "{width} {}", column.name);
        }
    }
}
