//! Mistakes and wastes in the whole cluster, and what to do.

use super::super::context::FrameContext;
use super::super::panel::Sheet;
use super::super::{Line, format};
use crate::config::Role;
use crate::input::{Action, Context};
use crate::insight::picture::{Finding, Severity};

/// Text about the findings; `None` where not everything is known that decides.
pub(super) fn sheet(frame: &FrameContext<'_>, found: Option<&[Finding]>) -> Sheet {
    let mut sheet = Sheet::new(Line::of(Role::Title, format!(" findings{} ", count(found))));
    sheet.indent = 4;
    sheet.hint = super::hint(frame, Context::Text, &[(Action::Back, "close")]);
    match found {
        None => sheet.lines.push(Line::of(Role::Unknown, "not known yet: not everything is read that decides")),
        Some([]) => sheet.lines.push(Line::of(Role::Ok, "nothing that batchtop looks for")),
        Some(found) => sheet.lines.extend(found.iter().flat_map(|found| finding(frame, found))),
    }
    sheet
}

fn count(found: Option<&[Finding]>) -> String {
    found.map_or_else(String::new, |found| format!(" · {}", format::count(found.len())))
}

fn finding(frame: &FrameContext<'_>, found: &Finding) -> Vec<Line> {
    let (glyph, role) = match found.severity {
        Severity::Critical => ("✗", Role::Bad),
        Severity::Warning => ("△", Role::Warn),
        Severity::Info => ("·", Role::TextDim),
    };
    let head = Line::of(role, glyph)
        .and(Role::TextStrong, format!(" {} {}", found.kind, found.object))
        .and(Role::TextDim, format!("  {}", found.rule.id));
    let said = Line::of(Role::Text, format!("    {}", format::sentence(frame.app.now, &found.message)));
    let hint = Line::of(Role::TextDim, format!("    → {}", found.hint));
    vec![head, said, hint]
}
