//! Why a node stays that every gate would let go: proofs that Karpenter's simulation cannot succeed, and near misses.

use std::sync::Arc;

use super::world::{DRIFTED, World, budget, busy, class_ref, guard, karpenter};
use crate::fleet::NodeOperator::{self, DoesNotExist, Exists, In, NotIn, Other};
use crate::fleet::{
    ControllerRow, DisruptionBudgetRow, Eviction, HostPort, Kind, Labels, NodeClaimRow, NodePoolRow, NodeRequirement,
    NodeRow, Placement, PodPhase, PodRow, PodSelector, Taint, Toleration,
};
use crate::insight::KarpenterVersion;
use crate::insight::disruption::Reason::{Drifted, Underutilized};
use crate::insight::disruption::{BlockerKind, Evidence, Reasons, Verdict};
use crate::insight::karpenter::Provenance;
use crate::insight::testing::{
    self, MANAGED_LABELS, NOW, claim, eviction_of, labels, met, meta, node, pod, pool, resources, sym,
};
use crate::units::{Lifetime, Selector};

const GPU: &str = "nvidia.com/gpu";

/// The labels of Karpenter's nodes, one of them with another value.
fn relabelled(key: &str, value: &str) -> Labels {
    let others = MANAGED_LABELS.iter().filter(|(known, _)| *known != key);
    labels(&others.copied().chain([(key, value)]).collect::<Vec<(&str, &str)>>())
}

/// A pod that requests accelerators.
fn trainer(name: &str, node: &str, gpus: i64) -> PodRow {
    PodRow { requests: resources(500, 1 << 30, &[(GPU, gpus)]).into(), ..pod("ml", name, Some(node)) }
}

/// What a pod demands of a node, to be changed.
fn placement(pod: &mut PodRow) -> &mut Placement {
    Arc::make_mut(&mut pod.placement)
}

/// Node `a`, from which pod `train-3` with four GPUs would have to move, and node `gpu-b`, of whose eight one is free.
fn crowded(change: impl FnOnce(&mut World)) -> World {
    busy(|world| {
        world.add_nodes(1, |row, _| {
            row.meta = meta("", "gpu-b");
            row.labels = labels(&MANAGED_LABELS);
            row.allocatable = resources(96_000, 1 << 40, &[(GPU, 8)]);
            row.allocatable.pods = 110;
        });
        world.node.allocatable = world.other_nodes[0].allocatable.clone();
        world.pods = vec![trainer("train-3", "a", 4), trainer("filler", "gpu-b", 7)];
        change(world);
    })
}

/// What is proven of node `a`.
fn proven(world: &World) -> Vec<(Reasons, String)> {
    let found = world.disruption();
    let of_simulation = found
        .blockers
        .iter()
        .filter(|blocker| blocker.kind == BlockerKind::Simulation && blocker.evidence == Evidence::Computed);
    of_simulation.map(|blocker| (blocker.reasons, blocker.message.machine_text())).collect()
}

const ONLY_REPLACED: &str = "; consolidation would have to launch a cheaper node";

/// That the node cannot be deleted, and why.
fn only_replaced(why: &str) -> Vec<(Reasons, String)> {
    vec![(Reasons::NONE, format!("ml/train-3 fits on no other node: {why}{ONLY_REPLACED}"))]
}

fn proves_nothing(name: &str, change: impl FnOnce(&mut World)) {
    assert_eq!(proven(&crowded(change)), [], "{name}");
}

fn taint(key: &str, effect: &str) -> Taint {
    Taint { key: sym(key), value: sym("yes"), effect: sym(effect) }
}

fn toleration(key: &str, operator: &str, value: &str, effect: &str) -> Toleration {
    Toleration { key: sym(key), operator: sym(operator), value: sym(value), effect: sym(effect) }
}

fn requirement(key: &str, operator: NodeOperator, values: &[&str]) -> NodeRequirement {
    NodeRequirement { key: sym(key), operator, values: values.iter().map(|value| sym(value)).collect() }
}

#[test]
fn a_pod_that_fits_on_no_other_node_keeps_its_node_from_being_deleted() {
    let world = crowded(|_| ());
    assert_eq!(proven(&world), only_replaced("needs 4 nvidia.com/gpu, the most free elsewhere is 1 (gpu-b)"));
    let found = world.disruption();
    assert_eq!((found.verdict, found.may.yes), (Verdict::ConsolidationCandidate, Reasons::only(Underutilized)));
    let about = found.blockers.iter().find_map(|blocker| blocker.object.clone()).unwrap();
    assert_eq!((about.kind, about.object.to_string().as_str()), (Kind::Pod, "ml/train-3"));
}

#[test]
fn a_proof_does_not_change_whether_karpenter_may() {
    let (with, without) = (crowded(|_| ()), crowded(|world| world.pods.truncate(1)));
    assert_eq!((with.said().open, with.said().verdict), (without.said().open, without.said().verdict));
}

#[test]
fn a_pod_that_fits_by_one_unit_proves_nothing() {
    proves_nothing("as many are free", |world| world.pods[1] = trainer("filler", "gpu-b", 4));
    proves_nothing("it requests no more than is free", |world| world.pods[0] = trainer("train-3", "a", 1));
    proves_nothing("the other pod has finished", |world| world.pods[1].phase = PodPhase::Succeeded);
    proves_nothing("the other pod is elsewhere", |world| world.pods[1].node = Some(sym("away")));
    proves_nothing("there is a larger node", |world| {
        let mut larger = world.other_nodes[0].clone();
        larger.meta = meta("", "gpu-c");
        larger.provider_id = None;
        world.other_nodes.push(larger);
    });
    let three = crowded(|world| world.pods[1] = trainer("filler", "gpu-b", 5));
    assert_eq!(proven(&three), only_replaced("needs 4 nvidia.com/gpu, the most free elsewhere is 3 (gpu-b)"));
}

#[test]
fn every_resource_that_a_pod_requests_can_prove_that_it_does_not_fit() {
    for (cpu, memory, why) in [
        (95_501, 1 << 30, "needs 95501m cpu, the most free elsewhere is 95500m (gpu-b)"),
        (500, 1 << 40, "needs 1024Gi memory, the most free elsewhere is 1023Gi (gpu-b)"),
    ] {
        let large = crowded(|world| world.pods[0].requests = resources(cpu, memory, &[]).into());
        assert_eq!(proven(&large), only_replaced(why));
    }
    proves_nothing("cpu to the last", |world| world.pods[0].requests = resources(95_500, 0, &[]).into());
    proves_nothing("memory to the last", |world| world.pods[0].requests = resources(0, 1023 << 30, &[]).into());
    proves_nothing("memory within a rounding", |world| {
        world.pods[0].requests = resources(0, (1023 << 30) + 4096, &[]).into();
    });
    let full = crowded(|world| {
        world.pods[0].requests = resources(1, 1, &[]).into();
        world.other_nodes[0].allocatable.pods = 1;
    });
    assert_eq!(proven(&full), only_replaced("none where it may run has room for one pod more"));
    proves_nothing("room for one", |world| {
        world.pods[0].requests = resources(1, 1, &[]).into();
        world.other_nodes[0].allocatable.pods = 2;
    });
    let other = crowded(|world| world.pods[0].requests = resources(1, 1, &[("amd.com/gpu", 1)]).into());
    assert_eq!(proven(&other), only_replaced("needs 1 amd.com/gpu, the most free elsewhere is 0 (gpu-b)"));
}

#[test]
fn taints_that_a_pod_does_not_tolerate_keep_it_off_a_node() {
    let tainted = |tainted: Taint, tolerations: &[Toleration]| {
        let tolerations = tolerations.to_vec();
        proven(&crowded(|world| {
            world.pods.truncate(1);
            world.other_nodes[0].taints = vec![tainted];
            placement(&mut world.pods[0]).tolerations = tolerations;
        }))
    };
    let kept_off = only_replaced("it does not tolerate their taints");
    let team = || taint("team", "NoSchedule");
    assert_eq!(tainted(team(), &[]), kept_off);
    assert_eq!(tainted(taint("team", "NoExecute"), &[]), kept_off);
    assert_eq!(tainted(team(), &[toleration("team", "Equal", "no", "")]), kept_off);
    assert_eq!(tainted(team(), &[toleration("other", "Exists", "", "")]), kept_off);
    assert_eq!(tainted(team(), &[toleration("team", "Exists", "", "NoExecute")]), kept_off);
    for (name, tainted_with, tolerated) in [
        ("by value", team(), toleration("team", "", "yes", "NoSchedule")),
        ("by key", team(), toleration("team", "Exists", "", "")),
        ("everything", team(), toleration("", "Exists", "", "")),
        ("by number", team(), toleration("team", "Gt", "1", "NoSchedule")),
    ] {
        assert_eq!(tainted(tainted_with, &[tolerated]), [], "{name}");
    }
    assert_eq!(tainted(taint("team", "PreferNoSchedule"), &[]), [], "Karpenter may take no notice");
    assert_eq!(tainted(taint("karpenter.sh/disrupted", "NoSchedule"), &[]), [], "Karpenter takes it away");
}

#[test]
fn labels_that_a_pod_demands_keep_it_off_a_node_without_them() {
    let selecting = |change: &dyn Fn(&mut Placement)| {
        proven(&crowded(|world| {
            world.pods.truncate(1);
            let mut with = MANAGED_LABELS.to_vec();
            with.extend([("team.example/name", "ml"), ("kubernetes.io/arch", "amd64")]);
            world.other_nodes[0].labels = labels(&with);
            change(placement(&mut world.pods[0]));
        }))
    };
    let selector = |key: &'static str, value: &'static str| {
        selecting(&move |placement| placement.node_selector = vec![(sym(key), sym(value))])
    };
    let term = |terms: &[&[NodeRequirement]]| {
        selecting(&|placement| placement.node_affinity = terms.iter().map(|term| term.to_vec()).collect())
    };
    let team = |operator, values: &[&str]| requirement("team.example/name", operator, values);
    assert_eq!(selector("team.example/name", "web"), only_replaced("none has team.example/name=web"));
    assert_eq!(selector("team.example/name", "ml"), []);
    assert_eq!(selector("absent.example/name", "ml"), only_replaced("none has absent.example/name=ml"));
    assert_eq!(term(&[&[team(In, &["web", "db"])]]), only_replaced("none has team.example/name in (web,db)"));
    assert_eq!(term(&[&[team(In, &["web", "ml"])]]), []);
    assert_eq!(term(&[&[team(NotIn, &["ml"])]]), only_replaced("none has team.example/name not in (ml)"));
    assert_eq!(term(&[&[team(NotIn, &["web"])]]), []);
    assert_eq!(term(&[&[team(Exists, &[])]]), []);
    assert_eq!(term(&[&[team(DoesNotExist, &[])]]), only_replaced("none has !team.example/name"));
    assert_eq!(term(&[&[requirement("absent.example/name", NotIn, &["x"])]]), [], "an absent label is not in the list");
    assert_eq!(term(&[&[team(Other, &["9"])]]), [], "numbers are not compared");
    assert_eq!(term(&[&[team(In, &["web"])], &[team(In, &["ml"])]]), [], "one alternative is enough");
    assert_eq!(term(&[&[]]), [], "an alternative without expressions is met");
    // Karpenter works out what both have in common, which may be nothing and then is met where the label is absent.
    assert_eq!(term(&[&[team(In, &["web"]), team(NotIn, &["web"])]]), []);
    // By other names Karpenter knows the same label.
    assert_eq!(selector("beta.kubernetes.io/arch", "arm64"), []);
    assert_eq!(selector("topology.ebs.csi.aws.com/zone", "us-east-1z"), []);
    assert_eq!(selector("csi.example.com/location", "z"), []);
    assert_eq!(selector("kubernetes.io/os", "windows"), [], "the node may have it by its older name");
    assert_eq!(selector("kubernetes.io/arch", "arm64"), only_replaced("none has kubernetes.io/arch=arm64"));
}

#[test]
fn ports_that_are_taken_keep_a_pod_off_a_node() {
    let port = |port, protocol: &str, address: &str| HostPort { port, protocol: sym(protocol), address: sym(address) };
    let with = |wanted: HostPort, taken: HostPort| {
        proven(&crowded(|world| {
            world.pods[0].requests = resources(1, 1 << 20, &[]).into();
            placement(&mut world.pods[0]).host_ports = vec![wanted];
            placement(&mut world.pods[1]).host_ports = vec![taken];
        }))
    };
    let taken = only_replaced("none where it may run has 1Mi memory, 1m cpu, host port 80 free together");
    let http = || port(80, "TCP", "");
    assert_eq!(with(http(), http()), taken);
    assert_eq!(with(http(), port(80, "TCP", "10.0.0.1")), taken);
    assert_eq!(with(http(), port(81, "TCP", "")), []);
    assert_eq!(with(http(), port(80, "UDP", "")), []);
    assert_eq!(with(port(80, "TCP", "10.0.0.1"), port(80, "TCP", "10.0.0.2")), []);
}

#[test]
fn what_is_not_known_for_certain_proves_nothing() {
    proves_nothing("a volume may bind it", |world| placement(&mut world.pods[0]).claims_volumes = true);
    proves_nothing("what it requests changes", |world| placement(&mut world.pods[0]).has_doubtful_requests = true);
    proves_nothing("what another requests changes", |world| {
        placement(&mut world.pods[1]).has_doubtful_requests = true;
    });
    proves_nothing("what the other node has is not told", |world| {
        world.other_nodes[0].allocatable = resources(0, 0, &[]);
    });
    for kind in [Kind::Node, Kind::NodeClaim, Kind::NodePool, Kind::Pod, Kind::PodDisruptionBudget] {
        proves_nothing("not all objects are known", |world| world.hidden = vec![kind]);
    }
    proves_nothing("a NodeClaim without a Node, of unknown size", |world| {
        world.other_claims.push(NodeClaimRow { provider_id: Some(sym("i-new")), ..claim("new") });
    });
    proves_nothing("a node that becomes one with more", |world| {
        world.other_nodes[0].labels = labels(&[("karpenter.sh/registered", "true"), ("karpenter.sh/nodepool", "gpu")]);
        world.other_claims[0].allocatable = resources(96_000, 1 << 40, &[(GPU, 16)]);
    });
}

#[test]
fn pods_that_karpenter_does_not_move_prove_nothing() {
    proves_nothing("of a DaemonSet", |world| eviction_of(&mut world.pods[0]).of_daemon_set = true);
    proves_nothing("a mirror pod", |world| eviction_of(&mut world.pods[0]).of_node = true);
    proves_nothing("finished", |world| world.pods[0].phase = PodPhase::Failed);
    proves_nothing("terminating", |world| world.pods[0].meta.deletion = Some(NOW));
    proves_nothing("under a budget that never lets one go", |world| {
        world.guards = vec![DisruptionBudgetRow { blocks_fully: true, ..guard("guard", 1) }];
    });
    proves_nothing("under two budgets", |world| world.guards = vec![guard("one", 1), guard("two", 1)]);
    let allowed = crowded(|world| world.guards = vec![guard("guard", 1)]);
    assert_eq!(proven(&allowed).len(), 1, "a budget that lets it go");
    let stateful = crowded(|world| {
        world.pods[0].eviction = Eviction { of_stateful_set: true, ..Eviction::default() }.into();
        world.pods[0].meta.deletion = Some(NOW);
    });
    assert_eq!(proven(&stateful).len(), 1, "a StatefulSet's comes back");
}

#[test]
fn a_node_that_a_gate_holds_needs_no_proof() {
    proves_nothing("annotated", |world| world.node.do_not_disrupt = Some(sym("true")));
    proves_nothing("no budget", |world| world.pool().budgets = Some(vec![budget("0")]));
    proves_nothing("not Karpenter's", |world| world.claim = None);
}

#[test]
fn nodes_on_their_way_out_are_no_place() {
    let going = crowded(|world| {
        world.pods.truncate(1);
        world.other_nodes[0].meta.deletion = Some(NOW);
        world.other_claims[0].meta.deletion = Some(NOW);
    });
    assert_eq!(proven(&going), [], "without another node there is nothing to explain");
    let last = crowded(|world| {
        world.pods.truncate(1);
        world.add_nodes(1, |row, behind| {
            row.allocatable = resources(1, 1, &[(GPU, 1)]);
            row.provider_id = Some(sym("i-last"));
            behind.provider_id = Some(sym("i-last"));
        });
        world.other_nodes[0].meta.deletion = Some(NOW);
        world.other_claims[0].meta.deletion = Some(NOW);
    });
    assert_eq!(proven(&last), only_replaced("needs 4 nvidia.com/gpu, the most free elsewhere is 1 (n0)"));
    proves_nothing("only the Node", |world| {
        world.pods.truncate(1);
        world.other_nodes[0].meta.deletion = Some(NOW);
    });
    let claimed = |change: &dyn Fn(&mut World)| {
        proven(&crowded(|world| {
            world.pods.truncate(1);
            world.add_nodes(1, |row, behind| {
                row.allocatable = resources(1, 1, &[(GPU, 1)]);
                row.provider_id = Some(sym("i-last"));
                *behind = NodeClaimRow { provider_id: Some(sym("i-last")), ..claim("c-last") };
            });
            world.other_claims[0].meta.deletion = Some(NOW);
            change(world);
        }))
    };
    let last = only_replaced("needs 4 nvidia.com/gpu, the most free elsewhere is 1 (n0)");
    assert_eq!(claimed(&|_| ()), last, "the NodeClaim is enough");
    let foreign = claimed(&|world| world.other_claims[0].node_class = Some(class_ref("karpenter.k8s.gcp")));
    assert_eq!(foreign, [], "a Karpenter that does not manage the NodeClaim sees a Node that stays");
    let ending = claimed(&|world| {
        world.other_claims[0].meta.deletion = None;
        world.other_claims[0].conditions = met(&["Initialized", "InstanceTerminating"]);
    });
    assert_eq!(ending, last, "its instance is being terminated");
}

/// A pod that asks for its own node by name.
fn pinned(change: impl FnOnce(&mut World)) -> World {
    crowded(|world| {
        world.claim().conditions = met(&DRIFTED);
        world.pods.truncate(1);
        placement(&mut world.pods[0]).node_selector = vec![(sym("kubernetes.io/hostname"), sym("a"))];
        change(world);
    })
}

const BOTH: Reasons = Reasons::only(Drifted).or(Reasons::only(Underutilized));

#[test]
fn a_pod_that_fits_on_no_new_node_either_keeps_its_node_from_everything() {
    let fits = "ml/train-3 fits on no other node: none has kubernetes.io/hostname=a; nor on a new one: ";
    let refused = format!("{fits}NodePool gpu launches none with kubernetes.io/hostname=a");
    assert_eq!(proven(&pinned(|_| ())), [(BOTH, refused)]);
    let by_taint = pinned(|world| {
        world.pool().template.taints = vec![taint("team", "NoSchedule")];
    });
    let refused = format!("{fits}it does not tolerate taint team=yes:NoSchedule of NodePool gpu");
    assert_eq!(proven(&by_taint), [(BOTH, refused)]);
    let elsewhere = pinned(|world| {
        world.other_nodes[0].labels = labels(&[&MANAGED_LABELS[..], &[("kubernetes.io/hostname", "a")]].concat());
    });
    assert_eq!(proven(&elsewhere), [], "the other node has the label");
}

#[test]
fn what_a_node_pool_offers_decides_whether_a_new_node_can_take_a_pod() {
    let reasons = |key: &'static str, value: &'static str, change: &dyn Fn(&mut NodePoolRow)| -> Option<Reasons> {
        let world = pinned(|world| {
            placement(&mut world.pods[0]).node_selector = vec![(sym(key), sym(value))];
            change(world.pool());
        });
        proven(&world).first().map(|(reasons, _)| *reasons)
    };
    let requires = |key: &'static str, operator, values: &'static [&'static str]| {
        move |pool: &mut NodePoolRow| pool.template.requirements = vec![requirement(key, operator, values)]
    };
    let own =
        |value: &'static str| move |pool: &mut NodePoolRow| pool.template.labels = vec![(sym("team"), sym(value))];
    let maybe = Some(Reasons::NONE);
    assert_eq!(reasons("team", "ml", &|_| ()), Some(BOTH), "a label without prefix that the pool does not give");
    assert_eq!(reasons("team", "ml", &own("web")), Some(BOTH));
    assert_eq!(reasons("team", "ml", &own("ml")), maybe);
    assert_eq!(reasons("example.com/team", "ml", &|_| ()), maybe, "its provider may know the label");
    assert_eq!(reasons("team", "ml", &requires("team", In, &["web", "db"])), Some(BOTH));
    assert_eq!(reasons("team", "ml", &requires("team", In, &["web", "ml"])), maybe);
    assert_eq!(reasons("team", "ml", &requires("team", NotIn, &["ml"])), Some(BOTH));
    assert_eq!(reasons("team", "ml", &requires("team", NotIn, &["web"])), maybe);
    assert_eq!(reasons("team", "ml", &requires("team", Other, &["3"])), maybe);
    assert_eq!(reasons("karpenter.sh/nodepool", "cpu", &|_| ()), Some(BOTH));
    let zone = "topology.kubernetes.io/zone";
    assert_eq!(reasons(zone, "us-east-1z", &requires(zone, In, &["us-east-1a"])), Some(BOTH));
    assert_eq!(reasons(zone, "us-east-1z", &requires(zone, In, &["us-east-1z"])), maybe);
    assert_eq!(reasons(zone, "us-east-1z", &requires("failure-domain.beta.kubernetes.io/zone", In, &["b"])), maybe);
}

#[test]
fn another_node_pool_that_may_take_the_pod_leaves_the_replacement_open() {
    let with = |row: NodePoolRow| {
        proven(&pinned(|world| {
            placement(&mut world.pods[0]).node_selector = vec![(sym("team"), sym("ml"))];
            world.other_pools.push(row);
        }))
    };
    let mut other = pool("other");
    other.template.labels = vec![(sym("team"), sym("ml"))];
    assert_eq!(with(other.clone())[0].0, Reasons::NONE);
    assert_eq!(
        with(NodePoolRow { replicas: Some(1), ..other.clone() })[0].0,
        BOTH,
        "a static one launches none for pods"
    );
    other.meta.deletion = Some(NOW);
    assert_eq!(with(other)[0].0, BOTH, "nor does one that is being deleted");
    let mut unready = pool("other");
    unready.template.labels = vec![(sym("team"), sym("ml"))];
    unready.conditions.clear();
    let found = with(unready);
    assert_eq!(found[0].0, BOTH, "nor does one that is not Ready");
    assert!(found[0].1.ends_with(", NodePool other is not Ready"), "{}", found[0].1);
    let refused = with(pool("other"));
    let both = "NodePool gpu launches none with team=ml, NodePool other launches none with team=ml";
    assert!(refused[0].1.ends_with(both), "{}", refused[0].1);
}

#[test]
fn limits_of_the_node_pool_stop_drift_and_not_consolidation_of_several_nodes() {
    let limited = |resource: &'static str, limit: &'static str, version: &'static str| {
        proven(&crowded(|world| {
            world.claim().conditions = met(&DRIFTED);
            world.karpenter = karpenter(version);
            world.other_nodes[0].capacity = resources(96_000, 1 << 40, &[(GPU, 8)]);
            world.pool().limits = vec![(sym(resource), sym(limit))];
        }))
    };
    let needs = "ml/train-3 fits on no other node: needs 4 nvidia.com/gpu, the most free elsewhere is 1 (gpu-b)";
    let leaves = "; nor, for Drifted, on a new one: the limits of NodePool gpu leave 3 nvidia.com/gpu";
    let drift = Reasons::only(Drifted);
    assert_eq!(limited(GPU, "11", "1.14.1"), [(drift, format!("{needs}{leaves}"))]);
    assert_eq!(limited(GPU, "12", "1.14.1")[0].0, Reasons::NONE);
    assert_eq!(limited("cpu", "96400m", "1.14.1")[0].0, drift);
    assert_eq!(limited("cpu", "96500m", "1.14.1")[0].0, Reasons::NONE);
    let at_limit = "; nor, for Drifted, on a new one: NodePool gpu is at its limit of 1 nodes";
    assert_eq!(limited("nodes", "1", "1.14.1"), [(drift, format!("{needs}{at_limit}"))]);
    assert_eq!(limited("nodes", "2", "1.14.1")[0].0, Reasons::NONE);
    assert_eq!(limited("nodes", "1", "1.8.2")[0].0, Reasons::NONE, "1.8 does not ask the limit of nodes");
    let alone = crowded(|world| {
        world.pool().limits = vec![(sym(GPU), sym("11"))];
        world.other_nodes[0].capacity = resources(96_000, 1 << 40, &[(GPU, 8)]);
    });
    assert_eq!(proven(&alone)[0].0, Reasons::NONE, "several nodes may make room at once");
}

/// With nodes that consolidation surely leaves alone the limits hold for it too.
#[test]
fn limits_stop_consolidation_where_the_other_nodes_are_kept_from_it() {
    let limited = |change: &dyn Fn(&mut World)| {
        proven(&crowded(|world| {
            world.other_nodes[0].capacity = resources(96_000, 1 << 40, &[(GPU, 8)]);
            world.pool().limits = vec![(sym(GPU), sym("11"))];
            change(world);
        }))
    };
    let annotated =
        |value: &'static str| move |world: &mut World| world.other_nodes[0].do_not_disrupt = Some(sym(value));
    let held = |value: &'static str| move |world: &mut World| world.pods[1].do_not_disrupt = Some(sym(value));
    let needs = "ml/train-3 fits on no other node: needs 4 nvidia.com/gpu, the most free elsewhere is 1 (gpu-b)";
    let message = format!("{needs}; nor on a new one: the limits of NodePool gpu leave 3 nvidia.com/gpu");
    let kept = vec![(Reasons::only(Underutilized), message)];
    assert_eq!(limited(&annotated("true")), kept);
    assert_eq!(limited(&held("true")), kept);
    for (name, open) in [
        ("another value on a Node", limited(&annotated("1h"))),
        ("a duration ends", limited(&held("1h"))),
        (
            "the pod has finished",
            limited(&|world| {
                held("true")(world);
                world.pods[1].phase = PodPhase::Succeeded;
                world.pods.push(trainer("again", "gpu-b", 7));
            }),
        ),
        (
            "there is room for four",
            limited(&|world| {
                annotated("true")(world);
                world.pool().limits = vec![(sym(GPU), sym("12"))];
            }),
        ),
        (
            "its node is being disrupted",
            limited(&|world| {
                annotated("true")(world);
                world.other_nodes[0].taints = vec![taint("karpenter.sh/disrupted", "NoSchedule")];
            }),
        ),
    ] {
        assert_eq!(open.iter().map(|(reasons, _)| *reasons).collect::<Vec<Reasons>>(), [Reasons::NONE], "{name}");
    }
    let of_another_pool = |change: &dyn Fn(&mut NodePoolRow)| {
        let mut other = pool("other");
        change(&mut other);
        limited(&|world| {
            world.other_pools = vec![other.clone()];
            world.other_nodes[0].labels = relabelled("karpenter.sh/nodepool", "other");
            world.pool().limits = vec![(sym(GPU), sym("3"))];
            world.other_pools[0].limits = vec![(sym(GPU), sym("11"))];
        })[0]
            .0
    };
    let only = Reasons::only(Underutilized);
    assert_eq!(of_another_pool(&|_| ()), Reasons::NONE);
    assert_eq!(of_another_pool(&|pool| pool.consolidation_policy = sym("WhenEmpty")), only);
    assert_eq!(of_another_pool(&|pool| pool.consolidate_after = Lifetime::Never), only);
}

/// Spot nodes of a NodePool that launches no others, and a Karpenter whose gates are seen.
fn spot(change: impl FnOnce(&mut World)) -> World {
    crowded(|world| {
        let capacity = |row: &mut NodeRow| row.labels = relabelled("karpenter.sh/capacity-type", "spot");
        capacity(&mut world.node);
        world.other_nodes.iter_mut().for_each(capacity);
        world.pool().template.requirements =
            vec![requirement("karpenter.sh/capacity-type", In, &["spot", "on-demand"])];
        world.controllers = vec![testing::controller()];
        change(world);
    })
}

#[test]
fn a_spot_node_stays_where_only_another_spot_node_could_take_its_place_and_the_gate_is_off() {
    let needs = "ml/train-3 fits on no other node: needs 4 nvidia.com/gpu, the most free elsewhere is 1 (gpu-b)";
    let kept = "; consolidation would have to launch a spot node in its place, and feature gate SpotToSpotConsolidation is off";
    assert_eq!(proven(&spot(|_| ())), [(Reasons::only(Underutilized), format!("{needs}{kept}"))]);
    let is_kept = |change: &dyn Fn(&mut World)| proven(&spot(|world| change(world)))[0].0.contains(Underutilized);
    let key = "karpenter.sh/capacity-type";
    let demands = |at: usize, operator, values: &'static [&'static str]| {
        move |world: &mut World| {
            placement(&mut world.pods[at]).node_affinity = vec![vec![requirement(key, operator, values)]];
        }
    };
    let gates = |gates: &'static str| move |world: &mut World| world.controllers[0].feature_gates = Some(sym(gates));
    let pool_requires = |values: &'static [&'static str]| {
        move |world: &mut World| world.pool().template.requirements = vec![requirement(key, In, values)]
    };
    let pending = |world: &mut World| {
        let mut waiting = pod("ml", "waiting", None);
        waiting.phase = PodPhase::Pending;
        placement(&mut waiting).node_selector = vec![(sym(key), sym("on-demand"))];
        world.pods.push(waiting);
    };
    let on_demand = |world: &mut World| world.other_nodes[0].labels = labels(&MANAGED_LABELS);
    let keeps = |name: &str, change: &dyn Fn(&mut World)| assert!(is_kept(change), "{name}");
    let leaves_open = |name: &str, change: &dyn Fn(&mut World)| assert!(!is_kept(change), "{name}");
    keeps("the gate is off by name", &gates("NodeRepair=true,SpotToSpotConsolidation=false"));
    leaves_open("the gate is on", &gates("SpotToSpotConsolidation=true"));
    leaves_open("the gate may be set elsewhere", &|world| world.controllers[0].hides_feature_gates = true);
    leaves_open("no controller is seen", &|world| world.controllers.clear());
    leaves_open("not all controllers are known", &|world| world.hidden = vec![Kind::KarpenterDeployment]);
    leaves_open("this one does not run", &|world| world.controllers[0].replicas = 0);
    leaves_open("a second one has the gate on", &|world| {
        let feature_gates = Some(sym("SpotToSpotConsolidation=true"));
        let second = ControllerRow { meta: meta("other", "karpenter"), feature_gates, ..testing::controller() };
        world.controllers.push(second);
    });
    leaves_open("EKS Auto Mode", &|world| {
        let class = Some(class_ref("eks.amazonaws.com"));
        world.claim().node_class = class.clone();
        world.other_claims[0].node_class = class;
    });
    leaves_open("two Karpenters", &|world| world.other_claims[0].node_class = Some(class_ref("karpenter.k8s.gcp")));
    keeps("spot alone", &pool_requires(&["spot"]));
    leaves_open("on-demand alone is cheaper, perhaps", &pool_requires(&["on-demand"]));
    leaves_open("reserved capacity goes first", &pool_requires(&["spot", "reserved"]));
    leaves_open("any capacity", &|world| world.pool().template.requirements.clear());
    leaves_open("an operator that says less", &|world| {
        world.pool().template.requirements = vec![requirement(key, NotIn, &["reserved"])];
    });
    leaves_open("another NodePool launches on demand", &|world| {
        let mut other = pool("other");
        other.template.requirements = vec![requirement(key, In, &["on-demand"])];
        world.other_pools.push(other);
    });
    keeps("another NodePool that the pod does not tolerate", &|world| {
        let mut other = pool("other");
        other.template.taints = vec![taint("team", "NoSchedule")];
        world.other_pools.push(other);
    });
    leaves_open("an on-demand node could go together with it", &on_demand);
    keeps("an on-demand node that consolidation leaves alone", &|world| {
        on_demand(world);
        world.other_nodes[0].do_not_disrupt = Some(sym("true"));
    });
    leaves_open("its pod prefers on-demand", &|world| placement(&mut world.pods[0]).steers_capacity_type = true);
    leaves_open("the pod of another candidate asks for other capacity", &demands(1, NotIn, &["spot"]));
    keeps("it asks for spot", &demands(1, In, &["on-demand", "spot"]));
    leaves_open("a pending pod asks for on-demand", &pending);
    keeps("a pod that has finished", &|world| {
        pending(world);
        world.pods[2].phase = PodPhase::Failed;
    });
    leaves_open("the node is on demand", &|world| world.node.labels = labels(&MANAGED_LABELS));
    assert_eq!(proven(&spot(|world| world.pods[1] = trainer("filler", "gpu-b", 4))), [], "it may be deleted");
    let drifted = proven(&spot(|world| world.claim().conditions = met(&DRIFTED)));
    assert_eq!(drifted[0].0, Reasons::only(Underutilized), "drift replaces it");
}

/// Node `gone` is being deleted, and its pod `left` asks for it by name.
fn stranded(change: impl FnOnce(&mut World)) -> World {
    crowded(|world| {
        world.claim().conditions = met(&DRIFTED);
        world.pods = vec![pod("ml", "web", Some("a")), pod("ml", "left", Some("gone"))];
        placement(&mut world.pods[1]).node_selector = vec![(sym("kubernetes.io/hostname"), sym("gone"))];
        let mut gone = node("gone");
        gone.provider_id = Some(sym("i-gone"));
        gone.meta.deletion = Some(NOW);
        let mut behind = NodeClaimRow { provider_id: Some(sym("i-gone")), ..claim("c-gone") };
        behind.meta.deletion = Some(NOW);
        world.other_nodes.push(gone);
        world.other_claims.push(behind);
        change(world);
    })
}

#[test]
fn a_pod_of_a_deleting_node_that_fits_nowhere_stops_drift_and_consolidation() {
    let message = "pod ml/left of gone, which is being deleted, fits on no node: none has kubernetes.io/hostname=gone; nor on a \
                   new one: NodePool gpu launches none with kubernetes.io/hostname=gone; until it is gone nothing is taken for \
                   Drifted and Underutilized";
    assert_eq!(proven(&stranded(|_| ())), [(BOTH, message.to_owned())]);
    let nothing =
        |name: &str, change: &dyn Fn(&mut World)| assert_eq!(proven(&stranded(|world| change(world))), [], "{name}");
    nothing("it may move", &|world| placement(&mut world.pods[1]).node_selector.clear());
    nothing("the node stays", &|world| {
        world.other_nodes[1].meta.deletion = None;
        world.other_claims[1].meta.deletion = None;
    });
    nothing("only the Node is deleted", &|world| world.other_claims[1].meta.deletion = None);
    let stays = |change: &dyn Fn(&mut World)| assert_eq!(proven(&stranded(|world| change(world))).len(), 1);
    stays(&|world| world.other_nodes[1].meta.deletion = None);
    stays(&|world| {
        world.other_claims[1].meta.deletion = None;
        world.other_claims[1].conditions = met(&["Initialized", "InstanceTerminating"]);
    });
    nothing("it is protected", &|world| world.pods[1].do_not_disrupt = Some(sym("true")));
    nothing("it is on its way out", &|world| world.pods[1].meta.deletion = Some(NOW));
    nothing("it is of a DaemonSet", &|world| eviction_of(&mut world.pods[1]).of_daemon_set = true);
    nothing("another Karpenter deletes it", &|world| {
        world.other_claims[1].node_class = Some(class_ref("eks.amazonaws.com"));
    });
}

/// Up to 1.4 all of them go in one command, without a simulation.
#[test]
fn a_drifted_node_without_pods_is_stopped_by_a_stranded_pod_where_its_drift_is_simulated() {
    let of = |karpenter: KarpenterVersion| {
        proven_reasons(&stranded(|world| {
            world.pods.remove(0);
            world.karpenter = karpenter.clone();
        }))
        .0
    };
    for (version, want) in [("1.4.0", Reasons::NONE), ("1.6.4", Reasons::NONE), ("1.7.0", Reasons::only(Drifted))] {
        assert_eq!(of(karpenter(version)), want, "{version}");
    }
    let unknown = KarpenterVersion { version: None, how: Provenance::Assumed, ..karpenter("") };
    assert_eq!(of(unknown), Reasons::NONE, "it may be an old one");
    let with_pods = stranded(|world| world.karpenter = karpenter("1.4.0"));
    assert_eq!(proven_reasons(&with_pods).0, BOTH);
}

#[test]
fn a_budget_that_holds_a_stranded_pod_now_does_not_keep_karpenter_from_looking_for_a_place() {
    let guarded = |change: &dyn Fn(&mut World)| {
        proven(&stranded(|world| {
            world.pods[1].labels = labels(&[("app", "left")]);
            let of_left = PodSelector::Matching(Selector::parse("app=left").unwrap());
            world.guards = vec![DisruptionBudgetRow { selector: of_left, ..guard("guard", 0) }];
            change(world);
        }))
    };
    assert_eq!(guarded(&|_| ()).len(), 1, "it allows nothing at the moment");
    assert_eq!(guarded(&|world| world.guards[0].disruptions_allowed = 1).len(), 1);
    let fully = |world: &mut World| world.guards[0].blocks_fully = true;
    assert_eq!(guarded(&fully), [], "it never lets the pod go, so that Karpenter leaves it out");
    let unready = |world: &mut World| {
        fully(world);
        world.guards[0].always_allows_unhealthy = true;
        eviction_of(&mut world.pods[1]).unready = true;
    };
    assert_eq!(guarded(&unready).len(), 1, "an unready pod may go");
    let ready = |world: &mut World| {
        unready(world);
        eviction_of(&mut world.pods[1]).unready = false;
    };
    assert_eq!(guarded(&ready), []);
    let tolerates = |world: &mut World| {
        fully(world);
        eviction_of(&mut world.pods[1]).tolerates_disrupted = true;
    };
    assert_eq!(guarded(&tolerates).len(), 1, "a pod that is not evicted is not asked about");
    let twice = |world: &mut World| {
        let second = DisruptionBudgetRow { meta: meta("ml", "second"), ..world.guards[0].clone() };
        world.guards.push(second);
    };
    assert_eq!(guarded(&twice), [], "versions differ about two budgets");
}

mod any_place {
    //! Small clusters in which pods hardly find room.

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    /// What can be done to a cluster that only ever makes it easier to move a pod.
    #[derive(Clone, Debug)]
    pub(super) enum Ease {
        Lower(Index, i64),
        Remove(Index),
        Enlarge(Index),
        Untaint(Index),
        Tolerate(Index),
        Unselect(Index),
        Unlimit,
        Unpin(Index),
        Unprotect(Index),
    }

    fn any_pod(name: usize) -> impl Strategy<Value = PodRow> {
        let about = (select(&["a", "n0", "n1", "n2"][..]), 0..4000_i64, 0..5_i64, 0..3_usize, 0..4_usize, 0..3_usize);
        about.prop_map(move |(on, cpu, gpus, tolerates, selects, port)| {
            let mut row = trainer(&format!("p{name}"), on, gpus);
            row.requests = resources(cpu, 1 << 20, &[(GPU, gpus)]).into();
            let place = placement(&mut row);
            place.tolerations = [toleration("team", "Exists", "", ""), toleration("disk", "Equal", "yes", "")]
                [..tolerates.min(2)]
                .to_vec();
            let labels = [("team", "ml"), ("example.com/disk", "fast"), ("kubernetes.io/hostname", on)];
            place.node_selector = labels.get(selects).map(|(key, value)| (sym(key), sym(value))).into_iter().collect();
            if port == 0 {
                place.host_ports = vec![HostPort { port: 80, protocol: sym("TCP"), address: sym("") }];
            }
            row
        })
    }

    fn any_node(name: String) -> impl Strategy<Value = (NodeRow, NodeClaimRow)> {
        (2000..6000_i64, 0..9_i64, 1..6_i64, 0..3_usize, 0..3_usize, 0..6_usize, 0..2_usize).prop_map(
            move |(cpu, gpus, room, tainted, labelled, going, kept)| {
                let id = Some(sym(&format!("i-{name}")));
                let mut with = MANAGED_LABELS.to_vec();
                with.extend([("team", "ml"), ("example.com/disk", "fast")].into_iter().take(labelled));
                let mut row = NodeRow { labels: labels(&with), provider_id: id.clone(), ..node(&name) };
                row.allocatable = resources(cpu, 1 << 40, &[(GPU, gpus)]);
                row.allocatable.pods = room;
                row.capacity = row.allocatable.clone();
                row.do_not_disrupt = (kept == 0).then(|| sym("true"));
                row.taints = [taint("team", "NoSchedule"), taint("disk", "NoExecute")][..tainted.min(2)].to_vec();
                let mut behind =
                    NodeClaimRow { provider_id: id, conditions: met(&DRIFTED), ..claim(&format!("c-{name}")) };
                row.meta.deletion = (going == 0).then_some(NOW);
                behind.meta.deletion = (going < 2).then_some(NOW);
                (row, behind)
            },
        )
    }

    pub(super) fn any_world() -> impl Strategy<Value = World> {
        let nodes = [any_node("n0".to_owned()), any_node("n1".to_owned()), any_node("n2".to_owned())];
        let pods = vec(any::<()>(), 1..9).prop_flat_map(|all| (0..all.len()).map(any_pod).collect::<Vec<_>>());
        (nodes, pods, 0..4_usize, 0..3_usize).prop_map(|(nodes, pods, limit, tainted)| {
            crowded(|world| {
                world.claim().conditions = met(&DRIFTED);
                (world.other_nodes, world.other_claims) = nodes.into_iter().unzip();
                world.pods = pods;
                world.pool().limits = [("nodes", "2"), (GPU, "9"), ("cpu", "9")]
                    .get(limit)
                    .map(|(of, most)| (sym(of), sym(most)))
                    .into_iter()
                    .collect();
                world.pool().template.taints =
                    if tainted == 0 { vec![taint("team", "NoSchedule")] } else { Vec::new() };
            })
        })
    }

    pub(super) fn any_ease() -> impl Strategy<Value = Ease> {
        let at = any::<Index>();
        prop_oneof![
            (at.clone(), 0..4_i64).prop_map(|(at, less)| Ease::Lower(at, less)),
            at.clone().prop_map(Ease::Remove),
            at.clone().prop_map(Ease::Enlarge),
            at.clone().prop_map(Ease::Untaint),
            at.clone().prop_map(Ease::Tolerate),
            at.clone().prop_map(Ease::Unselect),
            at.clone().prop_map(Ease::Unprotect),
            at.prop_map(Ease::Unpin),
            Just(Ease::Unlimit),
        ]
    }

    impl Ease {
        pub(super) fn apply(&self, world: &mut World) {
            match self {
                Self::Lower(at, gpus) => {
                    let row = pod_at(world, *at);
                    let less = resources(row.requests.cpu_millis / 2, 0, &[(GPU, row.requests.gpu(GPU).min(*gpus))]);
                    row.requests = less.into();
                }
                Self::Remove(at) => {
                    let at = at.index(world.pods.len());
                    world.pods.remove(at);
                }
                Self::Enlarge(at) => {
                    let row = node_at(world, *at);
                    row.allocatable = resources(8000, 1 << 41, &[(GPU, 16)]);
                    row.allocatable.pods = 110;
                }
                Self::Untaint(at) => node_at(world, *at).taints.clear(),
                Self::Tolerate(at) => {
                    placement(pod_at(world, *at)).tolerations = vec![toleration("", "Exists", "", "")];
                }
                Self::Unselect(at) => placement(pod_at(world, *at)).node_selector.clear(),
                Self::Unpin(at) => placement(pod_at(world, *at)).host_ports.clear(),
                Self::Unlimit => world.pool().limits.clear(),
                Self::Unprotect(at) => node_at(world, *at).do_not_disrupt = None,
            }
        }
    }

    fn pod_at(world: &mut World, at: Index) -> &mut PodRow {
        let at = at.index(world.pods.len());
        &mut world.pods[at]
    }

    fn node_at(world: &mut World, at: Index) -> &mut NodeRow {
        let at = at.index(world.other_nodes.len());
        &mut world.other_nodes[at]
    }
}

/// The reasons that proofs stop, and whether there is any proof.
fn proven_reasons(world: &World) -> (Reasons, bool) {
    let proofs = proven(world);
    (proofs.iter().fold(Reasons::NONE, |all, (reasons, _)| all.or(*reasons)), !proofs.is_empty())
}

/// Where Karpenter would place a pod of node `a`, by its own rules in their order and nothing else: it is a plain cluster.
fn finds_a_place(world: &World, pod: &PodRow) -> bool {
    let is_on = |other: &PodRow, node: &str| other.node.as_deref() == Some(node) && other.holds_resources();
    world.staying_nodes().any(|node| {
        let name = node.meta.key.name.as_str();
        let there: Vec<&PodRow> = world.pods.iter().filter(|other| is_on(other, name)).collect();
        let tolerated = node
            .taints
            .iter()
            .all(|taint| pod.placement.tolerations.iter().any(|one| one.key.is_empty() || one.key == taint.key));
        let labelled = pod.placement.node_selector.iter().all(|(key, value)| {
            node.labels.get(key) == Some(value) || (key == "kubernetes.io/hostname" && value == name)
        });
        let cpu: i64 = there.iter().map(|other| other.requests.cpu_millis).sum();
        let memory: i64 = there.iter().map(|other| other.requests.memory_bytes).sum();
        let gpus: i64 = there.iter().map(|other| other.requests.gpu(GPU)).sum();
        let room = i64::try_from(there.len()).unwrap() < node.allocatable.pods;
        let ports =
            pod.placement.host_ports.is_empty() || there.iter().all(|other| other.placement.host_ports.is_empty());
        let fits = cpu + pod.requests.cpu_millis <= node.allocatable.cpu_millis
            && memory + pod.requests.memory_bytes <= node.allocatable.memory_bytes
            && gpus + pod.requests.gpu(GPU) <= node.allocatable.gpu(GPU);
        tolerated && labelled && fits && room && ports
    })
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(512))]

    #[test]
    fn making_a_move_easier_never_creates_a_proof(
        world in any_place::any_world(),
        eases in proptest::collection::vec(any_place::any_ease(), 1..4),
    ) {
        let mut easier = world.clone();
        for ease in &eases {
            if !easier.pods.is_empty() {
                ease.apply(&mut easier);
            }
        }
        let ((before, any_before), (after, any_after)) = (proven_reasons(&world), proven_reasons(&easier));
        proptest::prop_assert!(after.without(before).is_empty(), "{before:?} {after:?} {eases:?}");
        // With fewer pods another one may be the first of which a weaker proof speaks, but there was one.
        proptest::prop_assert!(any_before || !any_after, "{eases:?}");
    }

    #[test]
    fn every_proof_speaks_of_a_pod_for_which_there_is_no_place(world in any_place::any_world()) {
        let found = world.disruption();
        for proof in found.blockers.iter().filter(|blocker| blocker.is_proof()) {
            let key = &proof.object.as_ref().unwrap().object;
            let pod = world.pods.iter().find(|pod| pod.meta.key == *key).unwrap();
            proptest::prop_assert!(!finds_a_place(&world, pod), "{}", proof.message.machine_text());
        }
    }

    #[test]
    fn where_all_pods_of_a_node_find_a_place_and_none_is_stranded_nothing_is_proven(world in any_place::any_world()) {
        let is_own = |pod: &&PodRow| pod.node.as_deref() == Some("a");
        let is_stranded = world.staying_nodes().count() < world.other_nodes.len();
        if !is_stranded && world.pods.iter().filter(is_own).all(|pod| finds_a_place(&world, pod)) {
            proptest::prop_assert_eq!(proven(&world), []);
        }
    }
}
