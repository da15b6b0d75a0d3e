//! What Karpenter's Events add. They never change whether it may take a node.

use super::world::{World, budget, busy, drifted, empty, event, guard, train};
use crate::fleet::{EventObject, ObjectKey, PodRow};
use crate::insight::disruption::evidence::{Said, said};
use crate::insight::disruption::{BlockerKind, Evidence, May, Reason, Reasons, Verdict};
use crate::insight::testing::{NOW, pod, sym};

const BLOCKED: &str = "DisruptionBlocked";
const IDLE: &str = "Unconsolidatable";

/// Each wording that some version has used.
#[test]
fn karpenter_messages_are_parsed_for_the_pods_and_pdbs_they_name() {
    for (message, kind, objects) in [
        (
            "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)",
            BlockerKind::PodAnnotation,
            vec!["ml/train-0"],
        ),
        (
            "Cannot disrupt Node: pod \"ml/train-0\" has \"karpenter.sh/do-not-disrupt\" annotation",
            BlockerKind::PodAnnotation,
            vec!["ml/train-0"],
        ),
        ("Pdb prevents pod evictions (PodDisruptionBudget=[ml/guard])", BlockerKind::Pdb, vec!["ml/guard"]),
        ("Pdb prevents pod evictions (PodDisruptionBudget=ml/guard)", BlockerKind::Pdb, vec!["ml/guard"]),
        ("Cannot disrupt NodeClaim: pdb \"ml/guard\" prevents pod evictions", BlockerKind::Pdb, vec!["ml/guard"]),
        (
            "Eviction does not support multiple PDBs (PodDisruptionBudget(s)=[ml/a ml/b])",
            BlockerKind::MultiplePdbs,
            vec!["ml/a", "ml/b"],
        ),
    ] {
        let row = event(BLOCKED, message, 0);
        assert_eq!(said(&row), Some(Said { kind, objects }), "{message}");
    }
}

#[test]
fn karpenter_messages_that_name_no_pod_are_parsed_for_their_blocker() {
    for (reason, message, kind) in [
        (
            BLOCKED,
            "Disruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation",
            Some(BlockerKind::NodeAnnotation),
        ),
        (BLOCKED, "Node isn't initialized", Some(BlockerKind::NotInitialized)),
        (BLOCKED, "State node is marked for deletion", Some(BlockerKind::Deleting)),
        (BLOCKED, "Node is nominated for a pending pod", Some(BlockerKind::Nominated)),
        (BLOCKED, "(combined from similar events): Node is nominated for a pending pod", Some(BlockerKind::Nominated)),
        (BLOCKED, "NodePool not found (NodePool=gpu)", Some(BlockerKind::NodePoolMissing)),
        (BLOCKED, "NodePool \"gpu\" not found", Some(BlockerKind::NodePoolMissing)),
        (BLOCKED, "Instance Type \"p5\" not found", Some(BlockerKind::MissingLabels)),
        (BLOCKED, "State node doesn't contain both a node and a nodeclaim", Some(BlockerKind::NotInitialized)),
        (BLOCKED, "Node doesn't have required label (label=karpenter.sh/nodepool)", Some(BlockerKind::NodePoolMissing)),
        (
            BLOCKED,
            "State node doesn't have required label \"karpenter.sh/nodepool\"",
            Some(BlockerKind::NodePoolMissing),
        ),
        (IDLE, "NodePool \"gpu\" has non-empty consolidation disabled", Some(BlockerKind::Policy)),
        (IDLE, "NodePool \"gpu\" has consolidation disabled", Some(BlockerKind::ConsolidationDisabled)),
        (IDLE, "Node does not have label \"topology.kubernetes.io/zone\"", Some(BlockerKind::MissingLabels)),
        (IDLE, "Can't replace with a cheaper node", Some(BlockerKind::Simulation)),
        (IDLE, "Can't remove without creating 2 candidates", Some(BlockerKind::Simulation)),
        ("DisruptionLaunching", "Launching NodeClaim: Empty", None),
        (BLOCKED, "something of the future", None),
    ] {
        assert_eq!(said(&event(reason, message, 0)).map(|said| said.kind), kind, "{message}");
    }
}

fn evidence_of(world: &World) -> Vec<(BlockerKind, Evidence)> {
    world.disruption().blockers.iter().map(|blocker| (blocker.kind, blocker.evidence)).collect()
}

#[test]
fn a_recent_event_confirms_a_computed_blocker() {
    let blocked = |message: &'static str, age: i64| {
        busy(move |w| {
            w.pods = vec![train("true")];
            w.events = vec![event("DisruptionBlocked", message, age)];
        })
    };
    let fresh = "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)";
    let other = "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-1)";
    let old = "Cannot disrupt Node: pod \"ml/train-0\" has \"karpenter.sh/do-not-disrupt\" annotation";
    for (message, age, want) in [
        (fresh, 0, Evidence::Both),
        (fresh, 150, Evidence::Both),
        (fresh, 151, Evidence::Computed),
        (old, 0, Evidence::Both),
        (other, 0, Evidence::Computed),
    ] {
        assert_eq!(evidence_of(&blocked(message, age)), [(BlockerKind::PodAnnotation, want)], "{message} {age}");
    }
}

#[test]
fn an_event_on_the_node_claim_confirms_a_blocker_too() {
    let world = busy(|w| {
        w.guards = vec![guard("guard", 0)];
        let mut row = event("DisruptionBlocked", "Pdb prevents pod evictions (PodDisruptionBudget=[ml/guard])", 5);
        row.object = EventObject { kind: sym("NodeClaim"), key: ObjectKey::cluster("c") };
        w.events = vec![row];
    });
    assert_eq!(evidence_of(&world), [(BlockerKind::Pdb, Evidence::Both)]);
}

#[test]
fn an_event_on_the_node_pool_confirms_its_budget() {
    let said = |reason: &'static str, age: i64| {
        let world = busy(move |w| {
            w.pool().budgets = Some(vec![budget("0")]);
            let message = format!("No allowed disruptions for disruption reason {reason} due to blocking budget");
            let mut row = event("DisruptionBlocked", &message, age);
            row.object = EventObject { kind: sym("NodePool"), key: ObjectKey::cluster("gpu") };
            w.events = vec![row];
        });
        evidence_of(&world)
    };
    assert_eq!(said("Underutilized", 5), [(BlockerKind::Budget, Evidence::Both)]);
    assert_eq!(said("Underutilized", 200), [(BlockerKind::Budget, Evidence::Computed)]);
    assert_eq!(said("Empty", 5), [(BlockerKind::Budget, Evidence::Computed)], "of another reason");
}

#[test]
fn a_nomination_known_only_by_event_is_an_advisory_blocker() {
    let nominated = |age: i64| {
        empty(move |w| w.events = vec![event("DisruptionBlocked", "Node is nominated for a pending pod", age)])
    };
    for (age, want) in [(0, true), (39, true), (40, false)] {
        let found = nominated(age).disruption();
        let until = NOW.plus_seconds(40 - age);
        let blockers: Vec<_> = found.blockers.iter().map(|one| (one.kind, one.evidence, one.until)).collect();
        let expected = if want { vec![(BlockerKind::Nominated, Evidence::Event, Some(until))] } else { vec![] };
        assert_eq!((found.verdict, blockers), (Verdict::EmptyCandidate, expected), "{age}");
    }
}

/// The simulation's word counts for 20 minutes, unless a pod came or went since.
#[test]
fn an_unconsolidatable_event_counts_only_if_newer_than_the_last_pod_event() {
    let world = |age: i64, last_pod_event: Option<i64>, message: &'static str| {
        busy(move |w| {
            w.claim().last_pod_event = last_pod_event.map(|ago| NOW.plus_seconds(-ago));
            w.events = vec![event("Unconsolidatable", message, age)];
        })
    };
    let cheaper = "Can't replace with a cheaper node";
    let no = Reasons::only(Reason::Empty).or(Reasons::only(Reason::Drifted));
    let underutilized = May { yes: Reasons::only(Reason::Underutilized), no };
    for (age, last, message, want) in [
        (600, Some(700), cheaper, Verdict::Unconsolidatable),
        (600, Some(600), cheaper, Verdict::ConsolidationCandidate),
        (600, Some(500), cheaper, Verdict::ConsolidationCandidate),
        (600, None, cheaper, Verdict::Unconsolidatable),
        (1200, None, cheaper, Verdict::Unconsolidatable),
        (1201, None, cheaper, Verdict::ConsolidationCandidate),
        (
            600,
            None,
            "NodePool \"gpu\" has consolidation policy WhenEmpty, but node is not empty",
            Verdict::ConsolidationCandidate,
        ),
        (600, None, "Node \"a\" has buffer pods", Verdict::ConsolidationCandidate),
    ] {
        let found = world(age, last, message).disruption();
        assert_eq!((found.verdict, found.may), (want, underutilized), "{age} {last:?} {message}");
    }
}

/// Emptiness asks for buffer pods before it asks whether the node is empty, so the sentence says nothing of consolidation.
#[test]
fn a_buffer_pods_event_is_an_advisory_blocker_of_emptiness() {
    let world = empty(|w| w.events = vec![event("Unconsolidatable", "Node \"a\" has buffer pods", 60)]);
    let found = world.disruption();
    let blockers: Vec<_> = found.blockers.iter().map(|one| (one.kind, one.reasons)).collect();
    let simulation = (BlockerKind::Simulation, Reasons::only(Reason::Empty));
    assert_eq!((found.verdict, blockers), (Verdict::EmptyCandidate, vec![simulation]));
}

#[test]
fn an_empty_or_drifted_node_is_not_unconsolidatable() {
    let cheaper = || vec![event("Unconsolidatable", "Can't replace with a cheaper node", 60)];
    assert_eq!(empty(|w| w.events = cheaper()).disruption().verdict, Verdict::EmptyCandidate);
    assert_eq!(drifted(|w| w.events = cheaper()).disruption().verdict, Verdict::DriftCandidate);
}

#[test]
fn a_failed_drift_simulation_is_an_advisory_blocker_of_drift() {
    let schedule = "Not all pods would schedule, ml/web => incompatible requirements";
    let world = |age: i64| drifted(move |w| w.events = vec![event("DisruptionBlocked", schedule, age)]);
    let advisory = |world: World| {
        let found = world.disruption();
        assert_eq!(found.verdict, Verdict::DriftCandidate);
        found.blockers.iter().map(|one| (one.kind, one.reasons)).collect::<Vec<_>>()
    };
    assert_eq!(advisory(world(100)), [(BlockerKind::Simulation, Reasons::only(Reason::Drifted))]);
    assert_eq!(advisory(world(151)), []);
}

/// Graceful methods name the pod of a node that drift then takes.
#[test]
fn a_recent_event_does_not_block_a_node_that_drift_may_take() {
    let message = "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)";
    let world = drifted(|w| {
        w.pods = vec![train("true")];
        w.claim().termination_grace_seconds = Some(600);
        w.events = vec![event("DisruptionBlocked", message, 1)];
    });
    assert_eq!(world.disruption().verdict, Verdict::DriftCandidate);
}

#[test]
fn only_a_recent_event_about_a_lasting_blocker_is_a_disagreement() {
    let says = |message: &'static str, age: i64| {
        let world = busy(move |w| {
            w.pods = vec![PodRow { do_not_disrupt: Some(sym("1d")), ..pod("ml", "web", Some("a")) }];
            w.events = vec![event("DisruptionBlocked", message, age)];
        });
        let found = world.disruption();
        assert_eq!(found.verdict, Verdict::ConsolidationCandidate, "{message}");
        found.disagreement
    };
    let annotated = "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/web)";
    assert_eq!(says(annotated, 150).as_deref(), Some(annotated), "Karpenter repeats it every two minutes");
    assert_eq!(says(annotated, 151), None, "out of date");
    assert_eq!(says(annotated, -61), None, "from the future");
    let ended = busy(|w| {
        w.pods = vec![PodRow { do_not_disrupt: Some(sym("59m")), ..pod("ml", "web", Some("a")) }];
        w.events = vec![event("DisruptionBlocked", annotated, 90)];
    });
    assert_eq!(ended.disruption().disagreement, None, "it was in force when Karpenter said so");
    let taken_away = "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/other)";
    assert_eq!(says(taken_away, 1), None, "the annotation is gone since");
    assert_eq!(says("Pdb prevents pod evictions (PodDisruptionBudget=[ml/gone])", 1), None, "so is the budget");
    for passing in
        ["Node isn't initialized", "Node is deleting or marked for deletion", "Node is nominated for a pending pod"]
    {
        assert_eq!(says(passing, 1), None, "{passing}");
    }
    let seen = busy(|w| {
        w.pods = vec![train("true")];
        w.events =
            vec![event("DisruptionBlocked", "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/other)", 1)];
    });
    assert_eq!(seen.disruption().disagreement, None, "one of several pods");
}
