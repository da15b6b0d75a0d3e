//! Rules that differ between versions of Karpenter, and two Karpenters side by side.

use super::world::{
    World, budget_for, busy, case, check, class_ref, drifted, empty, evicted, for_all, for_only, guard, karpenter,
    train,
};
use crate::fleet::KarpenterApi;
use crate::insight::KarpenterVersion;
use crate::insight::disruption::Reason::{Drifted, Empty, Underutilized};
use crate::insight::karpenter::Provenance;
use crate::insight::testing::{eviction_of, sym};

fn of(version: &'static str, change: fn(&mut World)) -> World {
    busy(move |w| {
        w.karpenter = karpenter(version);
        change(w);
    })
}

#[test]
fn multiple_pdbs_on_a_pod_block_since_karpenter_1_7() {
    let allowing = |w: &mut World| w.guards = vec![guard("guard", 1), guard("other", 1)];
    let blocking = |w: &mut World| w.guards = vec![guard("guard", 1), guard("other", 0)];
    let lenient = |w: &mut World| {
        w.guards = vec![guard("guard", 0), guard("other", 0)];
        w.guards[0].always_allows_unhealthy = true;
        eviction_of(&mut w.pods[0]).unready = true;
    };
    let one = for_all("Pdb prevents pod evictions (PodDisruptionBudget=[ml/other])");
    let both = for_all("Eviction does not support multiple PDBs (PodDisruptionBudget(s)=[ml/guard ml/other])");
    check(vec![
        case("1.6, both allow", of("1.6.4", allowing)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("1.6, one does not", of("1.6.4", blocking)).is("BlockedByPdb").blocked_by([one]),
        case("1.6, one lets unhealthy pods go", of("1.6.4", lenient))
            .is("ConsolidationCandidate")
            .open_for([Underutilized]),
        case("1.7, both allow", of("1.7.0", allowing)).is("BlockedByPdb").blocked_by([both]),
        case("1.7, one does not", of("1.7.0", blocking)).is("BlockedByPdb").blocked_by([both]),
        case("1.7, one lets unhealthy pods go", of("1.7.0", lenient)).is("BlockedByPdb").blocked_by([both]),
    ]);
}

#[test]
fn durations_protect_since_karpenter_1_12() {
    let hours = |w: &mut World| w.pods = vec![train("10h")];
    let by_pod = for_all("Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)");
    check(vec![
        case("1.11", of("1.11.2", hours)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("1.12", of("1.12.0", hours)).is("ProtectedByPod").blocked_by([by_pod]),
    ]);
}

#[test]
fn pods_without_disruption_cost_leave_a_node_empty_since_karpenter_1_14() {
    let free = |w: &mut World| w.pods = vec![evicted("p", |eviction| eviction.priority = i32::MIN)];
    let policy = |w: &mut World| {
        w.pods = vec![evicted("p", |eviction| eviction.priority = i32::MIN)];
        w.pool().consolidation_policy = sym("WhenEmpty");
    };
    let disabled = for_only(Underutilized, "NodePool \"gpu\" has non-empty consolidation disabled");
    check(vec![
        case("1.13", of("1.13.0", free)).is("ConsolidationCandidate").open_for([Underutilized]),
        case("1.14", of("1.14.0", free)).is("EmptyCandidate").open_for([Empty]),
        case("1.13, WhenEmpty", of("1.13.0", policy)).is("BlockedByPolicy").blocked_by([disabled]),
        case("1.14, WhenEmpty", of("1.14.0", policy)).is("EmptyCandidate").open_for([Empty]),
    ]);
}

#[test]
fn a_drifted_and_empty_node_is_a_drift_candidate_up_to_karpenter_1_4() {
    let with = |version: &'static str| {
        drifted(move |w| {
            w.pods.clear();
            w.karpenter = karpenter(version);
        })
    };
    let of_release = for_only(
        Drifted,
        "not all releases of Karpenter 1.5 and 1.6 replace a drifted node without pods before it goes as an empty one",
    );
    check(vec![
        case("1.4", with("1.4.0")).is("DriftCandidate").open_for([Empty, Drifted]),
        // Some of their releases leave a drifted node without pods to go as an empty one.
        case("1.5", with("1.5.0"))
            .is("EmptyCandidate")
            .open_for([Empty])
            .unknown_for([Drifted])
            .blocked_by([of_release]),
        case("1.6", with("1.6.4"))
            .is("EmptyCandidate")
            .open_for([Empty])
            .unknown_for([Drifted])
            .blocked_by([of_release]),
        case("1.7", with("1.7.0")).is("EmptyCandidate").open_for([Empty, Drifted]),
        case("1.5, with a pod", drifted(|w| w.karpenter = karpenter("1.5.0")))
            .is("DriftCandidate")
            .open_for([Drifted, Underutilized]),
        case(
            "1.4, drift held by its budget",
            drifted(|w| {
                w.pods.clear();
                w.karpenter = karpenter("1.4.0");
                w.pool().budgets = Some(vec![budget_for("0", &["Drifted"])]);
            }),
        )
        .is("EmptyCandidate")
        .open_for([Empty])
        .blocked_by([for_only(Drifted, "No allowed disruptions for disruption reason Drifted due to blocking budget")]),
    ]);
}

#[test]
fn an_unknown_karpenter_version_is_assumed_and_marked_as_such() {
    let with = |version: Option<&str>, how: Provenance| {
        let (version, api) = (version.map(str::to_owned), KarpenterApi::V1);
        let found = empty(|w| w.karpenter = KarpenterVersion { version, how, api, auto_mode: false }).disruption();
        found.assumed
    };
    assert!(with(None, Provenance::Assumed));
    assert!(with(Some("1.8"), Provenance::CrdSchema), "a lower bound");
    assert!(!with(Some("1.14"), Provenance::CrdSchema));
    assert!(!with(Some("1.8.0"), Provenance::Image));
    assert!(!with(Some("1.8.0"), Provenance::Flag));
}

/// A duration means nothing to AWS's Karpenter here, and the other one may be a newer one.
#[test]
fn nodes_of_another_provider_do_not_follow_the_image_of_aws() {
    let of_group = |group: &'static str| {
        busy(move |w| {
            w.karpenter = karpenter("1.11.2");
            w.claim().node_class = Some(class_ref(group));
            w.pods = vec![train("10h")];
        })
    };
    let unknown = for_all("Karpenter reads \"10h\" of pod ml/train-0 only since 1.12, and its version is not known");
    check(vec![
        case("AWS", of_group("karpenter.k8s.aws")).is("ConsolidationCandidate").open_for([Underutilized]),
        case("another one", of_group("karpenter.k8s.gcp"))
            .is("Unknown")
            .unknown_for([Underutilized])
            .blocked_by([unknown]),
    ]);
}

/// EKS Auto Mode has a Karpenter of its own, which does not follow what an old one beside it does.
#[test]
fn auto_mode_nodes_do_not_follow_the_version_of_another_karpenter() {
    let of_group = |group: &'static str, how: Provenance| {
        busy(move |w| {
            w.karpenter = KarpenterVersion { how, auto_mode: true, ..karpenter("1.6.4") };
            w.claim().node_class = Some(class_ref(group));
            w.pods = vec![train("10h")];
        })
    };
    let by_pod = for_all("Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)");
    let auto = of_group("eks.amazonaws.com", Provenance::Image);
    let own = of_group("karpenter.k8s.aws", Provenance::Image);
    let told = of_group("eks.amazonaws.com", Provenance::Flag);
    assert_eq!((auto.disruption().assumed, own.disruption().assumed), (true, false));
    check(vec![
        case("of Auto Mode", auto).is("ProtectedByPod").blocked_by([by_pod]),
        case("of its own", own).is("ConsolidationCandidate").open_for([Underutilized]),
        case("unless the user says otherwise", told).is("ConsolidationCandidate").open_for([Underutilized]),
    ]);
}
