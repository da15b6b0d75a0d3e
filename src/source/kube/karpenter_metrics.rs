//! What Karpenter says on the metrics page of its controller, through the API server: whether its disruption loop stands still,
//! and, while nothing better prices some instance type, its own prices.
//!
//! Read only where the API server lets us: a Service of the controller's name in its namespace, port `http-metrics`, as
//! Karpenter's Helm chart makes it. That it cannot be read is only told where prices are wanted.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::api;
use super::backoff::Backoff;
use super::failure::Failure;
use super::health_reporter::HealthReporter;
use super::sink::Closed;
use super::stream::StreamContext;
use crate::fleet::{
    CapacityType, Delta, Health, HealthState, LoopState, ObjectKey, Price, PriceChange, PriceDemand, PriceKey,
    PriceList, Report, SourceId, Sym,
};
use crate::units::Time;
use crate::units::exposition::{BadLines, Exposition, Sample};

/// Apart from the seeds of others.
const SEED: u64 = 3000;

/// Karpenter asks AWS twice a day; its estimates of spot prices follow in between.
const EVERY: Duration = Duration::from_mins(5);

/// Nodes come one by one; the page is large.
const SPACING: Duration = Duration::from_secs(30);

/// What is wanted of it: from whom, and the prices of which instance types, maybe none.
type Wanted = (ObjectKey, BTreeSet<Sym>);

/// Reads the page now and then while it is wanted.
pub(super) async fn run(
    mut context: StreamContext,
    turn: CancellationToken,
    mut demand: watch::Receiver<PriceDemand>,
) -> Closed {
    let timing = context.timing;
    let mut health =
        HealthReporter::new(SourceId::KarpenterMetrics, context.sink.clone(), context.clock, timing.health);
    let mut backoff = Backoff::new(&timing, SEED);
    turn.cancelled().await;
    loop {
        let asked = wanted(&demand.borrow_and_update());
        let wanted = match asked {
            Ok(wanted) => wanted,
            Err(idle) => {
                if health.idle(idle, Some(EVERY)).await.is_err() || demand.changed().await.is_err() {
                    return Closed;
                }
                continue;
            }
        };
        let Some(client) = context.access.wait().await else { return Closed };
        let read = look(&client, &context, &wanted).await;
        drop(client);
        let wait = match read {
            _ if wanted.1.is_empty() => quietly(&context, &mut health, read).await,
            Ok(content) => told(&context, &mut health, &mut backoff, content).await,
            Err(failure) => failed(&mut health, &mut backoff, &wanted.0, &failure).await,
        };
        match wait {
            Ok(wait) if rest(wait, &mut demand).await => {}
            _ => return Closed,
        }
    }
}

/// Whom to ask for what; `Err` says why nobody.
fn wanted(demand: &PriceDemand) -> Result<Wanted, Health> {
    let nobody = || if demand.karpenter.is_empty() { Health::prices_not_needed() } else { no_controller() };
    let controller = demand.controller.clone().ok_or_else(nobody)?;
    Ok((controller, demand.karpenter.clone()))
}

fn no_controller() -> Health {
    let message = Some(Sym::new("no controller of Karpenter is seen in the cluster"));
    Health { state: HealthState::Absent, message, ..Health::default() }
}

/// Until it is due, or something else is wanted; false when nobody can want anything any more.
async fn rest(wait: Duration, demand: &mut watch::Receiver<PriceDemand>) -> bool {
    sleep(SPACING.min(wait)).await;
    match timeout(wait.saturating_sub(SPACING), demand.changed()).await {
        Ok(changed) => changed.is_ok(),
        Err(_due) => true,
    }
}

/// What a page says.
struct PageContent {
    /// How the disruption loop stands, where the page says so.
    loop_state: Option<LoopState>,
    /// The wanted prices.
    prices: Vec<PriceChange>,
    /// What could not be read.
    bad_lines: Option<BadLines>,
}

async fn look(client: &kube::Client, context: &StreamContext, wanted: &Wanted) -> Result<PageContent, Failure> {
    let (controller, types) = wanted;
    let path =
        format!("/api/v1/namespaces/{}/services/{}:http-metrics/proxy/metrics", controller.namespace, controller.name);
    let mut body = context.access.body();
    api::fetch(client, api::get(&path, "text/plain")?, &context.timing, &mut body).await?;
    let now = (context.clock)();
    Ok(PageContent { loop_state: loop_state(&body, controller, now), ..read(&body, types, now) })
}

/// No price is wanted: nothing depends on the page, and whoever may not read it misses no right.
async fn quietly(
    context: &StreamContext,
    health: &mut HealthReporter,
    content: Result<PageContent, Failure>,
) -> Result<Duration, Closed> {
    if let Some(state) = content.ok().and_then(|content| content.loop_state) {
        context.sink.send(Report::Delta(Delta::LoopState(state))).await?;
    }
    health.idle(Health::prices_not_needed(), Some(EVERY)).await.map(|()| EVERY)
}

async fn told(
    context: &StreamContext,
    health: &mut HealthReporter,
    backoff: &mut Backoff,
    content: PageContent,
) -> Result<Duration, Closed> {
    backoff.reset();
    if let Some(state) = content.loop_state {
        context.sink.send(Report::Delta(Delta::LoopState(state))).await?;
    }
    let count = content.prices.len() as u64;
    context.sink.send(Report::Delta(Delta::Prices(content.prices))).await?;
    health.set_note(content.bad_lines.map(|bad| bad.to_string()).as_deref());
    health.list_complete(count).await.map(|()| EVERY)
}

async fn failed(
    health: &mut HealthReporter,
    backoff: &mut Backoff,
    controller: &ObjectKey,
    failure: &Failure,
) -> Result<Duration, Closed> {
    match failure {
        Failure::Api { code: 403, message, .. } => {
            let words = format!("may not get services/proxy of {controller}: {message}");
            health.forbidden(&words, EVERY).await.map(|()| EVERY)
        }
        Failure::Api { code: 404, .. } => {
            let words = format!("there is no Service {controller} with a port http-metrics");
            health.absent(&words, EVERY).await.map(|()| EVERY)
        }
        failure => {
            let wait = backoff.next().max(SPACING);
            health.failed(&failure.sentence(), wait).await.map(|()| wait)
        }
    }
}

/// Name of the metric (karpenter pkg/controllers/metrics/metrics.go).
const METRIC: &str = "karpenter_cloudprovider_instance_type_offering_price_estimate";

/// The prices of these instance types on a page of metrics. Zero is what Karpenter writes where it has no price.
fn read(page: &[u8], types: &BTreeSet<Sym>, as_of: Time) -> PageContent {
    let mut page = Exposition::new(page);
    let offerings = page.samples().filter(|sample| sample.name == METRIC).filter_map(|sample| offering(&sample));
    let wanted = offerings.filter(|(key, price)| types.contains(&key.instance_type) && *price > 0);
    let change =
        |(key, micro_usd_per_hour)| PriceChange::Listed(PriceList::Karpenter, key, Price { micro_usd_per_hour, as_of });
    let prices = wanted.map(change).collect();
    PageContent { loop_state: None, prices, bad_lines: page.bad_lines() }
}

/// Names of the gauges (karpenter pkg/controllers/state/metrics.go).
const SYNCED: &str = "karpenter_cluster_state_synced";
const UNSYNCED_SECONDS: &str = "karpenter_cluster_state_unsynced_time_seconds";

/// What the two gauges say together; nothing of a page that has not both, or on which they contradict each other. One that
/// waits to be the leader has neither.
fn loop_state(page: &[u8], controller: &ObjectKey, as_of: Time) -> Option<LoopState> {
    let (mut synced, mut unsynced_seconds) = (None, None);
    for sample in Exposition::new(page).samples() {
        match sample.name {
            SYNCED => synced = Some(sample.value),
            UNSYNCED_SECONDS => unsynced_seconds = Some(sample.value),
            _ => {}
        }
    }
    let seconds = unsynced_seconds.filter(|seconds| (0.0..1e9).contains(seconds))?;
    #[expect(clippy::cast_possible_truncation, reason = "below 1e9")]
    let whole_seconds = seconds as i64;
    let is_synced = synced?.total_cmp(&1.0).is_eq();
    let is_unsynced = synced?.total_cmp(&0.0).is_eq();
    // Both are set one after the other: synced is 1 only after the time was set to 0.
    let unsynced_seconds = match (is_synced, is_unsynced) {
        (true, _) if whole_seconds == 0 => None,
        (_, true) => Some(whole_seconds),
        _ => return None,
    };
    Some(LoopState { controller: controller.clone(), unsynced_seconds, as_of })
}

fn offering(sample: &Sample<'_>) -> Option<(PriceKey, i64)> {
    let label = |name| sample.labels.get(name);
    let key = PriceKey {
        place: Sym::new(&label("zone")?),
        instance_type: Sym::new(&label("instance_type")?),
        capacity_type: CapacityType::parse(&label("capacity_type")?)?,
    };
    Some((key, micro_usd(sample.value)?))
}

fn micro_usd(usd: f64) -> Option<i64> {
    let usd = Some(usd).filter(|usd| (0.0..1e9).contains(usd))?;
    #[expect(clippy::cast_possible_truncation, reason = "below 1e15")]
    let micro_usd = (usd * 1e6).round() as i64;
    Some(micro_usd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_of_demanded_instance_types_are_read_from_the_metrics_page() {
        let page = "# HELP karpenter_cloudprovider_instance_type_offering_price_estimate Instance type offering estimated hourly price\n\
            karpenter_cloudprovider_instance_type_offering_price_estimate{capacity_type=\"spot\",instance_type=\"g5.xlarge\",zone=\"us-east-1a\"} 0.4021\n\
            karpenter_cloudprovider_instance_type_offering_price_estimate{zone=\"us-east-1a\",instance_type=\"g5.xlarge\",capacity_type=\"on-demand\"} 1.006 1790000000\n\
            karpenter_cloudprovider_instance_type_offering_price_estimate{capacity_type=\"spot\",instance_type=\"m5.large\",zone=\"us-east-1a\"} 0.04\n\
            karpenter_cloudprovider_instance_type_offering_price_estimate{capacity_type=\"spot\",instance_type=\"g5.xlarge\",zone=\"us-east-1b\"} 0\n\
            karpenter_cloudprovider_instance_type_offering_price_estimate{capacity_type=\"spot\",instance_type=\"g5.xlarge\",zone=\"us-east-1c\"} NaN\n\
            karpenter_cloudprovider_instance_type_cpu_cores{instance_type=\"g5.xlarge\"} 4\n";
        let types = BTreeSet::from([Sym::new("g5.xlarge")]);
        let content = read(page.as_bytes(), &types, Time::from_seconds(0));
        assert_eq!(content.bad_lines, None);
        let found: Vec<_> = content
            .prices
            .into_iter()
            .map(|change| match change {
                PriceChange::Listed(PriceList::Karpenter, key, price) => {
                    (key.place.to_string(), key.capacity_type, price.micro_usd_per_hour)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let place = || "us-east-1a".to_owned();
        assert_eq!(found, [(place(), CapacityType::Spot, 402_100), (place(), CapacityType::OnDemand, 1_006_000)]);
        assert_eq!(micro_usd(1e-05), Some(10));
    }

    #[test]
    fn an_unreadable_metrics_line_does_not_affect_other_lines() {
        let page = "karpenter_cloudprovider_instance_type_offering_price_estimate{zone=\"a}\n\
            karpenter_cloudprovider_instance_type_offering_price_estimate\
            {zone=\"b\",extra=\"}, zone=\\\"c\\\"\",instance_type=\"g5.xlarge\",capacity_type=\"spot\"} 0.5\n";
        let content = read(page.as_bytes(), &BTreeSet::from([Sym::new("g5.xlarge")]), Time::from_seconds(0));
        assert_eq!(content.bad_lines.map(|bad| (bad.count, bad.first.line)), Some((1, 1)));
        match content.prices.as_slice() {
            [PriceChange::Listed(_, key, price)] => {
                assert_eq!((key.place.as_str(), price.micro_usd_per_hour), ("b", 500_000));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn karpenter_metrics_are_requested_only_of_a_controller() {
        let mut demand = PriceDemand::default();
        assert_eq!(wanted(&demand), Err(Health::prices_not_needed()));
        let controller = ObjectKey::new("kube-system", "karpenter");
        demand.controller = Some(controller.clone());
        assert_eq!(wanted(&demand), Ok((controller.clone(), BTreeSet::new())));
        demand.karpenter.insert(Sym::new("g5.xlarge"));
        assert_eq!(wanted(&demand), Ok((controller, BTreeSet::from([Sym::new("g5.xlarge")]))));
        demand.controller = None;
        assert_eq!(wanted(&demand), Err(no_controller()));
    }

    #[test]
    fn the_loop_state_is_read_from_both_gauges_or_not_at_all() {
        let controller = ObjectKey::new("kube-system", "karpenter");
        let of = |page: &str| loop_state(page.as_bytes(), &controller, Time::from_seconds(7));
        let gauges = |synced: &str, seconds: &str| {
            of(&format!(
                "# TYPE karpenter_cluster_state_synced gauge\nkarpenter_cluster_state_synced {synced}\n\
                karpenter_cluster_state_unsynced_time_seconds {seconds}\nkarpenter_cluster_state_node_count 3\n"
            ))
            .map(|state| state.unsynced_seconds)
        };
        for (synced, seconds, wanted) in [
            ("1", "0", Some(None)),
            ("0", "412.75", Some(Some(412))),
            ("0", "0", Some(Some(0))),
            // What cannot be.
            ("1", "412", None),
            ("0.5", "3", None),
            ("2", "3", None),
            ("NaN", "3", None),
            ("0", "NaN", None),
            ("0", "-3", None),
            ("0", "+Inf", None),
            ("0", "1e300", None),
            ("no", "3", None),
        ] {
            assert_eq!(gauges(synced, seconds), wanted, "{synced} {seconds}");
        }
        let cut = ["", "karpenter_cluster_state_synced 0\n", "karpenter_cluster_state_unsynced_time_seconds 400\n"];
        assert!(cut.into_iter().all(|page| of(page).is_none()), "a page that was cut says nothing");
        let state = of("karpenter_cluster_state_synced 0\nkarpenter_cluster_state_unsynced_time_seconds 9\n").unwrap();
        assert_eq!((state.controller, state.as_of), (controller, Time::from_seconds(7)));
    }
}
