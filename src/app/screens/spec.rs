//! The definition of a screen.

use super::devices;
use super::spot_pools;
use super::table::{Rows, TableSpec};
use super::view::{ALL_ROWS, View};
use crate::app::depends::STARTS;
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
    /// The kinds whose objects it lists, the main one first: where they are not read, there is nothing to show.
    pub own_kinds: &'static [Kind],
    /// The kinds over which its numbers are sums: where they are not read, numbers are unknown.
    pub counted_kinds: &'static [Kind],
    /// Its rows and columns, where a view has none of its own.
    pub table: TableSpec,
    /// Its ways of looking at its rows, in the order in which `v` goes through them; it begins with the first. There is
    /// at least one.
    pub views: &'static [View],
    /// How many rows it has, where that is known without listing them: all levels, views and filters aside.
    pub count: RowCount,
    /// Which labels given on the command line narrow its rows.
    pub narrowed_by: Narrowing,
    /// Whether it is offered; a screen whose objects a cluster cannot have is not.
    pub is_offered: fn(&App) -> bool,
}

/// A number of rows; `None` where it is not known or takes too long to find.
pub type RowCount = fn(&App) -> Option<usize>;

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

impl ScreenSpec {
    /// The view with which it begins.
    pub fn first_view(&self) -> &'static View {
        self.views.first().unwrap_or(&ALL_ROWS)
    }

    /// The views that are offered now; one that is shown already stays among them.
    pub fn views_offered(&self, app: &App) -> Vec<&'static View> {
        let is_offered =
            |view: &&View| **view == *app.ui.level.view || view.is_offered.is_none_or(|is_offered| is_offered(app));
        self.views.iter().filter(is_offered).collect()
    }

    /// The kinds without which a view has nothing to show, the main one first.
    pub fn own_kinds_of(&'static self, view: &View) -> &'static [Kind] {
        match self.table_of(view).rows {
            Rows::SpotPools | Rows::SpotZones | Rows::Matters(_) => &[Kind::Node],
            _ => self.own_kinds,
        }
    }

    /// Rows and columns of a view.
    pub fn table_of(&'static self, view: &View) -> &'static TableSpec {
        view.table.unwrap_or(&self.table)
    }

    /// All tables: its own, then those that its views bring.
    pub fn tables(&'static self) -> impl Iterator<Item = &'static TableSpec> {
        let of_views = self.views.iter().filter_map(|view| view.table);
        let mut tables: Vec<&'static TableSpec> = Vec::new();
        for table in std::iter::once(&self.table).chain(of_views) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables.into_iter()
    }

    /// The order in which a view is first shown: its own, else the first column of its table.
    pub fn first_sort(&'static self, view: &View) -> Sort {
        let column = view.order.unwrap_or_else(|| self.table_of(view).first_column());
        Sort { column, reversed: false }
    }

    /// On which changes the rows of a view depend whatever is filtered and however they are ordered.
    pub fn own_dependencies(&'static self, view: &View) -> Vec<Dependency> {
        let table = self.table_of(view);
        match table.rows {
            Rows::Objects { .. } if table.rate.is_some() => kinds(self.own_kinds).chain(RATE_OF_ROW).collect(),
            Rows::Objects { .. } => kinds(self.own_kinds).collect(),
            // Rates follow everything once a second.
            Rows::CostGroups => PAYMENTS.to_vec(),
            Rows::Devices => kinds(self.own_kinds).chain(devices::dependencies()).collect(),
            Rows::SpotPools | Rows::SpotZones => spot_pools::DEPENDENCIES.to_vec(),
            Rows::DeviceGroups => kinds(self.own_kinds).chain(devices::dependencies_of_groups()).collect(),
            // Looked for by the clock.
            Rows::Matters(_) => Vec::new(),
            Rows::Observed(_) => STARTS.to_vec(),
            Rows::Incidents => INCIDENTS.to_vec(),
        }
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

/// What incidents depend on.
const INCIDENTS: &[Dependency] = &[
    Dependency::Kind(Kind::Event),
    Dependency::Kind(Kind::Node),
    Dependency::Kind(Kind::NodeClaim),
    Dependency::Kind(Kind::Pod),
    Dependency::Completeness,
];

/// What sums of dollars over time depend on.
const PAYMENTS: &[Dependency] = &[Dependency::Prices, Dependency::Part(Part::Rates), Dependency::Part(Part::Ledger)];
