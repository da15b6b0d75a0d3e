//! How images come to Nodes: those of one kind, or those of a NodePool; what is in place, and what would help.

use super::super::context::FrameContext;
use super::super::start_images::{self, pull_time};
use super::super::{Line, format, histogram, start_words};
use super::Page;
use crate::app::{ObservedKey, find_image};
use crate::config::Role;
use crate::fleet::{NodePoolRow, Sym};
use crate::insight::Sentence;
use crate::insight::cold_start::ImageStatistics;
use crate::insight::cold_start::acceleration::{self, LONG_PULL_MILLIS};

/// Columns of the longest bar of a histogram.
const BAR: usize = 24;

/// Details of an image on Nodes of one kind; of what is not observed any more, that it is gone.
pub(super) fn page(frame: &FrameContext<'_>, key: &ObservedKey) -> Page {
    let name = match key {
        ObservedKey::Image { image, .. } => image,
        ObservedKey::NodePool(name) => name,
    };
    let mut page = Page::new("image", name);
    let Some(image) = find_image(frame.app, key) else {
        page.line(Line::of(Role::Warn, "✗ nothing is known any more of how it came to such Nodes"));
        return page;
    };
    page.line(start_images::sentence(image));
    pulls(image, &mut page);
    if let Some(pool) = &image.pool {
        in_place(frame, pool, &mut page);
        help(frame, image, pool, &mut page);
    }
    page
}

fn pulls(image: &ImageStatistics, page: &mut Page) {
    page.section("PULLS");
    let medians = image.p50_millis.zip(image.p95_millis);
    page.fact_if("p50, p95", medians.map(|(median, most)| format!("{}, {}", pull_time(median), pull_time(most))));
    let bytes = image.bytes.and_then(|bytes| i64::try_from(bytes).ok());
    page.fact_if("size", bytes.map(format::bytes));
    page.fact_if("speed", image.bytes_per_second.map(start_words::speed));
    page.fact("found there", Line::plain(format::plural(image.cached, "start")));
    if image.failed > 0 {
        page.fact("failed", Line::of(Role::Warn, format::plural(image.failed, "pull")));
    }
    histogram::lines(&image.histogram, BAR).into_iter().for_each(|line| page.item(line));
}

/// What the NodePool has to get images sooner.
fn in_place(frame: &FrameContext<'_>, pool: &Sym, page: &mut Page) {
    page.section("IN PLACE TO GET IMAGES SOONER");
    let found = acceleration::in_place(&frame.app.fleet, pool);
    let of_auto_mode = acceleration::of_auto_mode(&frame.app.fleet, pool);
    if let Some(told) = &of_auto_mode {
        page.item(Line::of(Role::TextDim, format::sentence(frame.app.now, told)));
    } else if found.is_empty() {
        page.item(Line::of(Role::TextDim, format!("nothing that the API server tells of NodePool {pool}")));
    }
    for one in found {
        let evidence = format::sentence(frame.app.now, &one.evidence);
        page.fact(one.technique.name(), Line::of(Role::Text, evidence));
    }
}

fn help(frame: &FrameContext<'_>, image: &ImageStatistics, pool: &Sym, page: &mut Page) {
    let (fleet, history) = (&frame.app.fleet, frame.app.insights.starts.history());
    let effects = acceleration::effects(fleet, history, &image.image);
    if !effects.is_empty() {
        page.section("MEASURED");
        effects.iter().for_each(|effect| page.item(Line::plain(format::sentence(frame.app.now, &effect.sentence()))));
    }
    let hints = acceleration::suggestions(fleet, history, &image.image, pool, image.p50_millis);
    if !hints.is_empty() {
        page.section("WHAT WOULD HELP");
        hints.iter().for_each(|hint| page.item(hint_line(frame, hint)));
    }
}

fn hint_line(frame: &FrameContext<'_>, hint: &Sentence) -> Line {
    Line::of(Role::Info, "→ ").and(Role::Text, format::sentence(frame.app.now, hint))
}

/// How images come to the Nodes of a NodePool: what is in place, the images whose pulls take longest, and what would help.
pub(super) fn of_pool(frame: &FrameContext<'_>, pool: &NodePoolRow, page: &mut Page) {
    let name = &pool.meta.key.name;
    let images = frame.app.insights.starts.statistics().images.iter();
    let is_long = |image: &&ImageStatistics| {
        image.pool.as_ref() == Some(name) && image.p50_millis.is_some_and(|median| median >= LONG_PULL_MILLIS)
    };
    let mut long: Vec<&ImageStatistics> = images.filter(is_long).collect();
    long.sort_by_key(|image| std::cmp::Reverse(image.p50_millis));
    let has_nothing = acceleration::in_place(&frame.app.fleet, name).is_empty();
    if !has_nothing || !long.is_empty() {
        in_place(frame, name, page);
    }
    let Some(longest) = long.first() else { return };
    page.section("LONGEST PULLS");
    long.iter().take(MOST_IMAGES).for_each(|image| page.item(start_images::sentence(image)));
    help(frame, longest, name, page);
}

/// The Starts screen has them all.
const MOST_IMAGES: usize = 3;
