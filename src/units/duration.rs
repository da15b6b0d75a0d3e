//! Durations, in Go's grammar as Kubernetes and Karpenter write them.

/// A duration field that may also say `Never`, as in `expireAfter` and `consolidateAfter`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lifetime {
    /// The field is absent.
    #[default]
    Unset,
    /// `Never`.
    Never,
    /// Whole seconds, rounded down.
    Seconds(i64),
    /// Text that is neither.
    Invalid,
}
