//! What batchtop writes: one change of one object, under conditions.

use super::{Key, Uid};

/// The annotation by which pods and Nodes ask Karpenter to be left alone.
pub const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";

/// One change of one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ObjectChange {
    /// One value of it is set or removed.
    Value(ValueChange),
    /// A pod is evicted.
    Eviction(PodEviction),
}

/// The value that a write changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangedValue {
    /// `karpenter.sh/do-not-disrupt` of a pod or a Node.
    DoNotDisrupt,
    /// `spec.unschedulable` of a Node: `true`, or nothing.
    Unschedulable,
}

/// A change of one value of one pod or Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValueChange {
    /// The object to write to.
    pub key: Key,
    /// Which of its values.
    pub value: ChangedValue,
    /// Its uid as last read; another uid means another object.
    pub uid: Uid,
    /// The resourceVersion of the object as last read, a precondition of the patch.
    pub resource_version: String,
    /// The value the user saw; the change is made only while it stands.
    pub from: Option<String>,
    /// The value to write; `None` removes it.
    pub to: Option<String>,
}

/// An eviction of one pod through the Eviction API, which respects PodDisruptionBudgets. There is no way back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PodEviction {
    /// The pod.
    pub key: Key,
    /// Its uid as last read, a precondition of the request: a pod that was made anew under the same name is not evicted.
    pub uid: Uid,
}

impl ObjectChange {
    /// The object that is changed.
    pub const fn key(&self) -> &Key {
        match self {
            Self::Value(change) => &change.key,
            Self::Eviction(eviction) => &eviction.key,
        }
    }

    /// Its uid as last read; another uid means another object.
    pub const fn uid(&self) -> &Uid {
        match self {
            Self::Value(change) => &change.uid,
            Self::Eviction(eviction) => &eviction.uid,
        }
    }

    /// The change of a value, where it is one.
    pub const fn value(&self) -> Option<&ValueChange> {
        match self {
            Self::Value(change) => Some(change),
            Self::Eviction(_) => None,
        }
    }

    /// The same, to be changed.
    pub const fn value_mut(&mut self) -> Option<&mut ValueChange> {
        match self {
            Self::Value(change) => Some(change),
            Self::Eviction(_) => None,
        }
    }
}

/// The outcome of one change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WriteOutcome {
    /// The API server has made the change; an evicted pod is being deleted, or is gone.
    Done,
    /// Somebody else wrote another value meanwhile; nothing was written.
    ChangedBySomebody {
        /// The value that stands there now.
        now: Option<String>,
    },
    /// The object was deleted and another one has its name; nothing was written.
    Recreated,
    /// The object is gone.
    Gone,
    /// The API server, or a webhook, refused; nothing was written.
    Refused {
        /// The HTTP status.
        code: u16,
        /// The server's words.
        message: String,
    },
    /// No answer; whether it was written is not known.
    Unanswered {
        /// The reason in the words of the API server or of the client.
        message: String,
    },
    /// The journal could not be written, so the request was not made.
    NotJournaled {
        /// The reason in the words of the API server or of the client.
        message: String,
    },
}
