//! What a Prometheus server tells of the past: one question at a time, for details that are open.

use tokio::sync::watch;

use super::search::Missed;
use crate::fleet::{HistoryAnswer, HistoryQuestion, HistoryTold, ServiceAddress};
use crate::source::exporters;
use crate::source::kube::access::Access;
use crate::source::kube::bodies::Body;
use crate::source::kube::proxied::{Miss, fetch_with_access};
use crate::source::kube::resource;

/// How large an answer may be. One of sixteen boards and fifteen minutes has 30 kB.
const MAX_ANSWER_BYTES: usize = 2 << 20;

/// The server that is asked of the past: the one that the user has named, or that was found to have metrics; `None` while none
/// is known.
#[derive(Clone)]
pub struct HistoryServer(watch::Receiver<Option<ServiceAddress>>);

impl HistoryServer {
    pub(in crate::source::kube) const fn new(known: watch::Receiver<Option<ServiceAddress>>) -> Self {
        Self(known)
    }

    /// Asks it a question; `None` where no server is known.
    ///
    /// # Errors
    /// Why the server has told nothing, in one sentence.
    pub async fn ask(&self, access: &Access, question: HistoryQuestion) -> Result<Option<HistoryAnswer>, String> {
        let Some(server) = self.0.borrow().clone() else { return Ok(None) };
        let body = fetch_with_access(access, &path(&server, &question), "application/json", MAX_ANSWER_BYTES).await;
        let told = match body {
            Ok(body) => read(body, question).await.map_err(Miss::Other),
            Err(miss) => Err(miss),
        };
        let told = told.map_err(|miss| Missed::of(&server, &miss).words().to_owned())?;
        Ok(Some(HistoryAnswer { server, told }))
    }
}

fn path(server: &ServiceAddress, question: &HistoryQuestion) -> String {
    let (query, period) = (exporters::range_query(question), exporters::period(question));
    format!(
        "{}/api/v1/query_range?query={}&start={}&end={}&step={}",
        server.proxy_path(),
        resource::escape(&query),
        period.from.seconds(),
        period.to.seconds(),
        period.step_seconds.max(1),
    )
}

/// Megabytes take too long for a thread on which others wait.
async fn read(body: Body, question: HistoryQuestion) -> Result<HistoryTold, String> {
    let read = tokio::task::spawn_blocking(move || exporters::read_range(&body, &question)).await;
    read.map_err(|ended| ended.to_string())?.map_err(|unreadable| unreadable.to_string())
}
