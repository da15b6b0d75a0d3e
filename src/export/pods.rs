//! `pods[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::cost::{PodRates, Usd};
use super::gpus::{self, PodGpu};
use super::value::{Devices, Id, Stamp, Text, maybe_text, text};
use super::words::{PodPhase, ProtectionState};
use crate::app::App;
use crate::fleet::{self, Kind, PodRow};
use crate::insight::disruption::{NodeAnnotation, Outlook, protection};
use crate::insight::picture::Evaluator;
use crate::insight::{Completeness, Sentence, gpu, relation};

/// A pod, with the Node it runs on and its protection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// `metadata.namespace`.
    pub namespace: Text,
    /// `metadata.name`.
    pub name: Text,
    /// `metadata.uid`.
    pub uid: Id,
    /// The Node it is bound to.
    pub node: Option<Text>,
    /// `status.phase`.
    pub phase: PodPhase,
    /// What somebody wrote and the pod came from: the Deployment behind its ReplicaSet, the CronJob behind its Job.
    pub owner: Option<Owner>,
    /// The Job that controls it.
    pub job: Option<Text>,
    /// When it was created.
    pub created_at: Stamp,
    /// When the kubelet took it, before images were pulled.
    pub started_at: Option<Stamp>,
    /// CPU it requests, in thousandths of a core, as the scheduler counts.
    pub cpu_requested_millis: i64,
    /// Memory it requests.
    pub memory_requested_bytes: i64,
    /// Accelerators it requests or claims, to a thousandth.
    pub gpu_requested: Devices,
    /// What these do; null where it requests none.
    pub gpu: Option<PodGpu>,
    /// Restarts of its containers.
    pub restarts: u32,
    /// Since when it is being deleted.
    pub deleting_since: Option<Stamp>,
    /// Whether its Node is protected by the Node's own annotation.
    pub node_protected: Option<bool>,
    /// What its own annotation amounts to.
    pub protection: Protection,
    /// What it pays of its Node: zero where it is on none or has finished, null where the Node's price is not known.
    pub usd_per_hour: Option<Usd>,
}

/// The owner of a pod.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Kind of the owner.
    pub kind: Text,
    /// `metadata.name`.
    pub name: Text,
}

/// What a pod's own `karpenter.sh/do-not-disrupt` amounts to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Protection {
    /// State of the protection.
    pub state: ProtectionState,
    /// Value of the annotation `karpenter.sh/do-not-disrupt`, verbatim.
    pub value: Option<Text>,
    /// When a duration ends or has ended; null also before it has begun to count.
    pub until: Option<Stamp>,
    /// Whether it holds until its end; null where there is none, or where its Node is not known.
    pub holds: Option<bool>,
    /// Why not, and what it does not protect from.
    pub gaps: Vec<String>,
}

pub(super) fn of(
    app: &App,
    known: &Completeness<'_>,
    evaluator: &Evaluator<'_>,
    rates: &PodRates<'_>,
    row: &PodRow,
) -> Pod {
    Pod {
        namespace: text(&row.meta.key.namespace),
        name: text(&row.meta.key.name),
        uid: Id(row.meta.uid.clone()),
        node: maybe_text(row.node.as_ref()),
        phase: row.phase.into(),
        owner: relation::top_owner(&app.fleet, row).map(owner),
        job: maybe_text(relation::job_name(row)),
        created_at: Stamp(row.meta.created),
        started_at: row.started.map(Stamp),
        cpu_requested_millis: row.requests.cpu_millis,
        memory_requested_bytes: row.requests.memory_bytes,
        gpu_requested: Devices(gpu::requested_by(&app.fleet, row)),
        gpu: gpus::of_pod(app, row),
        restarts: row.restarts,
        deleting_since: row.meta.deleting_since().map(Stamp),
        node_protected: node_protected(app, known, row),
        protection: protection(evaluator, row),
        usd_per_hour: rates.of_pod(row),
    }
}

fn owner(owner: &fleet::Owner) -> Owner {
    Owner { kind: text(&owner.kind), name: text(&owner.name) }
}

fn node_protected(app: &App, known: &Completeness<'_>, row: &PodRow) -> Option<bool> {
    let Some(name) = &row.node else { return Some(false) };
    match app.fleet.node(name) {
        Some(node) => Some(protection::of_node(node) == NodeAnnotation::Protects),
        None => known.only(&[Kind::Node], false),
    }
}

fn protection(evaluator: &Evaluator<'_>, row: &PodRow) -> Protection {
    let Outlook { protection: found, holds, gaps, .. } = evaluator.pod(row);
    Protection {
        state: found.state.into(),
        value: found.value.map(Text),
        until: found.until.map(Stamp),
        holds,
        gaps: gaps.iter().map(Sentence::machine_text).collect(),
    }
}
