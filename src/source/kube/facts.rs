//! What is known of the cluster besides its objects, put together from what the tasks find.

use tokio::sync::mpsc;

use super::sink::{Closed, Sink};
use crate::fleet::{ClusterFacts, KarpenterApi, Report};

/// One thing that a task found out.
#[derive(Debug)]
pub(super) enum Fact {
    /// Context, server, contexts and namespace, on every new connection.
    Connected(Box<ClusterFacts>),
    /// The server's version.
    Version(String),
    /// The user, in the server's words.
    Identity(String),
    /// Which Karpenter API is served.
    KarpenterApi(KarpenterApi),
    /// The least Karpenter version that has what the CRD has.
    CrdVersion(Option<String>),
    /// Whether EKS Auto Mode's NodeClass is served.
    AutoMode(bool),
    /// The namespaces that pods are read from; `None` for all.
    Namespaces(Option<Vec<String>>),
}

/// How many facts may wait.
pub(super) const FACTS: usize = 16;

/// Tells the facts anew whenever one of them changes.
pub(super) async fn collect(mut found: mpsc::Receiver<Fact>, sink: Sink) -> Closed {
    let mut facts = ClusterFacts::default();
    while let Some(fact) = found.recv().await {
        let before = facts.clone();
        // A new connection is told even if nothing differs: it is also the news that the cluster is back.
        let is_news = matches!(fact, Fact::Connected(_));
        apply(&mut facts, fact);
        if (is_news || facts != before) && sink.send(Report::Cluster(Box::new(facts.clone()))).await.is_err() {
            break;
        }
    }
    Closed
}

fn apply(facts: &mut ClusterFacts, fact: Fact) {
    match fact {
        Fact::Connected(new) => {
            facts.context = new.context;
            facts.server = new.server;
            facts.contexts = new.contexts;
            facts.default_namespace = new.default_namespace;
        }
        Fact::Version(version) => facts.kubernetes_version = Some(version),
        Fact::Identity(user) => facts.identity = Some(user),
        Fact::KarpenterApi(api) => facts.karpenter_api = api,
        Fact::CrdVersion(version) => facts.karpenter_crd_version = version,
        Fact::AutoMode(auto_mode) => facts.auto_mode = auto_mode,
        Fact::Namespaces(namespaces) => facts.namespaces = namespaces,
    }
}
