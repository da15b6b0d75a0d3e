//! The memory that the bodies of answers may take: each by itself, and all of one Source together.
//!
//! A body has no size before it has been read: it comes in chunks, and zipped. So memory is taken in steps, before it is
//! filled. As long as the shared part lasts, bodies grow side by side. Where it is used up, one of them at a time has the
//! turn: with it, a body may grow up to the limit of a body, whatever the others have, so that never two wait for each
//! other.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::failure::Failure;

/// How many bytes of bodies are held at most.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Of one body.
    pub one_bytes: usize,
    /// Of all bodies but the one that has the turn.
    pub shared_bytes: usize,
}

impl Default for BodyLimits {
    /// A page of 500 objects has 2 to 5 MB of usual pods, and up to 10 MB of Nodes with long lists of images: those of all
    /// kinds together have room in the shared part. A single object has at most a few MiB (etcd takes 1.5 MiB of it).
    fn default() -> Self {
        Self { one_bytes: 32 << 20, shared_bytes: 32 << 20 }
    }
}

impl BodyLimits {
    /// Of all bodies.
    pub const fn all_bytes(self) -> usize {
        self.one_bytes.saturating_add(self.shared_bytes)
    }
}

/// How many bytes of bodies are held, for those who measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodyUse {
    /// Now.
    pub bytes: usize,
    /// At most at any time.
    pub most_bytes: usize,
}

#[derive(Default)]
struct Gauge {
    bytes: AtomicUsize,
    most_bytes: AtomicUsize,
}

impl Gauge {
    fn add(&self, bytes: usize) {
        let now = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most_bytes.fetch_max(now, Ordering::Relaxed);
    }

    fn subtract(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The memory for all bodies of one Source. Clones share it.
#[derive(Clone)]
pub(super) struct BodyMemory {
    limits: BodyLimits,
    /// One permit for each byte.
    shared: Arc<Semaphore>,
    /// One permit.
    turn: Arc<Semaphore>,
    gauge: Arc<Gauge>,
}

impl BodyMemory {
    pub(super) fn new(limits: BodyLimits) -> Self {
        let shared = Arc::new(Semaphore::new(limits.shared_bytes.min(Semaphore::MAX_PERMITS)));
        Self { limits, shared, turn: Arc::new(Semaphore::new(1)), gauge: Arc::default() }
    }

    /// A body without anything in it.
    pub(super) fn body(&self) -> Body {
        let limit_bytes = self.limits.one_bytes;
        Body { bytes: Vec::new(), limit_bytes, taken_bytes: 0, shared: None, turn: None, memory: self.clone() }
    }

    pub(super) fn usage(&self) -> BodyUse {
        let load = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        BodyUse { bytes: load(&self.gauge.bytes), most_bytes: load(&self.gauge.most_bytes) }
    }

    /// A part of the shared memory, or the turn, whichever is free first.
    async fn wait(&self, bytes: u32) -> Option<Grant> {
        tokio::select! {
            turn = self.turn.clone().acquire_owned() => turn.ok().map(Grant::Turn),
            part = self.shared.clone().acquire_many_owned(bytes) => part.ok().map(Grant::Part),
        }
    }
}

/// What a body may grow by.
enum Grant {
    /// This part of the shared memory.
    Part(OwnedSemaphorePermit),
    /// Whatever it needs.
    Turn(OwnedSemaphorePermit),
}

/// The least that a body grows by.
const STEP_PERMITS: u32 = 64 << 10;
const STEP_BYTES: usize = STEP_PERMITS as usize;

/// More than this is not kept for what is still to come of a watch.
const MANY_BYTES: usize = 1 << 20;

/// The body of one answer, or what has come of it.
pub(super) struct Body {
    bytes: Vec<u8>,
    /// How much it may have in it.
    limit_bytes: usize,
    /// How much memory it has taken.
    taken_bytes: usize,
    shared: Option<OwnedSemaphorePermit>,
    turn: Option<OwnedSemaphorePermit>,
    memory: BodyMemory,
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.release();
    }
}

impl Body {
    /// With a lower limit than that of all bodies.
    pub(super) fn limited(mut self, limit_bytes: usize) -> Self {
        self.limit_bytes = self.limit_bytes.min(limit_bytes);
        self
    }

    /// How much it may have in it.
    pub(super) fn limit_bytes(&self) -> usize {
        self.limit_bytes
    }

    /// Adds a piece. Where there is no memory for it now, waits no longer than `patience`.
    pub(super) async fn push(&mut self, piece: &[u8], patience: Duration) -> Result<(), Failure> {
        let needed = self.bytes.len().saturating_add(piece.len());
        if needed > self.taken_bytes {
            self.grow(needed, patience).await?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    async fn grow(&mut self, needed: usize, patience: Duration) -> Result<(), Failure> {
        let limit_bytes = self.limit_bytes;
        if needed > limit_bytes {
            return Err(Failure::TooLarge { limit_bytes });
        }
        let half_more = self.taken_bytes + (self.taken_bytes / 2).max(STEP_BYTES);
        let wanted = half_more.max(needed).min(limit_bytes);
        let more = wanted - self.taken_bytes;
        if self.turn.is_none() {
            self.take(u32::try_from(more).unwrap_or(u32::MAX), patience).await?;
        }
        self.enlarge(more);
        Ok(())
    }

    /// Makes room in memory that has been taken.
    fn enlarge(&mut self, more_bytes: usize) {
        self.memory.gauge.add(more_bytes);
        self.taken_bytes += more_bytes;
        self.bytes.reserve_exact(self.taken_bytes - self.bytes.len());
    }

    async fn take(&mut self, bytes: u32, patience: Duration) -> Result<(), Failure> {
        let grant = match self.memory.shared.clone().try_acquire_many_owned(bytes) {
            Ok(part) => Some(Grant::Part(part)),
            Err(_) => timeout(patience, self.memory.wait(bytes)).await.ok().flatten(),
        };
        match grant {
            Some(Grant::Turn(turn)) => self.turn = Some(turn),
            Some(Grant::Part(part)) => match &mut self.shared {
                Some(all) => all.merge(part),
                shared => *shared = Some(part),
            },
            None => return Err(Failure::NoMemory { limit_bytes: self.memory.limits.all_bytes() }),
        }
        Ok(())
    }

    /// Takes so many bytes away from its beginning, and gives memory back where little is left of much.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.bytes.drain(..bytes.min(self.bytes.len()));
        if self.bytes.len() <= STEP_BYTES && (self.taken_bytes > MANY_BYTES || self.turn.is_some()) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        let shared = self.memory.shared.clone().try_acquire_many_owned(STEP_PERMITS);
        // Without any free memory it stays as it is, and the next time is soon.
        let Ok(part) = shared else { return };
        let mut small = self.memory.body().limited(self.limit_bytes);
        small.shared = Some(part);
        small.enlarge(STEP_BYTES);
        small.bytes.extend_from_slice(&self.bytes);
        *self = small;
    }

    /// Empties it for the next answer. Keeps its memory for that, unless others wait for its turn.
    pub(super) fn clear(&mut self) {
        if self.turn.is_some() {
            return self.release();
        }
        self.bytes.clear();
    }

    /// Empties it and gives its memory back.
    pub(super) fn release(&mut self) {
        self.bytes = Vec::new();
        self.memory.gauge.subtract(std::mem::take(&mut self.taken_bytes));
        self.shared = None;
        self.turn = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BodyLimits = BodyLimits { one_bytes: 1 << 20, shared_bytes: 512 << 10 };
    const PATIENCE: Duration = Duration::from_millis(20);

    fn bytes_of(memory: &BodyMemory) -> usize {
        memory.usage().bytes
    }

    #[tokio::test]
    async fn a_body_takes_memory_before_it_is_filled_and_gives_it_back() {
        let memory = BodyMemory::new(LIMITS);
        let mut body = memory.body();
        for number in 0..100 {
            body.push(&[number; 4000], PATIENCE).await.unwrap();
            assert_eq!((bytes_of(&memory), body.bytes.capacity()), (body.taken_bytes, body.taken_bytes));
        }
        assert_eq!((body.len(), body[0], body[399_999]), (400_000, 0, 99));
        body.clear();
        assert!(body.is_empty() && bytes_of(&memory) >= 400_000, "kept for the next page");
        drop(body);
        assert_eq!((bytes_of(&memory), memory.shared.available_permits()), (0, LIMITS.shared_bytes));
    }

    #[tokio::test]
    async fn a_body_is_too_large_beyond_its_limit_and_not_before() {
        let memory = BodyMemory::new(LIMITS);
        let mut body = memory.body();
        body.push(&vec![0; LIMITS.one_bytes], PATIENCE).await.unwrap();
        let failure = body.push(&[0], PATIENCE).await.unwrap_err();
        assert_eq!(failure.sentence(), "the answer is larger than 1 MiB, the limit for one answer");
    }

    #[tokio::test]
    async fn a_body_may_have_a_lower_limit_than_the_others() {
        let memory = BodyMemory::new(LIMITS);
        let mut body = memory.body().limited(100_000);
        body.push(&vec![0; 100_000], PATIENCE).await.unwrap();
        assert_eq!(body.push(&[0], PATIENCE).await, Err(Failure::TooLarge { limit_bytes: 100_000 }));
        assert_eq!(memory.body().limited(usize::MAX).limit_bytes(), LIMITS.one_bytes);
    }

    #[tokio::test]
    async fn only_one_body_at_a_time_goes_beyond_the_shared_part() {
        let memory = BodyMemory::new(LIMITS);
        let (mut first, mut second, mut third) = (memory.body(), memory.body(), memory.body());
        first.push(&vec![0; LIMITS.shared_bytes], PATIENCE).await.unwrap();
        second.push(&vec![0; LIMITS.one_bytes / 2], PATIENCE).await.unwrap();
        let failure = third.push(&[0], PATIENCE).await.unwrap_err();
        let words = "no memory for the answer: others use the 1.5 MiB that all answers may have together";
        assert_eq!(failure.sentence(), words);
        second.push(&vec![0; LIMITS.one_bytes / 2], PATIENCE).await.unwrap();
        assert_eq!(memory.usage().most_bytes, LIMITS.all_bytes());
        // Who waits for a long time goes on when either is free.
        let patience = Duration::from_mins(1);
        let (waited, ()) = tokio::join!(third.push(&[0], patience), async { second.clear() });
        assert!(waited.is_ok() && third.turn.is_some(), "the turn of the second");
        let mut fourth = memory.body();
        let (waited, ()) = tokio::join!(fourth.push(&[0], patience), async { first.release() });
        assert!(waited.is_ok() && fourth.turn.is_none(), "the part of the first");
        assert_eq!(memory.usage().most_bytes, LIMITS.all_bytes());
    }
}
