//! Reading one exporter.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::place::{Place, Pod};
use crate::fleet::{Exporter, ExporterKind, GpuFailure, GpuReadings, Kind, Sym};
use crate::source::exporters;
use crate::source::kube::proxied::{Miss, fetch};
use crate::source::kube::resource;
use crate::source::kube::stream::StreamContext;

/// How large a page may be. One of eight GPUs has 50 KB, one of 64 with every metric that there is has 2 MB.
const MAX_PAGE_BYTES: usize = 10 << 20;

/// How large a pod may be; etcd takes no larger ones.
const MAX_POD_BYTES: usize = 2 << 20;

/// The devices that an exporter tells of, or why it does not.
pub(super) type Devices = Result<GpuReadings, GpuFailure>;

/// A reading that has ended.
pub(super) struct Done {
    pub(super) node: Sym,
    pub(super) exporter: Exporter,
    pub(super) devices: Devices,
    pub(super) learned: Learned,
    /// How long the server wants to be left alone, if it does.
    pub(super) busy: Option<Duration>,
}

/// What a reading has shown of the place of a page.
pub(super) enum Learned {
    /// It is where it was looked for, or nothing else is known.
    Nothing,
    /// It is not where the pod says, but here.
    Elsewhere(Found),
    /// It is not there any more: the pods of the template may have changed.
    Outdated,
}

/// What pods of one template have in common: the namespace, and what their names begin with.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Template {
    kind: ExporterKind,
    namespace: Sym,
    /// What the API server has put five characters behind; the whole name where it has not.
    stem: Sym,
}

impl Template {
    pub(super) fn of(exporter: &Exporter) -> Self {
        let Exporter { kind, pod } = exporter;
        Self { kind: *kind, namespace: pod.namespace.clone(), stem: Sym::new(stem(&pod.name)) }
    }

    pub(super) fn is_of(&self, exporter: &Exporter) -> bool {
        *self == Self::of(exporter)
    }
}

/// `dcgm-` of `dcgm-x2v9k` (apiserver storage/names/generate.go).
fn stem(name: &str) -> &str {
    const RANDOM_CHARS: usize = 5;
    let (stem, random) = name.split_at_checked(name.len().saturating_sub(RANDOM_CHARS)).unwrap_or((name, ""));
    if stem.ends_with('-') && random.bytes().all(|byte| byte.is_ascii_alphanumeric()) { stem } else { name }
}

/// The place of a page, as one pod says, for all pods of its template. Clones share one request.
pub(super) type Found = Shared<BoxFuture<'static, Result<Said, Miss>>>;

/// What a pod says.
#[derive(Clone, Debug)]
pub(super) struct Said {
    place: Place,
    /// Name of the pod.
    pod: Sym,
    /// Whether other pods with the same stem have its template.
    is_of_template: bool,
}

/// Reads the pod of an exporter for its template.
pub(super) fn find(context: StreamContext, exporter: Exporter) -> Found {
    async move { said(&context, &exporter).await }.boxed().shared()
}

async fn said(context: &StreamContext, exporter: &Exporter) -> Result<Said, Miss> {
    let path = resource::object_path(Kind::Pod, "v1", &exporter.pod.namespace, &exporter.pod.name);
    let said = |place, is_of_template| Said { place, pod: exporter.pod.name.clone(), is_of_template };
    let body = match fetch(context, &path, "application/json", MAX_POD_BYTES).await {
        Ok(body) => body,
        // Who may not read pods may still read what is behind their usual ports.
        Err(Miss::Forbidden(_)) => return Ok(said(Place::usual(exporter.kind), true)),
        Err(miss) => return Err(miss),
    };
    let pod: Pod = serde_json::from_slice(&body).unwrap_or_default();
    let is_of_template = pod.generate_name() == stem(&exporter.pod.name);
    Ok(said(Place::of(&pod, exporter.kind), is_of_template))
}

/// Reads an exporter at the place that has been found, or where else its page may be.
pub(super) async fn read(context: StreamContext, node: Sym, exporter: Exporter, found: Found) -> Done {
    let (devices, learned) = match place(&context, &exporter, found).await {
        Ok(place) => read_at(&context, &exporter, place).await,
        Err(miss) => (Err(miss), Learned::Outdated),
    };
    let busy = match &devices {
        Err(Miss::Busy(_, wait)) => Some(*wait),
        _ => None,
    };
    Done { node, exporter, devices: devices.map_err(GpuFailure::from), learned, busy }
}

/// As the first pod of the template says, or this one itself where that one does not speak for it.
async fn place(context: &StreamContext, exporter: &Exporter, found: Found) -> Result<Place, Miss> {
    match found.await {
        Ok(said) if said.is_of_template || said.pod == exporter.pod.name => Ok(said.place),
        _ => said(context, exporter).await.map(|said| said.place),
    }
}

async fn read_at(context: &StreamContext, exporter: &Exporter, place: Place) -> (Result<GpuReadings, Miss>, Learned) {
    let missed = match page(context, exporter, &place).await {
        Err(missed @ (Miss::Absent(_) | Miss::Large(_) | Miss::Other(_))) => missed,
        answer => return (answer, Learned::Nothing),
    };
    let Some(other) = place.instead(exporter.kind, missed.words()) else { return (Err(missed), Learned::Outdated) };
    match page(context, exporter, &other).await {
        Ok(devices) => {
            let said = Said { place: other, pod: exporter.pod.name.clone(), is_of_template: true };
            (Ok(devices), Learned::Elsewhere(async move { Ok(said) }.boxed().shared()))
        }
        Err(_) => (Err(missed), Learned::Outdated),
    }
}

async fn page(context: &StreamContext, exporter: &Exporter, place: &Place) -> Result<GpuReadings, Miss> {
    let body = fetch(context, &place.proxied(&exporter.pod), "text/plain", MAX_PAGE_BYTES).await?;
    let read = exporters::read(exporter.kind, &body);
    let mut readings = read.map_err(|unreadable| Miss::Other(unreadable.to_string()))?;
    // Who has scraped it before may have put the exporter's own pod where it names none.
    readings.devices.iter_mut().for_each(|device| device.holders.retain(|holder| holder.pod != exporter.pod));
    Ok(readings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_of_one_template_are_told_by_their_names() {
        for (name, expected) in [
            ("dcgm-x2v9k", "dcgm-"),
            ("dcgm-exporter-7c9d8f6b5-x2v9k", "dcgm-exporter-7c9d8f6b5-"),
            ("dcgm-0", "dcgm-0"),
            ("x2v9k", "x2v9k"),
            ("a-b.c-d", "a-b.c-d"),
            ("é-ééé", "é-ééé"),
            ("", ""),
        ] {
            assert_eq!(stem(name), expected, "{name}");
        }
    }
}
