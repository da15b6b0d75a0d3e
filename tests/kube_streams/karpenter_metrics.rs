//! The metrics page of Karpenter's controller.

use batchtop::fleet::{Health, HealthState, ObjectKey, PriceDemand, SourceId, Sym};
use tokio::sync::watch;

use crate::fake_api::FakeApi;
use crate::screen::{Screen, quick, server_sees};

const PAGE: &str = "/api/v1/namespaces/kube-system/services/karpenter:http-metrics/proxy/metrics";

fn demand(types: &[&str]) -> PriceDemand {
    let controller = Some(ObjectKey::new("kube-system", "karpenter"));
    PriceDemand { controller, karpenter: types.iter().map(|name| Sym::new(name)).collect(), ..PriceDemand::default() }
}

fn health(screen: &Screen) -> Health {
    screen.sources.get(&SourceId::KarpenterMetrics).cloned().unwrap_or_default()
}

async fn serving(page: &str) -> FakeApi {
    let api = FakeApi::start().await;
    api.state().pages.insert(PAGE.to_owned(), page.to_owned());
    api
}

#[tokio::test]
async fn the_loop_state_is_read_where_no_price_is_wanted() {
    let page = "karpenter_cluster_state_synced 0\nkarpenter_cluster_state_unsynced_time_seconds 412.5\n\
        karpenter_cloudprovider_instance_type_offering_price_estimate\
        {capacity_type=\"spot\",instance_type=\"g5.xlarge\",zone=\"z\"} 0.4\n";
    let api = serving(page).await;
    let (_wanted, demand) = watch::channel(demand(&[]));
    let mut screen = Screen::pricing(&api, &quick(), demand);
    screen.until("the state", |screen| screen.fleet.loop_state.is_some()).await;
    let state = screen.fleet.loop_state.clone().expect("a state");
    assert_eq!((state.controller.name.as_str(), state.unsynced_seconds), ("karpenter", Some(412)));
    screen.until("the health", |screen| health(screen).state == HealthState::NotNeeded).await;
    assert_eq!(health(&screen).message, Health::prices_not_needed().message);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_only_told_where_prices_are_wanted() {
    let api = FakeApi::start().await;
    let (_wanted, nothing) = watch::channel(demand(&[]));
    let mut screen = Screen::pricing(&api, &quick(), nothing);
    server_sees("the request", || api.requests(PAGE) == 1).await;
    screen.until("the health", |screen| health(screen).state == HealthState::NotNeeded).await;
    assert!(screen.fleet.loop_state.is_none());
    let (_wanted, prices) = watch::channel(demand(&["g5.xlarge"]));
    let mut screen = Screen::pricing(&api, &quick(), prices);
    screen.until("the health", |screen| health(screen).state == HealthState::Absent).await;
}

#[tokio::test]
async fn a_page_that_was_cut_says_nothing_of_the_loop() {
    let api = serving("karpenter_cluster_state_synced 0\nkarpenter_cluster_state_unsynced_ti").await;
    let (_wanted, prices) = watch::channel(demand(&["g5.xlarge"]));
    let mut screen = Screen::pricing(&api, &quick(), prices);
    screen.until("the health", |screen| health(screen).state == HealthState::Live).await;
    assert!(screen.fleet.loop_state.is_none());
}
