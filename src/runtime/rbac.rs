//! The ClusterRole that batchtop needs, as a manifest.

use std::fmt::Write;

use crate::cli::Role;

/// One rule: API group, resources, verbs.
type Rule = (&'static str, &'static [&'static str], &'static [&'static str]);

const READ: &[&str] = &["get", "list", "watch"];

/// Essential first; batchtop says what is missing and shows the rest without the others.
const VIEWER: &[Rule] = &[
    ("", &["nodes", "pods", "events", "namespaces"], READ),
    ("batch", &["jobs", "cronjobs"], READ),
    ("policy", &["poddisruptionbudgets"], READ),
    ("apps", &["replicasets", "deployments"], READ),
    ("karpenter.sh", &["nodepools", "nodeclaims", "nodeoverlays"], READ),
    ("karpenter.k8s.aws", &["ec2nodeclasses"], READ),
    ("eks.amazonaws.com", &["nodeclasses"], READ),
    ("apiextensions.k8s.io", &["customresourcedefinitions"], &["get"]),
];

/// Protecting and unprotecting is a patch of one annotation.
const OPERATOR: &[Rule] = &[("", &["pods", "nodes"], &["patch"])];

/// Karpenter's own prices are on the metrics page of its controller's Service, and nothing else is read through a proxy.
const METRICS: &str = "- apiGroups: [\"\"]\n  resources: [services/proxy]\n  resourceNames: [\"karpenter:http-metrics\"]\n  verbs: [get]\n";

/// The manifest: a ClusterRole, and how to bind it.
pub fn manifest(role: Role) -> String {
    let (name, rules) = match role {
        Role::Viewer => ("batchtop-viewer", VIEWER.to_vec()),
        Role::Operator => ("batchtop-operator", [VIEWER, OPERATOR].concat()),
    };
    let mut text = format!(
        "# Bind it: kubectl create clusterrolebinding {name} --clusterrole={name} --user=NAME (or --group=NAME)\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {name}\nrules:\n"
    );
    for (group, resources, verbs) in rules {
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
