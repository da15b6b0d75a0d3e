//! What ends a node and its pods in spite of protection, and when.

use super::world::{
    DRIFTED, World, budget, budget_at, budget_for, busy, class_ref, drifted, empty, event, karpenter, since, train,
};
use crate::fleet::{
    Condition, ControllerRow, KarpenterApi, Kind, NodeClassRow, NodeRow, PodRow, Reservation, Status, Taint,
};
use crate::insight::testing::{
    CREATED, MANAGED_LABELS, NOW, claim, condition, eviction_of, labels, met, meta, pod, sym,
};
use crate::insight::{KarpenterVersion, testing};
use crate::units::{Lifetime, Time};

/// `Kind@at` of each hazard, then `pod@killed` of each pod that it reaches; seconds since creation.
fn hazards(world: &World) -> Vec<String> {
    let text = |hazard: &crate::insight::disruption::Hazard| {
        let pods = hazard.pods.iter().map(|one| format!(" {}@{}", one.pod.name, since(one.killed_at)));
        format!("{}@{}{}", hazard.kind.name(), since(hazard.at), pods.collect::<String>())
    };
    world.hazards().iter().map(text).collect()
}

/// Whether the protection of `train-0` holds, and when it fails.
fn outlook(world: &World) -> (Option<bool>, String) {
    let found = world.outlook();
    (found.holds, since(found.fails_at))
}

const HOLDS: (Option<bool>, &str) = (Some(true), "-");
const UNKNOWN: (Option<bool>, &str) = (None, "-");
/// At any time.
const FAILS: (Option<bool>, &str) = (Some(false), "-");

const fn fails(at: &str) -> (Option<bool>, &str) {
    (Some(false), at)
}

/// A name, a world, its hazards, and the outlook of `train-0`.
type Row<'a> = (&'a str, World, &'a [&'a str], (Option<bool>, &'a str));

fn check(rows: Vec<Row<'_>>) {
    for (name, world, want_hazards, (holds, at)) in rows {
        assert_eq!(hazards(&world), want_hazards, "{name}");
        assert_eq!(outlook(&world), (holds, at.to_owned()), "{name}");
    }
}

/// A quiet node with a pod that is protected like this.
fn training(value: &str, change: impl FnOnce(&mut World)) -> World {
    busy(|w| {
        w.pods = vec![train(value)];
        change(w);
    })
}

#[test]
fn expiration_ends_a_node_in_spite_of_protection() {
    let expires = |w: &mut World| w.claim().expire_after = Lifetime::Seconds(7200);
    let grace = |seconds: i64| {
        move |w: &mut World| {
            expires(w);
            w.claim().termination_grace_seconds = Some(seconds);
        }
    };
    let pod_grace = |node: i64, pod: i64| {
        move |w: &mut World| {
            grace(node)(w);
            w.pods[0].termination_grace_seconds = pod;
        }
    };
    check(vec![
        ("never", training("true", |_| ()), &[], HOLDS),
        (
            "without grace period the node waits for its pods for ever",
            training("true", expires),
            &["Expiration@7200 train-0@-"],
            HOLDS,
        ),
        (
            "with one it does not: deadline minus the pod's own grace",
            training("true", grace(600)),
            &["Expiration@7200 train-0@7770"],
            fails("7770"),
        ),
        (
            "a grace period shorter than the pod's kills at once",
            training("true", pod_grace(60, 3600)),
            &["Expiration@7200 train-0@7200"],
            fails("7200"),
        ),
        ("a grace period of zero", training("true", grace(0)), &["Expiration@7200 train-0@7200"], fails("7200")),
        ("a duration that ends before", training("2h", grace(600)), &["Expiration@7200 train-0@7770"], HOLDS),
        (
            "a duration that ends when the pod is killed",
            training("7770s", grace(600)),
            &["Expiration@7200 train-0@7770"],
            HOLDS,
        ),
        (
            "a duration that ends a second later",
            training("7771s", grace(600)),
            &["Expiration@7200 train-0@7770"],
            fails("7770"),
        ),
        (
            "the NodePool's values are for NodeClaims to come",
            training("true", |w| {
                w.pool().expire_after = Lifetime::Seconds(7200);
                w.pool().termination_grace_seconds = Some(600);
            }),
            &[],
            HOLDS,
        ),
        (
            "a deadline that stands already",
            training("true", |w| {
                expires(w);
                w.claim().termination_at = Some(CREATED.plus_seconds(7500));
            }),
            &["Expiration@7200 train-0@7470"],
            fails("7470"),
        ),
    ]);
}

/// A drain neither evicts nor waits for what tolerates its taint (pkg/utils/pod/scheduling.go, IsDrainable): such a pod goes
/// with the instance, whatever its annotation says.
#[test]
fn a_drain_does_not_wait_for_pods_that_tolerate_its_taint() {
    let tolerant = |w: &mut World| eviction_of(&mut w.pods[0]).tolerates_disrupted = true;
    let expires = |w: &mut World| {
        tolerant(w);
        w.claim().expire_after = Lifetime::Seconds(7200);
    };
    let why = "killed 2026-09-21T16:13:20Z: expires 2026-09-21T16:13:20Z (expireAfter 2h); the node is drained then and waits \
               for protected pods; no drain waits for a pod that tolerates karpenter.sh/disrupted";
    assert_eq!(training("true", expires).gaps(), [why]);
    check(vec![
        ("it holds against disruption", training("true", tolerant), &[], HOLDS),
        ("not against expiration", training("true", expires), &["Expiration@7200 train-0@7200"], fails("7200")),
        (
            "nor longer with a grace period",
            training("true", |w| {
                expires(w);
                w.claim().termination_grace_seconds = Some(600);
            }),
            &["Expiration@7200 train-0@7200"],
            fails("7200"),
        ),
        ("ended before that", training("2h", expires), &["Expiration@7200 train-0@7200"], HOLDS),
        (
            "nor against deletion",
            training("true", |w| {
                tolerant(w);
                w.claim().meta.deletion = Some(NOW);
            }),
            &[],
            FAILS,
        ),
        (
            "nor once it was chosen",
            training("true", |w| {
                tolerant(w);
                w.node.taints =
                    vec![Taint { key: sym("karpenter.sh/disrupted"), value: sym(""), effect: sym("NoSchedule") }];
            }),
            &[],
            FAILS,
        ),
        (
            "a mirror pod",
            training("true", |w| {
                eviction_of(&mut w.pods[0]).of_node = true;
                w.claim().expire_after = Lifetime::Seconds(7200);
            }),
            &["Expiration@7200 train-0@7200"],
            fails("7200"),
        ),
    ]);
}

#[test]
fn drift_with_a_termination_grace_period_overrides_pod_protection() {
    let overrides = |w: &mut World| {
        w.claim().conditions = met(&DRIFTED);
        w.claim().termination_grace_seconds = Some(600);
    };
    let and = |change: fn(&mut World)| {
        training("true", move |w| {
            overrides(w);
            change(w);
        })
    };
    let any_time: &[&str] = &["DriftOverridesProtection@- train-0@-"];
    let closed = |w: &mut World| {
        // It is 15:13:20.
        w.pool().budgets = Some(vec![budget_at("0", "0 15 * * *", "1h")]);
    };
    check(vec![
        ("now", and(|_| ()), any_time, FAILS),
        ("not without grace period", and(|w| w.claim().termination_grace_seconds = None), &[], HOLDS),
        ("not without drift", and(|w| w.claim().conditions = met(&super::world::QUIET)), &[], HOLDS),
        ("not an annotated node", and(|w| w.node.do_not_disrupt = Some(sym("true"))), &[], HOLDS),
        ("not with a budget that allows none", and(|w| w.pool().budgets = Some(vec![budget("0")])), &[], HOLDS),
        (
            "a budget for other reasons",
            and(|w| w.pool().budgets = Some(vec![budget_for("0", &["Empty", "Underutilized"])])),
            any_time,
            FAILS,
        ),
        ("when its budget opens", and(closed), &["DriftOverridesProtection@6400 train-0@-"], fails("6400")),
        (
            "a duration that ends before its budget opens",
            training("6400s", |w| {
                overrides(w);
                closed(w);
            }),
            &["DriftOverridesProtection@6400 train-0@-"],
            HOLDS,
        ),
        (
            "a budget that other nodes use up is free again at any time",
            and(|w| {
                w.pool().budgets = Some(vec![budget("1")]);
                w.add_nodes(1, |node, _| node.conditions.clear());
            }),
            any_time,
            FAILS,
        ),
        (
            "a budget that other nodes use up and that opens later",
            and(|w| {
                w.pool().budgets = Some(vec![budget("1"), budget_at("0", "0 15 * * *", "1h")]);
                w.add_nodes(1, |node, _| node.conditions.clear());
            }),
            &["DriftOverridesProtection@6400 train-0@-"],
            fails("6400"),
        ),
        ("a paused loop may go on at any time", and(|w| w.other_claims = vec![claim("new")]), any_time, FAILS),
        ("a node that is not initialized yet", and(|w| w.unlabel("karpenter.sh/initialized")), any_time, FAILS),
        ("a NodePool that is gone", and(|w| w.pool = None), &[], HOLDS),
        ("no NodePool that is Ready, for now", and(|w| w.pool().conditions.clear()), any_time, FAILS),
        (
            "what its budget allows is not known",
            and(|w| {
                w.pool().budgets = Some(vec![budget("1")]);
                w.hidden = vec![Kind::Node];
            }),
            any_time,
            FAILS,
        ),
        (
            "of a NodePool of fixed size that is full",
            and(|w| {
                w.pool().replicas = Some(1);
                w.pool().limits = vec![(sym("nodes"), sym("1"))];
            }),
            &[],
            HOLDS,
        ),
    ]);
    assert_eq!(
        hazards(&drifted(|w| w.claim().termination_grace_seconds = Some(600))),
        [""; 0],
        "nothing is overridden"
    );
}

#[test]
fn a_cloud_interruption_notice_ends_pods_within_two_minutes() {
    let noticed = |reason: &'static str, age: i64| {
        move |w: &mut World| w.events = vec![event(reason, "Spot interruption warning was triggered", age)]
    };
    check(vec![
        (
            "two minutes",
            training("true", noticed("SpotInterrupted", 60)),
            &["SpotInterruption@3660 train-0@3660"],
            fails("3660"),
        ),
        (
            "a duration that ends before",
            training("61m", noticed("SpotInterrupted", 60)),
            &["SpotInterruption@3660 train-0@3660"],
            HOLDS,
        ),
        (
            "a grace period shorter than that",
            training("true", |w| {
                noticed("SpotInterrupted", 60)(w);
                w.claim().termination_grace_seconds = Some(90);
            }),
            &["SpotInterruption@3660 train-0@3600"],
            fails("3600"),
        ),
        (
            "a pod that no drain waits for",
            training("true", |w| {
                noticed("SpotInterrupted", 60)(w);
                eviction_of(&mut w.pods[0]).tolerates_disrupted = true;
            }),
            &["SpotInterruption@3660 train-0@3540"],
            fails("3540"),
        ),
        (
            "of a reservation",
            training("true", noticed("CapacityReservationInstanceInterrupted", 60)),
            &["SpotInterruption@3660 train-0@3660"],
            fails("3660"),
        ),
        ("out of date", training("true", noticed("SpotInterrupted", 180)), &[], HOLDS),
        (
            "a rebalance recommendation reaches nobody yet",
            training("true", noticed("SpotRebalanceRecommendation", 60)),
            &["RebalanceRecommendation@-"],
            HOLDS,
        ),
        ("an old one", training("true", noticed("SpotRebalanceRecommendation", 3600)), &[], HOLDS),
    ]);
}

#[test]
fn of_spot_capacity_taints_and_conditions_are_notices_too() {
    let spot = |label: (&'static str, &'static str), taint: Option<&str>| {
        let own = MANAGED_LABELS.into_iter().filter(|(key, _)| *key != "karpenter.sh/capacity-type");
        let pairs: Vec<_> = own.chain([label]).collect();
        let taint = taint.map(|key| Taint { key: sym(key), value: sym(""), effect: sym("NoSchedule") });
        move |w: &mut World| {
            w.node.labels = labels(&pairs);
            w.node.taints = taint.into_iter().collect();
        }
    };
    let gke = |taint| spot(("cloud.google.com/gke-spot", "true"), taint);
    let aws = |taint| spot(("karpenter.sh/capacity-type", "spot"), Some(taint));
    let shutting_down = |w: &mut World| {
        gke(None)(w);
        let message = sym("node is shutting down");
        w.node.conditions = vec![Condition { message, ..condition("Ready", Status::False, "KubeletNotReady") }];
    };
    check(vec![
        (
            "a taint of GKE, which does not say since when",
            training("true", gke(Some("cloud.google.com/impending-node-termination"))),
            &["SpotInterruption@- train-0@-"],
            FAILS,
        ),
        (
            "a node of GKE that shuts down since its creation",
            training("true", shutting_down),
            &["SpotInterruption@30 train-0@30"],
            fails("30"),
        ),
        (
            "a taint of the Node Termination Handler",
            training("true", aws("aws-node-termination-handler/spot-itn")),
            &["SpotInterruption@- train-0@-"],
            FAILS,
        ),
        (
            "its recommendation",
            training("true", aws("aws-node-termination-handler/rebalance-recommendation")),
            &["RebalanceRecommendation@-"],
            HOLDS,
        ),
    ]);
}

#[test]
fn a_capacity_block_ends_its_node_40_minutes_before_its_end() {
    let block = |is_capacity_block: bool| {
        move |w: &mut World| {
            let mut pairs = MANAGED_LABELS.to_vec();
            pairs.push(("karpenter.k8s.aws/capacity-reservation-id", "cr-1"));
            w.node.labels = labels(&pairs);
            let ends_at = CREATED.plus_seconds(10_000);
            w.classes = vec![NodeClassRow {
                meta: meta("", "gpu"),
                conditions: Vec::new(),
                reservations: vec![Reservation { id: sym("cr-1"), is_capacity_block, ends_at }],
                images: crate::fleet::ImageSetup::default(),
            }];
        }
    };
    check(vec![
        (
            "40 minutes before Karpenter deletes the node, 30 minutes before EC2 ends the instance",
            training("true", block(true)),
            &["CapacityBlockEnd@7600 train-0@8200"],
            fails("8200"),
        ),
        (
            "a grace period that ends before",
            training("true", |w| {
                block(true)(w);
                w.claim().termination_grace_seconds = Some(300);
            }),
            &["CapacityBlockEnd@7600 train-0@7870"],
            fails("7870"),
        ),
        ("a reservation on demand ends nothing", training("true", block(false)), &[], HOLDS),
    ]);
}

/// A controller of Karpenter with these feature gates.
fn controller(feature_gates: &str) -> ControllerRow {
    ControllerRow { feature_gates: Some(sym(feature_gates)), ..testing::controller() }
}

/// Karpenter's feature gate NodeRepair.
fn gate(w: &mut World) {
    w.claim().node_class = Some(class_ref("karpenter.k8s.aws"));
    w.controllers = vec![controller("SpotToSpotConsolidation=false,NodeRepair=true")];
}

#[test]
fn node_repair_ends_an_unhealthy_node() {
    let broken = |kind: &'static str, status: Status| {
        move |w: &mut World| {
            let ready = condition("Ready", Status::True, "");
            let other = Condition { last_transition: Some(NOW), ..condition(kind, status, "") };
            w.node.conditions = if kind == "Ready" { vec![other] } else { vec![ready, other] };
        }
    };
    let auto = |w: &mut World| w.claim().node_class = Some(class_ref("eks.amazonaws.com"));
    let with = |one: fn(&mut World), kind: &'static str, status: Status| {
        training("true", move |w| {
            one(w);
            broken(kind, status)(w);
        })
    };
    let lifetime = "MaxLifetime@1814400 train-0@1814400";
    check(vec![
        ("off by default", training("true", broken("AcceleratedHardwareReady", Status::False)), &[], HOLDS),
        (
            "ten minutes for accelerators",
            with(gate, "AcceleratedHardwareReady", Status::False),
            &["HardwareRepair@4200 train-0@4200"],
            fails("4200"),
        ),
        ("half an hour", with(gate, "Ready", Status::Unknown), &["HardwareRepair@5400 train-0@5400"], fails("5400")),
        (
            "ten minutes with other clouds",
            with(
                |w| {
                    gate(w);
                    w.claim().node_class = Some(class_ref("karpenter.kwok.sh"));
                },
                "Ready",
                Status::False,
            ),
            &["HardwareRepair@4200 train-0@4200"],
            fails("4200"),
        ),
        (
            "not a node that Karpenter does not manage",
            with(
                |w| {
                    gate(w);
                    w.claim = None;
                },
                "Ready",
                Status::False,
            ),
            &[],
            HOLDS,
        ),
        ("ready", with(gate, "Ready", Status::True), &[], HOLDS),
        ("hardware of which nothing is known", with(gate, "AcceleratedHardwareReady", Status::Unknown), &[], HOLDS),
        (
            "always in Auto Mode, which also ends every instance after 21 days",
            with(auto, "KernelReady", Status::False),
            &["HardwareRepair@5400 train-0@5400", lifetime],
            fails("5400"),
        ),
        ("21 days", training("true", auto), &[lifetime], fails("1814400")),
        ("a duration within 21 days", training("480h", auto), &[lifetime], HOLDS),
    ]);
}

#[test]
fn a_preemptible_vm_ends_a_day_after_its_creation_whatever_protects_it() {
    let of_google = |label: &'static str| {
        move |w: &mut World| {
            w.claim = None;
            w.node.labels = labels(&[(label, "true")]);
        }
    };
    let lifetime: &[&str] = &["MaxLifetime@86400 train-0@86400"];
    check(vec![
        ("for good", training("true", of_google("cloud.google.com/gke-preemptible")), lifetime, fails("86400")),
        ("for less", training("2h", of_google("cloud.google.com/gke-preemptible")), lifetime, HOLDS),
        ("a spot VM may stay", training("true", of_google("cloud.google.com/gke-spot")), &[], HOLDS),
    ]);
}

#[test]
fn scale_down_of_a_static_node_pool_is_a_hazard_to_its_nodes() {
    let too_many = |w: &mut World| {
        w.pool().replicas = Some(1);
        w.add_nodes(1, |_, _| ());
    };
    let and = |change: fn(&mut World)| {
        training("true", move |w| {
            too_many(w);
            change(w);
        })
    };
    let reaches: &[&str] = &["StaticScaleDown@- train-0@-"];
    check(vec![
        ("without grace period the node waits for its pods", and(|_| ()), reaches, HOLDS),
        ("with one it does not", and(|w| w.claim().termination_grace_seconds = Some(600)), reaches, FAILS),
        (
            "nor for pods that tolerate it",
            and(|w| eviction_of(&mut w.pods[0]).tolerates_disrupted = true),
            reaches,
            FAILS,
        ),
        (
            "not while it is replaced",
            and(|w| w.other_claims[0].conditions.push(condition("DisruptionReason", Status::True, ""))),
            &[],
            HOLDS,
        ),
        ("as many as wanted", training("true", |w| w.pool().replicas = Some(1)), &[], HOLDS),
    ]);
    let gaps = and(|_| ()).gaps();
    assert_eq!(gaps, ["NodePool \"gpu\" has 2 nodes for 1 replicas: some are deleted"], "told all the same");
}

#[test]
fn pods_on_a_terminating_node_last_until_its_termination_deadline() {
    let deleted = |w: &mut World| w.claim().meta.deletion = Some(NOW);
    let and = |change: fn(&mut World)| {
        training("true", move |w| {
            deleted(w);
            change(w);
        })
    };
    let chosen = |w: &mut World| w.claim().conditions.push(condition("DisruptionReason", Status::True, "Drifted"));
    check(vec![
        ("without grace period it waits", and(|_| ()), &[], HOLDS),
        ("until its deadline", and(|w| w.claim().termination_at = Some(NOW.plus_seconds(600))), &[], fails("4170")),
        (
            "which its grace period gives before it is written down",
            and(|w| w.claim().termination_grace_seconds = Some(600)),
            &[],
            fails("4170"),
        ),
        (
            "a Node that is deleted takes its NodeClaim along",
            training("true", |w| {
                w.node.meta.deletion = Some(NOW);
                w.claim().termination_grace_seconds = Some(600);
            }),
            &[],
            fails("4170"),
        ),
        (
            "its instance is ended already",
            and(|w| w.claim().conditions.push(condition("InstanceTerminating", Status::True, ""))),
            &[],
            FAILS,
        ),
        ("chosen, without grace period", training("true", chosen), &[], HOLDS),
        (
            "chosen, with one",
            training("true", |w| {
                chosen(w);
                w.claim().termination_grace_seconds = Some(600);
            }),
            &[],
            FAILS,
        ),
        (
            "a duration that ends before the deadline",
            training("4170s", |w| {
                deleted(w);
                w.claim().termination_grace_seconds = Some(600);
            }),
            &[],
            HOLDS,
        ),
    ]);
}

#[test]
fn no_node_is_repaired_while_more_than_a_fifth_of_its_pool_is_broken() {
    let unready = |node: &mut NodeRow| {
        node.conditions = vec![Condition { last_transition: Some(NOW), ..condition("Ready", Status::False, "") }];
    };
    let pool_of = |healthy: usize, broken: usize| {
        training("true", move |w| {
            gate(w);
            unready(&mut w.node);
            w.add_nodes(healthy + broken, |_, _| ());
            w.other_nodes.iter_mut().take(broken).for_each(unready);
        })
    };
    let said = |world: &World| (world.hazards().len(), world.outlook().holds);
    assert_eq!(said(&pool_of(0, 0)), (1, Some(false)), "one of one");
    assert_eq!(said(&pool_of(3, 0)), (1, Some(false)), "one of four");
    assert_eq!(said(&pool_of(4, 1)), (1, Some(false)), "two of six, which is a fifth rounded up");
    let braked = pool_of(2, 1);
    assert_eq!(said(&braked), (0, None), "two of four: it may yet become one");
    let words = "the node is broken, and replaced whatever protects it once no more than a fifth of its NodePool's nodes are: \
                 now 2 of 4";
    assert_eq!(braked.gaps(), [words]);
}

#[test]
fn a_pod_that_started_less_than_15_seconds_ago_gets_a_caution() {
    let started = |age: i64, conditions: &'static [&'static str]| {
        training("true", move |w| {
            w.pods[0].started = Some(NOW.plus_seconds(-age));
            w.claim().conditions = met(conditions);
        })
    };
    let gaps = |world: World| world.gaps();
    let early = "started 14 s ago: Karpenter may have decided before it saw the pod";
    assert_eq!(gaps(started(14, &super::world::QUIET)), [early], "a caution, for nothing says that it did");
    assert_eq!(gaps(started(15, &super::world::QUIET)), [""; 0], "its validation takes 15 s");
    assert_eq!(gaps(started(5, &super::world::QUIET[..3])), [""; 0], "it knows of a pod here");
    let drifted = &["Launched", "Registered", "Initialized", "Drifted"];
    assert_eq!(gaps(started(14, drifted)), [early], "drift looks only once");
    check(vec![("it holds", started(14, &super::world::QUIET), &[], HOLDS)]);
}

#[test]
fn invalid_and_ended_annotations_do_not_hold_and_spot_gets_a_caution() {
    let said = |world: World| (world.outlook().holds, world.gaps());
    let invalid = "ignored: failed to parse \"1d\" as a duration: time: unknown unit \"d\" in duration \"1d\"";
    assert_eq!(said(training("1d", |_| ())), (Some(false), vec![invalid.to_owned()]));
    assert_eq!(said(training("59m", |_| ())), (Some(false), vec!["ended 2026-09-21T15:12:20Z".to_owned()]));
    let ending = training("true", |w| w.pods[0].meta.deletion = Some(NOW));
    assert_eq!(said(ending).0, Some(false));
    let plain = busy(|w| w.pods = vec![PodRow { do_not_disrupt: None, ..train("true") }]);
    assert_eq!(said(plain), (None, vec![]));
    let spot = training("true", |w| {
        let mut pairs = MANAGED_LABELS.to_vec();
        pairs[3].1 = "spot";
        w.node.labels = labels(&pairs);
    });
    let caution = "spot: the cloud may take the instance with two minutes' notice";
    assert_eq!(said(spot), (Some(true), vec![caution.to_owned()]));
}

/// What is not known could end the pod, so nobody may say that its protection holds.
#[test]
fn an_outlook_is_unknown_while_a_needed_object_is_not_readable() {
    let hidden = |kinds: &'static [Kind], change: fn(&mut World)| {
        training("true", move |w| {
            w.hidden = kinds.to_vec();
            change(w);
        })
    };
    check(vec![
        ("no NodeClaim", hidden(&[Kind::NodeClaim], |w| w.claim = None), &[], UNKNOWN),
        ("a node of nobody", hidden(&[], |w| w.claim = None), &[], HOLDS),
        ("no NodePool", hidden(&[Kind::NodePool], |w| w.pool = None), &[], UNKNOWN),
        (
            "how many NodeClaims a NodePool of fixed size has",
            hidden(&[Kind::NodeClaim], |w| w.pool().replicas = Some(1)),
            &[],
            UNKNOWN,
        ),
        ("other pods and PDBs do not matter", hidden(&[Kind::Pod, Kind::PodDisruptionBudget], |_| ()), &[], HOLDS),
        ("a legacy API", hidden(&[], |w| w.karpenter.api = KarpenterApi::V1Beta1), &[], UNKNOWN),
        (
            "what fails for certain fails all the same",
            hidden(&[Kind::NodePool], |w| {
                w.pool = None;
                w.claim().expire_after = Lifetime::Seconds(7200);
                w.claim().termination_grace_seconds = Some(600);
            }),
            &["Expiration@7200 train-0@7770"],
            fails("7770"),
        ),
        ("a pod that waits for a node", training("true", |w| w.pods[0].node = None), &[], HOLDS),
        ("a pod on a node that is not known", training("true", |w| w.pods[0].node = Some(sym("b"))), &[], UNKNOWN),
        (
            "which Karpenter reads the duration",
            training("10h", |w| {
                w.karpenter = KarpenterVersion { api: KarpenterApi::V1, ..KarpenterVersion::default() }
            }),
            &[],
            UNKNOWN,
        ),
        (
            "every Karpenter reads true",
            training("true", |w| {
                w.karpenter = KarpenterVersion { api: KarpenterApi::V1, ..KarpenterVersion::default() }
            }),
            &[],
            HOLDS,
        ),
        ("an old Karpenter reads no durations", training("10h", |w| w.karpenter = karpenter("1.11.0")), &[], FAILS),
    ]);
    assert_eq!(hazards(&empty(|_| ())), [""; 0]);
    assert_eq!(NOW.seconds_since(CREATED), 3600, "what the numbers above count from");
    assert_eq!(Time::parse("2026-09-21T14:13:20Z"), Some(CREATED));
    assert_eq!(pod("ml", "p", None).termination_grace_seconds, 30);
}

#[test]
fn an_outlook_is_unknown_while_the_node_class_or_controller_is_not_readable() {
    let reserved = |hidden: Vec<Kind>| {
        training("true", move |w| {
            w.node.labels =
                labels(&[&MANAGED_LABELS[..], &[("karpenter.k8s.aws/capacity-reservation-id", "cr-1")]].concat());
            w.hidden = hidden;
        })
    };
    assert_eq!(outlook(&reserved(Vec::new())), (Some(true), "-".to_owned()), "no capacity block");
    assert_eq!(outlook(&reserved(vec![Kind::Ec2NodeClass])), (None, "-".to_owned()));
    let broken = |hidden: Vec<Kind>| {
        training("true", move |w| {
            w.node.conditions = vec![condition("Ready", Status::False, "KubeletNotReady")];
            w.hidden = hidden;
        })
    };
    assert_eq!(outlook(&broken(Vec::new())), (Some(true), "-".to_owned()), "nodes are not repaired");
    assert_eq!(outlook(&broken(vec![Kind::KarpenterDeployment])), (None, "-".to_owned()));
}

#[test]
fn feature_gates_are_parsed_as_go_parses_them() {
    let repaired = |gates: &'static str| {
        let world = training("true", move |w| {
            w.node.conditions = vec![condition("Ready", Status::False, "KubeletNotReady")];
            w.controllers = vec![controller(gates)];
        });
        !hazards(&world).is_empty()
    };
    for on in ["NodeRepair=true", "A=b,NodeRepair=True", "NodeRepair=1", "NodeRepair=false,NodeRepair=T"] {
        assert!(repaired(on), "{on}");
    }
    for off in
        ["NodeRepair=false", "NodeRepair=yes", "NodeRepair=true,NodeRepair=false", "SpotToSpotConsolidation=true"]
    {
        assert!(!repaired(off), "{off}");
    }
}
