//! The table of kinds: one entry for each kind of object that is read.
//!
//! [`Kind`](super::Kind), [`Delta`](super::Delta), the tables of [`Fleet`](super::Fleet), the dispatch to decoders, the
//! requests, the order of `sources`, the ClusterRole and the benchmark's requests follow from it. A kind whose rows need
//! no index of their own is added in three places: here, its row in `fleet/other.rs`, and its decoder in
//! `source/kube/decode/other.rs`.

/// Hands the table to the macro `$consumer`, which takes from each entry what it needs.
///
/// An entry reads `Kind => Rows(RowType) in field: TableType, by method { fields of KindSpec }`:
/// * `Rows` is the variant of `Delta`, and the type in `fleet::kinds` for which the decoder is implemented;
/// * `field` is the table's field in `Fleet`, a `Table` of `RowType` (Events have an `EventTable`);
/// * `method` of `Fleet` applies one change, and keeps the indices; `plain` where there is none.
///
/// The order is that of `sources` on screen and in JSON, so a new kind comes last.
macro_rules! kind_table {
    ($consumer:ident) => {
        $consumer! {
            /// core/v1 Node.
            Node => Nodes(NodeRow) in nodes: Table, by apply_node {
                name: "Node", resource: "nodes", group: "", versions: &["v1"],
                scope: Scope::Cluster, need: Need::Essential, start: Start::First,
            }
            /// core/v1 Pod.
            Pod => Pods(PodRow) in pods: Table, by apply_pod {
                name: "Pod", resource: "pods", group: "", versions: &["v1"],
                scope: Scope::Namespaced, need: Need::Essential, start: Start::Later,
            }
            /// batch/v1 Job.
            Job => Jobs(JobRow) in jobs: Table, by apply_job {
                name: "Job", resource: "jobs", group: "batch", versions: &["v1"],
                scope: Scope::Namespaced, need: Need::Standard, start: Start::Later,
            }
            /// batch/v1 CronJob.
            CronJob => CronJobs(CronJobRow) in cron_jobs: Table, by plain {
                name: "CronJob", resource: "cronjobs", group: "batch", versions: &["v1"],
                scope: Scope::Namespaced, need: Need::Standard, start: Start::Later,
            }
            /// karpenter.sh NodeClaim; in v1alpha5 Machine.
            NodeClaim => NodeClaims(NodeClaimRow) in node_claims: Table, by apply_claim {
                name: "NodeClaim", resource: "nodeclaims", group: "karpenter.sh",
                versions: &["v1", "v1beta1", "v1alpha5"],
                scope: Scope::Cluster, need: Need::Optional, start: Start::First,
                former: Some(Former { version: "v1alpha5", name: "Machine", resource: "machines" }),
            }
            /// karpenter.sh NodePool; in v1alpha5 Provisioner.
            NodePool => NodePools(NodePoolRow) in node_pools: Table, by plain {
                name: "NodePool", resource: "nodepools", group: "karpenter.sh",
                versions: &["v1", "v1beta1", "v1alpha5"],
                scope: Scope::Cluster, need: Need::Optional, start: Start::First,
                former: Some(Former { version: "v1alpha5", name: "Provisioner", resource: "provisioners" }),
            }
            /// policy/v1 PodDisruptionBudget.
            PodDisruptionBudget => DisruptionBudgets(DisruptionBudgetRow) in disruption_budgets: Table, by plain {
                name: "PodDisruptionBudget", resource: "poddisruptionbudgets", group: "policy", versions: &["v1"],
                scope: Scope::Namespaced, need: Need::Standard, start: Start::Later,
            }
            /// core/v1 Event.
            Event => Events(EventRow) in events: EventTable, by apply_event {
                name: "Event", resource: "events", group: "", versions: &["v1"],
                scope: Scope::Namespaced, need: Need::Standard, start: Start::Later,
            }
            /// apps/v1 ReplicaSet (metadata only).
            ReplicaSet => ReplicaSets(ReplicaSetRow) in replica_sets: Table, by plain {
                name: "ReplicaSet", resource: "replicasets", group: "apps", versions: &["v1"],
                scope: Scope::Namespaced, need: Need::Standard, start: Start::Later,
                content: Content::Metadata,
            }
            /// core/v1 Namespace.
            Namespace => Namespaces(NamespaceRow) in namespaces: Table, by plain {
                name: "Namespace", resource: "namespaces", group: "", versions: &["v1"],
                scope: Scope::Cluster, need: Need::Standard, start: Start::Later,
            }
            /// karpenter.sh NodeOverlay, which is served beside the v1 of the other kinds.
            NodeOverlay => NodeOverlays(NodeOverlayRow) in node_overlays: Table, by plain {
                name: "NodeOverlay", resource: "nodeoverlays", group: "karpenter.sh", versions: &["v1alpha1"],
                scope: Scope::Cluster, need: Need::Optional, start: Start::Later,
            }
            /// karpenter.k8s.aws EC2NodeClass.
            Ec2NodeClass => Ec2NodeClasses(NodeClassRow) in ec2_node_classes: Table, by plain {
                name: "EC2NodeClass", resource: "ec2nodeclasses", group: "karpenter.k8s.aws",
                versions: &["v1", "v1beta1"],
                scope: Scope::Cluster, need: Need::Optional, start: Start::Later,
            }
            /// eks.amazonaws.com NodeClass.
            EksNodeClass => EksNodeClasses(NodeClassRow) in eks_node_classes: Table, by plain {
                name: "NodeClass", resource: "nodeclasses", group: "eks.amazonaws.com", versions: &["v1"],
                scope: Scope::Cluster, need: Need::Optional, start: Start::Later,
            }
            /// The Karpenter controller's apps/v1 Deployment.
            KarpenterDeployment => Controllers(ControllerRow) in controllers: Table, by plain {
                name: "Deployment", resource: "deployments", group: "apps", versions: &["v1"],
                scope: Scope::Namespaced, need: Need::Standard, start: Start::Later,
                source: Some("karpenter-deployment"), label_selector: Some("app.kubernetes.io/name=karpenter"),
            }
            /// kueue.x-k8s.io Workload: what Kueue admits, one for each Job that it manages.
            Workload => Workloads(WorkloadRow) in workloads: Table, by apply_workload {
                name: "Workload", resource: "workloads", group: "kueue.x-k8s.io", versions: &["v1beta2", "v1beta1"],
                scope: Scope::Namespaced, need: Need::Optional, start: Start::Later,
                source: Some("kueue"),
            }
            /// resource.k8s.io ResourceSlice: the devices that a driver advertises for Dynamic Resource Allocation.
            ResourceSlice => ResourceSlices(ResourceSliceRow) in resource_slices: Table, by apply_resource_slice {
                name: "ResourceSlice", resource: "resourceslices", group: "resource.k8s.io",
                versions: &["v1", "v1beta2", "v1beta1"],
                scope: Scope::Cluster, need: Need::Optional, start: Start::Later,
            }
            /// resource.k8s.io ResourceClaim: the devices that pods have been given of them.
            ResourceClaim => ResourceClaims(ResourceClaimRow) in resource_claims: Table, by apply_resource_claim {
                name: "ResourceClaim", resource: "resourceclaims", group: "resource.k8s.io",
                versions: &["v1", "v1beta2", "v1beta1"],
                scope: Scope::Namespaced, need: Need::Optional, start: Start::Later,
            }
            /// resource.k8s.io DeviceClass: the kinds of devices that pods may ask for.
            DeviceClass => DeviceClasses(DeviceClassRow) in device_classes: Table, by plain {
                name: "DeviceClass", resource: "deviceclasses", group: "resource.k8s.io",
                versions: &["v1", "v1beta2", "v1beta1"],
                scope: Scope::Cluster, need: Need::Optional, start: Start::Later,
            }
            /// scheduling.x-k8s.io PodGroup: a gang of the plugin coscheduling of scheduler-plugins.
            PodGroup => PodGroups(GangRow) in pod_groups: Table, by plain {
                name: "PodGroup", resource: "podgroups", group: "scheduling.x-k8s.io", versions: &["v1alpha1"],
                scope: Scope::Namespaced, need: Need::Optional, start: Start::Later, source: Some("coscheduling"),
            }
            /// scheduling.volcano.sh PodGroup: a gang of Volcano.
            VolcanoPodGroup => VolcanoPodGroups(GangRow) in volcano_pod_groups: Table, by plain {
                name: "PodGroup", resource: "podgroups", group: "scheduling.volcano.sh", versions: &["v1beta1"],
                scope: Scope::Namespaced, need: Need::Optional, start: Start::Later, source: Some("volcano"),
            }
            /// jobset.x-k8s.io JobSet: Jobs that belong together.
            JobSet => JobSets(GangRow) in job_sets: Table, by apply_job_set {
                name: "JobSet", resource: "jobsets", group: "jobset.x-k8s.io", versions: &["v1alpha2"],
                scope: Scope::Namespaced, need: Need::Optional, start: Start::Later, source: Some("jobset"),
            }
        }
    };
}

pub(crate) use kind_table;
