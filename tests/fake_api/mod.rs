//! An API server in this process: it lists in pages, watches with history, and misbehaves when told to.

mod faults;
mod server;
mod state;

use batchtop::fleet::Kind;
pub use faults::Fault;
pub use server::FakeApi;

/// Has every kind served, in all of its versions.
pub fn serve_every_kind(api: &FakeApi) {
    for spec in Kind::ALL.into_iter().map(Kind::spec).filter(|spec| spec.is_optional()) {
        let mut state = api.state();
        let versions = state.groups.entry(spec.group.to_owned()).or_default();
        versions.extend(spec.versions.iter().map(ToString::to_string));
    }
}

/// A pod, with what the streams look at.
pub fn pod(name: &str, namespace: &str, annotation: Option<&str>) -> String {
    let annotations = annotation
        .map_or(String::new(), |value| format!(r#","annotations":{{"karpenter.sh/do-not-disrupt":"{value}"}}"#));
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}","uid":"uid-{name}","resourceVersion":"@RV@",
        "creationTimestamp":"2026-11-21T10:00:00Z"{annotations}}},"spec":{{"nodeName":"n1",
        "containers":[{{"name":"c","resources":{{"requests":{{"cpu":"1"}}}}}}]}},"status":{{"phase":"Running"}}}}"#
    )
    .replace('\n', "")
}

/// An object without anything but metadata.
pub fn bare(name: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","uid":"uid-{name}","resourceVersion":"@RV@","creationTimestamp":"2026-11-21T10:00:00Z"}}}}"#
    )
}
