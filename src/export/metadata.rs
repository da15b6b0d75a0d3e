//! `metadata`.

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{Stamp, printed};
use super::words::{Api, Provenance};
use crate::app::App;

/// Of what, when, and how the snapshot was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// When it was made.
    pub generated_at: Stamp,
    /// Version of the batchtop that made it.
    pub batchtop_version: String,
    /// The kubeconfig context; empty inside a cluster.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// The user, as the API server names it.
    pub identity: Option<String>,
    /// Version of the API server.
    pub kubernetes_version: Option<String>,
    /// Version and API of Karpenter.
    pub karpenter: Karpenter,
    /// The namespaces and labels to which the lists are narrowed.
    pub scope: Narrowing,
    /// Whether writing is switched off.
    pub readonly: bool,
    /// Whether the cluster is simulated.
    pub demo: bool,
}

/// Which Karpenter runs in the cluster.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Karpenter {
    /// Its version; a lower bound where `how` is `CrdSchema`.
    pub version: Option<String>,
    /// How that came to be known; what is `Assumed` follows the newest version.
    pub how: Provenance,
    /// The API that the cluster serves.
    pub api: Option<Api>,
    /// Whether it is EKS Auto Mode.
    pub auto_mode: bool,
}

/// What the lists are narrowed to; null where nothing is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Narrowing {
    /// Namespaces of Jobs, pods and Events.
    pub namespaces: Option<Vec<String>>,
    /// Labels of Jobs and pods.
    pub selector: Option<String>,
    /// Labels of Nodes.
    pub node_selector: Option<String>,
}

pub(super) fn of(app: &App) -> Metadata {
    Metadata {
        generated_at: Stamp(app.now),
        batchtop_version: app.settings.version.clone(),
        context: app.cluster.context.clone(),
        server: app.cluster.server.clone(),
        identity: app.cluster.identity.clone(),
        kubernetes_version: app.cluster.kubernetes_version.clone(),
        karpenter: karpenter(app),
        scope: narrowing(app),
        readonly: app.settings.readonly,
        demo: app.settings.demo,
    }
}

fn karpenter(app: &App) -> Karpenter {
    Karpenter {
        version: app.insights.karpenter.version.clone(),
        how: app.insights.karpenter.how.into(),
        api: Api::of(app.insights.karpenter.api),
        auto_mode: app.insights.karpenter.auto_mode,
    }
}

fn narrowing(app: &App) -> Narrowing {
    Narrowing {
        namespaces: app.scope.namespaces.as_ref().map(|names| names.iter().cloned().collect()),
        selector: printed(app.scope.selector.as_ref()),
        node_selector: printed(app.scope.node_selector.as_ref()),
    }
}
