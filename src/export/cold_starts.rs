//! `coldStarts[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::cost::Usd;
use super::object::Object;
use super::value::{Id, Seconds, Stamp, Text, maybe_text, text};
use super::words::{CauseReason, LaunchFailureReason, PhaseName, PhaseSource};
use crate::app::App;
use crate::fleet::PodRow;
use crate::insight::cold_start;

/// The start of a pod: where the time went between its creation, or that of its Job, and ready.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColdStart {
    /// `metadata.namespace` of the pod.
    pub namespace: Text,
    /// `metadata.name` of the pod.
    pub pod: Text,
    /// `metadata.uid` of the pod.
    pub uid: Id,
    /// The Job that controls it.
    pub job: Option<Text>,
    /// Its Node; before it is bound, the one that is meant for it.
    pub node: Option<Text>,
    /// The NodeClaim behind that.
    pub node_claim: Option<Text>,
    /// The NodePool of both.
    pub node_pool: Option<Text>,
    /// Their instance type.
    pub instance_type: Option<Text>,
    /// Their zone.
    pub zone: Option<Text>,
    /// The image of each container, those of init containers first.
    pub images: Vec<Image>,
    /// The steps that were observed; the open one last.
    pub phases: Vec<Phase>,
    /// All steps together, until now where one goes on.
    pub total_seconds: i64,
    /// What the pod's part of its Node has cost before it was ready; null where that is not known.
    pub usd_waiting: Option<Usd>,
    /// Whether every step was observed, and the first start is known.
    pub complete: bool,
    /// Whether containers have been started again; the steps are those of the first start.
    pub restarted: bool,
    /// The step that goes on.
    pub open_phase: Option<PhaseName>,
    /// What it waits for.
    pub cause: Option<Cause>,
    /// How long it still takes until its images are there, as the same took before on the same instance type, as a rule in the
    /// same zone; null where that cannot be told.
    pub eta_seconds: Option<i64>,
    /// NodeClaims for the pod that did not become machines, the oldest first.
    pub launch_failures: Vec<LaunchFailure>,
}

/// The image of one container.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// The image, as the spec names it.
    pub name: Text,
    /// Name of the container.
    pub container: Text,
    /// Whether that is an init container.
    pub init: bool,
    /// How long the pull took; null where there was none or nobody told.
    pub pull_seconds: Option<Seconds>,
    /// How long it waited for other pulls before.
    pub wait_seconds: Option<Seconds>,
    /// Size as the runtime keeps it, as a rule compressed.
    pub bytes: Option<u64>,
    /// Whether it was on the Node already; null where nobody told.
    pub cached: Option<bool>,
    /// Whether it seems to have been there where nobody told: its container ran within 2 s of the sandbox.
    pub seems_cached: bool,
    /// Pulls that failed.
    pub failures: u32,
    /// Why the last of them failed.
    pub error: Option<Text>,
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    /// The step.
    pub name: PhaseName,
    /// When it began.
    pub start: Stamp,
    /// When it ended; null while it goes on.
    pub end: Option<Stamp>,
    /// The time it took: less than from start to end where other steps lie between. The sum over all is `totalSeconds`.
    pub seconds: i64,
    /// What tells of its end.
    pub source: PhaseSource,
}

/// What a start waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The kind of it.
    pub reason: CauseReason,
    /// The words of who knows.
    pub message: Text,
    /// The object that is waited for.
    pub object: Object,
    /// Since when.
    pub since: Option<Stamp>,
}

/// A NodeClaim that did not become a machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LaunchFailure {
    /// When that was known.
    pub at: Stamp,
    /// The NodeClaim.
    pub node_claim: Text,
    /// Why.
    pub reason: LaunchFailureReason,
    /// The words of the cloud; empty where there are none.
    pub message: Text,
}

/// Of the pods that are wanted, by namespace and name.
pub(super) fn of(app: &App, is_wanted: impl Fn(&PodRow) -> bool) -> Vec<ColdStart> {
    let is_listed = |start: &&cold_start::ColdStart| {
        app.fleet.pods.get(&start.pod).is_some_and(|pod| app.scope.has_pod(pod) && is_wanted(pod))
    };
    let starts = cold_start::newest(app.insights.starts.all().filter(is_listed));
    starts.into_iter().map(|start| start_of(app, start)).collect()
}

fn start_of(app: &App, start: &cold_start::ColdStart) -> ColdStart {
    ColdStart {
        namespace: text(&start.pod.namespace),
        pod: text(&start.pod.name),
        uid: Id(start.uid.clone()),
        job: maybe_text(start.job.as_ref()),
        node: maybe_text(start.node.as_ref()),
        node_claim: maybe_text(start.claim.as_ref()),
        node_pool: maybe_text(start.pool.as_ref()),
        instance_type: maybe_text(start.instance_type.as_ref()),
        zone: maybe_text(start.zone.as_ref()),
        images: start.images.iter().map(image).collect(),
        phases: start.phases.iter().map(|step| phase(app, step)).collect(),
        total_seconds: start.total_seconds(app.now),
        usd_waiting: app.insights.picture.start_cost(&app.fleet, start, app.now).map(Usd),
        complete: start.is_complete,
        restarted: start.is_restarted,
        open_phase: start.open_phase().map(|open| open.name.into()),
        cause: start.cause.as_ref().map(cause),
        eta_seconds: app.insights.starts.eta_seconds(start, app.now),
        launch_failures: start.launch_failures.iter().map(launch_failure).collect(),
    }
}

fn image(image: &cold_start::ImageStart) -> Image {
    Image {
        name: text(&image.image),
        container: text(&image.container),
        init: image.is_init,
        pull_seconds: image.pull_millis.map(Seconds),
        wait_seconds: image.wait_millis.map(Seconds),
        bytes: image.bytes,
        cached: image.is_cached,
        seems_cached: image.seems_cached,
        failures: image.failures,
        error: maybe_text(image.error.as_ref()),
    }
}

fn phase(app: &App, phase: &cold_start::Phase) -> Phase {
    Phase {
        name: phase.name.into(),
        start: Stamp(phase.start()),
        end: phase.end().map(Stamp),
        seconds: phase.seconds(app.now),
        source: phase.source.into(),
    }
}

fn cause(cause: &cold_start::Cause) -> Cause {
    Cause {
        reason: cause.reason.into(),
        message: text(&cause.message),
        object: Object::of(&cause.object),
        since: cause.since.map(Stamp),
    }
}

fn launch_failure(failure: &cold_start::LaunchFailure) -> LaunchFailure {
    LaunchFailure {
        at: Stamp(failure.at),
        node_claim: text(&failure.claim),
        reason: failure.reason.into(),
        message: text(&failure.message),
    }
}
