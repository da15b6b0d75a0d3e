//! Help: every action with its keys, generated from the keymap, and what the glyphs mean.

use super::super::context::FrameContext;
use super::super::panel::Sheet;
use super::super::{Line, TableView, text, words};
use crate::app::{Column, Screen, TableSpec, View};
use crate::config::Role;
use crate::input::{Action, Context, spell};

const TITLE: &str = " help ";

/// Text of the help about the shown screen.
pub(super) fn sheet(frame: &FrameContext<'_>) -> Sheet {
    let keys: Vec<(Action, String)> =
        Action::ALL.iter().filter_map(|action| Some((*action, keys(frame, *action)?))).collect();
    let widest = keys.iter().map(|(_, keys)| text::width(keys)).max().unwrap_or(0).min(24);
    let mut sheet = Sheet::new(Line::of(Role::Title, TITLE));
    sheet.indent = widest + 2;
    sheet.hint = super::hint(frame, Context::Text, &[(Action::Back, "close"), (Action::PageDown, "page")]);
    sheet.lines.extend(keys.iter().map(|(action, keys)| entry(*action, keys, widest)));
    sheet.lines.extend(unbound(frame));
    sheet.lines.extend(filters(widest));
    sheet.lines.extend(legend(widest));
    sheet.lines.extend(views(frame, widest));
    sheet.lines.extend(columns(frame.table_view(), frame.app.ui.level.table(), widest));
    sheet
}

fn entry(action: Action, keys: &str, widest: usize) -> Line {
    let gap = " ".repeat(widest.saturating_sub(text::width(keys)) + 2);
    Line::of(Role::Key, keys).and(Role::Text, gap).and(Role::Text, action.description())
}

/// All keys of an action, whatever the context; `None` where there are none.
fn keys(frame: &FrameContext<'_>, action: Action) -> Option<String> {
    let mut keys: Vec<String> = Vec::new();
    for binding in frame.app.settings.keymap.bindings().iter().filter(|binding| binding.action == action) {
        let chords = spell(&binding.chords);
        if !keys.contains(&chords) {
            keys.push(chords);
        }
    }
    (!keys.is_empty()).then(|| keys.join(", "))
}

/// Actions that can only be typed.
fn unbound(frame: &FrameContext<'_>) -> Option<Line> {
    let names: Vec<&str> = Action::ALL
        .iter()
        .filter(|action| keys(frame, **action).is_none() && !(frame.app.settings.readonly && action.writes()))
        .map(|action| action.name())
        .collect();
    (!names.is_empty()).then(|| Line::of(Role::TextDim, format!("without a key, after : — {}", names.join(", "))))
}

/// What a filter can ask of each table.
fn filters(widest: usize) -> Vec<Line> {
    let entry = |label: &str, words: String| {
        let gap = " ".repeat(widest.saturating_sub(text::width(label)) + 2);
        Line::of(Role::Key, label).and(Role::Text, gap).and(Role::TextDim, words)
    };
    let of_table = |table: &TableSpec| entry(table.name, crate::app::filter_words(table).join(" "));
    let tables = Screen::ALL.into_iter().flat_map(|screen| screen.spec().tables());
    let how = "filters: text, word:text, word:yes or no, all of which a row meets; ! in front negates";
    let about = Line::of(Role::TextDim, how);
    [Line::new(), about].into_iter().chain(tables.map(of_table)).collect()
}

/// The ways of looking at the rows of a screen.
fn views(frame: &FrameContext<'_>, widest: usize) -> Vec<Line> {
    let spec = frame.app.ui.level.screen.spec();
    let entry = |view: &View| {
        let label = format!("{:<widest$}  ", view.name);
        Line::of(Role::Key, label).and(Role::Text, view.help)
    };
    let about = Line::of(Role::TextDim, format!("views of {}", spec.title));
    [Line::new(), about].into_iter().chain(spec.views_offered(frame.app).into_iter().map(entry)).collect()
}

/// What the columns of a table show, and by which names it can be sorted.
fn columns(look: &TableView, table: &TableSpec, widest: usize) -> Vec<Line> {
    let label = |column: &Column| {
        let title = if column.title.is_empty() { column.name } else { column.title };
        format!("{title:<widest$}  ")
    };
    let order = |column: &Column| if column.is_sortable() { format!("  :sort {}", column.name) } else { String::new() };
    let entry = |column: &Column| {
        Line::of(Role::Key, label(column)).and(Role::Text, column.help).and(Role::TextDim, order(column))
    };
    let orders = table.columns.iter().copied().filter(|column| !column.is_shown());
    let all = (look.columns)().into_iter().chain(orders);
    let about = Line::of(Role::TextDim, format!("columns and orders of {}", table.name));
    [Line::new(), about].into_iter().chain(all.map(entry)).collect()
}

/// What the glyphs in front of states mean.
const LEGEND: [(&str, &str); 19] = [
    ("▣", "held: annotations or PodDisruptionBudgets keep Karpenter off"),
    (words::WILL_NOT_HOLD, "held, but something ends it within a day"),
    (words::WILL_NOT_HOLD_LATER, "held, but something ends it before that"),
    ("◧", "a pod's protection that ends at a known time"),
    ("□", "an annotation that is over or ignored"),
    ("○", "Karpenter may take the node"),
    ("◇", "kept for now by how its NodePool is set up"),
    ("!", "not ready, or taken back by the cloud; behind a time: something comes first"),
    ("·", "not managed by Karpenter"),
    ("◌", "starting, pending"),
    ("●", "running, ready, live"),
    ("◐", "running, not all containers ready"),
    ("↓", "being disrupted or deleted"),
    ("✗", "failed, terminating"),
    ("✓", "finished well"),
    ("‖ ≡", "suspended; waiting in a queue"),
    ("… ?", "not known yet; not known"),
    ("◑ ⊘", "stale; forbidden"),
    ("# + .", "budgets of the next 24 h: disruption allowed, in part, not at all"),
];

fn legend(widest: usize) -> Vec<Line> {
    let entry = |(glyph, meaning): &(&str, &str)| {
        let gap = " ".repeat(widest.saturating_sub(text::width(glyph)) + 2);
        Line::of(Role::TextStrong, glyph).and(Role::Text, gap).and(Role::TextDim, meaning)
    };
    [Line::new()].into_iter().chain(LEGEND.iter().map(entry)).collect()
}
