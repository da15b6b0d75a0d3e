//! The whole program against an AWS and an API server on the loopback: what is asked, with what, and what is said of it.

#![cfg(feature = "aws")]
#![allow(clippy::expect_used, clippy::panic, reason = "what a test needs and does not get fails it")]

#[allow(dead_code, unused_imports, reason = "shared with tests that do more with it")]
mod fake_api;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fake_api::FakeApi;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A request, as it came.
#[derive(Clone, Debug)]
struct Asked {
    /// EC2's `Action`, or the price list's target.
    action: String,
    /// The region that it was signed for.
    region: String,
    body: String,
}

/// An AWS of three services on one port, until it is dropped.
struct Aws {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<Mutex<usize>>,
}

/// What it answers: status and body.
type Answers = fn(&Asked) -> (u16, String);

impl Aws {
    async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (asked, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (log, count) = (asked.clone(), connections.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                *count.lock().expect("no test panicked here") += 1;
                let log = log.clone();
                let service = service_fn(move |request| answer(request, log.clone(), answers));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
                tokio::spawn(connection);
            }
        });
        Self { address, asked, connections }
    }

    /// From when on spot prices were asked for, day by day.
    fn starts_of_spot_prices(&self) -> BTreeSet<String> {
        let asked = self.asked.lock().expect("no test panicked here");
        let of_spot = asked.iter().filter(|it| it.action == "DescribeSpotPriceHistory");
        let start = |it: &Asked| {
            it.body.split('&').find_map(|pair| Some(pair.strip_prefix("StartTime=")?.get(..10)?.to_owned()))
        };
        of_spot.filter_map(start).collect()
    }

    /// What was asked since the last time, by action.
    fn asked(&self) -> BTreeMap<String, Asked> {
        let asked = std::mem::take(&mut *self.asked.lock().expect("no test panicked here"));
        asked.into_iter().map(|it| (it.action.clone(), it)).collect()
    }
}

async fn answer(
    request: Request<Incoming>,
    log: Arc<Mutex<Vec<Asked>>>,
    answers: Answers,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let in_form = || body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned();
    let target = header("x-amz-target");
    let asked = Asked {
        action: if target.is_empty() { in_form() } else { target },
        // `Credential=KEY/DATE/REGION/SERVICE/aws4_request`
        region: header("authorization").split('/').nth(2).unwrap_or_default().to_owned(),
        body: body.clone(),
    };
    let (status, answer) = answers(&asked);
    log.lock().expect("no test panicked here").push(asked);
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(answer))).expect("a response"))
}

/// All is well.
fn well(asked: &Asked) -> (u16, String) {
    let body = match asked.action.as_str() {
        "DescribeSpotPriceHistory" => spot(),
        "GetSpotPlacementScores" => scores(),
        "GetCallerIdentity" => identity(),
        "AWSPriceListService.GetProducts" if asked.body.contains("AmazonEKS") => {
            products("instancetype", &["g5.xlarge", "g5.2xlarge"], "0.12072")
        }
        "AWSPriceListService.GetProducts" => products("instanceType", &["g5.xlarge", "g5.2xlarge"], "1.0060000000"),
        other => panic!("{other}"),
    };
    (200, body)
}

/// Nothing is allowed.
fn forbidden(asked: &Asked) -> (u16, String) {
    if asked.action.starts_with("AWSPriceListService") {
        let said = json!({"__type": "AccessDeniedException", "message": "User jane may not"});
        return (400, said.to_string());
    }
    let said = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You may not.</Message></Error></Errors><RequestID>r</RequestID></Response>";
    (403, said.to_owned())
}

fn spot() -> String {
    r#"<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><spotPriceHistorySet><item><instanceType>g5.2xlarge</instanceType><productDescription>Linux/UNIX</productDescription><spotPrice>0.402100</spotPrice><timestamp>2026-01-01T00:00:00.000Z</timestamp><availabilityZone>eu-west-1a</availabilityZone><availabilityZoneId>euw1-az3</availabilityZoneId></item></spotPriceHistorySet><nextToken/></DescribeSpotPriceHistoryResponse>"#.to_owned()
}

/// Zones are told by their IDs.
fn scores() -> String {
    r#"<GetSpotPlacementScoresResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><spotPlacementScoreSet><item><region>eu-west-1</region><availabilityZoneId>euw1-az3</availabilityZoneId><score>3</score></item><item><region>eu-west-1</region><availabilityZoneId>euw1-az1</availabilityZoneId><score>9</score></item></spotPlacementScoreSet><nextToken/></GetSpotPlacementScoresResponse>"#.to_owned()
}

/// All is well but placement scores, of which others of the account have asked for too many.
fn throttling(asked: &Asked) -> (u16, String) {
    if asked.action != "GetSpotPlacementScores" {
        return well(asked);
    }
    let said = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message></Error></Errors><RequestID>r</RequestID></Response>";
    (503, said.to_owned())
}

/// All is well but new configurations of placement scores.
fn refusing(asked: &Asked) -> (u16, String) {
    if asked.action != "GetSpotPlacementScores" {
        return well(asked);
    }
    let said = "<Response><Errors><Error><Code>MaxConfigLimitExceeded</Code><Message>You can retry configurations that you used within the last 24 hours, or wait.</Message></Error></Errors><RequestID>r</RequestID></Response>";
    (400, said.to_owned())
}

fn identity() -> String {
    r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>210987654321</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"#.to_owned()
}

fn products(key: &str, names: &[&str], usd: &str) -> String {
    let item = |name: &str| {
        json!({"product": {"attributes": {key: name, "operation": "EKSAutoUsage"}}, "terms": {"OnDemand": {
        "T": {"effectiveDate": "2026-01-01T00:00:00Z", "priceDimensions": {"D": {"unit": "Hrs", "pricePerUnit": {"USD": usd}}}}}}})
    };
    let items: Vec<String> = names.iter().map(|name| item(name).to_string()).collect();
    json!({"FormatVersion": "aws_v1", "PriceList": items}).to_string()
}

/// A Node of EKS Auto Mode.
fn node(name: &str, instance_type: &str, capacity_type: &str) -> String {
    json!({
        "metadata": {
            "name": name, "uid": format!("uid-{name}"), "resourceVersion": "@RV@", "creationTimestamp": "2026-11-21T10:00:00Z",
            "labels": {
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": instance_type,
                "karpenter.sh/capacity-type": capacity_type,
                "karpenter.sh/nodepool": "gpu",
                "eks.amazonaws.com/compute-type": "auto",
                "topology.kubernetes.io/region": "eu-west-1",
                "topology.kubernetes.io/zone": "eu-west-1a",
            },
        },
        "spec": {"providerID": format!("aws:///eu-west-1a/i-{name}")},
        "status": {"capacity": {"cpu": "4", "memory": "16Gi"}, "allocatable": {"cpu": "4", "memory": "16Gi"}},
    })
    .to_string()
}

/// A cluster with two Nodes, an AWS, and a home of one's own.
struct Bed {
    api: FakeApi,
    aws: Aws,
    home: TempDir,
}

type Environment<'e> = &'e [(&'e str, &'e str)];

const CREDENTIALS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "SECRET")];

impl Bed {
    async fn new(answers: Answers) -> Self {
        let api = FakeApi::start().await;
        api.state().put("/api/v1/nodes", "a", &node("a", "g5.xlarge", "on-demand"));
        api.state().put("/api/v1/nodes", "b", &node("b", "g5.2xlarge", "spot"));
        let home = tempfile::tempdir().expect("a home");
        let name = "arn:aws:eks:eu-west-1:123456789012:cluster/ml";
        let kubeconfig = format!(
            "current-context: ml\ncontexts: [{{name: ml, context: {{cluster: '{name}', user: u}}}}]\n\
             clusters: [{{name: '{name}', cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n",
            api.url()
        );
        std::fs::write(home.path().join("kubeconfig"), kubeconfig).expect("a kubeconfig");
        Self { api, aws: Aws::start(answers).await, home }
    }

    /// Runs `batchtop snapshot`; nothing of this machine's environment reaches it.
    async fn snapshot(&self, flags: &[&str], env: Environment<'_>) -> Value {
        let output = self.run(flags, env).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        serde_json::from_slice(&output.stdout).expect("a document")
    }

    async fn run(&self, flags: &[&str], env: Environment<'_>) -> Output {
        let home = self.home.path();
        let endpoint = format!("http://{}", self.aws.address);
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_batchtop"));
        command.arg("snapshot").arg("--kubeconfig").arg(home.join("kubeconfig")).args(flags);
        command.env_clear().env("HOME", home).env("XDG_CACHE_HOME", home.join("cache")).env("AWS_REGION", "sa-east-1");
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "*");
        for service in ["EC2", "PRICING", "STS"] {
            command.env(format!("AWS_ENDPOINT_URL_{service}"), &endpoint);
        }
        command.envs(env.iter().copied()).output().await.expect("it runs")
    }

    /// Three spot Nodes of three types, and a configuration that wants placement scores; returns the flags for it.
    fn scoring(&self) -> Vec<String> {
        for (name, instance_type) in [("c", "g6.xlarge"), ("d", "g6.2xlarge")] {
            self.api.state().put("/api/v1/nodes", name, &node(name, instance_type, "spot"));
        }
        let config = self.home.path().join("config.toml");
        std::fs::write(&config, "[spot]\nplacementScores = true\n").expect("a configuration");
        vec!["--config".to_owned(), config.display().to_string()]
    }

    fn book(&self) -> std::path::PathBuf {
        self.home.path().join("state/batchtop/placement-scores.json")
    }

    fn cache(&self) -> std::path::PathBuf {
        self.home.path().join("cache/batchtop/aws-prices.json")
    }
}

/// State and words of a Source.
fn source(document: &Value, name: &str) -> (String, String) {
    let sources = document["sources"].as_array().expect("sources");
    let found = sources.iter().find(|source| source["name"] == name).expect("the Source");
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("message"))
}

fn assert_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", path.display());
}

#[tokio::test]
async fn a_snapshot_requests_what_its_nodes_need_and_the_next_uses_the_cache() {
    let bed = Bed::new(well).await;
    let document = bed.snapshot(&[], &CREDENTIALS).await;
    let starts = bed.aws.starts_of_spot_prices();
    assert_eq!(starts.len(), 2, "the prices of now, and those of seven days: {starts:?}");
    let asked = bed.aws.asked();
    let spot = &asked["DescribeSpotPriceHistory"];
    assert_eq!(spot.region, "eu-west-1", "the cluster's, whatever AWS_REGION says");
    assert!(spot.body.contains("InstanceType.1=g5.2xlarge") && !spot.body.contains("InstanceType.2"), "{spot:?}");
    let prices = &asked["AWSPriceListService.GetProducts"];
    assert_eq!(prices.region, "eu-central-1", "the price list has few endpoints");
    assert!(prices.body.contains("eu-west-1"), "{prices:?}");
    assert_eq!(source(&document, "aws-on-demand-prices").0, "Live");
    let (state, words) = source(&document, "aws-spot-prices");
    assert_eq!(state, "Live");
    assert!(words.contains("belong to account 210987654321, the cluster to account 123456789012"), "{words}");
    let costs: BTreeMap<&str, &Value> = document["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| (node["name"].as_str().expect("a name"), &node["cost"]))
        .collect();
    assert_eq!((&costs["a"]["source"], &costs["a"]["components"]["instance"]), (&json!("AwsOnDemand"), &json!(1.006)));
    assert_eq!(costs["a"]["components"]["autoModeFee"], json!(0.12072));
    assert_eq!((&costs["b"]["source"], &costs["b"]["components"]["instance"]), (&json!("AwsSpot"), &json!(0.4021)));
    assert_eq!(source(&document, "spot-prices").0, "Live");
    let pool = &document["spotPools"][0];
    assert_eq!(pool["pool"], "g5.2xlarge/eu-west-1a");
    let price = ["now", "min7d", "max7d", "ratioToOnDemand"].map(|field| pool["price"][field].as_f64());
    assert_eq!(price, [Some(0.4021), Some(0.4021), Some(0.4021), Some(0.399_702)]);
    assert_private(&bed.cache());

    let again = bed.snapshot(&[], &CREDENTIALS).await;
    let asked: Vec<String> = bed.aws.asked().into_keys().collect();
    assert_eq!(asked, ["DescribeSpotPriceHistory", "GetCallerIdentity"], "the rest was kept");
    assert_eq!(again["nodes"][0]["cost"]["components"], document["nodes"][0]["cost"]["components"]);
    assert!(bed.api.requests("GET /api/v1/nodes") > 0);
}

#[tokio::test]
async fn without_aws_credentials_a_snapshot_is_written_and_names_the_problem() {
    let bed = Bed::new(well).await;
    let document = bed.snapshot(&[], &[]).await;
    for name in ["aws-spot-prices", "aws-on-demand-prices"] {
        let (state, words) = source(&document, name);
        assert_eq!(state, "Failed");
        assert!(words.starts_with("no AWS credentials") && words.contains("aws sso login"), "{words}");
    }
    assert_eq!(*bed.aws.connections.lock().expect("no test panicked here"), 0);
    assert_eq!(document["nodes"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_forbidden_aws_action_is_named() {
    let document = Bed::new(forbidden).await.snapshot(&[], &CREDENTIALS).await;
    let said = |name| source(&document, name);
    let forbidden = |words: &str| ("Forbidden".to_owned(), words.to_owned());
    assert_eq!(said("aws-spot-prices"), forbidden("not authorised for ec2:DescribeSpotPriceHistory: You may not"));
    assert_eq!(said("spot-prices"), forbidden("not authorised for ec2:DescribeSpotPriceHistory: You may not"));
    assert_eq!(said("aws-on-demand-prices"), forbidden("not authorised for pricing:GetProducts: User jane may not"));
    assert_eq!(said("aws-instance-types").0, "Absent");
}

#[tokio::test]
async fn aws_can_be_disabled_by_flag_environment_and_file() {
    let bed = Bed::new(well).await;
    let config = bed.home.path().join("config.toml");
    std::fs::write(&config, "aws = false\n").expect("a configuration");
    let config = config.display().to_string();
    let runs: [(&[&str], Environment<'_>, &str); 3] = [
        (&["--no-aws"], &[], "turned off by --no-aws"),
        (&[], &[("BATCHTOP_NO_AWS", "1")], "turned off by --no-aws"),
        (&["--config", &config], &[], "turned off by aws = false in config.toml"),
    ];
    for (flags, env, words) in runs {
        let env = [&CREDENTIALS[..], env].concat();
        let document = bed.snapshot(flags, &env).await;
        assert_eq!(source(&document, "aws-spot-prices"), ("Absent".to_owned(), words.to_owned()));
    }
    assert_eq!(*bed.aws.connections.lock().expect("no test panicked here"), 0);
    assert!(!bed.cache().exists());
}

#[tokio::test]
async fn placement_scores_are_asked_for_where_the_user_wants_them_and_are_evidence_of_a_risk() {
    let bed = Bed::new(well).await;
    let flags = bed.scoring();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let unasked = bed.snapshot(&[], &CREDENTIALS).await;
    assert!(!bed.aws.asked().contains_key("GetSpotPlacementScores"));
    let (state, words) = source(&unasked, "aws-placement-scores");
    assert_eq!((state.as_str(), words.contains("placementScores is not true")), ("Absent", true), "{words}");
    let pool = |document: &Value| {
        let pools = document["spotPools"].as_array().expect("spot pools").clone();
        pools.into_iter().find(|pool| pool["pool"] == "g5.2xlarge/eu-west-1a").expect("the pool")
    };
    assert_eq!((&pool(&unasked)["risk"], &pool(&unasked)["coverage"]), (&Value::Null, &json!(0.1)));

    let document = bed.snapshot(&flags, &CREDENTIALS).await;
    let asked = bed.aws.asked();
    let scored = &asked["GetSpotPlacementScores"];
    assert_eq!(scored.region, "eu-west-1");
    for part in [
        "InstanceType.1=g5.2xlarge&InstanceType.2=g6.2xlarge&InstanceType.3=g6.xlarge",
        "TargetCapacity=4&TargetCapacityUnitType=units",
        "SingleAvailabilityZone=true",
        "RegionName.1=eu-west-1",
    ] {
        assert!(scored.body.contains(part), "{part} in {}", scored.body);
    }
    assert_eq!(source(&document, "aws-placement-scores").0, "Live");
    let found = pool(&document);
    // Score 3 counts (10 - 3) / 9 with weight 0.35, the price nothing with 0.10.
    assert_eq!((&found["risk"], &found["coverage"]), (&json!(60), &json!(0.45)), "{found}");
    assert_eq!(found["evidence"], json!(["Placement", "Price"]));
    assert_private(&bed.book());

    let again = bed.snapshot(&flags, &CREDENTIALS).await;
    assert!(!bed.aws.asked().contains_key("GetSpotPlacementScores"), "it is not 15 minutes old");
    assert_eq!(pool(&again)["risk"], json!(60));
    let without_state = bed.snapshot(&[&flags[..], &["--no-state"]].concat(), &CREDENTIALS).await;
    assert_eq!(source(&without_state, "aws-placement-scores").0, "Absent");
    assert!(!bed.aws.asked().contains_key("GetSpotPlacementScores"));
}

#[tokio::test]
async fn throttled_and_refused_placement_scores_are_told_apart_and_cost_nothing_else() {
    for (answers, state, words) in [
        (throttling as Answers, "Failed", "AWS throttles the requests: Request limit exceeded"),
        (refusing as Answers, "Absent", "NodePool gpu is not scored before"),
    ] {
        let bed = Bed::new(answers).await;
        let flags = bed.scoring();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let document = bed.snapshot(&flags, &CREDENTIALS).await;
        let (found, message) = source(&document, "aws-placement-scores");
        assert_eq!((found.as_str(), message.contains(words)), (state, true), "{message}");
        assert_eq!(source(&document, "aws-spot-prices").0, "Live");
        assert!(bed.aws.asked().contains_key("GetSpotPlacementScores"));
        let again = bed.snapshot(&flags, &CREDENTIALS).await;
        assert_eq!(again["nodes"].as_array().map(Vec::len), Some(4));
        let is_asked = bed.aws.asked().contains_key("GetSpotPlacementScores");
        assert_eq!(is_asked, state == "Failed", "after a refusal nothing new is asked for a day, by no session");
    }
}
