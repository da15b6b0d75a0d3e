//! A column: everything about it but the text in its cells, which `view` writes.

use std::fmt;

use crate::app::devices::{DeviceGroupRow, DeviceRow};
use crate::app::payers::{PayerRow, RatesByUid};
use crate::app::rank::Rank;
use crate::app::{App, RowRef};
use crate::insight::cold_start::{ImageStatistics, PoolStatistics};
use crate::insight::incidents::Incident;
use crate::insight::insights::Dependency;
use crate::insight::picture::Matter;
use crate::insight::spot::{SpotPool, SpotZone};

/// On which side of its column a text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Align {
    /// At the left side: names and words.
    #[default]
    Left,
    /// At the right side: numbers and ages, so that digits stand below one another.
    Right,
}

/// Widths of a column in columns of the terminal. A column that its texts do not fill is narrower.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WidthRange {
    /// The least that is worth showing; with less room an essential column is left out.
    pub min: u16,
    /// Room that holds usual texts uncut; given before any column gets more.
    pub preferred: u16,
    /// The most that the column takes, however wide the terminal.
    pub max: u16,
}

impl WidthRange {
    /// A column that is always as wide.
    pub const fn fixed(width: u16) -> Self {
        Self { min: width, preferred: width, max: width }
    }
}

/// The rank of a row; computed once per row.
pub type RowRank = for<'a> fn(RowRef<'a>, &'a App) -> Rank<'a>;

/// What a device is compared by: a rank, then two numbers of which the smallest come first.
#[derive(Clone, Copy)]
pub struct DeviceRank<'a> {
    /// Compared first.
    pub first: Rank<'a>,
    /// Compared where ranks are equal.
    pub then: (i64, i64),
}

impl<'a> From<Rank<'a>> for DeviceRank<'a> {
    fn from(first: Rank<'a>) -> Self {
        Self { first, then: (0, 0) }
    }
}

/// The rank of a device; computed once per row.
pub type RankOfDevice = for<'a> fn(&DeviceRow<'a>, &'a App) -> DeviceRank<'a>;

/// The rank of a spot pool; computed once per row.
pub type RankOfSpotPool = for<'a> fn(&'a SpotPool, &'a App) -> Rank<'a>;

/// How rows are ordered by a column.
#[derive(Clone, Copy)]
pub enum Order {
    /// Rows are not ordered by it: a bar, a mark, a list.
    Unordered,
    /// By the rank of each row.
    Rank(RowRank),
    /// The dearest first, by rates that are summed up once for all rows.
    Rates(for<'a> fn(&'a App) -> RatesByUid<'a>),
    /// Rows that are no objects: by two numbers, then by a text.
    CostGroups(for<'a> fn(&'a PayerRow) -> (i64, i64, &'a str)),
    /// Devices: by the rank of each.
    Devices(RankOfDevice),
    /// Groups of devices: by two numbers, then by a text.
    DeviceGroups(for<'a> fn(&'a DeviceGroupRow) -> (i64, i64, &'a str)),
    /// Spot pools: by the rank of each, then the dearest first.
    SpotPools(RankOfSpotPool),
    /// Zones of spot capacity: by the rank of each, then by name.
    SpotZones(for<'a> fn(&'a SpotZone) -> Rank<'a>),
    /// What needs somebody: by the rank of each, made of its place among all and of itself.
    Matters(for<'a> fn(usize, &'a Matter) -> Rank<'a>),
    /// What was observed of images: by the rank of each.
    Images(for<'a> fn(&'a ImageStatistics) -> Rank<'a>),
    /// What was observed of machines: by the rank of each NodePool.
    Machines(for<'a> fn(&'a PoolStatistics) -> Rank<'a>),
    /// Incidents: by the rank of each, then the newest first.
    Incidents(for<'a> fn(&'a Incident, &'a App) -> Rank<'a>),
}

/// A column of a screen, or an order that has no column.
///
/// There is one definition of each, as a `static`; two columns are equal where they are the same definition.
pub struct Column {
    /// Name after `:sort`; unique on its screen.
    pub name: &'static str,
    /// Title above the cells; empty for glyphs.
    pub title: &'static str,
    /// On which side its texts stand.
    pub align: Align,
    /// Columns of the terminal that it may take; none for an order that has no column.
    pub widths: WidthRange,
    /// Columns with a smaller number are kept longer when the terminal is narrow; see [`Column::ESSENTIAL`].
    pub importance: u8,
    /// Rank, rates or numbers by which rows are ordered.
    pub order: Order,
    /// What changes the order besides the rows' own kinds.
    pub dependencies: &'static [Dependency],
    /// What it shows or orders by, in a few words for help.
    pub help: &'static str,
}

impl Column {
    /// The largest importance of a column that answers the question of its screen.
    pub const ESSENTIAL: u8 = 4;

    /// A column of words, aligned left; the three widths are the least, the preferred and the largest one.
    pub const fn left(
        name: &'static str,
        title: &'static str,
        importance: u8,
        (min, preferred, max): (u16, u16, u16),
        help: &'static str,
    ) -> Self {
        Self {
            name,
            title,
            align: Align::Left,
            widths: WidthRange { min, preferred, max },
            importance,
            order: Order::Unordered,
            dependencies: &[],
            help,
        }
    }

    /// A column of numbers, aligned right; `widths` as with [`Column::left`].
    pub const fn right(
        name: &'static str,
        title: &'static str,
        importance: u8,
        widths: (u16, u16, u16),
        help: &'static str,
    ) -> Self {
        let mut column = Self::left(name, title, importance, widths, help);
        column.align = Align::Right;
        column
    }

    /// An order that has no column of its own.
    pub const fn order_only(name: &'static str, order: Order, help: &'static str) -> Self {
        Self::left(name, "", u8::MAX, (0, 0, 0), help).ordered(order)
    }

    /// The same column, by which rows can be ordered.
    pub const fn ordered(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// The same column, by whose rank rows can be ordered.
    pub const fn ranked(self, rank: RowRank) -> Self {
        self.ordered(Order::Rank(rank))
    }

    /// The same column, by whose rank devices can be ordered.
    pub const fn of_devices(self, rank: RankOfDevice) -> Self {
        self.ordered(Order::Devices(rank))
    }

    /// The same column, by whose rank spot pools can be ordered.
    pub const fn of_spot_pools(self, rank: RankOfSpotPool) -> Self {
        self.ordered(Order::SpotPools(rank))
    }

    /// Its order changes with these besides the rows' own kinds.
    pub const fn depends_on(mut self, dependencies: &'static [Dependency]) -> Self {
        self.dependencies = dependencies;
        self
    }

    /// Whether it is a column, and not only an order.
    pub const fn is_shown(&self) -> bool {
        self.widths.max > 0
    }

    /// Whether rows can be ordered by it.
    pub const fn is_sortable(&self) -> bool {
        !matches!(self.order, Order::Unordered)
    }
}

/// The order of a screen that defines no column: none.
pub static AS_LISTED: Column = Column::order_only("listed", Order::Unordered, "in no order");

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Column {}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({})", self.name)
    }
}

/// Defines columns, and lists them as `COLUMNS` in the order in which `S` goes through them.
macro_rules! columns {
    ($($name:ident = $column:expr;)+) => {
        $(#[doc = concat!("The column ", stringify!($name), ".")] pub static $name: Column = $column;)+

        /// Every column, in the order in which `S` goes through those that can be sorted by.
        pub static COLUMNS: &[&Column] = &[$(&$name),+];
    };
}

pub(super) use columns;
