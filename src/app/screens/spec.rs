//! The definition of a screen.

use super::column::{AS_LISTED, Column};
use super::view::{ALL_ROWS, View};
use crate::app::field::Field;
use crate::app::rows::RowRef;
use crate::app::{App, Sort};
use crate::fleet::Kind;
use crate::input::Action;
use crate::insight::Completeness;
use crate::insight::insights::{Dependency, Part};

/// Everything that is known of a screen but how its rows look.
pub struct ScreenSpec {
    /// Its title in the tabs.
    pub title: &'static str,
    /// The action that shows it.
    pub action: Action,
    /// Its names after `:`, as kubectl and k9s users type them; the first is its own.
    pub aliases: &'static [&'static str],
    /// What its rows are, in the plural.
    pub noun: &'static str,
    /// Where its rows come from.
    pub rows: Rows,
    /// The kinds whose objects it lists, the main one first: where they are not read, there is nothing to show.
    pub own_kinds: &'static [Kind],
    /// The kinds in which texts, levels and label selectors look up what they ask of a row.
    pub joined_kinds: &'static [Kind],
    /// The kinds over which its numbers are sums: where they are not read, numbers are unknown.
    pub counted_kinds: &'static [Kind],
    /// Its columns and orders, in the order in which `s` goes through them; the first is the one it begins with.
    pub columns: &'static [&'static Column],
    /// Its ways of looking at its rows, in the order in which `v` goes through them; it begins with the first. There is
    /// at least one.
    pub views: &'static [View],
    /// What a row costs in micro-dollars per hour, where the sum over all rows that are listed means something.
    pub rate: Option<RowRate>,
    /// How many rows it has, where that is known without listing them: all levels, views and filters aside.
    pub count: RowCount,
    /// What its filter can ask, in the order of help.
    pub fields: &'static [Field],
    /// Which labels given on the command line narrow its rows.
    pub narrowed_by: Narrowing,
    /// What can be done with a row.
    pub use_of_rows: UseOfRows,
    /// Whether it is offered; a screen whose objects a cluster cannot have is not.
    pub is_offered: fn(&App) -> bool,
}

/// What a row costs in micro-dollars per hour; `None` where that is not known.
pub type RowRate = for<'a> fn(RowRef<'a>, &'a App) -> Option<i64>;

/// A number of rows; `None` where it is not known or takes too long to find.
pub type RowCount = fn(&App) -> Option<usize>;

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
}

/// Which labels narrow the rows of a screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Narrowing {
    /// Labels of Nodes, given with `--node-selector`.
    NodeLabels,
    /// Namespaces, given with `-n` or picked, and labels, given with `-l`.
    NamespacesAndLabels,
    /// Nothing: it is about the whole cluster.
    Nothing,
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
}

impl ScreenSpec {
    /// The view with which it begins.
    pub fn first_view(&self) -> &'static View {
        self.views.first().unwrap_or(&ALL_ROWS)
    }

    /// The order in which a view is first shown: its own, else the first column of the screen.
    pub fn first_sort(&self, view: &View) -> Sort {
        let column = view.order.or_else(|| self.columns.first().copied()).unwrap_or(&AS_LISTED);
        Sort { column, reversed: false }
    }

    /// The columns that rows can be sorted by, in the order in which `s` goes through them.
    pub fn sortable(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().copied().filter(|column| column.is_sortable())
    }

    /// On which changes its rows depend whatever is filtered and however they are ordered.
    pub fn own_dependencies(&self) -> Vec<Dependency> {
        match self.rows {
            Rows::Objects { .. } if self.rate.is_some() => kinds(self.own_kinds).chain(RATE_OF_ROW).collect(),
            Rows::Objects { .. } => kinds(self.own_kinds).collect(),
            // Rates follow everything once a second.
            Rows::CostGroups => PAYMENTS.to_vec(),
        }
    }

    /// On which changes depends what is looked up beyond a row.
    pub fn joined_dependencies(&self) -> impl Iterator<Item = Dependency> {
        kinds(self.joined_kinds)
    }
}

fn kinds(kinds: &'static [Kind]) -> impl Iterator<Item = Dependency> {
    kinds.iter().copied().map(Dependency::Kind)
}

/// How many objects of a table are listed where nothing narrows them; `None` before all are known.
pub fn all_of(app: &App, kind: Kind, narrowing: Narrowing, objects: usize) -> Option<usize> {
    let is_narrowed = match narrowing {
        Narrowing::NodeLabels => app.scope.node_selector.is_some(),
        Narrowing::NamespacesAndLabels => app.scope.namespaces.is_some() || app.scope.selector.is_some(),
        Narrowing::Nothing => false,
    };
    (!is_narrowed && Completeness::new(&app.sources).readable(kind)).then_some(objects)
}

/// A screen that is always offered.
pub const fn always(_: &App) -> bool {
    true
}

/// What the rate of a machine depends on besides the machine.
const RATE_OF_ROW: [Dependency; 2] = [Dependency::Prices, Dependency::Kind(Kind::NodeOverlay)];

/// What sums of dollars over time depend on.
const PAYMENTS: &[Dependency] = &[Dependency::Prices, Dependency::Part(Part::Rates), Dependency::Part(Part::Ledger)];
