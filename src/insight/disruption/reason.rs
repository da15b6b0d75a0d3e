//! Why Karpenter disrupts nodes of its own accord.

use std::fmt;

/// A reason for voluntary disruption (karpenter pkg/apis/v1/nodepool.go, DisruptionReason).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// Nothing runs there that would have to move.
    Empty,
    /// It is not any more what its NodePool or NodeClass asks for.
    Drifted,
    /// Its pods may fit elsewhere, or on something cheaper.
    Underutilized,
}

impl Reason {
    /// All, in the order in which Karpenter looks for them since 1.5.
    pub const ALL: [Self; 3] = [Self::Empty, Self::Drifted, Self::Underutilized];

    /// As Karpenter writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Drifted => "Drifted",
            Self::Underutilized => "Underutilized",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Empty => 1,
            Self::Drifted => 2,
            Self::Underutilized => 4,
        }
    }
}

/// A set of reasons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Reasons(u8);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);
    /// Every reason.
    pub const ALL: Self = Self(7);
    /// Those that never pass over a pod that may not be evicted (karpenter GracefulDisruptionClass).
    pub const GRACEFUL: Self = Self(5);

    /// This one alone.
    pub const fn only(reason: Reason) -> Self {
        Self(reason.bit())
    }

    /// Whether a reason is among them.
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & reason.bit() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reasons that are in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The reasons that are in at least one of both sets.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The reasons of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        reasons.into_iter().fold(Self::NONE, |set, reason| set.or(Self::only(reason)))
    }
}

impl fmt::Debug for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Whether Karpenter may take a node, for each reason: every gate that can be known is open, one is closed, or one is
/// not known. The scheduling simulation that follows stays Karpenter's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct May {
    /// For which it may.
    pub yes: Reasons,
    /// For which it may not.
    pub no: Reasons,
}

impl May {
    /// For which it is not known.
    pub const fn unknown(self) -> Reasons {
        Reasons::ALL.without(self.yes).without(self.no)
    }

    /// Of one reason; `None` where it is not known.
    pub const fn get(self, reason: Reason) -> Option<bool> {
        if self.yes.contains(reason) {
            Some(true)
        } else if self.no.contains(reason) {
            Some(false)
        } else {
            None
        }
    }
}
