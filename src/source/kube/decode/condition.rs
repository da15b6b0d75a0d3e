//! `status.conditions`, which nearly every kind has.

use serde::Deserialize;

use super::DecodeError;
use super::meta::{SlimTime, time};
use super::text::{Text, bounded, bounded_name};
use crate::fleet::{Condition, Interner, Status};

/// One condition of an object, as far as it is read.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SlimCondition<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) reason: Text<'a>,
    #[serde(borrow)]
    pub(super) message: Text<'a>,
    #[serde(borrow)]
    pub(super) last_transition_time: SlimTime<'a>,
}

impl SlimCondition<'_> {
    /// Whether this is the condition of type `kind` and `True`.
    pub(super) fn is_true(&self, kind: &str) -> bool {
        self.is(kind, "True")
    }

    /// Whether this is the condition of type `kind` with this status.
    pub(super) fn is(&self, kind: &str, status: &str) -> bool {
        &*self.kind == kind && &*self.status == status
    }

    fn condition(&self, interner: &mut Interner) -> Result<Condition, DecodeError> {
        Ok(Condition {
            kind: interner.sym(&bounded_name(&self.kind)),
            status: Status::parse(&self.status),
            reason: interner.sym(&bounded_name(&self.reason)),
            message: interner.sym(&bounded(&self.message)),
            last_transition: time("lastTransitionTime", &self.last_transition_time)?,
        })
    }
}

/// All conditions, in the order of the response.
pub(super) fn conditions(slim: &[SlimCondition<'_>], interner: &mut Interner) -> Result<Vec<Condition>, DecodeError> {
    slim.iter().map(|condition| condition.condition(interner)).collect()
}
