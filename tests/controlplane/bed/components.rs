//! The parts of a control plane and how each is started.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::failure::Result;
use super::go::Binaries;
use super::ports::free_port;
use super::supervisor::Program;

/// The variable that sets Karpenter's feature gates.
pub const FEATURE_GATES: &str = "FEATURE_GATES";

/// Those of a bed that says nothing else.
pub const DEFAULT_GATES: &str = "NodeRepair=false,ReservedCapacity=true,SpotToSpotConsolidation=true,NodeOverlay=false,\
                                 StaticCapacity=true,CapacityBuffer=false";

/// One process of a bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The API server's store.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-scheduler.
    Scheduler,
    /// kube-controller-manager.
    ControllerManager,
    /// Plays the kubelets; see `stages.rs`.
    Kwok,
    /// Karpenter with its KWOK cloud provider.
    Karpenter,
}

impl Component {
    /// All, in the order in which they start.
    pub const ALL: [Self; 6] =
        [Self::Etcd, Self::ApiServer, Self::Scheduler, Self::ControllerManager, Self::Kwok, Self::Karpenter];

    /// Name of the process and of its log file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::Scheduler => "kube-scheduler",
            Self::ControllerManager => "kube-controller-manager",
            Self::Kwok => "kwok",
            Self::Karpenter => "karpenter",
        }
    }
}

/// The loopback ports of one bed.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// kube-apiserver, https.
    pub api_server: u16,
    /// Karpenter's metrics, http.
    pub karpenter_metrics: u16,
    /// Karpenter's `/healthz` and `/readyz`, http.
    pub karpenter_probe: u16,
    /// KWOK's own server, http.
    pub kwok: u16,
    /// kube-scheduler, https.
    pub scheduler: u16,
    /// kube-controller-manager, https.
    pub controller_manager: u16,
    etcd_client: u16,
    etcd_peer: u16,
}

impl Ports {
    /// Ports that are free now.
    pub fn choose() -> Result<Self> {
        Ok(Self {
            api_server: free_port()?,
            karpenter_metrics: free_port()?,
            karpenter_probe: free_port()?,
            kwok: free_port()?,
            scheduler: free_port()?,
            controller_manager: free_port()?,
            etcd_client: free_port()?,
            etcd_peer: free_port()?,
        })
    }
}

/// The files of a bed.
#[derive(Debug, Clone)]
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// The files in this folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A file of this name.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The kubeconfig of a member of `system:masters`.
    pub fn admin(&self) -> PathBuf {
        self.file("admin.kubeconfig")
    }

    /// Where the API server sends what is for pods and Services.
    pub fn egress_socket(&self) -> PathBuf {
        self.file("egress.sock")
    }

    /// What a component wrote to its outputs.
    pub fn log(&self, component: Component) -> PathBuf {
        self.file(&format!("{}.log", component.name()))
    }

    fn argument(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }
}

/// What a component's command line is made of.
pub struct Launch<'a> {
    /// The executables.
    pub binaries: &'a Binaries,
    /// Where it listens.
    pub ports: Ports,
    /// Where its files are.
    pub layout: &'a Layout,
    /// Arguments that a test adds, last so that they win.
    pub extra_arguments: &'a [String],
    /// Variables that a test adds.
    pub extra_environment: &'a BTreeMap<String, String>,
}

impl Launch<'_> {
    /// The program to run for a component.
    pub fn program(&self, component: Component) -> Program {
        let mut arguments = self.arguments(component);
        arguments.extend(self.extra_arguments.iter().cloned());
        let mut environment = self.environment(component);
        environment.extend(self.extra_environment.clone());
        Program {
            name: component.name().to_owned(),
            executable: self.executable(component).to_owned(),
            arguments,
            environment,
            log: self.layout.log(component),
        }
    }

    fn executable(&self, component: Component) -> &Path {
        match component {
            Component::Kwok => &self.binaries.kwok,
            Component::Karpenter => &self.binaries.karpenter,
            _ => &self.binaries.kubernetes,
        }
    }

    fn arguments(&self, component: Component) -> Vec<String> {
        match component {
            Component::Etcd => self.etcd(),
            Component::ApiServer => self.api_server(),
            Component::Scheduler => self.scheduler(),
            Component::ControllerManager => self.controller_manager(),
            Component::Kwok => self.kwok(),
            Component::Karpenter => Vec::new(),
        }
    }

    fn etcd(&self) -> Vec<String> {
        let client = format!("http://127.0.0.1:{}", self.ports.etcd_client);
        let peer = format!("http://127.0.0.1:{}", self.ports.etcd_peer);
        vec![
            "etcd".into(),
            format!("--data-dir={}", self.layout.argument("etcd")),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            // A bed that ends has nothing to lose.
            "--unsafe-no-fsync".into(),
            // Enough for a hundred thousand pods.
            "--quota-backend-bytes=8000000000".into(),
        ]
    }

    fn api_server(&self) -> Vec<String> {
        let file = |name| self.layout.argument(name);
        vec![
            "kube-apiserver".into(),
            format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd_client),
            format!("--secure-port={}", self.ports.api_server),
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
            format!("--tls-cert-file={}", file("server.crt")),
            format!("--tls-private-key-file={}", file("server.key")),
            format!("--client-ca-file={}", file("ca.crt")),
            format!("--service-account-key-file={}", file("service-account.pub")),
            format!("--service-account-signing-key-file={}", file("service-account.key")),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            "--service-cluster-ip-range=10.0.0.0/16".into(),
            "--authorization-mode=RBAC".into(),
            // Pods without a ServiceAccount in their namespace, and without its token.
            "--disable-admission-plugins=ServiceAccount".into(),
            // What it sends to pods and Services goes to `exporters.rs`.
            format!("--egress-selector-config-file={}", file("egress.json")),
            // An endpoint may not be a loopback address: without this, an error every ten seconds.
            "--endpoint-reconciler-type=none".into(),
            // Loaders are many clients in one.
            "--max-requests-inflight=2000".into(),
            "--max-mutating-requests-inflight=1000".into(),
        ]
    }

    fn scheduler(&self) -> Vec<String> {
        let mut arguments = vec!["kube-scheduler".into()];
        arguments.extend(self.client_of_api_server(self.ports.scheduler));
        arguments
    }

    fn controller_manager(&self) -> Vec<String> {
        let mut arguments = vec!["kube-controller-manager".into()];
        arguments.extend(self.client_of_api_server(self.ports.controller_manager));
        arguments.extend([
            format!("--service-account-private-key-file={}", self.layout.argument("service-account.key")),
            format!("--root-ca-file={}", self.layout.argument("ca.crt")),
            "--use-service-account-credentials=false".into(),
            // The node lifecycle controller must run: nothing else takes the taint
            // `not-ready` off a new Node. The taint eviction controller must not: now and
            // then it still sees `karpenter.sh/unregistered:NoExecute` on a new Node when the
            // first pod is bound there, and deletes that pod. A test of evictions by taint
            // sets this flag again without the last entry.
            "--controllers=*,-node-ipam-controller,-taint-eviction-controller".into(),
        ]);
        arguments
    }

    /// What scheduler and controller manager have in common.
    fn client_of_api_server(&self, port: u16) -> [String; 6] {
        [
            format!("--kubeconfig={}", self.layout.admin().display()),
            "--leader-elect=false".into(),
            "--bind-address=127.0.0.1".into(),
            format!("--secure-port={port}"),
            "--kube-api-qps=500".into(),
            "--kube-api-burst=500".into(),
        ]
    }

    fn kwok(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.layout.admin().display()),
            format!("--config={}", self.layout.argument("stages.yaml")),
            "--manage-all-nodes=false".into(),
            // Karpenter's KWOK provider puts this annotation on its Nodes.
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake".into(),
            // With few heartbeats (see stages.rs) the Lease keeps a Node Ready.
            "--node-lease-duration-seconds=120".into(),
            "--cidr=10.8.0.0/16".into(),
            "--node-ip=10.9.0.1".into(),
            format!("--server-address=127.0.0.1:{}", self.ports.kwok),
        ]
    }

    fn environment(&self, component: Component) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::from([("HOME".to_owned(), self.layout.folder.display().to_string())]);
        if component == Component::Karpenter {
            environment.extend(self.karpenter_environment());
        }
        environment
    }

    /// Karpenter takes its settings from variables. It binds its two ports on all
    /// interfaces; only the numbers can be chosen.
    fn karpenter_environment(&self) -> BTreeMap<String, String> {
        let pairs = [
            ("KUBECONFIG", self.layout.admin().display().to_string()),
            ("DISABLE_LEADER_ELECTION", "true".into()),
            ("METRICS_PORT", self.ports.karpenter_metrics.to_string()),
            ("HEALTH_PROBE_PORT", self.ports.karpenter_probe.to_string()),
            ("INSTANCE_TYPES_FILE_PATH", self.layout.argument("instance_types.json")),
            (FEATURE_GATES, DEFAULT_GATES.into()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
