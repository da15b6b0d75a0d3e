//! Where a Service of the cluster answers, as the API server's proxy reaches it.

use std::fmt;
use std::str::FromStr;

use super::{ObjectKey, Sym};

/// A port of a Service, written `NAMESPACE/NAME:PORT`. Before it may be the scheme, `https:`; after it a path under which
/// everything is that the server serves, for example `/select/0/prometheus`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceAddress {
    /// Whether it speaks TLS.
    pub is_https: bool,
    /// The Service.
    pub service: ObjectKey,
    /// Number or name of the port.
    pub port: Sym,
    /// The path before all others; empty, or with a slash at its beginning and none at its end.
    pub path: Sym,
}

/// How long the name of a namespace or Service is at most (RFC 1123).
const MAX_NAME_BYTES: usize = 63;

/// How long the name of a port is at most (RFC 6335 §5.1).
const MAX_PORT_BYTES: usize = 15;

impl ServiceAddress {
    /// That speaks HTTP, with nothing before its paths.
    pub fn plain(namespace: &str, name: &str, port: &str) -> Self {
        let service = ObjectKey::new(namespace, name);
        Self { is_https: false, service, port: Sym::new(port), path: Sym::new("") }
    }

    /// Where the API server leads to it, without a slash at the end. All parts are such that no escapes are needed.
    pub fn proxy_path(&self) -> String {
        let ObjectKey { namespace, name } = &self.service;
        let scheme = if self.is_https { "https:" } else { "" };
        format!("/api/v1/namespaces/{namespace}/services/{scheme}{name}:{}/proxy{}", self.port, self.path)
    }
}

impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https:" } else { "" };
        write!(f, "{scheme}{}:{}{}", self.service, self.port, self.path)
    }
}

impl FromStr for ServiceAddress {
    /// It is none.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (is_https, rest) = match text.strip_prefix("https:") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http:").unwrap_or(text)),
        };
        let (service, rest) = rest.split_once(':').ok_or(())?;
        let (namespace, name) = service.split_once('/').ok_or(())?;
        let (port, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let path = path.trim_end_matches('/');
        if !(is_name(namespace) && is_name(name) && is_port(port) && is_plain(path)) {
            return Err(());
        }
        let service = ObjectKey::new(namespace, name);
        Ok(Self { is_https, service, port: Sym::new(port), path: Sym::new(path) })
    }
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && has_only_name_bytes(text)
}

fn has_only_name_bytes(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().all(is_allowed) && !text.starts_with('-') && !text.ends_with('-')
}

/// A number, or a name with a letter in it.
fn is_port(text: &str) -> bool {
    let is_name = || (1..=MAX_PORT_BYTES).contains(&text.len()) && has_only_name_bytes(text);
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse::<u16>().is_ok_and(|port| port > 0) } else { is_name() }
}

/// Whether a path leads nowhere but into the Service: it becomes part of a request to the API server, which takes `..` and
/// its escapes for what they are.
fn is_plain(path: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    path.chars().all(is_allowed) && !path.split('/').any(|part| part == ".." || part == ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_written_by_namespace_name_and_port() {
        for (text, path) in [
            ("monitoring/prometheus-operated:9090", "monitoring/services/prometheus-operated:9090/proxy"),
            ("monitoring/prometheus-k8s:web", "monitoring/services/prometheus-k8s:web/proxy"),
            (
                "https:openshift-monitoring/thanos-querier:web",
                "openshift-monitoring/services/https:thanos-querier:web/proxy",
            ),
            ("vm/vmselect-main:8481/select/0/prometheus", "vm/services/vmselect-main:8481/proxy/select/0/prometheus"),
        ] {
            let address: ServiceAddress = text.parse().expect(text);
            assert_eq!(address.proxy_path(), format!("/api/v1/namespaces/{path}"));
            assert_eq!(address.to_string(), text);
        }
        let same: ServiceAddress = "http:monitoring/p:80/".parse().expect("an address");
        assert_eq!(same, ServiceAddress::plain("monitoring", "p", "80"));
    }

    #[test]
    fn what_leads_elsewhere_is_no_service() {
        for text in [
            "",
            "monitoring",
            "monitoring/prometheus",
            "prometheus:9090",
            "monitoring/prometheus:",
            "monitoring/prometheus:0",
            "monitoring/prometheus:65536",
            "monitoring/prometheus:a-name-that-is-too-long",
            "Monitoring/prometheus:9090",
            "monitoring/../x:9090",
            "monitoring/prometheus:9090/../../pods",
            "monitoring/prometheus:9090/%2e%2e",
            "monitoring/prometheus:9090?x",
            "https://prometheus.example:9090",
            "a/b/c:9090",
        ] {
            assert_eq!(text.parse::<ServiceAddress>(), Err(()), "{text}");
        }
    }
}
