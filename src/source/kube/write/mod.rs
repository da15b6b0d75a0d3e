//! What batchtop writes to the API server, one object at a time.

mod eviction;
mod object;
mod value;

use super::Timing;
use super::access::PooledClient;
use super::failure::Failure;
use crate::fleet::{ObjectChange, WriteOutcome};

/// Makes one change under its conditions.
pub async fn write(client: &PooledClient, change: &ObjectChange, timing: &Timing) -> WriteOutcome {
    match change {
        ObjectChange::Value(change) => value::write(client, change, timing).await,
        ObjectChange::Eviction(eviction) => eviction::write(client, eviction, timing).await,
    }
}

/// What a failure says where nothing is known to have been written. A request without an answer may still be on its way.
fn outcome(failure: Failure) -> WriteOutcome {
    match failure {
        Failure::Api { code: 404, .. } => WriteOutcome::Gone,
        Failure::Api { code, message, .. } => WriteOutcome::Refused { code, message },
        other => WriteOutcome::Unanswered { message: other.sentence() },
    }
}
