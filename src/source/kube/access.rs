//! The clients: at most so many requests at a time, each on a connection of its own, with the newest credentials.

use std::ops::{Deref, Range};
use std::sync::Arc;
use std::time::Duration;

use kube::{Client, Config};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::sleep;

use super::Timing;
use super::bodies::{Body, BodyLimits, BodyMemory, BodyUse};

/// How many connections to the API server there are at most, however many kinds are read.
///
/// kube speaks HTTP/1.1, where a watch takes a connection for as long as it lasts.
pub(super) const MAX_CONNECTIONS: usize = 15;

/// How many of these connections are never taken by a watch: lists, discovery, details and writes go through them.
pub(super) const REQUEST_CONNECTIONS: usize = 2;

/// How many more connections there are for exporters of metrics, which are read through the API server.
///
/// They are no part of the others: an answer of a pod takes as long as the pod likes. With connections of the others, four
/// pods that hang would hold up lists and writes, or watches would have to do without.
pub(super) const EXPORTER_CONNECTIONS: usize = 4;

/// How many more connections there are for the log that is looked at, which takes one for as long as it is followed.
pub(super) const LOG_CONNECTIONS: usize = 1;

/// How long a client rests between two requests, so that the first one's connection is idle again when the second one
/// looks for it, and no other is opened beside it.
const REST: Duration = Duration::from_millis(5);

/// The configuration in use, and how many came before it.
#[derive(Clone)]
pub(super) struct Current {
    /// The client that has proved the configuration right.
    pub(super) client: Client,
    pub(super) config: Arc<Config>,
    pub(super) generation: u64,
}

/// A client with the generation of its configuration; `None` until it is first needed.
type Slot = Option<(u64, Client)>;

/// The clients, each with its own connection. Clones share them.
#[derive(Clone)]
struct Pool {
    slots: Arc<[Arc<Mutex<Slot>>]>,
    /// The number of the first slot among those of all pools.
    from: usize,
    /// One permit for each slot.
    permits: Arc<Semaphore>,
}

impl Pool {
    /// With a slot for each of these numbers.
    fn new(numbers: Range<usize>) -> Self {
        let permits = Arc::new(Semaphore::new(numbers.len()));
        Self { from: numbers.start, slots: numbers.map(|_| Arc::default()).collect(), permits }
    }

    /// Waits for a permit, then takes the first free slot: those at the end are used only when many are.
    async fn take(&self) -> (Option<OwnedSemaphorePermit>, Option<(usize, OwnedMutexGuard<Slot>)>) {
        // Neither can fail: the semaphore is never closed, and who has a permit finds a slot.
        let permit = self.permits.clone().acquire_owned().await.ok();
        let mut slots = self.slots.iter().enumerate();
        (permit, slots.find_map(|(at, slot)| Some((self.from + at, slot.clone().try_lock_owned().ok()?))))
    }
}

/// The client of a slot: that of the connection for the first one, others are made when they are first needed.
fn client(at: usize, slot: &mut Slot, current: &Current) -> Client {
    match slot {
        Some((generation, client)) if *generation == current.generation => client.clone(),
        _ => {
            let made = if at == 0 { None } else { Client::try_from(Config::clone(&current.config)).ok() };
            let client = made.unwrap_or_else(|| current.client.clone());
            *slot = Some((current.generation, client.clone()));
            client
        }
    }
}

/// A client for one request at a time, which nobody else uses until it is dropped. Since it has at most one request under
/// way, it has at most one connection.
pub struct PooledClient {
    client: Client,
    generation: u64,
    bodies: BodyMemory,
    slot: Option<OwnedMutexGuard<Slot>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl PooledClient {
    /// The generation of its credentials.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// For one answer after the other.
    pub(super) fn body(&self) -> Body {
        self.bodies.body()
    }
}

impl Deref for PooledClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for PooledClient {
    fn drop(&mut self) {
        let (slot, permit) = (self.slot.take(), self.permit.take());
        // Without a runtime everything ends anyway.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(REST).await;
                drop(slot);
                drop(permit);
            });
        }
    }
}

/// Hands out clients.
#[derive(Clone)]
pub struct Access {
    current: watch::Receiver<Option<Current>>,
    pool: Pool,
    exporters: Pool,
    logs: Pool,
    suspects: mpsc::Sender<u64>,
    timing: Arc<Timing>,
    bodies: BodyMemory,
}

/// The other end of [`Access`].
pub(super) struct Keeper {
    pub(super) current: watch::Sender<Option<Current>>,
    pub(super) suspects: mpsc::Receiver<u64>,
}

/// One suspicion is enough; more wait for nothing.
const SUSPICIONS: usize = 1;

/// Makes the two ends.
pub(super) fn access(timing: &Timing, limits: BodyLimits) -> (Access, Keeper) {
    let (publish, current) = watch::channel(None);
    let (suspects, suspected) = mpsc::channel(SUSPICIONS);
    let bodies = BodyMemory::new(limits);
    let pool = Pool::new(0..MAX_CONNECTIONS);
    let exporters = Pool::new(MAX_CONNECTIONS..MAX_CONNECTIONS + EXPORTER_CONNECTIONS);
    let first_of_logs = MAX_CONNECTIONS + EXPORTER_CONNECTIONS;
    let logs = Pool::new(first_of_logs..first_of_logs + LOG_CONNECTIONS);
    let access = Access { current, pool, exporters, logs, suspects, timing: Arc::new(*timing), bodies };
    (access, Keeper { current: publish, suspects: suspected })
}

impl Access {
    /// A client, as soon as one is free; `None` before the first connection stands.
    pub async fn client(&self) -> Option<PooledClient> {
        self.client_of(&self.pool).await
    }

    async fn client_of(&self, pool: &Pool) -> Option<PooledClient> {
        if self.current.borrow().is_none() {
            return None;
        }
        let (permit, slot) = pool.take().await;
        // The newest: credentials may have been renewed while others used the clients.
        let current = self.current.borrow().clone()?;
        let (generation, bodies) = (current.generation, self.bodies.clone());
        Some(match slot {
            Some((at, mut slot)) => {
                let client = client(at, &mut slot, &current);
                PooledClient { client, generation, bodies, slot: Some(slot), permit }
            }
            None => PooledClient { client: current.client, generation, bodies, slot: None, permit },
        })
    }

    /// How much memory the answers that are being read take.
    pub fn body_use(&self) -> BodyUse {
        self.bodies.usage()
    }

    /// For one answer after the other.
    pub(super) fn body(&self) -> Body {
        self.bodies.body()
    }

    /// How long its requests may take: `--request-timeout` holds for writes and details as it does for the streams.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// A client, once there is a connection; `None` when the Source has ended without one.
    pub(super) async fn wait(&mut self) -> Option<PooledClient> {
        self.current.wait_for(Option::is_some).await.ok()?;
        self.client().await
    }

    /// A client for an exporter, once there is a connection; `None` when the Source has ended without one.
    pub(super) async fn wait_for_exporter(&mut self) -> Option<PooledClient> {
        self.current.wait_for(Option::is_some).await.ok()?;
        self.client_of(&self.exporters).await
    }

    /// The client for a log, once there is a connection and no other log is read; `None` when the Source has ended without
    /// one.
    pub(super) async fn wait_for_log(&mut self) -> Option<PooledClient> {
        self.current.wait_for(Option::is_some).await.ok()?;
        self.client_of(&self.logs).await
    }

    /// Tells that the credentials of this generation were refused.
    pub(super) fn suspect(&self, generation: u64) {
        // A full channel means that the suspicion is already known.
        let _ = self.suspects.try_send(generation);
    }

    /// Waits until there are credentials newer than those of `generation`.
    pub(super) async fn newer_than(&mut self, generation: u64) {
        let newer = |current: &Option<Current>| current.as_ref().is_some_and(|it| it.generation > generation);
        if self.current.wait_for(newer).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
