//! A running control plane.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::api::Api;
use super::certificates::{Authority, Validity, signing_keys};
use super::components::{Component, DEFAULT_GATES, FEATURE_GATES, Launch, Layout, Ports};
use super::exporters::{self, Answer, Exporters};
use super::failure::{Context, Failure, Result};
use super::go::{Binaries, Toolchain};
use super::gpu_nodes::GpuNodeSpec;
use super::instance_types;
use super::kubeconfig;
use super::manifests::NodePoolSpec;
use super::options::{BedOptions, Definitions};
use super::readiness::{answers_ok, body, listens};
use super::scope::{GpuNode, Namespace, NodePool};
use super::stages;
use super::supervisor::{self, Ending, State, Supervisor};

/// How long a component may take until it is ready. Generous: other work may load
/// the machine, and waiting longer costs a healthy bed nothing.
const STARTUP: Duration = Duration::from_mins(2);

/// Pause between two looks at something awaited.
const POLL: Duration = Duration::from_millis(100);

/// Lines of each log that a failure quotes.
const TAIL_LINES: usize = 30;

/// How often a bed begins anew because somebody took one of its ports.
const ATTEMPTS: usize = 3;

/// A control plane. Dropping it ends its processes and removes its files.
pub struct Bed {
    supervisor: Mutex<Supervisor>,
    options: BedOptions,
    binaries: Binaries,
    layout: Layout,
    ports: Ports,
    authority: Authority,
    runtime: Arc<Runtime>,
    api: Api,
    exporters: Exporters,
    counter: AtomicU32,
}

impl Bed {
    /// Starts a control plane and returns when all of it is ready. Builds the programs
    /// first if the cache lacks them.
    pub fn start(options: &BedOptions) -> Result<Self> {
        let toolchain = Toolchain::find().map_err(|missing| Failure::new(missing.0))?;
        let binaries = toolchain.binaries(options.karpenter)?;
        let mut attempt = 1;
        loop {
            match Self::try_start(options.clone(), binaries.clone()) {
                Err(failure) if failure.is_port_clash() && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    fn try_start(options: BedOptions, binaries: Binaries) -> Result<Self> {
        let supervisor = Supervisor::start()?;
        let layout = Layout::new(supervisor.folder());
        let ports = Ports::choose()?;
        let authority = Authority::new("bed")?;
        write_files(&layout, ports, &authority)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = Arc::new(runtime.context("starting a runtime")?);
        let api = Api::new(&layout.admin(), Arc::clone(&runtime))?;
        // Before the API server, which asks it.
        let exporters = Exporters::listen(&layout.egress_socket(), &runtime)?;
        let bed = Self {
            supervisor: Mutex::new(supervisor),
            options,
            binaries,
            layout,
            ports,
            authority,
            runtime,
            api,
            exporters,
            counter: AtomicU32::new(0),
        };
        bed.bring_up()?;
        Ok(bed)
    }

    /// Starts what does not wait for each other together.
    fn bring_up(&self) -> Result<()> {
        for component in [Component::Etcd, Component::ApiServer] {
            self.launch(component)?;
        }
        self.await_ready(Component::ApiServer)?;
        for component in [Component::Scheduler, Component::ControllerManager, Component::Kwok] {
            if self.has(component) {
                self.launch(component)?;
            }
        }
        if self.options.definitions == Definitions::Karpenter {
            self.define_karpenter()?;
        }
        if self.has(Component::Karpenter) {
            self.launch(Component::Karpenter)?;
        }
        self.options.components.iter().try_for_each(|component| self.await_ready(*component))
    }

    fn define_karpenter(&self) -> Result<()> {
        let folder = self.binaries.definitions.display().to_string();
        self.kubectl(&["apply", "--server-side", "-f", &folder])?;
        self.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"])?;
        self.apply(&json!({
            "apiVersion": "karpenter.kwok.sh/v1alpha1",
            "kind": "KWOKNodeClass",
            "metadata": {"name": "default"},
            "spec": {},
        }))
    }

    /// A Deployment that tells which Karpenter runs, and with which feature gates, as its chart would make one; paused, so that it
    /// makes no pods.
    pub fn announce_karpenter(&self) -> Result<()> {
        let labels = json!({"app.kubernetes.io/name": "karpenter"});
        let image = format!("kwok.local/karpenter:{}", self.options.karpenter.version());
        let environment = self.options.environment_of(Component::Karpenter);
        let gates = environment.get(FEATURE_GATES).map_or(DEFAULT_GATES, String::as_str);
        let gates = json!([{"name": FEATURE_GATES, "value": gates}]);
        self.apply(&json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "karpenter", "namespace": "kube-system", "labels": labels},
            "spec": {
                "paused": true,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "controller", "image": image, "env": gates}]},
                },
            },
        }))
    }

    // ---- Facts ----

    /// `https://127.0.0.1:PORT` of the API server.
    pub fn server(&self) -> String {
        server_url(self.ports)
    }

    /// Where the components listen.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The bed's folder, for a test's own files too: it goes away with the bed.
    pub fn file(&self, name: &str) -> PathBuf {
        self.layout.file(name)
    }

    /// The Unix socket to which the API server sends what is for pods and Services.
    pub fn egress_socket(&self) -> PathBuf {
        self.layout.egress_socket()
    }

    /// The executables.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The process id of the supervisor, parent of all components.
    pub fn supervisor_id(&self) -> u32 {
        self.supervisor().id()
    }

    /// Whether a component runs.
    pub fn state(&self, component: Component) -> Result<State> {
        self.supervisor().state(component.name())
    }

    /// The last lines of a component's log.
    pub fn log_tail(&self, component: Component, lines: usize) -> String {
        let bytes = fs::read(self.layout.log(component)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    // ---- Users ----

    /// Kubeconfig of a member of `system:masters`: every right.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.layout.admin()
    }

    /// Kubeconfig of a user with a client certificate and no rights but those that
    /// RBAC gives to this user or this group.
    pub fn kubeconfig_for(&self, user: &str, group: Option<&str>) -> Result<PathBuf> {
        let identity = self.authority.client(user, group, Validity::Current)?;
        let authority = self.authority.certificate();
        self.write_kubeconfig(user, &kubeconfig::text(&self.server(), &authority, &identity))
    }

    /// Kubeconfig whose client certificate ran out: the server answers 401.
    pub fn kubeconfig_expired(&self) -> Result<PathBuf> {
        let identity = self.authority.client("expired", None, Validity::Expired)?;
        let authority = self.authority.certificate();
        self.write_kubeconfig("expired", &kubeconfig::text(&self.server(), &authority, &identity))
    }

    /// Kubeconfig whose client certificate another authority signed: 401.
    pub fn kubeconfig_of_stranger(&self) -> Result<PathBuf> {
        let identity = Authority::new("stranger")?.client("admin", Some("system:masters"), Validity::Current)?;
        let authority = self.authority.certificate();
        self.write_kubeconfig("stranger", &kubeconfig::text(&self.server(), &authority, &identity))
    }

    /// Kubeconfig that trusts another authority than the server's: the TLS handshake fails.
    pub fn kubeconfig_distrusting(&self) -> Result<PathBuf> {
        let identity = self.authority.client("admin", Some("system:masters"), Validity::Current)?;
        let other = Authority::new("other")?.certificate();
        self.write_kubeconfig("distrusting", &kubeconfig::text(&self.server(), &other, &identity))
    }

    /// Kubeconfig with a valid client certificate of X.509 version 1. kubectl takes it;
    /// rustls, and so batchtop, refuses to load it.
    pub fn kubeconfig_x509_v1(&self) -> Result<PathBuf> {
        let identity = self.authority.client_version_1("admin", "system:masters")?;
        let authority = self.authority.certificate();
        self.write_kubeconfig("version-1", &kubeconfig::text(&self.server(), &authority, &identity))
    }

    fn write_kubeconfig(&self, user: &str, text: &str) -> Result<PathBuf> {
        let name: String = user.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let path = self.layout.file(&format!("{}-{name}.kubeconfig", self.next_number()));
        fs::write(&path, text).context(path.display())?;
        Ok(path)
    }

    // ---- Talking to the API server ----

    /// The administrator's client.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// A client for somebody else.
    pub fn api_as(&self, kubeconfig: &Path) -> Result<Api> {
        Api::new(kubeconfig, Arc::clone(&self.runtime))
    }

    /// Runs kubectl as the administrator; its standard output, or a failure with its errors.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let output = self.kubectl_as(&self.admin_kubeconfig(), arguments, "")?;
        succeeded(&output, arguments)
    }

    /// The same, as JSON: add `-o json` yourself.
    pub fn kubectl_json(&self, arguments: &[&str]) -> Result<Value> {
        serde_json::from_str(&self.kubectl(arguments)?).context(arguments.join(" "))
    }

    /// Runs kubectl for any user with this standard input, and returns however it ended.
    pub fn kubectl_as(&self, kubeconfig: &Path, arguments: &[&str], input: &str) -> Result<Output> {
        let mut command = supervisor::mortal(&self.binaries.kubernetes)?;
        command.arg("kubectl").args(arguments).env("KUBECONFIG", kubeconfig).env("HOME", self.layout.file(""));
        fed(command, input).context("kubectl")
    }

    /// What a program for jq makes of this JSON.
    pub fn jq(&self, program: &str, input: &str) -> Result<String> {
        let mut command = supervisor::mortal(&self.binaries.jq)?;
        command.arg(program);
        succeeded(&fed(command, input).context("jq")?, &["jq", program])
    }

    /// Creates or updates one object, or a `List` of some.
    pub fn apply(&self, object: &Value) -> Result<()> {
        self.apply_yaml(&object.to_string())
    }

    /// The same from YAML text, several documents if need be.
    pub fn apply_yaml(&self, yaml: &str) -> Result<()> {
        let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        let output = self.kubectl_as(&self.admin_kubeconfig(), &arguments, yaml)?;
        succeeded(&output, &arguments).map(drop)
    }

    /// A new namespace whose name begins with this; deleted with all in it when dropped.
    pub fn namespace(&self, prefix: &str) -> Result<Namespace<'_>> {
        Namespace::create(self, &self.unique(prefix))
    }

    /// Creates a NodePool; deleted with its nodes when dropped. Bind it before the
    /// namespace of its pods: Rust drops in reverse, and pods that hold a node must go first.
    pub fn node_pool(&self, spec: NodePoolSpec) -> Result<NodePool<'_>> {
        NodePool::create(self, spec)
    }

    /// Creates a Node with accelerators; deleted when dropped. Bind it before the namespace of its pods.
    pub fn gpu_node(&self, spec: &GpuNodeSpec) -> Result<GpuNode<'_>> {
        GpuNode::create(self, spec)
    }

    /// What the device plugin of a Node advertises from now on of a resource: units in
    /// capacity, and how many of them can be allocated.
    pub fn advertise(&self, node: &str, resource: &str, (capacity, allocatable): (u32, u32)) -> Result<()> {
        let status = json!({
            "capacity": {resource: capacity.to_string()}, "allocatable": {resource: allocatable.to_string()},
        });
        self.api.patch(&format!("/api/v1/nodes/{node}/status"), &json!({"status": status})).map(drop)
    }

    /// A name that no other caller gets.
    pub fn unique(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.next_number())
    }

    fn next_number(&self) -> u32 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Annotates (or with `None` un-annotates) the object at an API path.
    pub fn annotate(&self, path: &str, key: &str, value: Option<&str>) -> Result<()> {
        self.api.patch(path, &json!({"metadata": {"annotations": {key: value}}})).map(drop)
    }

    /// Events about the objects of this kind and name, in all namespaces.
    pub fn events_about(&self, kind: &str, name: &str) -> Result<Vec<Value>> {
        let selector = format!("involvedObject.kind%3D{kind},involvedObject.name%3D{name}");
        self.api.list(&format!("/api/v1/events?fieldSelector={selector}"))
    }

    /// The pods of a Job.
    pub fn pods_of_job(&self, namespace: &str, job: &str) -> Result<Vec<Value>> {
        let selector = format!("labelSelector=batch.kubernetes.io%2Fjob-name%3D{job}");
        self.api.list(&format!("/api/v1/namespaces/{namespace}/pods?{selector}"))
    }

    /// Annotates all pods that a Job has now, for example with [`super::annotation::COMPLETE`].
    pub fn annotate_pods_of_job(&self, namespace: &str, job: &str, key: &str, value: &str) -> Result<()> {
        for pod in self.pods_of_job(namespace, job)? {
            let name = pod["metadata"]["name"].as_str().context("pod without name")?;
            self.annotate(&format!("/api/v1/namespaces/{namespace}/pods/{name}"), key, Some(value))?;
        }
        Ok(())
    }

    // ---- What pods answer ----

    /// From now on a port of a pod answers like this through the API server's proxy. Waits
    /// until the pod has its address, which it returns.
    pub fn answer(&self, namespace: &str, pod: &str, port: u16, answer: impl Into<Answer>) -> Result<SocketAddr> {
        let address = SocketAddr::new(self.address_of(namespace, pod)?, port);
        self.exporters.answer(address, answer);
        Ok(address)
    }

    /// The name of the pod with this label on a Node, once it runs.
    pub fn pod_on(&self, namespace: &str, node: &str, (label, value): (&str, &str)) -> Result<String> {
        let query =
            format!("labelSelector={label}%3D{value}&fieldSelector=spec.nodeName%3D{node},status.phase%3DRunning");
        let path = format!("/api/v1/namespaces/{namespace}/pods?{query}");
        self.wait_for(&format!("pod with {label}={value} on {node}"), STARTUP, || {
            let pods = self.api.list(&path)?;
            Ok(pods.first().and_then(|pod| pod["metadata"]["name"].as_str()).map(str::to_owned))
        })
    }

    /// What answers for pods, by address.
    pub fn exporters(&self) -> &Exporters {
        &self.exporters
    }

    fn address_of(&self, namespace: &str, pod: &str) -> Result<IpAddr> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}");
        let address = self.wait_for(&format!("address of pod {pod}"), STARTUP, || {
            let pod = self.api.get(&path)?;
            Ok(pod["status"]["podIP"].as_str().map(str::to_owned))
        })?;
        address.parse().context(address)
    }

    // ---- Stopping and starting parts ----

    /// Stops one component and waits until it is gone.
    pub fn stop(&self, component: Component, ending: Ending) -> Result<()> {
        self.supervisor().stop(component.name(), ending)
    }

    /// Starts a stopped component on its old ports and data, and waits until it is ready.
    pub fn resume(&self, component: Component) -> Result<()> {
        self.launch(component)?;
        self.await_ready(component)
    }

    /// Kills the API server and starts it again: every connection breaks.
    pub fn restart_apiserver(&self) -> Result<()> {
        self.stop(Component::ApiServer, Ending::Kill)?;
        self.resume(Component::ApiServer)
    }

    /// Stops Karpenter: claims, nodes and budgets stay as they are.
    ///
    /// This makes its first decision observable: prepare under budget 0 (the default of
    /// [`NodePoolSpec`]), stop Karpenter, set the real budgets with [`NodePool::update`],
    /// record the objects, and start it again. The restart also empties its memory of
    /// events already sent (2 to 15 minutes) and of nominations (20 seconds).
    pub fn stop_karpenter(&self) -> Result<()> {
        self.stop(Component::Karpenter, Ending::Terminate)
    }

    /// Starts Karpenter again. It decides afresh and repeats its events.
    pub fn start_karpenter(&self) -> Result<()> {
        self.resume(Component::Karpenter)
    }

    /// Karpenter's metrics in Prometheus' text format, if it runs: they count what it
    /// decided and how often it looked, which no object tells.
    pub fn karpenter_metrics(&self) -> Option<String> {
        body(self.ports.karpenter_metrics, "/metrics")
    }

    // ---- Waiting ----

    /// Looks again and again until `look` returns something. A failure names what was
    /// awaited and ends with the tails of all logs.
    pub fn wait_for<T>(&self, what: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let start = Instant::now();
        let mut last_error = None;
        while start.elapsed() < limit {
            match look() {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => last_error = None,
                Err(error) => last_error = Some(error),
            }
            thread::sleep(POLL);
        }
        let error = last_error.map(|error| format!(", last error: {error}")).unwrap_or_default();
        let logs = self.inventory() + &self.tails();
        Err(Failure::new(format!("no {what} within {} s{error}\n{logs}", limit.as_secs())))
    }

    fn await_ready(&self, component: Component) -> Result<()> {
        let start = Instant::now();
        while !self.is_ready(component) {
            if let State::Ended(how) = self.state(component)? {
                let log = self.log_tail(component, TAIL_LINES);
                return Err(Failure::new(format!("{} ended: {how}\n{log}", component.name())));
            }
            if start.elapsed() > STARTUP {
                let (name, limit, logs) = (component.name(), STARTUP.as_secs(), self.tails());
                return Err(Failure::new(format!("{name} not ready after {limit} s\n{logs}")));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn is_ready(&self, component: Component) -> bool {
        match component {
            // The API server is ready only when etcd is.
            Component::Etcd => true,
            Component::ApiServer => self.api.text("/readyz").is_ok(),
            Component::Scheduler => listens(self.ports.scheduler),
            Component::ControllerManager => listens(self.ports.controller_manager),
            Component::Kwok => answers_ok(self.ports.kwok, "/healthz"),
            Component::Karpenter => answers_ok(self.ports.karpenter_probe, "/readyz"),
        }
    }

    /// What there is, for the reader of a failure; empty if the server does not answer.
    fn inventory(&self) -> String {
        let get = |what: &str| {
            self.kubectl(&["get", what, "--all-namespaces", "--output=wide", "--request-timeout=5s"])
                .unwrap_or_default()
        };
        ["nodeclaims", "nodes", "pods", "events"].map(get).join("\n")
    }

    fn tails(&self) -> String {
        let tails = self.options.components.iter().map(|component| {
            let state = self.state(*component);
            let state = state.map_or_else(|error| error.to_string(), |state| format!("{state:?}"));
            let log = self.log_tail(*component, TAIL_LINES);
            format!("--- {} ({state})\n{log}\n", component.name())
        });
        tails.collect()
    }

    fn has(&self, component: Component) -> bool {
        self.options.components.contains(&component)
    }

    fn launch(&self, component: Component) -> Result<()> {
        let launch = Launch {
            binaries: &self.binaries,
            ports: self.ports,
            layout: &self.layout,
            extra_arguments: self.options.arguments_of(component),
            extra_environment: &self.options.environment_of(component),
        };
        self.supervisor().run(launch.program(component)).map(drop)
    }

    fn supervisor(&self) -> MutexGuard<'_, Supervisor> {
        self.supervisor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn server_url(ports: Ports) -> String {
    format!("https://127.0.0.1:{}", ports.api_server)
}

/// Everything that components read at their start.
fn write_files(layout: &Layout, ports: Ports, authority: &Authority) -> Result<()> {
    // 10.0.0.1 is the first address of the service range: `kubernetes.default`.
    let server = authority.server(&["localhost", "127.0.0.1", "10.0.0.1"])?;
    let admin = authority.client("admin", Some("system:masters"), Validity::Current)?;
    let admin = kubeconfig::text(&server_url(ports), &authority.certificate(), &admin);
    let (token_key, token_public_key) = signing_keys()?;
    let types = instance_types::for_karpenter()?.to_string();
    let files = [
        ("ca.crt", authority.certificate()),
        ("server.crt", server.certificate),
        ("server.key", server.key),
        ("service-account.key", token_key),
        ("service-account.pub", token_public_key),
        ("admin.kubeconfig", admin),
        ("instance_types.json", types),
        ("stages.yaml", stages::file()),
        ("egress.json", exporters::egress_selector(&layout.egress_socket()).to_string()),
    ];
    for (name, content) in files {
        let path = layout.file(name);
        fs::write(&path, content).context(path.display())?;
    }
    Ok(())
}

/// Runs a command with this standard input to its end.
fn fed(mut command: Command, input: &str) -> Result<Output> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().context("starting it")?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    // It may end without reading; then its own words tell more than EPIPE.
    std::thread::scope(|threads| {
        threads.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().context("waiting for it")
    })
}

fn succeeded(output: &Output, arguments: &[&str]) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("kubectl {}: {errors}", arguments.join(" "))))
}
