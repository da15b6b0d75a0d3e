//! A GET through the API server's proxy to what exports metrics, and why it brought nothing.

use std::time::Duration;

use tokio::time::timeout;

use super::access::{Access, PooledClient};
use super::api;
use super::bodies::Body;
use super::failure::Failure;
use super::stream::StreamContext;
use super::timing::Timing;
use crate::fleet::{GpuFailure, Sym};

/// How long a busy server is left alone that does not say for how long.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// Why a request brought nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Miss {
    /// The API server does not allow it.
    Forbidden(String),
    /// There is no such object, or no such page behind it.
    Absent(String),
    /// Nothing came in time.
    Late(String),
    /// The server is busy, and wants to be left alone for so long.
    Busy(String, Duration),
    /// The answer is larger than it may be.
    Large(String),
    /// Anything else.
    Other(String),
}

impl Miss {
    /// A 401 is no doubt about the credentials here: it may be the exporter's own. The streams find out if it is not. Nor is
    /// every 403 the API server's: an exporter behind a proxy of its own may refuse, which says nothing of the others.
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Api { code: 403, message, .. } if is_of_authorizer(message) => Self::Forbidden(failure.sentence()),
            Failure::Api { code: 404, .. } => Self::Absent(failure.sentence()),
            Failure::Api { code: 429, retry_after, .. } => {
                Self::Busy(failure.sentence(), retry_after.unwrap_or(USUAL_PAUSE))
            }
            Failure::TooLarge { .. } => Self::Large(failure.sentence()),
            Failure::Silence(_) => Self::Late(failure.sentence()),
            _ => Self::Other(failure.sentence()),
        }
    }

    /// In one sentence.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Forbidden(words)
            | Self::Absent(words)
            | Self::Late(words)
            | Self::Busy(words, _)
            | Self::Large(words)
            | Self::Other(words) => words,
        }
    }
}

/// Whether the API server itself refuses: User "ann" cannot get resource "pods/proxy" (apiserver
/// pkg/endpoints/handlers/responsewriters/errors.go, forbiddenMessage).
fn is_of_authorizer(message: &str) -> bool {
    message.split_once(" cannot ").is_some_and(|(_, what)| what.contains(" resource \""))
}

impl From<Miss> for GpuFailure {
    fn from(miss: Miss) -> Self {
        let words = Sym::new(miss.words());
        match miss {
            Miss::Forbidden(_) => Self::Forbidden(words),
            Miss::Absent(_) | Miss::Late(_) | Miss::Busy(..) | Miss::Large(_) | Miss::Other(_) => Self::Failed(words),
        }
    }
}

/// A GET that takes no longer than an exporter may.
pub(super) async fn fetch(context: &StreamContext, path: &str, accept: &str, limit_bytes: usize) -> Result<Body, Miss> {
    fetch_with_access(&context.access, path, accept, limit_bytes).await
}

/// The same, for who has no stream.
pub(super) async fn fetch_with_access(
    access: &Access,
    path: &str,
    accept: &str,
    limit_bytes: usize,
) -> Result<Body, Miss> {
    let mut access = access.clone();
    let Some(client) = access.wait_for_exporter().await else { return std::future::pending().await };
    let limit = access.timing().exporter;
    let fetched = timeout(limit, fetch_with(&client, access.timing(), path, accept, limit_bytes)).await;
    fetched.map_err(|_| Miss::Late(format!("no answer within {limit:?}")))?.map_err(|failure| Miss::of(&failure))
}

async fn fetch_with(
    client: &PooledClient,
    timing: &Timing,
    path: &str,
    accept: &str,
    limit_bytes: usize,
) -> Result<Body, Failure> {
    let mut body = client.body().limited(limit_bytes);
    api::fetch(client, api::get(path, accept)?, timing, &mut body).await?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_api_server_forbids_to_read_exporters() {
        let of = |message: &str| Miss::of(&Failure::Api { code: 403, message: message.to_owned(), retry_after: None });
        let own = "pods \"dcgm-x\" is forbidden: User \"ann\" cannot get resource \"pods/proxy\" in API group \"\" in the namespace \"gpu\"";
        assert!(matches!(of(own), Miss::Forbidden(_)));
        for of_exporter in
            ["RBAC: access denied", "Forbidden (user=ann, verb=get, resource=nodes, subresource=metrics)", ""]
        {
            assert!(matches!(of(of_exporter), Miss::Other(_)), "{of_exporter}");
        }
    }
}
