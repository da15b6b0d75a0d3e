//! What would make a start like this one shorter: each hint quotes its evidence, and says what it would gain by what was
//! measured, or that nobody measured it.

use super::{ColdStart, ImageStart, PhaseName};
use crate::insight::sentence::{Part, Sentence, sentence};

/// Pulls shorter than this are not worth a hint.
const LONG_PULL_SECONDS: i64 = 60;

/// What helps a start that is over; nothing where not every step of it was observed, for then pulls are not told from others.
pub fn hints(start: &ColdStart) -> Vec<Sentence> {
    let of_names = start.images.iter().filter_map(|image| moving_tag(image).or_else(|| asks_in_vain(image)));
    pull_dominates(start).into_iter().chain(of_names).collect()
}

/// The pull took most of the start. What it took is what an image that is on the Node already would save at most.
fn pull_dominates(start: &ColdStart) -> Option<Sentence> {
    let ended = start.ended().filter(|_| start.is_complete)?;
    let (pull, all) = (start.phase(PhaseName::Pull)?.seconds(ended), start.total_seconds(ended));
    if pull < LONG_PULL_SECONDS || pull.saturating_mul(2) < all {
        return None;
    }
    Some(sentence![
        "Pull took ",
        Part::Seconds(pull),
        " of ",
        Part::Seconds(all),
        largest(start),
        ": an image that is on the Node before (a snapshot of its volume, a pre-pull) saves at most that, as measured here",
    ])
}

/// `, 13 GiB of registry/train:1`, or `, of which registry/train:1 is 13 GiB of 14 GiB`: what most bytes are of, where sizes
/// are known.
fn largest(start: &ColdStart) -> Option<Sentence> {
    let pulled: Vec<&ImageStart> = start.images.iter().filter(|image| image.is_cached == Some(false)).collect();
    let bytes = |image: &ImageStart| i64::try_from(image.bytes?).ok();
    let (most, image) =
        pulled.iter().filter_map(|image| Some((bytes(image)?, *image))).max_by_key(|(most, _)| *most)?;
    if pulled.len() == 1 {
        return Some(sentence![", ", Part::Bytes(most), " of ", &image.image]);
    }
    let all: Option<i64> = pulled.iter().map(|image| bytes(image)).sum();
    let all = all.map(|all| sentence![" of ", Part::Bytes(all)]);
    Some(sentence![", of which ", &image.image, " is ", Part::Bytes(most), all])
}

/// A name without digest whose tag is `latest`, or that has none. With imagePullPolicy Always, which is the default for such
/// (kubernetes pkg/apis/core/v1/defaults.go), the kubelet asks the registry at each start.
fn moving_tag(image: &ImageStart) -> Option<Sentence> {
    let name = image.image.as_str();
    let (_, last) = name.rsplit_once('/').unwrap_or(("", name));
    let is_moving = !is_pinned(name) && last.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    let asks = image.asks_registry.then_some("the registry is asked at each start, and ");
    is_moving.then(|| {
        sentence![
            &image.image,
            " is not pinned: ",
            asks,
            "Nodes may run different images (what that costs was not measured)",
        ]
    })
}

/// What a digest names never changes, so nothing new can be learnt of the registry.
fn asks_in_vain(image: &ImageStart) -> Option<Sentence> {
    (image.asks_registry && is_pinned(&image.image)).then(|| {
        sentence![
            &image.image,
            " is pinned by its digest, and imagePullPolicy Always asks the registry at each start all the same: IfNotPresent \
             saves that (a second or so, a guess), and lets it start while the registry is away",
        ]
    })
}

fn is_pinned(name: &str) -> bool {
    name.contains('@')
}
