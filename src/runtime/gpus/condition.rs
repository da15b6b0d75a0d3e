//! `--fail-on`: a limit for devices or dollars, such as `idle>$50` or `rogue>0`.

use crate::export::GpuReport;
use crate::units::money;

/// A limit that must not be passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Condition {
    what: What,
    /// Devices, or micro-dollars per hour.
    limit: Limit,
}

/// What is limited: devices of a class, or Nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Idle,
    Parked,
    Rogue,
    Stranded,
    Unallocated,
    Unknown,
    /// Nodes where Karpenter's verdict and the accelerators tell different stories.
    Disagreements,
}

const WORDS: [(&str, What); 7] = [
    ("idle", What::Idle),
    ("parked", What::Parked),
    ("rogue", What::Rogue),
    ("stranded", What::Stranded),
    ("unallocated", What::Unallocated),
    ("unknown", What::Unknown),
    ("disagreements", What::Disagreements),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Limit {
    Count(i64),
    MicroUsdPerHour(i64),
}

/// How a limit compares with what is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The limit holds.
    Within,
    /// The limit is passed.
    Beyond,
    /// What is limited is not known.
    Unknown,
}

impl Condition {
    /// From `idle>$50` or `rogue>0`. Dollars are of idle devices (parked ones included) and of unallocated ones (stranded
    /// ones included).
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (word, limit) = text.split_once('>').ok_or_else(|| format!("no \">\" in {text:?}"))?;
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        let known = WORDS.iter().find(|(known, _)| *known == word.trim());
        let what = known.map(|(_, what)| *what).ok_or_else(|| format!("{word:?} is none of {}", words.join(", ")))?;
        let limit = match limit.trim().strip_prefix('$') {
            Some(_) if !matches!(what, What::Idle | What::Unallocated) => {
                return Err(format!("dollars are told of idle and of unallocated devices, not of {word}"));
            }
            Some(dollars) => Limit::MicroUsdPerHour(money::parse_usd(dollars).ok_or_else(|| number(dollars))?),
            None => Limit::Count(limit.trim().parse().map_err(|_| number(limit))?),
        };
        Ok(Self { what, limit })
    }

    /// How it compares with a report.
    pub fn check(self, report: &GpuReport) -> Outcome {
        let (found, limit) = match self.limit {
            Limit::Count(limit) => (self.count(report), limit),
            Limit::MicroUsdPerHour(limit) => (self.rate(report), limit),
        };
        match found {
            None => Outcome::Unknown,
            Some(found) if found > limit => Outcome::Beyond,
            Some(_) => Outcome::Within,
        }
    }

    fn count(self, report: &GpuReport) -> Option<i64> {
        let gpu = &report.totals.gpu;
        match self.what {
            What::Idle => gpu.idle,
            What::Parked => gpu.parked,
            What::Rogue => gpu.rogue,
            What::Stranded => gpu.stranded,
            What::Unallocated => gpu.unallocated,
            What::Unknown => gpu.unknown,
            What::Disagreements => {
                let disagree =
                    report.nodes.iter().filter(|node| node.gpu.as_ref().is_some_and(|gpu| gpu.disagrees == Some(true)));
                i64::try_from(disagree.count()).ok()
            }
        }
    }

    fn rate(self, report: &GpuReport) -> Option<i64> {
        let cost = &report.totals.cost;
        match self.what {
            What::Idle => cost.idle_gpu_usd_per_hour.map(|usd| usd.0),
            _ => cost.unallocated_gpu_usd_per_hour.map(|usd| usd.0),
        }
    }
}

fn number(text: &str) -> String {
    format!("{text:?} is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_limits_devices_or_dollars() {
        let of = |what, limit| Ok(Condition { what, limit });
        assert_eq!(Condition::parse("idle>$50"), of(What::Idle, Limit::MicroUsdPerHour(50_000_000)));
        assert_eq!(Condition::parse(" unallocated > $0.5"), of(What::Unallocated, Limit::MicroUsdPerHour(500_000)));
        assert_eq!(Condition::parse("rogue>0"), of(What::Rogue, Limit::Count(0)));
    }

    #[test]
    fn a_wrong_condition_says_what_is_allowed() {
        for (text, words) in [
            ("idle", "no \">\" in \"idle\""),
            ("lazy>1", "\"lazy\" is none of idle, parked, rogue, stranded, unallocated, unknown, disagreements"),
            ("rogue>$1", "dollars are told of idle and of unallocated devices, not of rogue"),
            ("idle>many", "\"many\" is no number"),
            ("idle>$many", "\"many\" is no number"),
        ] {
            assert_eq!(Condition::parse(text), Err(words.to_owned()));
        }
    }
}
