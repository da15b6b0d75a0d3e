//! Which of the optional kinds the cluster serves, and in which version: one request for the whole cluster, repeated.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use http::header;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::sleep;

use super::access::PooledClient;
use super::backoff::Backoff;
use super::facts::Fact;
use super::failure::Failure;
use super::sink::Closed;
use super::stream::StreamContext;
use super::{Timing, api};
use crate::fleet::{KarpenterApi, Kind, KindSpec};

/// Aggregated discovery (Kubernetes 1.26 and later; v2 since 1.30), and the plain list of groups where there is none.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                      application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

const JSON: &str = "application/json";

/// Apart from the kinds' own seeds, which are small.
const SEED: u64 = 3000;

/// What the server said last.
#[derive(Clone, Default)]
pub(super) struct Discovered {
    /// How many answers there have been; zero before the first.
    pub(super) round: u64,
    answer: Answer,
}

#[derive(Clone, Default)]
enum Answer {
    /// The groups that the server has.
    Groups(Arc<Groups>),
    /// This user may not ask (403).
    #[default]
    Closed,
    /// The first request failed, and is repeated after the wait.
    Failed(Failure, Duration),
}

/// Why there is no version of a kind to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum NotFound {
    /// The cluster does not serve it, in one sentence.
    Absent(String),
    /// It is not known yet, because the request failed; when it is repeated.
    Unknown(Failure, Duration),
}

impl Discovered {
    /// The version in which to read an optional kind.
    pub(super) fn version(&self, kind: Kind) -> Result<&'static str, NotFound> {
        match &self.answer {
            Answer::Groups(groups) => groups.version(kind.spec()).map_err(NotFound::Absent),
            // The best version is a guess that the list will confirm or not.
            Answer::Closed => Ok(kind.spec().best_version()),
            Answer::Failed(failure, wait) => Err(NotFound::Unknown(failure.clone(), *wait)),
        }
    }
}

/// The API groups of the table that the server has, with their versions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Groups(BTreeMap<&'static str, Vec<ServedVersion>>);

/// One version of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
struct ServedVersion {
    name: String,
    /// The names of its resources; `None` where they are not known.
    resources: Option<BTreeSet<String>>,
}

impl ServedVersion {
    fn may_have(&self, resource: &str) -> bool {
        self.resources.as_ref().is_none_or(|names| names.contains(resource))
    }
}

impl Groups {
    fn versions(&self, group: &str) -> &[ServedVersion] {
        self.0.get(group).map_or(&[], Vec::as_slice)
    }

    /// The best version that has the resource; or a sentence that says what there is instead.
    fn version(&self, spec: &KindSpec) -> Result<&'static str, String> {
        let served = self.versions(spec.group);
        let named = |wanted: &str| served.iter().find(|version| version.name == wanted);
        let has = |version: &&&str| named(version).is_some_and(|it| it.may_have(spec.resource_in(version)));
        let best = spec.versions.iter().find(has);
        if let Some(best) = best {
            return Ok(best);
        }
        Err(match spec.versions.iter().find(|version| named(version).is_some()) {
            Some(version) => not_in_version(spec, version),
            None => not_served(spec, served),
        })
    }

    /// Which of Karpenter's APIs it is, from the versions of its group.
    fn karpenter_api(&self) -> KarpenterApi {
        let spec = Kind::NodePool.spec();
        let served = self.versions(spec.group);
        let has = |wanted: &str| served.iter().any(|version| version.name == wanted);
        match spec.versions.iter().find(|version| has(version)) {
            Some(&"v1") => KarpenterApi::V1,
            Some(&"v1alpha5") => KarpenterApi::V1Alpha5,
            Some(_) => KarpenterApi::V1Beta1,
            None => KarpenterApi::Absent,
        }
    }
}

/// That a group has a version, and not the resource in it.
pub(super) fn not_in_version(spec: &KindSpec, version: &str) -> String {
    let group = if spec.group.is_empty() { String::new() } else { format!("{}/", spec.group) };
    format!("the API server has no {} in {group}{version}", spec.resource_in(version))
}

fn not_served(spec: &KindSpec, served: &[ServedVersion]) -> String {
    let group = spec.group;
    if served.is_empty() {
        return format!("the cluster has no API group {group}");
    }
    let names: Vec<&str> = served.iter().map(|version| version.name.as_str()).collect();
    format!("the cluster serves {group} only as {}", names.join(", "))
}

/// Asks now and then, and publishes the answers.
pub(super) async fn run(mut context: StreamContext, publish: watch::Sender<Discovered>) -> Closed {
    let timing = context.timing;
    let mut backoff = Backoff::new(&timing, SEED);
    let mut asker = Asker::default();
    loop {
        let Some(client) = context.access.wait().await else { return Closed };
        let generation = client.generation();
        let answer = asker.ask(&client, &timing).await;
        drop(client);
        let wait = if answer.is_ok() { timing.absent_retry } else { backoff.next() };
        if let Err(failure) = &answer
            && failure.is_about_identity()
        {
            context.access.suspect(generation);
        }
        if take(&context, &publish, &mut backoff, answer, wait).await.is_err() {
            return Closed;
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = context.access.newer_than(generation) => {}
        }
    }
}

/// Publishes an answer. A failure is published only before the first answer: later, the last answer is still the best.
async fn take(
    context: &StreamContext,
    publish: &watch::Sender<Discovered>,
    backoff: &mut Backoff,
    answer: Result<Answer, Failure>,
    wait: Duration,
) -> Result<(), Closed> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(_) if has_answer(&publish.borrow()) => return Ok(()),
        Err(failure) => Answer::Failed(failure, wait),
    };
    let karpenter = match &answer {
        Answer::Groups(groups) => Some(groups.karpenter_api()),
        Answer::Closed => Some(KarpenterApi::V1),
        Answer::Failed(..) => None,
    };
    if let Some(api) = karpenter {
        backoff.reset();
        context.facts.tell(Fact::KarpenterApi(api)).await?;
    }
    publish.send_modify(|last| *last = Discovered { round: last.round + 1, answer });
    Ok(())
}

fn has_answer(last: &Discovered) -> bool {
    last.round > 0 && !matches!(last.answer, Answer::Failed(..))
}

/// What a list of groups may say, in the form of aggregated discovery or of the plain one. Anything else is an error: no
/// group at all would be taken for a cluster without Karpenter.
#[derive(Deserialize)]
#[serde(tag = "kind")]
enum List<'a> {
    #[serde(rename = "APIGroupDiscoveryList")]
    Aggregated {
        #[serde(borrow)]
        items: Vec<GroupDiscovery<'a>>,
    },
    #[serde(rename = "APIGroupList")]
    Plain {
        #[serde(borrow)]
        groups: Vec<ApiGroup<'a>>,
    },
}

#[derive(Deserialize)]
struct GroupDiscovery<'a> {
    #[serde(borrow)]
    metadata: GroupMeta<'a>,
    #[serde(borrow, default)]
    versions: Vec<VersionDiscovery<'a>>,
}

#[derive(Deserialize)]
struct GroupMeta<'a> {
    /// Absent for the core group.
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct VersionDiscovery<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    /// `Stale` where the server behind it did not answer, so that its resources are not known.
    #[serde(borrow, default)]
    freshness: Cow<'a, str>,
    #[serde(borrow, default)]
    resources: Vec<Resource<'a>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, alias = "name")]
    resource: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ApiGroup<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    versions: Vec<ApiVersion<'a>>,
}

#[derive(Deserialize)]
struct ApiVersion<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
}

/// The resources of one version of a group.
#[derive(Deserialize)]
#[serde(tag = "kind")]
enum ResourceList<'a> {
    #[serde(rename = "APIResourceList")]
    Resources {
        #[serde(borrow)]
        resources: Vec<Resource<'a>>,
    },
}

/// The groups of the optional kinds.
fn optional_groups() -> BTreeSet<&'static str> {
    Kind::ALL.iter().map(|kind| kind.spec()).filter(|spec| spec.is_optional()).map(|spec| spec.group).collect()
}

fn names(resources: &[Resource<'_>]) -> BTreeSet<String> {
    resources.iter().map(|one| one.resource.to_string()).collect()
}

/// The groups that an answer names, and whether it names their resources, too.
fn groups(json: &[u8]) -> Result<(Groups, bool), Failure> {
    let list: List<'_> = serde_json::from_slice(json).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let found = optional_groups().into_iter().filter_map(|group| Some((group, list.versions(group)?)));
    Ok((Groups(found.collect()), matches!(list, List::Aggregated { .. })))
}

impl List<'_> {
    /// The versions of a group, if the server has it.
    fn versions(&self, group: &str) -> Option<Vec<ServedVersion>> {
        match self {
            Self::Aggregated { items } => {
                let of_group = items.iter().find(|one| one.metadata.name == group)?;
                Some(of_group.versions.iter().map(discovered_version).collect())
            }
            Self::Plain { groups } => {
                let of_group = groups.iter().find(|one| one.name == group)?;
                let version = |one: &ApiVersion<'_>| ServedVersion { name: one.version.to_string(), resources: None };
                Some(of_group.versions.iter().map(version).collect())
            }
        }
    }
}

fn discovered_version(version: &VersionDiscovery<'_>) -> ServedVersion {
    let is_known = version.freshness != "Stale";
    ServedVersion { name: version.version.to_string(), resources: is_known.then(|| names(&version.resources)) }
}

/// Asks, and remembers the answer, which the server need not send again while it is the same.
#[derive(Default)]
struct Asker {
    last: Option<(header::HeaderValue, Arc<Groups>)>,
}

impl Asker {
    async fn ask(&mut self, client: &PooledClient, timing: &Timing) -> Result<Answer, Failure> {
        match self.ask_all(client, timing).await {
            Ok(groups) => Ok(Answer::Groups(groups)),
            Err(Failure::Api { code: 403, .. }) => Ok(Answer::Closed),
            Err(failure) => Err(failure),
        }
    }

    async fn ask_all(&mut self, client: &PooledClient, timing: &Timing) -> Result<Arc<Groups>, Failure> {
        let tag = self.last.as_ref().and_then(|(tag, _)| tag.to_str().ok());
        let mut headers = vec![(header::ACCEPT, ACCEPT)];
        headers.extend(tag.map(|tag| (header::IF_NONE_MATCH, tag)));
        let request = api::request(http::Method::GET, "/apis", &headers, Vec::new())?;
        let response = match api::open(client, request, timing).await {
            Ok(response) => response,
            Err(Failure::Api { code: 304, .. }) if self.last.is_some() => return Ok(self.remembered()),
            Err(failure) => return Err(failure),
        };
        let tag = response.headers().get(header::ETAG).cloned();
        let mut body = client.body();
        api::read(response.into_body(), timing, &mut body).await?;
        let (mut groups, is_aggregated) = groups(&body)?;
        drop(body);
        if !is_aggregated {
            ask_resources(client, timing, &mut groups).await?;
        }
        let groups = Arc::new(groups);
        // What a plain list is followed by may change while the list itself stays the same.
        self.last = tag.filter(|_| is_aggregated).map(|tag| (tag, groups.clone()));
        Ok(groups)
    }

    fn remembered(&self) -> Arc<Groups> {
        self.last.as_ref().map(|(_, groups)| groups.clone()).unwrap_or_default()
    }
}

/// Asks for the resources of the versions that can be read.
async fn ask_resources(client: &PooledClient, timing: &Timing, groups: &mut Groups) -> Result<(), Failure> {
    let readable: BTreeSet<(&str, &str)> = Kind::ALL
        .iter()
        .map(|kind| kind.spec())
        .filter(|spec| spec.is_optional())
        .flat_map(|spec| spec.versions.iter().map(|version| (spec.group, *version)))
        .collect();
    for (group, versions) in &mut groups.0 {
        for version in versions.iter_mut().filter(|version| readable.contains(&(*group, version.name.as_str()))) {
            version.resources = resources(client, timing, group, &version.name).await?;
        }
    }
    Ok(())
}

async fn resources(
    client: &PooledClient,
    timing: &Timing,
    group: &str,
    version: &str,
) -> Result<Option<BTreeSet<String>>, Failure> {
    let request = api::get(&format!("/apis/{group}/{version}"), JSON)?;
    let mut body = client.body();
    match api::fetch(client, request, timing, &mut body).await {
        Ok(()) => {}
        Err(Failure::Api { code: 404, .. }) => return Ok(Some(BTreeSet::new())),
        Err(Failure::Api { code: 403, .. }) => return Ok(None),
        Err(failure) => return Err(failure),
    }
    let ResourceList::Resources { resources } =
        serde_json::from_slice(&body).map_err(|error| Failure::Unreadable(error.to_string()))?;
    Ok(Some(names(&resources)))
}

/// The version in which one object of an optional kind can be fetched, from its group alone; `None` where there is none.
pub(super) async fn version_of_group(
    client: &PooledClient,
    kind: Kind,
    timing: &Timing,
) -> Result<Option<&'static str>, Failure> {
    let spec = kind.spec();
    let mut body = client.body();
    match api::fetch(client, api::get(&format!("/apis/{}", spec.group), JSON)?, timing, &mut body).await {
        Ok(()) => {}
        Err(Failure::Api { code: 404, .. }) => return Ok(None),
        Err(Failure::Api { code: 403, .. }) => return Ok(Some(spec.best_version())),
        Err(failure) => return Err(failure),
    }
    let group: ApiGroup<'_> = serde_json::from_slice(&body).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let is_served = |wanted: &&&str| group.versions.iter().any(|one| one.version == **wanted);
    Ok(spec.versions.iter().find(is_served).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Groups {
        groups(json.as_bytes()).unwrap().0
    }

    /// karpenter.sh with these versions, as a plain list names them.
    fn karpenter(versions: &[&str]) -> Groups {
        let versions: Vec<String> =
            versions.iter().map(|version| format!(r#"{{"groupVersion":"g","version":"{version}"}}"#)).collect();
        read(&format!(
            r#"{{"kind":"APIGroupList","groups":[{{"name":"apps","versions":[]}},
            {{"name":"karpenter.sh","versions":[{}],"preferredVersion":{{}}}}]}}"#,
            versions.join(",")
        ))
    }

    #[test]
    fn the_newest_served_karpenter_api_is_chosen() {
        let of = |versions: &[&str]| karpenter(versions).karpenter_api();
        assert_eq!(of(&["v1beta1", "v1"]), KarpenterApi::V1);
        assert_eq!(of(&["v1beta1", "v1alpha5"]), KarpenterApi::V1Beta1);
        assert_eq!(of(&["v1alpha5"]), KarpenterApi::V1Alpha5);
        assert_eq!(of(&["v1alpha1"]), KarpenterApi::Absent);
        assert_eq!(Groups::default().karpenter_api(), KarpenterApi::Absent);
    }

    #[test]
    fn the_api_version_is_chosen_for_each_kind() {
        let both = karpenter(&["v1", "v1alpha1"]);
        assert_eq!(both.version(Kind::NodePool.spec()), Ok("v1"));
        assert_eq!(both.version(Kind::NodeOverlay.spec()), Ok("v1alpha1"));
        let old = karpenter(&["v1beta1", "v1alpha5"]);
        assert_eq!(old.version(Kind::NodePool.spec()), Ok("v1beta1"));
        assert_eq!(karpenter(&["v1alpha5"]).version(Kind::NodePool.spec()), Ok("v1alpha5"), "it has Provisioners");
        let words = karpenter(&["v1beta1", "v1alpha5"]).version(Kind::NodeOverlay.spec()).unwrap_err();
        assert_eq!(words, "the cluster serves karpenter.sh only as v1beta1, v1alpha5");
        let words = both.version(Kind::EksNodeClass.spec()).unwrap_err();
        assert_eq!(words, "the cluster has no API group eks.amazonaws.com");
    }

    #[test]
    fn aggregated_discovery_lists_resources_unless_it_is_stale() {
        let of = |freshness: &str| {
            read(&format!(
                r#"{{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{{}},"items":[
                {{"metadata":{{}},"versions":[{{"version":"v1","resources":[{{"resource":"pods"}}]}}]}},
                {{"metadata":{{"name":"karpenter.sh","creationTimestamp":null}},"versions":[
                {{"version":"v1","resources":[{{"resource":"nodepools","responseKind":{{}},"scope":"Cluster",
                "subresources":[{{"subresource":"status"}}]}}],"freshness":"{freshness}"}},
                {{"version":"v1beta1","resources":[{{"resource":"nodeclaims"}}],"freshness":"Current"}}]}}]}}"#
            ))
        };
        let current = of("Current");
        assert_eq!(current.version(Kind::NodePool.spec()), Ok("v1"));
        assert_eq!(current.version(Kind::NodeClaim.spec()), Ok("v1beta1"), "the version that has it");
        assert_eq!(of("Stale").version(Kind::NodeClaim.spec()), Ok("v1"), "the list will tell");
        let words = current.version(Kind::NodeOverlay.spec()).unwrap_err();
        assert_eq!(words, "the cluster serves karpenter.sh only as v1, v1beta1");
        let of_old = |resource: &str| {
            read(&format!(
                r#"{{"kind":"APIGroupDiscoveryList","items":[{{"metadata":{{"name":"karpenter.sh"}},"versions":[
                {{"version":"v1alpha5","resources":[{{"resource":"{resource}"}}],"freshness":"Current"}}]}}]}}"#
            ))
        };
        assert_eq!(of_old("machines").version(Kind::NodeClaim.spec()), Ok("v1alpha5"));
        let words = of_old("provisioners").version(Kind::NodeClaim.spec()).unwrap_err();
        assert_eq!(words, "the API server has no machines in karpenter.sh/v1alpha5");
        for body in ["[]", "{}", r#"{"kind":"Status","code":503}"#, r#"{"kind":"APIGroupList"}"#] {
            assert!(groups(body.as_bytes()).is_err(), "{body} does not say that there is no group");
        }
    }

    #[test]
    fn a_failed_discovery_is_unknown_and_a_missing_group_is_absent() {
        let found = |answer| Discovered { round: 1, answer }.version(Kind::NodeOverlay);
        assert_eq!(found(Answer::Closed), Ok("v1alpha1"));
        assert!(matches!(found(Answer::Groups(Arc::default())), Err(NotFound::Absent(_))));
        let (failure, wait) = (Failure::Silence("the request"), Duration::from_secs(1));
        assert_eq!(found(Answer::Failed(failure.clone(), wait)), Err(NotFound::Unknown(failure, wait)));
    }
}
