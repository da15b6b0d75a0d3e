//! Cells and sentence of the spot zones of Pools.

use super::columns::Shown;
use super::context::FrameContext;
use super::spot_pools::{cost, gangs, loss, protected};
use super::table::table;
use super::{Line, TableView, format, spot};
use crate::app::RowKey;
use crate::app::screens::spot_zones as columns;
use crate::config::Role;
use crate::fleet::Kind;
use crate::insight::picture::GangStake;
use crate::insight::spot::SpotZone;

/// Look of spot zones.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &cells(), |key| row(frame, key)),
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// A zone, from which its cells are written.
struct Row<'a> {
    frame: &'a FrameContext<'a>,
    zone: &'a SpotZone,
}

/// The row of a key.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let zone = frame.app.insights.spot.zone(key.spot_zone()?)?;
    Some(Row { frame, zone })
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::ZONE, Row::name),
        Shown::new(&columns::STATE, |row| spot::state(row.zone.state, None, row.frame.app.now)),
        Shown::new(&columns::POOLS, |row| Line::plain(format::count(row.zone.pools))),
        Shown::new(&columns::NODES, |row| Line::plain(format::count(row.zone.members.len()))),
        Shown::new(&columns::GPUS, Row::gpus),
        Shown::new(&columns::COST, |row| cost(row.frame, &row.zone.stake)),
        Shown::new(&columns::JOBS, |row| row.count(row.zone.stake.jobs.len() as u64, Role::Text)),
        Shown::new(&columns::GANGS, |row| row.count(row.losing().len() as u64, Role::Warn)),
        Shown::new(&columns::PODS, |row| row.count(row.zone.stake.pods, Role::Text)),
        Shown::new(&columns::PROTECTED, |row| row.count(row.zone.stake.pods_protected, Role::Warn)),
        Shown::new(&columns::SHARE, Row::share),
    ]
}

impl Row<'_> {
    fn name(&self) -> Line {
        match &self.zone.key.0 {
            Some(zone) => Line::of(Role::TextStrong, zone),
            None => Line::of(Role::Unknown, format!("{} unknown", format::UNKNOWN)),
        }
    }

    fn gpus(&self) -> Line {
        match self.zone.stake.gpus {
            0 => Line::new(),
            gpus => Line::of(Role::Gpu, format::count(gpus)),
        }
    }

    /// A count of what is only known as far as pods are.
    fn count(&self, count: u64, role: Role) -> Line {
        super::spot_pools::count(self.frame, count, role)
    }

    fn share(&self) -> Line {
        super::spot_pools::share(self.zone.share_millionths(self.frame.app.insights.spot.totals()))
    }

    /// The gangs that lose their quorum with the zone.
    fn losing(&self) -> Vec<GangStake> {
        GangStake::losing(&self.frame.app.fleet, &self.zone.stake, |node| self.zone.members.contains(node))
    }

    /// What a colleague would say about it.
    fn sentence(&self) -> Line {
        let (frame, stake) = (self.frame, &self.zone.stake);
        let nodes = self.zone.members.len() as u64;
        let line = Line::of(Role::TextDim, "if all spot capacity of this zone goes now: ")
            .and(Role::Text, format!("{}, {}", format::plural(self.zone.pools, "pool"), loss(frame, nodes, stake)));
        let gangs = if frame.all(Kind::Pod) { gangs(frame, &self.losing()) } else { None };
        let more = gangs.into_iter().chain(protected(frame, stake));
        more.fold(line, |line, words| line.and(Role::Text, "; ").and(Role::Text, words))
    }
}
