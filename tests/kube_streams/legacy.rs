//! Clusters of Karpenter before v1beta1: Provisioners and Machines.

use batchtop::app::{App, Msg, Settings, settle_completely, update};
use batchtop::export;
use batchtop::fleet::{HealthState, KarpenterApi, Kind};
use serde_json::Value;

use crate::fake_api::{FakeApi, bare, pod};
use crate::screen::{NODES, PODS, Screen, clock};

const PROVISIONERS: &str = "/apis/karpenter.sh/v1alpha5/provisioners";
const MACHINES: &str = "/apis/karpenter.sh/v1alpha5/machines";

/// A Node of Provisioner `default` with a pod, and what Karpenter 0.31 keeps of it.
async fn old_cluster() -> FakeApi {
    let api = FakeApi::start().await;
    let labels = r#""labels":{"karpenter.sh/provisioner-name":"default","karpenter.sh/initialized":"true","karpenter.sh/capacity-type":"spot","node.kubernetes.io/instance-type":"m5.large","eks-node-viewer/instance-price":"0.096"}"#;
    let with = |name: &str, rest: &str| {
        let object = bare(name).replace(r#""name""#, &format!("{labels},\"name\"")).replace("}}", rest);
        object.replacen('{', r#"{"apiVersion":"karpenter.sh/v1alpha5","#, 1)
    };
    let condition = |kind: &str| {
        format!(
            r#"{{"type":"{kind}","status":"True","lastTransitionTime":"2026-11-21T10:00:00Z","reason":"","message":""}}"#
        )
    };
    let of_machine = ["MachineLaunched", "MachineRegistered", "MachineInitialized"].map(condition).join(",");
    let ready = condition("Ready");
    let mut state = api.state();
    state.groups.insert("karpenter.sh".to_owned(), vec!["v1alpha5".to_owned()]);
    let node = format!(r#"}},"spec":{{"providerID":"aws:///a/i-1"}},"status":{{"conditions":[{ready}]}}}}"#);
    state.put(NODES, "n1", &with("n1", &node));
    let machine =
        format!(r#"}},"status":{{"nodeName":"n1","providerID":"aws:///a/i-1","conditions":[{of_machine}]}}}}"#);
    state.put(MACHINES, "m1", &with("m1", &machine));
    let provisioner = r#"},"spec":{"consolidation":{"enabled":true},"limits":{"resources":{"cpu":"100"}}},"status":{"conditions":[{"type":"Active","status":"True"}]}}"#;
    state.put(PROVISIONERS, "default", &with("default", provisioner));
    state.put(PODS, "ml/p", &pod("p", "ml", None));
    drop(state);
    api
}

fn snapshot(screen: &Screen) -> Value {
    let mut app = App::new(Settings::default(), clock());
    for report in &screen.reported {
        let epoch = app.epoch;
        update(&mut app, Msg::Source(epoch, report.clone()));
    }
    settle_completely(&mut app);
    serde_json::to_value(export::snapshot(&app, export::GpuDetail::Sums)).expect("JSON")
}

#[tokio::test]
async fn provisioners_and_machines_are_listed_and_not_judged() {
    let api = old_cluster().await;
    let mut screen = Screen::of(&api);
    screen.until("the Provisioner", |screen| screen.is(Kind::NodePool, HealthState::Live)).await;
    screen.until("the Machine", |screen| screen.is(Kind::NodeClaim, HealthState::Live)).await;
    screen.until("the fact", |screen| screen.facts.karpenter_api == KarpenterApi::V1Alpha5).await;
    screen.until("the rest", |screen| screen.is(Kind::Pod, HealthState::Live) && !screen.fleet.nodes.is_empty()).await;
    assert_eq!(screen.health(Kind::NodePool).message.as_deref(), Some("legacy API v1alpha5: provisioners"));
    assert_eq!(screen.health(Kind::NodeClaim).message.as_deref(), Some("legacy API v1alpha5: machines"));
    let document = snapshot(&screen);
    let pool = &document["nodePools"][0];
    assert_eq!((&pool["name"], &pool["ready"], &pool["nodes"]), (&"default".into(), &true.into(), &1.into()));
    assert_eq!((&pool["policy"], &pool["limits"]["cpu"]), (&"WhenUnderutilized".into(), &"100".into()));
    assert_eq!(pool["allowed"]["Empty"], Value::Null, "it has no budgets");
    let claim = &document["nodeClaims"][0];
    assert_eq!((&claim["nodePool"], &claim["phase"]), (&"default".into(), &"Ready".into()));
    let node = &document["nodes"][0];
    assert_eq!((&node["nodePool"], &node["nodeClaim"]), (&"default".into(), &"m1".into()));
    assert_eq!(node["disruption"]["verdict"], "Unknown");
    let may = &node["disruption"]["may"];
    assert!(["Empty", "Drifted", "Underutilized"].into_iter().all(|reason| may[reason].is_null()), "{may}");
    assert_eq!(document["totals"]["cost"]["byNodePool"][0]["name"], "default");
    assert_eq!(document["findings"], Value::Array(Vec::new()));
}
