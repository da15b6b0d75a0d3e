//! The gates, in their order: what Karpenter's suites and sources say of each, with its exact message.
//!
//! A case is a world around one Node (`empty`, `busy` with a pod, or `drifted` with a pod, and what is changed there), then
//! the verdict on that Node, the reasons for which Karpenter may take it (`open_for`) or for which that is not known
//! (`unknown_for`), and what stops it (`blocked_by`), each with the reasons that are stopped: `for_all`,
//! `for_consolidation` (emptiness and underutilization, not drift) or `for_only` one. A reason that is not named is closed.

use super::world::{
    Blocked, DRIFTED, QUIET, World, budget, budget_at, budget_for, busy, case, check, class_ref, drifted, empty, event,
    evicted, for_all, for_consolidation, for_only, guard, karpenter, train,
};
use crate::fleet::{
    Budget, KarpenterApi, Kind, Labels, NodeClaimRow, NodeClassRow, PodPhase, PodRow, PodSelector, SourceId, Status,
    Taint,
};
use crate::insight::KarpenterVersion;
use crate::insight::disruption::Reason::{self, Drifted, Empty, Underutilized};
use crate::insight::disruption::{BlockerKind, Reasons};
use crate::insight::testing::{
    CREATED, MANAGED_LABELS, NOW, claim, condition, eviction_of, labels, met, meta, pod, sym,
};
use crate::units::{Lifetime, Selector, Time};

const ANNOTATED: &str = "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)";
const PDB: &str = "Pdb prevents pod evictions (PodDisruptionBudget=[ml/guard])";
const SEVERAL_PDBS: &str = "Eviction does not support multiple PDBs (PodDisruptionBudget(s)=[ml/guard ml/other])";
const NODE_ANNOTATED: Blocked = for_all("Disruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation");
const BY_POD: Blocked = for_all(ANNOTATED);
const BY_POD_WITH_GRACE: Blocked = for_consolidation(ANNOTATED);
const BY_PDB: Blocked = for_all(PDB);
const BY_PDB_WITH_GRACE: Blocked = for_consolidation(PDB);
const BY_PDBS: Blocked = for_all(SEVERAL_PDBS);
const BY_PDBS_WITH_GRACE: Blocked = for_consolidation(SEVERAL_PDBS);
const DELETING: Blocked = for_all("Node is deleting or marked for deletion");
const DISRUPTED: Blocked = for_all("Candidate is already being disrupted");
const NOT_INITIALIZED: Blocked = for_all("Node isn't initialized");
const NO_POOL: Blocked = for_all("NodePool not found (NodePool=gpu)");
const AUTO_MODE_CLASS_GOES: Blocked =
    for_all("the NodeClass of NodePool gpu is being deleted, and what EKS Auto Mode does then is not known");
const NEVER: Blocked = for_consolidation("NodePool \"gpu\" has consolidation disabled");
const WHEN_EMPTY: Blocked =
    for_only(Underutilized, "NodePool \"gpu\" has consolidation policy WhenEmpty, but node is not empty");
const STATIC: Blocked = for_consolidation("NodePool \"gpu\" keeps 1 nodes (spec.replicas) and is never consolidated");

fn taint(key: &str) -> Taint {
    Taint { key: sym(key), value: sym(""), effect: sym("NoSchedule") }
}

const fn nothing_allowed(reason: Reason) -> Blocked {
    let message = match reason {
        Empty => "No allowed disruptions for disruption reason Empty due to blocking budget",
        Drifted => "No allowed disruptions for disruption reason Drifted due to blocking budget",
        Underutilized => "No allowed disruptions for disruption reason Underutilized due to blocking budget",
    };
    for_only(reason, message)
}

#[test]
fn a_node_without_blockers_is_a_candidate() {
    check(vec![
        case("empty", empty(|_| ())).is("EmptyCandidate").open_for([Empty]),
        case("busy", busy(|_| ())).is("ConsolidationCandidate").open_for([Underutilized]),
        case("drifted", drifted(|_| ())).is("DriftCandidate").open_for([Drifted, Underutilized]),
        case("drifted and empty", drifted(|w| w.pods.clear())).is("EmptyCandidate").open_for([Empty, Drifted]),
        case("a cordon changes nothing", empty(|w| w.node.cordoned = true)).is("EmptyCandidate").open_for([Empty]),
        case("empty and not ready", empty(|w| w.node.conditions.clear())).is("EmptyCandidate").open_for([Empty]),
        case("labels do not matter for an empty node", empty(|w| w.unlabel("topology.kubernetes.io/zone")))
            .is("EmptyCandidate")
            .open_for([Empty]),
    ]);
}

#[test]
fn only_a_node_with_a_node_claim_is_managed() {
    let orphan = |w: &mut World| w.claim = None;
    let with_api = |api| move |w: &mut World| w.karpenter.api = api;
    let legacy = for_all("the rules of karpenter.sh/v1beta1 are not judged");
    check(vec![
        case("no NodeClaim", empty(orphan)).is("NotManaged").blocked_by([for_all("Node isn't managed by karpenter")]),
        case(
            "NodeClaims are not known",
            empty(|w| {
                orphan(w);
                w.hidden = vec![Kind::NodeClaim];
            }),
        )
        .is("Unknown")
        .unknown_for([Empty, Drifted, Underutilized])
        .blocked_by([for_all("not all nodeclaims are known")]),
        case("a legacy API", drifted(with_api(KarpenterApi::V1Beta1)))
            .is("Unknown")
            .unknown_for([Empty, Drifted, Underutilized])
            .blocked_by([legacy]),
        case(
            "of Provisioners",
            empty(|w| {
                orphan(w);
                w.karpenter.api = KarpenterApi::V1Alpha5;
                w.node.labels = labels(&[("karpenter.sh/provisioner-name", "default")]);
            }),
        )
        .is("Unknown")
        .unknown_for([Empty, Drifted, Underutilized])
        .blocked_by([for_all("the rules of karpenter.sh/v1alpha5 are not judged")]),
        case(
            "somebody else's node under a legacy API",
            empty(|w| {
                orphan(w);
                w.karpenter.api = KarpenterApi::V1Beta1;
                w.node.labels = Labels::default();
            }),
        )
        .is("NotManaged")
        .blocked_by([for_all("Node isn't managed by karpenter")]),
        case("which API is not known yet", empty(with_api(KarpenterApi::Unknown)))
            .is("Unknown")
            .unknown_for([Empty])
            .blocked_by([for_all("not all nodeclaims are known")]),
    ]);
}

#[test]
fn a_node_that_is_deleted_or_disrupted_already_is_no_candidate() {
    check(vec![
        case("NodeClaim deleted", empty(|w| w.claim().meta.deletion = Some(NOW)))
            .is("Terminating")
            .blocked_by([DELETING]),
        case("Node deleted", empty(|w| w.node.meta.deletion = Some(NOW))).is("Terminating").blocked_by([DELETING]),
        case(
            "instance terminating",
            empty(|w| w.claim().conditions.push(condition("InstanceTerminating", Status::True, ""))),
        )
        .is("Terminating")
        .blocked_by([DELETING]),
        case(
            "deleted after it was chosen",
            empty(|w| {
                w.node.taints = vec![taint("karpenter.sh/disrupted")];
                w.claim().meta.deletion = Some(NOW);
            }),
        )
        .is("Terminating")
        .blocked_by([DELETING]),
        case("chosen, by taint", empty(|w| w.node.taints = vec![taint("karpenter.sh/disrupted")]))
            .is("BeingDisrupted")
            .blocked_by([DISRUPTED]),
        case(
            "chosen, by condition",
            empty(|w| w.claim().conditions.push(condition("DisruptionReason", Status::True, "Empty"))),
        )
        .is("BeingDisrupted")
        .blocked_by([DISRUPTED]),
        case(
            "the taint of v1beta1 is nobody's any more",
            empty(|w| w.node.taints = vec![taint("karpenter.sh/disruption")]),
        )
        .is("EmptyCandidate")
        .open_for([Empty]),
        case(
            "nor is one with another effect, which Karpenter would leave there",
            empty(|w| {
                w.node.taints = vec![Taint { effect: sym("NoExecute"), ..taint("karpenter.sh/disrupted") }];
            }),
        )
        .is("EmptyCandidate")
        .open_for([Empty]),
        case(
            "conditions that are not true",
            empty(|w| {
                w.claim().conditions.push(condition("DisruptionReason", Status::False, "Empty"));
                w.claim().conditions.push(condition("InstanceTerminating", Status::Unknown, ""));
            }),
        )
        .is("EmptyCandidate")
        .open_for([Empty]),
    ]);
}

#[test]
fn a_node_must_be_registered_and_initialized() {
    let relabel = |key: &'static str, value: &'static str| {
        move |w: &mut World| {
            let mut pairs: Vec<(&str, &str)> = MANAGED_LABELS.to_vec();
            pairs.iter_mut().filter(|(name, _)| *name == key).for_each(|pair| pair.1 = value);
            w.node.labels = labels(&pairs);
        }
    };
    check(vec![
        case("the label decides", empty(|w| w.unlabel("karpenter.sh/initialized")))
            .is("NotInitialized")
            .blocked_by([NOT_INITIALIZED]),
        case("and its value", empty(relabel("karpenter.sh/initialized", "false")))
            .is("NotInitialized")
            .blocked_by([NOT_INITIALIZED]),
        case("not the condition", empty(|w| w.claim().conditions = met(&["Consolidatable"])))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case(
            "its own budget is not what stops a node that does not count yet",
            empty(|w| {
                w.unlabel("karpenter.sh/initialized");
                w.pool().budgets = Some(vec![budget("100%")]);
            }),
        )
        .is("NotInitialized")
        .blocked_by([NOT_INITIALIZED]),
    ]);
    let mut starting = empty(|w| w.unlabel("karpenter.sh/initialized"));
    starting.claim().conditions = met(&["Launched", "Registered"]);
    starting.claim().last_pod_event = Some(CREATED);
    let quiet = starting.disruption().blockers.into_iter().find(|one| one.kind == BlockerKind::ConsolidateAfter);
    assert_eq!(quiet.map(|one| one.until), Some(None), "the time of a pod says nothing before initialization");
}

#[test]
fn the_annotation_of_a_node_blocks_every_reason() {
    let annotated = |value: &'static str| move |w: &mut World| w.node.do_not_disrupt = Some(sym(value));
    let with_grace = |w: &mut World| {
        annotated("true")(w);
        w.claim().termination_grace_seconds = Some(60);
    };
    check(vec![
        case("true", empty(annotated("true"))).is("ProtectedByNode").blocked_by([NODE_ANNOTATED]),
        case("drift, whatever the grace period", drifted(with_grace))
            .is("ProtectedByNode")
            .blocked_by([NODE_ANNOTATED]),
        case("emptiness, whatever the grace period", empty(with_grace))
            .is("ProtectedByNode")
            .blocked_by([NODE_ANNOTATED]),
        case("no durations", empty(annotated("1h"))).is("EmptyCandidate").open_for([Empty]),
        case("exactly", empty(annotated("True"))).is("EmptyCandidate").open_for([Empty]),
        case("false", empty(annotated("false"))).is("EmptyCandidate").open_for([Empty]),
        case("on a NodeClaim it is read by nobody", empty(|w| w.claim().do_not_disrupt = Some(sym("true"))))
            .is("EmptyCandidate")
            .open_for([Empty]),
    ]);
}

#[test]
fn before_registration_the_node_claims_annotation_and_labels_count() {
    let unregistered = |w: &mut World| w.unlabel("karpenter.sh/registered");
    check(vec![
        case(
            "its annotation",
            empty(|w| {
                unregistered(w);
                w.claim().do_not_disrupt = Some(sym("true"));
            }),
        )
        .is("ProtectedByNode")
        .blocked_by([NODE_ANNOTATED]),
        case(
            "not the Node's",
            empty(|w| {
                unregistered(w);
                w.node.do_not_disrupt = Some(sym("true"));
            }),
        )
        .is("EmptyCandidate")
        .open_for([Empty]),
        case(
            "its labels",
            empty(|w| {
                unregistered(w);
                w.claim().labels = Labels::default();
            }),
        )
        .is("NodePoolMissing")
        .blocked_by([for_all("Node doesn't have required label (label=karpenter.sh/nodepool)")]),
    ]);
}

#[test]
fn a_node_without_its_node_pool_is_no_candidate() {
    let class_not_found = |group: &'static str, reason: &'static str| {
        move |w: &mut World| {
            w.pool().node_class = Some(class_ref(group));
            w.pool().conditions = vec![condition("NodeClassReady", Status::False, reason)];
        }
    };
    check(vec![
        case("no label", empty(|w| w.unlabel("karpenter.sh/nodepool")))
            .is("NodePoolMissing")
            .blocked_by([for_all("Node doesn't have required label (label=karpenter.sh/nodepool)")]),
        case("no NodePool", empty(|w| w.pool = None)).is("NodePoolMissing").blocked_by([NO_POOL]),
        case(
            "NodePools are not known",
            empty(|w| {
                w.pool = None;
                w.hidden = vec![Kind::NodePool];
            }),
        )
        .is("Unknown")
        .unknown_for([Empty])
        .blocked_by([for_all("not all nodepools are known")]),
        case("without its NodeClass, on AWS", empty(class_not_found("karpenter.k8s.aws", "NodeClassNotFound")))
            .is("NodePoolMissing")
            .blocked_by([NO_POOL]),
        case("without its NodeClass, elsewhere", empty(class_not_found("karpenter.kwok.sh", "NodeClassNotFound")))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("with a NodeClass that is not ready", empty(class_not_found("karpenter.k8s.aws", "SubnetsNotReady")))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("a NodePool that is being deleted is one", empty(|w| w.pool().meta.deletion = Some(NOW)))
            .is("EmptyCandidate")
            .open_for([Empty]),
    ]);
}

#[test]
fn only_active_pods_with_a_valid_annotation_protect_their_node() {
    let with = |row: PodRow| empty(move |w| w.pods = vec![row]);
    let changed = |value: &str, change: fn(&mut PodRow)| {
        let mut row = train(value);
        change(&mut row);
        with(row)
    };
    let started = |row: &mut PodRow| row.started = Some(NOW.plus_seconds(-60));
    check(vec![
        case("true", with(train("true"))).is("ProtectedByPod").blocked_by([BY_POD]),
        case("pending and bound, its images being pulled", changed("true", |row| row.phase = PodPhase::Pending))
            .is("ProtectedByPod")
            .blocked_by([BY_POD]),
        case("terminating", changed("true", |row| row.meta.deletion = Some(NOW)))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("completed", changed("true", |row| row.phase = PodPhase::Succeeded))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("failed", changed("true", |row| row.phase = PodPhase::Failed)).is("EmptyCandidate").open_for([Empty]),
        case("of a DaemonSet", changed("true", |row| eviction_of(row).of_daemon_set = true))
            .is("ProtectedByPod")
            .blocked_by([BY_POD]),
        case("a mirror pod", changed("true", |row| eviction_of(row).of_node = true))
            .is("ProtectedByPod")
            .blocked_by([BY_POD]),
        case("tolerating the taint", changed("true", |row| eviction_of(row).tolerates_disrupted = true))
            .is("ProtectedByPod")
            .blocked_by([BY_POD]),
        case("a duration that runs", changed("61s", started)).is("ProtectedByPod").blocked_by([BY_POD]),
        case("a duration that has just passed", changed("60s", started))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case(
            "a duration without a start",
            changed("5s", |row| {
                row.started = None;
                row.phase = PodPhase::Pending;
            }),
        )
        .is("ProtectedByPod")
        .blocked_by([BY_POD]),
        case("no days", changed("1d", started)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("false", changed("false", started)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("True", changed("True", started)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("negative", changed("-1h", started)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("nothing", changed("", started)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("on another node", changed("true", |row| row.node = Some(sym("b"))))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("pods are not known", busy(|w| w.hidden = vec![Kind::Pod]))
            .is("Unknown")
            .unknown_for([Underutilized])
            .blocked_by([for_all("not all pods are known")]),
        case(
            "one is known, others may not be",
            empty(|w| {
                w.pods = vec![train("true")];
                w.hidden = vec![Kind::Pod];
            }),
        )
        .is("ProtectedByPod")
        .blocked_by([BY_POD, for_all("not all pods are known")]),
        case(
            "what stops one reason is no headline while another may be open",
            busy(|w| {
                w.pool().consolidation_policy = sym("WhenEmpty");
                w.claim().conditions = met(&DRIFTED);
                w.hidden = vec![Kind::Pod];
            }),
        )
        .is("Unknown")
        .unknown_for([Drifted])
        .blocked_by([WHEN_EMPTY, for_all("not all pods are known")]),
        case(
            "but it is where all are stopped",
            busy(|w| {
                w.pool().consolidation_policy = sym("WhenEmpty");
                w.hidden = vec![Kind::Pod];
            }),
        )
        .is("BlockedByPolicy")
        .blocked_by([WHEN_EMPTY, for_all("not all pods are known")]),
    ]);
}

/// terminationGracePeriod × reason × what protects (types.go, NewCandidate).
#[test]
fn a_termination_grace_period_lets_drift_override_pods_and_pdbs() {
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
        case("drift, pod", drifted(by_pod)).is("ProtectedByPod").blocked_by([BY_POD]),
        case("drift, pod, grace", drifted(both(by_pod, grace)))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([BY_POD_WITH_GRACE]),
        case("drift, PDB", drifted(by_pdb)).is("BlockedByPdb").blocked_by([BY_PDB]),
        case("drift, PDB, grace", drifted(both(by_pdb, grace)))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([BY_PDB_WITH_GRACE]),
        case("drift, two PDBs", drifted(by_pdbs)).is("BlockedByPdb").blocked_by([BY_PDBS]),
        case("drift, two PDBs, grace", drifted(both(by_pdbs, grace)))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([BY_PDBS_WITH_GRACE]),
        case("consolidation, pod", busy(by_pod)).is("ProtectedByPod").blocked_by([BY_POD]),
        case("consolidation, pod, grace", busy(both(by_pod, grace)))
            .is("ProtectedByPod")
            .blocked_by([BY_POD_WITH_GRACE]),
        case("consolidation, PDB", busy(by_pdb)).is("BlockedByPdb").blocked_by([BY_PDB]),
        case("consolidation, PDB, grace", busy(both(by_pdb, grace))).is("BlockedByPdb").blocked_by([BY_PDB_WITH_GRACE]),
        case("emptiness, PDB", empty(daemon)).is("BlockedByPdb").blocked_by([BY_PDB]),
        case("emptiness, PDB, grace", empty(both(daemon, grace))).is("BlockedByPdb").blocked_by([BY_PDB_WITH_GRACE]),
        case(
            "emptiness, pod, grace",
            empty(|w| {
                let mut row = train("true");
                eviction_of(&mut row).of_daemon_set = true;
                w.pods = vec![row];
                grace(w);
            }),
        )
        .is("ProtectedByPod")
        .blocked_by([BY_POD_WITH_GRACE]),
        case(
            "the NodePool's grace period is for NodeClaims to come",
            drifted(|w| {
                by_pod(w);
                w.pool().termination_grace_seconds = Some(600);
            }),
        )
        .is("ProtectedByPod")
        .blocked_by([BY_POD]),
        case(
            "drift that its budget stops, pods that do not",
            drifted(|w| {
                by_pod(w);
                grace(w);
                w.pool().budgets = Some(vec![budget_for("0", &["Drifted"])]);
            }),
        )
        .is("BlockedByBudget")
        .blocked_by([BY_POD_WITH_GRACE, nothing_allowed(Drifted)]),
    ]);
}

#[test]
fn a_pdb_blocks_for_the_pods_that_it_selects() {
    let guarded = |allowed: i64, change: fn(&mut World)| {
        busy(move |w| {
            w.guards = vec![guard("guard", allowed)];
            change(w);
        })
    };
    check(vec![
        case("allows one", guarded(1, |_| ())).is("ConsolidationCandidate").open_for([Underutilized]),
        case("allows none", guarded(0, |_| ())).is("BlockedByPdb").blocked_by([BY_PDB]),
        case("not zero is not zero", guarded(-1, |_| ())).is("ConsolidationCandidate").open_for([Underutilized]),
        case("no selector selects nothing", guarded(0, |w| w.guards[0].selector = PodSelector::Nothing))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case(
            "of other labels",
            guarded(0, |w| w.guards[0].selector = PodSelector::Matching(Selector::parse("app=web").unwrap())),
        )
        .is("ConsolidationCandidate")
        .open_for([Underutilized]),
        case(
            "of its labels",
            guarded(0, |w| {
                w.guards[0].selector = PodSelector::Matching(Selector::parse("app=web").unwrap());
                w.pods[0].labels = labels(&[("app", "web")]);
            }),
        )
        .is("BlockedByPdb")
        .blocked_by([BY_PDB]),
        case("of another namespace", guarded(0, |w| w.pods = vec![pod("web", "web", Some("a"))]))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case(
            "a toleration of everything exempts from PDBs",
            guarded(0, |w| eviction_of(&mut w.pods[0]).tolerates_disrupted = true),
        )
        .is("ConsolidationCandidate")
        .open_for([Underutilized]),
        case(
            "but not from the annotation",
            guarded(0, |w| {
                w.pods = vec![train("true")];
                eviction_of(&mut w.pods[0]).tolerates_disrupted = true;
            }),
        )
        .is("ProtectedByPod")
        .blocked_by([BY_POD]),
        case("a protected pod is not evicted, so its PDB does not count", guarded(0, |w| w.pods = vec![train("true")]))
            .is("ProtectedByPod")
            .blocked_by([BY_POD]),
        case("until its protection has ended", guarded(0, |w| w.pods = vec![train("59m")]))
            .is("BlockedByPdb")
            .blocked_by([BY_PDB]),
        case("a mirror pod", guarded(0, |w| eviction_of(&mut w.pods[0]).of_node = true))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("of a DaemonSet", guarded(0, |w| eviction_of(&mut w.pods[0]).of_daemon_set = true))
            .is("BlockedByPdb")
            .blocked_by([BY_PDB]),
        case("terminating", guarded(0, |w| w.pods[0].meta.deletion = Some(NOW))).is("EmptyCandidate").open_for([Empty]),
        case("finished", guarded(0, |w| w.pods[0].phase = PodPhase::Failed)).is("EmptyCandidate").open_for([Empty]),
    ]);
}

#[test]
fn unready_pods_multiple_pdbs_and_unreadable_pdbs_are_judged_as_by_karpenter() {
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
        case("AlwaysAllow, not ready", ready(Status::False, true))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("AlwaysAllow, readiness not known", ready(Status::Unknown, true)).is("BlockedByPdb").blocked_by([BY_PDB]),
        case("AlwaysAllow, ready", ready(Status::True, true)).is("BlockedByPdb").blocked_by([BY_PDB]),
        case("IfHealthyBudget, not ready", ready(Status::False, false)).is("BlockedByPdb").blocked_by([BY_PDB]),
        case("two block whatever they allow", guarded(1, |w| w.guards.push(guard("other", 1))))
            .is("BlockedByPdb")
            .blocked_by([BY_PDBS]),
        case(
            "two block an unhealthy pod, too",
            guarded(1, |w| {
                w.guards.push(guard("other", 1));
                w.guards.iter_mut().for_each(|row| row.always_allows_unhealthy = true);
                eviction_of(&mut w.pods[0]).unready = true;
            }),
        )
        .is("BlockedByPdb")
        .blocked_by([BY_PDBS]),
        case("PDBs are not known", busy(|w| w.hidden = vec![Kind::PodDisruptionBudget]))
            .is("Unknown")
            .unknown_for([Underutilized])
            .blocked_by([for_all("not all poddisruptionbudgets are known")]),
        case(
            "a selector that cannot be read stops everything",
            empty(|w| {
                w.guards = vec![guard("guard", 1)];
                w.guards[0].selector = PodSelector::Invalid(sym("no operator"));
            }),
        )
        .is("LoopPaused")
        .blocked_by([for_all("disruption loop paused: the selector of PodDisruptionBudget ml/guard cannot be read")]),
    ]);
}

#[test]
fn every_blocker_of_one_kind_is_listed_with_its_end() {
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
fn a_node_without_reschedulable_pods_that_have_disruption_cost_is_empty() {
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
        case("a DaemonSet's pod", with(evicted("p", |e| e.of_daemon_set = true)))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("a mirror pod", with(evicted("p", |e| e.of_node = true))).is("EmptyCandidate").open_for([Empty]),
        case("a terminating pod of a StatefulSet comes back", with(stateful(true)))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("a pod of a StatefulSet", with(stateful(false))).is("ConsolidationCandidate").open_for([Underutilized]),
        case("priority that makes a pod free", with(priority(-33_554_432))).is("EmptyCandidate").open_for([Empty]),
        case("priority just above", with(priority(-33_554_431))).is("ConsolidationCandidate").open_for([Underutilized]),
        case("the least priority", with(priority(i32::MIN))).is("EmptyCandidate").open_for([Empty]),
        case("the highest priority", with(priority(2_000_001_000)))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("deletion cost that makes a pod free", with(cost("-134217728"))).is("EmptyCandidate").open_for([Empty]),
        case("deletion cost just above", with(cost("-134217727")))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("deletion cost that is no number", with(cost("cheap")))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("free pods up to 1.13", old(priority(i32::MIN))).is("ConsolidationCandidate").open_for([Underutilized]),
        case("a free pod and one that is not", empty(|w| w.pods = vec![priority(i32::MIN), pod("ml", "q", Some("a"))]))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("empty, as far as is known", empty(|w| w.hidden = vec![Kind::Pod]))
            .is("Unknown")
            .unknown_for([Empty, Underutilized])
            .blocked_by([for_all("not all pods are known")]),
    ]);
}

#[test]
fn a_static_node_pool_allows_only_drift() {
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
    let scales_down = for_only(Drifted, "NodePool \"gpu\" has 2 nodes for 1 replicas: it scales down first");
    let full = for_only(Drifted, "NodePool \"gpu\" is at its limit of nodes, which leaves no room for a replacement");
    check(vec![
        case("empty", empty(fixed)).is("Static").blocked_by([STATIC]),
        case("busy", busy(fixed)).is("Static").blocked_by([STATIC]),
        case("drifted", drifted(fixed)).is("DriftCandidate").open_for([Drifted]).blocked_by([STATIC]),
        case("drifted, too many nodes", drifted(second(|_| ()))).is("Static").blocked_by([STATIC, scales_down]),
        case("drifted, one of them being deleted", drifted(second(deleting)))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([STATIC]),
        case(
            "drifted, one of them being replaced",
            drifted(second(|claim| claim.conditions.push(condition("DisruptionReason", Status::True, "Drifted")))),
        )
        .is("DriftCandidate")
        .open_for([Drifted])
        .blocked_by([STATIC]),
        case("drifted, room for one", drifted(limit("2")))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([STATIC]),
        case("drifted, no room", drifted(limit("1"))).is("Static").blocked_by([STATIC, full]),
        case(
            "what is being deleted still takes room",
            drifted(|w| {
                limit("2")(w);
                w.add_nodes(1, |_, claim| claim.meta.deletion = Some(NOW));
            }),
        )
        .is("Static")
        .blocked_by([STATIC, full]),
        case(
            "its budgets count",
            drifted(|w| {
                fixed(w);
                w.pool().budgets = Some(vec![budget("0")]);
            }),
        )
        .is("BlockedByBudget")
        .blocked_by([STATIC, nothing_allowed(Drifted), nothing_allowed(Underutilized)]),
        case(
            "NodeClaims are not known",
            drifted(|w| {
                fixed(w);
                w.hidden = vec![Kind::NodeClaim];
            }),
        )
        .is("Unknown")
        .unknown_for([Drifted])
        .blocked_by([STATIC, for_all("not all nodeclaims are known")]),
    ]);
}

#[test]
fn policy_consolidate_after_never_and_missing_labels_stop_consolidation() {
    let policy = |policy: &'static str| move |w: &mut World| w.pool().consolidation_policy = sym(policy);
    let after = |after: Lifetime| move |w: &mut World| w.pool().consolidate_after = after;
    let unlabelled = |key: &'static str| busy(move |w| w.unlabel(key));
    check(vec![
        case("Never, empty", empty(after(Lifetime::Never))).is("ConsolidationDisabled").blocked_by([NEVER]),
        case("Never, busy", busy(after(Lifetime::Never))).is("ConsolidationDisabled").blocked_by([NEVER]),
        case("Never, drifted", drifted(after(Lifetime::Never)))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([NEVER]),
        case("WhenEmpty, empty", empty(policy("WhenEmpty"))).is("EmptyCandidate").open_for([Empty]),
        case("WhenEmpty, busy", busy(policy("WhenEmpty"))).is("BlockedByPolicy").blocked_by([WHEN_EMPTY]),
        case("WhenEmpty, drifted", drifted(policy("WhenEmpty")))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([WHEN_EMPTY]),
        case(
            "WhenEmpty up to 1.13",
            busy(|w| {
                policy("WhenEmpty")(w);
                w.karpenter = karpenter("1.13.0");
            }),
        )
        .is("BlockedByPolicy")
        .blocked_by([for_only(Underutilized, "NodePool \"gpu\" has non-empty consolidation disabled")]),
        case("Balanced", busy(policy("Balanced"))).is("ConsolidationCandidate").open_for([Underutilized]),
        case("a policy of the future", busy(policy("WhenFull"))).is("ConsolidationCandidate").open_for([Underutilized]),
        case("no instance type", unlabelled("node.kubernetes.io/instance-type"))
            .is("MissingLabels")
            .blocked_by([for_only(Underutilized, "Instance Type \"\" not found")]),
        case("no capacity type", unlabelled("karpenter.sh/capacity-type"))
            .is("MissingLabels")
            .blocked_by([for_only(Underutilized, "Node does not have label \"karpenter.sh/capacity-type\"")]),
        case("no zone", unlabelled("topology.kubernetes.io/zone"))
            .is("MissingLabels")
            .blocked_by([for_only(Underutilized, "Node does not have label \"topology.kubernetes.io/zone\"")]),
        case("drift does not ask for labels", drifted(|w| w.unlabel("topology.kubernetes.io/zone")))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([for_only(Underutilized, "Node does not have label \"topology.kubernetes.io/zone\"")]),
    ]);
}

/// Only where Karpenter looks at one node does it drop what cannot be worth it; of several that go together it weighs the sum.
#[test]
fn what_balanced_weighs_of_a_node_by_itself_is_an_estimate_that_decides_nothing() {
    let weighed = |policy: &'static str, own: &'static str, other: &'static str| {
        let priced = |usd: &str| labels(&[&MANAGED_LABELS[..], &[("eks-node-viewer/instance-price", usd)]].concat());
        let found = busy(|w| {
            w.node.labels = priced(own);
            w.add_nodes(1, |row, _| row.labels = priced(other));
            w.pool().consolidation_policy = sym(policy);
        })
        .disruption();
        assert_eq!(found.may.yes, Reasons::only(Underutilized), "{policy} {own} {other}");
        let balance = found.blockers.iter().filter(|blocker| blocker.kind == BlockerKind::Balance);
        balance.map(|blocker| blocker.message.machine_text()).collect::<Vec<String>>()
    };
    let estimate = "NodePool \"gpu\" is Balanced, and by itself the node costs too little for what it runs (estimate)";
    assert_eq!(weighed("Balanced", "1", "9"), [estimate]);
    assert_eq!(weighed("Balanced", "9", "1"), [""; 0]);
    assert_eq!(weighed("WhenEmptyOrUnderutilized", "1", "9"), [""; 0]);
}

#[test]
fn a_node_must_be_quiet_for_consolidate_after() {
    let quiet = |last: Option<i64>, after: i64, conditions: &'static [&'static str]| {
        empty(move |w| {
            w.pool().consolidate_after = Lifetime::Seconds(after);
            w.claim().last_pod_event = last.map(|ago| NOW.plus_seconds(-ago));
            w.claim().conditions = met(conditions);
        })
    };
    let pending = &QUIET[..3];
    let until = |world: &World| world.disruption().until();
    for (world, want) in [
        (quiet(Some(10), 30, pending), Some(NOW.plus_seconds(20))),
        (quiet(Some(30), 30, pending), Some(NOW)),
        (quiet(None, 7200, pending), Some(CREATED.plus_seconds(7200))),
        (quiet(None, 7200, &QUIET[..2]), None),
    ] {
        let said = world.said();
        assert_eq!((said.verdict, until(&world)), ("ConsolidateAfterPending", want));
        assert_eq!((said.open, said.unknown), (Reasons::NONE, Reasons::NONE));
    }
    check(vec![
        case("quiet for 10 of 30 seconds", quiet(Some(10), 30, pending))
            .is("ConsolidateAfterPending")
            .blocked_by([for_consolidation("not quiet for consolidateAfter 30s yet")]),
    ]);
    assert_eq!(quiet(Some(10), 30, &QUIET).said().verdict, "EmptyCandidate", "Karpenter's own condition decides");
    let drifted = quiet(Some(10), 30, &["Launched", "Registered", "Initialized", "Drifted"]);
    assert_eq!(drifted.said().verdict, "DriftCandidate", "drift does not wait");
}

#[test]
fn budgets_of_a_node_pool_limit_each_reason() {
    let pool = |budgets: Vec<Budget>, others: usize| {
        busy(move |w| {
            w.pool().budgets = Some(budgets);
            w.add_nodes(others, |_, _| ());
        })
    };
    let none = nothing_allowed(Underutilized);
    let broken = || {
        let of_empty = Some(vec![sym("Empty")]);
        vec![budget("5"), Budget { reasons: of_empty, ..budget_at("5", "0 25 * * *", "1h") }]
    };
    check(vec![
        case("no budgets", busy(|w| w.pool().budgets = None)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("an empty list", pool(vec![], 0)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("zero", pool(vec![budget("0")], 3)).is("BlockedByBudget").blocked_by([none]),
        case("zero percent", pool(vec![budget("0%")], 3)).is("BlockedByBudget").blocked_by([none]),
        case("one", pool(vec![budget("1")], 0)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("10 % of one is one", pool(vec![budget("10%")], 0)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("the least counts", pool(vec![budget("5"), budget("0")], 3)).is("BlockedByBudget").blocked_by([none]),
        case("for this reason", pool(vec![budget_for("0", &["Underutilized"])], 0))
            .is("BlockedByBudget")
            .blocked_by([none]),
        case("for other reasons", pool(vec![budget_for("0", &["Empty", "Drifted"])], 0))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("for no reason", pool(vec![budget_for("0", &[])], 0))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("one that cannot be read closes all", pool(broken(), 3)).is("BlockedByBudget").blocked_by([none]),
        case("nodes that are no number", pool(vec![budget("some")], 3)).is("BlockedByBudget").blocked_by([none]),
    ]);
}

#[test]
fn not_ready_and_leaving_nodes_use_up_budgets() {
    let used = |budgets: Vec<Budget>, change: fn(&mut crate::fleet::NodeRow, &mut NodeClaimRow)| {
        busy(move |w| {
            w.pool().budgets = Some(budgets);
            w.add_nodes(1, change);
        })
    };
    let consumed = for_only(
        Underutilized,
        "NodePool \"gpu\" allows 1 of 2 nodes for Underutilized, and 1 are not ready or being disrupted",
    );
    let own = for_only(
        Underutilized,
        "NodePool \"gpu\" allows 1 of 1 nodes for Underutilized, and 1 are not ready or being disrupted",
    );
    check(vec![
        case("a node that is not ready", used(vec![budget("1")], |node, _| node.conditions.clear()))
            .is("BlockedByBudget")
            .blocked_by([consumed]),
        case("a node that is being deleted", used(vec![budget("1")], |_, claim| claim.meta.deletion = Some(NOW)))
            .is("BlockedByBudget")
            .blocked_by([consumed]),
        case(
            "a node that was chosen",
            used(vec![budget("1")], |node, _| node.taints = vec![taint("karpenter.sh/disrupted")]),
        )
        .is("BlockedByBudget")
        .blocked_by([consumed]),
        case(
            "a node with the taint of v1beta1",
            used(vec![budget("1")], |node, _| node.taints = vec![taint("karpenter.sh/disruption")]),
        )
        .is("ConsolidationCandidate")
        .open_for([Underutilized]),
        case(
            "a node whose instance is gone",
            used(vec![budget("1")], |_, claim| {
                claim.meta.deletion = Some(NOW);
                claim.conditions = met(&["InstanceTerminating"]);
            }),
        )
        .is("ConsolidationCandidate")
        .open_for([Underutilized]),
        case(
            "a node that is starting",
            used(vec![budget("1")], |node, _| {
                node.conditions.clear();
                node.labels = labels(&[("karpenter.sh/nodepool", "gpu")]);
            }),
        )
        .is("ConsolidationCandidate")
        .open_for([Underutilized]),
        case(
            "a node of another NodePool",
            used(vec![budget("1")], |node, _| {
                node.conditions.clear();
                node.labels = labels(&[("karpenter.sh/nodepool", "cpu"), ("karpenter.sh/initialized", "true")]);
            }),
        )
        .is("ConsolidationCandidate")
        .open_for([Underutilized]),
        case(
            "the node itself",
            busy(|w| {
                w.pool().budgets = Some(vec![budget("100%")]);
                w.node.conditions = vec![condition("Ready", Status::Unknown, "")];
            }),
        )
        .is("BlockedByBudget")
        .blocked_by([own]),
    ]);
}

#[test]
fn while_nodes_are_unknown_only_zero_and_unlimited_budgets_are_decided() {
    let none = nothing_allowed(Underutilized);
    check(vec![
        case(
            "nodes are not known",
            busy(|w| {
                w.pool().budgets = Some(vec![budget("1")]);
                w.hidden = vec![Kind::Node];
            }),
        )
        .is("Unknown")
        .unknown_for([Underutilized])
        .blocked_by([for_only(Underutilized, "not all nodes are known")]),
        case(
            "what is used up of half of the known nodes may be free of half of all",
            busy(|w| {
                w.pool().budgets = Some(vec![budget("50%")]);
                w.node.conditions.clear();
                w.hidden = vec![Kind::Node];
            }),
        )
        .is("Unknown")
        .unknown_for([Underutilized])
        .blocked_by([for_only(Underutilized, "not all nodes are known")]),
        case(
            "zero is zero of however many",
            busy(|w| {
                w.pool().budgets = Some(vec![budget("0")]);
                w.hidden = vec![Kind::Node];
            }),
        )
        .is("BlockedByBudget")
        .blocked_by([none]),
        case("no limit is none of however many", busy(|w| w.hidden = vec![Kind::Node]))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
    ]);
}

/// 20 % of 19 nodes are 4, rounded up.
#[test]
fn budget_percentages_are_rounded_up() {
    let leaving = |count: usize| {
        busy(move |w| {
            w.pool().budgets = Some(vec![budget("20%")]);
            w.add_nodes(18, |_, _| ());
            w.other_nodes.iter_mut().take(count).for_each(|node| node.conditions.clear());
        })
    };
    assert_eq!(leaving(3).said().verdict, "ConsolidationCandidate");
    assert_eq!(leaving(4).said().verdict, "BlockedByBudget");
}

#[test]
fn budget_windows_are_in_utc_and_may_cross_midnight() {
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
fn the_end_of_a_long_budget_window_is_found_among_many_short_windows() {
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
fn a_budget_with_unknown_nodes_opens_at_the_earliest_possible_time() {
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
    check(vec![
        case("drift, emptiness closed", world)
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([nothing_allowed(Empty)]),
    ]);
}

#[test]
fn a_launching_node_claim_pauses_the_disruption_loop() {
    let launching = |group: &'static str, age: i64| {
        empty(move |w| {
            w.claim().node_class = Some(class_ref("karpenter.k8s.aws"));
            let mut row = claim("new");
            row.node_class = Some(class_ref(group));
            row.meta.created = NOW.plus_seconds(-age);
            w.other_claims = vec![row];
        })
    };
    let paused = for_all("disruption loop paused: NodeClaim new has no providerID");
    let world = launching("karpenter.k8s.aws", 60);
    assert_eq!(world.disruption().until(), Some(NOW.plus_seconds(240)));
    let older = World { karpenter: karpenter("1.6.3"), ..world.clone() };
    assert_eq!(older.disruption().until(), Some(NOW.plus_seconds(840)), "the launch has a time limit since 1.7");
    check(vec![
        case("of this Karpenter", world).is("LoopPaused").blocked_by([paused]),
        case("of another one", launching("eks.amazonaws.com", 60)).is("EmptyCandidate").open_for([Empty]),
        case("a launch that may be a usual one", launching("karpenter.k8s.aws", 19))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("a pass that began before may still act", launching("karpenter.k8s.aws", 20))
            .is("LoopPaused")
            .unknown_for([Empty])
            .blocked_by([paused]),
        case("as long as three validations and a simulation take", launching("karpenter.k8s.aws", 45))
            .is("LoopPaused")
            .unknown_for([Empty])
            .blocked_by([paused]),
        case("and then nothing does", launching("karpenter.k8s.aws", 46)).is("LoopPaused").blocked_by([paused]),
        case("longer with many nodes", {
            let mut world = launching("karpenter.k8s.aws", 60);
            world.add_nodes(20, |_, _| ());
            world
        })
        .is("LoopPaused")
        .unknown_for([Empty])
        .blocked_by([paused]),
        case("it is the headline where nothing else stops one reason, whatever stops the others", {
            let mut world = launching("karpenter.k8s.aws", 60);
            world.pods = vec![pod("ml", "web", Some("a"))];
            world.claim().conditions = met(&super::world::DRIFTED);
            world.pool().consolidate_after = Lifetime::Never;
            world
        })
        .is("LoopPaused")
        .blocked_by([paused, for_consolidation("NodePool \"gpu\" has consolidation disabled")]),
        case("a NodeClaim that is being deleted counts until it is gone", {
            let mut world = launching("karpenter.k8s.aws", 60);
            world.other_claims[0].meta.deletion = Some(NOW);
            world
        })
        .is("LoopPaused")
        .blocked_by([paused]),
        case("protection is the better headline", {
            let mut world = launching("karpenter.k8s.aws", 60);
            world.pods = vec![train("true")];
            world
        })
        .is("ProtectedByPod")
        .blocked_by([paused, BY_POD]),
    ]);
}

/// A node that the cloud takes back, as long as nothing else may be said of it.
#[test]
fn a_spot_interruption_is_the_verdict_of_a_held_node() {
    let noticed = |age: i64| {
        busy(move |w| {
            w.pods = vec![train("true")];
            w.events = vec![event("SpotInterrupted", "Spot interruption warning was triggered", age)];
        })
    };
    check(vec![
        case("a new one", noticed(0)).is("SpotInterrupted").blocked_by([BY_POD]),
        case("of 179 seconds", noticed(179)).is("SpotInterrupted").blocked_by([BY_POD]),
        case("of 180 seconds", noticed(180)).is("ProtectedByPod").blocked_by([BY_POD]),
    ]);
}

/// Two things stop one reason each: all are listed, in the order of the gates.
#[test]
fn blockers_are_listed_in_the_order_of_the_gates() {
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
fn a_verdict_is_unknown_while_an_undecodable_object_could_change_it() {
    let unreadable = |kind: Kind| {
        empty(|_| ()).ask_with(
            |sources| {
                sources.entry(SourceId::Kind(kind)).or_default().undecodable = 1;
            },
            |evaluator, fleet| fleet.node("a").map(|node| evaluator.node(node).verdict.name()),
        )
    };
    for kind in [Kind::NodeClaim, Kind::Pod, Kind::PodDisruptionBudget] {
        assert_eq!(unreadable(kind), Some("Unknown"), "{kind:?}");
    }
    assert_eq!(unreadable(Kind::Job), Some("EmptyCandidate"), "Jobs do not decide");
}

/// A Karpenter of which nothing is known but that it has API v1.
fn unknown_version(w: &mut World) {
    w.karpenter = KarpenterVersion { api: KarpenterApi::V1, ..KarpenterVersion::default() };
}

#[test]
fn rules_that_differ_between_versions_decide_nothing_where_the_version_is_not_known() {
    let doubted = |change: fn(&mut World)| {
        busy(move |w| {
            unknown_version(w);
            change(w);
        })
    };
    let duration = "Karpenter reads \"8h\" of pod ml/train-0 only since 1.12, and its version is not known";
    let several = "several PodDisruptionBudgets (ml/guard ml/other) of pod ml/web stop Karpenter only since 1.7, and its \
                   version is not known";
    let labels = "Node does not have label \"topology.kubernetes.io/zone\", which stops every reason before 1.1, and \
                  Karpenter's version is not known";
    check(vec![
        case("a duration", doubted(|w| w.pods = vec![train("8h")]))
            .is("Unknown")
            .unknown_for([Underutilized])
            .blocked_by([for_all(duration)]),
        case("\"true\" is read by all", doubted(|w| w.pods = vec![train("true")]))
            .is("ProtectedByPod")
            .blocked_by([BY_POD]),
        case("EKS Auto Mode is kept current", {
            let mut world = doubted(|w| w.pods = vec![train("8h")]);
            world.claim().node_class = Some(class_ref("eks.amazonaws.com"));
            world
        })
        .is("ProtectedByPod")
        .blocked_by([BY_POD]),
        case("several PDBs that each allow one", doubted(|w| w.guards = vec![guard("guard", 1), guard("other", 1)]))
            .is("Unknown")
            .unknown_for([Underutilized])
            .blocked_by([for_all(several)]),
        case(
            "several PDBs of which one allows none",
            doubted(|w| w.guards = vec![guard("guard", 0), guard("other", 1)]),
        )
        .is("BlockedByPdb")
        .blocked_by([BY_PDB]),
        case(
            "pods that cost nothing to evict",
            doubted(|w| w.pods = vec![evicted("p", |one| one.priority = -33_554_432)]),
        )
        .is("Unknown")
        .unknown_for([Empty, Underutilized])
        .blocked_by([for_consolidation(
            "pods that cost nothing to evict leave a node empty only since 1.14, and Karpenter's version is not known",
        )]),
        case("a label is missing", {
            let mut world = doubted(|_| ());
            world.claim().conditions = met(&DRIFTED);
            world.unlabel("topology.kubernetes.io/zone");
            world
        })
        .is("Unknown")
        .unknown_for([Drifted])
        .blocked_by([
            for_only(Underutilized, "Node does not have label \"topology.kubernetes.io/zone\""),
            Blocked::new(Reasons::ALL.without(Reasons::only(Underutilized)), labels),
        ]),
    ]);
}

#[test]
fn before_1_1_labels_stop_every_reason() {
    let of = |version: &'static str| {
        empty(move |w| {
            w.karpenter = karpenter(version);
            w.unlabel("karpenter.sh/capacity-type");
        })
    };
    check(vec![
        case("1.0", of("1.0.9"))
            .is("MissingLabels")
            .blocked_by([for_all("Node does not have label \"karpenter.sh/capacity-type\"")]),
        case("1.1", of("1.1.0")).is("EmptyCandidate").open_for([Empty]),
    ]);
}

#[test]
fn without_a_ready_node_pool_nothing_is_simulated() {
    const NO_POOL: &str = "no nodepools found: none that pods could be placed on is Ready";
    let unready = |w: &mut World| w.pool().conditions.clear();
    check(vec![
        case("busy", busy(unready)).is("NodePoolMissing").blocked_by([for_only(Underutilized, NO_POOL)]),
        case("drifted and busy", drifted(unready))
            .is("NodePoolMissing")
            .blocked_by([Blocked::new(Reasons::ALL.without(Reasons::only(Empty)), NO_POOL)]),
        case("an empty node needs none", empty(unready)).is("EmptyCandidate").open_for([Empty]),
        case(
            "a drifted and empty one for its drift",
            drifted(|w| {
                unready(w);
                w.pods.clear();
            }),
        )
        .is("EmptyCandidate")
        .open_for([Empty])
        .blocked_by([for_only(Drifted, NO_POOL)]),
        case("a NodePool that is being deleted takes no pods", busy(|w| w.pool().meta.deletion = Some(NOW)))
            .is("NodePoolMissing")
            .blocked_by([for_only(Underutilized, NO_POOL)]),
        case("NodePools are not known", {
            let mut world = busy(unready);
            world.hidden = vec![Kind::NodePool];
            world
        })
        .is("Unknown")
        .unknown_for([Underutilized])
        .blocked_by([for_only(Underutilized, "not all nodepools are known")]),
        case("drift of a static NodePool needs no other", drifted(|w| w.pool().replicas = Some(1)))
            .is("DriftCandidate")
            .open_for([Drifted])
            .blocked_by([STATIC]),
    ]);
}

#[test]
fn a_node_class_that_is_going_or_has_no_subnets_offers_no_instance_types() {
    let class = |group: &'static str, reason: &'static str| {
        empty(move |w| {
            w.claim().node_class = Some(class_ref(group));
            w.pool().node_class = Some(class_ref(group));
            w.pool().conditions = vec![condition("NodeClassReady", Status::False, reason)];
        })
    };
    let without_subnets = |group: &'static str| {
        let mut world = class(group, "SubnetsReady");
        let conditions = vec![condition("SubnetsReady", Status::False, "SubnetsNotFound")];
        world.classes = vec![NodeClassRow {
            meta: meta("", "default"),
            conditions,
            reservations: Vec::new(),
            images: crate::fleet::ImageSetup::default(),
        }];
        world
    };
    check(vec![
        case("AWS's", class("karpenter.k8s.aws", "NodeClassTerminating")).is("NodePoolMissing").blocked_by([NO_POOL]),
        case("that of Auto Mode, whose source is closed", class("eks.amazonaws.com", "NodeClassTerminating"))
            .is("Unknown")
            .unknown_for([Empty])
            .blocked_by([AUTO_MODE_CLASS_GOES]),
        case("of another provider", class("karpenter.kwok.sh", "NodeClassTerminating"))
            .is("EmptyCandidate")
            .open_for([Empty]),
        case("no subnets", without_subnets("karpenter.k8s.aws")).is("NodePoolMissing").blocked_by([NO_POOL]),
        case("a class of the same name of another provider", without_subnets("karpenter.kwok.sh"))
            .is("EmptyCandidate")
            .open_for([Empty]),
    ]);
}

#[test]
fn what_only_an_event_tells_of_instance_types_is_advisory() {
    let advisory = |world: World| -> Vec<(Reasons, String)> {
        let found = world.disruption();
        let advisory = found.blockers.iter().filter(|blocker| blocker.kind == BlockerKind::Simulation);
        advisory.map(|blocker| (blocker.reasons, blocker.message.machine_text())).collect()
    };
    let unlisted = "Instance Type \"p5.48xlarge\" not found";
    let said =
        |reason: &'static str, message: &'static str, age| busy(move |w| w.events = vec![event(reason, message, age)]);
    let only = Reasons::only(Underutilized);
    assert_eq!(advisory(said("Unconsolidatable", unlisted, 60)), [(only, unlisted.to_owned())]);
    assert_eq!(said("Unconsolidatable", unlisted, 60).disruption().verdict.name(), "Unconsolidatable");
    let other = "Instance Type \"m5.large\" not found";
    assert_eq!(advisory(said("Unconsolidatable", other, 60)), [], "not the type of this node");
    let missing = "NodePool not found (NodePool=gpu)";
    assert_eq!(advisory(said("DisruptionBlocked", missing, 140)), [(Reasons::ALL, missing.to_owned())]);
    assert_eq!(advisory(said("DisruptionBlocked", missing, 160)), [], "it would have been repeated");
}
