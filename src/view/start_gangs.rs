//! Cells and sentence of the gangs of Starts: the pods of each Job together.

use super::columns::Shown;
use super::context::FrameContext;
use super::screen::Area;
use super::starts::{Bars, bars};
use super::table::table;
use super::{Line, TableView, format, money, start_words, waterfall};
use crate::app::screens::start_gangs as columns;
use crate::app::{RowKey, gang_starts};
use crate::config::Role;
use crate::fleet::JobRow;
use crate::insight::cold_start::{ColdStart, GangPhase, GangStart};

/// Look of gangs.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| {
        let bars = axis(frame, area);
        let shown = cells().into_iter().map(|shown| bars.title(shown, &columns::WATERFALL)).collect::<Vec<_>>();
        table(frame, area, &shown, |key| row(frame, key).map(|row| Row { bars, ..row }))
    },
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// A Job with its starts, from which its cells are written.
struct Row<'a> {
    frame: &'a FrameContext<'a>,
    job: &'a JobRow,
    starts: Vec<&'a ColdStart>,
    gang: GangStart,
    bars: Bars,
}

/// The row of a key.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let job = frame.app.fleet.jobs.get(&key.object()?.object)?;
    let starts = gang_starts(frame.app, job);
    let gang = GangStart::of(&starts, frame.app.now)?;
    Some(Row { frame, job, starts, gang, bars: Bars::default() })
}

/// The slowest start of a row.
pub(super) fn slowest<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<&'a ColdStart> {
    frame.app.insights.starts.of_pod(&row(frame, key)?.gang.slowest)
}

fn axis(frame: &FrameContext<'_>, area: Area) -> Bars {
    bars(frame, area, |key| slowest(frame, key).map(|start| start.total_seconds(frame.app.now)))
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NAME, Row::name),
        Shown::new(&columns::NAMESPACE, Row::namespace),
        Shown::new(&columns::READY, Row::ready),
        Shown::new(&columns::SKEW, Row::skew),
        Shown::new(&columns::WATERFALL, Row::bar),
        Shown::new(&columns::WAITING, Row::waiting),
        Shown::new(&columns::LONGEST, Row::longest),
        Shown::new(&columns::SLOWEST, Row::slowest),
    ]
}

impl Row<'_> {
    fn name(&self) -> Line {
        Line::of(Role::TextStrong, &self.job.meta.key.name)
    }

    fn namespace(&self) -> Line {
        Line::plain(&self.job.meta.key.namespace)
    }

    fn ready(&self) -> Line {
        let pods = format::count(self.gang.pods);
        match self.gang.open {
            0 => Line::of(Role::Running, format!("● {pods} started")),
            open => Line::of(Role::Pending, format!("◌ {} of {pods} starting", format::count(open))),
        }
    }

    fn skew(&self) -> Line {
        match self.gang.skew_seconds {
            Some(skew) => Line::plain(format::span(skew)),
            None if self.gang.open > 0 => Line::of(Role::Unknown, format::NOT_YET),
            None => Line::of(Role::Unknown, format::UNKNOWN),
        }
    }

    fn bar(&self) -> Line {
        let slowest = self.frame.app.insights.starts.of_pod(&self.gang.slowest);
        slowest.map_or_else(Line::new, |start| {
            waterfall::bar(start, self.frame.app.now, self.bars.axis, usize::from(self.bars.width))
        })
    }

    fn waiting(&self) -> Line {
        let app = self.frame.app;
        match app.insights.picture.gang_start_cost(&app.fleet, &self.starts, app.now) {
            Some(0) if self.starts.iter().all(|start| start.billed_since.is_none()) => {
                Line::of(Role::TextDim, format::NONE)
            }
            Some(micros) => Line::of(if self.gang.open > 0 { Role::Warn } else { Role::Text }, money::sum(micros)),
            None => Line::of(Role::Unknown, format::UNKNOWN),
        }
    }

    /// `Pull 7m10s, at most 9m48s`.
    fn longest(&self) -> Line {
        let longest = self.gang.phases.iter().max_by_key(|phase| phase.median_seconds);
        longest.map_or_else(Line::new, |phase| Line::plain(phase_words(phase)))
    }

    fn slowest(&self) -> Line {
        Line::plain(&self.gang.slowest.name)
    }

    /// What a colleague would say about it.
    fn sentence(&self) -> Line {
        let words = start_words::gang(self.frame.app, &self.starts, &self.gang);
        Line::of(Role::TextDim, "Job ")
            .and(Role::TextStrong, self.job.meta.key.to_string())
            .and(Role::Text, format!(": {words}"))
    }
}

fn phase_words(phase: &GangPhase) -> String {
    let (median, most) = (start_words::length(phase.median_seconds), start_words::length(phase.max_seconds));
    format!("{} {median}, at most {most}", phase.name)
}
