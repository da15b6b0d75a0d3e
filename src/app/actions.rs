//! What an action does in the layer that is on top.

use super::effects::Effects;
use super::{
    App, Effect, Overlay, Screen, UseOfRows, desk_key, detail, log_keys, logs, navigate, owners, picker, prompt, save,
    sort_picker, texts, views, write,
};
use crate::input::Action;

/// Does an action in the layer that is on top.
pub fn act(app: &mut App, action: Action, effects: &mut Effects) {
    match action {
        Action::Redraw => return effects.push(Effect::Redraw),
        Action::Suspend => return effects.push(Effect::Suspend),
        _ => {}
    }
    match app.ui.overlay {
        Some(Overlay::Picker(_)) => picker::act(app, action, effects),
        Some(Overlay::Write(_)) => write::act(app, action, effects),
        Some(Overlay::Save(_)) => save::act(app, action, effects),
        Some(Overlay::Sort(_)) => sort_picker::act(app, action),
        Some(Overlay::Owners(_)) => owners::act(app, action, effects),
        Some(_) => act_on_text(app, action, effects),
        None if app.ui.log.is_some() => act_on_log(app, action, effects),
        None if app.ui.level.detail.is_some() => act_on_detail(app, action, effects),
        None => act_on_table(app, action, effects),
    }
}

/// Help, sources and results.
fn act_on_text(app: &mut App, action: Action, effects: &mut Effects) {
    if detail::scroll(app, action) {
        return;
    }
    let closes_only = matches!(action, Action::Back | Action::Open | Action::Quit)
        || matches!((&app.ui.overlay, action), (Some(Overlay::Help { .. }), Action::Help))
        || matches!((&app.ui.overlay, action), (Some(Overlay::Sources { .. }), Action::Sources));
    if closes_only {
        app.ui.overlay = None;
        return;
    }
    match action {
        Action::Help | Action::Sources | Action::Findings | Action::Command => act_anywhere(app, action, effects),
        _ if screen_of(app, action).is_some() => {
            app.ui.overlay = None;
            act_anywhere(app, action, effects);
        }
        _ => {}
    }
}

/// A log is left for a screen, and stays below help and a command.
fn act_on_log(app: &mut App, action: Action, effects: &mut Effects) {
    if log_keys::act(app, action, effects) {
        return;
    }
    match action {
        Action::Help | Action::Command | Action::Sources => act_anywhere(app, action, effects),
        _ if action == Action::Findings || screen_of(app, action).is_some() => {
            logs::close(app);
            act_anywhere(app, action, effects);
        }
        _ => {}
    }
}

fn act_on_detail(app: &mut App, action: Action, effects: &mut Effects) {
    if detail::scroll(app, action) {
        return;
    }
    match action {
        Action::Back | Action::Quit => detail::close(app),
        Action::Yaml => detail::toggle_yaml(app),
        Action::Into => {
            detail::close(app);
            navigate::into(app);
        }
        _ if is_for_rows(action) => {}
        _ => act_anywhere(app, action, effects),
    }
}

/// What only makes sense where rows are seen.
const fn is_for_rows(action: Action) -> bool {
    use Action::{
        Filter, Held, Left, Mark, MarkAll, NextGrouping, NextView, Open, PreviousGrouping, PreviousView, Right, Sort,
        SortAge, SortBack, SortDollars, SortNext, SortReverse,
    };
    let is_of_order = matches!(action, Sort | SortNext | SortBack | SortReverse | SortDollars | SortAge);
    let is_of_view = matches!(action, NextView | PreviousView | NextGrouping | PreviousGrouping);
    is_of_view || is_of_order || matches!(action, Open | Left | Right | Mark | MarkAll | Filter | Held)
}

fn act_on_table(app: &mut App, action: Action, effects: &mut Effects) {
    match action {
        Action::Open if app.ui.level.table().use_of_rows == UseOfRows::Enter => navigate::into(app),
        Action::Open => detail::open(app, effects),
        Action::NextView => views::by_neighbour(app, 1),
        Action::PreviousView => views::by_neighbour(app, -1),
        Action::NextGrouping => views::group_by_neighbour(app, 1),
        Action::PreviousGrouping => views::group_by_neighbour(app, -1),
        Action::Back => navigate::back(app),
        Action::Into => navigate::into(app),
        Action::Up => navigate::rows(app, -1),
        Action::Down => navigate::rows(app, 1),
        Action::PageUp => navigate::pages(app, -1),
        Action::PageDown => navigate::pages(app, 1),
        Action::Top => navigate::top(app),
        Action::Bottom => navigate::bottom(app),
        Action::Mark => navigate::mark(app),
        Action::MarkAll => navigate::mark_all(app),
        Action::Filter => prompt::filter(app),
        Action::Sort => sort_picker::open(app),
        Action::Save => save::open(app),
        Action::SortNext => views::sort_by_neighbour(app, 1),
        Action::SortBack => views::sort_by_neighbour(app, -1),
        Action::SortReverse => views::reverse(app),
        Action::SortDollars => views::sort_by_name(app, "cost"),
        Action::SortAge => views::sort_by_name(app, "age"),
        Action::Yaml => detail::open_yaml(app, effects),
        Action::Quit => navigate::quit(app, effects),
        _ => act_anywhere(app, action, effects),
    }
}

/// What means the same in the table and in the details.
fn act_anywhere(app: &mut App, action: Action, effects: &mut Effects) {
    match action {
        Action::Protect => write::protect(app),
        Action::Unprotect => write::unprotect(app),
        Action::Undo => write::undo(app),
        Action::Evict => write::evict(app),
        Action::Cordon => write::cordon(app),
        Action::CopyDrain => owners::copy_drain(app, effects),
        Action::Owners => owners::open(app),
        Action::Command => prompt::command(app),
        Action::Held => navigate::held(app),
        Action::Namespaces => picker::namespaces(app),
        Action::AllNamespaces => picker::choose_namespace(app, picker::ALL_NAMESPACES),
        Action::GoBack => navigate::go_back(app),
        Action::GoForward => navigate::go_forward(app),
        Action::Contexts => picker::contexts(app),
        Action::Copy => navigate::copy(app, effects),
        Action::Sources => texts::sources(app),
        Action::Findings => desk_key::toggle(app),
        Action::Help => texts::help(app),
        Action::Edit => detail::edit(app, effects),
        Action::Logs => log_keys::open(app, effects),
        _ => {
            if let Some(screen) = screen_of(app, action) {
                navigate::show(app, screen);
            }
        }
    }
}

/// The screen that an action leads to.
fn screen_of(app: &App, action: Action) -> Option<Screen> {
    match action {
        Action::NextScreen => Some(navigate::neighbour(app, 1)),
        Action::PreviousScreen => Some(navigate::neighbour(app, -1)),
        _ => Screen::of_action(action),
    }
}
