//! Cells and sentence of the screen Pools: NodePools with their budgets, each with its NodeClaims.

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::timeline::{self, Timeline};
use super::{Line, TableView, format, money, text, words};
use crate::app;
use crate::app::screens::pools as columns;
use crate::config::Role;
use crate::fleet::{Key, Kind, NodeClaimRow, NodePoolRow, Sym};
use crate::insight::cost::{CostGroup, GroupBy};
use crate::insight::disruption::{BudgetWindow, Reason};
use crate::units::{Lifetime, duration};

/// Look of the screen Pools.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &cells(slots(frame)), |key| row(frame, key.object()?)),
    sentence: |frame, key| row(frame, key.object()?).map(|row| row.sentence()),
    columns: || cells(0).iter().map(|shown| shown.column).collect(),
};

/// One row: a branch of the tree or a leaf.
pub(super) struct Row<'a> {
    frame: &'a FrameContext<'a>,
    part: Part<'a>,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Pool(&'a NodePoolRow),
    Claim(&'a NodeClaimRow),
}

/// The row of a key.
pub(super) fn row<'a>(frame: &'a FrameContext<'a>, key: &Key) -> Option<Row<'a>> {
    let fleet = &frame.app.fleet;
    let part = match key.kind {
        Kind::NodePool => Part::Pool(fleet.node_pools.get(&key.object)?),
        Kind::NodeClaim => Part::Claim(fleet.node_claims.get(&key.object)?),
        _ => return None,
    };
    Some(Row { frame, part })
}

/// From this width of the terminal on a slot of the time line is half an hour.
const HALF_HOURS_FROM: u16 = 180;

/// From this width on a slot is an hour, below it two.
const HOURS_FROM: u16 = 100;

/// Slots of the time line: half hours where the table has room for them, else hours, else two.
fn slots(frame: &FrameContext<'_>) -> u16 {
    let is_whole = frame.app.ui.level.detail.is_none();
    match frame.app.ui.size.0 {
        HALF_HOURS_FROM.. if is_whole => 48,
        HOURS_FROM.. => 24,
        _ => 12,
    }
}

/// All columns in the order in which they stand; some speak of NodePools, some of NodeClaims.
fn cells<'a>(slots: u16) -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NAME, Row::name),
        Shown::new(&columns::STATUS, Row::phase),
        Shown::new(&columns::NODES, Row::nodes),
        Shown::new(&columns::COST, Row::cost),
        Shown::new(&columns::INSTANCE_TYPE, Row::instance_type),
        Shown::new(&columns::CAPACITY, Row::capacity),
        Shown::new(&columns::ZONE, Row::zone),
        Shown::new(&columns::NODE, Row::node),
        Shown::new(&columns::AGE, Row::age),
        Shown::new(&columns::EXPIRES, Row::expires),
        Shown::new(&columns::ALLOWED, Row::allowed),
        Shown::new(&columns::TIMELINE, Row::timeline).of_width(slots),
        Shown::new(&columns::BUDGETS, Row::budgets),
        Shown::new(&columns::POLICY, Row::policy),
        Shown::new(&columns::CONSOLIDATE_AFTER, Row::consolidate_after),
        Shown::new(&columns::LIMITS, Row::limits),
        Shown::new(&columns::WEIGHT, Row::weight),
    ]
}

/// `consolidateAfter` and `expireAfter` as they are written.
pub(super) fn lifetime(value: Lifetime) -> String {
    match value {
        Lifetime::Unset => format::NONE.to_owned(),
        Lifetime::Never => "Never".to_owned(),
        Lifetime::Seconds(seconds) => duration::format_compact(seconds),
        Lifetime::Invalid => "invalid".to_owned(),
    }
}

/// Whether a NodePool is ready, as far as that is told.
pub(super) fn readiness(pool: &NodePoolRow) -> Line {
    match (pool.is_ready(), pool.tells_readiness()) {
        (true, _) => Line::of(Role::Ok, "● Ready"),
        (false, true) => Line::of(Role::Bad, "! NotReady"),
        (false, false) => Line::of(Role::Unknown, "? not told"),
    }
}

/// Use of every limited resource: `cpu 320/1000`.
pub(super) fn limits(pool: &NodePoolRow) -> Vec<String> {
    let used =
        |resource| pool.usage.iter().find(|(name, _)| name == resource).map_or("0", |(_, amount)| amount.as_str());
    pool.limits.iter().map(|(resource, limit)| format!("{resource} {}/{limit}", used(resource))).collect()
}

impl Row<'_> {
    fn name(&self) -> Line {
        match self.part {
            Part::Pool(pool) => Line::of(Role::TextStrong, &pool.meta.key.name),
            Part::Claim(claim) => Line::of(Role::TextDim, "└ ").and(Role::Text, &claim.meta.key.name),
        }
    }

    fn phase(&self) -> Line {
        match self.part {
            Part::Pool(pool) => readiness(pool),
            Part::Claim(claim) => words::claim(app::claim_phase(claim, self.frame.app)).line(),
        }
    }

    fn of_claim(&self, text: impl Fn(&NodeClaimRow) -> Line) -> Line {
        match self.part {
            Part::Claim(claim) => text(claim),
            Part::Pool(_) => Line::new(),
        }
    }

    fn of_pool(&self, text: impl Fn(&NodePoolRow) -> Line) -> Line {
        match self.part {
            Part::Pool(pool) => text(pool),
            Part::Claim(_) => Line::new(),
        }
    }

    fn nodes(&self) -> Line {
        self.of_pool(|pool| {
            if !self.frame.readable(Kind::Node) {
                return Line::of(Role::Unknown, format::NOT_YET);
            }
            let nodes = format::count(self.frame.app.insights.picture.pool(&pool.meta.key.name).nodes);
            match pool.replicas {
                Some(replicas) => Line::plain(format!("{nodes}/{replicas}")),
                None => Line::plain(nodes),
            }
        })
    }

    fn cost(&self) -> Line {
        match self.part {
            Part::Pool(pool) => {
                money::of_payer(self.frame, &(GroupBy::NodePool, CostGroup::Named(pool.meta.key.name.clone())))
            }
            Part::Claim(claim) => money::of_claim(self.frame, claim),
        }
    }

    fn instance_type(&self) -> Line {
        self.of_claim(|claim| words::or_none(claim.instance_type()))
    }

    fn capacity(&self) -> Line {
        self.of_claim(|claim| words::capacity(claim.capacity_type()))
    }

    fn zone(&self) -> Line {
        self.of_claim(|claim| words::or_none(claim.zone()))
    }

    fn node(&self) -> Line {
        self.of_claim(|claim| words::or_none(claim.node_name.as_ref()))
    }

    fn age(&self) -> Line {
        let created = match self.part {
            Part::Pool(pool) => pool.meta.created,
            Part::Claim(claim) => claim.meta.created,
        };
        Line::plain(format::age(self.frame.app.now.seconds_since(created)))
    }

    fn expires(&self) -> Line {
        match self.part {
            Part::Pool(pool) => Line::of(Role::TextDim, lifetime(pool.expire_after)),
            Part::Claim(claim) => match claim.expires_at() {
                Some(at) if at <= self.frame.app.now => Line::of(Role::Warn, "over"),
                Some(at) => Line::plain(format!("in {}", format::age(at.seconds_since(self.frame.app.now)))),
                None => Line::of(Role::TextDim, lifetime(claim.expire_after)),
            },
        }
    }

    /// How many more nodes may be disrupted now, for each reason.
    fn allowed(&self) -> Line {
        self.of_pool(|pool| {
            let Some(budgets) = self.frame.evaluator().budgets(&pool.meta.key.name) else { return Line::new() };
            if !self.frame.evaluator().counts_are_known() {
                return Line::of(Role::Unknown, self.frame.unknown(Kind::NodeClaim));
            }
            let left = Reason::ALL.map(|reason| {
                (budgets.allowed(reason, self.frame.app.now), budgets.remaining(reason, self.frame.app.now))
            });
            let words =
                left.map(
                    |(allowed, left)| {
                        if timeline::is_any(allowed) { timeline::allowed(allowed) } else { format::count(left) }
                    },
                );
            let role = if left.iter().all(|(_, left)| *left == 0) { Role::Warn } else { Role::Text };
            Line::of(role, words.join("/")).and(Role::TextDim, format!(" of {}", format::count(budgets.counted)))
        })
    }

    fn timeline(&self) -> Line {
        self.of_pool(|pool| {
            let Some(budgets) = self.frame.evaluator().budgets(&pool.meta.key.name) else { return Line::new() };
            let line = Timeline::new(budgets, self.frame.app.now, usize::from(slots(self.frame)));
            Line::of(Role::BarFill, line.all())
        })
    }

    fn budgets(&self) -> Line {
        self.of_pool(|pool| active_budgets(pool, self.frame))
    }

    fn policy(&self) -> Line {
        self.of_pool(|pool| match pool.replicas {
            Some(_) => Line::of(Role::TextDim, "static"),
            None => words::or_none(Some(pool.consolidation_policy.as_str())),
        })
    }

    fn consolidate_after(&self) -> Line {
        self.of_pool(|pool| Line::plain(lifetime(pool.consolidate_after)))
    }

    fn limits(&self) -> Line {
        self.of_pool(|pool| words::or_none(Some(limits(pool).join(", "))))
    }

    fn weight(&self) -> Line {
        self.of_pool(|pool| Line::plain(format::count(pool.weight)))
    }

    /// What a colleague would say about it.
    pub(super) fn sentence(&self) -> Line {
        match self.part {
            Part::Pool(pool) => self.pool_sentence(pool),
            Part::Claim(claim) => self.claim_sentence(claim),
        }
    }

    fn pool_sentence(&self, pool: &NodePoolRow) -> Line {
        let counts = self.frame.app.insights.picture.pool(&pool.meta.key.name);
        let budgets = active_budgets(pool, self.frame).text();
        let words = if self.frame.readable(Kind::Node) {
            let nodes = format::plural(counts.nodes, "node");
            format!(
                " has {nodes}, {} of them leaving or not ready; budgets now: {budgets}{}",
                counts.disrupting,
                self.next_change(pool)
            )
        } else {
            format!(": its nodes are not known yet; budgets now: {budgets}")
        };
        let line = Line::plain("NodePool ").and(Role::TextStrong, &pool.meta.key.name).and(Role::Text, words);
        let has_bar = self.frame.evaluator().budgets(&pool.meta.key.name).is_some();
        let legend = if has_bar { self.legend(line.width()) } else { String::new() };
        line.and(Role::TextDim, legend)
    }

    /// What the letters of the bar mean, in as many words as fit behind a sentence of this width.
    fn legend(&self, sentence: usize) -> String {
        let room = usize::from(self.frame.app.ui.size.0).saturating_sub(sentence + 2);
        let fits = |legend: &String| text::width(legend) <= room;
        timeline::LEGENDS.map(|legend| format!("   {legend}")).into_iter().find(fits).unwrap_or_default()
    }

    fn next_change(&self, pool: &NodePoolRow) -> String {
        let budgets = self.frame.evaluator().budgets(&pool.meta.key.name);
        let next = budgets.and_then(|budgets| budgets.next_change(self.frame.app.now));
        next.map_or_else(String::new, |at| format!(", until {} UTC", format::clock(self.frame.app.now, at)))
    }

    fn claim_sentence(&self, claim: &NodeClaimRow) -> Line {
        let key = Key::new(Kind::NodeClaim, claim.meta.key.clone());
        super::fleet::row(self.frame, &key).map_or_else(Line::new, |row| row.sentence())
    }
}

/// The budgets that count now, as they are written: `10%, 0 Drifted`.
pub(super) fn active_budgets(pool: &NodePoolRow, frame: &FrameContext<'_>) -> Line {
    if frame.evaluator().budgets(&pool.meta.key.name).is_none() {
        return Line::of(Role::TextDim, format::NONE);
    }
    // Without budgets Karpenter's own default is one of 10 % (karpenter pkg/apis/v1/nodepool.go).
    let Some(budgets) = &pool.budgets else { return Line::of(Role::TextDim, "10% (default)") };
    let active = budgets.iter().filter(|budget| BudgetWindow::of(budget).at(frame.app.now).active_now);
    let words: Vec<String> = active.map(|budget| budget_words(&budget.nodes, budget.reasons.as_deref())).collect();
    if words.is_empty() { Line::of(Role::TextDim, "none now") } else { Line::plain(words.join(", ")) }
}

fn budget_words(nodes: &str, reasons: Option<&[Sym]>) -> String {
    match reasons {
        None => nodes.to_owned(),
        Some([]) => format!("{nodes} of no reason"),
        Some(reasons) => {
            let reasons: Vec<&str> = reasons.iter().map(Sym::as_str).collect();
            format!("{nodes} {}", reasons.join("+"))
        }
    }
}
