//! What batchtop writes to the API server, one object at a time.

mod annotation;

use super::Timing;
use super::access::PooledClient;
use crate::fleet::{ObjectChange, WriteOutcome};

/// Makes one change under its conditions.
pub async fn write(client: &PooledClient, change: &ObjectChange, timing: &Timing) -> WriteOutcome {
    match change {
        ObjectChange::Annotation(change) => annotation::write(client, change, timing).await,
    }
}
