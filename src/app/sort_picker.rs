//! The columns of the table that rows can be sorted by, each with a letter.

use super::{App, Column, Overlay, Sort, scroll, views};
use crate::input::{Action, Chord};

/// A column with the letter that chooses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SortChoice {
    /// A letter of its own; `None` where there are more columns than letters.
    pub letter: Option<char>,
    /// The column.
    pub column: &'static Column,
}

/// The list of columns to sort by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SortPicker {
    /// The columns, in their order.
    pub choices: Vec<SortChoice>,
    /// Index of the selected one.
    pub selected: usize,
}

impl SortPicker {
    fn of(columns: &[&'static Column], sort: Sort) -> Self {
        let selected = columns.iter().position(|column| *column == sort.column).unwrap_or(0);
        let mut choices: Vec<SortChoice> = Vec::new();
        for column in columns {
            let letter = letter(column.name, &choices);
            choices.push(SortChoice { letter, column });
        }
        Self { choices, selected }
    }
}

/// The first letter of a name that no other column has, else any that none has.
fn letter(name: &str, taken: &[SortChoice]) -> Option<char> {
    let is_free = |letter: &char| !taken.iter().any(|choice| choice.letter == Some(*letter));
    let of_name = name.chars().filter(char::is_ascii_lowercase);
    of_name.chain('a'..='z').find(is_free)
}

/// Opens the list of columns.
pub fn open(app: &mut App) {
    let picker = SortPicker::of(&views::sortable(app), app.ui.level.sort);
    app.ui.overlay = Some(Overlay::Sort(picker));
}

/// A letter that chooses a column.
pub fn types(app: &mut App, chord: Chord) -> bool {
    let Some(Overlay::Sort(picker)) = &app.ui.overlay else { return false };
    let Some(typed) = chord.typed() else { return false };
    let chosen = picker.choices.iter().find(|choice| choice.letter == Some(typed)).map(|choice| choice.column);
    if let Some(column) = chosen {
        choose(app, column);
    }
    chosen.is_some()
}

/// An action while the columns are listed.
pub fn act(app: &mut App, action: Action) {
    let page = app.ui.page_rows;
    let Some(Overlay::Sort(picker)) = &mut app.ui.overlay else { return };
    match action {
        Action::Back | Action::Quit => app.ui.overlay = None,
        Action::Open => {
            if let Some(choice) = picker.choices.get(picker.selected).copied() {
                choose(app, choice.column);
            }
        }
        action => {
            let last = picker.choices.len().saturating_sub(1);
            picker.selected = scroll::moved(picker.selected, action, last, page);
        }
    }
}

fn choose(app: &mut App, column: &'static Column) {
    app.ui.overlay = None;
    views::sort_by_or_reverse(app, column);
}

#[cfg(test)]
mod tests {
    use super::super::Screen;
    use super::*;

    #[test]
    fn every_column_of_every_table_has_a_letter_of_its_own() {
        let tables = Screen::ALL.into_iter().flat_map(|screen| screen.spec().tables());
        for table in tables {
            let columns: Vec<&'static Column> = table.sortable().collect();
            let picker = SortPicker::of(&columns, Sort { column: table.first_column(), reversed: false });
            let mut letters: Vec<char> = picker.choices.iter().filter_map(|choice| choice.letter).collect();
            assert_eq!(letters.len(), columns.len(), "{}", table.name);
            letters.sort_unstable();
            letters.dedup();
            assert_eq!(letters.len(), columns.len(), "{}", table.name);
        }
    }
}
