//! Which version of an API group the server has.

use kube::Client;
use serde::Deserialize;

use super::failure::Failure;
use super::{Timing, api};
use crate::fleet::{KarpenterApi, Kind, KindSpec};

/// What the server has of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Served {
    /// A version that batchtop can read.
    Version(&'static str),
    /// None at all, or (named here) only others.
    Nothing(Vec<String>),
}

#[derive(Deserialize)]
struct ApiGroup {
    versions: Vec<ApiVersion>,
}

#[derive(Deserialize)]
struct ApiVersion {
    version: String,
}

/// Asks for the group of `kind`. Every user may ask, also one who may not read the objects.
pub(super) async fn discover(client: &Client, kind: Kind, timing: &Timing) -> Result<Served, Failure> {
    let spec = kind.spec();
    let request = api::get(&format!("/apis/{}", spec.group), "application/json")?;
    let mut body = Vec::new();
    match api::fetch(client, request, timing, &mut body).await {
        Ok(()) => {}
        Err(Failure::Api { code: 404, .. }) => return Ok(Served::Nothing(Vec::new())),
        // Where even discovery is closed, the best version is a guess that the list will confirm or not.
        Err(Failure::Api { code: 403, .. }) => {
            return Ok(Served::Version(spec.best_version()));
        }
        Err(failure) => return Err(failure),
    }
    let found: ApiGroup = serde_json::from_slice(&body).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let versions: Vec<String> = found.versions.into_iter().map(|version| version.version).collect();
    Ok(best(spec, &versions))
}

fn best(spec: &KindSpec, served: &[String]) -> Served {
    let best = spec.versions.iter().find(|version| served.iter().any(|one| one == *version));
    best.map_or_else(|| Served::Nothing(served.to_vec()), |version| Served::Version(version))
}

/// What this says of Karpenter.
pub(super) fn karpenter_api(served: &Served) -> KarpenterApi {
    match served {
        Served::Version("v1") => KarpenterApi::V1,
        Served::Version(_) => KarpenterApi::V1Beta1,
        Served::Nothing(others) if others.iter().any(|version| version == "v1alpha5") => KarpenterApi::V1Alpha5,
        Served::Nothing(_) => KarpenterApi::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_version_is_taken_and_the_oldest_recognised() {
        let of = |versions: &[&str]| {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            karpenter_api(&best(Kind::NodePool.spec(), &versions))
        };
        assert_eq!(of(&["v1beta1", "v1"]), KarpenterApi::V1);
        assert_eq!(of(&["v1beta1", "v1alpha5"]), KarpenterApi::V1Beta1);
        assert_eq!(of(&["v1alpha5"]), KarpenterApi::V1Alpha5);
        assert_eq!(of(&["v1alpha1"]), KarpenterApi::Absent);
    }
}
