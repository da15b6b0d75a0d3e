//! What is known of the cluster besides its objects, put together from what the tasks find.

use tokio::sync::{mpsc, oneshot};

use super::sink::{Closed, Sink};
use crate::fleet::{ClusterFacts, KarpenterApi, Report, Rights};

/// One thing that a task found out.
#[derive(Debug)]
pub(super) enum Fact {
    /// Context, server, contexts and namespace as the kubeconfig has them, before any server has been asked: who cannot
    /// reach this one must be able to choose another.
    Configured(Box<ClusterFacts>),
    /// The same, on every new connection.
    Connected(Box<ClusterFacts>),
    /// The server's version.
    Version(String),
    /// The user, in the server's words.
    Identity(String),
    /// What the user may write.
    Rights(Box<Rights>),
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
const FACTS: usize = 16;

/// A fact, and how to tell that it has been reported.
type Told = (Fact, oneshot::Sender<()>);

/// Where tasks tell what they found.
#[derive(Clone)]
pub(super) struct Facts(mpsc::Sender<Told>);

/// A new channel of facts: the end to tell them, and the end that [`collect`] reads.
pub(super) fn facts() -> (Facts, mpsc::Receiver<Told>) {
    let (found, told) = mpsc::channel(FACTS);
    (Facts(found), told)
}

impl Facts {
    /// Returns when the fact has been reported, so that whoever is told "live" afterwards knows it already.
    pub(super) async fn tell(&self, fact: Fact) -> Result<(), Closed> {
        let (done, told) = oneshot::channel();
        self.0.send((fact, done)).await.map_err(|_| Closed)?;
        told.await.map_err(|_| Closed)
    }
}

/// Tells the facts anew whenever one of them changes.
pub(super) async fn collect(mut found: mpsc::Receiver<Told>, sink: Sink) -> Closed {
    let mut facts = ClusterFacts::default();
    while let Some((fact, done)) = found.recv().await {
        let before = facts.clone();
        // A new connection is told even if nothing differs: it is also the news that the cluster is back.
        let is_news = matches!(fact, Fact::Connected(_));
        apply(&mut facts, fact);
        if (is_news || facts != before) && sink.send(Report::Cluster(Box::new(facts.clone()))).await.is_err() {
            break;
        }
        // Who told it may have ended meanwhile.
        let _ = done.send(());
    }
    Closed
}

fn apply(facts: &mut ClusterFacts, fact: Fact) {
    match fact {
        Fact::Configured(new) | Fact::Connected(new) => {
            facts.context = new.context;
            facts.server = new.server;
            facts.contexts = new.contexts;
            facts.default_namespace = new.default_namespace;
            facts.warning = new.warning;
        }
        Fact::Version(version) => facts.kubernetes_version = Some(version),
        Fact::Identity(user) => facts.identity = Some(user),
        Fact::Rights(rights) => facts.rights = *rights,
        Fact::KarpenterApi(api) => facts.karpenter_api = api,
        Fact::CrdVersion(version) => facts.karpenter_crd_version = version,
        Fact::AutoMode(auto_mode) => facts.auto_mode = auto_mode,
        Fact::Namespaces(namespaces) => facts.namespaces = namespaces,
    }
}
