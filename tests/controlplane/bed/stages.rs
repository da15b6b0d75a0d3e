//! What the simulated nodes and pods do: KWOK's Stages, written as a file at bed start.
//!
//! With a configuration file given, KWOK has no stage of its own, so node stages stand
//! here too. Of several stages that match, KWOK draws one at random: the conditions
//! below exclude each other. A stage fires again while it matches, so what it does makes
//! its condition false. Texts in `{{ }}` are Go templates over the object.

use serde_json::{Value, json};

use super::manifests::annotation::{
    COMPLETE, FAIL, HOLD, HOLD_TERMINATING, IMAGE_PRESENT, NOT_READY, PULL, PULL_ERROR, PULL_TOTAL, RUN_FOR, SANDBOX,
};

/// Selects the status of the Ready condition.
const READY: &str = r#".status.conditions.[] | select( .type == "Ready" ) | .status"#;

/// First lines of every template below.
const PREAMBLE: &str = r"
{{ $now := Now }}
{{ $labels := or .metadata.labels dict }}
{{ $annotations := or .metadata.annotations dict }}
";

/// Karpenter's provider fills allocatable from the instance type, but capacity only with
/// what the pods requested; a kubelet's capacity is never below its allocatable. What a
/// device plugin advertises has a slash in its name; a late one has not done so yet.
const NODE: &str = r#"
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
addresses:
- type: InternalIP
  address: {{ NodeIP | Quote }}
- type: Hostname
  address: {{ .metadata.name | Quote }}
{{ $late := hasKey $annotations "test.batchtop.io/late-devices" }}
{{ with .status.allocatable }}
capacity:
{{ range $resource, $quantity := omit . "cpu" "memory" }}
  {{ $resource | Quote }}: {{ if and $late (contains "/" $resource) }}null{{ else }}{{ $quantity | Quote }}{{ end }}
{{ end }}
  cpu: {{ or (get $labels "karpenter.kwok.sh/instance-cpu") .cpu | Quote }}
  memory: {{ or (get $labels "karpenter.kwok.sh/instance-memory") .memory | Quote }}
{{ if $late }}
allocatable:
{{ range $resource, $quantity := . }}
  {{ $resource | Quote }}: {{ if contains "/" $resource }}null{{ else }}{{ $quantity | Quote }}{{ end }}
{{ end }}
{{ end }}
{{ end }}
nodeInfo:
  architecture: {{ or (get $labels "kubernetes.io/arch") "amd64" | Quote }}
  bootID: ""
  containerRuntimeVersion: containerd://2.1.5
  kernelVersion: 6.12.58
  kubeProxyVersion: ""
  kubeletVersion: v1.36.3
  machineID: ""
  operatingSystem: linux
  osImage: Simulated by KWOK
  systemUUID: ""
phase: Running
"#;

const HEARTBEAT: &str = r"
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
{{ end }}
";

/// The beginning of a pod on its node.
const PLACED: &str = r"
startTime: {{ or .status.startTime $now | Quote }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
hostIPs:
- ip: {{ NodeIPWith .spec.nodeName | Quote }}
";

/// It has its sandbox, since when it first had it. The conditions of the templates below follow.
const SANDBOXED: &str = r#"
{{ $conditions := or .status.conditions list }}
conditions:
{{ range list "PodReadyToStartContainers" "Initialized" }}
{{ $type := . }}
{{ $since := $now }}
{{ range $conditions }}
{{ if and (eq .type $type) (eq .status "True") }}{{ $since = .lastTransitionTime }}{{ end }}
{{ end }}
- {type: {{ $type }}, status: "True", lastTransitionTime: {{ $since | Quote }}}
{{ end }}
"#;

/// Its containers wait. `$reason` and `$message` say why.
const WAITING: &str = r#"
{{ range list "Ready" "ContainersReady" }}
- {type: {{ . }}, status: "False", reason: ContainersNotReady, lastTransitionTime: {{ $now | Quote }}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  started: false
  restartCount: 0
  state: {waiting: {reason: {{ $reason }}, message: {{ $message | Quote }}}}
{{ end }}
phase: Pending
"#;

/// Its containers run; Ready unless an annotation forbids it.
const RUNNING: &str = r#"
{{ $ready := not (hasKey $annotations "test.batchtop.io/not-ready") }}
{{ range list "Ready" "ContainersReady" }}
- type: {{ . }}
  status: {{ ternary "True" "False" $ready | Quote }}
  reason: {{ ternary "null" "ContainersNotReady" $ready }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
{{ range .spec.readinessGates }}
- {type: {{ .conditionType | Quote }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
phase: Running
{{ $addresses := PodIPsWith .spec.nodeName (or .spec.hostNetwork false) .metadata.uid .metadata.name .metadata.namespace }}
podIP: {{ index $addresses 0 | Quote }}
podIPs:
{{ range $addresses }}
- ip: {{ . | Quote }}
{{ end }}
{{ with .spec.initContainers }}
initContainerStatuses:
{{ range . }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  {{ if eq (or .restartPolicy "") "Always" }}
  started: true
  state: {running: {startedAt: {{ $now | Quote }}}}
  {{ else }}
  state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}
  {{ end }}
{{ end }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ printf "%s@sha256:%s" .image (sha256sum .image) | Quote }}
  containerID: {{ printf "containerd://%s" (sha256sum (printf "%s/%s" $.metadata.uid .name)) | Quote }}
  ready: {{ $ready }}
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}, waiting: null}
{{ end }}
"#;

/// A running pod becomes `$ready`.
const READINESS: &str = r#"
conditions:
{{ range list "Ready" "ContainersReady" }}
- type: {{ . }}
  status: {{ ternary "True" "False" $ready | Quote }}
  reason: {{ ternary "null" "ContainersNotReady" $ready }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, ready: {{ $ready }}}
{{ end }}
"#;

/// A running pod ends with `$exit`.
const ENDED: &str = r#"
{{ $failed := ne $exit 0 }}
phase: {{ ternary "Failed" "Succeeded" $failed }}
conditions:
- {type: PodReadyToStartContainers, status: "False", lastTransitionTime: {{ $now | Quote }}}
{{ range list "Ready" "ContainersReady" }}
- type: {{ . }}
  status: "False"
  reason: {{ ternary "PodFailed" "PodCompleted" $failed }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range .status.containerStatuses }}
- name: {{ .name | Quote }}
  ready: false
  started: false
  state:
    running: null
    terminated:
      exitCode: {{ $exit }}
      reason: {{ if eq $exit 137 }}OOMKilled{{ else if $failed }}Error{{ else }}Completed{{ end }}
      startedAt: {{ (or .state.running dict).startedAt | default $now | Quote }}
      finishedAt: {{ $now | Quote }}
      containerID: {{ or .containerID "" | Quote }}
{{ end }}
"#;

/// An event as kubelet writes it. KWOK's own kind of event has no template, host or
/// field path, so this one is applied like any object. It tells of the first container;
/// its name holds the step, or a later one would overwrite it.
const EVENT: &str = r#"
{{ $container := index .spec.containers 0 }}
{{ $image := $container.image }}
apiVersion: v1
kind: Event
metadata:
  name: {{ printf "%s.%s" .metadata.name $step | Quote }}
  namespace: {{ .metadata.namespace | Quote }}
involvedObject:
  apiVersion: v1
  kind: Pod
  namespace: {{ .metadata.namespace | Quote }}
  name: {{ .metadata.name | Quote }}
  uid: {{ .metadata.uid | Quote }}
  fieldPath: {{ printf "spec.containers{%s}" $container.name | Quote }}
source:
  component: kubelet
  host: {{ .spec.nodeName | Quote }}
reportingComponent: kubelet
reportingInstance: {{ .spec.nodeName | Quote }}
firstTimestamp: {{ $now | Quote }}
lastTimestamp: {{ $now | Quote }}
count: 1
"#;

/// All stages, as a file for KWOK: JSON documents, which are YAML too.
pub fn file() -> String {
    let stages = nodes().into_iter().chain(pods()).chain(pulls());
    let documents: Vec<String> = stages.map(|stage| format!("{:#}\n", stage.build())).collect();
    documents.join("---\n")
}

fn nodes() -> Vec<Stage> {
    vec![
        Stage::of_node("node-initialize").when(READY, "NotIn", &["True"]).without(NOT_READY).report(&[NODE]),
        // Seldom, to write little: the Lease keeps the Node Ready.
        Stage::of_node("node-heartbeat").when(READY, "In", &["True"]).after_millis(600_000).report(&[HEARTBEAT]),
    ]
}

fn pods() -> Vec<Stage> {
    let starting = |name| Stage::of_pod(name, "Pending").unset(".status.podIP").after_millis(200);
    let running = |name| Stage::of_pod(name, "Running");
    let creating = "{{ $reason := `ContainerCreating` }}{{ $message := `` }}";
    let succeed = "{{ $exit := 0 }}";
    let fail = "{{ $exit := get $annotations `test.batchtop.io/fail` | atoi }}";
    vec![
        starting("pod-run")
            .without(HOLD)
            .without(PULL)
            .without(PULL_ERROR)
            .without(IMAGE_PRESENT)
            .report(&[PLACED, SANDBOXED, RUNNING]),
        starting("pod-hold").unset(".status.startTime").with(HOLD).report(&[creating, PLACED, SANDBOXED, WAITING]),
        running("pod-becomes-ready")
            .when(READY, "NotIn", &["True"])
            .without(NOT_READY)
            .without(COMPLETE)
            .without(FAIL)
            .report(&["{{ $ready := true }}", READINESS]),
        running("pod-becomes-unready")
            .when(READY, "In", &["True"])
            .with(NOT_READY)
            .without(COMPLETE)
            .without(FAIL)
            .report(&["{{ $ready := false }}", READINESS]),
        running("pod-complete").with(COMPLETE).report(&[succeed, ENDED]),
        running("pod-complete-after")
            .with(RUN_FOR)
            .without(COMPLETE)
            .without(FAIL)
            .after_annotation(&[RUN_FOR], 5_000)
            .report(&[succeed, ENDED]),
        running("pod-fail").with(FAIL).without(COMPLETE).report(&[fail, ENDED]),
        Stage::new("pod-delete", "Pod")
            .when(".metadata.deletionTimestamp", "Exists", &[])
            .unset(".metadata.finalizers")
            .without(HOLD_TERMINATING)
            .step(json!({"delete": true})),
    ]
}

/// Messages of kubelet 1.36 (pkg/kubelet/images, pkg/kubelet/kuberuntime).
fn pulls() -> Vec<Stage> {
    let starting = |name| {
        let stage = Stage::of_pod(name, "Pending").unset(".status.startTime").without(HOLD);
        stage.after_annotation(&[SANDBOX], 1_000)
    };
    let creating = "{{ $reason := `ContainerCreating` }}{{ $message := `` }}";
    let failed = "{{ $reason := `ErrImagePull` }}{{ $message := get $annotations `test.batchtop.io/pull-error` }}";
    let backing_off = "{{ $reason := `ImagePullBackOff` }}\
                       {{ $message := printf `Back-off pulling image \"%s\"` (index .spec.containers 0).image }}";
    let pulling = r#"printf `Pulling image "%s"` $image"#;
    let pulled = "printf `Successfully pulled image \"%s\" in %s (%s including waiting). Image size: %s bytes.` \
                  $image (get $annotations `test.batchtop.io/pull`) \
                  (or (get $annotations `test.batchtop.io/pull-total`) (get $annotations `test.batchtop.io/pull`)) \
                  (or (get $annotations `test.batchtop.io/pull-size`) `0`)";
    let present = r#"printf `Container image "%s" already present on machine` $image"#;
    let refused = r#"printf `Failed to pull image "%s": %s` $image (get $annotations `test.batchtop.io/pull-error`)"#;
    vec![
        starting("pull-begin")
            .with(PULL)
            .report(&[creating, PLACED, SANDBOXED, WAITING])
            .event("Normal", "Pulling", pulling),
        Stage::of_pod("pull-end", "Pending")
            .when(".status.startTime", "Exists", &[])
            .unset(".status.podIP")
            .with(PULL)
            .without(HOLD)
            .after_annotation(&[PULL_TOTAL, PULL], 5_000)
            .event("Normal", "Pulled", pulled)
            .event("Normal", "Created", "`Container created`")
            .event("Normal", "Started", "`Container started`")
            .report(&[PLACED, SANDBOXED, RUNNING]),
        starting("image-present")
            .with(IMAGE_PRESENT)
            .without(PULL)
            .event("Normal", "Pulled", present)
            .event("Normal", "Created", "`Container created`")
            .event("Normal", "Started", "`Container started`")
            .report(&[PLACED, SANDBOXED, RUNNING]),
        starting("pull-fail")
            .with(PULL_ERROR)
            .without(PULL)
            .event("Normal", "Pulling", pulling)
            .event("Warning", "Failed", refused)
            .report(&[failed, PLACED, SANDBOXED, WAITING]),
        Stage::of_pod("pull-back-off", "Pending")
            .with(PULL_ERROR)
            .when(".status.containerStatuses.[0].state.waiting.reason", "In", &["ErrImagePull"])
            .after_millis(10_000)
            .event("Normal", "BackOff", r#"printf `Back-off pulling image "%s"` $image"#)
            .report(&[backing_off, PLACED, SANDBOXED, WAITING]),
    ]
}

/// One Stage in the making.
struct Stage {
    name: &'static str,
    kind: &'static str,
    conditions: Vec<Value>,
    delay: Value,
    steps: Vec<Value>,
}

impl Stage {
    fn new(name: &'static str, kind: &'static str) -> Self {
        Self { name, kind, conditions: Vec::new(), delay: Value::Null, steps: Vec::new() }
    }

    fn of_node(name: &'static str) -> Self {
        Self::new(name, "Node").unset(".metadata.deletionTimestamp")
    }

    fn of_pod(name: &'static str, phase: &str) -> Self {
        let stage = Self::new(name, "Pod").unset(".metadata.deletionTimestamp");
        stage.when(".status.phase", "In", &[phase])
    }

    /// Only objects for which this jq expression gives (`In`) or does not give (`NotIn`)
    /// one of these values, or anything (`Exists`), or nothing (`DoesNotExist`).
    fn when(mut self, key: &str, operator: &str, values: &[&str]) -> Self {
        let mut condition = json!({"key": key, "operator": operator});
        if !values.is_empty() {
            condition["values"] = json!(values);
        }
        self.conditions.push(condition);
        self
    }

    fn unset(self, key: &str) -> Self {
        self.when(key, "DoesNotExist", &[])
    }

    /// Only objects with this annotation.
    fn with(self, annotation: &str) -> Self {
        self.when(&annotation_key(annotation), "Exists", &[])
    }

    /// Only objects without this annotation.
    fn without(self, annotation: &str) -> Self {
        self.unset(&annotation_key(annotation))
    }

    fn after_millis(mut self, delay: u32) -> Self {
        self.delay = json!({"durationMilliseconds": delay});
        self
    }

    /// Waits as long as the first of these annotations that exists says, else the default.
    fn after_annotation(mut self, annotations: &[&str], default_millis: u32) -> Self {
        let keys: Vec<String> = annotations.iter().map(|name| annotation_key(name)).collect();
        self.delay = json!({
            "durationMilliseconds": default_millis,
            "durationFrom": {"expressionFrom": keys.join(" // ")},
        });
        self
    }

    /// Patches the status with a template of these parts.
    fn report(self, parts: &[&str]) -> Self {
        let template = [PREAMBLE, &parts.concat()].concat();
        self.step(json!({"patch": {
            "subresource": "status", "root": "status", "type": "strategic", "template": template,
        }}))
    }

    /// Writes an event; its message is a template expression.
    fn event(self, kind: &str, reason: &str, message: &str) -> Self {
        let step = format!("{{{{ $step := `{}` }}}}", reason.to_lowercase());
        let end = format!("type: {kind}\nreason: {reason}\nmessage: {{{{ {message} | Quote }}}}\n");
        let template = [PREAMBLE, &step, EVENT, &end].concat();
        self.step(json!({"apply": {"template": template}}))
    }

    fn step(mut self, step: Value) -> Self {
        self.steps.push(step);
        self
    }

    fn build(&self) -> Value {
        let mut spec = json!({
            "resourceRef": {"apiGroup": "v1", "kind": self.kind},
            "selector": {"matchExpressions": self.conditions},
            "steps": self.steps,
        });
        if !self.delay.is_null() {
            spec["delay"] = self.delay.clone();
        }
        json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "Stage",
            "metadata": {"name": self.name},
            "spec": spec,
        })
    }
}

fn annotation_key(annotation: &str) -> String {
    format!(r#".metadata.annotations["{annotation}"]"#)
}
