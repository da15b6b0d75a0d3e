//! What earlier sessions would have seen of the spot pools of the demo's cluster, and what AWS would have published of them.
//!
//! The demo keeps nothing, so no pool would ever have been watched for long enough to have a risk. These figures stand for
//! a week of watching; pools that are not named here stay without.

use std::collections::BTreeMap;

use super::advisor::AdvisorFile;
use crate::config;
use crate::fleet::Sym;
use crate::insight::spot::memory::WatchedPool;
use crate::insight::spot::{Observed, SpotMemory, SpotPoolKey};
use crate::source::demo;
use crate::units::Time;

/// Data in the form in which AWS publishes that of the Spot Instance Advisor; the figures are made up.
const ADVISOR: &str = include_str!("demo_advisor.json");

/// How old that data is.
const ADVISOR_AGE_SECONDS: i64 = 9 * 86_400;

/// What the Spot Instance Advisor would have said.
pub fn advisor(now: Time) -> AdvisorFile {
    AdvisorFile::of_text(config::parse_advisor("demo", ADVISOR, now.plus_seconds(-ADVISOR_AGE_SECONDS)))
}

/// Instance type, zone, interruptions, node-hours.
const WATCHED: [(&str, &str, u64, u64); 11] = [
    ("g5.xlarge", "us-east-1a", 9, 700),
    ("g5.xlarge", "us-east-1b", 5, 800),
    ("g5.xlarge", "us-east-1c", 3, 900),
    ("g5.12xlarge", "us-east-1a", 1, 1_900),
    ("g5.12xlarge", "us-east-1b", 0, 2_100),
    ("g5.12xlarge", "us-east-1c", 0, 1_500),
    ("g6.2xlarge", "us-east-1b", 2, 1_600),
    ("m7i.4xlarge", "us-east-1a", 0, 3_000),
    ("m7i.4xlarge", "us-east-1b", 0, 2_500),
    ("m7i.4xlarge", "us-east-1c", 1, 2_000),
    ("r7i.2xlarge", "us-east-1b", 0, 1_800),
];

/// What was seen of this cluster of the demo, by its server.
pub fn seen(seed: u64, now: Time) -> BTreeMap<String, SpotMemory> {
    let pool = |(instance_type, zone, interruptions, node_hours): (&str, &str, u64, u64)| {
        let key = SpotPoolKey { instance_type: Some(Sym::new(instance_type)), zone: Some(Sym::new(zone)) };
        let observed =
            Observed { interruption_millionths: interruptions * 1_000_000, node_seconds: node_hours * 3_600 };
        (key, WatchedPool { observed, as_of: now })
    };
    let memory = SpotMemory { pools: WATCHED.into_iter().map(pool).collect(), ..SpotMemory::default() };
    [(demo::facts(seed).server, memory)].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_a_range_for_its_instance_types() {
        let advisor = config::parse_advisor("demo", ADVISOR, Time::default()).expect("no mistake");
        for (name, ..) in WATCHED {
            assert!(advisor.range("us-east-1", name, Time::default()).is_some(), "{name}");
        }
    }
}
