//! Credential plugins (`aws eks get-token` and the like).
//!
//! They are run here and not by kube, which would run them up to three times for one client, let them read the terminal
//! and write on it, and wait for them forever (kube-client client/auth/mod.rs `auth_exec`).

use std::collections::HashMap;
use std::process::{Output, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, ExecConfig};
use serde::{Deserialize, Serialize};

use super::failure::EXIT_CLUSTER;
use super::token;
use crate::fleet::ConnectionError;
use crate::units::Time;

/// How much of a plugin's complaint is shown.
const COMPLAINT_BYTES: usize = 300;

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
    limit: Duration,
) -> Result<Option<Time>, ConnectionError> {
    // The same precedence as kube's: a token or password in the file makes the plugin unnecessary.
    if user.token.is_some() || user.token_file.is_some() || user.username.is_some() {
        user.exec = None;
    }
    let Some(exec) = user.exec.take() else { return Ok(None) };
    let name = exec.command.clone().unwrap_or_default();
    let output = run(&exec, cluster, limit).await.map_err(|words| failed(&name, &words, &exec))?;
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

async fn run(exec: &ExecConfig, cluster: &Cluster, limit: Duration) -> Result<Vec<u8>, String> {
    let mut command = tokio::process::Command::new(exec.command.as_deref().ok_or("has no command")?);
    command.args(exec.args.iter().flatten()).envs(exec.env.iter().flatten().filter_map(variable));
    command.env("KUBERNETES_EXEC_INFO", request(exec, cluster)?);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    match tokio::time::timeout(limit, command.output()).await {
        Err(_) => Err(format!("did not finish within {} s", limit.as_secs())),
        Ok(Err(error)) => Err(format!("cannot be started: {error}")),
        Ok(Ok(output)) if output.status.success() => Ok(output.stdout),
        Ok(Ok(output)) => Err(complaint(&output)),
    }
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
fn complaint(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing");
    let short: String = last.chars().filter(|c| !c.is_control()).take(COMPLAINT_BYTES).collect();
    format!("failed ({}): {short}", output.status)
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
        let expires = materialize(&mut user, &Cluster::default(), limit).await?;
        Ok((user, expires))
    }

    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn its_token_and_expiry_are_taken() {
        let script = r#"echo "$KUBERNETES_EXEC_INFO" | grep -q '"interactive":false' || exit 9
            echo '{"kind":"ExecCredential","status":{"token":"t1","expirationTimestamp":"2026-11-21T10:00:00Z"}}'"#;
        let (user, expires) = with(script, LONG).await.unwrap();
        assert!(user.exec.is_none() && user.token.is_some());
        assert_eq!(expires, Time::parse("2026-11-21T10:00:00Z"));
    }

    #[tokio::test]
    async fn its_token_is_trimmed_and_refused_with_a_line_break_inside() {
        let printing = |token: &str| format!("printf '%s' '{{\"status\":{{\"token\":\"{token}\"}}}}'");
        let (user, _) = with(&printing(r" t1\n"), LONG).await.unwrap();
        assert_eq!(user.token.unwrap().expose_secret(), "t1");
        let refused = with(&printing(r"sword\nfish"), LONG).await.err().unwrap();
        assert!(refused.message.contains("a line break") && !refused.message.contains("fish"), "{refused:?}");
    }

    #[tokio::test]
    async fn its_failures_are_named_and_a_hanging_one_is_ended() {
        let failed = with("echo first >&2; echo 'Token has expired' >&2; exit 255", LONG).await.err().unwrap();
        assert!(failed.message.ends_with("Token has expired") && failed.exit_code == 3, "{failed:?}");
        let hung = with("sleep 60", Duration::from_millis(50)).await.err().unwrap();
        assert!(hung.message.contains("did not finish"), "{hung:?}");
        for nothing in ["true", "echo '{}'", "echo '{\"status\":{}}'", "echo nonsense", r#"echo '{"status":{"token":" \n"}}'"#] {
            assert!(with(nothing, LONG).await.err().unwrap().message.contains("printed"), "{nothing}");
        }
    }
}
