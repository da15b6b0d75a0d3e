//! Rows of what was observed of starts.

use super::field::Field;
use super::filter::Filter;
use super::observed::ObservedKey;
use super::rank::Rank;
use super::rows::RowKey;
use super::screens::{Observations, Order};
use super::{App, Sort};
use crate::insight::cold_start::{ImageStatistics, PoolStatistics};

/// The rows of a table of observations that meet the filter, in order, and how many there are before it.
pub fn build(app: &App, of: Observations) -> (Vec<RowKey>, usize) {
    let level = &app.ui.level;
    let filter = Filter::parse(&level.filter, level.table());
    let statistics = app.insights.starts.statistics();
    let (keys, all): (Vec<ObservedKey>, usize) = match of {
        Observations::Images => {
            let meets = |image: &&ImageStatistics| filter.meets_texts(&texts_of_image(image));
            let rank = |image| match level.sort.column.order {
                Order::Images(rank) => rank(image),
                _ => Rank::LAST,
            };
            let images = ordered(statistics.images.iter().filter(meets), level.sort, rank);
            (images.map(ObservedKey::of_image).collect(), statistics.images.len())
        }
        Observations::Machines => {
            let meets = |pool: &&PoolStatistics| filter.meets_texts(&texts_of_pool(pool));
            let rank = |pool| match level.sort.column.order {
                Order::Machines(rank) => rank(pool),
                _ => Rank::LAST,
            };
            let pools = ordered(statistics.pools.iter().filter(meets), level.sort, rank);
            (pools.map(|pool| ObservedKey::NodePool(pool.pool.clone())).collect(), statistics.pools.len())
        }
    };
    (keys.into_iter().map(|key| RowKey::Observed(Box::new(key))).collect(), all)
}

fn texts_of_image(image: &ImageStatistics) -> Vec<(Field, &str)> {
    let named = [(Field::Type, &image.instance_type), (Field::Pool, &image.pool)];
    let named = named.into_iter().filter_map(|(field, name)| Some((field, name.as_ref()?.as_str())));
    [(Field::Image, image.image.as_str())].into_iter().chain(named).collect()
}

fn texts_of_pool(pool: &PoolStatistics) -> Vec<(Field, &str)> {
    vec![(Field::Pool, pool.pool.as_str())]
}

/// In the order of a column; equals stay in the order of their identities, and what has nothing in it comes last.
fn ordered<'a, T: 'a>(
    rows: impl Iterator<Item = &'a T>,
    sort: Sort,
    rank: impl Fn(&'a T) -> Rank<'a>,
) -> impl Iterator<Item = &'a T> {
    let mut ranked: Vec<(Rank<'a>, &'a T)> = rows.map(|row| (rank(row), row)).collect();
    ranked.sort_by(|(a, _), (b, _)| a.compare(*b, sort));
    ranked.into_iter().map(|(_, row)| row)
}
