//! `metadata`.

use schemars::JsonSchema;
use serde::Serialize;

use super::SnapshotInput;
use super::value::{Stamp, printed};
use super::words::{Api, Provenance};

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
    /// Which Karpenter runs there.
    pub karpenter: Karpenter,
    /// What the lists are narrowed to.
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

pub(super) fn of(input: &SnapshotInput<'_>) -> Metadata {
    Metadata {
        generated_at: Stamp(input.now),
        batchtop_version: input.version.to_owned(),
        context: input.cluster.context.clone(),
        server: input.cluster.server.clone(),
        identity: input.cluster.identity.clone(),
        kubernetes_version: input.cluster.kubernetes_version.clone(),
        karpenter: karpenter(input),
        scope: narrowing(input),
        readonly: input.readonly,
        demo: input.demo,
    }
}

fn karpenter(input: &SnapshotInput<'_>) -> Karpenter {
    Karpenter {
        version: input.karpenter.version.clone(),
        how: input.karpenter.how.into(),
        api: Api::of(input.karpenter.api),
        auto_mode: input.karpenter.auto_mode,
    }
}

fn narrowing(input: &SnapshotInput<'_>) -> Narrowing {
    Narrowing {
        namespaces: input.scope.namespaces.as_ref().map(|names| names.iter().cloned().collect()),
        selector: printed(input.scope.selector.as_ref()),
        node_selector: printed(input.scope.node_selector.as_ref()),
    }
}
