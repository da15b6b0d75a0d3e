//! Cells and sentence of the images of Starts: how they come to Nodes.

use super::columns::Shown;
use super::context::FrameContext;
use super::starts::{Bars, bars};
use super::table::table;
use super::{Line, TableView, format, histogram, start_words, words};
use crate::app::screens::start_images as columns;
use crate::app::{RowKey, find_image};
use crate::config::Role;
use crate::insight::cold_start::ImageStatistics;

/// Look of images.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| {
        let bars = bars(frame, area, |key| {
            let image = find_image(frame.app, key.observed()?)?;
            image.p95_millis.map(start_words::whole_seconds)
        })
        .narrow();
        let shown = cells().into_iter().map(|shown| bars.title(shown, &columns::SPREAD)).collect::<Vec<_>>();
        table(frame, area, &shown, |key| row(frame, key).map(|row| Row { bars, ..row }))
    },
    sentence: |frame, key| row(frame, key).map(|row| sentence(row.image)),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// The sums of an image, from which its cells are written.
struct Row<'a> {
    image: &'a ImageStatistics,
    bars: Bars,
}

/// The row of a key.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let image = find_image(frame.app, key.observed()?)?;
    Some(Row { image, bars: Bars::default() })
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NAME, Row::name),
        Shown::new(&columns::TYPE, Row::instance_type),
        Shown::new(&columns::POOL, Row::pool),
        Shown::new(&columns::PULLS, Row::pulls),
        Shown::new(&columns::CACHED, Row::cached),
        Shown::new(&columns::P50, Row::p50),
        Shown::new(&columns::P95, Row::p95),
        Shown::new(&columns::SPREAD, Row::spread),
        Shown::new(&columns::HISTOGRAM, Row::histogram).titled(histogram::TITLE.to_owned()),
        Shown::new(&columns::SIZE, Row::size),
        Shown::new(&columns::SPEED, Row::speed),
        Shown::new(&columns::FAILED, Row::failed),
    ]
}

/// `7m10s`; of less than ten seconds with a tenth, of less than one in milliseconds.
pub(super) fn pull_time(millis: u64) -> String {
    match millis {
        ..1_000 => format!("{millis}ms"),
        1_000..10_000 => format!("{}.{}s", millis / 1_000, millis % 1_000 / 100),
        _ => start_words::length(millis / 1_000),
    }
}

impl Row<'_> {
    fn name(&self) -> Line {
        Line::of(Role::TextStrong, start_words::short_image(&self.image.image))
    }

    fn instance_type(&self) -> Line {
        words::or_none(self.image.instance_type.as_ref())
    }

    fn pool(&self) -> Line {
        words::or_none(self.image.pool.as_ref())
    }

    fn pulls(&self) -> Line {
        Line::plain(format::count(self.image.pulls))
    }

    fn cached(&self) -> Line {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (cached, all) = (count(self.image.cached), count(self.image.cached + self.image.pulls));
        format::percent(cached, all).map_or_else(|| Line::of(Role::TextDim, format::NONE), Line::plain)
    }

    fn p50(&self) -> Line {
        time(self.image.p50_millis)
    }

    fn p95(&self) -> Line {
        time(self.image.p95_millis)
    }

    /// The median in full, up to the 95th percentile in dots.
    fn spread(&self) -> Line {
        let (Some(median), Some(most)) = (self.image.p50_millis, self.image.p95_millis) else { return Line::new() };
        let columns = |millis| self.bars.columns(start_words::whole_seconds(millis));
        let (median, most) = (columns(median).max(1), columns(most));
        Line::of(Role::BarFill, "█".repeat(median)).and(Role::BarFill, "░".repeat(most.saturating_sub(median)))
    }

    fn histogram(&self) -> Line {
        histogram::columns(&self.image.histogram)
    }

    fn size(&self) -> Line {
        let bytes = self.image.bytes.and_then(|bytes| i64::try_from(bytes).ok());
        bytes.map_or_else(unknown, |bytes| Line::plain(format::bytes(bytes)))
    }

    fn speed(&self) -> Line {
        self.image.bytes_per_second.map_or_else(unknown, |speed| Line::plain(start_words::speed(speed)))
    }

    fn failed(&self) -> Line {
        match self.image.failed {
            0 => Line::of(Role::TextDim, format::NONE),
            failed => Line::of(Role::Warn, format::count(failed)),
        }
    }
}

/// What a colleague would say about it.
pub(super) fn sentence(image: &ImageStatistics) -> Line {
    let place = [image.instance_type.as_ref(), image.pool.as_ref()];
    let place: Vec<String> = place.into_iter().flatten().map(ToString::to_string).collect();
    let place = if place.is_empty() { String::new() } else { format!(" on {}", place.join(" of ")) };
    let pulls = match (image.pulls, image.p50_millis) {
        (0, _) | (_, None) => "no pull was observed to its end".to_owned(),
        (1, Some(took)) => format!("1 pull in {}", pull_time(took)),
        (pulls, Some(median)) => {
            format!("{}, half of them within {}", format::plural(pulls, "pull"), pull_time(median))
        }
    };
    let cached = match image.cached {
        0 => String::new(),
        cached => format!("; {} found it there", format::plural(cached, "start")),
    };
    let failed = match image.failed {
        0 => String::new(),
        failed => format!("; {} failed", format::plural(failed, "pull")),
    };
    Line::of(Role::TextStrong, &image.image).and(Role::Text, format!("{place}: {pulls}{cached}{failed}"))
}

fn time(millis: Option<u64>) -> Line {
    millis.map_or_else(|| Line::of(Role::TextDim, format::NONE), |millis| Line::plain(pull_time(millis)))
}

fn unknown() -> Line {
    Line::of(Role::Unknown, format::UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::pull_time;

    #[test]
    fn short_pulls_are_told_with_more_digits() {
        let texts = [0, 680, 1_250, 9_999, 10_000, 441_000].map(pull_time);
        assert_eq!(texts, ["0ms", "680ms", "1.2s", "9.9s", "10s", "7m21s"]);
    }
}
