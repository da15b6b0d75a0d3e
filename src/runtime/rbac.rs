//! The ClusterRole that batchtop needs, as a manifest.

use std::fmt::Write;

use crate::cli::Role;
use crate::fleet::Kind;

/// A rule of a ClusterRole.
struct Rule {
    group: &'static str,
    resources: Vec<&'static str>,
    verbs: &'static [&'static str],
}

const READ: &[&str] = &["get", "list", "watch"];

/// Rules of the viewer: all kinds of the table, those of every cluster first, Karpenter's CRDs, and what Nodes use.
fn viewer() -> Vec<Rule> {
    let (optional, standard): (Vec<Kind>, Vec<Kind>) =
        Kind::ALL.into_iter().partition(|kind| kind.spec().is_optional());
    let mut rules: Vec<Rule> = Vec::new();
    for kind in standard.into_iter().chain(optional) {
        let (group, resources) = (kind.spec().group, kind.spec().resources());
        match rules.iter_mut().find(|rule| rule.group == group) {
            Some(rule) => rule.resources.extend(resources),
            None => rules.push(Rule { group, resources: resources.collect(), verbs: READ }),
        }
    }
    let definitions = vec!["customresourcedefinitions"];
    rules.push(Rule { group: "apiextensions.k8s.io", resources: definitions, verbs: &["get"] });
    rules.push(Rule { group: "metrics.k8s.io", resources: vec!["nodes"], verbs: &["list"] });
    rules
}

/// Additional rules of the operator: protect and unprotect patch an annotation, evict asks the Eviction API.
fn operator() -> Vec<Rule> {
    let mut rules = viewer();
    rules.push(Rule { group: "", resources: vec!["pods", "nodes"], verbs: &["patch"] });
    rules.push(Rule { group: "", resources: vec!["pods/eviction"], verbs: &["create"] });
    rules
}

/// Rule for the metrics of Karpenter's Service, which hold its prices. Nothing else is read through a service
/// proxy without [`GPU_METRICS`].
const METRICS: &str = "- apiGroups: [\"\"]\n  resources: [services/proxy]\n  resourceNames: [\"karpenter:http-metrics\"]\n  verbs: [get]\n";

/// Rules for the metrics of accelerators: those of their exporters, by pod, and those that a Prometheus server has of them.
/// A rule can name neither the ports nor pods that do not exist yet.
const GPU_METRICS: &str = "# The metrics of accelerators. They reach any port of any pod and Service with GET requests.\n\
    - apiGroups: [\"\"]\n  resources: [pods/proxy]\n  verbs: [get]\n\
    - apiGroups: [\"\"]\n  resources: [services/proxy]\n  verbs: [get]\n";

/// Rule for the logs of containers.
const LOGS: &str = "# The logs of containers, which may hold what their programs should not have written.\n\
    - apiGroups: [\"\"]\n  resources: [pods/log]\n  verbs: [get]\n";

/// Rights that a role has only where they are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extra {
    /// To read the metrics of accelerators.
    GpuMetrics,
    /// To read logs of containers.
    Logs,
}

/// The manifest: a ClusterRole, with a comment on how to bind it.
pub fn manifest(role: Role, extras: &[Extra]) -> String {
    let (name, rules) = match role {
        Role::Viewer => ("batchtop-viewer", viewer()),
        Role::Operator => ("batchtop-operator", operator()),
    };
    let mut text = format!(
        "# Bind it: kubectl create clusterrolebinding {name} --clusterrole={name} --user=NAME (or --group=NAME)\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {name}\nrules:\n"
    );
    for Rule { group, resources, verbs } in rules {
        let _ = write!(
            text,
            "- apiGroups: [\"{group}\"]\n  resources: [{}]\n  verbs: [{}]\n",
            resources.join(", "),
            verbs.join(", ")
        );
    }
    text.push_str(METRICS);
    for (extra, rules) in [(Extra::GpuMetrics, GPU_METRICS), (Extra::Logs, LOGS)] {
        if extras.contains(&extra) {
            text.push_str(rules);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_viewer_role_lists_every_kind_exactly_once() {
        let rules = viewer();
        for kind in Kind::ALL {
            let of_group = || rules.iter().filter(|rule| rule.group == kind.spec().group && rule.verbs == READ);
            assert_eq!(of_group().count(), 1, "{kind:?}");
            for resource in kind.spec().resources() {
                let named = of_group().flat_map(|rule| &rule.resources).filter(|name| **name == resource);
                assert_eq!(named.count(), 1, "{resource}");
            }
        }
        for role in [Role::Viewer, Role::Operator] {
            let text = manifest(role, &[]);
            assert!(Kind::ALL.iter().all(|kind| text.contains(kind.resource())), "{text}");
        }
    }

    #[test]
    fn role_manifests_contain_the_expected_rules() {
        let text = manifest(Role::Operator, &[]);
        for line in [
            "- apiGroups: [\"\"]\n  resources: [nodes, pods, events, namespaces]\n  verbs: [get, list, watch]\n",
            "- apiGroups: [\"karpenter.sh\"]\n  resources: [nodeclaims, machines, nodepools, provisioners, nodeoverlays]\n",
            "- apiGroups: [\"\"]\n  resources: [pods, nodes]\n  verbs: [patch]\n",
            "- apiGroups: [\"\"]\n  resources: [pods/eviction]\n  verbs: [create]\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        let viewer = manifest(Role::Viewer, &[Extra::GpuMetrics, Extra::Logs]);
        assert!(!viewer.contains("patch") && !viewer.contains("create]") && !viewer.contains("eviction"), "{viewer}");
    }

    #[test]
    fn logs_add_one_right_and_nothing_else() {
        for role in [Role::Viewer, Role::Operator] {
            let (without, with) = (manifest(role, &[]), manifest(role, &[Extra::Logs]));
            assert!(!without.contains("pods/log"), "{without}");
            let added = with.strip_prefix(&without).expect("the rules are added at the end");
            let rights: Vec<&str> = added.lines().filter(|line| !line.starts_with('#')).collect();
            assert_eq!(rights, ["- apiGroups: [\"\"]", "  resources: [pods/log]", "  verbs: [get]"]);
        }
    }

    #[test]
    fn gpu_metrics_add_two_rights_and_nothing_else() {
        for role in [Role::Viewer, Role::Operator] {
            let (without, with) = (manifest(role, &[]), manifest(role, &[Extra::GpuMetrics]));
            assert!(!without.contains("pods/proxy"), "{without}");
            let added = with.strip_prefix(&without).expect("the rules are added at the end");
            let rights: Vec<&str> = added.lines().filter(|line| !line.starts_with('#')).collect();
            let right = |resource| ["- apiGroups: [\"\"]", resource, "  verbs: [get]"];
            assert_eq!(rights, [right("  resources: [pods/proxy]"), right("  resources: [services/proxy]")].concat());
        }
    }
}
