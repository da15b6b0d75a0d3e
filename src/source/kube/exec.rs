//! Credential plugins (`aws eks get-token` and the like).
//!
//! They are run here and not by kube, which would run them up to three times for one client, let them read the terminal
//! and write on it, keep whatever they print, and wait for them forever (kube-client client/auth/mod.rs `auth_exec`).

use std::collections::HashMap;
use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, ExecConfig};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::failure::EXIT_CLUSTER;
use super::token;
use crate::fleet::ConnectionError;
use crate::units::Time;
use crate::units::text::printable;

/// How much of a plugin's complaint is shown.
const COMPLAINT_CHARS: usize = 300;

/// Most that a plugin may print to its standard output; tokens and certificates have kilobytes.
const MAX_OUTPUT_BYTES: u64 = 1 << 20;

/// How much is kept of what a plugin writes to its standard error: the end, where the reason stands.
const KEPT_ERROR_BYTES: usize = 64 << 10;

/// How much of it is read at a time.
const CHUNK_BYTES: usize = 8 << 10;

/// How the launcher's last words begin where it could not start the plugin.
pub const NOT_STARTED: &str = "cannot be started: ";

/// How plugins are run.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// How long one may take.
    pub(super) limit: Duration,
    /// What to put before it, so that it gets a session of its own; if empty, it only gets a process group of its own.
    pub(super) launcher: &'a [OsString],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    api_version: Option<String>,
    kind: &'static str,
    spec: RequestSpec,
}

#[derive(Serialize)]
struct RequestSpec {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ExecAuthCluster>,
}

#[derive(Deserialize)]
struct Response {
    status: Option<Credential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    token: Option<String>,
    expiration_timestamp: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the plugin, if the user has one, puts its credentials in its place and tells when they expire.
pub(super) async fn materialize(
    user: &mut AuthInfo,
    cluster: &Cluster,
    terms: Terms<'_>,
) -> Result<Option<Time>, ConnectionError> {
    // The same precedence as kube's: a token or password in the file makes the plugin unnecessary.
    if user.token.is_some() || user.token_file.is_some() || user.username.is_some() {
        user.exec = None;
    }
    let Some(exec) = user.exec.take() else { return Ok(None) };
    let name = exec.command.clone().unwrap_or_default();
    let output = run(&exec, cluster, terms).await.map_err(|words| failed(&name, &words, &exec))?;
    let credential = parse(&output).map_err(|words| failed(&name, &words, &exec))?;
    let expires = credential.expiration_timestamp.as_deref().and_then(Time::parse);
    let token = credential.token.as_deref().map(token::trimmed).transpose();
    user.token = token.map_err(|words| failed(&name, &format!("printed a token that {words}"), &exec))?.flatten();
    if let (Some(certificate), Some(key)) = (credential.client_certificate_data, credential.client_key_data) {
        user.client_certificate_data = Some(STANDARD.encode(certificate));
        user.client_key_data = Some(STANDARD.encode(key).into());
    }
    Ok(expires)
}

fn failed(name: &str, words: &str, exec: &ExecConfig) -> ConnectionError {
    let hint = exec.install_hint.as_deref().and_then(|hint| hint.lines().find(|line| !line.trim().is_empty()));
    ConnectionError {
        message: format!("the credential plugin {name:?} {words}"),
        hint: hint.unwrap_or("Run it by hand in a terminal, sign in where it asks, and try again.").to_owned(),
        exit_code: EXIT_CLUSTER,
    }
}

async fn run(exec: &ExecConfig, cluster: &Cluster, terms: Terms<'_>) -> Result<Vec<u8>, String> {
    let mut command = command(exec.command.as_deref().ok_or("has no command")?, terms.launcher);
    command.args(exec.args.iter().flatten()).envs(exec.env.iter().flatten().filter_map(variable));
    command.env("KUBERNETES_EXEC_INFO", request(exec, cluster)?);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let not_started = |error| format!("{NOT_STARTED}{error}");
    let mut child = command.spawn().map_err(not_started)?;
    let group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = async { child.wait().await.map_err(|error| format!("cannot be waited for: {error}")) };
    let all = async { tokio::try_join!(output(stdout), async { Ok(end_of(stderr).await) }, ended) };
    match tokio::time::timeout(terms.limit, all).await {
        Err(_) => Err(format!("did not finish within {} s", terms.limit.as_secs())),
        Ok(Err(words)) => Err(words),
        Ok(Ok((stdout, stderr, status))) => {
            group.leave();
            if status.success() { Ok(stdout) } else { Err(complaint(&stderr, status)) }
        }
    }
}

/// The plugin, in a session or at least a process group of its own.
fn command(program: &str, launcher: &[OsString]) -> tokio::process::Command {
    let Some((first, rest)) = launcher.split_first() else {
        let mut command = tokio::process::Command::new(program);
        command.process_group(0);
        return command;
    };
    let mut command = tokio::process::Command::new(first);
    command.args(rest).arg(program);
    command
}

/// A plugin with everything that it has started. Ended when dropped, which is the case when the time is over, it prints too
/// much, or nobody wants the connection any more.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &tokio::process::Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// Lets what the plugin has left behind go on: helpers that keep a session are meant to.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It fails if nothing is left of the group; the plugin itself is ended by tokio, too.
        let _ = self.0.map(|group| kill_process_group(group, Signal::KILL));
    }
}

async fn output(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let Some(pipe) = pipe else { return Ok(bytes) };
    let read = pipe.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes).await;
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(format!("printed more than {MAX_OUTPUT_BYTES} bytes"));
    }
    Ok(bytes)
}

/// The end of what comes through a pipe.
async fn end_of(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let (mut kept, mut chunk) = (Vec::new(), vec![0; CHUNK_BYTES]);
    let Some(mut pipe) = pipe else { return kept };
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..count]);
        kept.drain(..kept.len().saturating_sub(KEPT_ERROR_BYTES));
    }
    kept
}

fn variable(pair: &HashMap<String, String>) -> Option<(&String, &String)> {
    Some((pair.get("name")?, pair.get("value")?))
}

fn request(exec: &ExecConfig, cluster: &Cluster) -> Result<String, String> {
    let cluster = if exec.provide_cluster_info { ExecAuthCluster::try_from(cluster).ok() } else { None };
    let spec = RequestSpec { interactive: false, cluster };
    let request = Request { api_version: exec.api_version.clone(), kind: "ExecCredential", spec };
    serde_json::to_string(&request).map_err(|error| error.to_string())
}

/// The last line a plugin wrote to its standard error is where the reason usually stands.
fn complaint(stderr: &[u8], status: ExitStatus) -> String {
    let words = String::from_utf8_lossy(stderr);
    let last = words.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing");
    let short: String = printable(last).chars().take(COMPLAINT_CHARS).collect();
    if short.starts_with(NOT_STARTED) { short } else { format!("failed ({status}): {short}") }
}

/// client-go also takes YAML, and some plugins write it.
fn parse(stdout: &[u8]) -> Result<Credential, String> {
    let text = String::from_utf8_lossy(stdout);
    let response: Response = serde_saphyr::from_str(&text).map_err(|_| "printed no ExecCredential".to_owned())?;
    let credential = response.status.ok_or_else(|| "printed an ExecCredential without status".to_owned())?;
    let is_blank = |token: &String| token.trim().is_empty();
    if credential.token.as_ref().is_none_or(is_blank) && credential.client_certificate_data.is_none() {
        return Err("printed neither token nor certificate".to_owned());
    }
    Ok(credential)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    async fn with(script: &str, limit: Duration) -> Result<(AuthInfo, Option<Time>), ConnectionError> {
        let exec = ExecConfig {
            command: Some("/bin/sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            api_version: Some("client.authentication.k8s.io/v1".to_owned()),
            ..ExecConfig::default()
        };
        let mut user = AuthInfo { exec: Some(exec), ..AuthInfo::default() };
        let expires = materialize(&mut user, &Cluster::default(), Terms { limit, launcher: &[] }).await?;
        Ok((user, expires))
    }

    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn the_token_and_expiry_of_a_credential_plugin_are_used() {
        let script = r#"echo "$KUBERNETES_EXEC_INFO" | grep -q '"interactive":false' || exit 9
            echo '{"kind":"ExecCredential","status":{"token":"t1","expirationTimestamp":"2026-11-21T10:00:00Z"}}'"#;
        let (user, expires) = with(script, LONG).await.unwrap();
        assert!(user.exec.is_none() && user.token.is_some());
        assert_eq!(expires, Time::parse("2026-11-21T10:00:00Z"));
    }

    #[tokio::test]
    async fn a_plugin_token_is_trimmed_and_refused_with_an_inner_line_break() {
        let printing = |token: &str| format!("printf '%s' '{{\"status\":{{\"token\":\"{token}\"}}}}'");
        let (user, _) = with(&printing(r" t1\n"), LONG).await.unwrap();
        assert_eq!(user.token.unwrap().expose_secret(), "t1");
        let refused = with(&printing(r"sword\nfish"), LONG).await.err().unwrap();
        assert!(refused.message.contains("a line break") && !refused.message.contains("fish"), "{refused:?}");
    }

    #[tokio::test]
    async fn a_plugin_failure_is_reported_and_a_hanging_plugin_is_killed() {
        let failed = with("echo first >&2; echo 'Token has expired' >&2; exit 255", LONG).await.err().unwrap();
        assert!(failed.message.ends_with("Token has expired") && failed.exit_code == 3, "{failed:?}");
        let hung = with("sleep 60", Duration::from_millis(50)).await.err().unwrap();
        assert!(hung.message.contains("did not finish"), "{hung:?}");
        for nothing in
            ["true", "echo '{}'", "echo '{\"status\":{}}'", "echo nonsense", r#"echo '{"status":{"token":" \n"}}'"#]
        {
            assert!(with(nothing, LONG).await.err().unwrap().message.contains("printed"), "{nothing}");
        }
    }

    /// Whether a process is there and is no zombie.
    fn runs(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
    }

    #[tokio::test]
    async fn a_plugin_over_its_limits_is_killed_with_its_child_processes() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let start = format!("sleep 600 & echo $! > {}; ", pid.display());
        for (end, words) in [("wait", "did not finish"), ("yes", "printed more than 1048576 bytes")] {
            let failed = with(&(start.clone() + end), Duration::from_millis(500)).await.err().unwrap();
            assert!(failed.message.contains(words), "{failed:?}");
            let pid = std::fs::read_to_string(&pid).unwrap();
            for _ in 0..100 {
                if !runs(pid.trim()) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(!runs(pid.trim()), "its child {pid} goes on after {end:?}");
        }
    }

    #[tokio::test]
    async fn the_end_of_a_long_plugin_error_output_is_kept() {
        let long = [vec![b'x'; 3 * KEPT_ERROR_BYTES], b"\nthe reason\n".to_vec()].concat();
        let kept = end_of(Some(long.as_slice())).await;
        assert!(kept.len() <= KEPT_ERROR_BYTES && kept.ends_with(b"the reason\n"));
        let script = "head -c 300000 /dev/zero >&2; echo >&2; echo 'the reason' >&2; exit 3";
        let failed = with(script, LONG).await.err().unwrap();
        assert!(failed.message.ends_with("the reason"), "{failed:?}");
    }

    #[tokio::test]
    async fn a_plugin_that_cannot_be_started_is_reported() {
        let exec = ExecConfig { command: Some("/no/such/plugin".to_owned()), ..ExecConfig::default() };
        let terms = Terms { limit: LONG, launcher: &[] };
        let words = run(&exec, &Cluster::default(), terms).await.unwrap_err();
        assert!(words.starts_with(NOT_STARTED), "{words}");
        let said = complaint(format!("{NOT_STARTED}No such file").as_bytes(), ExitStatus::default());
        assert_eq!(said, "cannot be started: No such file");
    }
}
