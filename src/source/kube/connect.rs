//! From kubeconfig and flags to a client.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, Kubeconfig};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::failure::{EXIT_CLUSTER, root_cause};
use super::kubeconfig::{Env, Target, config_error, resolve};
use super::token::{self, TokenFile};
use super::{ConnectOptions, Timing, exec, proxy};
use crate::files;
use crate::fleet::{ClusterFacts, ConnectionError};
use crate::units::Time;

/// Where to connect to, before anything has been run or asked.
pub(super) struct Plan {
    /// Context, server, contexts and namespace.
    pub(super) place: ClusterFacts,
    way: Way,
    plugin_launcher: Vec<OsString>,
}

enum Way {
    /// By a kubeconfig, or flags that stand in for one.
    Kubeconfig(Box<Target>),
    /// With a pod's service account.
    Pod(Box<Config>),
}

/// A client, and what is known without having asked the server anything.
pub(super) struct Connection {
    pub(super) client: Client,
    /// What the client was made of, for more of them.
    pub(super) config: Arc<Config>,
    /// Context, server, contexts and namespace.
    pub(super) place: ClusterFacts,
    pub(super) validity: Validity,
}

/// Until when credentials can be used.
#[derive(Clone, Default)]
pub(super) struct Validity {
    /// When they expire, where that is known.
    pub(super) expires: Option<Time>,
    /// The file of their token, which may get another one at any time.
    pub(super) token_file: Option<TokenFile>,
}

/// What the kubeconfig and the flags amount to.
pub(super) fn plan(
    config: Option<&Kubeconfig>,
    options: &ConnectOptions,
    timing: &Timing,
) -> Result<Plan, ConnectionError> {
    let (place, way) = match config {
        Some(config) => by_kubeconfig(resolve(config, options)?)?,
        None if options.server.is_some() => by_kubeconfig(resolve(&Kubeconfig::default(), options)?)?,
        None => in_cluster(options, timing)?,
    };
    Ok(Plan { place, way, plugin_launcher: options.plugin_launcher.clone() })
}

fn by_kubeconfig(target: Target) -> Result<(ClusterFacts, Way), ConnectionError> {
    let server = target.cluster.server.clone().filter(|server| !server.is_empty()).ok_or_else(|| {
        config_error(
            "the cluster has no server".to_owned(),
            "Set `server` in the kubeconfig, or name one with --server.",
        )
    })?;
    let place = ClusterFacts {
        context: target.context.clone(),
        server,
        contexts: target.contexts.clone(),
        default_namespace: target.namespace.clone(),
        warning: target.warning.clone(),
        ..ClusterFacts::default()
    };
    Ok((place, Way::Kubeconfig(Box::new(target))))
}

/// A pod's service account. kube has read its certificate authority.
fn in_cluster(options: &ConnectOptions, timing: &Timing) -> Result<(ClusterFacts, Way), ConnectionError> {
    let mut config = Config::incluster().map_err(|_| {
        config_error(
            "there is no kubeconfig, and this is not a pod with a service account".to_owned(),
            "Name a file with --kubeconfig or $KUBECONFIG, or try `batchtop --demo`.",
        )
    })?;
    impersonate(&mut config.auth_info, options);
    harden(&mut config, timing);
    let place = ClusterFacts {
        server: config.cluster_url.to_string(),
        default_namespace: config.default_namespace.clone(),
        ..ClusterFacts::default()
    };
    Ok((place, Way::Pod(Box::new(config))))
}

impl Plan {
    /// Builds the client. Nothing but a credential plugin is asked.
    pub(super) async fn connect(self, timing: &Timing, env: Env<'_>) -> Result<Connection, ConnectionError> {
        let Self { place, way, plugin_launcher } = self;
        let (mut config, expires) = match way {
            Way::Pod(config) => (*config, None),
            Way::Kubeconfig(target) => {
                let server = place.server.clone();
                let mut target = blocking(move || read_files(*target, &server)).await?;
                let terms = exec::Terms { limit: timing.exec, launcher: &plugin_launcher };
                let expires = exec::materialize(&mut target.user, &target.cluster, terms).await?;
                let mut config = config(&target, &place.server, env)?;
                harden(&mut config, timing);
                (config, expires)
            }
        };
        let mut user = config.auth_info;
        let (user, token_file) = blocking(move || token::take_file(&mut user).map(|file| (user, file))).await?;
        config.auth_info = user;
        let config = Arc::new(config);
        let validity = Validity { expires, token_file };
        Ok(Connection { client: client(&config, &place.server)?, config, place, validity })
    }
}

/// Larger files of certificates and keys are rejected unread.
const MAX_CREDENTIAL_BYTES: u64 = 4 << 20;

/// Puts the content of the files that cluster and user name in their place; kube would read them without a bound. Data in
/// the kubeconfig comes before files.
fn read_files(mut target: Target, server: &str) -> Result<Target, ConnectionError> {
    let (cluster, user) = (&mut target.cluster, &mut target.user);
    let read = |path: String| files::read(Path::new(&path), MAX_CREDENTIAL_BYTES).map(|bytes| STANDARD.encode(bytes));
    if let Some(path) = cluster.certificate_authority.take().filter(|_| cluster.certificate_authority_data.is_none()) {
        let failed = |error| {
            config_error(
                format!("certificate-authority cannot be read: {error}"),
                "Fetch a fresh kubeconfig for this cluster.",
            )
        };
        cluster.certificate_authority_data = Some(read(path).map_err(failed)?);
    }
    if let Some(path) = user.client_certificate.take().filter(|_| user.client_certificate_data.is_none()) {
        let data = read(path).map_err(|error| unusable(&format!("client-certificate: {error}"), server))?;
        user.client_certificate_data = Some(data);
    }
    if let Some(path) = user.client_key.take().filter(|_| user.client_key_data.is_none()) {
        let data = read(path).map_err(|error| unusable(&format!("client-key: {error}"), server))?;
        user.client_key_data = Some(data.into());
    }
    Ok(target)
}

/// Reads files on a thread for what may block, as pipes and network drives do.
pub(super) async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ConnectionError> + Send + 'static,
) -> Result<T, ConnectionError> {
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|ended| {
        let hint = "Choose the context again, or restart batchtop.";
        Err(config_error(format!("reading the kubeconfig and its files ended: {ended}"), hint))
    })
}

fn impersonate(user: &mut AuthInfo, options: &ConnectOptions) {
    user.impersonate.clone_from(&options.impersonate);
    user.impersonate_uid.clone_from(&options.impersonate_uid);
    user.impersonate_groups = Some(options.impersonate_groups.clone()).filter(|groups| !groups.is_empty());
}

/// The same as kube's own loading, except for the proxy and for errors that name their field.
fn config(target: &Target, server: &str, env: Env<'_>) -> Result<Config, ConnectionError> {
    let url = if server.contains("://") { server.to_owned() } else { format!("https://{server}") };
    let uri: http::Uri = url.parse().map_err(|error| {
        config_error(format!("server {server:?} is not an address: {error}"), "It has the form https://host:port.")
    })?;
    let cluster = &target.cluster;
    let mut config = Config::new(uri);
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name.clone_from(&cluster.tls_server_name);
    config.proxy_url = proxy::proxy_for(&config.cluster_url, cluster.proxy_url.as_deref(), env)?;
    config.root_cert = authority(cluster)?.or_else(|| no_roots(&config));
    config.auth_info = target.user.clone();
    if !target.namespace.is_empty() {
        config.default_namespace.clone_from(&target.namespace);
    }
    Ok(config)
}

/// Without TLS no roots are needed, and those of the system need not be loaded for each client.
fn no_roots(config: &Config) -> Option<Vec<Vec<u8>>> {
    let is_plain = config.cluster_url.scheme() == Some(&http::uri::Scheme::HTTP) && config.proxy_url.is_none();
    is_plain.then(Vec::new)
}

fn authority(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, ConnectionError> {
    const HINT: &str = "Fetch a fresh kubeconfig for this cluster.";
    let pem = ExecAuthCluster::try_from(cluster)
        .map_err(|error| config_error(format!("certificate-authority cannot be read: {}", root_cause(&error)), HINT))?;
    let Some(pem) = pem.certificate_authority_data else { return Ok(None) };
    let certificates: Result<Vec<Vec<u8>>, _> =
        CertificateDer::pem_slice_iter(&pem).map(|one| one.map(|der| der.to_vec())).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(Some(certificates)),
        _ => Err(config_error("certificate-authority holds no PEM certificate".to_owned(), HINT)),
    }
}

/// No retries behind the back of Health (kube repeats for minutes before it tells), and a bound on connecting. There is no
/// bound on reading: a slow but steady list of 400 MB must come through.
fn harden(config: &mut Config, timing: &Timing) {
    config.default_retry = false;
    config.connect_timeout = Some(timing.connect);
    config.read_timeout = None;
}

fn client(config: &Config, server: &str) -> Result<Client, ConnectionError> {
    Client::try_from(config.clone()).map_err(|error| unusable(&root_cause(&error), server))
}

/// Before anything is sent, only certificates, keys and token files can be wrong.
fn unusable(words: &str, server: &str) -> ConnectionError {
    let (message, hint) = if words.contains("UnsupportedCertVersion") {
        (
            format!("the client certificate for {server} is X.509 version 1, which TLS here does not accept"),
            "Use a token (MicroK8s: `microk8s config --use-token`) or a version 3 certificate.",
        )
    } else {
        (
            format!("the credentials for {server} cannot be used: {words}"),
            "Check client-certificate, client-key and tokenFile of the user in the kubeconfig.",
        )
    };
    ConnectionError { message, hint: hint.to_owned(), exit_code: EXIT_CLUSTER }
}
