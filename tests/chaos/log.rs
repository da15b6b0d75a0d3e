//! What was asked of the server, and what it did wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use batchtop::units::Time;

use super::clock;
use super::fault::{Asked, Fault, Target};

/// One entry of the log of a target.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// A request came.
    Came { asked: Asked, clock: Time },
    /// The server did something wrong.
    Wrong(Wrong),
}

/// Something that the server did wrong.
#[derive(Clone, Copy, Debug)]
pub struct Wrong {
    pub fault: Fault,
    pub asked: Asked,
    pub number: usize,
    pub at: Instant,
    pub clock: Time,
}

/// What happened to each target, in order: a stream has one request at a time.
#[derive(Default)]
pub struct Log {
    pub entries: BTreeMap<Target, Vec<Entry>>,
    /// How many faults there have been.
    pub faults: usize,
    /// Kinds of which a watch told again what was told before, since they were listed last: Health counts objects by events,
    /// and is not right about how many there are until then.
    pub replayed: BTreeSet<Target>,
}

impl Log {
    pub fn came(&mut self, target: Target, asked: Asked) {
        self.entries.entry(target).or_default().push(Entry::Came { asked, clock: clock() });
        if asked == Asked::List {
            self.replayed.remove(&target);
        }
    }

    /// The number of the fault.
    pub fn wrong(&mut self, target: Target, asked: Asked, fault: Fault) -> usize {
        self.faults += 1;
        if fault == Fault::Replay {
            self.replayed.insert(target);
        }
        let wrong = Wrong { fault, asked, number: self.faults, at: Instant::now(), clock: clock() };
        self.entries.entry(target).or_default().push(Entry::Wrong(wrong));
        self.faults
    }

    /// Takes the entries out.
    pub fn take(&mut self) -> BTreeMap<Target, Vec<Entry>> {
        std::mem::take(&mut self.entries)
    }
}
