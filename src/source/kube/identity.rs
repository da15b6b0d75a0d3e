//! Who the server is, and who the server says the user is.

use http::{Method, header};
use kube::Client;
use serde::Deserialize;

use super::access::PooledClient;
use super::bodies::Body;
use super::failure::Failure;
use super::{Timing, api};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

#[derive(Deserialize)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewStatus {
    user_info: UserInfo,
}

#[derive(Deserialize)]
struct UserInfo {
    username: String,
}

/// The server's version; `None` where this user may not ask, which is no reason not to go on.
pub(super) async fn version(client: &Client, timing: &Timing, mut body: Body) -> Result<Option<String>, Failure> {
    match api::fetch(client, api::get("/version", "application/json")?, timing, &mut body).await {
        Ok(()) => Ok(serde_json::from_slice::<Version>(&body).ok().map(|version| version.git_version)),
        Err(Failure::Api { code: 403 | 404, .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The user, by a SelfSubjectReview (since Kubernetes 1.28), which every authenticated user may make and which stores
/// nothing.
pub(super) async fn user(client: &PooledClient, timing: &Timing) -> Option<String> {
    const BODY: &[u8] = br#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::ACCEPT, "application/json")];
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let request = api::request(Method::POST, path, &headers, BODY.to_vec()).ok()?;
    let mut body = client.body();
    api::fetch(client, request, timing, &mut body).await.ok()?;
    serde_json::from_slice::<Review>(&body).ok().map(|review| review.status.user_info.username)
}
