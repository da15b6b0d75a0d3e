//! The text of kubeconfig files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::certificates::Identity;

/// Name of the context, the cluster and the user in every file.
pub const CONTEXT: &str = "bed";

/// A kubeconfig with everything inline.
pub fn text(server: &str, authority: &str, identity: &Identity) -> String {
    let authority = STANDARD.encode(authority);
    let certificate = STANDARD.encode(&identity.certificate);
    let key = STANDARD.encode(&identity.key);
    format!(
        "apiVersion: v1
kind: Config
current-context: {CONTEXT}
contexts:
- name: {CONTEXT}
  context:
    cluster: {CONTEXT}
    user: {CONTEXT}
clusters:
- name: {CONTEXT}
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {CONTEXT}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"
    )
}
