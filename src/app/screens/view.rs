//! A view that a screen offers (`v`): a filter, an order, columns, perhaps a grouping of its rows.

use std::fmt;

use super::column::Column;
use super::table::TableSpec;
use crate::app::devices::DeviceGroupBy;
use crate::app::{App, RowRef};
use crate::insight::cost::GroupBy;
use crate::insight::insights::Dependency;

/// Whether a view keeps a row.
pub type Keeps = for<'a> fn(RowRef<'a>, &'a App) -> bool;

/// By what the rows of a view are grouped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grouping {
    /// Dollars, on Cost.
    Dollars(GroupBy),
    /// Devices, on Fleet.
    Devices(DeviceGroupBy),
}

impl Grouping {
    /// The name of the dimension on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dollars(dimension) => dimension.name(),
            Self::Devices(dimension) => dimension.name(),
        }
    }
}

/// A way of looking at the rows of a screen: which of them, in which order, or grouped by what. What the user filters comes
/// on top of it.
///
/// There is one definition of each; two views are equal where they are the same definition.
pub struct View {
    /// Name on the chip above the table.
    pub name: &'static str,
    /// Rows that it shows, in a few words for help.
    pub help: &'static str,
    /// Rows and columns that are others than those of the screen.
    pub table: Option<&'static TableSpec>,
    /// Test that a row has to pass; `None` keeps all rows.
    pub keeps: Option<Keeps>,
    /// What changes which rows it keeps, besides their own kinds.
    pub dependencies: &'static [Dependency],
    /// The order in which it is first shown, unless the user has chosen one; that of the screen without this.
    pub order: Option<&'static Column>,
    /// By what rows are grouped.
    pub grouping: Option<Grouping>,
    /// Whether it is offered; `None` for always. A view of what a cluster may not have is left out where it has none.
    pub is_offered: Option<fn(&App) -> bool>,
}

impl View {
    /// A view that keeps all rows.
    pub const fn all(name: &'static str, help: &'static str) -> Self {
        Self { name, help, table: None, keeps: None, dependencies: &[], order: None, grouping: None, is_offered: None }
    }

    /// A view that keeps only some rows.
    pub const fn of(name: &'static str, help: &'static str, keeps: Keeps) -> Self {
        let mut view = Self::all(name, help);
        view.keeps = Some(keeps);
        view
    }

    /// A view of other rows than those of the screen.
    pub const fn of_table(name: &'static str, help: &'static str, table: &'static TableSpec) -> Self {
        let mut view = Self::all(name, help);
        view.table = Some(table);
        view
    }

    /// A view of Cost that groups dollars by a dimension.
    pub const fn by(grouping: GroupBy, help: &'static str) -> Self {
        let mut view = Self::all(grouping.name(), help);
        view.grouping = Some(Grouping::Dollars(grouping));
        view
    }

    /// Which rows it keeps changes with these besides their own kinds.
    pub const fn depends_on(mut self, dependencies: &'static [Dependency]) -> Self {
        self.dependencies = dependencies;
        self
    }

    /// Offered only where this holds.
    pub const fn offered_where(mut self, is_offered: fn(&App) -> bool) -> Self {
        self.is_offered = Some(is_offered);
        self
    }

    /// First shown in this order.
    pub const fn ordered_by(mut self, column: &'static Column) -> Self {
        self.order = Some(column);
        self
    }
}

/// The view of a screen that defines none.
pub static ALL_ROWS: View = View::all("all", "all rows");

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for View {}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({})", self.name)
    }
}
