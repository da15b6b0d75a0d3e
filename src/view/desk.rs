//! Cells and sentence of the front desk: what needs somebody now.

use super::columns::Shown;
use super::context::FrameContext;
use super::header::Fact;
use super::table::table;
use super::{Line, TableView, format, money, words};
use crate::app::RowKey;
use crate::app::screens::desk as columns;
use crate::config::Role;
use crate::fleet::Kind;
use crate::insight::picture::{Concern, Matter, Severity};

/// Look of the front desk.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &cells(), |key| row(frame, key)),
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// Something that needs somebody, from which its cells are written.
struct Row<'a> {
    frame: &'a FrameContext<'a>,
    matter: &'a Matter,
}

/// The row of a key.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let matter = frame.app.ui.desk.find(key.matter()?)?;
    Some(Row { frame, matter })
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::MARK, Row::mark),
        Shown::new(&columns::WHEN, Row::when),
        Shown::new(&columns::COST, Row::cost),
        Shown::new(&columns::WHAT, Row::what),
        Shown::new(&columns::WHY, Row::why),
        Shown::new(&columns::TODO, Row::what_to_do),
    ]
}

/// `F 6 · $38.25/h`: how much needs somebody, and what is paid for nothing.
pub(super) fn fact(frame: &FrameContext<'_>) -> Fact {
    let label = Line::of(Role::TextDim, "F ");
    let desk = &frame.app.ui.desk;
    if desk.matters().is_none() {
        let line = label.and(Role::Unknown, frame.unknown(Kind::Pod));
        return Fact { short: line.clone(), long: line };
    }
    let role = match desk.urgent().map(|matter| matter.severity).max() {
        None => Role::Ok,
        Some(Severity::Info | Severity::Warning) => Role::Warn,
        Some(Severity::Critical) => Role::Bad,
    };
    let short = label.and(role, format::count(desk.urgent().count()));
    let rate = desk.rate();
    if rate.micro_usd_per_hour == 0 {
        return Fact { long: short.clone(), short };
    }
    let sign = if rate.unpriced > 0 { "≥ " } else { "" };
    let dollars = format!("{sign}{}", money::rate(rate.micro_usd_per_hour));
    let long = short.and(Role::TextDim, " · ").and(Role::Warn, dollars);
    Fact { short: long.clone(), long }
}

impl Row<'_> {
    fn look(&self) -> (&'static str, Role) {
        match (self.matter.key.concern, self.matter.severity) {
            (Concern::Waits, _) => ("◌", Role::Pending),
            (_, Severity::Critical) => ("✗", Role::Bad),
            (_, Severity::Warning) => ("△", Role::Warn),
            (_, Severity::Info) => ("·", Role::TextDim),
        }
    }

    fn mark(&self) -> Line {
        let (glyph, role) = self.look();
        Line::of(role, glyph)
    }

    /// `in 39m`; `for 8d`.
    fn when(&self) -> Line {
        let now = self.frame.app.now;
        match (self.matter.deadline, self.matter.since) {
            (Some(at), _) => Line::of(Role::Bad, format::relative(now, at)),
            (None, Some(since)) => Line::plain(format!("for {}", format::age(now.seconds_since(since)))),
            (None, None) => Line::new(),
        }
    }

    fn cost(&self) -> Line {
        match self.matter.rate {
            Some(rate) => Line::of(Role::TextStrong, money::bare(rate)),
            None if self.matter.is_unpriced => money::unknown(self.frame),
            None => Line::new(),
        }
    }

    fn name(&self) -> String {
        let key = &self.matter.key;
        let name = key.object.to_string();
        words::node_name(&name, self.frame.app.ui.size.0).to_owned()
    }

    /// Nodes and pods are known by their names; all else has its kind in front.
    fn what(&self) -> Line {
        let kind = self.matter.key.kind.as_str();
        let is_plain = [Kind::Node, Kind::Pod].iter().any(|plain| plain.name() == kind);
        let label = if is_plain { String::new() } else { format!("{kind} ") };
        Line::of(Role::TextDim, label).and(Role::TextStrong, self.name())
    }

    fn why(&self) -> Line {
        Line::plain(format::sentence(self.frame.app.now, &self.matter.message))
    }

    fn what_to_do(&self) -> Line {
        Line::of(Role::TextDim, self.hint())
    }

    fn hint(&self) -> String {
        format::sentence(self.frame.app.now, &self.matter.hint)
    }

    /// What a colleague would say about it: what to do first, for the row has said what is the matter.
    fn sentence(&self) -> Line {
        let (glyph, role) = self.look();
        let now = self.frame.app.now;
        let line = Line::of(role, glyph).and(Role::Text, " ").and(Role::TextStrong, self.name());
        let ends = self.matter.deadline.map(|at| format!(" ({})", format::clock_seconds(now, at)));
        let paid = self.matter.paid_micro_usd(now).filter(|paid| *paid > 0);
        let paid = paid.map(|paid| format!(", ≈ {} so far", money::sum(paid)));
        let details = [ends, paid].into_iter().flatten().collect::<String>();
        line.and(Role::Warn, details)
            .and(Role::Text, format!("  → {}", self.hint()))
            .and(Role::TextDim, format!("; {}", format::sentence(now, &self.matter.message)))
    }
}
