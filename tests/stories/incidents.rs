//! Events as incidents: one row for each thing that happened to a node, with the pods that it hit.

use batchtop::app::{Opened, Screen};
use batchtop::fleet::{Change, Delta, EventClass, EventRow, ObjectKey, Report, Sym};

use crate::dsl::{Story, story};
use crate::fixture::{event, small, upsert_event};

/// Karpenter takes gpu-a: a protected and another pod stand on it.
fn taken() -> Vec<Report> {
    let told = |name: &str, kind: &str, object: &str| {
        let message = Sym::new(&format!("Disrupting {kind}: Drifted"));
        let row = event(name, 4, "DisruptionTerminating", kind, &ObjectKey::cluster(object));
        upsert_event(EventRow { message, class: EventClass::Disrupting, ..row })
    };
    vec![told("node-taken", "Node", "gpu-a"), told("claim-taken", "NodeClaim", "gpu-claim")]
}

/// It is gone, and so are its NodeClaim and its pods.
fn gone() -> Vec<Report> {
    let pod = |name| Change::Remove(ObjectKey::new("ml", name));
    let evicted = event("evicted-1", 3, "Evicted", "Pod", &ObjectKey::new("ml", "train-1"));
    let scheduled = event("bound-1", 50, "Scheduled", "Pod", &ObjectKey::new("ml", "train-1"));
    let message = Sym::new("Successfully assigned ml/train-1 to gpu-a");
    vec![
        upsert_event(EventRow { message, ..scheduled }),
        upsert_event(evicted),
        Report::Delta(Delta::Pods(vec![pod("train-0"), pod("train-1")])),
        Report::Delta(Delta::NodeClaims(vec![Change::Remove(ObjectKey::cluster("gpu-claim"))])),
        Report::Delta(Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("gpu-a"))])),
    ]
}

fn pods_hit(told: &Story) -> Vec<String> {
    let incidents = &told.app.ui.listing.incidents;
    let of_node = incidents.iter().filter(|incident| incident.node.as_deref() == Some("gpu-a"));
    let mut pods: Vec<String> = of_node.flat_map(|one| one.pods.iter().map(|pod| pod.key.to_string())).collect();
    pods.dedup();
    pods
}

#[test]
fn a_disruption_is_one_row_and_keeps_its_pods_once_the_node_is_gone() {
    let told = story(small()).told(taken()).keys("5").screen(Screen::Events);
    let told = told.rows(&["disruption gpu-a", "eviction gpu-a", "not-ready gpu-broken"]);
    assert_eq!(pods_hit(&told), ["ml/train-0", "ml/train-1", "ml/train-0"]);
    let told = told.told(gone()).rows(&["disruption gpu-a", "eviction ml/train-0", "not-ready gpu-broken"]);
    assert_eq!(pods_hit(&told), ["ml/train-1"]);
}

/// The question of what disrupted a node in the last hour takes its name and three keys.
#[test]
fn a_node_is_found_among_incidents_by_its_name_also_once_it_is_gone() {
    let told = story(small()).told(taken()).told(gone()).keys("5 / 'gpu-a' enter").rows(&["disruption gpu-a"]);
    let told = told.keys("esc / 'train-1' enter").rows(&["disruption gpu-a"]);
    told.keys("esc / 'status:ready' enter").rows(&["not-ready gpu-broken"]);
}

#[test]
fn an_incident_has_details_and_leads_to_the_events_of_its_node() {
    let told = story(small()).told(taken()).keys("5 enter");
    let opened = told.app.ui.level.detail.as_ref().map(|detail| &detail.of);
    assert!(matches!(opened, Some(Opened::Incident(key)) if &*key.name == "gpu-a"), "{opened:?}");
    let told = told.keys("esc l").screen(Screen::Events).rows(&["default/node-taken", "default/e1"]);
    told.keys("h").rows(&["disruption gpu-a", "eviction gpu-a", "not-ready gpu-broken"]);
}

#[test]
fn incidents_are_counted_by_the_minute_and_the_hour_goes_on() {
    let told = story(small()).told(taken()).keys("5");
    let counts = |told: &Story| -> Vec<(usize, u32)> {
        let minutes = told.app.ui.listing.density.until(told.app.now);
        let counted = minutes.iter().enumerate().filter(|(_, minute)| minute.count > 0);
        counted.map(|(at, minute)| (59 - at, minute.count)).collect()
    };
    assert_eq!(counts(&told), [(30, 1), (20, 1), (10, 1), (4, 2)]);
    let later = told.seconds(120);
    assert_eq!(counts(&later), [(32, 1), (22, 1), (12, 1), (6, 2)]);
}
