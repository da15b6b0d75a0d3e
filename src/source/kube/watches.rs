//! Which scopes of which kinds are watched, and which are listed now and then, so that there are connections for all.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::access::{MAX_CONNECTIONS, REQUEST_CONNECTIONS};
use crate::fleet::Kind;

/// How many watches there are at most, each of which has a connection.
const MAX_WATCHES: usize = MAX_CONNECTIONS - REQUEST_CONNECTIONS;

/// Whether one watch is kept for this kind, whatever else is served.
fn has_own_watch(kind: Kind) -> bool {
    !kind.spec().is_optional() || kind.spec().starts_first()
}

/// The watches that may still be opened. Clones share them.
#[derive(Clone)]
pub(super) struct Watches {
    /// Those that are not kept for a kind: the other kinds have them, and further namespaces; who comes first.
    shared: Arc<Semaphore>,
}

/// Allows one watch until it is dropped.
pub(super) struct WatchPermit {
    _shared: Option<OwnedSemaphorePermit>,
}

impl Watches {
    pub(super) fn new() -> Self {
        let own = Kind::ALL.into_iter().filter(|kind| has_own_watch(*kind)).count();
        Self { shared: Arc::new(Semaphore::new(MAX_WATCHES.saturating_sub(own))) }
    }

    /// For the scope of this number of a kind; `None` where it has to be listed now and then instead.
    pub(super) fn take(&self, kind: Kind, scope: usize) -> Option<WatchPermit> {
        if scope == 0 && has_own_watch(kind) {
            return Some(WatchPermit { _shared: None });
        }
        let permit = self.shared.clone().try_acquire_owned().ok()?;
        Some(WatchPermit { _shared: Some(permit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_are_limited_to_the_number_of_connections() {
        let watches = Watches::new();
        let scopes = Kind::ALL.into_iter().flat_map(|kind| (0..9).map(move |scope| (kind, scope)));
        let permits: Vec<WatchPermit> = scopes.filter_map(|(kind, scope)| watches.take(kind, scope)).collect();
        assert_eq!(permits.len(), MAX_WATCHES);
        assert!(watches.take(Kind::Pod, 0).is_some(), "the first scope of every needed kind is watched");
        assert!(watches.take(Kind::NodeOverlay, 0).is_none());
        drop(permits);
        assert!(watches.take(Kind::NodeOverlay, 0).is_some());
    }
}
