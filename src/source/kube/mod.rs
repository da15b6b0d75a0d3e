//! The Kubernetes API server: connection, streams, decoding, writes, and what a detail pane fetches.
//!
//! Each kind has its own task, which lists in pages, watches, decodes to rows and sends them as Deltas; kube's own watcher
//! would hide paging, bookmarks, liveness and undecodable objects, all of which Health has to tell.

mod access;
mod api;
mod backoff;
mod batch;
mod bodies;
mod completions;
mod connect;
mod containers;
mod crd;
pub mod decode;
mod discovery;
mod exec;
mod facts;
mod failure;
mod fetch;
mod gpu_exporters;
mod health_reporter;
mod identity;
mod karpenter_metrics;
mod kubeconfig;
mod lines;
mod log_lines;
mod logs;
mod node_metrics;
mod options;
mod page_size;
mod prometheus;
mod proxied;
mod proxy;
mod redaction;
mod refusals;
mod resource;
mod rights;
mod sink;
mod stream;
mod supervisor;
mod timing;
mod token;
mod watches;
mod write;

pub use access::{Access, PooledClient};
pub use bodies::{BodyLimits, BodyUse};
pub use completions::{contexts, namespaces};
pub use containers::{containers, read_containers};
pub use exec::NOT_STARTED;
pub use fetch::{FetchError, Fetched, fetch, read};
pub use kubeconfig::{name_of_context, names_of_cluster};
pub use logs::follow as follow_log;
pub use options::ConnectOptions;
pub use prometheus::{HistoryServer, PrometheusChoice};
pub use resource::{accept as list_media_types, first_page};
pub use supervisor::KubeSource;
pub use timing::Timing;
pub use write::write;

/// Tells the time; given from outside, so that tests decide what it is.
pub type Clock = fn() -> crate::units::Time;
