//! The STATUS, READY and RESTARTS columns of `kubectl get pods`, by kubectl's rules
//! (kubernetes pkg/printers/internalversion/printers.go, `printPod`).

use serde::Deserialize;

use super::amounts::ResourceList;
use super::condition::SlimCondition;
use super::meta::SlimTime;
use super::pod_spec::{Container, PodSpec, Requirements};
use super::text::{Text, or_default};
use crate::units::Time;

/// `status` of a pod.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus<'a> {
    #[serde(borrow)]
    pub(super) phase: Text<'a>,
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow)]
    pub(super) start_time: SlimTime<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) conditions: Vec<SlimCondition<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) container_statuses: Vec<ContainerStatus<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) init_container_statuses: Vec<ContainerStatus<'a>>,
    #[serde(borrow)]
    pub(super) extended_resource_claim_status: Option<ExtendedResourceClaim<'a>>,
}

/// The ResourceClaim that serves what containers request as extended resources (KEP-5004).
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExtendedResourceClaim<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) request_mappings: Vec<RequestMapping<'a>>,
}

/// One request that it serves.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RequestMapping<'a> {
    #[serde(borrow)]
    pub(super) resource_name: Text<'a>,
}

/// The status of one container.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerStatus<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    ready: bool,
    #[serde(deserialize_with = "or_default")]
    started: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) restart_count: u32,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) state: State<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) last_state: State<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) allocated_resources: ResourceList<'a>,
    #[serde(borrow)]
    pub(super) resources: Option<Requirements<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct State<'a> {
    #[serde(borrow)]
    pub(super) waiting: Option<Waiting<'a>>,
    #[serde(borrow)]
    pub(super) running: Option<Running<'a>>,
    #[serde(borrow)]
    pub(super) terminated: Option<Terminated<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Running<'a> {
    #[serde(borrow)]
    pub(super) started_at: SlimTime<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Waiting<'a> {
    #[serde(borrow)]
    pub(super) reason: Text<'a>,
    #[serde(borrow)]
    pub(super) message: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Terminated<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
    pub(super) exit_code: i64,
    #[serde(borrow)]
    pub(super) started_at: SlimTime<'a>,
    #[serde(borrow)]
    pub(super) finished_at: SlimTime<'a>,
    #[serde(deserialize_with = "or_default")]
    signal: i64,
}

impl Terminated<'_> {
    /// Its reason, else the signal, else the exit code.
    fn words(&self) -> String {
        match self.reason.some() {
            Some(reason) => reason.to_owned(),
            None if self.signal != 0 => format!("Signal:{}", self.signal),
            None => format!("ExitCode:{}", self.exit_code),
        }
    }
}

/// The columns READY, STATUS and RESTARTS of `kubectl get pods`.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Columns {
    /// What kubectl shows as STATUS: the phase, or the reason that says more.
    pub(super) status: String,
    /// What kubectl shows as RESTARTS: the sum over the containers.
    pub(super) restarts: u32,
    /// The first number of READY.
    pub(super) ready: u16,
    /// The second number of READY.
    pub(super) total: u16,
}

/// How far the init containers are.
#[derive(Default)]
struct Init {
    /// What the first one that holds the pod up says; `None` when all are through.
    held_up: Option<String>,
    restarts: u32,
    sidecar_restarts: u32,
    sidecars_ready: u16,
}

/// How the main containers are.
#[derive(Default)]
struct Main {
    status: Option<String>,
    restarts: u32,
    ready: u16,
    any_running: bool,
}

/// Computes the columns, of a pod that may have been deleted.
pub(super) fn columns(spec: &PodSpec<'_>, status: &PodStatus<'_>, deletion: Option<Time>) -> Columns {
    let init = init_progress(spec, status);
    let sidecars = spec.init_containers.iter().filter(|container| container.is_sidecar()).count();
    let mut columns = Columns {
        status: base_status(status),
        restarts: init.restarts,
        ready: init.sidecars_ready,
        total: u16::try_from(spec.containers.len() + sidecars).unwrap_or(u16::MAX),
    };
    let initialized = init.held_up.is_none() || has_true(status, "Initialized");
    if let Some(held_up) = init.held_up {
        columns.status = held_up;
    }
    if initialized {
        let main = main_progress(status);
        columns.restarts = init.sidecar_restarts.saturating_add(main.restarts);
        columns.ready = columns.ready.saturating_add(main.ready);
        columns.status = main_status(main, columns.status, status);
    }
    if deletion.is_some() {
        columns.status = deleted_status(status, columns.status);
    }
    columns
}

/// The phase, or the reason of the whole pod, or that scheduling is gated.
fn base_status(status: &PodStatus<'_>) -> String {
    let gated = status
        .conditions
        .iter()
        .any(|condition| &*condition.kind == "PodScheduled" && &*condition.reason == "SchedulingGated");
    if gated {
        return "SchedulingGated".to_owned();
    }
    status.reason.some().unwrap_or(&status.phase).to_owned()
}

fn init_progress(spec: &PodSpec<'_>, status: &PodStatus<'_>) -> Init {
    let mut init = Init::default();
    for (at, container) in status.init_container_statuses.iter().enumerate() {
        let is_sidecar = find(&spec.init_containers, &container.name).is_some_and(Container::is_sidecar);
        init.restarts = init.restarts.saturating_add(container.restart_count);
        if is_sidecar {
            init.sidecar_restarts = init.sidecar_restarts.saturating_add(container.restart_count);
        }
        if container.state.terminated.as_ref().is_some_and(|end| end.exit_code == 0) {
            continue;
        }
        if is_sidecar && container.started {
            init.sidecars_ready += u16::from(container.ready);
            continue;
        }
        init.held_up = Some(init_status(container, at, spec.init_containers.len()));
        break;
    }
    init
}

fn find<'s, 'a>(containers: &'s [Container<'a>], name: &str) -> Option<&'s Container<'a>> {
    containers.iter().find(|container| &*container.name == name)
}

fn init_status(container: &ContainerStatus<'_>, at: usize, of: usize) -> String {
    if let Some(end) = &container.state.terminated {
        return format!("Init:{}", end.words());
    }
    match container.state.waiting.as_ref().and_then(|waiting| waiting.reason.some()) {
        Some(reason) if reason != "PodInitializing" => format!("Init:{reason}"),
        _ => format!("Init:{at}/{of}"),
    }
}

/// From the last container to the first, so that the first one that has something to say has the last word.
fn main_progress(status: &PodStatus<'_>) -> Main {
    let mut main = Main::default();
    for container in status.container_statuses.iter().rev() {
        main.restarts = main.restarts.saturating_add(container.restart_count);
        let state = &container.state;
        if let Some(reason) = state.waiting.as_ref().and_then(|waiting| waiting.reason.some()) {
            main.status = Some(reason.to_owned());
        } else if let Some(end) = &state.terminated {
            main.status = Some(end.words());
        } else if container.ready && state.running.is_some() {
            main.any_running = true;
            main.ready = main.ready.saturating_add(1);
        }
    }
    main
}

/// A pod of which one container has completed while another runs is running.
fn main_status(main: Main, before: String, status: &PodStatus<'_>) -> String {
    let words = main.status.unwrap_or(before);
    if words != "Completed" || !main.any_running {
        return words;
    }
    if has_true(status, "Ready") { "Running".to_owned() } else { "NotReady".to_owned() }
}

fn deleted_status(status: &PodStatus<'_>, before: String) -> String {
    if &*status.reason == "NodeLost" {
        return "Unknown".to_owned();
    }
    if matches!(&*status.phase, "Succeeded" | "Failed") { before } else { "Terminating".to_owned() }
}

fn has_true(status: &PodStatus<'_>, kind: &str) -> bool {
    status.conditions.iter().any(|condition| condition.is_true(kind))
}
