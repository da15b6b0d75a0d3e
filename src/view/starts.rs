//! Cells and sentence of the screen Starts: one bar per start on a common time axis.

use super::columns::Shown;
use super::context::FrameContext;
use super::screen::Area;
use super::table::{table, window};
use super::waterfall::{self, Axis};
use super::{Line, TableView, format, histogram, start_gangs, start_words, words};
use crate::app::screens::start_gangs::GANGS;
use crate::app::screens::start_images::IMAGES;
use crate::app::screens::start_nodes::NODES;
use crate::app::screens::starts as columns;
use crate::app::{Column, RowKey, Scope};
use crate::config::Role;
use crate::fleet::PodRow;
use crate::insight::cold_start::{ColdStart, PhaseName};

/// Look of starts one by one.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| {
        let bars = bars_of_pods(frame, area);
        table(frame, area, &columns(frame, bars), |key| row(frame, key).map(|row| Row { bars, ..row }))
    },
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// A start, from which its cells are written.
struct Row<'a> {
    frame: &'a FrameContext<'a>,
    pod: &'a PodRow,
    start: &'a ColdStart,
    bars: Bars,
}

/// The row of a key.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let start = start_of(frame, key)?;
    let pod = frame.app.fleet.pods.get(&start.pod)?;
    Some(Row { frame, pod, start, bars: Bars::default() })
}

fn start_of<'a>(frame: &FrameContext<'a>, key: &RowKey) -> Option<&'a ColdStart> {
    frame.app.insights.starts.of_pod(&key.object()?.object)
}

/// Bars below one another: the axis of all that are visible, and how many columns each may take.
#[derive(Clone, Copy)]
pub(super) struct Bars {
    /// Their time axis.
    pub(super) axis: Axis,
    /// Their columns.
    pub(super) width: u16,
}

impl Default for Bars {
    fn default() -> Self {
        Self { axis: Axis::of(std::iter::empty()), width: 0 }
    }
}

impl Bars {
    /// The column of bars with the axis as its title.
    pub(super) fn title<R>(self, shown: Shown<R>, bars: &Column) -> Shown<R> {
        if *shown.column == *bars {
            shown.titled(self.axis.title(usize::from(self.width))).of_width(self.width)
        } else {
            shown
        }
    }

    /// The same on fewer columns.
    pub(super) const fn narrow(self) -> Self {
        Self { width: self.width - self.width / 3, ..self }
    }

    /// The columns for so many seconds.
    pub(super) fn columns(self, seconds: i64) -> usize {
        let room = usize::from(self.width).saturating_sub(1);
        self.axis.column(seconds, room).min(room)
    }
}

/// Bars of the rows that are visible in an area, each as long as `seconds` says.
pub(super) fn bars(frame: &FrameContext<'_>, area: Area, seconds: impl Fn(&RowKey) -> Option<i64>) -> Bars {
    let axis = Axis::of(window(frame, area).iter().filter_map(seconds));
    Bars { axis, width: (area.width / 6).clamp(NARROWEST_BAR, WIDEST_BAR) }
}

fn bars_of_pods(frame: &FrameContext<'_>, area: Area) -> Bars {
    bars(frame, area, |key| start_of(frame, key).map(|start| start.total_seconds(frame.app.now)))
}

const NARROWEST_BAR: u16 = 18;

const WIDEST_BAR: u16 = 70;

/// What the signs in the bars mean that are visible in an area.
pub(super) fn legend(frame: &FrameContext<'_>, area: Area) -> Line {
    let legend = match frame.app.ui.level.table() {
        pods if *pods == columns::SPEC.table => legend_of(frame, area, |key| start_of(frame, key)),
        gangs if *gangs == GANGS => legend_of(frame, area, |key| start_gangs::slowest(frame, key)),
        nodes if *nodes == NODES => {
            let steps = waterfall::legend(waterfall::steps_of_machines());
            steps.and(Role::TextDim, "  a ≤ b: median and 95th percentile")
        }
        images if *images == IMAGES => Line::of(Role::TextDim, histogram::LEGEND),
        _ => Line::new(),
    };
    if legend.is_empty() { legend } else { Line::plain(" ").then(legend).and(Role::Text, " ") }
}

/// The signs of the steps that are drawn of each row.
fn legend_of<'a>(frame: &FrameContext<'_>, area: Area, start: impl Fn(&RowKey) -> Option<&'a ColdStart>) -> Line {
    let now = frame.app.now;
    let bars = bars(frame, area, |key| start(key).map(|start| start.total_seconds(now)));
    let starts = window(frame, area).iter().filter_map(start);
    waterfall::legend(waterfall::steps_drawn(starts, now, bars.axis, usize::from(bars.width)))
}

/// The columns; of one Job its name would only repeat, and so would that of one Node.
fn columns<'a>(frame: &FrameContext<'_>, bars: Bars) -> Vec<Shown<Row<'a>>> {
    let left_out = match frame.app.ui.level.scope {
        Some(Scope::Job(_)) => Some(&columns::JOB),
        Some(Scope::Node(_)) => Some(&columns::NODE),
        _ => None,
    };
    cells()
        .into_iter()
        .filter(|shown| left_out != Some(shown.column))
        .map(|shown| bars.title(shown, &columns::WATERFALL))
        .collect()
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NAME, Row::name),
        Shown::new(&columns::NAMESPACE, Row::namespace),
        Shown::new(&columns::STEP, Row::step),
        Shown::new(&columns::TOTAL, Row::total),
        Shown::new(&columns::ETA, Row::eta),
        Shown::new(&columns::WATERFALL, Row::bar),
        Shown::new(&columns::WAITING, Row::waiting),
        Shown::new(&columns::CAUSE, Row::cause),
        Shown::new(&columns::JOB, Row::job),
        Shown::new(&columns::TYPE, Row::instance_type),
        Shown::new(&columns::POOL, Row::pool),
        Shown::new(&columns::NODE, Row::node),
        Shown::new(&columns::AGE, Row::age),
    ]
}

impl Row<'_> {
    fn name(&self) -> Line {
        Line::of(Role::TextStrong, &self.pod.meta.key.name)
    }

    fn namespace(&self) -> Line {
        Line::plain(&self.pod.meta.key.namespace)
    }

    fn step(&self) -> Line {
        start_words::state(self.start)
    }

    fn total(&self) -> Line {
        Line::plain(start_words::total(self.start, self.frame.app.now))
    }

    fn eta(&self) -> Line {
        let app = self.frame.app;
        match (app.insights.starts.eta_seconds(self.start, app.now), self.start.open_phase()) {
            (Some(seconds), _) => {
                Line::of(if seconds > 0 { Role::Text } else { Role::Warn }, start_words::eta(seconds))
            }
            (None, Some(open)) if open.name <= PhaseName::Pull => Line::of(Role::Unknown, format::UNKNOWN),
            // The images are there.
            (None, _) => Line::new(),
        }
    }

    fn bar(&self) -> Line {
        waterfall::bar(self.start, self.frame.app.now, self.bars.axis, usize::from(self.bars.width))
    }

    fn waiting(&self) -> Line {
        start_words::waiting_cost(self.frame.app, self.start)
    }

    fn cause(&self) -> Line {
        start_words::waits_for(self.start, self.frame.app.now).map_or_else(Line::new, Line::plain)
    }

    fn job(&self) -> Line {
        self.start.job.as_ref().map_or_else(Line::new, Line::plain)
    }

    fn instance_type(&self) -> Line {
        words::or_none(self.start.instance_type.as_ref())
    }

    fn pool(&self) -> Line {
        words::or_none(self.start.pool.as_ref())
    }

    fn node(&self) -> Line {
        words::or_none(self.start.node.as_deref().map(|node| words::node_name(node, self.frame.app.ui.size.0)))
    }

    fn age(&self) -> Line {
        Line::plain(format::age(self.frame.app.now.seconds_since(self.pod.meta.created)))
    }

    /// What a colleague would say about it.
    fn sentence(&self) -> Line {
        let state = start_words::state(self.start);
        let glyph = state
            .spans()
            .first()
            .map_or(Line::new(), |span| Line::of(span.role(), span.text().chars().take(1).collect::<String>()));
        glyph
            .and(Role::Text, " ")
            .and(Role::TextStrong, self.pod.meta.key.to_string())
            .and(Role::Text, format!(" {}", start_words::sentence(self.frame.app, self.start)))
    }
}
