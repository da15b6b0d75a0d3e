//! Values as JSON writes them, without copying what the Fleet shares.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::fleet::{Sym, Uid, Utilization};
use crate::insight::gpu::Thousandths;
use crate::units::Time;

/// Text that is shared with the Fleet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Text(#[schemars(with = "String")] pub Sym);

/// A point in time, RFC 3339 in UTC with `Z`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Stamp(#[schemars(with = "String", extend("format" = "date-time"))] pub Time);

/// `metadata.uid`.
#[derive(Clone, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Id(#[schemars(with = "String")] pub Uid);

/// Physical devices, to a thousandth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Devices(#[schemars(with = "f64")] pub Thousandths);

impl Serialize for Devices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.0 {
            whole if whole % 1_000 == 0 => serializer.serialize_i64(whole / 1_000),
            part => serializer.serialize_f64(part as f64 / 1_000.0),
        }
    }
}

/// Percent of all, to a ten-thousandth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Percent(#[schemars(with = "f64")] pub Utilization);

/// Seconds, to a thousandth; kept in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Seconds(#[schemars(with = "f64")] pub u64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            whole if whole % 1_000 == 0 => serializer.serialize_u64(whole / 1_000),
            part => serializer.serialize_f64(part as f64 / 1_000.0),
        }
    }
}

/// Watts, to a thousandth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Watts(#[schemars(with = "f64")] pub u32);

/// A number with at most six decimals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Millionths(#[schemars(with = "f64")] pub u64);

/// A number with at most nine decimals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Billionths(#[schemars(with = "f64")] pub u64);

/// A part of a whole, 0 to 1, to a hundredth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Hundredths(#[schemars(with = "f64")] pub u8);

impl Serialize for Millionths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            whole if whole % 1_000_000 == 0 => serializer.serialize_u64(whole / 1_000_000),
            part => serializer.serialize_f64(part as f64 / 1e6),
        }
    }
}

impl Serialize for Billionths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 1e9)
    }
}

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 100.0)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const MILLIONTHS_PER_PERCENT: f64 = 10_000.0;
        serializer.serialize_f64(f64::from(self.0.millionths()) / MILLIONTHS_PER_PERCENT)
    }
}

impl Serialize for Watts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 1_000.0)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The text of a symbol, shared.
pub(super) fn text(sym: &Sym) -> Text {
    Text(sym.clone())
}

/// The same where there may be none.
pub(super) fn maybe_text(sym: Option<&Sym>) -> Option<Text> {
    sym.map(text)
}

/// Text that says something; an empty one is none.
pub(super) fn unless_empty(sym: &Sym) -> Option<Text> {
    (!sym.is_empty()).then(|| text(sym))
}

/// What something prints as.
pub(super) fn printed(value: Option<&impl Display>) -> Option<String> {
    value.map(ToString::to_string)
}
