//! kubectl's connection flags.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach the API server; every field has the meaning of kubectl's flag of that name.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`: this file alone, instead of `$KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`: the context of the kubeconfig instead of its current one.
    pub context: Option<String>,
    /// `--cluster`: the cluster of the kubeconfig instead of that of the context.
    pub cluster: Option<String>,
    /// `--user`: the user of the kubeconfig instead of that of the context.
    pub user: Option<String>,
    /// `--as`: the user to impersonate.
    pub impersonate: Option<String>,
    /// `--as-group`: the groups to impersonate.
    pub impersonate_groups: Vec<String>,
    /// `--as-uid`: the UID to impersonate.
    pub impersonate_uid: Option<String>,
    /// `--request-timeout`; zero is none.
    pub request_timeout: Option<Duration>,
    /// `--token`: the bearer token to sign in with.
    pub token: Option<String>,
    /// `--server`: the address of the API server.
    pub server: Option<String>,
    /// `--certificate-authority`: the file with the authority that signs the server's certificate.
    pub certificate_authority: Option<PathBuf>,
    /// `--insecure-skip-tls-verify`: whether the server's certificate is accepted unchecked.
    pub insecure_skip_tls_verify: bool,
    /// What to put before a credential plugin and its arguments, so that it gets a session without the terminal. If it is
    /// empty, the plugin only gets a process group of its own.
    pub plugin_launcher: Vec<OsString>,
}
