//! The five Sources against a fake AWS in memory, with a clock that the test sets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::api::{Page, PlacementRow, ProductsQuery};
use super::super::failure::Failure;
use super::super::hardware::{AcceleratorInfo, Device, InstanceDescription};
use super::super::spot::{LINUX_PRODUCTS, SpotRow};
use super::super::{AnsweredDemands, Clock, PlacementScores, Settings};
use super::*;
use crate::fleet::{
    CapacityType, Delta, Epoch, Health, HealthState, PlacementConfiguration, PlacementPlace, PriceDemand, PriceKey,
    PriceList, Prices, RegionDemand, Report, Sources, SpotMarket, SpotPlace, Sym,
};

const START: i64 = 1_795_000_000;
const REGION: &str = "us-east-1";

/// Behaviour of the fake AWS, and the requests it has received.
#[derive(Default)]
struct FakeState {
    asked: Vec<String>,
    failure: Option<Failure>,
    /// Prices of instance types, in dollars.
    prices: BTreeMap<&'static str, &'static str>,
    account: String,
    /// The clock of the test.
    now: Arc<AtomicI64>,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<FakeState>>);

impl Fake {
    fn memory(&self) -> MutexGuard<'_, FakeState> {
        self.0.lock().expect("no test panicked here")
    }

    fn ask(&self, line: String) -> Result<(), Failure> {
        let mut memory = self.memory();
        memory.asked.push(line);
        memory.failure.clone().map_or(Ok(()), Err)
    }

    fn price(&self, name: &str) -> Option<&'static str> {
        self.memory().prices.get(name).copied()
    }
}

fn names(types: &[Sym]) -> String {
    types.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",")
}

impl Api for Fake {
    async fn spot_prices(
        &self,
        region: &str,
        types: &[Sym],
        since: Time,
        _: Option<String>,
    ) -> Result<Page<SpotRow>, Failure> {
        let days = (self.memory().now.load(Ordering::SeqCst) - since.seconds()) / 86_400;
        let what = if days == 0 { "spot".to_owned() } else { format!("spot of {days} days") };
        self.ask(format!("{what} {region} {}", names(types)))?;
        let row = |name: &Sym| {
            let usd = self.price(name)?.to_owned();
            let (zone, zone_id) = (format!("{region}a"), "use1-az2".to_owned());
            let product = LINUX_PRODUCTS[0].to_owned();
            Some(SpotRow { instance_type: name.to_string(), zone, zone_id, product, usd, at: Some(since) })
        };
        Ok(Page { items: types.iter().filter_map(row).collect(), token: Some(String::new()) })
    }

    async fn placement_scores(
        &self,
        region: &str,
        configuration: &PlacementConfiguration,
        _: Option<String>,
    ) -> Result<Page<PlacementRow>, Failure> {
        let types: Vec<Sym> = configuration.instance_types.iter().cloned().collect();
        self.ask(format!("scores {region} {} of {}", configuration.instances, names(&types)))?;
        let row = |zone_id: &str, score| PlacementRow { zone_id: zone_id.to_owned(), score };
        Ok(Page { items: vec![row("use1-az2", 3), row("use1-az4", 11), row("", 9)], token: None })
    }

    async fn products(&self, asked: &ProductsQuery, _: Option<String>) -> Result<Page<String>, Failure> {
        let of = |field: &str| {
            let found = asked.filters.iter().find(|(name, _)| *name == field);
            found.map_or("*", |(_, value)| value.as_str())
        };
        let line = format!("{} {} {} {}", asked.service, asked.endpoint, of("regionCode"), of("instanceType"));
        self.ask(line)?;
        let item = |name: &str, usd: &str| {
            json!({"product": {"attributes": {"instanceType": name, "operation": "EKSAutoUsage"}}, "terms": {"OnDemand": {
                "T": {"effectiveDate": "2026-01-01T00:00:00Z", "priceDimensions": {
                    "D": {"unit": "Hrs", "pricePerUnit": {"USD": usd}}}}}}})
            .to_string()
        };
        let memory = self.memory();
        let wanted = memory.prices.iter().filter(|(name, _)| of("instanceType") == "*" || of("instanceType") == **name);
        Ok(Page { items: wanted.map(|(name, usd)| item(name, usd)).collect(), token: None })
    }

    async fn instance_types(
        &self,
        region: &str,
        types: &[Sym],
        _: Option<String>,
    ) -> Result<Page<InstanceDescription>, Failure> {
        self.ask(format!("types {region} {}", names(types)))?;
        let device = Device { name: "A10G".into(), count: Some(1), logical: Some(1), memory_mib: Some(22_888) };
        let gpu = AcceleratorInfo { devices: vec![device], total_mib: Some(22_888) };
        let described = |name: &Sym| InstanceDescription {
            name: name.to_string(),
            gpu: Some(gpu.clone()),
            ..InstanceDescription::default()
        };
        Ok(Page { items: types.iter().map(described).collect(), token: None })
    }

    async fn account(&self, region: &str) -> Result<String, Failure> {
        self.ask(format!("account {region}"))?;
        Ok(self.memory().account.clone())
    }

    async fn endpoints(&self, _: &str) -> String {
        String::new()
    }
}

/// The running Sources with everything that they report, and the inputs that a test controls.
struct Harness {
    aws: Fake,
    now: Arc<AtomicI64>,
    demand: watch::Sender<PriceDemand>,
    answered: watch::Receiver<AnsweredDemands>,
    reports: mpsc::Receiver<(Epoch, Report)>,
    prices: Prices,
    market: SpotMarket,
    sources: Sources,
    _running: DropGuard,
}

impl Harness {
    fn new() -> Self {
        Self::with(None, None)
    }

    fn with(folder: Option<&Path>, arn: Option<&'static str>) -> Self {
        Self::scoring(folder, arn, PlacementScores::Off { why: "not wanted" })
    }

    /// With placement scores, of which so many configurations may be new.
    fn limited(folder: &Path, most_new: usize) -> Self {
        let write: Write = |path, bytes| std::fs::write(path, bytes);
        Self::scoring(None, None, PlacementScores::On { state: (folder.to_owned(), write), most_new })
    }

    fn scoring(folder: Option<&Path>, arn: Option<&'static str>, placement: PlacementScores) -> Self {
        let aws = Fake::default();
        aws.memory().prices.extend([("g5.xlarge", "1.006"), ("m5.large", "0.096")]);
        let now = Arc::new(AtomicI64::new(START));
        let reads = now.clone();
        aws.memory().now = now.clone();
        let clock: Clock = Arc::new(move || Time::from_seconds(reads.load(Ordering::SeqCst)));
        let (demand, wanted) = watch::channel(PriceDemand::default());
        let (answers, answered) = watch::channel(AnsweredDemands::default());
        // Large enough that a test need not read reports meanwhile.
        let (sink, reports) = mpsc::channel(10_000);
        let context = RunContext { demand: wanted, answered: answers, sink, epoch: Epoch(1), clock };
        let write: Write = |path, bytes| std::fs::write(path, bytes);
        let cache = folder.map(|folder| (folder.to_owned(), write));
        let cancel = CancellationToken::new();
        let cluster: ClusterNames = Arc::new(move || arn.into_iter().map(str::to_owned).collect());
        let (api, stop) = (aws.clone(), cancel.clone());
        let settings = SourceSettings { cache, cluster, placement };
        tokio::spawn(async move { stop.run_until_cancelled(run(api, settings, context)).await });
        let (prices, market, sources) = (Prices::default(), SpotMarket::default(), Sources::default());
        Self { aws, now, demand, answered, reports, prices, market, sources, _running: cancel.drop_guard() }
    }

    /// Waits until the demand is answered or has failed; returns the requests that AWS has received since the last
    /// call.
    async fn settle(&mut self) -> BTreeSet<String> {
        let demand = self.demand.borrow().clone();
        self.answered.wait_for(|answered| answered.covers(&demand)).await.expect("it runs");
        while let Ok((_, report)) = self.reports.try_recv() {
            match report {
                Report::Delta(Delta::Prices(changes)) => changes.into_iter().for_each(|it| self.prices.apply(it)),
                Report::Delta(Delta::SpotMarket(change)) => self.market.apply(change),
                Report::Health(source, health) => drop(self.sources.insert(source, health)),
                other => panic!("{other:?}"),
            }
        }
        std::mem::take(&mut self.aws.memory().asked).into_iter().collect()
    }

    async fn want(&mut self, demand: PriceDemand) -> BTreeSet<String> {
        self.demand.send_replace(demand);
        self.settle().await
    }

    /// Advances the clock and waits for the requests due then; a change of the demand that needs no request wakes the
    /// Sources.
    async fn pass(&mut self, seconds: i64) -> BTreeSet<String> {
        self.now.fetch_add(seconds, Ordering::SeqCst);
        let wake = Sym::new(&self.now.load(Ordering::SeqCst).to_string());
        self.demand.send_modify(|demand| demand.karpenter.extend([wake]));
        self.settle().await
    }

    fn health(&self, source: SourceId) -> &Health {
        &self.sources[&source]
    }

    fn states(&self) -> Vec<HealthState> {
        let of_prices = SOURCES.iter().filter(|source| **source != SourceId::AwsPlacementScores);
        of_prices.map(|source| self.health(*source).state).collect()
    }

    /// Scores of a NodePool by zone, and how long after the start they were told.
    fn scores(&self, node_pool: &str) -> Option<(Vec<(&str, u8)>, i64)> {
        let place = PlacementPlace { region: Sym::new(REGION), node_pool: Sym::new(node_pool) };
        let scores = self.market.placement(&place)?;
        let zones = scores.zones.iter().map(|(zone, score)| (zone.as_str(), *score)).collect();
        Some((zones, scores.as_of.seconds() - START))
    }

    fn words(&self, source: SourceId) -> &str {
        self.health(source).message.as_deref().unwrap_or_default()
    }

    fn price(&self, list: PriceList, place: &str) -> Option<(i64, i64)> {
        let capacity_type = if list == PriceList::AwsSpot { CapacityType::Spot } else { CapacityType::OnDemand };
        let key = PriceKey { place: Sym::new(place), instance_type: Sym::new("g5.xlarge"), capacity_type };
        self.prices.listed(list, &key).map(|price| (price.micro_usd_per_hour, price.as_of.seconds() - START))
    }
}

fn types(names: &[&str]) -> BTreeSet<Sym> {
    names.iter().map(|name| Sym::new(name)).collect()
}

fn demand_in(region: &str, wanted: RegionDemand) -> PriceDemand {
    PriceDemand { regions: BTreeMap::from([(Sym::new(region), wanted)]), ..PriceDemand::default() }
}

fn everything() -> PriceDemand {
    let one = types(&["g5.xlarge"]);
    let wanted = RegionDemand {
        on_demand: one.clone(),
        spot: one.clone(),
        spot_history: one.clone(),
        auto_mode: one.clone(),
        hardware: one,
        placements: BTreeMap::new(),
        fargate: false,
    };
    demand_in(REGION, wanted)
}

fn spot(names: &[&str]) -> PriceDemand {
    demand_in(REGION, RegionDemand { spot: types(names), ..RegionDemand::default() })
}

fn lines(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[tokio::test]
async fn no_source_is_queried_before_the_first_demand() {
    let mut bed = Harness::new();
    assert_eq!(bed.settle().await, lines(&[]));
    assert_eq!(bed.states(), [HealthState::NotNeeded; 4]);
    assert_eq!(bed.words(SourceId::AwsSpotPrices), "not needed: every node is priced without it");
}

#[tokio::test]
async fn every_demanded_price_is_requested_and_reported() {
    let mut bed = Harness::new();
    let asked = bed.want(everything()).await;
    let expected = [
        "spot us-east-1 g5.xlarge",
        "spot of 7 days us-east-1 g5.xlarge",
        "AmazonEC2 us-east-1 us-east-1 g5.xlarge",
        "AmazonEKS us-east-1 us-east-1 *",
        "types us-east-1 g5.xlarge",
    ];
    assert_eq!(asked, lines(&expected));
    assert_eq!(bed.states(), [HealthState::Live; 4]);
    assert_eq!(bed.health(SourceId::AwsSpotPrices).as_of, Some(Time::from_seconds(START)));
    assert_eq!(bed.price(PriceList::AwsSpot, "us-east-1a"), Some((1_006_000, 0)));
    assert_eq!(bed.price(PriceList::AwsOnDemand, REGION), Some((1_006_000, 0)));
    assert_eq!(bed.price(PriceList::AutoModeFee, REGION), Some((1_006_000, 0)));
    let place = SpotPlace { instance_type: Sym::new("g5.xlarge"), zone: Sym::new("us-east-1a") };
    let history = bed.prices.spot_history(&place).expect("told");
    assert_eq!((history.now, history.lowest, history.course.len()), (1_006_000, 1_006_000, 56));
    let accelerator = bed.prices.instance_type("g5.xlarge").and_then(|found| found.accelerator.clone());
    assert_eq!(accelerator.map(|it| (it.name.to_string(), it.count)), Some(("A10G".to_owned(), 1)));
}

#[tokio::test]
async fn only_new_demands_are_requested_and_ended_ones_are_not() {
    let mut bed = Harness::new();
    bed.want(spot(&["g5.xlarge"])).await;
    bed.now.fetch_add(10, Ordering::SeqCst);
    assert_eq!(bed.want(spot(&["g5.xlarge", "m5.large"])).await, lines(&["spot us-east-1 m5.large"]));
    assert_eq!(bed.want(spot(&["g5.xlarge"])).await, lines(&[]));
    assert_eq!(bed.want(PriceDemand::default()).await, lines(&[]));
    assert_eq!(bed.pass(1_000).await, lines(&[]));
    assert_eq!(bed.states(), [HealthState::NotNeeded; 4]);
}

#[tokio::test]
async fn each_source_has_its_own_schedule() {
    let mut bed = Harness::new();
    bed.want(everything()).await;
    assert_eq!(bed.pass(SPOT_PERIOD_SECONDS - 1).await, lines(&[]));
    assert_eq!(bed.pass(1).await, lines(&["spot us-east-1 g5.xlarge"]));
    assert_eq!(bed.price(PriceList::AwsSpot, "us-east-1a"), Some((1_006_000, SPOT_PERIOD_SECONDS)));
    let half_a_day = bed.pass(ON_DEMAND_PERIOD_SECONDS).await;
    assert_eq!(half_a_day.len(), 4, "{half_a_day:?}");
    assert_eq!(bed.pass(HARDWARE_PERIOD_SECONDS).await.len(), 5);
}

#[tokio::test]
async fn a_refused_request_is_reported_and_retried_and_earlier_prices_stay_stale() {
    let mut bed = Harness::new();
    bed.aws.memory().failure = Some(Failure::Forbidden { action: "ec2:X", message: "no".to_owned() });
    bed.want(spot(&["g5.xlarge"])).await;
    let health = bed.health(SourceId::AwsSpotPrices).clone();
    assert_eq!(health.state, HealthState::Forbidden);
    assert_eq!(health.message.as_deref(), Some("not authorised for ec2:X: no"));
    assert_eq!(health.next_try, Some(Time::from_seconds(START + 60)));
    assert_eq!(bed.pass(59).await, lines(&[]));
    bed.aws.memory().failure = None;
    assert_eq!(bed.pass(1).await.len(), 1);
    assert_eq!(bed.health(SourceId::AwsSpotPrices).state, HealthState::Live);
    bed.aws.memory().failure = Some(Failure::Throttled(String::new()));
    bed.pass(SPOT_PERIOD_SECONDS).await;
    let health = bed.health(SourceId::AwsSpotPrices);
    assert_eq!((health.state, health.as_of), (HealthState::Stale, Some(Time::from_seconds(START + 60))));
}

#[tokio::test]
async fn without_credentials_each_source_tries_one_request() {
    let mut bed = Harness::new();
    bed.aws.memory().failure = Some(Failure::NoCredentials("none".to_owned()));
    let mut demand = everything();
    demand.regions.insert(Sym::new("us-west-2"), demand.regions[REGION].clone());
    assert_eq!(bed.want(demand).await.len(), 4);
    assert_eq!(bed.states(), [HealthState::Failed; 4]);
    let asked = SOURCES.iter().filter(|source| **source != SourceId::AwsPlacementScores);
    assert!(
        asked.map(|source| bed.words(*source)).all(|words| words.starts_with("no AWS credentials: none; run `aws sso"))
    );
}

#[tokio::test]
async fn a_failing_region_does_not_stop_requests_for_other_regions() {
    let mut bed = Harness::new();
    bed.aws.memory().failure = Some(Failure::Service { code: "InternalError".into(), message: String::new() });
    let mut demand = spot(&["g5.xlarge"]);
    demand.regions.insert(Sym::new("us-west-2"), demand.regions[REGION].clone());
    assert_eq!(bed.want(demand).await.len(), 2);
}

#[tokio::test]
async fn govcloud_has_no_price_list() {
    let mut bed = Harness::new();
    let demand =
        demand_in("us-gov-west-1", RegionDemand { on_demand: types(&["m5.large"]), ..RegionDemand::default() });
    assert_eq!(bed.want(demand).await, lines(&[]));
    assert_eq!(bed.health(SourceId::AwsOnDemandPrices).state, HealthState::Absent);
    assert!(bed.words(SourceId::AwsOnDemandPrices).contains("no Price List endpoint for us-gov-west-1"));
}

#[tokio::test]
async fn an_instance_type_that_aws_does_not_list_is_requested_once_and_named() {
    let mut bed = Harness::new();
    let demand = demand_in(REGION, RegionDemand { on_demand: types(&["nope.large"]), ..RegionDemand::default() });
    assert_eq!(bed.want(demand).await.len(), 1);
    assert_eq!(bed.pass(600).await, lines(&[]));
    let health = bed.health(SourceId::AwsOnDemandPrices);
    assert_eq!((health.state, health.objects), (HealthState::Live, 0));
    assert_eq!(bed.words(SourceId::AwsOnDemandPrices), "AWS lists no usable price or description for nope.large");
}

#[tokio::test]
async fn the_next_session_uses_cached_answers_with_their_age() {
    let folder = tempfile::tempdir().expect("a folder");
    Harness::with(Some(folder.path()), None).want(everything()).await;
    let mut next = Harness::with(Some(folder.path()), None);
    next.now.fetch_add(3_600, Ordering::SeqCst);
    let asked = ["spot us-east-1 g5.xlarge", "spot of 7 days us-east-1 g5.xlarge"];
    assert_eq!(next.want(everything()).await, lines(&asked), "spot prices are not kept");
    assert_eq!(next.price(PriceList::AwsOnDemand, REGION), Some((1_006_000, 0)));
    assert_eq!(next.health(SourceId::AwsOnDemandPrices).as_of, Some(Time::from_seconds(START)));
    let mut fees = everything();
    fees.regions.values_mut().for_each(|wanted| wanted.auto_mode.extend([Sym::new("m5.large")]));
    assert_eq!(next.want(fees).await, lines(&[]), "the fees of all were kept");
}

#[tokio::test]
async fn an_expired_cached_answer_is_stale_while_its_renewal_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    Harness::with(Some(folder.path()), None).want(everything()).await;
    let mut next = Harness::with(Some(folder.path()), None);
    next.aws.memory().failure = Some(Failure::Unreachable("gone".to_owned()));
    next.now.fetch_add(3 * ON_DEMAND_PERIOD_SECONDS, Ordering::SeqCst);
    next.want(everything()).await;
    assert_eq!(next.price(PriceList::AwsOnDemand, REGION), Some((1_006_000, 0)));
    let health = next.health(SourceId::AwsOnDemandPrices);
    assert_eq!((health.state, health.as_of), (HealthState::Stale, Some(Time::from_seconds(START))));
}

#[tokio::test]
async fn credentials_of_another_account_give_a_warning() {
    let mut bed = Harness::with(None, Some("arn:aws:eks:us-east-1:123456789012:cluster/ml"));
    bed.aws.memory().account = "210987654321".to_owned();
    let asked = bed.want(spot(&["g5.xlarge"])).await;
    assert!(asked.contains("account us-east-1"), "{asked:?}");
    assert!(bed.words(SourceId::AwsSpotPrices).contains("the cluster to account 123456789012"));
    assert_eq!(bed.pass(SPOT_PERIOD_SECONDS).await, lines(&["spot us-east-1 g5.xlarge"]), "it is asked once");
}

#[tokio::test]
async fn a_disabled_aws_source_is_absent_and_answers_every_demand() {
    let (demand, wanted) = watch::channel(spot(&["g5.xlarge"]));
    let (answers, answered) = watch::channel(AnsweredDemands::default());
    let (sink, mut reports) = mpsc::channel(8);
    let clock: Clock = Arc::new(|| Time::from_seconds(START));
    let context = RunContext { demand: wanted, answered: answers, sink, epoch: Epoch(1), clock };
    super::super::run(Settings::Off { by: "--no-aws" }, context, CancellationToken::new()).await;
    for _ in SOURCES {
        let Some((_, Report::Health(_, health))) = reports.recv().await else { panic!("no health") };
        assert_eq!((health.state, health.message.as_deref()), (HealthState::Absent, Some("turned off by --no-aws")));
    }
    assert!(answered.borrow().covers(&demand.borrow()));
}

/// NodePools with so many instances of their own three types each.
fn placements(node_pools: &[(&str, u32)]) -> PriceDemand {
    let wanted = |(node_pool, instances): &(&str, u32)| {
        let types = ["a", "b", "c"].map(|size| Sym::new(&format!("{size}.large")));
        (Sym::new(node_pool), PlacementConfiguration::new(types.into(), *instances).expect("three types"))
    };
    let placements = node_pools.iter().map(wanted).collect();
    demand_in(REGION, RegionDemand { placements, ..RegionDemand::default() })
}

#[tokio::test]
async fn placement_scores_are_not_requested_unless_the_user_wants_them() {
    let mut bed = Harness::new();
    assert_eq!(bed.want(placements(&[("gpu", 1)])).await, lines(&[]));
    let health = bed.health(SourceId::AwsPlacementScores);
    assert_eq!((health.state, health.message.as_deref()), (HealthState::Absent, Some("not wanted")));
}

#[tokio::test]
async fn placement_scores_are_requested_once_for_node_pools_that_want_the_same_and_every_15_minutes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bed = Harness::limited(folder.path(), 8);
    let demand = placements(&[("gpu", 3), ("train", 4)]);
    let asked = lines(&["scores us-east-1 4 of a.large,b.large,c.large"]);
    assert_eq!(bed.want(demand.clone()).await, asked);
    assert_eq!(bed.scores("gpu"), Some((vec![("use1-az2", 3)], 0)));
    assert_eq!(bed.scores("train"), bed.scores("gpu"));
    let health = bed.health(SourceId::AwsPlacementScores);
    assert_eq!((health.state, health.undecodable), (HealthState::Live, 2), "a score of 11, and one without a zone");
    assert_eq!(bed.pass(PLACEMENT_PERIOD_SECONDS - 1).await, lines(&[]));
    assert_eq!(bed.pass(1).await, asked);
    assert_eq!(bed.scores("gpu"), Some((vec![("use1-az2", 3)], PLACEMENT_PERIOD_SECONDS)));
    // Another session has what this one was told.
    let mut next = Harness::limited(folder.path(), 8);
    next.now.fetch_add(PLACEMENT_PERIOD_SECONDS + 60, Ordering::SeqCst);
    assert_eq!(next.want(demand).await, lines(&[]));
    assert_eq!(next.scores("train"), Some((vec![("use1-az2", 3)], PLACEMENT_PERIOD_SECONDS)));
}

#[tokio::test]
async fn no_session_asks_for_more_new_placement_scores_a_day_than_are_allowed() {
    const DAY: i64 = 24 * 3_600;
    let folder = tempfile::tempdir().expect("a folder");
    let mut bed = Harness::limited(folder.path(), 2);
    let demand = placements(&[("a", 1), ("b", 2), ("c", 4)]);
    assert_eq!(bed.want(demand.clone()).await.len(), 2);
    let words = bed.words(SourceId::AwsPlacementScores).to_owned();
    assert!(words.contains("NodePool c is not scored before 2026-11-19"), "{words}");
    assert_eq!(bed.health(SourceId::AwsPlacementScores).state, HealthState::Live);
    // After a restart, and with a number of instances that grows.
    let mut next = Harness::limited(folder.path(), 2);
    next.now.fetch_add(3_600, Ordering::SeqCst);
    assert_eq!(next.want(demand.clone()).await.len(), 2, "what is known is asked for anew");
    assert_eq!(next.want(placements(&[("a", 8)])).await, lines(&[]));
    assert_eq!(next.health(SourceId::AwsPlacementScores).state, HealthState::Absent);
    assert_eq!(next.scores("a"), Some((vec![("use1-az2", 3)], 3_600)), "of what it was, until it is too old");
    assert_eq!(next.pass(DAY - 3_600 - 1).await, lines(&[]));
    assert_eq!(next.pass(1).await, lines(&["scores us-east-1 8 of a.large,b.large,c.large"]));
}

#[tokio::test]
async fn after_aws_has_refused_a_new_configuration_only_known_ones_are_requested_for_a_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bed = Harness::limited(folder.path(), 8);
    assert_eq!(bed.want(placements(&[("a", 1)])).await.len(), 1);
    bed.aws.memory().failure = Some(Failure::TooManyConfigurations(String::new()));
    bed.now.fetch_add(10, Ordering::SeqCst);
    assert_eq!(bed.want(placements(&[("a", 1), ("b", 2), ("c", 4)])).await.len(), 1, "the second is not tried");
    let words = bed.words(SourceId::AwsPlacementScores).to_owned();
    assert!(words.contains("NodePool b is not scored before") && words.contains("NodePool c"), "{words}");
    bed.aws.memory().failure = None;
    assert_eq!(bed.pass(PLACEMENT_PERIOD_SECONDS).await.len(), 1, "the known one");
    assert_eq!(bed.pass(24 * 3_600).await.len(), 3);
}

#[tokio::test]
async fn throttled_placement_scores_are_retried_after_a_minute() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bed = Harness::limited(folder.path(), 1);
    bed.aws.memory().failure = Some(Failure::Throttled("slow down".to_owned()));
    assert_eq!(bed.want(placements(&[("a", 1)])).await.len(), 1);
    let health = bed.health(SourceId::AwsPlacementScores);
    assert_eq!((health.state, health.next_try), (HealthState::Failed, Some(Time::from_seconds(START + 60))));
    bed.aws.memory().failure = None;
    assert_eq!(bed.pass(59).await, lines(&[]));
    assert_eq!(bed.pass(1).await.len(), 1, "it is not new any more");
    assert_eq!(bed.health(SourceId::AwsPlacementScores).state, HealthState::Live);
}

#[tokio::test]
async fn without_a_file_that_counts_them_no_placement_scores_are_requested() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bed = Harness::limited(&folder.path().join("is missing"), 8);
    assert_eq!(bed.want(placements(&[("a", 1)])).await, lines(&[]));
    assert_eq!(bed.health(SourceId::AwsPlacementScores).state, HealthState::Failed);
    assert!(bed.words(SourceId::AwsPlacementScores).starts_with("nothing is asked without the file that limits it"));
    let broken = folder.path().join(PLACEMENT_FILE);
    std::fs::write(&broken, "{").expect("written");
    let mut bed = Harness::limited(folder.path(), 8);
    assert_eq!(bed.want(placements(&[("a", 1)])).await, lines(&[]), "what it forbids is not known");
    assert_eq!(bed.health(SourceId::AwsPlacementScores).state, HealthState::Failed);
}

#[test]
fn periods_are_shortened_by_an_hour_at_most() {
    for micros in [0, 1, 3_599, 3_600, 1_795_000_000_123_456] {
        let period = period(SourceId::AwsOnDemandPrices, Time::from_micros(micros));
        assert!((11 * 3_600 + 1..=12 * 3_600).contains(&period), "{period}");
    }
}
