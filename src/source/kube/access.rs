//! The current client, which is replaced when credentials are renewed.

use std::sync::Arc;

use kube::Client;
use tokio::sync::{mpsc, watch};

use super::Timing;

/// A client and how many came before it.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) client: Client,
    pub(super) generation: u64,
}

/// Hands out the current client.
#[derive(Clone)]
pub struct Access {
    current: watch::Receiver<Option<Current>>,
    suspects: mpsc::Sender<u64>,
    timing: Arc<Timing>,
}

/// The other end of [`Access`].
pub(super) struct Keeper {
    pub(super) current: watch::Sender<Option<Current>>,
    pub(super) suspects: mpsc::Receiver<u64>,
}

/// One suspicion is enough; more wait for nothing.
const SUSPICIONS: usize = 1;

/// Makes the two ends.
pub(super) fn access(timing: Timing) -> (Access, Keeper) {
    let (publish, current) = watch::channel(None);
    let (suspects, suspected) = mpsc::channel(SUSPICIONS);
    (Access { current, suspects, timing: Arc::new(timing) }, Keeper { current: publish, suspects: suspected })
}

impl Access {
    /// The client, or `None` before the first connection stands.
    pub fn client(&self) -> Option<Client> {
        self.current.borrow().as_ref().map(|current| current.client.clone())
    }

    /// How long its requests may take: `--request-timeout` holds for writes and details as it does for the streams.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The client, once there is one; `None` when the Source has ended without one.
    pub(super) async fn wait(&mut self) -> Option<Current> {
        let found = self.current.wait_for(Option::is_some).await.ok()?;
        (*found).clone()
    }

    /// Tells that the credentials of this client were refused.
    pub(super) fn suspect(&self, generation: u64) {
        // A full channel means that the suspicion is already known.
        let _ = self.suspects.try_send(generation);
    }

    /// Waits until there is a client newer than `generation`.
    pub(super) async fn newer_than(&mut self, generation: u64) {
        let newer = |current: &Option<Current>| current.as_ref().is_some_and(|it| it.generation > generation);
        if self.current.wait_for(newer).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
