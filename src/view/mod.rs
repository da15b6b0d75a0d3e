//! From the [`App`] to the [`Screen`]: what is to be seen, as plain data.
//!
//! [`derive()`] is a pure function. It chooses the visible rows, the columns that fit and their widths, writes every number
//! as text, cleans every text that comes from a cluster, and gives each piece a [`Role`]. Drawing
//! has nothing left to decide.

mod banner;
mod body;
mod burn_plot;
mod columns;
mod context;
mod cost;
mod desk;
mod detail;
mod device_groups;
mod devices;
mod event_density;
mod events;
mod fleet;
mod footer;
mod format;
mod gpu_map;
mod header;
mod health;
mod histogram;
mod incidents;
mod jobs;
mod layout;
mod life_line;
mod log;
mod money;
mod next_commands;
mod overlay;
mod panel;
mod plain_table;
mod pods;
mod pools;
pub(crate) mod score;
mod screen;
mod sentence;
mod sparkline;
mod spot;
mod spot_pools;
mod spot_zones;
mod start_gangs;
mod start_images;
pub(crate) mod start_lines;
mod start_nodes;
mod start_words;
mod starts;
mod table;
mod text;
mod timeline;
mod verdict;
mod waterfall;
mod words;

pub(crate) use money::{bare as rate_in_column, rate};
pub use plain_table::{MOST_SAVED_ROWS, log_text, table_csv, table_text};
pub use screen::{Area, Body, Border, Column, Hit, Panel, Placed, Row, Screen, Tab, Table};
pub(crate) use table::start_of as cell_start;
pub use text::{Line, Span};

pub use crate::app::Align;
use crate::app::{self, App, Geometry, Overlay, RowKey};
use crate::config::Role;
use context::FrameContext;
use layout::{Layout, SMALLEST};

/// How the rows of a table look.
struct TableView {
    /// The visible part of its table.
    table: for<'a> fn(&'a FrameContext<'a>, Area) -> Table,
    /// One sentence about a row; `None` for one that has gone.
    sentence: for<'a> fn(&'a FrameContext<'a>, &RowKey) -> Option<Line>,
    /// Every column that its table has cells for, in the order in which they stand.
    columns: fn() -> Vec<&'static app::Column>,
}

/// The look of a table of a screen.
fn table_view(screen: app::Screen, table: &app::TableSpec) -> &'static TableView {
    match (&table.rows, screen) {
        (app::Rows::Devices, _) => &devices::VIEW,
        (app::Rows::DeviceGroups, _) => &device_groups::VIEW,
        (app::Rows::SpotPools, _) => &spot_pools::VIEW,
        (app::Rows::SpotZones, _) => &spot_zones::VIEW,
        (app::Rows::Matters(_), _) => &desk::VIEW,
        (app::Rows::Incidents, _) => &incidents::VIEW,
        (app::Rows::Observed(app::Observations::Images), _) => &start_images::VIEW,
        (app::Rows::Observed(app::Observations::Machines), _) => &start_nodes::VIEW,
        (_, app::Screen::Fleet) => &fleet::VIEW,
        (_, app::Screen::Jobs) => &jobs::VIEW,
        (_, app::Screen::Pods) => &pods::VIEW,
        (_, app::Screen::Pools) => &pools::VIEW,
        (_, app::Screen::Events) => &events::VIEW,
        (_, app::Screen::Cost) => &cost::VIEW,
        (_, app::Screen::Starts) if *table == app::screens::start_gangs::GANGS => &start_gangs::VIEW,
        (_, app::Screen::Starts) => &starts::VIEW,
    }
}

/// What is to be seen of `app` in a terminal of its size.
pub fn derive(app: &App) -> Screen {
    let (width, height) = app.ui.size;
    let mut layout = Layout::of(app.ui.size, app.ui.level.screen);
    if width < SMALLEST.0 || height < SMALLEST.1 {
        return too_small(app, &layout);
    }
    let frame = &FrameContext::new(app);
    if let Some(log) = &app.ui.log {
        let mut screen = log::screen(frame, &layout, log);
        put_on_top(frame, &layout, &mut screen);
        return screen;
    }
    let mut map = gpu_map::lines(frame);
    map.extend(event_density::lines(frame));
    layout = layout.with_summary(u16::try_from(map.len()).unwrap_or(0));
    let banner = banner::line(frame, usize::from(width));
    if banner.is_some() {
        layout = layout.with_banner();
    }
    let tabs = header::tabs(frame, layout.tabs);
    let mut lines = vec![header::title(frame, layout.title), header::listing(frame, &tabs, layout.tabs)];
    lines.extend(layout.totals.map(|area| header::totals(frame, area)));
    lines.extend(layout.banner.zip(banner).map(|(area, line)| Placed { area, line }));
    lines.push(sentence::line(frame, layout.sentence));
    let mut rules: Vec<Placed> = layout.upper_rule.map(|area| header::rule(frame, area)).into_iter().collect();
    rules.extend(layout.lower_rule.map(|area| Placed { area, line: lower_rule(frame, &layout, area) }));
    lines.extend(layout.summary.into_iter().flat_map(|area| summary(frame, area, &map)));
    if let Some(width) = cost::beside(frame) {
        let (table, beside) = layout.body.split_right(width);
        lines.extend(cost::beside_lines(frame, beside));
        layout.body = table;
    }
    let (body, detail) = body::derive(frame, &layout);
    let mut screen = Screen {
        size: frame.app.ui.size,
        lines,
        tabs,
        rules,
        body,
        geometry: Geometry {
            page_rows: layout.page_rows(),
            scroll_end: detail.as_ref().map_or(0, |laid| laid.scroll_end),
            log: None,
        },
        detail: detail.map(|laid| laid.panel),
        overlay: None,
        cursor: None,
    };
    put_on_top(frame, &layout, &mut screen);
    screen
}

/// What a screen sums up above its table.
fn summary(frame: &FrameContext<'_>, area: Area, map: &[Line]) -> Vec<Placed> {
    match frame.app.ui.level.screen {
        app::Screen::Cost => cost::summary(frame, area),
        _ => (area.y..).zip(map).map(|(y, line)| placed(area, y, line)).collect(),
    }
}

fn placed(area: Area, y: u16, line: &Line) -> Placed {
    Placed { area: Area::row(area.x, y, area.width), line: line.clone().cut(usize::from(area.width)) }
}

/// What is written into the line below the table.
fn lower_rule(frame: &FrameContext<'_>, layout: &Layout, area: Area) -> Line {
    match frame.app.ui.level.screen {
        app::Screen::Fleet => next_commands::line(frame, usize::from(area.width)),
        app::Screen::Cost => cost::excluded(usize::from(area.width)),
        app::Screen::Starts => {
            body::table_area(frame, layout).map_or_else(Line::new, |body| starts::legend(frame, body))
        }
        _ => Line::new(),
    }
}

/// The footer, or the line that is being typed; and what lies over everything.
fn put_on_top(frame: &FrameContext<'_>, layout: &Layout, screen: &mut Screen) {
    if let Some(Overlay::Prompt(prompt)) = &frame.app.ui.overlay {
        let (line, cursor) = footer::prompt(frame.app, prompt, layout.footer);
        screen.lines.push(line);
        screen.cursor = Some(cursor);
        return;
    }
    screen.lines.push(footer::keys(frame, layout.footer));
    if let Some(laid) = overlay::derive(frame) {
        screen.geometry.scroll_end = laid.scroll_end;
        screen.cursor = laid.cursor;
        screen.overlay = Some(laid.panel);
    }
}

/// One line that says what is missing.
fn too_small(app: &App, layout: &Layout) -> Screen {
    let (width, height) = app.ui.size;
    let text = format!("too small: {width}×{height}, batchtop needs {}×{}", SMALLEST.0, SMALLEST.1);
    let line = Line::of(Role::Warn, text).cut(usize::from(width));
    Screen {
        size: app.ui.size,
        lines: vec![Placed { area: Area::row(0, height / 2, width), line }],
        tabs: Vec::new(),
        rules: Vec::new(),
        body: Body::Covered,
        detail: None,
        overlay: None,
        cursor: None,
        geometry: Geometry { page_rows: layout.page_rows(), scroll_end: 0, log: None },
    }
}

#[cfg(test)]
mod tests {
    use super::table_view;
    use crate::app::Screen;

    #[test]
    fn every_shown_column_has_cells_and_no_other_column_has() {
        let tables =
            Screen::ALL.into_iter().flat_map(|screen| screen.spec().tables().map(move |table| (screen, table)));
        for (screen, table) in tables {
            let defined = table.columns.iter().filter(|column| column.is_shown());
            let mut defined: Vec<&str> = defined.map(|column| column.name).collect();
            let mut shown: Vec<&str> = (table_view(screen, table).columns)().iter().map(|column| column.name).collect();
            defined.sort_unstable();
            shown.sort_unstable();
            assert_eq!(shown, defined, "{}", table.name);
        }
    }
}
