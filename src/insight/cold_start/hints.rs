//! What would make a start like this one shorter: each hint quotes its evidence, and says what it would gain by what was
//! measured, or that nobody measured it.

use super::{ColdStart, ImageStart, PhaseName};
use crate::insight::sentence::{Part, Sentence, sentence};

/// Pulls shorter than this are not worth a hint.
const LONG_PULL_SECONDS: i64 = 60;

/// What helps a start that is over; nothing where not every step of it was observed, for then pulls are not told from others.
pub fn hints(start: &ColdStart) -> Vec<Sentence> {
    pull_dominates(start).into_iter().chain(start.images.iter().filter_map(moving_tag)).collect()
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
        ": an image that is on the Node before (a snapshot of its volume, a pre-pull) saves at most that, as measured here",
    ])
}

/// A name without digest whose tag is `latest`, or that has none: the kubelet asks the registry at each start, unless
/// imagePullPolicy says otherwise (kubernetes pkg/apis/core/v1/defaults.go).
fn moving_tag(image: &ImageStart) -> Option<Sentence> {
    let name = image.image.as_str();
    let (_, last) = name.rsplit_once('/').unwrap_or(("", name));
    let is_moving = !name.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    is_moving.then(|| {
        sentence![
            &image.image,
            " is not pinned: unless its imagePullPolicy says otherwise, the registry is asked at each start, and Nodes may run \
             different images (what that costs was not measured)",
        ]
    })
}
