//! `jobs[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::cost::{PodRates, Usd};
use super::gpus::{self, JobGpu};
use super::value::{Devices, Id, Stamp, Text, text};
use super::words::JobStatus;
use crate::app::{App, job_state};
use crate::fleet::{JobRow, Kind};
use crate::insight::gpu::Thousandths;
use crate::insight::{Completeness, picture};

/// A Job, with where it stands and what its pods pay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// `metadata.namespace`.
    pub namespace: Text,
    /// `metadata.name`.
    pub name: Text,
    /// `metadata.uid`.
    pub uid: Id,
    /// Where it stands.
    pub status: JobStatus,
    /// The reason of the condition that decided it; of a Job that Kueue holds, of the condition of its Workload.
    pub reason: Option<Text>,
    /// Kueue's own sentence about a Job that it holds; null otherwise.
    pub message: Option<Text>,
    /// Pods that must succeed; null for a work queue.
    pub completions: Option<i64>,
    /// Pods that may run at once.
    pub parallelism: i64,
    /// Pods that run or are to run.
    pub active: i64,
    /// Pods that are ready.
    pub ready: i64,
    /// Pods that succeeded.
    pub succeeded: i64,
    /// Pods that failed.
    pub failed: i64,
    /// Failures after which it gives up.
    pub backoff_limit: i64,
    /// When it was started or last resumed.
    pub started_at: Option<Stamp>,
    /// When it was complete or failed.
    pub finished_at: Option<Stamp>,
    /// Accelerators that its unfinished pods request or claim, to a thousandth.
    pub gpu_requested: Option<Devices>,
    /// What those do that its pods hold; null where they request none.
    pub gpu: Option<JobGpu>,
    /// Its active pods whose own annotation protects them now.
    pub pods_protected: Option<u64>,
    /// What its pods pay of their Nodes; null where the price of one of them is not known.
    pub usd_per_hour: Option<Usd>,
}

pub(super) fn of(app: &App, known: &Completeness<'_>, rates: &PodRates<'_>, row: &JobRow) -> Job {
    let state = job_state(row, app);
    let gpu_requested =
        app.insights.picture.job(row).map_or_else(Thousandths::default, |picture| picture.gpu_requested);
    let protected = picture::protected_pods_of(&app.fleet, row, app.now, &app.insights.karpenter);
    let knows_pods = known.in_namespace(Kind::Pod, &row.meta.key.namespace);
    Job {
        namespace: text(&row.meta.key.namespace),
        name: text(&row.meta.key.name),
        uid: Id(row.meta.uid.clone()),
        status: state.status.into(),
        reason: state.reason.map(Text),
        message: state.message.map(Text),
        completions: row.completions,
        parallelism: row.parallelism,
        active: row.active,
        ready: row.ready,
        succeeded: row.succeeded,
        failed: row.failed,
        backoff_limit: row.backoff_limit,
        started_at: row.started.map(Stamp),
        finished_at: state.finished.map(Stamp),
        gpu_requested: knows_pods.then_some(Devices(gpu_requested)),
        gpu: gpus::of_job(app, known, row),
        usd_per_hour: rates.of_job(app, &row.meta.uid),
        pods_protected: knows_pods.then(|| u64::try_from(protected).unwrap_or(u64::MAX)),
    }
}
