//! The containers of one pod and their states: read when its log is opened, and when the log ends.

use serde::Deserialize;

use super::access::PooledClient;
use super::decode::bounded;
use super::failure::Failure;
use super::fetch::FetchError;
use super::{Timing, api, resource};
use crate::fleet::{ContainerRole, ContainerState, Kind, ObjectKey, PodContainer};
use crate::units::Time;

/// The containers of a pod, as far as the log needs to know.
#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    deletion_timestamp: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    restart_policy: Option<String>,
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    ephemeral_containers: Option<Vec<Container>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    restart_policy: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: Option<String>,
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    restart_count: u32,
    state: Option<State>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct State {
    waiting: Option<Waiting>,
    running: Option<Running>,
    terminated: Option<Terminated>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Waiting {
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Running {
    started_at: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Terminated {
    reason: Option<String>,
    exit_code: i64,
}

/// Reads the containers of a pod.
///
/// # Errors
/// When the pod cannot be read; the sentence says why.
pub async fn containers(
    client: &PooledClient,
    pod: &ObjectKey,
    timing: &Timing,
) -> Result<Vec<PodContainer>, FetchError> {
    Ok(fetch(client, pod, timing).await?)
}

pub(super) async fn fetch(
    client: &PooledClient,
    pod: &ObjectKey,
    timing: &Timing,
) -> Result<Vec<PodContainer>, Failure> {
    let path = resource::object_path(Kind::Pod, Kind::Pod.spec().best_version(), &pod.namespace, &pod.name);
    let mut body = client.body();
    api::fetch(client, api::get(&path, "application/json")?, timing, &mut body).await?;
    decode(&body)
}

/// The containers that the JSON of a pod tells of: main ones, sidecars, init and ephemeral ones.
///
/// # Errors
/// When it is no pod.
pub fn read_containers(json: &[u8]) -> Result<Vec<PodContainer>, FetchError> {
    Ok(decode(json)?)
}

fn decode(json: &[u8]) -> Result<Vec<PodContainer>, Failure> {
    let pod: Pod = serde_json::from_slice(json).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let of = |specs: &Option<Vec<Container>>, role: fn(&Container) -> Option<ContainerRole>| {
        let known = |container: &Container| pod_container(&pod, container, role(container));
        specs.iter().flatten().map(known).collect::<Vec<_>>()
    };
    let mut containers = of(&pod.spec.containers, |_| Some(ContainerRole::Main));
    let mut early = of(&pod.spec.init_containers, |container| Some(role_of_init(container)));
    early.sort_by_key(|container| container.role == Some(ContainerRole::Init));
    containers.extend(early);
    containers.extend(of(&pod.spec.ephemeral_containers, |_| None));
    Ok(containers)
}

fn role_of_init(container: &Container) -> ContainerRole {
    match container.restart_policy.as_deref() {
        Some("Always") => ContainerRole::Sidecar,
        _ => ContainerRole::Init,
    }
}

fn pod_container(pod: &Pod, container: &Container, role: Option<ContainerRole>) -> PodContainer {
    let statuses = match role {
        Some(ContainerRole::Main) => &pod.status.container_statuses,
        Some(ContainerRole::Init | ContainerRole::Sidecar) => &pod.status.init_container_statuses,
        None => &pod.status.ephemeral_container_statuses,
    };
    let status = statuses.iter().flatten().find(|status| status.name == container.name);
    let state =
        status.and_then(|status| status.state.as_ref()).map_or(ContainerState::Unknown, |it| state(pod, role, it));
    PodContainer {
        name: bounded(&container.name).into_owned(),
        role,
        state,
        restarts: status.map_or(0, |status| status.restart_count),
    }
}

fn state(pod: &Pod, role: Option<ContainerRole>, state: &State) -> ContainerState {
    if let Some(running) = &state.running {
        return ContainerState::Running(running.started_at.as_deref().and_then(Time::parse));
    }
    if let Some(ended) = &state.terminated {
        let reason = ended.reason.as_deref().filter(|reason| !reason.is_empty()).unwrap_or("ended");
        let words =
            if ended.exit_code == 0 { reason.to_owned() } else { format!("{reason}, exit code {}", ended.exit_code) };
        return ContainerState::Ended {
            words: bounded(&words).into_owned(),
            restarts: is_restarted(pod, role, ended.exit_code),
        };
    }
    match &state.waiting {
        Some(waiting) => ContainerState::Waiting(bounded(&words(waiting)).into_owned()),
        None => ContainerState::Unknown,
    }
}

fn words(waiting: &Waiting) -> String {
    let reason = waiting.reason.as_deref().unwrap_or_default();
    match waiting.message.as_deref().unwrap_or_default() {
        "" if reason.is_empty() => "no reason is told".to_owned(),
        "" => reason.to_owned(),
        message => format!("{reason}: {message}"),
    }
}

/// Whether the kubelet starts a container again that has ended so (kubernetes pkg/kubelet/container/helpers.go,
/// `ShouldContainerBeRestarted`).
fn is_restarted(pod: &Pod, role: Option<ContainerRole>, exit_code: i64) -> bool {
    let is_over = matches!(pod.status.phase.as_deref(), Some("Succeeded" | "Failed"));
    if is_over || pod.metadata.deletion_timestamp.is_some() {
        return false;
    }
    let policy = pod.spec.restart_policy.as_deref().unwrap_or("Always");
    match role {
        None => false,
        Some(ContainerRole::Sidecar) => true,
        Some(ContainerRole::Init) => exit_code != 0 && policy != "Never",
        Some(ContainerRole::Main) => policy == "Always" || (policy == "OnFailure" && exit_code != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(words: &str, restarts: bool) -> ContainerState {
        ContainerState::Ended { words: words.to_owned(), restarts }
    }

    #[test]
    fn every_container_of_a_pod_is_told_with_its_part_and_its_state() {
        let json = br#"{"metadata":{"name":"p"},"spec":{"restartPolicy":"OnFailure","containers":[{"name":"main"},{"name":"new"}],
            "initContainers":[{"name":"fetch"},{"name":"proxy","restartPolicy":"Always"}],
            "ephemeralContainers":[{"name":"debugger"}]},
            "status":{"phase":"Running","containerStatuses":[
              {"name":"main","restartCount":3,"state":{"terminated":{"reason":"OOMKilled","exitCode":137}}}],
            "initContainerStatuses":[{"name":"fetch","state":{"terminated":{"reason":"Completed","exitCode":0}}},
              {"name":"proxy","state":{"running":{"startedAt":"2026-11-21T12:00:00Z"}}}],
            "ephemeralContainerStatuses":[{"name":"debugger","state":{"waiting":{"reason":"ErrImagePull","message":"no such image"}}}]}}"#;
        let told = read_containers(json).unwrap();
        let told: Vec<_> = told.iter().map(|it| (it.name.as_str(), it.role, it.state.clone(), it.restarts)).collect();
        let since = Time::parse("2026-11-21T12:00:00Z");
        assert_eq!(
            told,
            [
                ("main", Some(ContainerRole::Main), ended("OOMKilled, exit code 137", true), 3),
                ("new", Some(ContainerRole::Main), ContainerState::Unknown, 0),
                ("proxy", Some(ContainerRole::Sidecar), ContainerState::Running(since), 0),
                ("fetch", Some(ContainerRole::Init), ended("Completed", false), 0),
                ("debugger", None, ContainerState::Waiting("ErrImagePull: no such image".to_owned()), 0),
            ]
        );
        assert!(read_containers(b"[]").is_err() && read_containers(b"").is_err());
    }

    #[test]
    fn a_container_is_restarted_as_its_policy_has_it() {
        let main = Some(ContainerRole::Main);
        for (policy, phase, exit_code, expected) in [
            ("Always", "Running", 0, true),
            ("OnFailure", "Running", 0, false),
            ("OnFailure", "Running", 1, true),
            ("Never", "Running", 1, false),
            ("Always", "Failed", 1, false),
        ] {
            let json = format!(
                r#"{{"metadata":{{}},"spec":{{"restartPolicy":"{policy}","containers":[{{"name":"c"}}]}},"status":{{"phase":"{phase}",
                "containerStatuses":[{{"name":"c","state":{{"terminated":{{"exitCode":{exit_code}}}}}}}]}}}}"#
            );
            let told = read_containers(json.as_bytes()).unwrap();
            assert_eq!(told[0].role, main);
            assert!(matches!(told[0].state, ContainerState::Ended { restarts, .. } if restarts == expected), "{json}");
        }
    }
}
