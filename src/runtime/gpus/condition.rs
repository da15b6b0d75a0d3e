//! `--fail-on`: a limit for devices or dollars, such as `idle>$50` or `rogue>0`.

use crate::export::GpuReport;
use crate::insight::gpu::GpuClass;
use crate::units::money;

/// A limit that must not be passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Condition {
    what: What,
    /// Devices, or micro-dollars per hour.
    limit: Limit,
}

/// What is limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    /// Devices of a class.
    Devices(GpuClass),
    /// Nodes where Karpenter's verdict and the accelerators tell different stories.
    Disagreements,
}

const DISAGREEMENTS: &str = "disagreements";

impl What {
    fn parse(word: &str) -> Result<Self, String> {
        let class = || GpuClass::from_name(word).map(Self::Devices);
        let disagreements = (word == DISAGREEMENTS).then_some(Self::Disagreements);
        disagreements.or_else(class).ok_or_else(|| {
            let classes = GpuClass::ALL.map(|class| class.name().to_lowercase());
            format!("{word:?} is none of {}, {DISAGREEMENTS}", classes.join(", "))
        })
    }
}

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
        let what = What::parse(word.trim())?;
        let limit = match limit.trim().strip_prefix('$') {
            Some(_) if !matches!(what, What::Devices(GpuClass::Idle | GpuClass::Unallocated)) => {
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
            What::Devices(GpuClass::Busy) => gpu.busy,
            What::Devices(GpuClass::Idle) => gpu.idle,
            What::Devices(GpuClass::Parked) => gpu.parked,
            What::Devices(GpuClass::Rogue) => gpu.rogue,
            What::Devices(GpuClass::Stranded) => gpu.stranded,
            What::Devices(GpuClass::Unallocated) => gpu.unallocated,
            What::Devices(GpuClass::Unknown) => gpu.unknown,
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
            What::Devices(GpuClass::Idle) => cost.idle_gpu_usd_per_hour.map(|usd| usd.0),
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
        assert_eq!(Condition::parse("idle>$50"), of(What::Devices(GpuClass::Idle), Limit::MicroUsdPerHour(50_000_000)));
        assert_eq!(
            Condition::parse(" unallocated > $0.5"),
            of(What::Devices(GpuClass::Unallocated), Limit::MicroUsdPerHour(500_000))
        );
        assert_eq!(Condition::parse("rogue>0"), of(What::Devices(GpuClass::Rogue), Limit::Count(0)));
    }

    #[test]
    fn a_wrong_condition_says_what_is_allowed() {
        for (text, words) in [
            ("idle", "no \">\" in \"idle\""),
            ("lazy>1", "\"lazy\" is none of busy, idle, parked, rogue, stranded, unallocated, unknown, disagreements"),
            ("rogue>$1", "dollars are told of idle and of unallocated devices, not of rogue"),
            ("idle>many", "\"many\" is no number"),
            ("idle>$many", "\"many\" is no number"),
        ] {
            assert_eq!(Condition::parse(text), Err(words.to_owned()));
        }
    }
}
