//! Whether Karpenter reads durations in `karpenter.sh/do-not-disrupt`, as far as that is known.

use super::super::App;
use crate::fleet::KarpenterApi;

/// The first version that does (karpenter pkg/utils/pod/scheduling.go, IsDoNotDisruptActive, v1.12.0).
const SINCE: (u32, u32) = (1, 12);

/// Whether Karpenter reads durations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Durations {
    /// Its version is known to.
    Read,
    /// Nothing says that it does not.
    Assumed,
    /// This version reads `"true"` only.
    Unread(String),
}

impl Durations {
    /// As far as it is known: the version that was given, else the controller's image, else what the CRDs tell.
    pub fn known(app: &App) -> Self {
        match app.cluster.karpenter_api {
            KarpenterApi::V1Beta1 => return Self::Unread("v1beta1".to_owned()),
            KarpenterApi::V1Alpha5 => return Self::Unread("v1alpha5".to_owned()),
            KarpenterApi::V1 | KarpenterApi::Absent | KarpenterApi::Unknown => {}
        }
        let images = app.fleet.controllers.iter().filter_map(|controller| tag(&controller.image));
        let stated =
            app.settings.karpenter_version.as_deref().into_iter().chain(images).find(|text| parse(text).is_some());
        match stated {
            Some(version) if parse(version) >= Some(SINCE) => Self::Read,
            Some(version) => Self::Unread(version.trim_start_matches('v').to_owned()),
            // The CRDs give a lower bound: a low one proves nothing.
            None if app.cluster.karpenter_crd_version.as_deref().and_then(parse) >= Some(SINCE) => Self::Read,
            None => Self::Assumed,
        }
    }

    /// What the dialog says about it.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Read => None,
            Self::Assumed => Some(
                "Karpenter's version is not known: assumed that it is 1.12 or newer, older ones ignore durations"
                    .to_owned(),
            ),
            Self::Unread(version) => {
                Some(format!("no durations: Karpenter {version} reads only \"true\", durations need 1.12"))
            }
        }
    }
}

/// The tag of an image reference, without the digest.
fn tag(image: &str) -> Option<&str> {
    let name = image.split('@').next()?;
    name.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
}

/// Major and minor of `1.14`, `v1.14.1`, `1.14.1-rc.0`.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
    Some((major, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_tags_are_read() {
        assert_eq!(parse("v1.14.1"), Some((1, 14)));
        assert_eq!(parse("1.9"), Some((1, 9)));
        assert_eq!(parse("latest"), None);
        assert_eq!(tag("public.ecr.aws/karpenter/controller:1.14.1@sha256:abc"), Some("1.14.1"));
        assert_eq!(tag("localhost:5000/controller"), None);
    }
}
