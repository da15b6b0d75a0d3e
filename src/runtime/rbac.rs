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

/// Rules of the viewer: all kinds of the table, those of every cluster first, and Karpenter's CRDs.
fn viewer() -> Vec<Rule> {
    let (optional, standard): (Vec<Kind>, Vec<Kind>) =
        Kind::ALL.into_iter().partition(|kind| kind.spec().is_optional());
    let mut rules: Vec<Rule> = Vec::new();
    for kind in standard.into_iter().chain(optional) {
        let (group, resource) = (kind.spec().group, kind.resource());
        match rules.iter_mut().find(|rule| rule.group == group) {
            Some(rule) => rule.resources.push(resource),
            None => rules.push(Rule { group, resources: vec![resource], verbs: READ }),
        }
    }
    let definitions = vec!["customresourcedefinitions"];
    rules.push(Rule { group: "apiextensions.k8s.io", resources: definitions, verbs: &["get"] });
    rules
}

/// Additional rules of the operator: protect and unprotect patch an annotation.
fn operator() -> Vec<Rule> {
    let mut rules = viewer();
    rules.push(Rule { group: "", resources: vec!["pods", "nodes"], verbs: &["patch"] });
    rules
}

/// Rule for the metrics of Karpenter's Service, which hold its prices. Nothing else is read through a service proxy.
const METRICS: &str = "- apiGroups: [\"\"]\n  resources: [services/proxy]\n  resourceNames: [\"karpenter:http-metrics\"]\n  verbs: [get]\n";

/// The manifest: a ClusterRole, with a comment on how to bind it.
pub fn manifest(role: Role) -> String {
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
            let named = of_group().flat_map(|rule| &rule.resources).filter(|name| **name == kind.resource());
            assert_eq!((of_group().count(), named.count()), (1, 1), "{kind:?}");
        }
        for role in [Role::Viewer, Role::Operator] {
            let text = manifest(role);
            assert!(Kind::ALL.iter().all(|kind| text.contains(kind.resource())), "{text}");
        }
    }

    #[test]
    fn role_manifests_contain_the_expected_rules() {
        let text = manifest(Role::Operator);
        for line in [
            "- apiGroups: [\"\"]\n  resources: [nodes, pods, events, namespaces]\n  verbs: [get, list, watch]\n",
            "- apiGroups: [\"karpenter.sh\"]\n  resources: [nodeclaims, nodepools, nodeoverlays]\n",
            "- apiGroups: [\"\"]\n  resources: [pods, nodes]\n  verbs: [patch]\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!manifest(Role::Viewer).contains("patch"));
    }
}
