//! How many Events were told in each minute of the last hour, above the rows of Events.

use super::context::FrameContext;
use super::layout::BESIDE_FROM;
use super::{Line, events, format};
use crate::app::{EventMinute, Screen};
use crate::config::Role;
use crate::fleet::EventClass;

/// From this height on there is a line of bars; from the second one on a line more, of what they are.
const ROWS_FROM: [u16; 2] = [16, 30];

/// Below this the rest of the hour says little.
const LEAST_MINUTES: usize = 10;

/// One bar a minute, coloured by the gravest class; below them its glyph, where there is room.
pub(super) fn lines(frame: &FrameContext<'_>) -> Vec<Line> {
    let app = frame.app;
    let rows = ROWS_FROM.iter().filter(|from| app.ui.size.1 >= **from).count();
    let minutes = app.ui.listing.density.until(app.now);
    if rows == 0 || app.ui.level.screen != Screen::Events || app.ui.level.scope.is_some() || minutes.is_empty() {
        return Vec::new();
    }
    // Details that cover the table would leave the bars alone.
    if app.ui.level.detail.is_some() && app.ui.size.0 < BESIDE_FROM {
        return Vec::new();
    }
    let room = usize::from(app.ui.size.0).saturating_sub(LABEL.len() + 2);
    if room < LEAST_MINUTES {
        return Vec::new();
    }
    let shown = &minutes[minutes.len().saturating_sub(room)..];
    let mut lines = vec![bars(shown)];
    if rows > 1 {
        lines.push(glyphs(shown));
    }
    lines
}

const LABEL: &str = " events/min";

fn bars(minutes: &[EventMinute]) -> Line {
    let most = minutes.iter().map(|minute| minute.count).max().unwrap_or(0);
    let bars = minutes.iter().fold(Line::plain("  "), |line, minute| {
        let (sign, role) = match minute.class {
            None => ('·', Role::BarEmpty),
            Some(class) => (format::step(Some(i64::from(minute.count)), i64::from(most)), events::class(class).1),
        };
        line.and(role, sign.to_string())
    });
    bars.and(Role::TextDim, format!("{LABEL} ≤ {}", format::count(most)))
}

fn glyphs(minutes: &[EventMinute]) -> Line {
    let glyphs = minutes.iter().fold(Line::plain("  "), |line, minute| match minute.class {
        None => line.and(Role::Text, " "),
        Some(class) => {
            let (glyph, role) = events::class(class);
            line.and(role, glyph)
        }
    });
    CLASSES.into_iter().fold(glyphs, |line, (class, words)| {
        let (glyph, role) = events::class(class);
        line.and(role, format!("  {glyph}")).and(Role::TextDim, format!(" {words}"))
    })
}

const CLASSES: [(EventClass, &str); 5] = [
    (EventClass::Interruption, "cloud"),
    (EventClass::Eviction, "evicted"),
    (EventClass::Disrupting, "disrupted"),
    (EventClass::Blocked, "blocked"),
    (EventClass::Provisioning, "capacity"),
];
