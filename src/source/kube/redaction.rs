//! Takes out of an object what may be a secret, before it is shown as YAML: a screen is shared, recorded and copied from.

use serde_json::{Map, Value};

/// What stands in place of a value.
pub(super) const REDACTED: &str = "(redacted)";

/// The annotation in which kubectl repeats the object as it was applied, values included.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Words of names whose values are secrets.
const SECRET_WORDS: [&str; 9] =
    ["password", "passwd", "pass", "passphrase", "secret", "token", "credential", "credentials", "apikey"];

/// Words before `key` in names whose values are secrets.
const SECRET_KEYS: [&str; 6] = ["api", "access", "private", "encryption", "signing", "account"];

/// Last words of names that say where a secret is, or what it is called.
const PLACES: [&str; 7] = ["file", "path", "dir", "name", "url", "type", "ttl"];

/// Beginnings of values that are credentials of well-known services.
const SECRET_STARTS: [&str; 10] =
    ["-----BEGIN", "AKIA", "ASIA", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "hf_", "sk-"];

/// Shortest text that is taken for a credential by its beginning.
const SHORTEST_CREDENTIAL: usize = 16;

/// Replaces what may be a secret, and says how many values that were: the data of a Secret, the annotation in which kubectl
/// repeats the object, environment variables and arguments that look like credentials.
pub(super) fn redact(object: &mut Value) -> usize {
    let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
    let mut count = 0;
    if let Some(fields) = object.as_object_mut() {
        for name in ["data", "stringData"].into_iter().filter(|_| is_secret) {
            count += redact_all(fields.get_mut(name));
        }
    }
    if let Some(applied) = object.pointer_mut("/metadata/annotations").and_then(|all| all.get_mut(LAST_APPLIED)) {
        count += redact_value(applied);
    }
    count + walk(object)
}

fn redact_all(values: Option<&mut Value>) -> usize {
    let values = values.and_then(Value::as_object_mut);
    values.map_or(0, |values| values.values_mut().map(redact_value).sum())
}

fn redact_value(value: &mut Value) -> usize {
    *value = Value::String(REDACTED.to_owned());
    1
}

fn walk(value: &mut Value) -> usize {
    match value {
        Value::Object(fields) => fields.iter_mut().map(|(name, value)| walk_field(name, value)).sum(),
        Value::Array(items) => items.iter_mut().map(walk).sum(),
        _ => 0,
    }
}

fn walk_field(name: &str, value: &mut Value) -> usize {
    match (name, value) {
        ("env", Value::Array(variables)) => variables.iter_mut().filter_map(Value::as_object_mut).map(variable).sum(),
        ("args" | "command", Value::Array(arguments)) => redact_arguments(arguments),
        (_, value) => walk(value),
    }
}

/// A variable of the environment with a literal value.
fn variable(variable: &mut Map<String, Value>) -> usize {
    let name = variable.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(value) = variable.get_mut("value") else { return 0 };
    let text = value.as_str().unwrap_or_default();
    if !text.is_empty() && (is_secret_name(&name) || is_credential(text)) { redact_value(value) } else { 0 }
}

/// `--token=x`, `--token x`, and texts that are credentials by themselves.
fn redact_arguments(arguments: &mut [Value]) -> usize {
    let mut count = 0;
    let mut is_next_secret = false;
    for argument in arguments {
        let text = argument.as_str().unwrap_or_default().to_owned();
        let is_flag = text.starts_with('-');
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        if !value.is_empty() && (is_secret_name(name) || is_credential(value)) {
            *argument = Value::String(format!("{name}={REDACTED}"));
            count += 1;
        } else if (is_next_secret && !is_flag) || is_credential(&text) {
            count += redact_value(argument);
        }
        is_next_secret = is_flag && value.is_empty() && is_secret_name(name);
    }
    count
}

/// Whether a name is that of a secret: `HF_TOKEN`, `--db-password`, `awsSecretAccessKey`; not `TOKEN_FILE` and `MAX_TOKENS`.
fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    if words.last().is_some_and(|last| PLACES.contains(&last.as_str())) {
        return false;
    }
    let is_key = words.windows(2).any(|pair| pair[1] == "key" && SECRET_KEYS.contains(&pair[0].as_str()));
    is_key || words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// The words of a name in lower case, also where capitals begin them.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let begins = c.is_uppercase() && was_lower;
        if !c.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value is a credential by its form: a key, a token of a well-known service, a JSON Web Token, an address with a
/// password in it.
fn is_credential(text: &str) -> bool {
    let is_known = text.len() >= SHORTEST_CREDENTIAL && SECRET_STARTS.iter().any(|start| text.starts_with(start));
    let is_web_token = text.starts_with("eyJ") && text.matches('.').count() == 2;
    is_known || is_web_token || has_password(text)
}

/// `postgres://user:password@host/db`.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit_once('@').is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, word)| !word.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_of_places_and_numbers() {
        for name in [
            "HF_TOKEN",
            "WANDB_API_KEY",
            "--db-password",
            "awsSecretAccessKey",
            "AWS_ACCESS_KEY_ID",
            "DB_PASS",
            "token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "TOKENIZERS_PARALLELISM",
            "MAX_TOKENS",
            "TOKEN_FILE",
            "SECRET_NAME",
            "KEYBOARD",
            "PATH",
            "",
            "--passes",
            "KEY",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn values_are_credentials_by_their_form() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_0123456789abcdefghij",
            "-----BEGIN RSA PRIVATE KEY-----",
            "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ",
            "postgres://app:hunter2@db:5432/x",
        ] {
            assert!(is_credential(value), "{value}");
        }
        for value in ["sk-learn", "https://host/a:b@c", "https://user@host/", "s3://bucket/key", "hf_models", "eyJ", ""]
        {
            assert!(!is_credential(value), "{value}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_taken_out_and_counted_and_the_rest_stays() {
        let mut pod = json!({
            "kind": "Pod",
            "metadata": {"annotations": {LAST_APPLIED: "{\"spec\":\"hunter2\"}", "team": "ml"}},
            "spec": {
                "containers": [{
                    "env": [
                        {"name": "DB_PASSWORD", "value": "hunter2"},
                        {"name": "DSN", "value": "mysql://root:hunter2@db/x"},
                        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf", "key": "token"}}},
                        {"name": "EPOCHS", "value": "3"},
                        {"name": "API_TOKEN", "value": ""},
                    ],
                    "args": ["--api-key=hunter2", "--token", "hunter2", "--epochs", "3", "--token-file=/run/token"],
                }],
                "initContainers": [{"env": [{"name": "SECRET", "value": "hunter2"}]}],
            },
        });
        assert_eq!(redact(&mut pod), 6);
        let text = pod.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["env"][2]["valueFrom"]["secretKeyRef"]["key"], "token");
        assert_eq!((&container["env"][3]["value"], &container["env"][4]["value"]), (&json!("3"), &json!("")));
        assert_eq!(
            container["args"],
            json!(["--api-key=(redacted)", "--token", "(redacted)", "--epochs", "3", "--token-file=/run/token"])
        );
        assert_eq!(pod["metadata"]["annotations"]["team"], "ml");
    }

    #[test]
    fn the_data_of_a_secret_goes_and_that_of_a_config_map_stays() {
        let data = json!({"a": "aHVudGVyMg==", "b": "eA=="});
        let mut secret = json!({"kind": "Secret", "data": data, "stringData": {"c": "hunter2"}});
        assert_eq!(redact(&mut secret), 3);
        assert_eq!(secret["data"], json!({"a": REDACTED, "b": REDACTED}));
        let mut map = json!({"kind": "ConfigMap", "data": data});
        assert_eq!((redact(&mut map), &map["data"]), (0, &data));
        let mut odd = json!([1, null, {"env": 3, "args": "x", "metadata": null}]);
        assert_eq!(redact(&mut odd), 0);
    }
}
