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

pub use chain::{NoPrice, PriceQuery, Quote, Step, explain, of_machine};
pub use explanation::explain_quote;
pub use ledger::{
    Account, BurnMinute, BurnParts, CostGroup, CostKey, CostPart, CostRates, GroupBy, Ledger, Machines, PerPart,
};
pub use machine::{FargateSize, Machine};
pub use share::{Claimant, Shares, Whole, shares};

use crate::units::Reading;

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
}

impl CostSource {
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

/// Micro-dollars per hour, with the source of the price, or with what the last source said that was asked in vain.
pub type PriceReading = Reading<i64, CostSource, NoPrice>;

/// The price of a machine: that of its instance, and the fee of EKS Auto Mode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The price of the instance. Never pending: which Sources have answered is not known here.
    pub instance: PriceReading,
    /// The fee of EKS Auto Mode, which comes on top.
    pub fee: Fee,
    /// The line of the user's file that decided, if one did.
    pub line: Option<usize>,
}

impl Cost {
    /// The price of the instance together with the fee. A fee that is not known is left out, which [`Self::lacks_fee`]
    /// tells.
    pub fn reading(&self) -> Reading<i64, &CostSource, &NoPrice> {
        self.instance.as_ref().map(|instance| instance.saturating_add(self.fee.known().unwrap_or(0)))
    }

    /// The same as a number in micro-dollars per hour; `None` where the price of the instance is not known.
    pub fn rate(&self) -> Option<i64> {
        self.reading().value()
    }

    /// The source of the price of the instance; `None` where that is not known.
    pub fn source(&self) -> Option<CostSource> {
        self.instance.source().copied()
    }

    /// Whether there is a fee of EKS Auto Mode that is not in the rate.
    pub fn lacks_fee(&self) -> bool {
        self.fee == Fee::Unknown
    }
}
