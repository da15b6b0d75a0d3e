//! Karpenter's version, as far as the NodePool CustomResourceDefinition gives it away.

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::api;
use super::backoff::Backoff;
use super::facts::Fact;
use super::failure::Failure;
use super::health_reporter::HealthReporter;
use super::refusals::Refusals;
use super::sink::Closed;
use super::stream::StreamContext;
use crate::fleet::SourceId;

const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nodepools.karpenter.sh";

/// Apart from the kinds' own seeds, which are small.
const SEED: u64 = 1000;

#[derive(Deserialize)]
struct Crd {
    spec: CrdSpec,
}

#[derive(Deserialize)]
struct CrdSpec {
    versions: Vec<CrdVersion>,
}

#[derive(Deserialize)]
struct CrdVersion {
    name: String,
    #[serde(default)]
    schema: Schema,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Schema {
    #[serde(rename = "openAPIV3Schema")]
    root: Node<Root>,
}

/// A schema that is an object.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Node<P: Default> {
    properties: P,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Root {
    spec: Node<Spec>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    replicas: Option<IgnoredAny>,
    disruption: Node<Disruption>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Disruption {
    consolidation_policy: Policy,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Policy {
    #[serde(rename = "enum")]
    values: Vec<String>,
}

/// Looks at the definition now and then.
pub(super) async fn run(mut context: StreamContext, turn: CancellationToken) -> Closed {
    let timing = context.timing;
    let mut health = HealthReporter::new(SourceId::KarpenterCrds, context.sink.clone(), context.clock, timing.health);
    let mut backoff = Backoff::new(&timing, SEED);
    let mut refusals = Refusals::new(&timing, SEED);
    if health.connecting().await.is_err() {
        return Closed;
    }
    turn.cancelled().await;
    loop {
        let Some(client) = context.access.wait().await else { return Closed };
        let looked = look(&client, &context).await;
        drop(client);
        let wait = match looked {
            Ok(version) => {
                backoff.reset();
                refusals.reset();
                found(&context, &mut health, version).await.map(|()| timing.crd_interval)
            }
            Err(Failure::Api { code: 404, .. }) => absent(&context, &mut health).await.map(|()| timing.absent_retry),
            Err(Failure::Api { code: 403, message, .. }) => {
                let words = format!("may not get customresourcedefinitions: {message}");
                let wait = refusals.next();
                let is_believed = !health.is_complete() || refusals.are_lasting();
                let said =
                    if is_believed { health.forbidden(&words, wait).await } else { health.failed(&words, wait).await };
                said.map(|()| wait)
            }
            Err(failure) => {
                let wait = backoff.next();
                health.failed(&failure.sentence(), wait).await.map(|()| wait)
            }
        };
        match wait {
            Ok(wait) => sleep(wait).await,
            Err(closed) => return closed,
        }
    }
}

async fn look(client: &kube::Client, context: &StreamContext) -> Result<Option<String>, Failure> {
    let mut body = context.access.body();
    api::fetch(client, api::get(PATH, "application/json")?, &context.timing, &mut body).await?;
    lower_bound(&body)
}

async fn found(context: &StreamContext, health: &mut HealthReporter, version: Option<String>) -> Result<(), Closed> {
    context.facts.tell(Fact::CrdVersion(version)).await?;
    health.list_complete(1).await
}

async fn absent(context: &StreamContext, health: &mut HealthReporter) -> Result<(), Closed> {
    context.facts.tell(Fact::CrdVersion(None)).await?;
    health.absent("the cluster has no nodepools.karpenter.sh", context.timing.absent_retry).await
}

/// The lowest version that has everything this definition has (karpenter CHANGELOG and pkg/apis/crds at each tag).
fn lower_bound(json: &[u8]) -> Result<Option<String>, Failure> {
    let crd: Crd = serde_json::from_slice(json).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let version = |name: &str| crd.spec.versions.iter().find(|version| version.name == name);
    let Some(v1) = version("v1") else {
        return Ok(version("v1beta1").map(|_| "0.32".to_owned()));
    };
    let spec = &v1.schema.root.properties.spec.properties;
    let disruption = &spec.disruption.properties;
    let bound = if disruption.consolidation_policy.values.iter().any(|value| value == "Balanced") {
        "1.14"
    } else if spec.replicas.is_some() {
        "1.8"
    } else {
        "1.0"
    };
    Ok(Some(bound.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_pool_crd_schema_gives_a_lower_bound_of_the_karpenter_version() {
        let crd = |version: &str, spec: &str| {
            format!(
                r#"{{"spec":{{"versions":[{{"name":"{version}","schema":{{"openAPIV3Schema":{{"type":"object",
                "properties":{{"spec":{{"properties":{spec}}}}}}}}}}}]}}}}"#
            )
        };
        let policy = |values: &str| {
            format!(
                r#"{{"disruption":{{"properties":{{"consolidationPolicy":{{"enum":[{values}]}},"budgets":{{}}}}}}}}"#
            )
        };
        let bound = |json: String| lower_bound(json.as_bytes()).unwrap();
        assert_eq!(bound(crd("v1", &policy("\"WhenEmpty\",\"Balanced\""))).as_deref(), Some("1.14"));
        assert_eq!(bound(crd("v1", r#"{"replicas":{"type":"integer"}}"#)).as_deref(), Some("1.8"));
        assert_eq!(bound(crd("v1", &policy("\"WhenEmpty\""))).as_deref(), Some("1.0"));
        assert_eq!(bound(crd("v1beta1", "{}")).as_deref(), Some("0.32"));
        assert_eq!(bound(crd("v1alpha5", "{}")), None);
        assert!(lower_bound(b"[]").is_err());
    }
}
