//! Definition of the images of Starts: how they come to Nodes of one instance type and NodePool.

use super::column::{Column, Order, columns};
use super::table::{Observations, Rows, TableSpec, UseOfRows};
use crate::app::field::Field;
use crate::app::rank::{Rank, thousandths};
use crate::insight::cold_start::ImageStatistics;

/// Images by instance type and NodePool.
pub static IMAGES: TableSpec = TableSpec {
    name: "images",
    noun: "observed images",
    rows: Rows::Observed(Observations::Images),
    joined_kinds: &[],
    columns: COLUMNS,
    rate: None,
    fields: &[Field::Image, Field::Type, Field::Pool],
    use_of_rows: UseOfRows::Open,
};

columns! {
    ATTENTION = Column::order_only("attention", Order::Images(time), "the most time spent with pulls first");
    NAME = Column::left("image", "IMAGE", 0, (16, 30, 100), "the end of its name")
        .ordered(Order::Images(|image| Rank::text(Some(&image.image))));
    TYPE = Column::left("type", "TYPE", 2, (8, 13, 18), "instance type of the Nodes")
        .ordered(Order::Images(|image| Rank::text(image.instance_type.as_deref())));
    POOL = Column::left("pool", "POOL", 5, (4, 10, 20), "their NodePool")
        .ordered(Order::Images(|image| Rank::text(image.pool.as_deref())));
    PULLS = Column::right("pulls", "PULLS", 1, (5, 6, 6), "pulls that succeeded")
        .ordered(Order::Images(|image| Rank::most_counted(image.pulls)));
    CACHED = Column::right("cached", "CACHED", 3, (6, 7, 7), "share of starts that found it on their Node")
        .ordered(Order::Images(cached));
    P50 = Column::right("p50", "P50", 1, (6, 7, 8), "the median of how long a pull takes")
        .ordered(Order::Images(|image| Rank::most_of(image.p50_millis.map(number))));
    P95 = Column::right("p95", "P95", 2, (6, 7, 8), "what 95 of 100 pulls do not exceed")
        .ordered(Order::Images(|image| Rank::most_of(image.p95_millis.map(number))));
    SPREAD = Column::left("spread", "", 6, (12, 12, 48), "median █ and 95th percentile ░ on one time axis");
    HISTOGRAM = Column::left("histogram", "", 5, (12, 12, 12), "how many pulls took how long: a column for each doubling of time");
    SIZE = Column::right("size", "SIZE", 3, (7, 8, 8), "its size on the Node, as a rule compressed")
        .ordered(Order::Images(|image| Rank::most_of(image.bytes.map(number))));
    SPEED = Column::right("speed", "SPEED", 4, (9, 10, 10), "how fast it is pulled, over all pulls")
        .ordered(Order::Images(|image| Rank::most_of(image.bytes_per_second.map(number))));
    FAILED = Column::right("failed", "FAILED", 4, (6, 7, 7), "pulls that failed")
        .ordered(Order::Images(|image| Rank::most_counted(image.failed)));
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX - 1)
}

/// How long all pulls took together, as far as the median tells.
fn time(image: &ImageStatistics) -> Rank<'_> {
    Rank::most(number(image.p50_millis.unwrap_or(0).saturating_mul(image.pulls)))
}

fn cached(image: &ImageStatistics) -> Rank<'_> {
    let all = image.pulls + image.cached;
    Rank::most_of((all > 0).then(|| thousandths(number(image.cached), number(all))))
}
