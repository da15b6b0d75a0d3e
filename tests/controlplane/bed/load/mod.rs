//! Fills a bed with a large fleet and keeps it changing, for benchmarks.
//!
//! Meant for a bed of [`super::BedOptions::api_only`]: there nothing reacts to the
//! objects, so they stay as they were written.

mod objects;
mod random;
pub mod returned;
mod shape;

use std::ops::Range;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use http::Method;
use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::api::request;
use super::failure::{Context, Result};
use super::running::Bed;
pub use shape::PODS_PER_WORKLOAD;
use shape::{NAMESPACES, Owner, Phase, Size, Workload};

/// Requests on their way at a time.
const PARALLEL: usize = 64;

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// A fleet on an API server.
#[derive(Debug)]
pub struct Fleet {
    /// Nodes, and NodeClaims too.
    pub nodes: usize,
    /// Pods in every phase.
    pub pods: usize,
    /// Running pods: namespace and name.
    pub running: Vec<(String, String)>,
    /// Pods with `karpenter.sh/do-not-disrupt`.
    pub protected: usize,
    /// Size of one pod as the server returns it, bytes of JSON.
    pub pod_bytes: usize,
    /// How long loading took.
    pub elapsed: Duration,
    seed: u64,
    /// The uid of the owner of each workload's pods.
    owners: Vec<String>,
}

/// What churn did.
#[derive(Debug, Default)]
pub struct Churn {
    /// Updates that the server accepted.
    pub accepted: usize,
    /// Updates that failed.
    pub failed: usize,
    /// How long it went on.
    pub elapsed: Duration,
}

/// Creates nodes with their NodeClaims and NodePools, and pods with their owners. The
/// same numbers and seed give the same fleet, but for times and uids.
pub fn fleet(bed: &Bed, nodes: usize, pods: usize, seed: u64) -> Result<Fleet> {
    let start = Instant::now();
    for pool in objects::node_pools() {
        bed.apply(&pool)?;
    }
    let client = bed.api().client();
    bed.api().runtime().block_on(async {
        each(0..NAMESPACES, |index| create_namespace(client, index)).await?;
        each(0..nodes, |index| create_node(client, Size { nodes, pods, seed }, index)).await
    })?;
    let (running, owners) = (Vec::new(), Vec::new());
    let mut fleet =
        Fleet { nodes, pods: 0, running, protected: 0, pod_bytes: 0, elapsed: start.elapsed(), seed, owners };
    grow(bed, &mut fleet, pods)?;
    Ok(fleet)
}

/// Creates more pods with their owners, up to so many. A fleet that grew is the same as one that was created so large.
pub fn grow(bed: &Bed, fleet: &mut Fleet, pods: usize) -> Result<()> {
    let start = Instant::now();
    let size = Size { nodes: fleet.nodes, pods, seed: fleet.seed };
    let client = bed.api().client();
    let (workloads, new) = (fleet.owners.len()..pods.div_ceil(PODS_PER_WORKLOAD), fleet.pods..pods);
    bed.api().runtime().block_on(async {
        fleet.owners.extend(create_workloads(client, workloads.clone()).await?);
        each(workloads, |index| create_disruption_budget(client, index)).await?;
        each(new.clone(), |index| create_pod(client, size, index, &fleet.owners)).await
    })?;
    for pod in new.map(|index| shape::pod(size, index)) {
        fleet.protected += usize::from(pod.protection.is_some());
        if pod.phase == Phase::Running {
            fleet.running.push((pod.namespace, pod.name));
        }
    }
    fleet.pods = pods;
    if let Some((namespace, name)) = fleet.running.first() {
        fleet.pod_bytes = bed.api().get(&pod_path(namespace, name))?.to_string().len();
    }
    fleet.elapsed += start.elapsed();
    Ok(())
}

/// Updates running pods at an even rate: restarts, readiness and annotations in turn.
pub fn churn(bed: &Bed, fleet: &Fleet, updates_per_second: u32, duration: Duration) -> Result<Churn> {
    let period = Duration::from_secs(1).checked_div(updates_per_second).context("a rate of 0")?;
    let start = Instant::now();
    let mut churn = bed.api().runtime().block_on(async {
        let mut churn = Churn::default();
        let mut ticks = interval(period);
        // A late tick is made up for, or the rate would be lower than asked.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut updates = JoinSet::new();
        for (number, (namespace, name)) in fleet.running.iter().cycle().enumerate() {
            ticks.tick().await;
            if start.elapsed() >= duration {
                break;
            }
            if updates.len() >= PARALLEL {
                churn.count(updates.join_next().await.as_ref());
            }
            updates.spawn(update(bed.api().client().clone(), pod_path(namespace, name), number));
        }
        while let Some(outcome) = updates.join_next().await {
            churn.count(Some(&outcome));
        }
        churn
    });
    churn.elapsed = start.elapsed();
    Ok(churn)
}

impl Churn {
    fn count<E>(&mut self, outcome: Option<&Result<Result<()>, E>>) {
        match outcome {
            Some(Ok(Ok(()))) => self.accepted += 1,
            Some(_) => self.failed += 1,
            None => {}
        }
    }
}

async fn update(client: Client, path: String, number: usize) -> Result<()> {
    match number % 3 {
        0 => {
            let status = json!({"containerStatuses": [{"name": "main", "restartCount": number}]});
            let path = format!("{path}/status?fieldManager=kubelet");
            send(&client, Method::PATCH, &path, STRATEGIC, &json!({"status": status})).await
        }
        1 => {
            let ready = if number.is_multiple_of(2) { "True" } else { "False" };
            let status = json!({"conditions": [{"type": "Ready", "status": ready}]});
            let path = format!("{path}/status?fieldManager=kubelet");
            send(&client, Method::PATCH, &path, STRATEGIC, &json!({"status": status})).await
        }
        _ => {
            let annotations = json!({"team.example/step": number.to_string()});
            let path = format!("{path}?fieldManager=pipeline");
            send(&client, Method::PATCH, &path, MERGE, &json!({"metadata": {"annotations": annotations}})).await
        }
    }
    .map(drop)
}

/// Does something for each index in parallel, and stops at the first failure.
async fn each<F>(indices: Range<usize>, work: impl Fn(usize) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    stream::iter(indices).map(Ok).try_for_each_concurrent(PARALLEL, work).await
}

async fn create_namespace(client: &Client, index: usize) -> Result<()> {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("team-{index:02}")}});
    send(client, Method::POST, "/api/v1/namespaces", JSON, &object).await.map(drop)
}

async fn create_node(client: &Client, size: Size, index: usize) -> Result<()> {
    let claims = "/apis/karpenter.sh/v1/nodeclaims";
    let (claim, claim_status) = objects::node_claim(size, index);
    let claim_name = objects::claim_name(shape::pool(index), index);
    let manager = "fieldManager=karpenter";
    send(client, Method::POST, &format!("{claims}?{manager}"), JSON, &claim).await?;
    let path = format!("{claims}/{claim_name}/status?{manager}");
    send(client, Method::PATCH, &path, MERGE, &claim_status).await?;
    let node = objects::node(size, index);
    send(client, Method::POST, "/api/v1/nodes?fieldManager=kubelet", JSON, &node).await?;
    let path = format!("/api/v1/nodes/{}?{manager}", shape::node_name(index));
    send(client, Method::PATCH, &path, MERGE, &objects::node_taints(index)).await.map(drop)
}

/// Creates the owners of pods; returns their uids.
async fn create_workloads(client: &Client, indices: Range<usize>) -> Result<Vec<String>> {
    let create = |index: usize| async move {
        let workload = shape::workload(index);
        create_workload(client, &workload).await
    };
    stream::iter(indices).map(create).buffered(PARALLEL).try_collect().await
}

async fn create_workload(client: &Client, workload: &Workload) -> Result<String> {
    let Some(object) = objects::workload(workload) else {
        return Ok(format!("00000000-0000-4000-8000-{:012}", workload.index));
    };
    let collection = match workload.owner {
        Owner::Job => format!("/apis/batch/v1/namespaces/{}/jobs", workload.namespace),
        _ => format!("/apis/apps/v1/namespaces/{}/replicasets", workload.namespace),
    };
    let created = send(client, Method::POST, &collection, JSON, &object).await?;
    if workload.owner == Owner::Job {
        let path = format!("{collection}/{}/status?fieldManager=kube-controller-manager", workload.name);
        send(client, Method::PATCH, &path, MERGE, &objects::job_status()).await?;
    }
    Ok(created["metadata"]["uid"].as_str().unwrap_or_default().to_owned())
}

async fn create_disruption_budget(client: &Client, index: usize) -> Result<()> {
    let workload = shape::workload(index);
    let Some((object, status)) = objects::disruption_budget(&workload) else { return Ok(()) };
    let collection = format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets", workload.namespace);
    send(client, Method::POST, &collection, JSON, &object).await?;
    let path = format!("{collection}/{}/status?fieldManager=kube-controller-manager", workload.name);
    send(client, Method::PATCH, &path, MERGE, &status).await.map(drop)
}

/// Three writers, as in a real cluster: the controller creates, kubelet reports, and a
/// few pods get an annotation from a person.
async fn create_pod(client: &Client, size: Size, index: usize, owners: &[String]) -> Result<()> {
    let shape = shape::pod(size, index);
    let workload = shape::workload(index / PODS_PER_WORKLOAD);
    let uid = owners.get(workload.index).context("no owner")?;
    let object = objects::pod(size, &shape, &workload, uid);
    let collection = format!("/api/v1/namespaces/{}/pods?fieldManager=kube-controller-manager", shape.namespace);
    send(client, Method::POST, &collection, JSON, &object).await?;
    let path = pod_path(&shape.namespace, &shape.name);
    let status = objects::pod_status(&shape);
    send(client, Method::PATCH, &format!("{path}/status?fieldManager=kubelet"), MERGE, &status).await?;
    if index.is_multiple_of(10) {
        let note = json!({"metadata": {"annotations": {"team.example/note": "looked at"}}});
        send(client, Method::PATCH, &format!("{path}?fieldManager=kubectl-annotate"), MERGE, &note).await?;
    }
    Ok(())
}

async fn send(client: &Client, method: Method, path: &str, kind: &str, body: &Value) -> Result<Value> {
    let what = format!("{method} {path}");
    let request = request(method, path, Some((kind, body))).context(&what)?;
    client.request(request).await.context(what)
}

fn pod_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}
