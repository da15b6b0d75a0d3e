//! Cells and sentence of the spot pools of Pools.

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::{Line, TableView, format, money, spot, words};
use crate::app::RowKey;
use crate::app::screens::spot_pools as columns;
use crate::config::Role;
use crate::fleet::{Kind, Sym};
use crate::insight::picture::{GangStake, JobStake};
use crate::insight::spot::{SpotPool, SpotState, Stake};

/// Look of spot pools.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &cells(), |key| row(frame, key)),
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// A spot pool, from which its cells are written.
struct Row<'a> {
    frame: &'a FrameContext<'a>,
    pool: &'a SpotPool,
}

/// The row of a key.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let pool = frame.app.insights.spot.pool(key.spot_pool()?)?;
    Some(Row { frame, pool })
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NAME, Row::name),
        Shown::new(&columns::STATE, Row::state),
        Shown::new(&columns::RISK, |row| spot::risk(&row.pool.score, &row.frame.app.settings.spot)),
        Shown::new(&columns::COVERAGE, Row::coverage),
        Shown::new(&columns::NODES, Row::nodes),
        Shown::new(&columns::GPUS, Row::gpus),
        Shown::new(&columns::COST, |row| cost(row.frame, &row.pool.stake)),
        Shown::new(&columns::SAVES, Row::saves),
        Shown::new(&columns::SAVINGS, Row::savings),
        Shown::new(&columns::SAVED, Row::saved),
        Shown::new(&columns::JOBS, |row| row.count(row.pool.stake.jobs.len() as u64, Role::Text)),
        Shown::new(&columns::PODS, |row| row.count(row.pool.stake.pods, Role::Text)),
        Shown::new(&columns::CUT_SHORT, |row| row.count(row.pool.stake.pods_cut_short, Role::Warn)),
        Shown::new(&columns::PROTECTED, |row| row.count(row.pool.stake.pods_protected, Role::Warn)),
        Shown::new(&columns::SHARE, Row::share),
        Shown::new(&columns::EXPECTED, Row::expected),
        Shown::new(&columns::NODE_POOLS, Row::node_pools),
    ]
}

/// What Nodes cost together, as far as that is known.
pub(super) fn cost(frame: &FrameContext<'_>, stake: &Stake) -> Line {
    match (stake.rate, stake.unpriced) {
        (None, _) => money::unknown(frame),
        (Some(rate), 0) => Line::plain(money::bare(rate)),
        (Some(rate), _) => Line::of(Role::Warn, "≥ ").and(Role::Text, money::bare(rate)),
    }
}

/// What goes if it all goes now: nodes, accelerators, pods, and the work of Jobs.
pub(super) fn loss(frame: &FrameContext<'_>, nodes: u64, stake: &Stake) -> String {
    let mut parts = vec![format::plural(nodes, "node")];
    parts.extend((stake.gpus > 0).then(|| format::plural(stake.gpus, "GPU")));
    if frame.all(Kind::Pod) {
        parts.push(format::plural(stake.pods, "pod"));
        format!("{}{}", parts.join(", "), lost_work(frame, stake))
    } else {
        format!("{}; {}", parts.join(", "), frame.pods_unknown())
    }
}

/// How many Jobs lose work, and which loses most: at most the time for which the oldest of its pods there has worked without
/// a checkpoint.
fn lost_work(frame: &FrameContext<'_>, stake: &Stake) -> String {
    let jobs = JobStake::of_all(&frame.app.fleet, stake, frame.app.work_settings());
    let running = || jobs.iter().filter_map(|one| Some((one.lost_seconds?, &one.job)));
    let Some((lost, job)) = running().max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(a.1))) else {
        return String::new();
    };
    let most = format::span(lost);
    match running().count() {
        1 => format!("; {job} loses up to {most}"),
        jobs => format!("; {} lose work, {job} up to {most}", format::plural(jobs, "Job")),
    }
}

/// `gang ml/llama loses its quorum`; `None` where none does, or pods are not known.
pub(super) fn gangs(frame: &FrameContext<'_>, losing: &[GangStake]) -> Option<String> {
    let [first, others @ ..] = losing else { return None };
    let is_known = frame.all(Kind::Pod);
    is_known.then(|| match others.len() {
        0 => format!("gang {} loses its quorum", first.gang.object),
        others => format!("{} lose their quorum", format::plural(others + 1, "gang")),
    })
}

/// The gangs that lose their quorum with a pool.
pub(super) fn losing(frame: &FrameContext<'_>, pool: &SpotPool) -> Vec<GangStake> {
    GangStake::losing(&frame.app.fleet, &pool.stake, |node| pool.members.contains_key(node))
}

/// `2 pods need longer to end than they get`; `None` where there is none, or pods are not known.
pub(super) fn cut_short(frame: &FrameContext<'_>, stake: &Stake) -> Option<String> {
    let is_any = frame.all(Kind::Pod) && stake.pods_cut_short > 0;
    let needs =
        if stake.pods_cut_short == 1 { "needs longer to end than it gets" } else { "need longer to end than they get" };
    is_any.then(|| format!("{} {needs}", format::plural(stake.pods_cut_short, "pod")))
}

/// `2 protected pods go all the same`; `None` where there is none, or pods are not known.
pub(super) fn protected(frame: &FrameContext<'_>, stake: &Stake) -> Option<String> {
    let is_any = frame.all(Kind::Pod) && stake.pods_protected > 0;
    let goes = if stake.pods_protected == 1 { "goes" } else { "go" };
    is_any.then(|| format!("{} {goes} all the same", format::plural(stake.pods_protected, "protected pod")))
}

/// A count of pods, which is only known as far as pods are.
pub(super) fn count(frame: &FrameContext<'_>, count: u64, role: Role) -> Line {
    match count {
        _ if !frame.all(Kind::Pod) => Line::of(Role::Unknown, frame.unknown(Kind::Pod)),
        0 => Line::of(Role::TextDim, format::NONE),
        count => Line::of(role, format::count(count)),
    }
}

/// A part of all spot nodes, in millionths: `██▍      23%`.
pub(super) fn share(millionths: i64) -> Line {
    let (full, rest) = format::eighths(millionths, BAR);
    let percent = format!(" {:>3}%", millionths / 10_000);
    Line::of(Role::BarFill, full).and(Role::BarEmpty, rest).and(Role::Text, percent)
}

impl Row<'_> {
    fn name(&self) -> Line {
        Line::of(Role::TextStrong, self.pool.key.to_string())
    }

    fn state(&self) -> Line {
        spot::state(self.pool.state, self.pool.ends_at, self.frame.app.now)
    }

    fn coverage(&self) -> Line {
        Line::of(Role::TextDim, format!("{}%", self.pool.score.coverage_percent))
    }

    /// `3`; `1 of 3` where one of three is taken back.
    fn nodes(&self) -> Line {
        let nodes = format::count(self.pool.nodes);
        match self.pool.nodes_reclaiming {
            0 => Line::plain(nodes),
            going if going == self.pool.nodes => Line::of(Role::Bad, nodes),
            going => Line::of(Role::Bad, format::count(going)).and(Role::Text, format!("/{nodes}")),
        }
    }

    fn gpus(&self) -> Line {
        match self.pool.stake.gpus {
            0 => Line::new(),
            gpus => Line::of(Role::Gpu, format::count(gpus)),
        }
    }

    fn saves(&self) -> Line {
        match self.pool.savings_millionths() {
            None => money::unknown(self.frame),
            Some(saved) if saved < 0 => Line::of(Role::Warn, "none"),
            Some(saved) => Line::plain(format!("{}%", saved / 10_000)),
        }
    }

    fn savings(&self) -> Line {
        match self.pool.stake.savings {
            None => money::unknown(self.frame),
            Some(saved) => Line::plain(money::bare(saved)),
        }
    }

    fn saved(&self) -> Line {
        // Counted each minute; before the first nothing has been saved yet.
        let counted = self.frame.app.insights.spot.saved(&self.pool.key);
        match counted.or(self.pool.stake.savings.map(|_| 0)) {
            None => money::unknown(self.frame),
            Some(saved) if saved < 0 => Line::of(Role::Warn, "none"),
            Some(saved) => Line::plain(money::sum(saved)),
        }
    }

    fn count(&self, count: u64, role: Role) -> Line {
        self::count(self.frame, count, role)
    }

    fn share(&self) -> Line {
        self::share(self.pool.share_millionths(self.frame.app.insights.spot.totals()))
    }

    fn expected(&self) -> Line {
        let Some(per_day) = self.pool.expected_reclaims_per_day_millionths() else {
            return Line::of(Role::Unknown, format::UNKNOWN);
        };
        let millionths = i64::try_from(per_day).unwrap_or(i64::MAX);
        Line::plain(crate::units::money::decimal(millionths / 10_000 * 10_000, 2))
    }

    fn node_pools(&self) -> Line {
        let names: Vec<&str> = self.pool.node_pools.iter().map(Sym::as_str).collect();
        words::or_none(Some(names.join(", ")))
    }

    /// What a colleague would say about it.
    fn sentence(&self) -> Line {
        let (pool, now) = (self.pool, self.frame.app.now);
        let lead = match (pool.state, pool.ends_at) {
            (SpotState::Reclaiming, Some(end)) => {
                let left = format::countdown(end.seconds_since(now));
                let (going, all) = (format::count(pool.nodes_reclaiming), format::count(pool.nodes));
                format!("! {going} of {all} goes in {left}; if this pool goes now: ")
            }
            (SpotState::Blind, _) => "? nothing would tell of it; if this pool goes now: ".to_owned(),
            _ => "if this pool goes now: ".to_owned(),
        };
        let role = if pool.state == SpotState::Reclaiming { Role::Bad } else { Role::TextDim };
        let gangs = gangs(self.frame, &losing(self.frame, pool));
        let more =
            gangs.into_iter().chain(cut_short(self.frame, &pool.stake)).chain(protected(self.frame, &pool.stake));
        let line = Line::of(role, lead).and(Role::Text, loss(self.frame, pool.nodes, &pool.stake));
        more.fold(line, |line, words| line.and(Role::Text, "; ").and(Role::Text, words))
    }
}

/// Columns of the bar of concentration.
const BAR: usize = 10;
