//! Cells and sentence of the screen Cost: who pays, what of it buys nothing, and who says what things cost.

use super::columns::Shown;
use super::context::FrameContext;
use super::layout::{SUMMARY_ROOMY_FROM, SUMMARY_ROWS};
use super::screen::{Area, Placed};
use super::table::table;
use super::{Line, TableView, burn_plot, format, money};
use crate::app::screens::cost as columns;
use crate::app::{Column, Paying, RowKey, Sourced, paying};
use crate::config::Role;
use crate::insight::cost::{Account, CostGroup, CostKey, CostPart, CostRates, CostSource, GroupBy};
use crate::insight::picture::ConsolidationSavings;

/// Look of the screen Cost.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &columns(frame), |key| row(frame, key)),
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells(GroupBy::default(), 0).iter().map(|shown| shown.column).collect(),
};

/// A row of Cost, from which its cells are written.
pub(super) struct Row<'a> {
    frame: &'a FrameContext<'a>,
    payer: CostKey,
    said: Paying,
    /// What all of the dimension pay together.
    whole: i64,
    rates: &'a CostRates,
}

/// The row of a key; every payer keeps its row while rates are known.
pub(super) fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let (payer, rates) = (key.payer()?.clone(), frame.app.insights.rates()?);
    Some(Row { frame, said: paying(frame.app, &payer), payer, whole: of_machines(rates), rates })
}

/// What of the total is for machines.
fn of_machines(rates: &CostRates) -> i64 {
    rates.total - rates.cluster_fixed.unwrap_or(0)
}

/// The columns; some are only of machines.
fn columns<'a>(frame: &FrameContext<'_>) -> Vec<Shown<Row<'a>>> {
    let dimension = frame.app.ui.level.dimension();
    let bar = u16::try_from(bar_width(frame)).unwrap_or(0);
    let is_all_priced = frame.app.insights.rates().is_none_or(|rates| rates.unpriced == 0);
    let of_machines = [&columns::NODES, &columns::HELD, &columns::UNREQUESTED];
    let is_left_out = |column: &'static Column| {
        (dimension.is_of_pods() && of_machines.contains(&column))
            || (dimension == GroupBy::Node && *column == columns::NODES)
            || (dimension == GroupBy::DeviceClass && *column == columns::UNREQUESTED)
            || (is_all_priced && *column == columns::UNPRICED)
    };
    cells(dimension, bar).into_iter().filter(|shown| !is_left_out(shown.column)).collect()
}

/// All columns in the order in which they stand.
fn cells<'a>(dimension: GroupBy, bar: u16) -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::MARK, Row::glyph),
        Shown::new(&columns::NAME, Row::name).titled(title(dimension)),
        Shown::new(&columns::SHARE, Row::bar).of_width(bar),
        Shown::new(&columns::COST, Row::rate),
        Shown::new(&columns::PERCENT, Row::percent),
        Shown::new(&columns::PAID, Row::paid),
        Shown::new(&columns::MONTH, Row::month),
        Shown::new(&columns::NODES, Row::nodes),
        Shown::new(&columns::HELD, Row::held),
        Shown::new(&columns::UNREQUESTED, Row::unrequested),
        Shown::new(&columns::UNPRICED, Row::unpriced),
    ]
}

const fn title(dimension: GroupBy) -> &'static str {
    match dimension {
        GroupBy::NodePool => "NODEPOOL",
        GroupBy::Namespace => "NAMESPACE",
        GroupBy::Job => "JOB",
        GroupBy::Owner => "OWNER",
        GroupBy::CapacityType => "CAPACITY TYPE",
        GroupBy::InstanceType => "INSTANCE TYPE",
        GroupBy::Zone => "ZONE",
        GroupBy::Node => "NODE",
        GroupBy::DeviceClass => "GPU CLASS",
    }
}

/// Marks of a bar that is the whole.
fn bar_width(frame: &FrameContext<'_>) -> usize {
    match frame.app.ui.size.0 - beside(frame).unwrap_or(0) {
        160.. => 40,
        100.. => 20,
        _ => 12,
    }
}

impl Row<'_> {
    fn glyph(&self) -> Line {
        if self.said.unpriced > 0 { Line::of(Role::Warn, "△") } else { Line::new() }
    }

    fn words(&self) -> String {
        let words = self.payer.1.words(self.payer.0);
        match self.payer.0 {
            GroupBy::Node => super::words::node_name(&words, self.frame.app.ui.size.0).to_owned(),
            _ => words,
        }
    }

    fn name(&self) -> Line {
        let role = match self.payer.1 {
            CostGroup::Nobody | CostGroup::OtherPods | CostGroup::Former => Role::TextDim,
            _ => Role::TextStrong,
        };
        Line::of(role, self.words())
    }

    fn bar(&self) -> Line {
        share_bar(self.said.rate, self.whole, bar_width(self.frame))
    }

    /// A true zero of machines that are all priced is paid for.
    fn rate(&self) -> Line {
        match (self.said.rate, self.said.unpriced) {
            (0, 1..) => money::unknown(self.frame),
            (rate, 1..) => Line::of(Role::Warn, "≥ ").and(Role::Text, money::bare(rate)),
            (0, 0) if self.said.machines.count > 0 => Line::of(Role::TextDim, "prepaid"),
            (0, 0) => Line::of(Role::TextDim, format::NONE),
            (rate, 0) => Line::plain(money::bare(rate)),
        }
    }

    fn percent(&self) -> Line {
        share(self.said.rate, self.whole)
    }

    fn paid(&self) -> Line {
        money::paid(self.frame, &self.payer)
    }

    fn month(&self) -> Line {
        match self.said.rate {
            0 => Line::of(Role::TextDim, format::NONE),
            rate => Line::of(Role::TextDim, money::month(rate)),
        }
    }

    fn nodes(&self) -> Line {
        Line::plain(format::count(self.said.machines.count))
    }

    fn held(&self) -> Line {
        self.waste(self.rates.parts.get(CostPart::Held), self.said.machines.held, Role::Protected)
    }

    fn unrequested(&self) -> Line {
        self.waste(self.rates.parts.get(CostPart::Unrequested), self.said.machines.unrequested, Role::Text)
    }

    /// A part of the rate, where such parts are known at all.
    fn waste(&self, of_all: Option<i64>, rate: i64, role: Role) -> Line {
        match (of_all, rate) {
            (None, _) => Line::of(Role::Unknown, self.frame.unknown(crate::fleet::Kind::Pod)),
            (Some(_), 0) => Line::of(Role::TextDim, format::NONE),
            (Some(_), rate) => Line::of(role, money::bare(rate)),
        }
    }

    fn unpriced(&self) -> Line {
        match (self.said.unpriced, self.payer.0.is_of_pods()) {
            (0, _) => Line::new(),
            (pods, true) => Line::of(Role::Warn, format::plural(pods, "pod")),
            (nodes, false) => Line::of(Role::Warn, format::count(nodes)),
        }
    }

    /// What a colleague would say about it.
    pub(super) fn sentence(&self) -> Line {
        let line = self.glyph().spaced(" ").and(Role::TextDim, format!("{} ", self.payer.0.name()));
        let line = line.and(Role::TextStrong, self.words());
        line.and(Role::Text, format!(": {}{}", self.what(), self.how_to_go_on()))
    }

    fn what(&self) -> String {
        let unpriced = match (self.said.unpriced, self.payer.0.is_of_pods()) {
            (0, _) => String::new(),
            (pods, true) => {
                format!("; the shares of {} are not known", format::plural(pods, "pod"))
            }
            (nodes, false) => format!("; {} not priced", format::plural(nodes, "machine")),
        };
        let rate = match self.said.rate {
            0 => "pays nothing that is known".to_owned(),
            rate => {
                let percent = format::rounded_percent(rate, self.whole).unwrap_or_default();
                format!("{}, {percent} of all machines, {}", money::rate(rate), money::month(rate))
            }
        };
        let paid = match self.said.paid {
            account if account.observed_seconds == 0 => String::new(),
            account => format!("; {} paid in {}", money::sum(account.micro_usd()), seen(account)),
        };
        format!("{rate}{paid}{unpriced}")
    }

    fn how_to_go_on(&self) -> &'static str {
        match (&self.payer.1, self.payer.0.is_of_pods()) {
            (CostGroup::Former, _) => "; they are gone",
            (CostGroup::Nobody, true) => "; enter shows on which nodes",
            (_, true) => "; enter shows its pods",
            (_, false) if self.payer.0 == GroupBy::Node => "; enter shows its pods",
            (_, false) => "; enter shows its nodes",
        }
    }
}

/// A share of a whole as a bar in steps of an eighth of a column.
fn share_bar(rate: i64, whole: i64, width: usize) -> Line {
    let millionths = i128::from(rate.max(0)) * 1_000_000 / i128::from(whole.max(1));
    let (full, rest) = format::eighths(i64::try_from(millionths).unwrap_or(0), width);
    Line::of(Role::BarFill, full).and(Role::BarEmpty, rest)
}

/// A share in whole percent, rounded to the nearest.
fn share(rate: i64, whole: i64) -> Line {
    match format::rounded_percent(rate, whole) {
        Some(percent) if rate > 0 => Line::plain(percent),
        _ => Line::of(Role::TextDim, format::NONE),
    }
}

/// Over how long a sum was seen.
fn seen(account: Account) -> String {
    format::age(account.observed_seconds)
}

// ---- Above the table ----

/// Everything that is not of one payer.
pub(super) fn summary(frame: &FrameContext<'_>, area: Area) -> Vec<Placed> {
    let width = usize::from(area.width.saturating_sub(2));
    let Some(rates) = frame.app.insights.rates() else { return Vec::new() };
    let is_roomy = frame.app.ui.size.1 >= SUMMARY_ROOMY_FROM;
    let lines = if is_roomy { all(frame, rates, width) } else { most(frame, rates, width) };
    let rows = (area.y..area.y + area.height).zip(lines);
    rows.map(|(y, line)| Placed { area: Area::row(area.x + 1, y, area.width.saturating_sub(2)), line: line.cut(width) })
        .collect()
}

/// In five lines: total, two of ledgers, Karpenter's own dollars, prices.
fn most(frame: &FrameContext<'_>, rates: &CostRates, width: usize) -> Vec<Line> {
    let mut lines = vec![total(frame, rates, width)];
    // The header of every screen tells what is held and unrequested.
    let parts = || CostPart::ALL.into_iter().filter(|part| *part != CostPart::HeldUnrequested);
    let ledgers = |with| ledgers(frame, rates, parts()).iter().map(|ledger| ledger.short(with)).collect::<Vec<_>>();
    let with_sums = filled(ledgers(Sums::Shown), width);
    lines.extend(if with_sums.len() <= 2 { with_sums } else { filled(ledgers(Sums::Hidden), width) });
    lines.truncate(3);
    let karpenter: Vec<Line> = moves(frame).collect();
    let priced = filled(unpriced(frame).into_iter().chain(sources(frame)).collect(), width.saturating_sub(SHORT_LABEL));
    let left = usize::from(SUMMARY_ROWS).saturating_sub(lines.len() + usize::from(!karpenter.is_empty()));
    lines.extend(labelled::<SHORT_LABEL>("PRICES", priced.into_iter().take(left)));
    let said = filled(karpenter, width.saturating_sub(SHORT_LABEL)).into_iter().filter(|line| !line.is_empty());
    lines.extend(labelled::<SHORT_LABEL>("KARPENTER", said.take(1)));
    lines
}

/// Line by line, where there is room.
fn all(frame: &FrameContext<'_>, rates: &CostRates, width: usize) -> Vec<Line> {
    let mut lines = vec![total(frame, rates, width), Line::new()];
    lines.extend(ledgers(frame, rates, CostPart::ALL.into_iter()).iter().map(Ledger::long));
    lines.push(Line::new());
    let mut karpenter: Vec<Line> = moves(frame).collect();
    if karpenter.is_empty() {
        karpenter.push(Line::of(Role::TextDim, "its Events tell of no move that would save money"));
    }
    lines.extend(labelled::<LABEL>("KARPENTER", filled(karpenter, width.saturating_sub(LABEL)).into_iter().take(2)));
    let priced = unpriced(frame).into_iter().chain(sources(frame)).collect();
    lines.extend(labelled::<LABEL>("PRICES", filled(priced, width.saturating_sub(LABEL)).into_iter().take(3)));
    lines
}

/// Columns of the names of lines.
const LABEL: usize = 26;

/// Columns of them where there is little room.
const SHORT_LABEL: usize = 11;

fn labelled<const WIDTH: usize>(label: &str, lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let label = |at: usize| format!("{:<WIDTH$}", if at == 0 { label } else { "" });
    lines.enumerate().map(|(at, line)| Line::of(Role::TextDim, label(at)).then(line)).collect()
}

const GAP: &str = "   ";

/// As many lines as the parts need, none of them broken.
fn filled(parts: Vec<Line>, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for part in parts {
        let fits = |line: &Line| line.is_empty() || line.width() + GAP.len() + part.width() <= width;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => *line = std::mem::take(line).spaced(GAP).then(part),
            None => lines.push(part),
        }
    }
    lines
}

/// `≥ $412.87/h  $301k/mo  +$37.12 since 12:04 (41m seen)`, then the last hour as a curve.
fn total(frame: &FrameContext<'_>, rates: &CostRates, width: usize) -> Line {
    let [counter, since] = money::counter(frame);
    let line = counter.and(Role::TextDim, format!("  {}", money::month(rates.total))).and(Role::Text, GAP).then(since);
    let paid = frame.app.insights.ledger.total();
    let looked = frame.app.insights.ledger.since().map_or(0, |since| frame.app.now.seconds_since(since));
    // Where there is little room only a gap is told: what was not seen is not in the sum.
    let has_gap = looked - paid.observed_seconds > SECONDS_PER_MINUTE;
    let line = match width {
        ..ROOMY_FROM if !has_gap => line,
        _ => line.and(Role::TextDim, format!(" ({} seen)", seen(paid))),
    };
    let room = width.saturating_sub(line.width() + GAP.len());
    line.and(Role::Text, GAP).then(curve(frame, room))
}

const SECONDS_PER_MINUTE: i64 = 60;

/// Narrower than this there is no room for the curve and all words.
const ROOMY_FROM: usize = 100;

/// The last hour minute by minute, of zero to the most; minutes that nobody saw are dots.
fn curve(frame: &FrameContext<'_>, room: usize) -> Line {
    const LABEL: &str = " last hour";
    if beside(frame).is_some() {
        return Line::new();
    }
    let minutes: Vec<Option<i64>> = totals_of_last_hour(frame);
    let room = room.saturating_sub(LABEL.len());
    let (Some(most), 8..) = (minutes.iter().flatten().max(), room) else { return Line::new() };
    let newest = minutes.len().saturating_sub(room);
    let drawn: String = minutes[newest..].iter().map(|rate| format::step(*rate, *most)).collect();
    Line::of(Role::BarFill, drawn).and(Role::TextDim, LABEL)
}

/// The burn of the last hour in so many columns between its least and its most, each the mean of its minutes; nothing before
/// there are as many minutes as columns.
pub(super) fn course(frame: &FrameContext<'_>, columns: usize) -> Line {
    let minutes = totals_of_last_hour(frame);
    if minutes.len() < columns {
        return Line::new();
    }
    let mean = |at: usize| {
        let part = &minutes[minutes.len() * at / columns..minutes.len() * (at + 1) / columns];
        let known = i64::try_from(part.iter().flatten().count()).unwrap_or(1);
        part.iter().flatten().sum::<i64>().checked_div(known)
    };
    let means: Vec<Option<i64>> = (0..columns).map(mean).collect();
    let (Some(least), Some(most)) = (means.iter().flatten().min(), means.iter().flatten().max()) else {
        return Line::new();
    };
    // A change of a part in twenty is none that anybody looks for.
    let span = (most - least).max(most / 20).max(1);
    let base = i64::midpoint(*least, *most) - span / 2;
    let drawn: String = means.iter().map(|mean| format::step(mean.map(|mean| mean - base), span)).collect();
    Line::of(Role::BarFill, drawn)
}

fn totals_of_last_hour(frame: &FrameContext<'_>) -> Vec<Option<i64>> {
    let minutes = frame.app.insights.ledger.last_hour();
    minutes.into_iter().map(|minute| minute.map(|minute| minute.total)).collect()
}

// ---- Beside the table ----

/// From this width on the last hour stands beside the table.
const BESIDE_FROM: u16 = 120;

/// Columns of what stands beside the table, and where there is much room: then each minute has one.
const BESIDE_WIDTH: [u16; 2] = [52, 74];

/// From this width on there is much room.
const BESIDE_ROOMY_FROM: u16 = 180;

/// From this height on a second grouping stands below the last hour.
const TWO_GROUPINGS_FROM: u16 = 40;

/// Rows of the plot where there is much room.
const HIGHEST_PLOT: u16 = 14;

/// How many columns of the body are of what stands beside the table; `None` where there is no room, or where details do.
pub(super) fn beside(frame: &FrameContext<'_>) -> Option<u16> {
    let level = &frame.app.ui.level;
    let has_room = frame.app.ui.size.0 >= BESIDE_FROM && frame.app.insights.rates().is_some();
    let width = BESIDE_WIDTH[usize::from(frame.app.ui.size.0 >= BESIDE_ROOMY_FROM)];
    (level.screen == crate::app::Screen::Cost && level.detail.is_none() && has_room).then_some(width)
}

/// The last hour, and from some height on another grouping, each in its lines.
pub(super) fn beside_lines(frame: &FrameContext<'_>, area: Area) -> Vec<Placed> {
    let width = usize::from(area.width.saturating_sub(2));
    let has_two = frame.app.ui.size.1 >= TWO_GROUPINGS_FROM;
    let most = if has_two { HIGHEST_PLOT.min(area.height * 3 / 5) } else { area.height };
    let rows = usize::from(area.height.min(most)).saturating_sub(burn_plot::BESIDE_ROWS);
    let minutes = frame.app.insights.ledger.last_hour();
    let mut lines = burn_plot::lines(&minutes, width, rows);
    if has_two {
        lines.push(Line::new());
        lines.extend(second_grouping(frame, width, usize::from(area.height).saturating_sub(lines.len() + 1)));
    }
    let rows = (area.y..area.y + area.height).zip(lines);
    rows.map(|(y, line)| Placed { area: Area::row(area.x + 2, y, area.width.saturating_sub(2)), line: line.cut(width) })
        .collect()
}

/// The dearest of another dimension: namespaces, or NodePools where namespaces are listed.
fn second_grouping(frame: &FrameContext<'_>, width: usize, rows: usize) -> Vec<Line> {
    let Some(rates) = frame.app.insights.rates() else { return Vec::new() };
    let listed = frame.app.ui.level.dimension();
    let dimension = if listed == GroupBy::Namespace { GroupBy::NodePool } else { GroupBy::Namespace };
    let whole = of_machines(rates);
    let mut groups: Vec<(&CostKey, i64)> = rates.by_group().filter(|(payer, _)| payer.0 == dimension).collect();
    groups.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let line = |(payer, rate): &(&CostKey, i64)| {
        let name = Line::of(Role::TextStrong, payer.1.words(dimension)).cut(NAME_WIDTH);
        let pad = " ".repeat(NAME_WIDTH + 1 - name.width());
        let bar = share_bar(*rate, whole, width.saturating_sub(NAME_WIDTH + AMOUNT_WIDTH + 7));
        let amount = format!("{:>AMOUNT_WIDTH$}", money::bare(*rate));
        let percent = share(*rate, whole);
        let gap = " ".repeat(5_usize.saturating_sub(percent.width()));
        name.and(Role::Text, pad).then(bar).and(Role::Text, amount).and(Role::Text, gap).then(percent)
    };
    let mut lines = vec![Line::of(Role::Column, format!("BY {}", title(dimension)))];
    lines.extend(groups.iter().take(rows.saturating_sub(2)).map(line));
    let more = groups.len().saturating_sub(rows.saturating_sub(2));
    if more > 0 {
        lines.push(Line::of(Role::TextDim, format!("and {} more: d lists them", format::count(more))));
    }
    lines
}

/// Columns of a name beside the table.
const NAME_WIDTH: usize = 16;

/// Columns of dollars beside the table.
const AMOUNT_WIDTH: usize = 9;

/// A rate that buys nothing, or nothing for pods, and what it has come to.
struct Ledger {
    label: &'static str,
    /// `None` where it is not known.
    rate: Option<i64>,
    sum: Option<Account>,
    unknown: &'static str,
}

/// Whether sums stand behind rates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sums {
    Shown,
    Hidden,
}

fn ledgers(frame: &FrameContext<'_>, rates: &CostRates, parts: impl Iterator<Item = CostPart>) -> Vec<Ledger> {
    let unknown = frame.unknown(crate::fleet::Kind::Pod);
    let parts = parts.map(|part| Ledger {
        label: label(part),
        rate: rates.parts.get(part),
        sum: Some(frame.app.insights.ledger.part(part)),
        unknown,
    });
    let control_plane =
        Ledger { label: "control plane", rate: rates.cluster_fixed, sum: None, unknown: format::UNKNOWN };
    parts.chain([control_plane]).collect()
}

const fn label(part: CostPart) -> &'static str {
    match part {
        CostPart::Protected => "protected",
        CostPart::Held => "held",
        CostPart::HeldUnrequested => "held & unrequested",
        CostPart::Unrequested => "unrequested",
        CostPart::UnallocatedGpu => "GPUs not requested",
        CostPart::IdleGpu => "GPUs idle",
        CostPart::Waiting => "waiting",
        CostPart::Starting => "no node yet",
    }
}

impl Ledger {
    fn rate(&self) -> Line {
        match self.rate {
            Some(rate) => Line::of(Role::TextStrong, money::rate(rate)),
            None => Line::of(Role::Unknown, format!("${}/h", self.unknown)),
        }
    }

    /// `held $187.20/h +$12.20`.
    fn short(&self, sums: Sums) -> Line {
        let line = Line::of(Role::TextDim, format!("{} ", self.label)).then(self.rate());
        match self.sum.filter(|sum| sums == Sums::Shown && sum.observed_seconds > 0) {
            Some(sum) => line.and(Role::TextDim, format!(" +{}", money::sum(sum.micro_usd()))),
            None => line,
        }
    }

    /// The same in columns, with the month.
    fn long(&self) -> Line {
        let rate = self.rate();
        let month = self.rate.filter(|rate| *rate > 0).map_or_else(String::new, money::month);
        let gap = " ".repeat(14_usize.saturating_sub(rate.width()));
        let line = Line::of(Role::TextDim, format!("{:<LABEL$}", self.label)).and(Role::Text, gap).then(rate);
        let line = line.and(Role::TextDim, format!("  {month:>12}"));
        match self.sum.filter(|sum| sum.observed_seconds > 0) {
            Some(sum) => line
                .and(Role::Text, format!("  {:>12}", money::sum(sum.micro_usd())))
                .and(Role::TextDim, format!(" in {}", seen(sum))),
            None => line,
        }
    }
}

/// `gpu candidate ×3 save $5.10/h`, as Karpenter's Events say.
fn moves<'a>(frame: &'a FrameContext<'_>) -> impl Iterator<Item = Line> + 'a {
    frame.app.ui.listing.costs.moves.iter().map(said)
}

fn said(moves: &ConsolidationSavings) -> Line {
    let pool = moves.node_pool.as_ref().map_or("(no NodePool)", |pool| pool.as_str());
    let saved = moves.micro_usd_per_hour.map_or_else(String::new, |rate| format!(" saves {}", money::rate(rate)));
    Line::of(Role::TextStrong, pool)
        .and(
            Role::TextDim,
            format!(
                " {} {}",
                moves.outcome.words(),
                format::plural(usize::try_from(moves.nodes).unwrap_or(usize::MAX), "node")
            ),
        )
        .and(Role::Text, saved)
}

/// `AWS on-demand 14 (2h old)`; the user's file in amber once it is older than it wants to be.
fn sources(frame: &FrameContext<'_>) -> Vec<Line> {
    frame.app.ui.listing.costs.sources.iter().map(|sourced| source(frame, sourced)).collect()
}

fn source(frame: &FrameContext<'_>, sourced: &Sourced) -> Line {
    let line = Line::plain(format!("{} {}", money::source(sourced.source), format::count(sourced.machines)));
    let age_seconds = sourced.oldest.map(|oldest| frame.app.now.seconds_since(oldest));
    let Some(old) = money::old(age_seconds) else { return line };
    let user = frame.app.fleet.prices.user.as_ref();
    let is_file_outdated = user.is_some_and(|user| user.is_outdated(frame.app.now));
    let is_doubtful = sourced.source == CostSource::Override && is_file_outdated;
    let (mark, role) = if is_doubtful { ("△ ", Role::Warn) } else { ("", Role::TextDim) };
    line.and(role, format!(" ({mark}{old})"))
}

/// Machines that nobody prices, with the reason.
fn unpriced(frame: &FrameContext<'_>) -> Vec<Line> {
    let Some(all) = frame.app.insights.rates().map(|rates| rates.unpriced).filter(|all| *all > 0) else {
        return Vec::new();
    };
    let named = &frame.app.ui.listing.costs.unpriced;
    let mut lines: Vec<Line> = named
        .iter()
        .map(|one| {
            let name = super::words::node_name(&one.name, frame.app.ui.size.0);
            Line::of(Role::TextStrong, name).and(Role::TextDim, format!(" ({})", one.reason))
        })
        .collect();
    let count = Line::of(Role::Warn, format!("△ {} without price", format::count(all)));
    match lines.first_mut() {
        Some(first) => *first = count.and(Role::Warn, ": ").then(std::mem::take(first)),
        None => lines.push(count),
    }
    lines
}

/// What no number here contains, in as many words as fit.
pub(super) fn excluded(width: usize) -> Line {
    const WORDS: [&str; 3] = [
        "list price unless the file says otherwise · USD · Linux · excl. EBS, network, licences, unused reservations · month = 730 h",
        "list price · USD · Linux · excl. EBS, network, licences · month = 730 h",
        "list price · USD · excl. EBS, network",
    ];
    let fitting = WORDS.into_iter().find(|words| words.chars().count() + 4 <= width);
    Line::of(Role::TextDim, format!(" {} ", fitting.unwrap_or(WORDS[2])))
}
