//! Which Services a Prometheus server may be behind, where the user names none.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::fleet::{GpuDemand, ServiceAddress};
use crate::source::kube::resource;

/// How many Services are tried of those that were listed.
const MOST_LISTED: usize = 16;

/// In how many namespaces the usual names are tried.
const MOST_NAMESPACES: usize = 12;

/// Namespaces in which such servers usually run, the likeliest first.
const NAMESPACES: [&str; 5] = ["monitoring", "prometheus", "observability", "kube-system", "gpu-operator"];

/// Names and ports of such Services that do not depend on how an installation is called: that of the operator (prometheus-operator
/// pkg/prometheus `governingServiceName`, and with it kube-prometheus-stack), of kube-prometheus, and of the charts of
/// prometheus-community.
const NAMES: [(&str, &str); 4] =
    [("prometheus-operated", "9090"), ("prometheus-k8s", "9090"), ("prometheus-server", "80"), ("prometheus", "9090")];

/// What selects such Services by their labels: those of the operator for Prometheus; those of kube-prometheus and
/// prometheus-community, of VictoriaMetrics's operator (internal/config, `app.kubernetes.io/name`) and of its chart.
const SELECTORS: [&str; 2] =
    ["operated-prometheus=true", "app.kubernetes.io/name in (prometheus,vmsingle,vmselect,victoria-metrics-single)"];

/// Names of ports behind which PromQL is answered.
const PORT_NAMES: [&str; 4] = ["web", "http-web", "http", "http-prometheus"];

/// Their usual numbers: Prometheus, VictoriaMetrics with one process and its older number, vmselect, and a Service that hides
/// them.
const PORT_NUMBERS: [u16; 5] = [9090, 8428, 8429, 8481, 80];

/// The requests that list such Services in the whole cluster.
pub(super) fn lists() -> impl Iterator<Item = String> {
    let list = |selector| format!("/api/v1/services?limit={MOST_LISTED}&labelSelector={}", resource::escape(selector));
    SELECTORS.into_iter().map(list)
}

/// The Services of a list that may be one, those in the usual namespaces first. `None` for what is no list.
pub(super) fn listed(body: &[u8]) -> Option<Vec<ServiceAddress>> {
    let list: List = serde_json::from_slice(body).ok()?;
    let mut found: Vec<ServiceAddress> = list.items.iter().filter_map(Service::address).collect();
    found.sort_by_key(|address| (rank(&address.service.namespace), address.service.clone()));
    found.truncate(MOST_LISTED);
    Some(found)
}

fn rank(namespace: &str) -> usize {
    NAMESPACES.iter().position(|usual| *usual == namespace).unwrap_or(NAMESPACES.len())
}

/// Services by their usual names: in the usual namespaces, and in those of exporters.
pub(super) fn usual(demand: &GpuDemand) -> Vec<ServiceAddress> {
    let exporters = demand.exporters.values().map(|exporter| &exporter.pod);
    let pods = exporters.chain(demand.prometheus.values().flatten());
    let theirs: BTreeSet<&str> =
        pods.map(|pod| pod.namespace.as_str()).filter(|name| !NAMESPACES.contains(name)).collect();
    let namespaces = NAMESPACES.into_iter().chain(theirs).take(MOST_NAMESPACES);
    let in_one = |namespace| NAMES.map(|(name, port)| ServiceAddress::plain(namespace, name, port));
    namespaces.flat_map(in_one).collect()
}

#[derive(Deserialize)]
struct List {
    items: Vec<Service>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Service {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    namespace: String,
    name: String,
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    ports: Vec<Port>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Port {
    name: String,
    #[serde(rename = "port")]
    number: u16,
}

impl Service {
    /// Where PromQL is answered; `None` where it is not.
    fn address(&self) -> Option<ServiceAddress> {
        let label = |name| self.metadata.labels.get(name).map(String::as_str);
        let name = label("app.kubernetes.io/name");
        let component = label("app.kubernetes.io/component");
        // Others of the same installation have the same name.
        if name == Some("prometheus") && !matches!(component, None | Some("prometheus" | "server")) {
            return None;
        }
        // The first tenant, which is the only one where there are none (VictoriaMetrics docs/Cluster-VictoriaMetrics.md).
        let path = if name == Some("vmselect") { "/select/0/prometheus" } else { "" };
        let Metadata { namespace, name, .. } = &self.metadata;
        format!("{namespace}/{name}:{}{path}", self.port()?).parse().ok()
    }

    fn port(&self) -> Option<u16> {
        let ports = &self.spec.ports;
        let named = PORT_NAMES.iter().find_map(|name| ports.iter().find(|port| port.name == *name));
        let numbered = || PORT_NUMBERS.iter().find_map(|number| ports.iter().find(|port| port.number == *number));
        named.or_else(numbered).map(|port| port.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Exporter, ExporterKind, ObjectKey, Sym};

    fn service(key: &str, labels: &str, ports: &str) -> String {
        let (namespace, name) = key.split_once('/').expect("a key");
        format!(
            r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}","labels":{{{labels}}}}},"spec":{{"ports":[{ports}]}}}}"#
        )
    }

    /// The addresses of a list, in the order in which they are tried.
    fn found(services: &[String]) -> Vec<String> {
        let body = format!(r#"{{"kind":"ServiceList","items":[{}]}}"#, services.join(","));
        listed(body.as_bytes()).expect("a list").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn services_are_taken_by_labels_with_the_port_that_answers() {
        let name = |name: &str| format!(r#""app.kubernetes.io/name":"{name}""#);
        let part = |component: &str| format!(r#"{},"app.kubernetes.io/component":"{component}""#, name("prometheus"));
        let (web, http) = (r#"{"name":"web","port":9090}"#, r#"{"name":"http","port":80}"#);
        let found = found(&[
            service(
                "a/prometheus-operated",
                r#""operated-prometheus":"true""#,
                r#"{"name":"grpc","port":10901},{"name":"http-web","port":9090}"#,
            ),
            service("kube-system/prometheus-server", &part("server"), http),
            service(
                "monitoring/prometheus-k8s",
                &part("prometheus"),
                &format!(r#"{web},{{"name":"reloader-web","port":8080}}"#),
            ),
            service("monitoring/prometheus-pushgateway", &part("pushgateway"), http),
            service("vm/vmsingle-main", &name("vmsingle"), r#"{"name":"http","port":8429}"#),
            service("vm/vmselect-main", &name("vmselect"), r#"{"name":"http","port":8481}"#),
            service("x/no-such-port", &name("prometheus"), r#"{"name":"grpc","port":10901}"#),
            service("x/..", &name("prometheus"), web),
        ]);
        assert_eq!(
            found,
            [
                "monitoring/prometheus-k8s:9090",
                "kube-system/prometheus-server:80",
                "a/prometheus-operated:9090",
                "vm/vmselect-main:8481/select/0/prometheus",
                "vm/vmsingle-main:8429",
            ]
        );
    }

    #[test]
    fn what_is_no_list_is_none_and_a_long_one_is_cut() {
        for body in ["", "<html>", "{}", r#"{"items":{}}"#, "[]"] {
            assert_eq!(listed(body.as_bytes()), None, "{body}");
        }
        let label = r#""operated-prometheus":"true""#;
        let many: Vec<String> =
            (10..99).map(|number| service(&format!("n{number}/p"), label, r#"{"port":9090}"#)).collect();
        assert_eq!(found(&many).len(), MOST_LISTED);
    }

    #[test]
    fn usual_names_are_tried_in_usual_namespaces_and_in_those_of_exporters() {
        let pod = |namespace| ObjectKey::new(namespace, "dcgm");
        let demand = GpuDemand {
            exporters: [(Sym::new("a"), Exporter { kind: ExporterKind::Dcgm, pod: pod("gpus") })].into(),
            prometheus: [(Sym::new("b"), Some(pod("monitoring"))), (Sym::new("c"), None)].into(),
            ..GpuDemand::default()
        };
        let tried = usual(&demand);
        assert_eq!(tried.len(), NAMES.len() * (NAMESPACES.len() + 1));
        assert_eq!(tried.first().map(ToString::to_string).as_deref(), Some("monitoring/prometheus-operated:9090"));
        assert_eq!(tried.last().map(ToString::to_string).as_deref(), Some("gpus/prometheus:9090"));
    }
}
