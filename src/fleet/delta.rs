//! Changes, as Sources tell them.

use super::kind_table::kind_table;
use super::{GpuAnswer, Kind, LoopState, NodeUsage, ObjectKey, PriceChange, Row, SourceGroup, SpotMarketChange};

/// Generation of a connection. What carries an older one is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Epoch(pub u64);

/// A change to the table of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change<R> {
    /// A relist begins: what it does not mention before `Commit` is gone.
    Begin,
    /// A row came or changed.
    Upsert(R),
    /// An object was deleted.
    Remove(ObjectKey),
    /// The relist is complete.
    Commit,
}

/// The rows of one kind: ties a type that stands for the kind to its row and its Delta.
pub trait KindRows {
    /// The type of the rows of the kind.
    type Row: Row;
    /// The kind whose rows they are.
    const KIND: Kind;
    /// Wraps changes of this kind.
    fn delta(changes: Vec<Change<Self::Row>>) -> Delta;
}

macro_rules! define_deltas {
    ($($(#[$doc:meta])* $kind:ident => $rows:ident($row:ident) in $table:ident: $store:ident, by $apply:ident {
        $($spec:tt)*
    })+) => {
        /// A batch of changes of one kind, in order.
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[expect(missing_docs, reason = "each variant is named after its kind")]
        pub enum Delta {
            $($rows(Vec<Change<super::$row>>),)+
            Prices(Vec<PriceChange>),
            SpotMarket(SpotMarketChange),
            Gpus(Vec<GpuAnswer>),
            /// The usage of all Nodes of which it is known, in place of what was known before.
            NodeUsage(NodeUsage),
            /// What Karpenter's own metrics say of its disruption loop, in place of what was known before.
            LoopState(LoopState),
        }

        impl Delta {
            /// The group of the Sources that tell such changes.
            pub const fn source_group(&self) -> SourceGroup {
                match self {
                    $(Self::$rows(_))|+ => SourceGroup::Cluster,
                    Self::Prices(_) | Self::SpotMarket(_) | Self::LoopState(_) => SourceGroup::Prices,
                    Self::Gpus(_) | Self::NodeUsage(_) => SourceGroup::Metrics,
                }
            }
        }

        /// One type for each kind, where a type is needed and not a value: decoders are implemented for them.
        pub mod kinds {
            use super::{Change, Delta, Kind, KindRows};

            $(
                $(#[$doc])*
                #[derive(Debug)]
                pub struct $rows;

                impl KindRows for $rows {
                    type Row = crate::fleet::$row;
                    const KIND: Kind = Kind::$kind;

                    fn delta(changes: Vec<Change<Self::Row>>) -> Delta {
                        Delta::$rows(changes)
                    }
                }
            )+
        }
    };
}

kind_table!(define_deltas);
