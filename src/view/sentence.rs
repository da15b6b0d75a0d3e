//! The line above the footer: what was just said, or the one sentence about the selected row.

use super::context::FrameContext;
use super::screen::{Area, Placed};
use super::{Line, format, words};
use crate::app::{Notice, Severity, Write};
use crate::config::Role;

/// Newest first: a notice, a write that is under way, the selected row.
pub(super) fn line(frame: &FrameContext<'_>, area: Area) -> Placed {
    let line = notice(frame)
        .or_else(|| frame.app.ui.writes.last().and_then(write_line))
        .unwrap_or_else(|| about_selected(frame));
    Placed { area, line: Line::plain(" ").then(line).cut(usize::from(area.width)) }
}

/// What was just said.
pub(super) fn notice(frame: &FrameContext<'_>) -> Option<Line> {
    frame.app.ui.notice.as_ref().map(|(notice, _)| notice_line(notice))
}

fn notice_line(notice: &Notice) -> Line {
    let (glyph, role) = match notice.severity {
        Severity::Info => ("", Role::NoticeInfo),
        Severity::Warning => ("△ ", Role::NoticeWarning),
        Severity::Error => ("✗ ", Role::NoticeError),
    };
    Line::of(role, format!("{glyph}{}", notice.text))
}

fn write_line(write: &Write) -> Option<Line> {
    let answered = write.items.iter().filter(|item| item.outcome.is_some()).count();
    if answered == write.items.len() {
        return None;
    }
    let progress =
        format!("{} {}: {answered} of {} answered", write.verb.name(), write.subject, format::count(write.items.len()));
    Some(Line::of(Role::Pending, progress))
}

fn about_selected(frame: &FrameContext<'_>) -> Line {
    let Some(key) = frame.selected() else { return Line::new() };
    (frame.table_view().sentence)(frame, key)
        .unwrap_or_else(|| Line::of(Role::Unknown, format!("{} is gone", words::row(key))))
}
