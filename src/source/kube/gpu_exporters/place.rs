//! Where the page of an exporter is: port, scheme and path, as its pod says.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::fleet::{ExporterKind, ObjectKey};
use crate::source::kube::resource;

/// The path that nearly every exporter has.
const USUAL_PATH: &str = "/metrics";

/// Names of ports behind which metrics are, the surest one first: dcgm-exporter's own chart, the GPU operator's Service,
/// other charts.
const PORT_NAMES: [&str; 6] = ["metrics", "gpu-metrics", "http-metrics", "https-metrics", "metrics-port", "prometheus"];

/// What a server of Go that speaks TLS answers to a plain request, with status 400 (Go net/http/server.go, `conn.serve`).
const PLAIN_REFUSED: &str = "HTTP request to an HTTPS server";

/// How an exporter speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scheme {
    Http,
    Https,
}

/// Where a page of metrics is in a pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    port: u16,
    scheme: Scheme,
    path: String,
}

impl Place {
    /// Where it is if the pod says nothing: dcgm-exporter etc, device-metrics-exporter helm-charts/values.yaml, and the
    /// default of neuron-monitor-prometheus.py.
    pub(super) fn usual(kind: ExporterKind) -> Self {
        let port = match kind {
            ExporterKind::Dcgm => 9400,
            ExporterKind::Amd => 5000,
            ExporterKind::Neuron => 8000,
            ExporterKind::Prometheus => 9090,
        };
        Self { port, scheme: Scheme::Http, path: USUAL_PATH.to_owned() }
    }

    /// As the pod says: by the annotations that Prometheus goes by, by its ports, and by its probes.
    pub(super) fn of(pod: &Pod, kind: ExporterKind) -> Self {
        let annotation = |name| pod.metadata.annotations.get(name).map(String::as_str);
        let usual = Self::usual(kind);
        let annotated = annotation("prometheus.io/port").and_then(|port| port.parse().ok());
        let port = annotated.or_else(|| pod.port()).unwrap_or(usual.port);
        let is_https = match annotation("prometheus.io/scheme") {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => pod.speaks_https(port),
        };
        let path = annotation("prometheus.io/path").filter(|path| is_plain(path)).unwrap_or(USUAL_PATH);
        Self { port, scheme: if is_https { Scheme::Https } else { Scheme::Http }, path: path.to_owned() }
    }

    /// The same over TLS.
    fn over_tls(&self) -> Self {
        Self { scheme: Scheme::Https, ..self.clone() }
    }

    /// Where else the page may be, after these words came instead of it: not every pod says that its exporter speaks TLS.
    pub(super) fn instead(&self, kind: ExporterKind, words: &str) -> Option<Self> {
        let is_refused = self.scheme == Scheme::Http && words.contains(PLAIN_REFUSED);
        let other = if is_refused { self.over_tls() } else { Self::usual(kind) };
        (other != *self).then_some(other)
    }

    /// The path of the API server's proxy to it.
    pub(super) fn proxied(&self, pod: &ObjectKey) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "",
            Scheme::Https => "https:",
        };
        let (namespace, name) = (resource::escape(&pod.namespace), resource::escape(&pod.name));
        format!("/api/v1/namespaces/{namespace}/pods/{scheme}{name}:{}/proxy{}", self.port, self.path)
    }
}

/// Whether a path leads nowhere but into the pod. What a pod's annotation says becomes part of a request to the API server,
/// which takes `..` and its escapes for what they are.
fn is_plain(path: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    path.starts_with('/') && path.chars().all(is_allowed) && !path.split('/').any(|part| part == ".." || part == ".")
}

/// What is read of a pod.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Pod {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    generate_name: String,
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    containers: Vec<Container>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    ports: Vec<ContainerPort>,
    liveness_probe: Probe,
    readiness_probe: Probe,
    startup_probe: Probe,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ContainerPort {
    name: String,
    #[serde(rename = "containerPort")]
    number: u16,
    protocol: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Probe {
    http_get: Option<HttpGet>,
}

#[derive(Deserialize)]
struct HttpGet {
    port: PortReference,
    #[serde(default)]
    scheme: String,
}

/// By number or by name.
#[derive(Deserialize)]
#[serde(untagged)]
enum PortReference {
    Number(u16),
    Name(String),
}

impl Pod {
    /// What the names of all pods of its template begin with; empty for a pod without one.
    pub(super) fn generate_name(&self) -> &str {
        &self.metadata.generate_name
    }

    fn ports(&self) -> impl Iterator<Item = &ContainerPort> {
        let ports = self.spec.containers.iter().flat_map(|container| &container.ports);
        ports.filter(|port| port.protocol != "UDP" && port.number > 0)
    }

    /// The port with a name that says so, else the only one.
    fn port(&self) -> Option<u16> {
        let named = |name: &&str| self.ports().find(|port| port.name == *name);
        let only = || self.ports().next().filter(|_| self.ports().count() == 1);
        PORT_NAMES.iter().find_map(named).or_else(only).map(|port| port.number)
    }

    /// Whether the name of the port says so, or a probe that asks it.
    fn speaks_https(&self, port: u16) -> bool {
        let named = |name: &str| self.ports().any(|one| one.name == name && one.number == port);
        let is_this = |reference: &PortReference| match reference {
            PortReference::Number(number) => *number == port,
            PortReference::Name(name) => named(name),
        };
        let probes =
            self.spec.containers.iter().flat_map(|container| {
                [&container.liveness_probe, &container.readiness_probe, &container.startup_probe]
            });
        let mut asked = probes.filter_map(|probe| probe.http_get.as_ref());
        named("https-metrics") || asked.any(|get| get.scheme.eq_ignore_ascii_case("https") && is_this(&get.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where dcgm-exporter's page is in a pod with these annotations and this container.
    fn path(annotations: &str, container: &str) -> String {
        let json =
            format!(r#"{{"metadata":{{"annotations":{{{annotations}}}}},"spec":{{"containers":[{container}]}}}}"#);
        let pod: Pod = serde_json::from_str(&json).expect("a pod");
        let path = Place::of(&pod, ExporterKind::Dcgm).proxied(&ObjectKey::new("gpu", "dcgm-x"));
        path.strip_prefix("/api/v1/namespaces/gpu/pods/").expect("a path of a pod").to_owned()
    }

    #[test]
    fn the_port_is_that_of_the_pod_and_otherwise_the_usual_one() {
        for (container, port) in [
            ("{}", 9400),
            (r#"{"ports":[{"containerPort":19400}]}"#, 19400),
            (r#"{"ports":[{"name":"health","containerPort":1},{"name":"metrics","containerPort":2}]}"#, 2),
            (r#"{"ports":[{"name":"http-metrics","containerPort":1},{"name":"gpu-metrics","containerPort":2}]}"#, 2),
            (r#"{"ports":[{"name":"a","containerPort":1},{"name":"b","containerPort":2}]}"#, 9400),
            (r#"{"ports":[{"name":"a","containerPort":1,"protocol":"UDP"},{"containerPort":2}]}"#, 2),
            (r#"{"ports":[{"containerPort":1}]},{"ports":[{"name":"prometheus","containerPort":2}]}"#, 2),
        ] {
            assert_eq!(path("", container), format!("dcgm-x:{port}/proxy/metrics"), "{container}");
        }
        assert_eq!(path(r#""prometheus.io/port":"77""#, "{}"), "dcgm-x:77/proxy/metrics");
        assert_eq!(path(r#""prometheus.io/port":"seven""#, "{}"), "dcgm-x:9400/proxy/metrics");
    }

    #[test]
    fn the_scheme_is_that_of_an_annotation_or_of_a_probe_of_the_same_port() {
        let probed =
            |probe: &str| path("", &format!(r#"{{"ports":[{{"name":"metrics","containerPort":9400}}],{probe}}}"#));
        for (probe, expected) in [
            (r#""livenessProbe":{"httpGet":{"port":9400,"scheme":"HTTPS"}}"#, "https:dcgm-x:9400/proxy/metrics"),
            (r#""readinessProbe":{"httpGet":{"port":"metrics","scheme":"HTTPS"}}"#, "https:dcgm-x:9400/proxy/metrics"),
            (r#""startupProbe":{"httpGet":{"port":8080,"scheme":"HTTPS"}}"#, "dcgm-x:9400/proxy/metrics"),
            (r#""livenessProbe":{"httpGet":{"port":9400}}"#, "dcgm-x:9400/proxy/metrics"),
            (r#""livenessProbe":{"tcpSocket":{"port":9400}}"#, "dcgm-x:9400/proxy/metrics"),
        ] {
            assert_eq!(probed(probe), expected, "{probe}");
        }
        assert_eq!(path(r#""prometheus.io/scheme":"https""#, "{}"), "https:dcgm-x:9400/proxy/metrics");
        let named = r#"{"ports":[{"name":"https-metrics","containerPort":8443}]}"#;
        assert_eq!(path("", named), "https:dcgm-x:8443/proxy/metrics");
    }

    #[test]
    fn a_path_that_leads_out_of_the_pod_is_not_followed() {
        let annotated = |path: &str| self::path(&format!(r#""prometheus.io/path":"{path}""#), "{}");
        assert_eq!(annotated("/gpu/metrics.txt"), "dcgm-x:9400/proxy/gpu/metrics.txt");
        for outside in
            ["/../../../secrets", "/a/./b", "/%2e%2e/secrets", "metrics", "", "/a b", "/a?x=1", "/a#b", "/a\\\\..\\\\b"]
        {
            assert_eq!(annotated(outside), "dcgm-x:9400/proxy/metrics", "{outside}");
        }
    }

    #[test]
    fn names_of_pods_are_escaped() {
        let place = Place::usual(ExporterKind::Amd);
        assert_eq!(
            place.proxied(&ObjectKey::new("a/b", "c?d")),
            "/api/v1/namespaces/a%2Fb/pods/c%3Fd:5000/proxy/metrics"
        );
        assert_eq!(Place::usual(ExporterKind::Neuron).port, 8000);
    }
}
