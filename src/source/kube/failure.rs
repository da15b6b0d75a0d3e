//! Why a request brought nothing, in a form that says what to do.

use std::error::Error as StdError;
use std::time::Duration;

use super::decode::{Status, bounded};
use crate::fleet::ConnectionError;

/// Exit code for what is wrong in batchtop itself.
pub(super) const EXIT_INTERNAL: u8 = 1;
/// Exit code for what is wrong on this side: flags, kubeconfig.
pub(super) const EXIT_CONFIG: u8 = 2;
/// Exit code for what is wrong with the way to the cluster.
pub(super) const EXIT_CLUSTER: u8 = 3;

/// Why a request brought nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// The API server answered with an error.
    Api {
        /// The HTTP status code.
        code: u16,
        /// What the server says about it; empty where it says nothing.
        message: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// TLS did not come about, or the certificate was refused.
    Tls(String),
    /// No connection, or it broke.
    Network(String),
    /// Nothing came for too long.
    Silence(&'static str),
    /// Credentials could not be had.
    Credentials(String),
    /// The answer cannot be read.
    Unreadable(String),
    /// The answer is something else than what was asked for, in one sentence.
    WrongAnswer(String),
    /// The answer is larger than any may be.
    TooLarge {
        /// How large one may be.
        limit_bytes: usize,
    },
    /// Other answers have used up the memory for all for too long.
    NoMemory {
        /// How large all answers together may be.
        limit_bytes: usize,
    },
}

impl Failure {
    /// From an error of the HTTP client, whose cause is the last in a chain.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Self {
        let words = root_cause(error);
        if chain(error).any(|cause| cause.downcast_ref::<rustls::Error>().is_some())
            || words.contains("certificate")
            || words.contains("InvalidContentType")
        {
            return Self::Tls(words);
        }
        if chain(error).any(|cause| cause.downcast_ref::<kube::client::AuthError>().is_some()) {
            return Self::Credentials(words);
        }
        if chain(error).any(is_timeout) {
            return Self::Silence("the connection");
        }
        Self::Network(words)
    }

    /// From a `Status` that came where something else was asked for. A version that is too old has its code in some
    /// servers, and in others only its reason.
    pub(super) fn of_status(status: Status) -> Self {
        let code = if status.reason == "Expired" || status.reason == "Gone" { 410 } else { status.code };
        Self::Api { code, message: status.message, retry_after: None }
    }

    /// One sentence of bounded length, with the server's words where there are any.
    pub(super) fn sentence(&self) -> String {
        bounded(&self.whole_sentence()).into_owned()
    }

    fn whole_sentence(&self) -> String {
        match self {
            Self::Api { code, message, .. } if message.is_empty() => format!("the API server answered {code}"),
            Self::Api { message, .. } => message.clone(),
            Self::Tls(words) => format!("TLS failed: {words}"),
            Self::Network(words) => format!("no connection: {words}"),
            Self::Silence(what) => format!("no answer in time: {what}"),
            Self::Credentials(words) => format!("no credentials: {words}"),
            Self::Unreadable(words) => format!("the answer cannot be read: {words}"),
            Self::WrongAnswer(sentence) => sentence.clone(),
            Self::TooLarge { limit_bytes } => {
                format!("the answer is larger than {}, the limit for one answer", mebibytes(*limit_bytes))
            }
            Self::NoMemory { limit_bytes } => format!(
                "no memory for the answer: others use the {} that all answers may have together",
                mebibytes(*limit_bytes)
            ),
        }
    }

    /// Whether other credentials may help: they expired or were rotated.
    pub(super) fn is_about_identity(&self) -> bool {
        matches!(self, Self::Api { code: 401, .. } | Self::Tls(_) | Self::Credentials(_))
    }

    /// The error of a connection to `server` that never came about.
    pub(super) fn connection_error(&self, server: &str) -> ConnectionError {
        let server = &*bounded(server);
        let (message, hint) = match self {
            Self::Api { code: 401, message, .. } => (
                format!("{server} does not accept the credentials (401): {message}"),
                "Sign in again, or choose another context with --context.".to_owned(),
            ),
            Self::Tls(words) => (format!("TLS with {server} failed: {words}"), tls_hint(words)),
            Self::Network(words) => (format!("{server} cannot be reached: {words}"), network_hint(words)),
            Self::Silence(what) => (
                format!("{server} does not answer: {what}"),
                "Check the VPN, the proxy and the firewall between here and the cluster.".to_owned(),
            ),
            other => (
                format!("{server} cannot be used: {}", other.sentence()),
                "Check with `kubectl cluster-info` in the same terminal.".to_owned(),
            ),
        };
        ConnectionError { message: bounded(&message).into_owned(), hint, exit_code: EXIT_CLUSTER }
    }
}

/// `32 MiB`, with a tenth where it is no whole number.
fn mebibytes(bytes: usize) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} MiB"),
        (whole, tenth) => format!("{whole}.{tenth} MiB"),
    }
}

fn is_timeout(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// By rustls's words: a certificate of another authority with the same name shows as a bad signature.
fn tls_hint(words: &str) -> String {
    let words = words.to_ascii_lowercase();
    let hint = if words.contains("unknownissuer") || words.contains("badsignature") {
        "The server's certificate is not signed by certificate-authority of the kubeconfig; fetch a fresh kubeconfig."
    } else if words.contains("expired") {
        "A certificate has expired; renew it, and check this machine's clock."
    } else if words.contains("not valid for name") {
        "The certificate is for another name; set tls-server-name in the kubeconfig, or use the name it is for."
    } else {
        "Check certificate-authority, client-certificate and the server's address in the kubeconfig."
    };
    hint.to_owned()
}

fn network_hint(words: &str) -> String {
    let hint = if words.contains("lookup") || words.contains("dns") || words.contains("Name or service") {
        "The name does not resolve; check `server` in the kubeconfig, DNS and the VPN."
    } else if words.contains("refused") {
        "Nothing listens there; check `server` in the kubeconfig and whether the cluster runs."
    } else {
        "Check the VPN, the proxy and the firewall between here and the cluster."
    };
    hint.to_owned()
}

/// An error and its causes. `io::Error` hides what it wraps from `source`.
fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        wrapped.map(|inner| -> &(dyn StdError + 'static) { inner }).or_else(|| error.source())
    })
}

/// The words of the last cause, which are the ones that say something.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_error_has_a_sentence_a_hint_and_exit_code_3() {
        let all = [
            Failure::Api { code: 401, message: "Unauthorized".to_owned(), retry_after: None },
            Failure::Api { code: 503, message: String::new(), retry_after: None },
            Failure::Tls("invalid peer certificate: UnknownIssuer".to_owned()),
            Failure::Network("Connection refused (os error 111)".to_owned()),
            Failure::Network("failed to lookup address information".to_owned()),
            Failure::Silence("/version"),
            Failure::Credentials("exit status 1".to_owned()),
            Failure::Unreadable("eof".to_owned()),
            Failure::WrongAnswer("the answer is a ConfigMap".to_owned()),
            Failure::TooLarge { limit_bytes: 1 << 20 },
            Failure::NoMemory { limit_bytes: 1 << 20 },
        ];
        for failure in all {
            let error = failure.connection_error("https://10.0.0.1");
            assert!(error.message.contains("https://10.0.0.1") && !error.message.contains('\n'), "{error:?}");
            assert!(!error.hint.is_empty() && error.exit_code == EXIT_CLUSTER, "{error:?}");
        }
    }

    #[test]
    fn the_cause_of_a_failure_is_found_inside_io_errors() {
        let inner = rustls::Error::General("bad".to_owned());
        let error = std::io::Error::other(std::io::Error::new(std::io::ErrorKind::InvalidData, inner));
        assert!(matches!(Failure::of(&error), Failure::Tls(words) if words.contains("bad")));
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(matches!(Failure::of(&refused), Failure::Network(_)));
    }
}
