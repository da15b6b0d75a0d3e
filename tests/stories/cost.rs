//! Cost: who pays, told apart by key, and the way down to what they pay for.

use batchtop::app::{Scope, Screen, Severity};
use batchtop::fleet::{
    CapacityType, Change, Delta, Health, HealthState, Kind, NodeRow, Price, PriceChange, PriceKey, PriceList, Report,
    SourceId, Sym,
};

use crate::dsl::{Story, story};
use crate::fixture::{health, labels, node, noon, small, upsert_node};

/// The small fleet with prices: of both NodePools, and none of the node that is nobody's.
fn priced() -> Story {
    let with_label = |name: &str, pool: &str, price: &str| {
        let mut row = node(name, pool);
        let known = row.labels.iter().map(|(key, value)| (key.as_str().to_owned(), value.as_str().to_owned()));
        let mut all: Vec<(String, String)> = known.collect();
        all.push(("eks-node-viewer/instance-price".to_owned(), price.to_owned()));
        let pairs: Vec<(&str, &str)> = all.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        row.labels = labels(&pairs);
        upsert_node(row)
    };
    let told = story(small()).told(vec![
        with_label("cpu-a", "cpu", "0.40"),
        with_label("gpu-a", "gpu", "8"),
        with_label("gpu-broken", "gpu", "0"),
        health(Kind::NodeClaim, HealthState::Live),
    ]);
    told.seconds(61).told(Vec::new())
}

#[test]
fn unpriced_payers_are_listed_first_then_the_most_expensive() {
    let told = priced().keys("6").screen(Screen::Cost);
    // The NodeClaim without Node is billed and priced by nobody, so that its NodePool pays more than is known.
    told.rows(&["gpu", "Nobody", "cpu"]).selected("NodePool gpu");
}

#[test]
fn a_key_and_a_command_choose_the_grouping_of_cost() {
    let told = priced().keys("6 d").says("dollars by namespace");
    let told = told.rows(&["ml", "Nobody", "vision", "kube-system"]);
    let told = told.keys("D D").says("dollars by node");
    let told = told.keys(": 'cost' space 'job' enter").says("dollars by Job").selected("Job OtherPods");
    told.keys(": 'cost' space 'colour' enter").severity(Severity::Error).says("there are NodePool, namespace");
}

#[test]
fn cost_remembers_its_grouping_and_most_screens_have_none() {
    let told = priced().keys("3 d").says("only Cost groups dollars, and Fleet devices").screen(Screen::Pods);
    let told = told.keys("6 d 1 6");
    assert_eq!(told.app.ui.level.dimension().name(), "namespace");
}

#[test]
fn enter_opens_the_objects_a_payer_pays_for_and_esc_returns() {
    let told = priced().keys("6 G enter").screen(Screen::Fleet).rows(&["cpu-a"]).keys("esc").selected("NodePool cpu");
    let told = told.keys("k enter").screen(Screen::Fleet).rows(&["lab"]).keys("esc");
    let told = told.keys("d G enter").screen(Screen::Pods).rows(&["kube-system/dns"]).keys("esc");
    let told = told.selected("namespace kube-system");
    // What no pod requests is found on the nodes where most of it is.
    let told = told.keys("g g j enter").screen(Screen::Fleet);
    assert_eq!(told.app.ui.level.sort.column.name, "unrequested");
    assert!(matches!(told.app.ui.level.scope, Some(Scope::CostKey(_))));
    let told = told.keys("esc d / 'train' enter").rows(&["ml/train"]);
    told.keys("enter").screen(Screen::Pods).rows(&["ml/train-2", "ml/train-0", "ml/train-1"]);
}

#[test]
fn rows_are_filtered_and_sorted_and_the_selection_survives() {
    let told = priced().keys("6 d / 'vision' enter").rows(&["vision"]).selected("namespace vision");
    let told = told.keys("esc").selected("namespace vision").keys("S").says("sorted by name");
    let told = told.rows(&["Nobody", "kube-system", "ml", "vision"]).selected("namespace vision");
    told.keys("/ 'price:unknown' enter").rows(&["ml"]);
}

#[test]
fn payers_have_no_yaml_and_cannot_be_marked_or_protected() {
    let told = priced().keys("6 y Y space p ctrl-a").nothing_open().marks(&[]).screen(Screen::Cost);
    assert!(told.app.ui.level.detail.is_none());
}

#[test]
fn nodes_pods_and_jobs_can_be_sorted_by_cost() {
    let told = priced().keys(": 'sort' space 'cost' enter").rows(&["gpu-a", "cpu-a", "gpu-broken", "gpu-new", "lab"]);
    let told = told.keys("/ 'price:unknown' enter").rows(&["gpu-new", "lab"]).keys("esc");
    let told = told.keys("3 : 'sort' space 'cost' enter");
    assert_eq!(crate::dsl::row_name(&told.app.ui.listing.rows[0]), "ml/train-0");
    let told = told.keys("2 : 'sort' space 'cost' enter");
    told.rows(&["ml/train", "ml/done", "vision/eval"]);
}

#[test]
fn the_rate_of_all_fleet_rows_is_the_rate_of_all_machines() {
    let told = priced();
    let machines = told.app.insights.rates().map(|rates| rates.total - rates.cluster_fixed.unwrap_or(0));
    let listed = told.app.ui.listing.rate;
    assert_eq!(listed.map(|rate| rate.micro_usd_per_hour), machines);
    assert_eq!(listed.map(|rate| rate.unpriced), Some(2));
    let told = told.keys("/ 'cpu-a' enter");
    assert_eq!(told.app.ui.listing.rate.map(|rate| (rate.micro_usd_per_hour, rate.unpriced)), Some((400_000, 0)));
}

#[test]
fn an_order_by_cost_follows_prices() {
    let told = priced().keys(": 'sort' space 'cost' enter").selected("Node gpu-a");
    let key = PriceKey {
        place: Sym::new("us-east-1b"),
        instance_type: Sym::new("m7i.2xlarge"),
        capacity_type: CapacityType::OnDemand,
    };
    let price = Price { micro_usd_per_hour: 99_000_000, as_of: noon() };
    let dear = NodeRow { provider_id: Some(Sym::new("aws:///us-east-1b/i-1")), ..node("dear", "cpu") };
    let told = told.told(vec![
        Report::Delta(Delta::Nodes(vec![Change::Upsert(dear)])),
        Report::Delta(Delta::Prices(vec![PriceChange::Listed(PriceList::Karpenter, key, price)])),
        Report::Health(SourceId::KarpenterMetrics, Health { state: HealthState::Live, ..Health::default() }),
    ]);
    assert_eq!(crate::dsl::row_name(&told.app.ui.listing.rows[0]), "dear");
}

#[test]
fn no_dollars_are_counted_while_nodes_are_not_watched() {
    let paid = |told: &Story| told.app.insights.ledger.total();
    let told = priced().seconds(60);
    let before = paid(&told);
    assert!(before.observed_seconds >= 50, "{before:?}");
    // The API server is gone: for a minute its last word is taken for true, then no more.
    let last_word = Health { state: HealthState::Stale, as_of: Some(told.app.now), ..Health::default() };
    let told = told.told(vec![Report::Health(SourceId::Kind(Kind::Node), last_word)]).seconds(600);
    let gone = paid(&told);
    assert!((0..=70).contains(&(gone.observed_seconds - before.observed_seconds)), "{gone:?}");
    let told = told.told(vec![health(Kind::Node, HealthState::Live)]).seconds(30);
    let back = paid(&told);
    assert!((10..=30).contains(&(back.observed_seconds - gone.observed_seconds)), "{back:?}");
    assert_eq!(back.incomplete_seconds, back.observed_seconds, "one machine has no price");
}
