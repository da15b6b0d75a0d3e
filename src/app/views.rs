//! From one way of looking at the rows of a screen to another.

use super::screens::View;
use super::{App, Effect, listing, navigate, notice};

/// The view after or before the present one, around the ends.
pub fn by_neighbour(app: &mut App, by: isize) -> Vec<Effect> {
    let level = &app.ui.level;
    let spec = level.screen.spec();
    if spec.views.len() < 2 {
        return notice::info(app, format!("there is one view of {}", spec.title));
    }
    let views: Vec<&'static View> = spec.views.iter().collect();
    let view = navigate::neighbour_in(&views, level.view, by);
    show(app, view)
}

/// Shows the rows of the level in another view. An order that the user has chosen stays.
pub fn show(app: &mut App, view: &'static View) -> Vec<Effect> {
    let level = &mut app.ui.level;
    let spec = level.screen.spec();
    if level.sort == spec.first_sort(level.view) {
        level.sort = spec.first_sort(view);
    }
    if level.view.grouping != view.grouping {
        (level.selected, level.offset) = (None, 0);
        app.ui.listing.cursor = 0;
    }
    app.ui.level.view = view;
    listing::refresh(app);
    notice::info(app, words(view))
}

fn words(view: &View) -> String {
    match view.grouping {
        Some(dimension) => format!("dollars by {}", dimension.name()),
        None => format!("{}: {}", view.name, view.help),
    }
}
