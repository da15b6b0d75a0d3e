//! The definition of a table: what its rows are, and what can be seen, asked and done with them.

use std::fmt;

use super::column::{AS_LISTED, Column};
use crate::app::App;
use crate::app::field::Field;
use crate::app::rows::RowRef;
use crate::fleet::Kind;
use crate::insight::insights::Dependency;

/// Everything that is known of a table but how its rows look.
///
/// There is one definition of each; two tables are equal where they are the same definition.
pub struct TableSpec {
    /// Name in help: the title of its screen, or that of the view that brings it.
    pub name: &'static str,
    /// What its rows are, in the plural.
    pub noun: &'static str,
    /// Where its rows come from.
    pub rows: Rows,
    /// The kinds in which texts, levels and label selectors look up what they ask of a row.
    pub joined_kinds: &'static [Kind],
    /// Its columns and orders, in the order in which `S` goes through them; the first is the one it begins with.
    pub columns: &'static [&'static Column],
    /// What a row costs in micro-dollars per hour, where the sum over all rows that are listed means something.
    pub rate: Option<RowRate>,
    /// What its filter can ask, in the order of help.
    pub fields: &'static [Field],
    /// What can be done with a row.
    pub use_of_rows: UseOfRows,
}

/// What a row costs in micro-dollars per hour; `None` where that is not known.
pub type RowRate = for<'a> fn(RowRef<'a>, &'a App) -> Option<i64>;

/// Puts rows that are in order into their places, for example below a parent.
pub type Arrange = for<'a> fn(Vec<RowRef<'a>>) -> Vec<RowRef<'a>>;

/// Where the rows of a screen come from.
pub enum Rows {
    /// Objects of the cluster.
    Objects {
        /// Those of the shown level, in no order.
        list: for<'a> fn(&'a App) -> Vec<RowRef<'a>>,
        /// `None` where rows stay as they are ordered.
        arrange: Option<Arrange>,
    },
    /// Groups of dollars, each with what it pays.
    CostGroups,
    /// Accelerators one by one.
    Devices,
    /// Groups of accelerators, each with its sums.
    DeviceGroups,
    /// Spot capacity by instance type and zone.
    SpotPools,
    /// Spot capacity by zone.
    SpotZones,
    /// What needs somebody.
    Matters(Urgency),
    /// What was observed of starts, in sums.
    Observed(Observations),
    /// What happened to Nodes, each in one.
    Incidents,
}

/// Which matters are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Urgency {
    /// Those that need somebody now.
    Now,
    /// Also those that are only good to know.
    Any,
}

/// Of what observations are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Observations {
    /// How images come to Nodes.
    Images,
    /// How machines come to be.
    Machines,
}

/// What can be done with a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UseOfRows {
    /// It can be opened, and protected.
    Protect,
    /// It can be opened.
    Open,
    /// It has no details: opening it leads into it.
    Enter,
    /// Its Node can be opened, and its pods protected.
    OpenNode,
}

impl TableSpec {
    /// The column by which rows are ordered at first.
    pub fn first_column(&self) -> &'static Column {
        self.columns.first().copied().unwrap_or(&AS_LISTED)
    }

    /// The columns that rows can be sorted by, in the order in which `S` goes through them.
    pub fn sortable(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().copied().filter(|column| column.is_sortable())
    }

    /// On which changes depends what is looked up beyond a row.
    pub fn joined_dependencies(&self) -> impl Iterator<Item = Dependency> {
        self.joined_kinds.iter().copied().map(Dependency::Kind)
    }
}

impl PartialEq for TableSpec {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for TableSpec {}

impl fmt::Debug for TableSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TableSpec({})", self.name)
    }
}
