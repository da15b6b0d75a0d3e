//! kubeconfig files: found, merged and resolved as kubectl does, with every mistake named.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};

use super::failure::{EXIT_CONFIG, root_cause};
use super::{ConnectOptions, token};
use crate::files;
use crate::fleet::ConnectionError;

/// What a kubeconfig and the flags name together.
pub(super) struct Target {
    /// The context, empty where there is none.
    pub(super) context: String,
    /// Its namespace, empty where unset.
    pub(super) namespace: String,
    /// Every context, in the order of the files.
    pub(super) contexts: Vec<String>,
    pub(super) cluster: Cluster,
    pub(super) user: AuthInfo,
    /// What is odd about them and does not stop the connection.
    pub(super) warning: Option<String>,
}

/// Reads the environment; an argument, so that tests need not change the process's own.
pub(super) type Env<'e> = &'e (dyn Fn(&str) -> Option<String> + Sync);

/// A mistake in the configuration.
pub(super) fn config_error(message: String, hint: &str) -> ConnectionError {
    ConnectionError { message, hint: hint.to_owned(), exit_code: EXIT_CONFIG }
}

/// Every context, in the order of the files.
pub(super) fn names(config: &Kubeconfig) -> Vec<String> {
    config.contexts.iter().map(|context| context.name.clone()).collect()
}

/// The name of the context that is connected to first; empty where there is no kubeconfig, or none that can be read, or it
/// names none.
pub fn name_of_context(options: &ConnectOptions) -> String {
    names_of_cluster(options).into_iter().next().unwrap_or_default()
}

/// What the context and its cluster are called; nothing where there is no kubeconfig, or none that can be read.
pub fn names_of_cluster(options: &ConnectOptions) -> Vec<String> {
    // A pipe gives its kubeconfig only once, and that was for the connection.
    if options.kubeconfig.as_deref().is_some_and(files::is_pipe) {
        return Vec::new();
    }
    let Ok(Some(config)) = load(options, &|name| std::env::var(name).ok()) else { return Vec::new() };
    let Ok((name, context)) = context(&config, options) else { return Vec::new() };
    vec![name, options.cluster.clone().unwrap_or(context.cluster)]
}

/// The merged kubeconfig; `None` where there is no file at all, which may mean "inside a cluster".
pub(super) fn load(options: &ConnectOptions, env: Env<'_>) -> Result<Option<Kubeconfig>, ConnectionError> {
    if let Some(path) = &options.kubeconfig {
        return read(path).map(Some);
    }
    let mut merged = None;
    for path in default_paths(env).iter().filter(|path| path.exists()) {
        let next = read(path)?;
        merged = Some(match merged.take() {
            None => next,
            Some(before) => Kubeconfig::merge(before, next).map_err(|error| unreadable(path, &error))?,
        });
    }
    Ok(merged)
}

/// `$KUBECONFIG`, a list of which missing files are skipped as kubectl does, else the file in the home directory.
fn default_paths(env: Env<'_>) -> Vec<PathBuf> {
    let listed: Vec<PathBuf> =
        env("KUBECONFIG").iter().flat_map(std::env::split_paths).filter(|path| !path.as_os_str().is_empty()).collect();
    if !listed.is_empty() {
        return listed;
    }
    env("HOME").or_else(|| env("USERPROFILE")).map(|home| Path::new(&home).join(".kube/config")).into_iter().collect()
}

/// Larger kubeconfigs are rejected unread.
const MAX_BYTES: u64 = 16 << 20;

/// As `Kubeconfig::read_from` of kube, which reads without a bound and panics on half a UTF-16 character.
fn read(path: &Path) -> Result<Kubeconfig, ConnectionError> {
    let bytes = files::read(path, MAX_BYTES).map_err(|error| {
        config_error(format!("{} cannot be read: {error}", path.display()), "Check the path and its permissions.")
    })?;
    let text = text(bytes).map_err(|words| config_error(format!("{} {words}", path.display()), "Save it as UTF-8."))?;
    let mut config = Kubeconfig::from_yaml(&text).map_err(|error| unreadable(path, &error))?;
    if let Some(folder) = path.parent() {
        make_absolute(&mut config, folder);
    }
    Ok(config)
}

/// The text of a file in the encodings that editors for Windows write, told by its first bytes.
fn text(bytes: Vec<u8>) -> Result<String, &'static str> {
    match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).map_err(|_| "is not UTF-8 text"),
        _ => String::from_utf8(bytes).map_err(|_| "is not UTF-8 text"),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, &'static str> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("is UTF-16 and ends in the middle of a character");
    }
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).map_err(|_| "is not UTF-16 text, though it begins like that")
}

/// Paths in a kubeconfig are relative to its folder. Plugins are only where they name a folder, others are in `$PATH`
/// (client-go `GetAuthInfoFileReferences`).
fn make_absolute(config: &mut Kubeconfig, folder: &Path) {
    let clusters = config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut());
    let mut paths: Vec<&mut String> = clusters.filter_map(|cluster| cluster.certificate_authority.as_mut()).collect();
    for user in config.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        let files = [&mut user.client_certificate, &mut user.client_key, &mut user.token_file];
        paths.extend(files.into_iter().filter_map(Option::as_mut));
        let command = user.exec.as_mut().and_then(|exec| exec.command.as_mut());
        paths.extend(command.filter(|command| command.contains(std::path::MAIN_SEPARATOR)));
    }
    for path in paths {
        if let Some(absolute) = folder.join(&*path).to_str() {
            absolute.clone_into(path);
        }
    }
}

fn unreadable(path: &Path, error: &KubeconfigError) -> ConnectionError {
    let words = root_cause(error);
    let first_line = words.lines().next().unwrap_or_default();
    let message = format!("{} is not a valid kubeconfig: {first_line}", path.display());
    config_error(message, "Compare it with `kubectl config view --kubeconfig FILE`.")
}

/// What the flags choose from the kubeconfig, with their overrides applied.
pub(super) fn resolve(config: &Kubeconfig, options: &ConnectOptions) -> Result<Target, ConnectionError> {
    let (context_name, context) = context(config, options)?;
    let mut cluster = cluster(config, options, &context)?;
    let mut user = user(config, options, &context)?;
    override_cluster(&mut cluster, options);
    let warning = cluster.server.as_mut().and_then(strip_userinfo);
    token::trim_inline(&mut user)?;
    override_user(&mut user, options)?;
    refuse_commands_of_kube(&user)?;
    Ok(Target {
        context: context_name,
        namespace: context.namespace.unwrap_or_default(),
        contexts: names(config),
        cluster,
        user,
        warning,
    })
}

fn context(config: &Kubeconfig, options: &ConnectOptions) -> Result<(String, Context), ConnectionError> {
    let wanted = options.context.as_ref().or(config.current_context.as_ref()).filter(|name| !name.is_empty());
    let Some(name) = wanted else {
        if options.server.is_some() || options.cluster.is_some() {
            return Ok((String::new(), Context::default()));
        }
        return Err(config_error(
            "no context is chosen: the kubeconfig has no current-context".to_owned(),
            "Name one with --context, or set it with `kubectl config use-context`.",
        ));
    };
    let found = config.contexts.iter().find(|named| named.name == *name).and_then(|named| named.context.clone());
    let context = found.ok_or_else(|| {
        config_error(format!("there is no context {name:?} in the kubeconfig"), &known("contexts", &names(config)))
    })?;
    Ok((name.clone(), context))
}

fn cluster(config: &Kubeconfig, options: &ConnectOptions, context: &Context) -> Result<Cluster, ConnectionError> {
    let name = options.cluster.as_ref().unwrap_or(&context.cluster);
    let found = config.clusters.iter().find(|named| named.name == *name).and_then(|named| named.cluster.clone());
    match found {
        Some(cluster) => Ok(cluster),
        None if options.server.is_some() && options.cluster.is_none() => Ok(Cluster::default()),
        None => {
            let all: Vec<String> = config.clusters.iter().map(|named| named.name.clone()).collect();
            Err(config_error(format!("there is no cluster {name:?} in the kubeconfig"), &known("clusters", &all)))
        }
    }
}

/// A user that the context names but the file lacks is nobody, as for client-go; one that a flag names must exist.
fn user(config: &Kubeconfig, options: &ConnectOptions, context: &Context) -> Result<AuthInfo, ConnectionError> {
    let find = |name: &String| config.auth_infos.iter().find(|named| named.name == *name);
    if let Some(name) = &options.user {
        let all: Vec<String> = config.auth_infos.iter().map(|named| named.name.clone()).collect();
        return find(name).map(|named| named.auth_info.clone().unwrap_or_default()).ok_or_else(|| {
            config_error(format!("there is no user {name:?} in the kubeconfig"), &known("users", &all))
        });
    }
    Ok(context.user.as_ref().and_then(find).and_then(|named| named.auth_info.clone()).unwrap_or_default())
}

/// How many names a hint lists.
const NAMES_IN_A_HINT: usize = 10;

fn known(what: &str, names: &[String]) -> String {
    if names.is_empty() {
        return format!("It has no {what} at all.");
    }
    let more = if names.len() > NAMES_IN_A_HINT { ", …" } else { "" };
    let listed: Vec<&str> = names.iter().take(NAMES_IN_A_HINT).map(String::as_str).collect();
    format!("Its {what}: {}{more}.", listed.join(", "))
}

fn override_cluster(cluster: &mut Cluster, options: &ConnectOptions) {
    if let Some(server) = &options.server {
        cluster.server = Some(server.clone());
    }
    if let Some(path) = &options.certificate_authority {
        cluster.certificate_authority = Some(path.display().to_string());
        cluster.certificate_authority_data = None;
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
}

/// kube would run `cmd-path` of this auth-provider by itself, without any of the limits that exec plugins have. client-go
/// has had no such provider since Kubernetes 1.26 (plugin/pkg/client/auth/gcp).
fn refuse_commands_of_kube(user: &AuthInfo) -> Result<(), ConnectionError> {
    if user.auth_provider.as_ref().is_none_or(|provider| provider.name != "gcp") {
        return Ok(());
    }
    Err(config_error(
        "the auth-provider gcp of the user is not supported, as in kubectl from 1.26 on".to_owned(),
        "Install gke-gcloud-auth-plugin, and fetch the kubeconfig anew with `gcloud container clusters get-credentials`.",
    ))
}

/// Takes user name and password out of an address, so that they are shown nowhere. They are never used to sign in.
fn strip_userinfo(server: &mut String) -> Option<String> {
    let from = server.find("://").map_or(0, |at| at + "://".len());
    let authority = server[from..].split(['/', '?', '#']).next().unwrap_or_default();
    let userinfo_end = authority.rfind('@')? + 1;
    server.replace_range(from..from + userinfo_end, "");
    Some(format!("the address of server {server} contains a user name or a password, which is not used"))
}

fn override_user(user: &mut AuthInfo, options: &ConnectOptions) -> Result<(), ConnectionError> {
    let token = options.token.as_deref().map(|token| token::configured(token, "of --token or $BATCHTOP_TOKEN"));
    if let Some(token) = token.transpose()?.flatten() {
        user.token = Some(token);
        user.token_file = None;
        user.exec = None;
        user.auth_provider = None;
    }
    if options.impersonate.is_some() {
        user.impersonate.clone_from(&options.impersonate);
    }
    if !options.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(options.impersonate_groups.clone());
    }
    if options.impersonate_uid.is_some() {
        user.impersonate_uid.clone_from(&options.impersonate_uid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c1, user: u1, namespace: ml}}
- {name: two, context: {cluster: c2, user: gone}}
- {name: broken, context: {cluster: nowhere}}
clusters:
- {name: c1, cluster: {server: 'https://one', certificate-authority-data: QQ==}}
- {name: c2, cluster: {server: 'https://two'}}
users:
- {name: u1, user: {token: t1, exec: {command: x, apiVersion: v1}}}
";

    fn target(options: &ConnectOptions) -> Result<Target, ConnectionError> {
        resolve(&Kubeconfig::from_yaml(TWO).unwrap(), options)
    }

    fn error(options: &ConnectOptions) -> ConnectionError {
        target(options).err().unwrap()
    }

    #[test]
    fn the_current_context_is_used_unless_another_is_named() {
        let one = target(&ConnectOptions::default()).unwrap();
        assert_eq!((one.context.as_str(), one.namespace.as_str()), ("one", "ml"));
        assert_eq!(one.contexts, ["one", "two", "broken"]);
        let two = target(&ConnectOptions { context: Some("two".to_owned()), ..Default::default() }).unwrap();
        assert_eq!(two.cluster.server.as_deref(), Some("https://two"));
        assert!(two.user.token.is_none(), "a missing user is nobody");
    }

    #[test]
    fn a_missing_context_cluster_or_user_is_named() {
        let named = |options: &ConnectOptions| error(options);
        let context = named(&ConnectOptions { context: Some("prod".to_owned()), ..Default::default() });
        assert_eq!(context.message, "there is no context \"prod\" in the kubeconfig");
        assert_eq!((context.hint.as_str(), context.exit_code), ("Its contexts: one, two, broken.", 2));
        let cluster = named(&ConnectOptions { context: Some("broken".to_owned()), ..Default::default() });
        assert_eq!(cluster.message, "there is no cluster \"nowhere\" in the kubeconfig");
        let user = named(&ConnectOptions { user: Some("root".to_owned()), ..Default::default() });
        assert_eq!(user.message, "there is no user \"root\" in the kubeconfig");
        assert!(resolve(&Kubeconfig::default(), &ConnectOptions::default()).is_err());
    }

    #[test]
    fn connection_flags_override_the_kubeconfig() {
        let options = ConnectOptions {
            server: Some("https://other".to_owned()),
            token: Some("t".to_owned()),
            impersonate: Some("jane".to_owned()),
            impersonate_groups: vec!["ops".to_owned()],
            impersonate_uid: Some("7".to_owned()),
            insecure_skip_tls_verify: true,
            ..Default::default()
        };
        let target = target(&options).unwrap();
        assert_eq!(target.cluster.server.as_deref(), Some("https://other"));
        assert!(target.cluster.certificate_authority_data.is_none());
        assert!(target.user.exec.is_none() && target.user.token.is_some());
        assert_eq!(target.user.impersonate_uid.as_deref(), Some("7"));
        let bare = ConnectOptions { server: Some("https://x".to_owned()), ..Default::default() };
        assert_eq!(resolve(&Kubeconfig::default(), &bare).unwrap().cluster.server.as_deref(), Some("https://x"));
    }

    #[test]
    fn an_invalid_header_token_is_refused_from_any_place_and_never_shown() {
        let with = |token: &str| ConnectOptions { token: Some(token.to_owned()), ..Default::default() };
        let refused = error(&with("swordfish\nx"));
        assert!(refused.message.contains("--token") && !refused.message.contains("swordfish"), "{refused:?}");
        assert!(target(&with(" abc\n")).is_ok() && target(&with("")).unwrap().user.exec.is_some());
        let config = Kubeconfig::from_yaml(&TWO.replace("token: t1", "token: \"swordfish\\nx\"")).unwrap();
        let refused = resolve(&config, &ConnectOptions::default()).err().unwrap();
        assert!(refused.message.contains("kubeconfig") && !refused.message.contains("swordfish"), "{refused:?}");
    }

    #[test]
    fn a_user_and_password_in_a_server_address_are_removed_with_a_warning() {
        for (address, kept) in [
            ("https://u:p@ss@host:6443/path@x", "https://host:6443/path@x"),
            ("u@host", "host"),
            ("https://:@[::1]:1", "https://[::1]:1"),
            ("https://u:p@ bad host", "https:// bad host"),
        ] {
            let options = ConnectOptions { server: Some(address.to_owned()), ..Default::default() };
            let target = target(&options).unwrap();
            assert_eq!(target.cluster.server.as_deref(), Some(kept));
            assert!(target.warning.is_some_and(|words| words.contains(kept) && !words.contains("u:p")), "{address}");
        }
        let config = Kubeconfig::from_yaml(&TWO.replace("https://one", "https://u:p@one")).unwrap();
        let of_file = resolve(&config, &ConnectOptions::default()).unwrap();
        assert_eq!(of_file.cluster.server.as_deref(), Some("https://one"));
        for plain in ["https://one/a@b", "https://one?x=a@b"] {
            let options = ConnectOptions { server: Some(plain.to_owned()), ..Default::default() };
            let target = target(&options).unwrap();
            assert_eq!((target.cluster.server.as_deref(), target.warning), (Some(plain), None));
        }
    }

    #[test]
    fn an_auth_provider_that_runs_commands_is_refused_unless_a_token_replaces_it() {
        let provider = "auth-provider: {name: gcp, config: {cmd-path: /bin/true}}";
        let config = Kubeconfig::from_yaml(&TWO.replace("token: t1", provider)).unwrap();
        let refused = resolve(&config, &ConnectOptions::default()).err().unwrap();
        assert!(refused.message.contains("gcp") && refused.hint.contains("gke-gcloud-auth-plugin"), "{refused:?}");
        let token = ConnectOptions { token: Some("t".to_owned()), ..Default::default() };
        assert!(resolve(&config, &token).is_ok());
    }

    #[test]
    fn kubeconfig_files_of_a_list_are_merged_and_missing_ones_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("a"), "current-context: one\ncontexts: []\n").unwrap();
        std::fs::write(path("b"), TWO).unwrap();
        let list = format!("{}:{}:{}", path("missing"), path("a"), path("b"));
        let config = load(&ConnectOptions::default(), &|name| (name == "KUBECONFIG").then(|| list.clone())).unwrap();
        assert_eq!(config.unwrap().contexts.len(), 3);
        let none = load(&ConnectOptions::default(), &|name| (name == "KUBECONFIG").then(|| path("missing"))).unwrap();
        assert!(none.is_none());
    }

    #[test]
    fn unreadable_and_malformed_kubeconfigs_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let options = |path: &Path| ConnectOptions { kubeconfig: Some(path.to_owned()), ..Default::default() };
        let error = load(&options(&missing), &|_| None).err().unwrap();
        assert!(error.message.contains("missing cannot be read: ") && error.exit_code == 2, "{error:?}");
        let malformed = folder.path().join("malformed");
        std::fs::write(&malformed, "contexts: {{").unwrap();
        let error = load(&options(&malformed), &|_| None).err().unwrap();
        assert!(error.message.contains("malformed is not a valid kubeconfig: "), "{error:?}");
        assert!(!error.message.contains('\n'));
    }

    #[test]
    fn utf_8_and_utf_16_kubeconfigs_are_read_and_invalid_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let options = ConnectOptions { kubeconfig: Some(path.clone()), ..Default::default() };
        let units: Vec<u16> = TWO.encode_utf16().collect();
        let little: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(units.iter().flat_map(|unit| unit.to_le_bytes())).collect();
        let big: Vec<u8> = [0xFE, 0xFF].into_iter().chain(units.iter().flat_map(|unit| unit.to_be_bytes())).collect();
        for bytes in [little.clone(), big, format!("\u{feff}{TWO}").into_bytes(), TWO.into()] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(load(&options, &|_| None).unwrap().unwrap().contexts.len(), 3);
        }
        for bytes in [&little[..little.len() - 1], &[0xFE, 0xFF, b'a'], b"\xff\xfe\x00\xdc", b"\xff"] {
            std::fs::write(&path, bytes).unwrap();
            let error = load(&options, &|_| None).err().unwrap();
            assert!(error.message.contains("UTF-") && error.exit_code == 2, "{error:?}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let text = "clusters: [{name: c, cluster: {certificate-authority: ca.crt}}]\nusers:\n\
                    - {name: a, user: {client-certificate: a.crt, client-key: /keys/a.key, tokenFile: t/token}}\n\
                    - {name: b, user: {exec: {command: ./plugin, apiVersion: v1}}}\n\
                    - {name: c, user: {exec: {command: plugin, apiVersion: v1}}}\n";
        std::fs::write(&path, text).unwrap();
        let config = read(&path).unwrap();
        let inside = |name: &str| Some(folder.path().join(name).display().to_string());
        assert_eq!(config.clusters[0].cluster.as_ref().unwrap().certificate_authority, inside("ca.crt"));
        let user = |at: usize| config.auth_infos[at].auth_info.clone().unwrap();
        assert_eq!((user(0).client_certificate, user(0).token_file), (inside("a.crt"), inside("t/token")));
        assert_eq!(user(0).client_key.as_deref(), Some("/keys/a.key"));
        assert_eq!(user(1).exec.unwrap().command, inside("./plugin"));
        assert_eq!(user(2).exec.unwrap().command.as_deref(), Some("plugin"));
    }
}
