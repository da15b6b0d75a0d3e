//! The gates, in their order: what Karpenter's suites and sources say of each, with its exact message.

use super::world::{
    DRIFTED, QUIET, World, budget, budget_at, budget_for, busy, check, class_ref, drifted, empty, event, evicted,
    guard, karpenter, train,
};
use crate::fleet::{
    Budget, KarpenterApi, Kind, Labels, NodeClaimRow, PodPhase, PodRow, PodSelector, SourceId, Status, Taint,
};
use crate::insight::disruption::BlockerKind;
use crate::insight::testing::{CREATED, MANAGED_LABELS, NOW, claim, condition, labels, met, pod, sym};
use crate::units::{Lifetime, Selector, Time};

const ANNOTATED: &str = "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)";
const NODE_ANNOTATED: &str = "EDU Disruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation";
const BY_POD: &str = "EDU Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)";
const BY_POD_WITH_GRACE: &str = "EU Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)";
const BY_PDB: &str = "EDU Pdb prevents pod evictions (PodDisruptionBudget=[ml/guard])";
const BY_PDB_WITH_GRACE: &str = "EU Pdb prevents pod evictions (PodDisruptionBudget=[ml/guard])";
const BY_PDBS: &str = "EDU Eviction does not support multiple PDBs (PodDisruptionBudget(s)=[ml/guard ml/other])";
const DELETING: &str = "EDU Node is deleting or marked for deletion";
const DISRUPTED: &str = "EDU Candidate is already being disrupted";
const NOT_INITIALIZED: &str = "EDU Node isn't initialized";
const NO_POOL: &str = "EDU NodePool not found (NodePool=gpu)";
const NEVER: &str = "EU NodePool \"gpu\" has consolidation disabled";
const WHEN_EMPTY: &str = "U NodePool \"gpu\" has consolidation policy WhenEmpty, but node is not empty";
const STATIC: &str = "EU NodePool \"gpu\" keeps 1 nodes (spec.replicas) and is never consolidated";

fn taint(key: &str) -> Taint {
    Taint { key: sym(key), value: sym(""), effect: sym("NoSchedule") }
}

fn nothing_allowed(reason: &str) -> String {
    let letter = &reason[..1];
    format!("{letter} No allowed disruptions for disruption reason {reason} due to blocking budget")
}

#[test]
fn nothing_in_the_way() {
    check(vec![
        ("empty", empty(|_| ()), "EmptyCandidate", "ynn", &[]),
        ("busy", busy(|_| ()), "ConsolidationCandidate", "nny", &[]),
        ("drifted", drifted(|_| ()), "DriftCandidate", "nyy", &[]),
        ("drifted and empty", drifted(|w| w.pods.clear()), "EmptyCandidate", "yyn", &[]),
        ("a cordon changes nothing", empty(|w| w.node.cordoned = true), "EmptyCandidate", "ynn", &[]),
        ("empty and not ready", empty(|w| w.node.conditions.clear()), "EmptyCandidate", "ynn", &[]),
        (
            "labels do not matter for an empty node",
            empty(|w| w.unlabel("topology.kubernetes.io/zone")),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
    ]);
}

#[test]
fn who_is_managed() {
    let orphan = |w: &mut World| w.claim = None;
    let with_api = |api| move |w: &mut World| w.karpenter.api = api;
    let legacy = "EDU the rules of karpenter.sh/v1beta1 are not judged";
    check(vec![
        ("no NodeClaim", empty(orphan), "NotManaged", "nnn", &["EDU Node isn't managed by karpenter"]),
        (
            "NodeClaims are not known",
            empty(|w| {
                orphan(w);
                w.hidden = vec![Kind::NodeClaim];
            }),
            "Unknown",
            "???",
            &["EDU not all nodeclaims are known"],
        ),
        ("a legacy API", drifted(with_api(KarpenterApi::V1Beta1)), "Unknown", "???", &[legacy]),
        (
            "of Provisioners",
            empty(|w| {
                orphan(w);
                w.karpenter.api = KarpenterApi::V1Alpha5;
                w.node.labels = labels(&[("karpenter.sh/provisioner-name", "default")]);
            }),
            "Unknown",
            "???",
            &["EDU the rules of karpenter.sh/v1alpha5 are not judged"],
        ),
        (
            "somebody else's node under a legacy API",
            empty(|w| {
                orphan(w);
                w.karpenter.api = KarpenterApi::V1Beta1;
                w.node.labels = Labels::default();
            }),
            "NotManaged",
            "nnn",
            &["EDU Node isn't managed by karpenter"],
        ),
        (
            "which API is not known yet",
            empty(with_api(KarpenterApi::Unknown)),
            "Unknown",
            "?nn",
            &["EDU not all nodeclaims are known"],
        ),
    ]);
}

#[test]
fn who_is_leaving() {
    check(vec![
        ("NodeClaim deleted", empty(|w| w.claim().meta.deletion = Some(NOW)), "Terminating", "nnn", &[DELETING]),
        ("Node deleted", empty(|w| w.node.meta.deletion = Some(NOW)), "Terminating", "nnn", &[DELETING]),
        (
            "instance terminating",
            empty(|w| w.claim().conditions.push(condition("InstanceTerminating", Status::True, ""))),
            "Terminating",
            "nnn",
            &[DELETING],
        ),
        (
            "deleted after it was chosen",
            empty(|w| {
                w.node.taints = vec![taint("karpenter.sh/disrupted")];
                w.claim().meta.deletion = Some(NOW);
            }),
            "Terminating",
            "nnn",
            &[DELETING],
        ),
        (
            "chosen, by taint",
            empty(|w| w.node.taints = vec![taint("karpenter.sh/disrupted")]),
            "BeingDisrupted",
            "nnn",
            &[DISRUPTED],
        ),
        (
            "chosen, by condition",
            empty(|w| w.claim().conditions.push(condition("DisruptionReason", Status::True, "Empty"))),
            "BeingDisrupted",
            "nnn",
            &[DISRUPTED],
        ),
        (
            "the taint of v1beta1 is nobody's any more",
            empty(|w| w.node.taints = vec![taint("karpenter.sh/disruption")]),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
        (
            "nor is one with another effect, which Karpenter would leave there",
            empty(|w| {
                w.node.taints = vec![Taint { effect: sym("NoExecute"), ..taint("karpenter.sh/disrupted") }];
            }),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
        (
            "conditions that are not true",
            empty(|w| {
                w.claim().conditions.push(condition("DisruptionReason", Status::False, "Empty"));
                w.claim().conditions.push(condition("InstanceTerminating", Status::Unknown, ""));
            }),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
    ]);
}

#[test]
fn who_is_initialized() {
    let relabel = |key: &'static str, value: &'static str| {
        move |w: &mut World| {
            let mut pairs: Vec<(&str, &str)> = MANAGED_LABELS.to_vec();
            pairs.iter_mut().filter(|(name, _)| *name == key).for_each(|pair| pair.1 = value);
            w.node.labels = labels(&pairs);
        }
    };
    check(vec![
        (
            "the label decides",
            empty(|w| w.unlabel("karpenter.sh/initialized")),
            "NotInitialized",
            "nnn",
            &[NOT_INITIALIZED],
        ),
        (
            "and its value",
            empty(relabel("karpenter.sh/initialized", "false")),
            "NotInitialized",
            "nnn",
            &[NOT_INITIALIZED],
        ),
        ("not the condition", empty(|w| w.claim().conditions = met(&["Consolidatable"])), "EmptyCandidate", "ynn", &[]),
        (
            "its own budget is not what stops a node that does not count yet",
            empty(|w| {
                w.unlabel("karpenter.sh/initialized");
                w.pool().budgets = Some(vec![budget("100%")]);
            }),
            "NotInitialized",
            "nnn",
            &[NOT_INITIALIZED],
        ),
    ]);
    let mut starting = empty(|w| w.unlabel("karpenter.sh/initialized"));
    starting.claim().conditions = met(&["Launched", "Registered"]);
    starting.claim().last_pod_event = Some(CREATED);
    let quiet = starting.disruption().blockers.into_iter().find(|one| one.kind == BlockerKind::ConsolidateAfter);
    assert_eq!(quiet.map(|one| one.until), Some(None), "the time of a pod says nothing before initialization");
}

#[test]
fn what_a_node_s_annotation_does() {
    let annotated = |value: &'static str| move |w: &mut World| w.node.do_not_disrupt = Some(sym(value));
    let with_grace = |w: &mut World| {
        annotated("true")(w);
        w.claim().termination_grace_seconds = Some(60);
    };
    check(vec![
        ("true", empty(annotated("true")), "ProtectedByNode", "nnn", &[NODE_ANNOTATED]),
        ("drift, whatever the grace period", drifted(with_grace), "ProtectedByNode", "nnn", &[NODE_ANNOTATED]),
        ("emptiness, whatever the grace period", empty(with_grace), "ProtectedByNode", "nnn", &[NODE_ANNOTATED]),
        ("no durations", empty(annotated("1h")), "EmptyCandidate", "ynn", &[]),
        ("exactly", empty(annotated("True")), "EmptyCandidate", "ynn", &[]),
        ("false", empty(annotated("false")), "EmptyCandidate", "ynn", &[]),
        (
            "on a NodeClaim it is read by nobody",
            empty(|w| w.claim().do_not_disrupt = Some(sym("true"))),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
    ]);
}

#[test]
fn before_registration_the_node_claim_speaks_for_the_node() {
    let unregistered = |w: &mut World| w.unlabel("karpenter.sh/registered");
    check(vec![
        (
            "its annotation",
            empty(|w| {
                unregistered(w);
                w.claim().do_not_disrupt = Some(sym("true"));
            }),
            "ProtectedByNode",
            "nnn",
            &[NODE_ANNOTATED],
        ),
        (
            "not the Node's",
            empty(|w| {
                unregistered(w);
                w.node.do_not_disrupt = Some(sym("true"));
            }),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
        (
            "its labels",
            empty(|w| {
                unregistered(w);
                w.claim().labels = Labels::default();
            }),
            "NodePoolMissing",
            "nnn",
            &["EDU Node doesn't have required label (label=karpenter.sh/nodepool)"],
        ),
    ]);
}

#[test]
fn which_node_pool() {
    let class_not_found = |group: &'static str, reason: &'static str| {
        move |w: &mut World| {
            w.pool().node_class = Some(class_ref(group));
            w.pool().conditions = vec![condition("NodeClassReady", Status::False, reason)];
        }
    };
    check(vec![
        (
            "no label",
            empty(|w| w.unlabel("karpenter.sh/nodepool")),
            "NodePoolMissing",
            "nnn",
            &["EDU Node doesn't have required label (label=karpenter.sh/nodepool)"],
        ),
        ("no NodePool", empty(|w| w.pool = None), "NodePoolMissing", "nnn", &[NO_POOL]),
        (
            "NodePools are not known",
            empty(|w| {
                w.pool = None;
                w.hidden = vec![Kind::NodePool];
            }),
            "Unknown",
            "?nn",
            &["EDU not all nodepools are known"],
        ),
        (
            "without its NodeClass, on AWS",
            empty(class_not_found("karpenter.k8s.aws", "NodeClassNotFound")),
            "NodePoolMissing",
            "nnn",
            &[NO_POOL],
        ),
        (
            "without its NodeClass, elsewhere",
            empty(class_not_found("karpenter.kwok.sh", "NodeClassNotFound")),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
        (
            "with a NodeClass that is not ready",
            empty(class_not_found("karpenter.k8s.aws", "SubnetsNotReady")),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
        (
            "a NodePool that is being deleted is one",
            empty(|w| w.pool().meta.deletion = Some(NOW)),
            "EmptyCandidate",
            "ynn",
            &[],
        ),
    ]);
}

#[test]
fn which_annotated_pods_protect() {
    let with = |row: PodRow| empty(move |w| w.pods = vec![row]);
    let changed = |value: &str, change: fn(&mut PodRow)| {
        let mut row = train(value);
        change(&mut row);
        with(row)
    };
    let started = |row: &mut PodRow| row.started = Some(NOW.plus_seconds(-60));
    check(vec![
        ("true", with(train("true")), "ProtectedByPod", "nnn", &[BY_POD]),
        (
            "pending and bound, its images being pulled",
            changed("true", |row| row.phase = PodPhase::Pending),
            "ProtectedByPod",
            "nnn",
            &[BY_POD],
        ),
        ("terminating", changed("true", |row| row.meta.deletion = Some(NOW)), "EmptyCandidate", "ynn", &[]),
        ("completed", changed("true", |row| row.phase = PodPhase::Succeeded), "EmptyCandidate", "ynn", &[]),
        ("failed", changed("true", |row| row.phase = PodPhase::Failed), "EmptyCandidate", "ynn", &[]),
        (
            "of a DaemonSet",
            changed("true", |row| row.eviction.of_daemon_set = true),
            "ProtectedByPod",
            "nnn",
            &[BY_POD],
        ),
        ("a mirror pod", changed("true", |row| row.eviction.of_node = true), "ProtectedByPod", "nnn", &[BY_POD]),
        (
            "tolerating the taint",
            changed("true", |row| row.eviction.tolerates_disrupted = true),
            "ProtectedByPod",
            "nnn",
            &[BY_POD],
        ),
        ("a duration that runs", changed("61s", started), "ProtectedByPod", "nnn", &[BY_POD]),
        ("a duration that has just passed", changed("60s", started), "ConsolidationCandidate", "nny", &[]),
        (
            "a duration without a start",
            changed("5s", |row| {
                row.started = None;
                row.phase = PodPhase::Pending;
            }),
            "ProtectedByPod",
            "nnn",
            &[BY_POD],
        ),
        ("no days", changed("1d", started), "ConsolidationCandidate", "nny", &[]),
        ("false", changed("false", started), "ConsolidationCandidate", "nny", &[]),
        ("True", changed("True", started), "ConsolidationCandidate", "nny", &[]),
        ("negative", changed("-1h", started), "ConsolidationCandidate", "nny", &[]),
        ("nothing", changed("", started), "ConsolidationCandidate", "nny", &[]),
        ("on another node", changed("true", |row| row.node = Some(sym("b"))), "EmptyCandidate", "ynn", &[]),
        ("pods are not known", busy(|w| w.hidden = vec![Kind::Pod]), "Unknown", "nn?", &["EDU not all pods are known"]),
        (
            "one is known, others may not be",
            empty(|w| {
                w.pods = vec![train("true")];
                w.hidden = vec![Kind::Pod];
            }),
            "ProtectedByPod",
            "nnn",
            &[BY_POD, "EDU not all pods are known"],
        ),
        (
            "what stops one reason is no headline while another may be open",
            busy(|w| {
                w.pool().consolidation_policy = sym("WhenEmpty");
                w.claim().conditions = met(&DRIFTED);
                w.hidden = vec![Kind::Pod];
            }),
            "Unknown",
            "n?n",
            &[WHEN_EMPTY, "EDU not all pods are known"],
        ),
        (
            "but it is where all are stopped",
            busy(|w| {
                w.pool().consolidation_policy = sym("WhenEmpty");
                w.hidden = vec![Kind::Pod];
            }),
            "BlockedByPolicy",
            "nnn",
            &[WHEN_EMPTY, "EDU not all pods are known"],
        ),
    ]);
}

/// terminationGracePeriod × reason × what protects (types.go, NewCandidate).
#[test]
fn what_a_termination_grace_period_overrides() {
    let by_pod = |w: &mut World| w.pods = vec![train("true")];
    let by_pdb = |w: &mut World| w.guards = vec![guard("guard", 0)];
    let by_pdbs = |w: &mut World| w.guards = vec![guard("guard", 1), guard("other", 1)];
    let grace = |w: &mut World| w.claim().termination_grace_seconds = Some(600);
    let both = |one: fn(&mut World), other: fn(&mut World)| {
        move |w: &mut World| {
            one(w);
            other(w);
        }
    };
    let daemon = |w: &mut World| {
        w.pods = vec![evicted("logs", |eviction| eviction.of_daemon_set = true)];
        w.guards = vec![guard("guard", 0)];
    };
    check(vec![
        ("drift, pod", drifted(by_pod), "ProtectedByPod", "nnn", &[BY_POD]),
        ("drift, pod, grace", drifted(both(by_pod, grace)), "DriftCandidate", "nyn", &[BY_POD_WITH_GRACE]),
        ("drift, PDB", drifted(by_pdb), "BlockedByPdb", "nnn", &[BY_PDB]),
        ("drift, PDB, grace", drifted(both(by_pdb, grace)), "DriftCandidate", "nyn", &[BY_PDB_WITH_GRACE]),
        ("drift, two PDBs", drifted(by_pdbs), "BlockedByPdb", "nnn", &[BY_PDBS]),
        (
            "drift, two PDBs, grace",
            drifted(both(by_pdbs, grace)),
            "DriftCandidate",
            "nyn",
            &["EU Eviction does not support multiple PDBs (PodDisruptionBudget(s)=[ml/guard ml/other])"],
        ),
        ("consolidation, pod", busy(by_pod), "ProtectedByPod", "nnn", &[BY_POD]),
        ("consolidation, pod, grace", busy(both(by_pod, grace)), "ProtectedByPod", "nnn", &[BY_POD_WITH_GRACE]),
        ("consolidation, PDB", busy(by_pdb), "BlockedByPdb", "nnn", &[BY_PDB]),
        ("consolidation, PDB, grace", busy(both(by_pdb, grace)), "BlockedByPdb", "nnn", &[BY_PDB_WITH_GRACE]),
        ("emptiness, PDB", empty(daemon), "BlockedByPdb", "nnn", &[BY_PDB]),
        ("emptiness, PDB, grace", empty(both(daemon, grace)), "BlockedByPdb", "nnn", &[BY_PDB_WITH_GRACE]),
        (
            "emptiness, pod, grace",
            empty(|w| {
                let mut row = train("true");
                row.eviction.of_daemon_set = true;
                w.pods = vec![row];
                grace(w);
            }),
            "ProtectedByPod",
            "nnn",
            &[BY_POD_WITH_GRACE],
        ),
        (
            "the NodePool's grace period is for NodeClaims to come",
            drifted(|w| {
                by_pod(w);
                w.pool().termination_grace_seconds = Some(600);
            }),
            "ProtectedByPod",
            "nnn",
            &[BY_POD],
        ),
        (
            "drift that its budget stops, pods that do not",
            drifted(|w| {
                by_pod(w);
                grace(w);
                w.pool().budgets = Some(vec![budget_for("0", &["Drifted"])]);
            }),
            "BlockedByBudget",
            "nnn",
            &[BY_POD_WITH_GRACE, &nothing_allowed("Drifted")],
        ),
    ]);
}

#[test]
fn which_pods_a_budget_speaks_of() {
    let guarded = |allowed: i64, change: fn(&mut World)| {
        busy(move |w| {
            w.guards = vec![guard("guard", allowed)];
            change(w);
        })
    };
    check(vec![
        ("allows one", guarded(1, |_| ()), "ConsolidationCandidate", "nny", &[]),
        ("allows none", guarded(0, |_| ()), "BlockedByPdb", "nnn", &[BY_PDB]),
        ("not zero is not zero", guarded(-1, |_| ()), "ConsolidationCandidate", "nny", &[]),
        (
            "no selector selects nothing",
            guarded(0, |w| w.guards[0].selector = PodSelector::Nothing),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "of other labels",
            guarded(0, |w| w.guards[0].selector = PodSelector::Matching(Selector::parse("app=web").unwrap())),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "of its labels",
            guarded(0, |w| {
                w.guards[0].selector = PodSelector::Matching(Selector::parse("app=web").unwrap());
                w.pods[0].labels = labels(&[("app", "web")]);
            }),
            "BlockedByPdb",
            "nnn",
            &[BY_PDB],
        ),
        (
            "of another namespace",
            guarded(0, |w| w.pods = vec![pod("web", "web", Some("a"))]),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "a toleration of everything exempts from PDBs",
            guarded(0, |w| w.pods[0].eviction.tolerates_disrupted = true),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "but not from the annotation",
            guarded(0, |w| {
                w.pods = vec![train("true")];
                w.pods[0].eviction.tolerates_disrupted = true;
            }),
            "ProtectedByPod",
            "nnn",
            &[BY_POD],
        ),
        (
            "a protected pod is not evicted, so its PDB does not count",
            guarded(0, |w| w.pods = vec![train("true")]),
            "ProtectedByPod",
            "nnn",
            &[BY_POD],
        ),
        (
            "until its protection has ended",
            guarded(0, |w| w.pods = vec![train("59m")]),
            "BlockedByPdb",
            "nnn",
            &[BY_PDB],
        ),
        ("a mirror pod", guarded(0, |w| w.pods[0].eviction.of_node = true), "EmptyCandidate", "ynn", &[]),
        ("of a DaemonSet", guarded(0, |w| w.pods[0].eviction.of_daemon_set = true), "BlockedByPdb", "nnn", &[BY_PDB]),
        ("terminating", guarded(0, |w| w.pods[0].meta.deletion = Some(NOW)), "EmptyCandidate", "ynn", &[]),
        ("finished", guarded(0, |w| w.pods[0].phase = PodPhase::Failed), "EmptyCandidate", "ynn", &[]),
    ]);
}

#[test]
fn readiness_several_budgets_and_unreadable_ones() {
    let guarded = |allowed: i64, change: fn(&mut World)| {
        busy(move |w| {
            w.guards = vec![guard("guard", allowed)];
            change(w);
        })
    };
    let ready = |status: Status, always: bool| {
        busy(move |w| {
            w.pods = vec![evicted("web", |eviction| eviction.unready = status == Status::False)];
            w.guards = vec![guard("guard", 0)];
            w.guards[0].always_allows_unhealthy = always;
        })
    };
    check(vec![
        ("AlwaysAllow, not ready", ready(Status::False, true), "ConsolidationCandidate", "nny", &[]),
        ("AlwaysAllow, readiness not known", ready(Status::Unknown, true), "BlockedByPdb", "nnn", &[BY_PDB]),
        ("AlwaysAllow, ready", ready(Status::True, true), "BlockedByPdb", "nnn", &[BY_PDB]),
        ("IfHealthyBudget, not ready", ready(Status::False, false), "BlockedByPdb", "nnn", &[BY_PDB]),
        (
            "two block whatever they allow",
            guarded(1, |w| w.guards.push(guard("other", 1))),
            "BlockedByPdb",
            "nnn",
            &[BY_PDBS],
        ),
        (
            "two block an unhealthy pod, too",
            guarded(1, |w| {
                w.guards.push(guard("other", 1));
                w.guards.iter_mut().for_each(|row| row.always_allows_unhealthy = true);
                w.pods[0].eviction.unready = true;
            }),
            "BlockedByPdb",
            "nnn",
            &[BY_PDBS],
        ),
        (
            "PDBs are not known",
            busy(|w| w.hidden = vec![Kind::PodDisruptionBudget]),
            "Unknown",
            "nn?",
            &["EDU not all poddisruptionbudgets are known"],
        ),
        (
            "a selector that cannot be read stops everything",
            empty(|w| {
                w.guards = vec![guard("guard", 1)];
                w.guards[0].selector = PodSelector::Invalid(sym("no operator"));
            }),
            "LoopPaused",
            "nnn",
            &["EDU disruption loop paused: the selector of PodDisruptionBudget ml/guard cannot be read"],
        ),
    ]);
}

#[test]
fn several_things_of_one_kind_are_all_named() {
    let world = busy(|w| {
        w.pods = vec![train("true"), PodRow { do_not_disrupt: Some(sym("2h")), ..pod("ml", "train-1", Some("a")) }];
    });
    let found = world.disruption();
    let until: Vec<Option<Time>> = found.firm().map(|blocker| blocker.until).collect();
    assert_eq!(until, [None, Some(CREATED.plus_seconds(7200))]);
    assert_eq!(found.until(), None, "one of them has no end");
    let ends = busy(|w| w.pods = vec![train("2h")]).disruption();
    assert_eq!(ends.until(), Some(CREATED.plus_seconds(7200)));
}

#[test]
fn what_is_empty() {
    let with = |row: PodRow| empty(move |w| w.pods = vec![row]);
    let priority = |priority: i32| evicted("p", |eviction| eviction.priority = priority);
    let cost = |cost: &'static str| evicted("p", move |eviction| eviction.deletion_cost = Some(sym(cost)));
    let stateful = |terminating: bool| {
        let mut row = evicted("db-0", |eviction| eviction.of_stateful_set = true);
        row.meta.deletion = terminating.then_some(NOW);
        row
    };
    let old = |row: PodRow| {
        empty(move |w| {
            w.pods = vec![row];
            w.karpenter = karpenter("1.13.0");
        })
    };
    check(vec![
        ("a DaemonSet's pod", with(evicted("p", |e| e.of_daemon_set = true)), "EmptyCandidate", "ynn", &[]),
        ("a mirror pod", with(evicted("p", |e| e.of_node = true)), "EmptyCandidate", "ynn", &[]),
        ("a terminating pod of a StatefulSet comes back", with(stateful(true)), "ConsolidationCandidate", "nny", &[]),
        ("a pod of a StatefulSet", with(stateful(false)), "ConsolidationCandidate", "nny", &[]),
        ("priority that makes a pod free", with(priority(-33_554_432)), "EmptyCandidate", "ynn", &[]),
        ("priority just above", with(priority(-33_554_431)), "ConsolidationCandidate", "nny", &[]),
        ("the least priority", with(priority(i32::MIN)), "EmptyCandidate", "ynn", &[]),
        ("the highest priority", with(priority(2_000_001_000)), "ConsolidationCandidate", "nny", &[]),
        ("deletion cost that makes a pod free", with(cost("-134217728")), "EmptyCandidate", "ynn", &[]),
        ("deletion cost just above", with(cost("-134217727")), "ConsolidationCandidate", "nny", &[]),
        ("deletion cost that is no number", with(cost("cheap")), "ConsolidationCandidate", "nny", &[]),
        ("free pods up to 1.13", old(priority(i32::MIN)), "ConsolidationCandidate", "nny", &[]),
        (
            "a free pod and one that is not",
            empty(|w| w.pods = vec![priority(i32::MIN), pod("ml", "q", Some("a"))]),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "empty, as far as is known",
            empty(|w| w.hidden = vec![Kind::Pod]),
            "Unknown",
            "?n?",
            &["EDU not all pods are known"],
        ),
    ]);
}

#[test]
fn a_node_pool_of_fixed_size() {
    let fixed = |w: &mut World| w.pool().replicas = Some(1);
    let limit = |nodes: &'static str| {
        move |w: &mut World| {
            fixed(w);
            w.pool().limits = vec![(sym("nodes"), sym(nodes))];
        }
    };
    let second = |change: fn(&mut NodeClaimRow)| {
        move |w: &mut World| {
            fixed(w);
            w.add_nodes(1, |_, claim| change(claim));
        }
    };
    let deleting = |claim: &mut NodeClaimRow| claim.meta.deletion = Some(NOW);
    let scales_down = "D NodePool \"gpu\" has 2 nodes for 1 replicas: it scales down first";
    let full = "D NodePool \"gpu\" is at its limit of nodes, which leaves no room for a replacement";
    check(vec![
        ("empty", empty(fixed), "Static", "nnn", &[STATIC]),
        ("busy", busy(fixed), "Static", "nnn", &[STATIC]),
        ("drifted", drifted(fixed), "DriftCandidate", "nyn", &[STATIC]),
        ("drifted, too many nodes", drifted(second(|_| ())), "Static", "nnn", &[STATIC, scales_down]),
        ("drifted, one of them being deleted", drifted(second(deleting)), "DriftCandidate", "nyn", &[STATIC]),
        (
            "drifted, one of them being replaced",
            drifted(second(|claim| claim.conditions.push(condition("DisruptionReason", Status::True, "Drifted")))),
            "DriftCandidate",
            "nyn",
            &[STATIC],
        ),
        ("drifted, room for one", drifted(limit("2")), "DriftCandidate", "nyn", &[STATIC]),
        ("drifted, no room", drifted(limit("1")), "Static", "nnn", &[STATIC, full]),
        (
            "what is being deleted still takes room",
            drifted(|w| {
                limit("2")(w);
                w.add_nodes(1, |_, claim| claim.meta.deletion = Some(NOW));
            }),
            "Static",
            "nnn",
            &[STATIC, full],
        ),
        (
            "its budgets count",
            drifted(|w| {
                fixed(w);
                w.pool().budgets = Some(vec![budget("0")]);
            }),
            "BlockedByBudget",
            "nnn",
            &[STATIC, &nothing_allowed("Drifted"), &nothing_allowed("Underutilized")],
        ),
        (
            "NodeClaims are not known",
            drifted(|w| {
                fixed(w);
                w.hidden = vec![Kind::NodeClaim];
            }),
            "Unknown",
            "n?n",
            &[STATIC, "EDU not all nodeclaims are known"],
        ),
    ]);
}

#[test]
fn how_consolidation_is_set_up() {
    let policy = |policy: &'static str| move |w: &mut World| w.pool().consolidation_policy = sym(policy);
    let after = |after: Lifetime| move |w: &mut World| w.pool().consolidate_after = after;
    let unlabelled = |key: &'static str| busy(move |w| w.unlabel(key));
    check(vec![
        ("Never, empty", empty(after(Lifetime::Never)), "ConsolidationDisabled", "nnn", &[NEVER]),
        ("Never, busy", busy(after(Lifetime::Never)), "ConsolidationDisabled", "nnn", &[NEVER]),
        ("Never, drifted", drifted(after(Lifetime::Never)), "DriftCandidate", "nyn", &[NEVER]),
        ("WhenEmpty, empty", empty(policy("WhenEmpty")), "EmptyCandidate", "ynn", &[]),
        ("WhenEmpty, busy", busy(policy("WhenEmpty")), "BlockedByPolicy", "nnn", &[WHEN_EMPTY]),
        ("WhenEmpty, drifted", drifted(policy("WhenEmpty")), "DriftCandidate", "nyn", &[WHEN_EMPTY]),
        (
            "WhenEmpty up to 1.13",
            busy(|w| {
                policy("WhenEmpty")(w);
                w.karpenter = karpenter("1.13.0");
            }),
            "BlockedByPolicy",
            "nnn",
            &["U NodePool \"gpu\" has non-empty consolidation disabled"],
        ),
        ("Balanced", busy(policy("Balanced")), "ConsolidationCandidate", "nny", &[]),
        ("a policy of the future", busy(policy("WhenFull")), "ConsolidationCandidate", "nny", &[]),
        (
            "no instance type",
            unlabelled("node.kubernetes.io/instance-type"),
            "MissingLabels",
            "nnn",
            &["U Instance Type \"\" not found"],
        ),
        (
            "no capacity type",
            unlabelled("karpenter.sh/capacity-type"),
            "MissingLabels",
            "nnn",
            &["U Node does not have label \"karpenter.sh/capacity-type\""],
        ),
        (
            "no zone",
            unlabelled("topology.kubernetes.io/zone"),
            "MissingLabels",
            "nnn",
            &["U Node does not have label \"topology.kubernetes.io/zone\""],
        ),
        (
            "drift does not ask for labels",
            drifted(|w| w.unlabel("topology.kubernetes.io/zone")),
            "DriftCandidate",
            "nyn",
            &["U Node does not have label \"topology.kubernetes.io/zone\""],
        ),
    ]);
}

#[test]
fn how_long_a_node_must_be_quiet() {
    let quiet = |last: Option<i64>, after: i64, conditions: &'static [&'static str]| {
        empty(move |w| {
            w.pool().consolidate_after = Lifetime::Seconds(after);
            w.claim().last_pod_event = last.map(|ago| NOW.plus_seconds(-ago));
            w.claim().conditions = met(conditions);
        })
    };
    let pending = &QUIET[..3];
    let until = |world: &World| world.disruption().until();
    let not_yet = |after: &str| vec![format!("EU not quiet for consolidateAfter {after} yet")];
    for (world, want) in [
        (quiet(Some(10), 30, pending), Some(NOW.plus_seconds(20))),
        (quiet(Some(30), 30, pending), Some(NOW)),
        (quiet(None, 7200, pending), Some(CREATED.plus_seconds(7200))),
        (quiet(None, 7200, &QUIET[..2]), None),
    ] {
        let (verdict, may, _) = world.said();
        assert_eq!((verdict, may.as_str(), until(&world)), ("ConsolidateAfterPending", "nnn", want));
    }
    assert_eq!(quiet(Some(10), 30, pending).said().2, not_yet("30s"));
    assert_eq!(quiet(Some(10), 30, &QUIET).said().0, "EmptyCandidate", "Karpenter's own condition decides");
    let drifted = quiet(Some(10), 30, &["Launched", "Registered", "Initialized", "Drifted"]);
    assert_eq!(drifted.said().0, "DriftCandidate", "drift does not wait");
}

#[test]
fn what_budgets_allow() {
    let pool = |budgets: Vec<Budget>, others: usize| {
        busy(move |w| {
            w.pool().budgets = Some(budgets);
            w.add_nodes(others, |_, _| ());
        })
    };
    let none = nothing_allowed("Underutilized");
    let broken = || {
        let of_empty = Some(vec![sym("Empty")]);
        vec![budget("5"), Budget { reasons: of_empty, ..budget_at("5", "0 25 * * *", "1h") }]
    };
    check(vec![
        ("no budgets", busy(|w| w.pool().budgets = None), "ConsolidationCandidate", "nny", &[]),
        ("an empty list", pool(vec![], 0), "ConsolidationCandidate", "nny", &[]),
        ("zero", pool(vec![budget("0")], 3), "BlockedByBudget", "nnn", &[&none]),
        ("zero percent", pool(vec![budget("0%")], 3), "BlockedByBudget", "nnn", &[&none]),
        ("one", pool(vec![budget("1")], 0), "ConsolidationCandidate", "nny", &[]),
        ("10 % of one is one", pool(vec![budget("10%")], 0), "ConsolidationCandidate", "nny", &[]),
        ("the least counts", pool(vec![budget("5"), budget("0")], 3), "BlockedByBudget", "nnn", &[&none]),
        ("for this reason", pool(vec![budget_for("0", &["Underutilized"])], 0), "BlockedByBudget", "nnn", &[&none]),
        (
            "for other reasons",
            pool(vec![budget_for("0", &["Empty", "Drifted"])], 0),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        ("for no reason", pool(vec![budget_for("0", &[])], 0), "ConsolidationCandidate", "nny", &[]),
        ("one that cannot be read closes all", pool(broken(), 3), "BlockedByBudget", "nnn", &[&none]),
        ("nodes that are no number", pool(vec![budget("some")], 3), "BlockedByBudget", "nnn", &[&none]),
    ]);
}

#[test]
fn what_uses_budgets_up() {
    let used = |budgets: Vec<Budget>, change: fn(&mut crate::fleet::NodeRow, &mut NodeClaimRow)| {
        busy(move |w| {
            w.pool().budgets = Some(budgets);
            w.add_nodes(1, change);
        })
    };
    let consumed = "U NodePool \"gpu\" allows 1 of 2 nodes for Underutilized, and 1 are not ready or being disrupted";
    let own = "U NodePool \"gpu\" allows 1 of 1 nodes for Underutilized, and 1 are not ready or being disrupted";
    check(vec![
        (
            "a node that is not ready",
            used(vec![budget("1")], |node, _| node.conditions.clear()),
            "BlockedByBudget",
            "nnn",
            &[consumed],
        ),
        (
            "a node that is being deleted",
            used(vec![budget("1")], |_, claim| claim.meta.deletion = Some(NOW)),
            "BlockedByBudget",
            "nnn",
            &[consumed],
        ),
        (
            "a node that was chosen",
            used(vec![budget("1")], |node, _| node.taints = vec![taint("karpenter.sh/disrupted")]),
            "BlockedByBudget",
            "nnn",
            &[consumed],
        ),
        (
            "a node with the taint of v1beta1",
            used(vec![budget("1")], |node, _| node.taints = vec![taint("karpenter.sh/disruption")]),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "a node whose instance is gone",
            used(vec![budget("1")], |_, claim| {
                claim.meta.deletion = Some(NOW);
                claim.conditions = met(&["InstanceTerminating"]);
            }),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "a node that is starting",
            used(vec![budget("1")], |node, _| {
                node.conditions.clear();
                node.labels = labels(&[("karpenter.sh/nodepool", "gpu")]);
            }),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "a node of another NodePool",
            used(vec![budget("1")], |node, _| {
                node.conditions.clear();
                node.labels = labels(&[("karpenter.sh/nodepool", "cpu"), ("karpenter.sh/initialized", "true")]);
            }),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
        (
            "the node itself",
            busy(|w| {
                w.pool().budgets = Some(vec![budget("100%")]);
                w.node.conditions = vec![condition("Ready", Status::Unknown, "")];
            }),
            "BlockedByBudget",
            "nnn",
            &[own],
        ),
    ]);
}

#[test]
fn what_budgets_allow_of_how_many_nodes() {
    let none = nothing_allowed("Underutilized");
    check(vec![
        (
            "nodes are not known",
            busy(|w| {
                w.pool().budgets = Some(vec![budget("1")]);
                w.hidden = vec![Kind::Node];
            }),
            "Unknown",
            "nn?",
            &["U not all nodes are known"],
        ),
        (
            "what is used up of half of the known nodes may be free of half of all",
            busy(|w| {
                w.pool().budgets = Some(vec![budget("50%")]);
                w.node.conditions.clear();
                w.hidden = vec![Kind::Node];
            }),
            "Unknown",
            "nn?",
            &["U not all nodes are known"],
        ),
        (
            "zero is zero of however many",
            busy(|w| {
                w.pool().budgets = Some(vec![budget("0")]);
                w.hidden = vec![Kind::Node];
            }),
            "BlockedByBudget",
            "nnn",
            &[&none],
        ),
        (
            "no limit is none of however many",
            busy(|w| w.hidden = vec![Kind::Node]),
            "ConsolidationCandidate",
            "nny",
            &[],
        ),
    ]);
}

/// 20 % of 19 nodes are 4, rounded up.
#[test]
fn percentages_are_rounded_up() {
    let leaving = |count: usize| {
        busy(move |w| {
            w.pool().budgets = Some(vec![budget("20%")]);
            w.add_nodes(18, |_, _| ());
            w.other_nodes.iter_mut().take(count).for_each(|node| node.conditions.clear());
        })
    };
    assert_eq!(leaving(3).said().0, "ConsolidationCandidate");
    assert_eq!(leaving(4).said().0, "BlockedByBudget");
}

#[test]
fn windows_are_in_utc_and_may_straddle_midnight() {
    let at = |now: &str| {
        let now = Time::parse(now).unwrap();
        let world = busy(|w| {
            w.pool().budgets = Some(vec![budget_at("0", "0 22 * * *", "4h")]);
            w.now = now;
        });
        let found = world.disruption();
        (found.verdict.name(), found.until().map(|until| until.to_string()))
    };
    let closed = |until: &str| ("BlockedByBudget", Some(until.to_owned()));
    assert_eq!(at("2026-11-21T21:59:59Z"), ("ConsolidationCandidate", None));
    assert_eq!(at("2026-11-21T22:00:00Z"), closed("2026-11-22T02:00:00Z"));
    assert_eq!(at("2026-11-22T00:00:00Z"), closed("2026-11-22T02:00:00Z"));
    assert_eq!(at("2026-11-22T01:59:59Z"), closed("2026-11-22T02:00:00Z"));
    assert_eq!(at("2026-11-22T02:00:00Z"), ("ConsolidationCandidate", None));
}

/// A window that opens and closes all the time does not hide when the one that matters ends.
#[test]
fn the_end_of_a_long_window_is_found_behind_many_short_ones() {
    let world = |short: &'static str| {
        busy(move |w| {
            w.now = Time::parse("2026-11-23T00:00:30Z").unwrap();
            w.pool().budgets = Some(vec![budget_at("0", "0 0 * * 1", "120h"), budget_at(short, "* * * * *", "45s")]);
        })
    };
    let until = |short| world(short).disruption().until().map(|until| until.to_string());
    assert_eq!(until("5").as_deref(), Some("2026-11-28T00:00:00Z"));
    assert_eq!(until("0").as_deref(), Some("2026-11-28T00:00:45Z"), "the short one must be over, too");
}

#[test]
fn a_budget_that_nodes_use_up_has_no_known_end() {
    let world = busy(|w| {
        w.pool().budgets = Some(vec![budget("1")]);
        w.add_nodes(1, |node, _| node.conditions.clear());
    });
    assert_eq!(world.disruption().until(), None);
}

/// Half of the known nodes is used up at eleven; half of all nodes may not be.
#[test]
fn a_budget_opens_at_the_soonest_as_far_as_is_known() {
    let world = |hidden: Vec<Kind>| {
        busy(move |w| {
            w.now = Time::parse("2026-11-21T10:00:00Z").unwrap();
            w.pool().budgets = Some(vec![budget_at("0", "0 9 * * *", "2h"), budget_at("50%", "0 9 * * *", "4h")]);
            w.node.conditions.clear();
            w.hidden = hidden;
        })
    };
    let until = |hidden| world(hidden).disruption().until().map(|until| until.to_string());
    assert_eq!(until(vec![]).as_deref(), Some("2026-11-21T13:00:00Z"));
    assert_eq!(until(vec![Kind::Node]).as_deref(), Some("2026-11-21T11:00:00Z"));
}

#[test]
fn a_closed_budget_for_one_reason_does_not_stop_another() {
    let world = drifted(|w| {
        w.pods.clear();
        w.pool().budgets = Some(vec![budget_for("0", &["Empty"])]);
    });
    let none = nothing_allowed("Empty");
    assert_eq!(world.said(), ("DriftCandidate", "nyn".to_owned(), vec![none]));
}

#[test]
fn what_pauses_the_loop() {
    let launching = |group: &'static str, age: i64| {
        empty(move |w| {
            w.claim().node_class = Some(class_ref("karpenter.k8s.aws"));
            let mut row = claim("new");
            row.node_class = Some(class_ref(group));
            row.meta.created = NOW.plus_seconds(-age);
            w.other_claims = vec![row];
        })
    };
    let paused = "EDU disruption loop paused: NodeClaim new has no providerID";
    let world = launching("karpenter.k8s.aws", 60);
    assert_eq!(world.disruption().until(), Some(NOW.plus_seconds(240)));
    check(vec![
        ("of this Karpenter", world, "LoopPaused", "nnn", &[paused]),
        ("of another one", launching("eks.amazonaws.com", 60), "EmptyCandidate", "ynn", &[]),
        ("what was decided before is carried out", launching("karpenter.k8s.aws", 19), "EmptyCandidate", "ynn", &[]),
        ("and then nothing is", launching("karpenter.k8s.aws", 20), "LoopPaused", "nnn", &[paused]),
        (
            "it is the headline where nothing else stops one reason, whatever stops the others",
            {
                let mut world = launching("karpenter.k8s.aws", 60);
                world.pods = vec![pod("ml", "web", Some("a"))];
                world.claim().conditions = met(&super::world::DRIFTED);
                world.pool().consolidate_after = Lifetime::Never;
                world
            },
            "LoopPaused",
            "nnn",
            &[paused, "EU NodePool \"gpu\" has consolidation disabled"],
        ),
        (
            "a NodeClaim that is being deleted counts until it is gone",
            {
                let mut world = launching("karpenter.k8s.aws", 60);
                world.other_claims[0].meta.deletion = Some(NOW);
                world
            },
            "LoopPaused",
            "nnn",
            &[paused],
        ),
        (
            "protection is the better headline",
            {
                let mut world = launching("karpenter.k8s.aws", 60);
                world.pods = vec![train("true")];
                world
            },
            "ProtectedByPod",
            "nnn",
            &[paused, BY_POD],
        ),
    ]);
}

/// A node that the cloud takes back, as long as nothing else may be said of it.
#[test]
fn a_spot_notice_is_the_headline_of_what_is_held() {
    let noticed = |age: i64| {
        busy(move |w| {
            w.pods = vec![train("true")];
            w.events = vec![event("SpotInterrupted", "Spot interruption warning was triggered", age)];
        })
    };
    for (age, want) in [(0, "SpotInterrupted"), (179, "SpotInterrupted"), (180, "ProtectedByPod")] {
        let (verdict, may, blockers) = noticed(age).said();
        assert_eq!((verdict, may.as_str(), blockers), (want, "nnn", vec![format!("EDU {ANNOTATED}")]), "{age}");
    }
}

/// Two things stop one reason each: all are listed, in the order of the gates.
#[test]
fn blockers_stand_in_the_order_of_the_gates() {
    let world = drifted(|w| {
        w.node.do_not_disrupt = Some(sym("true"));
        w.pods = vec![train("true"), pod("ml", "web", Some("a"))];
        w.guards = vec![guard("guard", 0)];
        w.claim().conditions = met(&DRIFTED[..3]);
        w.claim().conditions.push(condition("Drifted", Status::True, "AMIDrift"));
        w.pool().consolidation_policy = sym("WhenEmpty");
        w.pool().consolidate_after = Lifetime::Seconds(60);
        w.pool().budgets = Some(vec![budget("0")]);
    });
    let kinds: Vec<BlockerKind> = world.disruption().firm().map(|blocker| blocker.kind).collect();
    let want = [
        BlockerKind::NodeAnnotation,
        BlockerKind::PodAnnotation,
        BlockerKind::Pdb,
        BlockerKind::Policy,
        BlockerKind::ConsolidateAfter,
        BlockerKind::Budget,
        BlockerKind::Budget,
    ];
    assert_eq!(kinds, want);
}

/// An object that cannot be read is as good as one that is not there yet.
#[test]
fn what_cannot_be_read_leaves_the_answer_open() {
    let unreadable = |kind: Kind| {
        empty(|_| ()).ask_with(
            |sources| {
                sources.entry(SourceId::Kind(kind)).or_default().undecodable = 1;
            },
            |judge, fleet| fleet.node("a").map(|node| judge.node(node).verdict.name()),
        )
    };
    for kind in [Kind::NodeClaim, Kind::Pod, Kind::PodDisruptionBudget] {
        assert_eq!(unreadable(kind), Some("Unknown"), "{kind:?}");
    }
    assert_eq!(unreadable(Kind::Job), Some("EmptyCandidate"), "Jobs do not decide");
}
