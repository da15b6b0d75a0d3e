//! What filters can ask of a row.

use super::depends::{GPUS, GPUS_OF_PODS, PRICES, STARTS, VERDICTS};
use crate::fleet::Kind;
use crate::insight::insights::Dependency;

/// What a term can ask of a row; which of them a screen's rows have stands in its [`super::ScreenSpec`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    Name,
    Namespace,
    Pool,
    Node,
    Type,
    Zone,
    Capacity,
    Status,
    Start,
    Owner,
    Job,
    Pod,
    Image,
    Model,
    Protected,
    Held,
    Drifted,
    Verdict,
    By,
    Gpu,
    Class,
    Price,
    Kind,
    Reason,
    Source,
    Message,
}

impl Field {
    /// The word before `:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Namespace => "ns",
            Self::Pool => "pool",
            Self::Node => "node",
            Self::Type => "type",
            Self::Zone => "zone",
            Self::Capacity => "cap",
            Self::Status => "status",
            Self::Start => "start",
            Self::Owner => "owner",
            Self::Job => "job",
            Self::Pod => "pod",
            Self::Image => "image",
            Self::Model => "model",
            Self::Protected => "protected",
            Self::Held => "held",
            Self::Drifted => "drifted",
            Self::Verdict => "verdict",
            Self::By => "by",
            Self::Gpu => "gpu",
            Self::Class => "class",
            Self::Price => "price",
            Self::Kind => "kind",
            Self::Reason => "reason",
            Self::Source => "source",
            Self::Message => "message",
        }
    }

    /// Whether the only values are `yes` and `no`.
    pub const fn is_yes_or_no(self) -> bool {
        matches!(self, Self::Protected | Self::Held | Self::Drifted | Self::Gpu)
    }

    /// What changes the answer besides the kinds of the rows themselves.
    pub const fn dependencies(self) -> &'static [Dependency] {
        match self {
            // That of a pod is its Node's.
            Self::Pool => &[Dependency::Kind(Kind::Node)],
            // That of a Node is its NodeClaim's.
            Self::Drifted => &[Dependency::Kind(Kind::NodeClaim)],
            // That of a device is its pod's.
            Self::Job => &[Dependency::Kind(Kind::Pod)],
            // That of an Event is found by the object that it speaks of.
            Self::Node => {
                &[Dependency::Kind(Kind::Pod), Dependency::Kind(Kind::NodeClaim), Dependency::Kind(Kind::Node)]
            }
            // That of a Node is part of its verdict.
            Self::Protected => &[Dependency::Kind(Kind::Pod), Dependency::Minute, VERDICTS],
            Self::Held | Self::Verdict | Self::By => &[VERDICTS],
            Self::Price => PRICES,
            Self::Gpu => GPUS_OF_PODS,
            Self::Class => &[GPUS],
            Self::Start | Self::Image => STARTS,
            // That of a Job is told by its Workload, too.
            Self::Status => &[Dependency::Kind(Kind::Workload)],
            Self::Name
            | Self::Namespace
            | Self::Type
            | Self::Zone
            | Self::Capacity
            | Self::Owner
            | Self::Pod
            | Self::Model
            | Self::Kind
            | Self::Reason
            | Self::Source
            | Self::Message => &[],
        }
    }
}
