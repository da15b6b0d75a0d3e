//! Where each kind lives in the API.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::decode::{PROTOBUF, is_in_protobuf};
use crate::fleet::{Content, Kind, Scope};

/// Objects per page.
pub(super) const PAGE_SIZE: u32 = 500;

/// The collection's path, in one namespace or (where it is `None`) in the whole cluster.
pub(super) fn path(kind: Kind, version: &str, namespace: Option<&str>) -> String {
    let (group, resource) = (kind.spec().group, kind.spec().resource_in(version));
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    match namespace {
        Some(namespace) if kind.spec().scope == Scope::Namespaced => {
            format!("{root}/namespaces/{}/{resource}", escape(namespace))
        }
        _ => format!("{root}/{resource}"),
    }
}

/// The path of one object.
pub(super) fn object_path(kind: Kind, version: &str, namespace: &str, name: &str) -> String {
    format!("{}/{}", path(kind, version, Some(namespace).filter(|text| !text.is_empty())), escape(name))
}

/// The media types to ask for in a list, the best one first: what a server has no protobuf of comes in JSON.
pub fn accept(kind: Kind) -> Cow<'static, str> {
    let json = json(kind);
    if !is_in_protobuf(kind) {
        return json.into();
    }
    let parameters = match kind.spec().content {
        Content::Metadata => ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        Content::Object => "",
    };
    format!("{PROTOBUF}{parameters},{json}").into()
}

/// The media type of a list in JSON.
const fn json(kind: Kind) -> &'static str {
    match kind.spec().content {
        Content::Metadata => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        Content::Object => "application/json",
    }
}

/// The media type to ask for in a watch.
pub(super) const fn watch_accept(kind: Kind) -> &'static str {
    match kind.spec().content {
        Content::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
        Content::Object => "application/json",
    }
}

/// The query parameter that narrows a collection at the server.
pub(super) fn selector(kind: Kind) -> Option<String> {
    kind.spec().label_selector.map(|selector| format!("labelSelector={}", escape(selector)))
}

/// The path and the media type of the first page of a kind in the whole cluster, in its best version: what a client has to
/// ask for that reads the same as batchtop, in JSON.
pub fn first_page(kind: Kind) -> (String, &'static str) {
    let mut path = format!("{}?limit={PAGE_SIZE}", path(kind, kind.spec().best_version(), None));
    if let Some(selector) = selector(kind) {
        path.push('&');
        path.push_str(&selector);
    }
    (path, json(kind))
}

/// What is reserved in a URL: all but the unreserved characters of RFC 3986 §2.3.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes what is reserved in a URL.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, &RESERVED).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_paths_follow_kubernetes() {
        assert_eq!(path(Kind::Pod, "v1", None), "/api/v1/pods");
        assert_eq!(path(Kind::Pod, "v1", Some("ml")), "/api/v1/namespaces/ml/pods");
        assert_eq!(path(Kind::NodePool, "v1beta1", None), "/apis/karpenter.sh/v1beta1/nodepools");
        assert_eq!(path(Kind::NodePool, "v1alpha5", None), "/apis/karpenter.sh/v1alpha5/provisioners");
        assert_eq!(object_path(Kind::NodeClaim, "v1alpha5", "", "m"), "/apis/karpenter.sh/v1alpha5/machines/m");
        assert_eq!(path(Kind::Node, "v1", Some("ml")), "/api/v1/nodes");
        assert_eq!(object_path(Kind::Node, "v1", "", "n1"), "/api/v1/nodes/n1");
        assert_eq!(object_path(Kind::Job, "v1", "ml", "j"), "/apis/batch/v1/namespaces/ml/jobs/j");
        assert_eq!(escape("a/b c%"), "a%2Fb%20c%25");
        assert_eq!(escape("A-z.0_~é=+"), "A-z.0_~%C3%A9%3D%2B");
    }

    #[test]
    fn every_kind_has_a_request_for_its_first_page() {
        for kind in Kind::ALL {
            let (page, accept) = first_page(kind);
            let uri: http::Uri = page.parse().unwrap();
            assert!(uri.path().ends_with(kind.resource()) && uri.path().contains(kind.spec().best_version()), "{page}");
            assert!(uri.query().unwrap().starts_with("limit=500") && accept.ends_with("application/json"), "{page}");
        }
        let (page, _) = first_page(Kind::KarpenterDeployment);
        assert_eq!(page, "/apis/apps/v1/deployments?limit=500&labelSelector=app.kubernetes.io%2Fname%3Dkarpenter");
    }
}
