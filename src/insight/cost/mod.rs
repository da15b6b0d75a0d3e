//! Cost of machines: rates, how they are shared, and the ledger.
//!
//! * [`machine`]: what decides the price of a Node or NodeClaim. [`chain`]: who is asked for it, in which order.
//!   [`rules`] and [`overlay`]: whom a rule of the user's file or a NodeOverlay means.
//! * [`share`]: what each pod on a Node pays of it.
//! * [`explanation`]: how a price came about, in sentences.
//! * [`demand`]: what has to be asked of AWS and of Karpenter.
//! * [`ledger`]: dollars over time. [`savings`]: what Karpenter says that its moves save.

pub mod chain;
pub mod demand;
pub mod explanation;
pub mod ledger;
pub mod machine;
mod overlay;
mod rules;
pub mod savings;
pub mod share;
#[cfg(test)]
mod tests;

pub use chain::{PriceQuery, Quote, Step, explain, of_machine, why_unknown};
pub use explanation::explain_quote;
pub use ledger::{Account, CostGroup, CostKey, CostPart, CostRates, GroupBy, Ledger, Machines, PerPart};
pub use machine::{FargateSize, Machine};
pub use share::{Claimant, Shares, Whole, shares};

use crate::units::Time;

/// Where a price comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CostSource {
    /// The user's price file.
    Override,
    /// The label `eks-node-viewer/instance-price`.
    Label,
    /// A NodeOverlay of Karpenter.
    NodeOverlay,
    /// EC2's spot price in the zone.
    AwsSpot,
    /// AWS's on-demand price in the region.
    AwsOnDemand,
    /// Karpenter's own price, from its metrics.
    KarpenterMetrics,
    /// The table that comes with batchtop.
    Embedded,
    /// Paid for already: a true zero.
    Prepaid,
    /// Not known.
    Unknown,
}

impl CostSource {
    /// Every source, the most trusted first.
    pub const ALL: [Self; 9] = [
        Self::Override,
        Self::Label,
        Self::NodeOverlay,
        Self::AwsSpot,
        Self::AwsOnDemand,
        Self::KarpenterMetrics,
        Self::Embedded,
        Self::Prepaid,
        Self::Unknown,
    ];

    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Override => "Override",
            Self::Label => "Label",
            Self::NodeOverlay => "NodeOverlay",
            Self::AwsSpot => "AwsSpot",
            Self::AwsOnDemand => "AwsOnDemand",
            Self::KarpenterMetrics => "KarpenterMetrics",
            Self::Embedded => "Embedded",
            Self::Prepaid => "Prepaid",
            Self::Unknown => "Unknown",
        }
    }
}

/// The fee of EKS Auto Mode on top of an instance's price, in micro-dollars per hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fee {
    /// Not a Node of EKS Auto Mode.
    None,
    /// As AWS lists it.
    Listed(i64),
    /// By the ratio of the user's file: AWS does not tell.
    Assumed(i64),
    /// There is one, and nobody tells how much.
    Unknown,
}

impl Fee {
    /// As far as it is known.
    pub const fn known(self) -> Option<i64> {
        match self {
            Self::Listed(fee) | Self::Assumed(fee) => Some(fee),
            Self::None | Self::Unknown => None,
        }
    }
}

/// What a machine costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The instance, in micro-dollars per hour; `None` where nobody tells.
    pub instance: Option<i64>,
    /// What EKS Auto Mode asks on top.
    pub fee: Fee,
    /// The source of the price.
    pub source: CostSource,
    /// When it was known to hold; `None` where the source does not say.
    pub as_of: Option<Time>,
    /// The line of the user's file that decided, if one did.
    pub line: Option<usize>,
}

impl Cost {
    /// Nobody tells.
    pub const UNKNOWN: Self =
        Self { instance: None, fee: Fee::None, source: CostSource::Unknown, as_of: None, line: None };

    /// Micro-dollars per hour with everything that is known; `None` where the instance's price is not. A fee that is not
    /// known is left out, which [`Self::lacks_fee`] tells.
    pub fn rate(&self) -> Option<i64> {
        Some(self.instance?.saturating_add(self.fee.known().unwrap_or(0)))
    }

    /// Whether there is a fee of EKS Auto Mode that is not in the rate.
    pub fn lacks_fee(&self) -> bool {
        self.fee == Fee::Unknown
    }
}
