//! Names for completions of the command line.

use http_body_util::{BodyExt, Limited};
use serde::Deserialize;

use super::kubeconfig::{load, names};
use super::{ConnectOptions, Timing, api, connect};
use crate::files;

/// The contexts of the kubeconfig; none where there is none that can be read.
pub fn contexts(options: &ConnectOptions) -> Vec<String> {
    if options.kubeconfig.as_deref().is_some_and(files::is_pipe) {
        return Vec::new();
    }
    load(options, &env).ok().flatten().map(|config| names(&config)).unwrap_or_default()
}

/// One page of namespaces is enough for what somebody types.
const NAMESPACES_PATH: &str = "/api/v1/namespaces?limit=500";

/// Without what is not their names.
const ACCEPT: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json";

/// A longer answer is not read.
const MOST_BYTES: usize = 4 << 20;

/// The namespaces of the cluster; none where they cannot be read.
pub async fn namespaces(options: &ConnectOptions) -> Vec<String> {
    try_namespaces(options).await.unwrap_or_default()
}

/// Of what goes wrong nobody is told: whoever completes a word has no place for it.
async fn try_namespaces(options: &ConnectOptions) -> Option<Vec<String>> {
    let timing = Timing::default();
    let config = load(options, &env).ok()?;
    let connection = connect::plan(config.as_ref(), options, &timing).ok()?.connect(&timing, &env).await.ok()?;
    let request = api::get(NAMESPACES_PATH, ACCEPT).ok()?;
    let response = api::open(&connection.client, request, &timing).await.ok()?;
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.ok()?;
    let list: List = serde_json::from_slice(&body.to_bytes()).ok()?;
    Some(list.items.into_iter().map(|item| item.metadata.name).collect())
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}
