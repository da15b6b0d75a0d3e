//! Images that come late to Nodes.

use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::{Kind, ObjectKey};
use crate::insight::cold_start::ImageStatistics;
use crate::insight::cold_start::acceleration::{self, LONG_PULL_MILLIS};
use crate::insight::sentence::{Part, plural, sentence};

/// The rules of this family.
pub const RULES: &[Rule] = &[
    Rule {
        id: "PullsTakeLong",
        severity: Severity::Info,
        help: "An image takes a minute or longer to be pulled to the Nodes of the NodePool, as a rule, and nothing is \
               in place there that has images sooner. The Node is paid meanwhile.",
        hint: "see what would help: enter on the image in the view images of Starts (7)",
        check: pulls_take_long,
    },
    Rule {
        id: "SnapshotReadLazily",
        severity: Severity::Info,
        help: "The volume of images is made of a snapshot without volumeInitializationRate: each block is read from S3 \
               when it is first needed, so that containers start and then wait for their files.",
        hint: "set ebs.volumeInitializationRate beside the snapshotID in the blockDeviceMappings of the EC2NodeClass",
        check: snapshots_read_lazily,
    },
];

/// So many pulls are no accident.
const MANY_PULLS: u64 = 3;

fn pulls_take_long(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let is_long = |image: &&ImageStatistics| {
        image.pulls >= MANY_PULLS && image.p50_millis.is_some_and(|median| median >= LONG_PULL_MILLIS)
    };
    let of_image = |image: &ImageStatistics| {
        let pool = image.pool.as_ref().filter(|pool| acceleration::has_nothing(input.fleet, pool))?;
        let median = Part::Seconds(i64::try_from(image.p50_millis? / MILLIS_PER_SECOND).unwrap_or(i64::MAX));
        let place = image.instance_type.as_ref().map(|kind| sentence![" to ", kind]);
        let pulls = plural(image.pulls, "pull");
        let starts = image.pulls + image.cached;
        let message = sentence![
            &image.image,
            " takes ",
            median,
            " to be pulled",
            place,
            ", the median of ",
            pulls,
            ", and ",
            image.cached,
            " of ",
            starts,
            " starts found it there"
        ];
        Some(Occurrence::new(Kind::NodePool.name(), &ObjectKey::cluster(pool), message))
    };
    input.images.iter().filter(is_long).filter_map(of_image).collect()
}

const MILLIS_PER_SECOND: u64 = 1_000;

fn snapshots_read_lazily(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let lazy = input.fleet.ec2_node_classes.iter().filter_map(|class| {
        let volume = acceleration::lazy_snapshot(&class.images)?;
        let message =
            sentence![&volume.device, " is made of ", volume.snapshot.as_ref(), " without volumeInitializationRate"];
        Some(Occurrence::new(Kind::Ec2NodeClass.name(), &class.meta.key, message))
    });
    lazy.collect()
}
