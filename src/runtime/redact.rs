//! Removes credentials and user names from text for bug reports.

/// Replacement for removed text.
const MARK: &str = "[redacted]";

/// Shortest secret that is searched for: shorter ones would match unrelated text.
const MIN_SECRET_BYTES: usize = 6;

/// Shortest text that is taken for a token or key; names of types and functions with capitals and digits are shorter.
const MIN_RANDOM_BYTES: usize = 24;

/// Parent folders of home folders.
const HOMES: [&str; 2] = ["/home/", "/Users/"];

/// Endings of names of fields whose values are secrets, in kubeconfigs, headers and credentials.
const SECRET_FIELDS: [&str; 6] = ["token", "password", "secret", "key-data", "certificate-data", "authority-data"];

/// HTTP authentication schemes; credentials follow them.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// Redacts known secrets, and text that has the form of a secret.
#[derive(Default)]
pub struct Redactor {
    /// Path of the home folder without a trailing slash.
    home: Option<String>,
    /// Secrets that batchtop was given.
    secrets: Vec<String>,
}

impl Redactor {
    /// A redactor for a home folder and known secrets; those that are empty or too short are ignored.
    pub fn new(home: Option<String>, secrets: impl IntoIterator<Item = String>) -> Self {
        let home = home.map(|home| home.trim_end_matches('/').to_owned()).filter(|home| !home.is_empty());
        Self { home, secrets: secrets.into_iter().filter(|secret| secret.len() >= MIN_SECRET_BYTES).collect() }
    }

    /// The text with secrets and home folders replaced.
    pub fn redact(&self, text: &str) -> String {
        let text = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, MARK));
        let text = match &self.home {
            Some(home) => text.replace(home, "~"),
            None => text,
        };
        let text = HOMES.iter().fold(text, |text, folder| without_user(&text, folder));
        text.split_inclusive('\n').map(without_credentials).collect()
    }
}

/// The text without the user names that follow this parent folder.
fn without_user(text: &str, folder: &str) -> String {
    let mut parts = text.split(folder);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| !ends_value(c) && !matches!(c, '/' | ':'));
        out.extend([folder, MARK, rest]);
    }
    out
}

/// Expectation for the next word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Any text.
    Text,
    /// The name of a secret field was read; `:` or `=` makes what follows a secret.
    Assignment,
    /// A secret, up to a blank or a quote.
    Secret,
}

/// The line without text that has the form or the position of a credential.
fn without_credentials(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut expected = Expected::Text;
    for piece in line.split_inclusive(is_separator) {
        let word = piece.trim_end_matches(is_separator);
        let is_secret = !word.is_empty() && expected == Expected::Secret && !is_scheme(word);
        out.push_str(if is_secret || looks_random(word) { MARK } else { word });
        let separator = piece.strip_prefix(word).unwrap_or_default();
        out.push_str(separator);
        expected = next(expected, word, separator.chars().next());
    }
    out
}

fn next(expected: Expected, word: &str, separator: Option<char>) -> Expected {
    if is_scheme(word) {
        return Expected::Secret;
    }
    match expected {
        Expected::Secret if word.is_empty() || !separator.is_some_and(ends_value) => Expected::Secret,
        Expected::Assignment if word.is_empty() => assignment(separator),
        Expected::Text | Expected::Assignment if is_secret_field(word) => assignment(separator),
        _ => Expected::Text,
    }
}

fn assignment(separator: Option<char>) -> Expected {
    match separator {
        Some(':' | '=') => Expected::Secret,
        Some(c) if ends_value(c) => Expected::Assignment,
        _ => Expected::Text,
    }
}

fn is_secret_field(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    SECRET_FIELDS.iter().any(|field| word.ends_with(field))
}

fn is_scheme(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Whether a word is random: Base64 mixes capitals and digits, and long runs of hexadecimal digits are keys or hashes.
fn looks_random(word: &str) -> bool {
    let is_mixed = word.bytes().any(|b| b.is_ascii_uppercase()) && word.bytes().any(|b| b.is_ascii_digit());
    word.len() >= MIN_RANDOM_BYTES && (is_mixed || word.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether the character cannot be part of a base64url word.
fn is_separator(c: char) -> bool {
    !c.is_alphanumeric() && !matches!(c, '-' | '_' | '+')
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '}' | ')')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Redactor;

    const JWT: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6IkFCQyJ9.eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2UifQ.\
        c2lnbmF0dXJlLTEyMzQ1Njc4OTAtQUJDREVGRw";

    #[test]
    fn credentials_and_home_directories_are_redacted() {
        let redactor = Redactor::new(Some("/home/mia/".into()), ["s3cr-t!".into(), "x".into(), String::new()]);
        let cases = [
            ("no such file: /home/mia/.kube/config", "no such file: ~/.kube/config"),
            ("at /home/build/.cargo/registry/x.rs:7", "at /home/[redacted]/.cargo/registry/x.rs:7"),
            ("at /Users/Mia:7", "at /Users/[redacted]:7"),
            ("--token s3cr-t!x", "--token [redacted]x"),
            ("Authorization: Bearer abc.def-1", "Authorization: Bearer [redacted].[redacted]"),
            ("client: { token: abcdef.0123 }", "client: { token: [redacted].[redacted] }"),
            (r#"{"token":"abc","user":"mia"}"#, r#"{"token":"[redacted]","user":"mia"}"#),
            ("AWS_SESSION_TOKEN=abc rest", "AWS_SESSION_TOKEN=[redacted] rest"),
            ("    password: hunter2", "    password: [redacted]"),
            (
                "client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ==\nname: prod",
                "client-key-data: [redacted]==\nname: prod",
            ),
            ("MIIEpAIBAAKCAQEA7v0x1w2q3e4r5t6y7u8i9o0p", "[redacted]"),
            ("5f4dcc3b5aa765d61d8327deb882cf99", "[redacted]"),
        ];
        for (text, wanted) in cases {
            assert_eq!(redactor.redact(text), wanted);
        }
        let text = redactor.redact(&format!("got {JWT} from the plugin"));
        assert!(JWT.split('.').all(|part| !text.contains(part)), "{text}");
        assert!(text.starts_with("got [redacted]") && text.ends_with(" from the plugin"), "{text}");
    }

    #[test]
    fn text_without_secrets_is_not_redacted() {
        let redactor = Redactor::new(None, []);
        for text in [
            "index out of bounds: the len is 3 but the index is 7",
            "src/insight/disruption/evidence.rs:112:9",
            "  12: batchtop::source::kube::stream::Ec2NodeClasses::row::h0123456789abcdef",
            "<batchtop::view::table::Table<Ec2NodeClassRow> as core::fmt::Display>::fmt",
            "the token is expired",
            "ip-10-0-12-34.eu-central-1.compute.internal",
            "0a1b2c3d-0000-4fff-8123-00000000000f",
            "ml-training-job-2026-11-21-attempt-3-worker-17",
            "",
        ] {
            assert_eq!(redactor.redact(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_known_secret_is_redacted_in_any_text(
            before in any::<String>(),
            secret in "[A-Za-z0-9._~+/-]{6,40}",
            after in any::<String>(),
            home in any::<String>(),
        ) {
            let redactor = Redactor::new(Some(home), [secret.clone()]);
            let text = redactor.redact(&[before, secret.clone(), after].concat());
            prop_assert!(!text.contains(&secret));
        }
    }
}
