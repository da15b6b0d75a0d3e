//! A blocking client of a bed's API server for JSON by path: a test needs no types,
//! and polling through it is far cheaper than one kubectl process per look.

use std::path::Path;
use std::sync::Arc;

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::failure::{Context, Failure, Result};

/// A client with its own connections and one user's rights.
#[derive(Clone)]
pub struct Api {
    client: Client,
    /// Repeats nothing: kube's own client asks again for minutes when it gets 503, which a pod
    /// that does not answer gives.
    once: Client,
    runtime: Arc<Runtime>,
}

/// What the server answered instead of what was asked for.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP status; 0 if there was no answer.
    pub code: u16,
    /// The server's words.
    pub message: String,
}

impl Api {
    /// A client from a kubeconfig file.
    pub fn new(kubeconfig: &Path, runtime: Arc<Runtime>) -> Result<Self> {
        let file = Kubeconfig::read_from(kubeconfig).context(kubeconfig.display())?;
        let options = KubeConfigOptions::default();
        let (client, once) = runtime.block_on(async {
            let mut config = Config::from_custom_kubeconfig(file, &options).await.context("kubeconfig")?;
            // Never through a proxy of the environment: the server is on loopback.
            config.proxy_url = None;
            let client = Client::try_from(config.clone()).context("client")?;
            config.default_retry = false;
            Ok((client, Client::try_from(config).context("client")?))
        })?;
        Ok(Self { client, once, runtime })
    }

    /// The client below, for what needs several requests at a time.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The runtime that the client belongs to.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The object or list at a path such as `/api/v1/namespaces/x/pods/y`.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.try_get(path).context(format!("GET {path}"))
    }

    /// The same, with the server's refusal as a value.
    pub fn try_get(&self, path: &str) -> Result<Value, Refusal> {
        self.send(Method::GET, path, None)
    }

    /// The object at a path, `None` if there is none (404).
    pub fn find(&self, path: &str) -> Result<Option<Value>> {
        match self.try_get(path) {
            Ok(object) => Ok(Some(object)),
            Err(refusal) if refusal.code == 404 => Ok(None),
            Err(refusal) => Err(Failure::new(format!("GET {path}: {refusal}"))),
        }
    }

    /// The items of the list at a path; query parameters may follow the path.
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        match self.get(path)?.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Failure::new(format!("GET {path}: not a list"))),
        }
    }

    /// Creates an object in the collection at a path.
    pub fn create(&self, path: &str, object: &Value) -> Result<Value> {
        self.send(Method::POST, path, Some(("application/json", object))).context(format!("POST {path}"))
    }

    /// Merges a patch (RFC 7386) into the object at a path; end the path in `/status`
    /// for its status.
    pub fn patch(&self, path: &str, change: &Value) -> Result<Value> {
        self.send(Method::PATCH, path, Some(("application/merge-patch+json", change))).context(format!("PATCH {path}"))
    }

    /// Deletes the object, or all of the collection, at a path. Gone already is fine.
    pub fn delete(&self, path: &str) -> Result<()> {
        match self.send(Method::DELETE, path, None) {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.code == 404 => Ok(()),
            Err(refusal) => Err(Failure::new(format!("DELETE {path}: {refusal}"))),
        }
    }

    /// The text at a path that does not answer JSON, such as `/readyz` or what a pod says
    /// through the proxy.
    pub fn text(&self, path: &str) -> Result<String> {
        self.try_text(path).context(format!("GET {path}"))
    }

    /// The same, with the server's refusal as a value.
    pub fn try_text(&self, path: &str) -> Result<String, Refusal> {
        let request = request(Method::GET, path, None).map_err(Refusal::of_request)?;
        self.runtime.block_on(self.once.request_text(request)).map_err(Refusal::from)
    }

    fn send(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value, Refusal> {
        let request = request(method, path, body).map_err(Refusal::of_request)?;
        self.runtime.block_on(self.client.request(request)).map_err(Refusal::from)
    }
}

/// A request as [`Client::request`] takes it.
pub fn request(method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Request<Vec<u8>>, http::Error> {
    let builder = Request::builder().method(method).uri(path);
    match body {
        None => builder.body(Vec::new()),
        Some((kind, value)) => builder.header("content-type", kind).body(value.to_string().into_bytes()),
    }
}

impl Refusal {
    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    fn of_request(error: http::Error) -> Self {
        Self { code: 0, message: error.to_string() }
    }
}

impl From<kube::Error> for Refusal {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self { code: status.code, message: status.message.clone() },
            other => Self { code: 0, message: other.to_string() },
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}
