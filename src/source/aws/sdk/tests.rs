//! The SDK against canned AWS responses instead of the network.

use std::collections::VecDeque;
use std::sync::{Mutex as StdMutex, MutexGuard};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::json;

use super::super::hardware;
use super::super::products::{ItemKind, PriceListReader};
use super::super::query::{Query, filters};
use super::super::request::{Answer, PriceItem};
use super::*;

const REGION: &str = "eu-west-1";

/// A request that the SDK would have sent.
#[derive(Clone, Debug)]
struct RecordedRequest {
    uri: String,
    target: String,
    authorization: String,
    body: String,
}

/// HTTP client that returns these responses (status, body) in turn and records the requests.
#[derive(Clone, Debug, Default)]
struct Replay {
    answers: Arc<StdMutex<VecDeque<(u16, String)>>>,
    asked: Arc<StdMutex<Vec<RecordedRequest>>>,
}

impl Replay {
    fn new(answers: &[(u16, &str)]) -> Self {
        let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        Self { answers: Arc::new(StdMutex::new(answers)), ..Self::default() }
    }

    fn asked(&self) -> MutexGuard<'_, Vec<RecordedRequest>> {
        self.asked.lock().expect("no test panicked here")
    }

    fn sdk(&self) -> Sdk {
        self.sdk_with(SharedCredentialsProvider::new(Credentials::new("AKID", "SECRET", None, None, "test")))
    }

    fn sdk_with(&self, credentials: SharedCredentialsProvider) -> Sdk {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("af-south-1"))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .http_client(self.clone())
            .build();
        Sdk { shared: Arc::new(Mutex::new(Some(config))) }
    }
}

impl HttpConnector for Replay {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let (target, authorization) = (header("x-amz-target"), header("authorization"));
        self.asked().push(RecordedRequest { uri: request.uri().to_owned(), target, authorization, body });
        let answer = self.answers.lock().expect("no test panicked here").pop_front();
        HttpConnectorFuture::ready(match answer {
            Some((status, body)) => Ok(HttpResponse::new(status.try_into().expect("a status"), body.into())),
            None => Err(ConnectorError::io("nothing listens there".into())),
        })
    }
}

impl HttpClient for Replay {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn types(names: &[&str]) -> Vec<Sym> {
    names.iter().map(|name| Sym::new(name)).collect()
}

async fn spot(replay: &Replay, token: Option<&str>) -> Result<Page<SpotRow>, Failure> {
    let since = Time::parse("2026-11-22T12:00:00Z").expect("a time");
    replay.sdk().spot_prices(REGION, &types(&["g5.xlarge", "p5.48xlarge"]), since, token.map(str::to_owned)).await
}

fn on_demand(name: &str) -> ProductsQuery {
    let of = Query::OnDemand(super::super::query::ProductFamily::from_instance_type(name), Sym::new(name));
    let (service, filters) = filters(REGION, &of);
    ProductsQuery { endpoint: "eu-central-1", service, filters }
}

fn spot_xml(items: &str, token: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><spotPriceHistorySet>{items}</spotPriceHistorySet><nextToken>{token}</nextToken></DescribeSpotPriceHistoryResponse>"#
    )
}

fn error_xml(code: &str, message: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>r</RequestID></Response>"#
    )
}

const ROW: &str = "<item><instanceType>g5.xlarge</instanceType><productDescription>Linux/UNIX (Amazon VPC)</productDescription><spotPrice>0.402100</spotPrice><timestamp>2026-11-22T11:00:00.000Z</timestamp><availabilityZone>eu-west-1a</availabilityZone><availabilityZoneId>euw1-az3</availabilityZoneId></item>";

#[tokio::test]
async fn spot_prices_are_requested_in_the_clusters_region_for_both_linux_products() {
    let replay = Replay::new(&[(200, &spot_xml(ROW, "next"))]);
    let page = spot(&replay, Some("earlier")).await.expect("a page");
    let row = SpotRow {
        instance_type: "g5.xlarge".into(),
        zone: "eu-west-1a".into(),
        zone_id: "euw1-az3".into(),
        product: "Linux/UNIX (Amazon VPC)".into(),
        usd: "0.402100".into(),
        at: Time::parse("2026-11-22T11:00:00Z"),
    };
    assert_eq!(page, Page { items: vec![row], token: Some("next".into()) });
    let asked = replay.asked()[0].clone();
    assert!(asked.uri.starts_with("https://ec2.eu-west-1.amazonaws.com"), "{asked:?}");
    assert!(asked.authorization.contains("/eu-west-1/ec2/aws4_request"), "{asked:?}");
    for part in [
        "Action=DescribeSpotPriceHistory",
        "InstanceType.1=g5.xlarge&InstanceType.2=p5.48xlarge",
        "ProductDescription.1=Linux%2FUNIX&ProductDescription.2=Linux%2FUNIX%20%28Amazon%20VPC%29",
        "StartTime=2026-11-22T12%3A00%3A00Z",
        "NextToken=earlier",
    ] {
        assert!(asked.body.contains(part), "{part} in {}", asked.body);
    }
}

#[tokio::test]
async fn an_empty_spot_price_history_is_an_empty_page() {
    let page = spot(&Replay::new(&[(200, &spot_xml("", ""))]), None).await.expect("a page");
    assert!(page.items.is_empty() && page.token.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn missing_fields_of_a_spot_price_row_are_empty() {
    let page = spot(&Replay::new(&[(200, &spot_xml("<item><spotPrice>x</spotPrice></item>", ""))]), None).await;
    assert_eq!(page.expect("a page").items, [SpotRow { usd: "x".into(), ..SpotRow::default() }]);
}

#[tokio::test]
async fn a_throttled_request_is_repeated() {
    let throttled = error_xml("RequestLimitExceeded", "Request limit exceeded.");
    let replay = Replay::new(&[(503, &throttled), (200, &spot_xml(ROW, ""))]);
    assert_eq!(spot(&replay, None).await.expect("a page").items.len(), 1);
    assert_eq!(replay.asked().len(), 2);
    let replay = Replay::new(&[(503, &throttled), (503, &throttled), (503, &throttled), (200, "")]);
    assert_eq!(spot(&replay, None).await, Err(Failure::Throttled("Request limit exceeded".into())));
    assert_eq!(replay.asked().len(), 3, "three attempts, and then the failure is returned");
}

#[tokio::test]
async fn ec2_error_codes_map_to_distinct_failures() {
    for (status, code, expected) in [
        (
            403,
            "UnauthorizedOperation",
            Failure::Forbidden { action: "ec2:DescribeSpotPriceHistory", message: "words".into() },
        ),
        (401, "AuthFailure", Failure::Refused("words".into())),
        (400, "RequestExpired", Failure::Expired("words".into())),
        (
            400,
            "InvalidParameterValue",
            Failure::Service { code: "InvalidParameterValue".into(), message: "words".into() },
        ),
    ] {
        let replay = Replay::new(&[(status, &error_xml(code, "words."))]);
        assert_eq!(spot(&replay, None).await, Err(expected));
        assert_eq!(replay.asked().len(), 1, "{code} is not repeated");
    }
    let broken = [(500, "<html>oops</html>"); 3];
    let replay = Replay::new(&broken);
    assert_eq!(spot(&replay, None).await, Err(Failure::Service { code: "HTTP 500".into(), message: String::new() }));
    assert_eq!(replay.asked().len(), 3);
}

#[tokio::test]
async fn malformed_answers_are_unreadable() {
    for body in ["<html>sign in to the guest network</html>", "no XML at all"] {
        let result = spot(&Replay::new(&[(200, body)]), None).await;
        assert!(matches!(result, Err(Failure::Unreadable(_))), "{result:?}");
    }
    let result = Replay::new(&[(200, "{\"PriceList\": [")]).sdk().products(&on_demand("m5.large"), None).await;
    assert!(matches!(result, Err(Failure::Unreadable(_))), "{result:?}");
}

#[tokio::test]
async fn an_unreachable_endpoint_is_reported_as_unreachable() {
    let result = spot(&Replay::new(&[]), None).await;
    assert_eq!(result, Err(Failure::Unreachable("nothing listens there".into())));
}

/// `CredentialsError` cannot be cloned, so each test case brings a constructor.
type MakeError = fn() -> CredentialsError;

#[derive(Debug)]
struct NoCredentials(MakeError);

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test]
async fn missing_and_expired_credentials_are_distinguished_without_a_request() {
    let cases: [(MakeError, &str); 3] = [
        (CredentialsError::not_loaded_no_source, "no AWS credentials; run `aws sso login`"),
        (
            || CredentialsError::provider_error("external process exited with code 1"),
            "no AWS credentials: external process exited with code 1; run",
        ),
        (
            || CredentialsError::provider_error("the SSO token has expired"),
            "the AWS credentials have expired: the SSO token has expired; run `aws sso login`",
        ),
    ];
    for (error, expected) in cases {
        let replay = Replay::new(&[]);
        let sdk = replay.sdk_with(SharedCredentialsProvider::new(NoCredentials(error)));
        let failure = sdk.account(REGION).await.expect_err("no credentials");
        assert!(failure.sentence().starts_with(expected), "{}", failure.sentence());
        assert!(
            replay.asked().is_empty() && sdk.shared.lock().await.is_none(),
            "profiles are read again the next time"
        );
    }
}

fn product(name: &str, usd: &str) -> String {
    json!({"product": {"productFamily": "Compute Instance", "attributes": {"instanceType": name}, "sku": "S"},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {"S.T": {"effectiveDate": "2026-01-01T00:00:00Z", "priceDimensions": {
            "S.T.D": {"unit": "Hrs", "pricePerUnit": {"USD": usd}}}}}}})
    .to_string()
}

#[tokio::test]
async fn on_demand_prices_are_requested_page_by_page_with_every_filter() {
    let page = |name, token: Option<&str>| {
        json!({"FormatVersion": "aws_v1", "PriceList": [product(name, "1.0060000000")], "NextToken": token}).to_string()
    };
    let replay = Replay::new(&[(200, &page("g5.xlarge", Some("tok"))), (200, &page("g4dn.metal", None))]);
    let sdk = replay.sdk();
    let first = sdk.products(&on_demand("g5.xlarge"), None).await.expect("a page");
    let second = sdk.products(&on_demand("g4dn.metal"), first.token.clone()).await.expect("a page");
    assert_eq!((first.token.as_deref(), second.token), (Some("tok"), None));
    let mut reader = PriceListReader::new(ItemKind::OnDemand, Time::parse("2026-11-22T12:00:00Z").expect("a time"));
    first.items.iter().chain(&second.items).for_each(|document| reader.add(document));
    let rate = Answer::Rate(1_006_000);
    let expected = ["g4dn.metal", "g5.xlarge"].map(|name| (PriceItem::OnDemand(Sym::new(name)), rate.clone()));
    assert_eq!(reader.answers(), expected);
    let asked = replay.asked().clone();
    for request in &asked {
        assert!(request.uri.starts_with("https://api.pricing.eu-central-1.amazonaws.com"), "{request:?}");
        assert_eq!(request.target, "AWSPriceListService.GetProducts");
        assert!(request.authorization.contains("/eu-central-1/pricing/aws4_request"), "{request:?}");
    }
    let body = |at: usize| serde_json::from_str::<serde_json::Value>(&asked[at].body).expect("JSON");
    assert_eq!((&body(0)["ServiceCode"], &body(0)["NextToken"]), (&json!("AmazonEC2"), &json!(null)));
    assert_eq!(body(1)["NextToken"], json!("tok"));
    let has = |at: usize, field: &str, value: &str| {
        let filter = json!({"Type": "TERM_MATCH", "Field": field, "Value": value});
        body(at)["Filters"].as_array().is_some_and(|all| all.contains(&filter))
    };
    for (field, value) in [
        ("regionCode", "eu-west-1"),
        ("serviceCode", "AmazonEC2"),
        ("operatingSystem", "Linux"),
        ("preInstalledSw", "NA"),
        ("capacitystatus", "Used"),
        ("marketoption", "OnDemand"),
    ] {
        assert!(has(0, field, value) && has(1, field, value), "{field}={value}");
    }
    assert!(has(0, "tenancy", "Shared") && has(0, "productFamily", "Compute Instance"));
    assert!(has(1, "tenancy", "Dedicated") && has(1, "productFamily", "Compute Instance (bare metal)"));
}

#[tokio::test]
async fn a_denied_price_list_request_is_forbidden_and_a_throttled_one_is_retried() {
    let error_json = |code: &str| json!({"__type": code, "message": "User is not authorized"}).to_string();
    let forbidden = Replay::new(&[(400, &error_json("AccessDeniedException"))]);
    let message = "User is not authorized".to_owned();
    let expected = Failure::Forbidden { action: "pricing:GetProducts", message };
    assert_eq!(forbidden.sdk().products(&on_demand("m5.large"), None).await, Err(expected));
    let throttled = error_json("ThrottlingException");
    let page = json!({"PriceList": []}).to_string();
    let patient = Replay::new(&[(400, &throttled), (200, &page)]);
    let expected = Page { items: Vec::new(), token: None };
    assert_eq!(patient.sdk().products(&on_demand("m5.large"), None).await, Ok(expected));
}

fn type_xml(name: &str, blocks: &str) -> String {
    format!(
        "<item><instanceType>{name}</instanceType><vCpuInfo><defaultVCpus>4</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>16384</sizeInMiB></memoryInfo>{blocks}</item>"
    )
}

#[tokio::test]
async fn accelerators_are_read_from_the_gpu_and_inference_blocks_of_ec2() {
    let gpu = "<gpuInfo><gpus><item><name>L4</name><manufacturer>NVIDIA</manufacturer><count>0</count><logicalGpuCount>1</logicalGpuCount><gpuPartitionSize>0.125</gpuPartitionSize><memoryInfo><sizeInMiB>2861</sizeInMiB></memoryInfo></item></gpus><totalGpuMemoryInMiB>2861</totalGpuMemoryInMiB></gpuInfo>";
    let inf2 = "<inferenceAcceleratorInfo><accelerators><item><count>1</count><name>Inferentia2</name><manufacturer>AWS</manufacturer><memoryInfo><sizeInMiB>32768</sizeInMiB></memoryInfo></item></accelerators><totalInferenceMemoryInMiB>32768</totalInferenceMemoryInMiB></inferenceAcceleratorInfo><neuronInfo><neuronDevices><item><count>1</count><name>Inferentia2</name><memoryInfo><sizeInMiB>32768</sizeInMiB></memoryInfo></item></neuronDevices><totalNeuronDeviceMemoryInMiB>32768</totalNeuronDeviceMemoryInMiB></neuronInfo>";
    let body = format!(
        r#"<DescribeInstanceTypesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><instanceTypeSet>{}{}{}{}</instanceTypeSet></DescribeInstanceTypesResponse>"#,
        type_xml("g6f.large", gpu),
        type_xml("inf2.xlarge", inf2),
        type_xml("trn2u.48xlarge", ""),
        type_xml("m5.large", "")
    );
    let replay = Replay::new(&[(200, &body)]);
    let page = replay.sdk().instance_types(REGION, &types(&["g6f.large", "m5.large"]), None).await.expect("a page");
    let found: Vec<_> = page.items.iter().map(|it| hardware::answer(it).1).collect();
    let of = |answer: &Answer| match answer {
        Answer::Hardware(found) => {
            let accelerator = found.accelerator.clone().map(|it| (it.name.to_string(), it.count, it.memory_mib));
            Some((found.vcpus, found.memory_mib, accelerator))
        }
        _ => None,
    };
    let (vcpus, memory) = (Some(4), Some(16_384));
    assert_eq!(of(&found[0]), Some((vcpus, memory, Some(("L4".into(), 1, Some(2_861))))));
    assert_eq!(of(&found[1]), Some((vcpus, memory, Some(("Inferentia2".into(), 1, Some(32_768))))));
    assert_eq!(of(&found[2]), None, "no block of a family that must have one is unknown");
    assert_eq!(of(&found[3]), Some((vcpus, memory, None)));
    let asked = replay.asked()[0].body.clone();
    for part in ["Filter.1.Name=instance-type", "Filter.1.Value.1=g6f.large", "Filter.1.Value.2=m5.large"] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    assert!(!asked.contains("InstanceType.1"), "{asked}");
}

fn configuration() -> PlacementConfiguration {
    let types = ["g5.xlarge", "g6.xlarge", "g5.2xlarge"].map(Sym::new);
    PlacementConfiguration::new(types.into(), 3).expect("three types")
}

#[tokio::test]
async fn placement_scores_are_requested_for_single_zones_of_the_clusters_region() {
    let body = r#"<GetSpotPlacementScoresResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><spotPlacementScoreSet><item><region>eu-west-1</region><availabilityZoneId>euw1-az3</availabilityZoneId><score>7</score></item><item><region>eu-west-1</region></item></spotPlacementScoreSet><nextToken>next</nextToken></GetSpotPlacementScoresResponse>"#;
    let replay = Replay::new(&[(200, body)]);
    let page = replay.sdk().placement_scores(REGION, &configuration(), None).await.expect("a page");
    let scored = PlacementRow { zone_id: "euw1-az3".into(), score: 7 };
    assert_eq!(page, Page { items: vec![scored, PlacementRow::default()], token: Some("next".into()) });
    let asked = replay.asked()[0].clone();
    assert!(asked.uri.starts_with("https://ec2.eu-west-1.amazonaws.com"), "{asked:?}");
    for part in [
        "Action=GetSpotPlacementScores",
        "InstanceType.1=g5.2xlarge&InstanceType.2=g5.xlarge&InstanceType.3=g6.xlarge",
        "TargetCapacity=4",
        "TargetCapacityUnitType=units",
        "SingleAvailabilityZone=true",
        "RegionName.1=eu-west-1",
    ] {
        assert!(asked.body.contains(part), "{part} in {}", asked.body);
    }
    assert!(!asked.body.contains("RegionName.2") && !asked.body.contains("InstanceType.4"), "{asked:?}");
}

#[tokio::test]
async fn a_placement_score_too_many_is_told_from_throttling_and_not_repeated() {
    let (too_many, throttled) =
        (error_xml("MaxConfigLimitExceeded", "Wait."), error_xml("RequestLimitExceeded", "Slow."));
    let replay = Replay::new(&[(400, &too_many)]);
    let failure = replay.sdk().placement_scores(REGION, &configuration(), None).await.expect_err("refused");
    assert_eq!((failure, replay.asked().len()), (Failure::TooManyConfigurations("Wait".into()), 1));
    let replay = Replay::new(&[(503, &throttled), (503, &throttled), (503, &throttled)]);
    let failure = replay.sdk().placement_scores(REGION, &configuration(), None).await.expect_err("throttled");
    assert_eq!((failure, replay.asked().len()), (Failure::Throttled("Slow".into()), 3));
}

#[tokio::test]
async fn the_account_is_read_from_sts_get_caller_identity() {
    let body = r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>A</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"#;
    let replay = Replay::new(&[(200, body)]);
    assert_eq!(replay.sdk().account(REGION).await.as_deref(), Ok("123456789012"));
    assert!(replay.asked()[0].uri.starts_with("https://sts.eu-west-1.amazonaws.com"), "{:?}", replay.asked());
}

#[tokio::test]
async fn timeouts_and_retries_are_set_explicitly() {
    let config = loader(REGION).no_credentials().http_client(Replay::default()).load().await;
    let timeouts = config.timeout_config().expect("timeouts").clone();
    assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
    assert_eq!(timeouts.read_timeout(), Some(READ_TIMEOUT));
    assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT_TIMEOUT));
    assert_eq!(timeouts.operation_timeout(), Some(OPERATION_TIMEOUT));
    assert_eq!(config.retry_config().map(RetryConfig::max_attempts), Some(3));
    assert_eq!(config.region().map(AsRef::as_ref), Some(REGION));
}
