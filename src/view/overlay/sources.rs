//! The overlay of the Sources and their health.

use super::super::context::FrameContext;
use super::super::panel::Sheet;
use super::super::{Line, format, health};
use crate::config::Role;
use crate::fleet::{Health, SourceId};
use crate::input::{Action, Context};

const NAME_WIDTH: usize = 22;
const OBJECTS_WIDTH: usize = 9;

/// Text about the cluster and the Health of each Source.
pub(super) fn sheet(frame: &FrameContext<'_>) -> Sheet {
    let mut sheet = Sheet::new(Line::of(Role::Title, " sources "));
    sheet.indent = 4;
    sheet.hint = super::hint(frame, Context::Text, &[(Action::Back, "close")]);
    sheet.lines.push(cluster(frame));
    sheet.lines.extend(frame.app.down.iter().flat_map(|down| {
        [Line::of(Role::Bad, format!("✗ {}", down.message)), Line::of(Role::TextDim, format!("  {}", down.hint))]
    }));
    sheet.lines.push(Line::new());
    sheet.lines.extend(frame.app.sources.iter().flat_map(|(id, health)| source(frame, *id, health)));
    if frame.app.fleet.events.dropped() > 0 {
        let dropped = format::count(frame.app.fleet.events.dropped());
        sheet
            .lines
            .push(Line::of(Role::TextDim, format!("{dropped} events were forgotten because there are too many")));
    }
    sheet
}

fn cluster(frame: &FrameContext<'_>) -> Line {
    let version = frame.app.cluster.kubernetes_version.as_deref().unwrap_or(format::UNKNOWN);
    let identity = frame.app.cluster.identity.as_deref().unwrap_or(format::UNKNOWN);
    let line = Line::of(Role::TextStrong, &frame.app.cluster.server);
    line.and(Role::TextDim, format!("  Kubernetes {version}  as {identity}"))
}

fn source(frame: &FrameContext<'_>, id: SourceId, health: &Health) -> Vec<Line> {
    let (glyph, role) = health::glyph(health.state);
    let objects = if health.state.is_complete() { format::count(health.objects) } else { String::new() };
    let line = Line::of(role, glyph)
        .and(Role::Text, format!(" {:<NAME_WIDTH$}{objects:>OBJECTS_WIDTH$}  ", id.name()))
        .and(role, health::words(health, frame.app.now));
    let mut lines = vec![line];
    lines.extend(health.message.as_ref().map(|message| Line::of(Role::TextDim, format!("    {message}"))));
    if health.undecodable > 0 {
        let count = format::plural(health.undecodable, "object");
        lines.push(Line::of(Role::Warn, format!("    △ {count} could not be read and are left out")));
    }
    lines
}
