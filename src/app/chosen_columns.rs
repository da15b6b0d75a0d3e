//! The columns that the user wants on a screen, in their order, those of labels among them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::rank::Rank;
use super::rows::RowRef;
use super::{App, Column, Screen, TableSpec};
use crate::config::{
    ColumnNames, Effective, PlacedSetting, Problem, SETTINGS, Setting, SettingKind, SettingValue, Settings,
};
use crate::units::spelling::suggestions;

/// Most keys of labels that have columns: each is a column definition of its own.
pub const MOST_LABELS: usize = 8;

/// What the name of a column of a label begins with: `label:team`.
const LABEL: &str = "label:";

/// What the name of a setting that chooses columns begins with: `columns.fleet`.
const SETTING: &str = "columns.";

/// The columns of the screens for which the user chose some.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChosenColumns {
    of: BTreeMap<Screen, Vec<&'static Column>>,
    /// Keys of labels, in the order of [`LABELS`].
    labels: Vec<String>,
}

/// Columns of labels; which label each shows is chosen by the user.
static LABELS: [Column; MOST_LABELS] = [
    of_label(label_rank::<0>),
    of_label(label_rank::<1>),
    of_label(label_rank::<2>),
    of_label(label_rank::<3>),
    of_label(label_rank::<4>),
    of_label(label_rank::<5>),
    of_label(label_rank::<6>),
    of_label(label_rank::<7>),
];

const fn of_label(rank: super::screens::RowRank) -> Column {
    Column::left("label", "", 4, (6, 14, 30), "value of the label").ranked(rank)
}

fn label_rank<'a, const AT: usize>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    let key = app.settings.columns.labels.get(AT);
    Rank::text(key.and_then(|key| row.label(key)))
}

/// The screens of whose rows labels are kept.
const fn has_labels(screen: Screen) -> bool {
    matches!(screen, Screen::Fleet | Screen::Jobs | Screen::Pods)
}

impl ChosenColumns {
    /// What the settings in force choose. What is wrong is left out, see [`mistakes_in_columns`].
    pub fn in_force(settings: &Effective) -> Self {
        let mut chosen = Self::default();
        for setting in of_columns() {
            let names = settings.names(setting);
            if let Some(screen) = screen_of(setting.key).filter(|_| !names.is_empty()) {
                let columns = names.iter().filter_map(|name| chosen.column(screen, name)).collect();
                chosen.of.insert(screen, columns);
            }
        }
        chosen
    }

    /// The column of a name; a label that had none gets one, while there are some left.
    fn column(&mut self, screen: Screen, name: &str) -> Option<&'static Column> {
        let Some(key) = name.strip_prefix(LABEL) else { return own(screen).find(|column| column.name == name) };
        if !has_labels(screen) || key.is_empty() {
            return None;
        }
        let at = self.labels.iter().position(|known| known == key).unwrap_or(self.labels.len());
        let column = LABELS.get(at)?;
        if at == self.labels.len() {
            self.labels.push(key.to_owned());
        }
        Some(column)
    }

    /// The columns of a table, in their order, where the user chose some; those of the views with rows of their own stay as they
    /// are.
    pub fn of_table(&self, screen: Screen, table: &TableSpec) -> Option<&[&'static Column]> {
        self.of.get(&screen).filter(|_| *table == screen.spec().table).map(Vec::as_slice)
    }

    /// The label that a column shows; `None` for another column.
    pub fn label(&self, column: &Column) -> Option<&str> {
        LABELS.iter().position(|of_label| of_label == column).and_then(|at| self.labels.get(at)).map(String::as_str)
    }

    /// The name of a column, as it is typed.
    pub fn name_of(&self, column: &Column) -> Cow<'static, str> {
        match self.label(column) {
            Some(key) => Cow::Owned(format!("{LABEL}{key}")),
            None => Cow::Borrowed(column.name),
        }
    }

    /// The columns of labels that a table shows.
    pub fn labels_of<'c>(&'c self, screen: Screen, table: &TableSpec) -> impl Iterator<Item = &'static Column> + 'c {
        let chosen = self.of_table(screen, table).unwrap_or_default();
        chosen.iter().copied().filter(|column| self.label(column).is_some())
    }
}

/// The columns of a screen that can be chosen.
fn own(screen: Screen) -> impl Iterator<Item = &'static Column> {
    screen.spec().table.columns.iter().copied().filter(|column| column.is_shown())
}

/// The screen that a setting names by the first of its names.
fn screen_of(name: &str) -> Option<Screen> {
    let name = name.strip_prefix(SETTING).unwrap_or(name);
    Screen::ALL.into_iter().find(|screen| screen.spec().aliases.first() == Some(&name))
}

/// The columns that can be chosen for a screen, by the name of the screen or of its setting, in the order in which they are
/// defined.
pub fn column_names(screen: &str) -> ColumnNames {
    let Some(screen) = screen_of(screen) else { return ColumnNames::default() };
    ColumnNames { names: own(screen).map(|column| column.name).collect(), has_labels: has_labels(screen) }
}

/// The settings that choose columns.
fn of_columns() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().copied().filter(|setting| setting.kind == SettingKind::Columns)
}

/// Columns in a file that do not exist, or cannot be shown.
pub fn mistakes_in_columns(settings: &Settings) -> Vec<Problem> {
    of_columns().flat_map(|of| settings.all(of).filter_map(move |set| mistake_in(of, set))).collect()
}

fn mistake_in(setting: &'static Setting, set: &PlacedSetting) -> Option<Problem> {
    let SettingValue::Names(names) = &set.value else { return None };
    let (at, message) = mistake_in_columns(setting.key, names)?;
    let place = set.items.get(at).unwrap_or(&set.place).clone();
    Some(Problem { place, key: set.path.clone(), message })
}

/// What is wrong with the first of some columns of a screen that is wrong, and its place among them.
pub fn mistake_in_columns(screen: &str, columns: &[String]) -> Option<(usize, String)> {
    let labels = columns.iter().filter(|name| name.starts_with(LABEL)).count();
    let of_each = |(at, name): (usize, &String)| Some((at, mistake_of(screen, columns.get(..at)?, name)?));
    let too_many =
        || (labels > MOST_LABELS).then(|| (0, format!("has {labels} labels; at most {MOST_LABELS} have columns")));
    columns.iter().enumerate().find_map(of_each).or_else(too_many)
}

fn mistake_of(screen: &str, before: &[String], name: &str) -> Option<String> {
    if before.iter().any(|other| other == name) {
        return Some(format!("\"{name}\" is there twice"));
    }
    if let Some(key) = name.strip_prefix(LABEL) {
        return match key {
            _ if !column_names(screen).has_labels => {
                Some(format!("\"{name}\": its rows have no labels; fleet, jobs and pods do"))
            }
            "" => Some("\"label:\" wants the key of a label, as in label:team".to_owned()),
            _ => None,
        };
    }
    let ColumnNames { names: known, has_labels } = column_names(screen);
    if known.contains(&name) {
        return None;
    }
    let near = suggestions(name, known.iter().copied());
    let near = near.first().map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
    let labels = if has_labels { ", label:KEY" } else { "" };
    Some(format!("no such column: \"{name}\"; {near}allowed: {}{labels}", known.join(", ")))
}
