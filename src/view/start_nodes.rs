//! Cells and sentence of the nodes of Starts: how the machines of each NodePool come to be.

use super::columns::Shown;
use super::context::FrameContext;
use super::starts::{Bars, bars};
use super::table::table;
use super::{Line, TableView, format, histogram, start_words, waterfall};
use crate::app::screens::start_nodes as columns;
use crate::app::{RowKey, find_pool};
use crate::config::Role;
use crate::insight::cold_start::history::FailureKind;
use crate::insight::cold_start::{PhaseName, PoolStatistics};

/// Look of machines by NodePool.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| {
        let bars = bars(frame, area, |key| find_pool(frame.app, key.observed()?).map(median_of_all));
        let shown = cells().into_iter().map(|shown| bars.title(shown, &columns::WATERFALL)).collect::<Vec<_>>();
        table(frame, area, &shown, |key| row(frame, key).map(|row| Row { bars, ..row }))
    },
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// The sums of a NodePool, from which its cells are written.
struct Row<'a> {
    pool: &'a PoolStatistics,
    bars: Bars,
}

/// The row of a key.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let pool = find_pool(frame.app, key.observed()?)?;
    Some(Row { pool, bars: Bars::default() })
}

/// All medians together: how long a machine takes as a rule.
fn median_of_all(pool: &PoolStatistics) -> i64 {
    pool.phases.iter().map(|(_, median, _)| seconds(*median)).sum()
}

fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::POOL, Row::name),
        Shown::new(&columns::NODES_MADE, Row::nodes),
        Shown::new(&columns::LAUNCH, |row| row.step(PhaseName::Launch)),
        Shown::new(&columns::BOOT, |row| row.step(PhaseName::Boot)),
        Shown::new(&columns::REGISTER, |row| row.step(PhaseName::Register)),
        Shown::new(&columns::INITIALIZE, |row| row.step(PhaseName::Initialize)),
        Shown::new(&columns::WATERFALL, Row::bar),
        Shown::new(&columns::HISTOGRAM, Row::histogram).titled(histogram::TITLE.to_owned()),
        Shown::new(&columns::FAILED, Row::failed),
    ]
}

/// Why NodeClaims became no machines, in words.
const FAILURES: [(FailureKind, &str); 3] = [
    (FailureKind::InsufficientCapacity, "without capacity"),
    (FailureKind::LaunchTimeout, "not launched"),
    (FailureKind::RegistrationTimeout, "not registered"),
];

impl Row<'_> {
    fn name(&self) -> Line {
        Line::of(Role::TextStrong, &self.pool.pool)
    }

    fn nodes(&self) -> Line {
        Line::plain(format::count(self.pool.machines))
    }

    /// `48s, 1m02s`: median and 95th percentile.
    fn step(&self, step: PhaseName) -> Line {
        let found = self.pool.phases.iter().find(|(name, ..)| *name == step);
        found.map_or_else(
            || Line::of(Role::TextDim, format::NONE),
            |(_, median, most)| {
                Line::plain(start_words::length(*median))
                    .and(Role::TextDim, format!(" ≤ {}", start_words::length(*most)))
            },
        )
    }

    fn bar(&self) -> Line {
        let (mut line, mut spent, mut drawn) = (Line::new(), 0, 0);
        for (step, median, _) in &self.pool.phases {
            spent += seconds(*median);
            let until = self.bars.columns(spent);
            line = line
                .and(waterfall::role(*step), waterfall::sign(*step).to_string().repeat(until.saturating_sub(drawn)));
            drawn = until;
        }
        line
    }

    fn histogram(&self) -> Line {
        histogram::columns(&self.pool.histogram)
    }

    fn failures(&self) -> Vec<String> {
        let count = |kind| self.pool.failures.get(&kind).copied().unwrap_or(0);
        let told = FAILURES.into_iter().filter(|(kind, _)| count(*kind) > 0);
        told.map(|(kind, words)| format!("{} {words}", format::count(count(kind)))).collect()
    }

    fn failed(&self) -> Line {
        match self.failures().as_slice() {
            [] => Line::of(Role::TextDim, format::NONE),
            failures => Line::of(Role::Warn, failures.join(" · ")),
        }
    }

    /// What a colleague would say about it.
    fn sentence(&self) -> Line {
        let machines = match self.pool.machines {
            0 => "no machine was observed until it was initialized".to_owned(),
            machines => {
                let median = format::span(median_of_all(self.pool));
                format!("{} made, as a rule in {median}", format::plural(machines, "node"))
            }
        };
        let failures = self.failures();
        let failed =
            if failures.is_empty() { String::new() } else { format!("; of NodeClaims {}", failures.join(", ")) };
        Line::of(Role::TextDim, "NodePool ")
            .and(Role::TextStrong, &self.pool.pool)
            .and(Role::Text, format!(": {machines}{failed}"))
    }
}
