//! What Nodes use of their CPU and memory, from `metrics.k8s.io`, which metrics-server serves.
//!
//! It cannot be watched, so it is listed now and then. That of pods is not: at 100,000 pods an answer has tens of megabytes.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::api;
use super::backoff::Backoff;
use super::failure::Failure;
use super::health_reporter::HealthReporter;
use super::sink::Closed;
use super::stream::StreamContext;
use crate::fleet::{Delta, NodeUsage, SourceId, Sym, Usage};
use crate::units::{Time, quantity};

/// The list of NodeMetrics.
const PATH: &str = "/apis/metrics.k8s.io/v1beta1/nodes";

/// Apart from the seeds of others.
const SEED: u64 = 5000;

/// Lists the usage of Nodes again and again.
pub(super) async fn run(mut context: StreamContext, turn: CancellationToken) -> Closed {
    let timing = context.timing;
    let mut health = HealthReporter::new(SourceId::NodeMetrics, context.sink.clone(), context.clock, timing.health);
    let mut backoff = Backoff::new(&timing, SEED);
    if health.connecting().await.is_err() {
        return Closed;
    }
    turn.cancelled().await;
    loop {
        let Some(client) = context.access.wait().await else { return Closed };
        let listed = list(&client, &context).await;
        drop(client);
        let wait = match listed {
            Ok(usage) => {
                backoff.reset();
                told(&context, &mut health, usage).await
            }
            Err(failure) => failed(&context, &mut health, &mut backoff, &failure).await,
        };
        match wait {
            Ok(wait) => sleep(wait).await,
            Err(closed) => return closed,
        }
    }
}

async fn list(client: &kube::Client, context: &StreamContext) -> Result<NodeUsage, Failure> {
    let mut body = context.access.body();
    api::fetch(client, api::get(PATH, "application/json")?, &context.timing, &mut body).await?;
    read(&body).map_err(|error| Failure::Unreadable(error.to_string()))
}

async fn told(context: &StreamContext, health: &mut HealthReporter, usage: NodeUsage) -> Result<Duration, Closed> {
    let nodes = usage.len() as u64;
    context.sink.delta(Delta::NodeUsage(usage)).await?;
    health.list_complete(nodes).await.map(|()| context.timing.node_metrics)
}

/// What was listed last stays in sight, with its age, until its Source is forbidden or gone.
async fn failed(
    context: &StreamContext,
    health: &mut HealthReporter,
    backoff: &mut Backoff,
    failure: &Failure,
) -> Result<Duration, Closed> {
    let interval = context.timing.node_metrics;
    match failure {
        Failure::Api { code: 403, message, .. } => {
            context.sink.delta(Delta::NodeUsage(NodeUsage::default())).await?;
            health.forbidden(&format!("may not list nodes.metrics.k8s.io: {message}"), interval).await?;
            Ok(interval)
        }
        Failure::Api { code: 404, .. } => {
            context.sink.delta(Delta::NodeUsage(NodeUsage::default())).await?;
            health.absent("the cluster serves no metrics.k8s.io: metrics-server is not installed", interval).await?;
            Ok(interval)
        }
        failure => {
            let wait = backoff.next();
            health.failed(&failure.sentence(), wait).await?;
            Ok(wait)
        }
    }
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<NodeMetrics<'a>>,
}

#[derive(Deserialize)]
struct NodeMetrics<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    usage: Quantities<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Quantities<'a> {
    #[serde(borrow)]
    cpu: Cow<'a, str>,
    #[serde(borrow)]
    memory: Cow<'a, str>,
}

/// The usage in a list of NodeMetrics. What is no quantity or no time is left out.
fn read(json: &[u8]) -> Result<NodeUsage, serde_json::Error> {
    let list: List<'_> = serde_json::from_slice(json)?;
    Ok(list.items.iter().filter_map(NodeMetrics::usage).collect())
}

impl NodeMetrics<'_> {
    fn usage(&self) -> Option<(Sym, Usage)> {
        let usage = Usage {
            cpu_millis: quantity::millis(&self.usage.cpu).filter(|millis| *millis >= 0)?,
            memory_bytes: quantity::units(&self.usage.memory).filter(|bytes| *bytes >= 0)?,
            at: Time::parse(&self.timestamp)?,
        };
        Some((Sym::new(&self.metadata.name), usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_in_the_quantities_that_metrics_server_writes() {
        let of = |name: &str, cpu: &str, memory: &str| {
            format!(
                r#"{{"metadata":{{"name":"{name}","labels":{{"a":"b"}}}},"timestamp":"2026-09-21T14:13:20Z",
                "window":"20.1s","usage":{{"cpu":"{cpu}","memory":"{memory}"}}}}"#
            )
        };
        let items = [
            of("a", "2934567891n", "16203412Ki"),
            of("b", "0", "0"),
            of("broken", "much", "1Ki"),
            of("negative", "-1", "1Ki"),
        ];
        let json = format!(r#"{{"kind":"NodeMetricsList","metadata":{{}},"items":[{}]}}"#, items.join(","));
        let usage = read(json.as_bytes()).expect("a list");
        let at = Time::parse("2026-09-21T14:13:20Z").expect("a time");
        assert_eq!(usage.get("a"), Some(&Usage { cpu_millis: 2_935, memory_bytes: 16_203_412 << 10, at }));
        assert_eq!(usage.get("b").map(|usage| (usage.cpu_millis, usage.memory_bytes)), Some((0, 0)));
        assert_eq!(usage.len(), 2, "what cannot be read is unknown");
    }

    #[test]
    fn what_is_no_list_is_an_error_and_not_an_empty_list() {
        for json in ["{}", "[]", "null", r#"{"kind":"Status","code":200}"#, "<html>"] {
            assert!(read(json.as_bytes()).is_err(), "{json}");
        }
    }
}
