//! Texts that lie over the table: help, sources, results.

use super::{App, Overlay, Scroll, notice};

/// Opens the help about keys, columns and filters of the shown screen.
pub fn help(app: &mut App) {
    open(app, Overlay::Help { scroll: Scroll::default() });
}

/// Opens the list of Sources.
pub fn sources(app: &mut App) {
    open(app, Overlay::Sources { scroll: Scroll::default() });
}

/// Opens what became of the newest write.
pub fn results(app: &mut App) {
    match app.ui.writes.last().map(|write| write.id) {
        Some(write) => open(app, Overlay::Results { write, scroll: Scroll::default() }),
        None => notice::info(app, "nothing has been written yet"),
    }
}

fn open(app: &mut App, overlay: Overlay) {
    app.ui.overlay = Some(overlay);
}
