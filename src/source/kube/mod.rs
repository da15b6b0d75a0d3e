//! The Kubernetes API server: connection, streams, decoding, the one write, and what a detail pane fetches.

pub mod decode;
