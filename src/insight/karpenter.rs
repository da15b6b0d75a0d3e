//! Which Karpenter runs here, and what that version understands.

use crate::fleet::{
    ClusterFacts, ControllerRow, Fleet, KarpenterApi, LAUNCH_TIMEOUT_SECONDS, NodeClaimRow, NodePoolRow,
    REGISTRATION_TIMEOUT_SECONDS, Row, Table,
};

/// How the version came to be known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Provenance {
    /// By flag, environment or configuration.
    Flag,
    /// By the image of the controller's Deployment.
    Image,
    /// By what the NodePool CRD has: a lower bound.
    CrdSchema,
    /// Not at all; rules follow the newest version.
    #[default]
    Assumed,
}

/// Whether a version understands something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Support {
    /// This version does.
    Yes,
    /// This version does not.
    No,
    /// The version is not known well enough; the newest does.
    Assumed,
}

/// When a node is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmptyRule {
    /// Before 1.14: no pod would have to run elsewhere.
    NoPodToMove,
    /// Since 1.14: the pods that would have to run elsewhere cost nothing to evict.
    NoEvictionCost,
}

/// Karpenter's version, as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KarpenterVersion {
    /// As it was given or found, for example `1.14.1`; a lower bound where `how` is `CrdSchema`.
    pub version: Option<String>,
    /// How it came to be known.
    pub how: Provenance,
    /// The API that the cluster serves.
    pub api: KarpenterApi,
    /// Whether this is EKS Auto Mode, whose controller cannot be seen.
    pub auto_mode: bool,
}

/// The first version to which a pod under several PodDisruptionBudgets blocks whatever they allow.
const SEVERAL_BUDGETS_BLOCK: Release = (1, 7);

/// The first version whose pods may be protected for a duration.
const DURATIONS: Release = (1, 12);

/// The first version to which a node is empty when evicting its pods costs nothing.
const EMPTY_BY_COST: Release = (1, 14);

/// The first version that takes drifted nodes without pods to move one by one, before those with pods.
const DRIFTS_ONE_BY_ONE: Release = (1, 7);

/// The first version that looks for empty nodes before drifted ones.
const EMPTINESS_FIRST: Release = (1, 5);

/// The first version to which labels that a price depends on matter for consolidation only.
const LABELS_FOR_CONSOLIDATION_ONLY: Release = (1, 1);

/// A version from which on dynamic NodePools keep to a limit of `nodes`; 1.8 does not yet.
const LIMITS_OF_NODES: Release = (1, 11);

/// The first version that gives a NodeClaim only five minutes to launch.
const LAUNCH_TIMEOUT: Release = (1, 7);

/// The first version with `karpenter.sh/v1`.
const FIRST_OF_V1: Release = (1, 0);

/// How AWS's image begins (karpenter-provider-aws charts/karpenter/values.yaml).
const IMAGE_OF_AWS: &str = "public.ecr.aws/karpenter/controller";

/// The API group of the NodeClasses of the provider that comes with karpenter's core (karpenter kwok/apis).
const KWOK_GROUP: &str = "karpenter.kwok.sh";

/// The API group of the NodeClasses of EKS Auto Mode.
pub const AUTO_MODE_GROUP: &str = "eks.amazonaws.com";

/// Whether NodeClasses of this API group are those of the AWS provider, Auto Mode's included.
pub fn is_of_aws(group: &str) -> bool {
    group == "karpenter.k8s.aws" || group == AUTO_MODE_GROUP
}

/// Whether EKS Auto Mode manages what a NodeClaim asked for.
pub fn is_of_auto_mode(claim: &NodeClaimRow) -> bool {
    claim.node_class.as_ref().is_some_and(|class| class.group == AUTO_MODE_GROUP)
}

/// Major and minor version; what batchtop's rules depend on changed with minor versions only.
type Release = (u32, u32);

impl KarpenterVersion {
    /// From what the user says, else the controller's image, else the CRD, else nothing. A text that does not begin
    /// with two numbers (`latest`) says nothing, nor does an image that cannot be the one of its API.
    pub fn detect(flag: Option<&str>, fleet: &Fleet, facts: &ClusterFacts) -> Self {
        let sources = [
            (flag.map(str::to_owned), Provenance::Flag),
            (image_version(&fleet.controllers, &fleet.node_pools), Provenance::Image),
            (facts.karpenter_crd_version.clone(), Provenance::CrdSchema),
        ];
        let is_possible = |release: Release, how| {
            how != Provenance::Image || facts.karpenter_api != KarpenterApi::V1 || release >= FIRST_OF_V1
        };
        let found = sources.into_iter().find_map(|(text, how)| {
            let text = text?;
            let version = text.strip_prefix('v').unwrap_or(&text);
            release(version).filter(|release| is_possible(*release, how)).map(|_| (Some(version.to_owned()), how))
        });
        let (version, how) = found.unwrap_or((None, Provenance::Assumed));
        Self { version, how, api: facts.karpenter_api, auto_mode: facts.auto_mode }
    }

    /// Whether `karpenter.sh/do-not-disrupt` on a pod may be a duration (karpenter 1.12, pkg/utils/pod/scheduling.go).
    pub fn durations(&self) -> Support {
        self.has(DURATIONS)
    }

    /// The same for a decision: an assumed yes is a yes.
    pub fn durations_understood(&self) -> bool {
        self.durations() != Support::No
    }

    /// Whether a limit of `nodes` keeps a NodePool from launching one (pkg/controllers/provisioning/scheduling/scheduler.go).
    pub fn limits_of_nodes(&self) -> Support {
        self.has(LIMITS_OF_NODES)
    }

    /// When a node is empty (karpenter 1.14, pkg/controllers/disruption/types.go); the newer rule is assumed where the
    /// version is not known.
    pub fn empty_rule(&self) -> EmptyRule {
        match self.has(EMPTY_BY_COST) {
            Support::No => EmptyRule::NoPodToMove,
            _ => EmptyRule::NoEvictionCost,
        }
    }

    /// Whether a node is empty when evicting its pods costs nothing.
    pub fn empty_by_cost(&self) -> Support {
        self.has(EMPTY_BY_COST)
    }

    /// Whether a pod under several PodDisruptionBudgets blocks though each of them allows a disruption (karpenter 1.7,
    /// pkg/utils/pdb/pdb.go; before, each was asked by itself).
    pub fn several_budgets(&self) -> Support {
        self.has(SEVERAL_BUDGETS_BLOCK)
    }

    /// Whether a node without instance type, capacity type or zone may be taken as empty or drifted (karpenter 1.1,
    /// pkg/controllers/state/statenode.go).
    pub fn labels_for_consolidation_only(&self) -> Support {
        self.has(LABELS_FOR_CONSOLIDATION_ONLY)
    }

    /// After how many seconds a NodeClaim that has not launched is deleted (pkg/controllers/nodeclaim/lifecycle/
    /// liveness.go): five minutes since 1.7; before, only the fifteen in which it must register.
    pub fn launch_timeout_seconds(&self) -> i64 {
        if self.has(LAUNCH_TIMEOUT) == Support::No { REGISTRATION_TIMEOUT_SECONDS } else { LAUNCH_TIMEOUT_SECONDS }
    }

    /// Whether empty nodes are looked for before drifted ones (karpenter 1.5, pkg/controllers/disruption/controller.go).
    pub fn emptiness_first(&self) -> bool {
        self.has(EMPTINESS_FIRST) != Support::No
    }

    /// Whether drifted nodes without pods to move go one by one, before those with pods (karpenter 1.7,
    /// pkg/controllers/disruption/drift.go). Before 1.5 they all went in one command.
    pub fn drifts_one_by_one(&self) -> Support {
        self.has(DRIFTS_ONE_BY_ONE)
    }

    /// Whether a drifted node without pods to move may be left to go as an empty one: 1.5.0 to 1.5.3, 1.6.0 and 1.6.1 do so, and
    /// not the patch releases after them (the same file). Providers number theirs by themselves, so that their third number
    /// tells nothing.
    pub fn drift_may_leave_empty_nodes(&self) -> bool {
        self.has(EMPTINESS_FIRST) == Support::Yes && self.has(DRIFTS_ONE_BY_ONE) == Support::No
    }

    /// Whether rules that changed between versions are those of the newest for want of better knowledge.
    pub fn is_assumed(&self) -> bool {
        self.has(EMPTY_BY_COST) == Support::Assumed
    }

    /// Whether this is the version of the Karpenter that manages nodes of this NodeClass group. EKS Auto Mode has its own, which
    /// nobody sees, also where another one runs beside it; and the image of one provider tells nothing of another's.
    pub fn speaks_for(&self, group: &str) -> bool {
        match self.how {
            Provenance::Flag => true,
            _ if group == AUTO_MODE_GROUP => false,
            Provenance::Image => group.is_empty() || is_numbered_as_core(group),
            Provenance::CrdSchema | Provenance::Assumed => true,
        }
    }

    /// The same cluster's, of a version that is not known.
    #[must_use]
    pub fn unseen(&self) -> Self {
        Self { version: None, how: Provenance::Assumed, ..self.clone() }
    }

    fn has(&self, since: Release) -> Support {
        if matches!(self.api, KarpenterApi::V1Alpha5 | KarpenterApi::V1Beta1) {
            return Support::No;
        }
        let version = self.version.as_deref();
        match (version.and_then(release), self.how) {
            // What came with a version its pre-releases may have or not.
            (Some(release), _) if release == since && version.is_some_and(is_pre_release) => Support::Assumed,
            (Some(release), _) if release >= since => Support::Yes,
            (Some(_), Provenance::Flag | Provenance::Image) => Support::No,
            _ => Support::Assumed,
        }
    }
}

/// Whether a provider's images have the version numbers of Karpenter's core.
fn is_numbered_as_core(group: &str) -> bool {
    is_of_aws(group) || group == KWOK_GROUP
}

/// The version in the image's tag. Other providers than AWS number their images differently: one is believed that is AWS's own,
/// or where no NodePool is of another provider. Of several that differ none is believed, those that do not run aside.
fn image_version(controllers: &Table<ControllerRow>, pools: &Table<NodePoolRow>) -> Option<String> {
    let mut groups = pools.iter().filter_map(|pool| pool.node_class.as_ref()).map(|class| class.group.as_str());
    let is_foreign = !groups.all(is_numbered_as_core);
    let is_believed = |row: &&ControllerRow| !is_foreign || row.image.starts_with(IMAGE_OF_AWS);
    let mut believed: Vec<&ControllerRow> = controllers.iter().filter(is_believed).collect();
    if believed.iter().any(|row| row.replicas > 0) {
        believed.retain(|row| row.replicas > 0);
    }
    believed.sort_unstable_by_key(|row| &row.meta().key);
    let mut tags = believed.iter().map(|row| tag(&row.image));
    let first = tags.next()??;
    tags.all(|other| other.and_then(release) == release(first)).then(|| first.to_owned())
}

fn tag(image: &str) -> Option<&str> {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    let (_, last) = image.rsplit_once('/').unwrap_or(("", image));
    last.split_once(':').map(|(_, tag)| tag)
}

/// Whether a version comes before the first of its minor release: `1.14.0-rc.1`.
fn is_pre_release(version: &str) -> bool {
    let numbers = version.split_once('-').map(|(numbers, _)| numbers);
    numbers.is_some_and(|numbers| numbers.split('.').nth(2).is_none_or(|patch| patch == "0"))
}

/// Major and minor of `1.14.1`, `1.14` or `v1.14.1-rc.0`.
fn release(version: &str) -> Option<Release> {
    let mut numbers = version.strip_prefix('v').unwrap_or(version).split(['.', '-', '+']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Delta, NodeClassRef, Sym};
    use crate::insight::testing::{controller, fleet, upserts};
    use crate::rows;
    use crate::units::Time;

    fn with_image(image: &str, group: &str) -> Fleet {
        let row = ControllerRow { image: Sym::new(image), ..controller() };
        let class = NodeClassRef { group: Sym::new(group), kind: Sym::new("NodeClass"), name: Sym::new("default") };
        let pool = rows::pool(rows::meta("", "gpu", Time::from_seconds(0)));
        let pool = NodePoolRow { node_class: Some(class), ..pool };
        fleet(vec![Delta::Controllers(upserts(vec![row])), Delta::NodePools(upserts(vec![pool]))])
    }

    fn detect(flag: Option<&str>, image: Option<&str>, crd: Option<&str>) -> KarpenterVersion {
        let fleet = image.map_or_else(Fleet::default, |image| with_image(image, "karpenter.k8s.aws"));
        let facts = ClusterFacts { karpenter_crd_version: crd.map(str::to_owned), ..ClusterFacts::default() };
        KarpenterVersion::detect(flag, &fleet, &facts)
    }

    #[test]
    fn the_image_of_a_provider_with_numbers_of_its_own_tells_no_version() {
        let facts = ClusterFacts {
            karpenter_api: KarpenterApi::V1,
            karpenter_crd_version: Some("1.8".to_owned()),
            ..ClusterFacts::default()
        };
        let aws = "public.ecr.aws/karpenter/controller:1.11.2";
        for (image, group, version, how) in [
            (aws, "karpenter.k8s.aws", "1.11.2", Provenance::Image),
            ("mirror.corp/karpenter/controller:1.11.2", "karpenter.k8s.aws", "1.11.2", Provenance::Image),
            ("mirror.corp/karpenter/controller:1.11.2", "eks.amazonaws.com", "1.11.2", Provenance::Image),
            ("kwok.local/karpenter:1.11.2", "karpenter.kwok.sh", "1.11.2", Provenance::Image),
            ("mcr.microsoft.com/aks/karpenter/controller:1.6.2", "karpenter.azure.com", "1.8", Provenance::CrdSchema),
            ("public.ecr.aws/cloudpilotai/gcp/karpenter:0.3.1", "karpenter.k8s.gcp", "1.8", Provenance::CrdSchema),
            // An API that it cannot have.
            ("registry:5000/karpenter:0.37.0", "karpenter.k8s.aws", "1.8", Provenance::CrdSchema),
            // Another provider's NodePool beside AWS's controller.
            (aws, "karpenter.k8s.gcp", "1.11.2", Provenance::Image),
        ] {
            let found = KarpenterVersion::detect(None, &with_image(image, group), &facts);
            assert_eq!((found.version.as_deref(), found.how), (Some(version), how), "{image} {group}");
        }
    }

    #[test]
    fn the_version_comes_from_the_flag_then_the_image_then_the_crd_schema() {
        let image = "public.ecr.aws/karpenter/controller:1.11.2@sha256:0a";
        for (flag, image, crd, version, how, durations) in [
            (Some("v1.12.0"), Some(image), Some("1.8"), Some("1.12.0"), Provenance::Flag, Support::Yes),
            (None, Some(image), Some("1.8"), Some("1.11.2"), Provenance::Image, Support::No),
            (
                None,
                Some("registry:5000/controller:latest"),
                Some("1.8"),
                Some("1.8"),
                Provenance::CrdSchema,
                Support::Assumed,
            ),
            (None, Some("registry:5000/controller"), Some("1.14"), Some("1.14"), Provenance::CrdSchema, Support::Yes),
            (None, Some("karpenter:v1.2.0-rc.1"), None, Some("1.2.0-rc.1"), Provenance::Image, Support::No),
            (None, None, None, None, Provenance::Assumed, Support::Assumed),
        ] {
            let found = detect(flag, image, crd);
            assert_eq!((found.version.as_deref(), found.how, found.durations()), (version, how, durations));
        }
    }

    #[test]
    fn a_text_that_is_no_version_tells_none() {
        for text in [
            "",
            "latest",
            "main",
            "v",
            "1",
            "v1",
            "1.",
            "1.x",
            ".14",
            "1..14",
            "-1.14",
            "+1.14",
            "1 .14",
            "0x1.14",
            "1,14",
            "v0-0123abc",
            "99999999999.1",
            "1.99999999999",
            "１.１４",
            "stable-1.14",
        ] {
            for found in [detect(Some(text), None, None), detect(None, Some(&format!("k:{text}")), None)] {
                assert_eq!((found.version, found.how), (None, Provenance::Assumed), "{text:?}");
            }
            // The next that tells something does.
            assert_eq!(detect(Some(text), Some("k:1.11.2"), None).how, Provenance::Image, "{text:?}");
        }
        let digest = "public.ecr.aws/karpenter/controller@sha256:0123";
        assert_eq!(detect(None, Some(digest), Some("1.8")).how, Provenance::CrdSchema);
    }

    #[test]
    fn a_pre_release_or_a_fork_may_lack_what_came_with_its_version() {
        for (version, durations) in [
            ("1.12.0", Support::Yes),
            ("v1.12.0+build.7", Support::Yes),
            ("1.12.0-rc.1", Support::Assumed),
            ("v1.12-corp", Support::Assumed),
            ("1.12.1-rc.1", Support::Yes),
            ("1.12.3-corp.2", Support::Yes),
            ("1.13.0-rc.1", Support::Yes),
            ("1.11.9-corp.2", Support::No),
            ("2.0.0-alpha", Support::Yes),
        ] {
            assert_eq!(detect(Some(version), None, None).durations(), durations, "{version}");
        }
    }

    #[test]
    fn several_controllers_that_differ_tell_no_version() {
        let of = |images: &[(&str, i64)]| {
            let row = |(number, (image, replicas)): (usize, &(&str, i64))| ControllerRow {
                meta: rows::meta("kube-system", &format!("karpenter-{number}"), Time::from_seconds(0)),
                image: Sym::new(image),
                replicas: *replicas,
                ..controller()
            };
            let rows = images.iter().enumerate().map(row).collect();
            let facts = ClusterFacts { karpenter_crd_version: Some("1.8".to_owned()), ..ClusterFacts::default() };
            KarpenterVersion::detect(None, &fleet(vec![Delta::Controllers(upserts(rows))]), &facts).version
        };
        let aws = |version: &str| format!("public.ecr.aws/karpenter/controller:{version}");
        let (new, newer, old) = (aws("1.14.0"), aws("1.14.1"), aws("1.6.2"));
        for (images, want) in [
            (vec![(new.as_str(), 1), (&newer, 1)], "1.14.0"),
            (vec![(&new, 1), (&old, 1)], "1.8"),
            (vec![(&old, 0), (&new, 1)], "1.14.0"),
            (vec![(&new, 0), (&old, 0)], "1.8"),
            (vec![(&new, 1), ("mirror/controller:latest", 1)], "1.8"),
        ] {
            assert_eq!(of(&images).as_deref(), Some(want), "{images:?}");
        }
    }

    #[test]
    fn a_version_speaks_for_the_nodes_of_its_own_karpenter() {
        let of = |how: Provenance| KarpenterVersion {
            version: Some("1.11.2".to_owned()),
            how,
            ..KarpenterVersion::default()
        };
        for (how, group, want) in [
            (Provenance::Image, "karpenter.k8s.aws", true),
            (Provenance::Image, "karpenter.kwok.sh", true),
            (Provenance::Image, "", true),
            (Provenance::Image, "eks.amazonaws.com", false),
            (Provenance::Image, "karpenter.k8s.gcp", false),
            (Provenance::CrdSchema, "karpenter.k8s.gcp", true),
            (Provenance::CrdSchema, "eks.amazonaws.com", false),
            (Provenance::Flag, "karpenter.azure.com", true),
            (Provenance::Flag, "eks.amazonaws.com", true),
        ] {
            assert_eq!(of(how).speaks_for(group), want, "{how:?} {group}");
        }
        assert_eq!(of(Provenance::Image).unseen().durations(), Support::Assumed);
    }

    #[test]
    fn a_legacy_api_understands_no_duration() {
        let old = KarpenterVersion { api: KarpenterApi::V1Beta1, ..KarpenterVersion::default() };
        assert!(!old.durations_understood());
        assert!(KarpenterVersion::default().durations_understood());
    }
}
