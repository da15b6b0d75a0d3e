//! What filters can ask of a row.

use super::depends::{DOLLARS, GPUS, GPUS_OF_PODS, PRICES, STARTS, VERDICTS};
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
    Dollars,
    Age,
    Dies,
}

/// In what a number is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// In thousandths of what is counted.
    Count,
    /// In micro-dollars per hour.
    Dollars,
    /// In seconds.
    Seconds,
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
            Self::Dollars => "$",
            Self::Age => "age",
            Self::Dies => "dies",
        }
    }

    /// In what its numbers are measured, where it has numbers.
    pub const fn measure(self) -> Option<Measure> {
        match self {
            Self::Gpu => Some(Measure::Count),
            Self::Dollars => Some(Measure::Dollars),
            Self::Age | Self::Dies => Some(Measure::Seconds),
            _ => None,
        }
    }

    /// Whether it is compared with a number.
    pub const fn is_number(self) -> bool {
        self.measure().is_some()
    }

    /// A number with which it may be compared.
    pub const fn example(self) -> &'static str {
        match self.measure() {
            Some(Measure::Seconds) => "2h",
            Some(Measure::Dollars) => "5",
            Some(Measure::Count) | None => "0",
        }
    }

    /// What its numbers are called.
    pub const fn unit(self) -> &'static str {
        match self.measure() {
            Some(Measure::Seconds) => "duration such as 90m, 2h or 1d",
            Some(Measure::Dollars) => "amount of dollars per hour such as 5 or 0.25",
            Some(Measure::Count) | None => "number",
        }
    }

    /// What a term about it begins with.
    pub fn starts(self) -> impl Iterator<Item = String> {
        let signs: &[&str] = match (self.is_number(), self) {
            (true, Self::Gpu) => &[":", ">"],
            (true, Self::Dollars) => &[">"],
            (true, _) => &["<"],
            (false, _) => &[":"],
        };
        signs.iter().map(move |sign| format!("{}{sign}", self.name()))
    }

    /// What may stand behind its name, as help lists it.
    pub const fn forms(self) -> &'static [&'static str] {
        match self {
            Self::Gpu => &[":yes", ":idle", ">0"],
            Self::Dollars => &[">5"],
            Self::Age => &["<2h"],
            Self::Dies => &["<24h"],
            Self::Protected | Self::Held | Self::Drifted => &[":yes"],
            _ => &[":"],
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
            // A pod shares what its Node costs with the others there.
            Self::Dollars => DOLLARS,
            Self::Age => &[Dependency::Minute],
            Self::Dies => &[VERDICTS, Dependency::Minute, Dependency::Kind(Kind::Pod)],
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
