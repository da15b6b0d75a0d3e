//! What a Prometheus server has scraped of exporters, in one answer of its HTTP API.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>. Which Node a series is of is not in its
//! value but in the labels of what was scraped: the pod of the exporter, where the server has put it beside the labels of
//! the exporter.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::series::Series;
use super::{Format, MAX_DEVICES, Unreadable, amd, dcgm, neuron};
use crate::fleet::{DeviceReading, ObjectKey, Sym};

/// Nodes that are read of one answer.
const MAX_NODES: usize = 10_000;

/// How much of a server's error is repeated.
const MAX_ERROR_CHARS: usize = 300;

/// What is known of the cluster to tell the Node of a series.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// The Nodes of the pods of exporters.
    pub exporters: BTreeMap<ObjectKey, Sym>,
    /// All Nodes by name.
    pub nodes: BTreeSet<Sym>,
}

/// In how many answers a server is asked for the metrics of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Division {
    /// In one.
    #[default]
    Whole,
    /// In one for each first digit of the UUID of a board, and one for devices without such a UUID. Each has a sixteenth of
    /// the boards of NVIDIA, whose UUIDs are random.
    ByUuid,
}

/// The queries in PromQL for all metrics of all exporters that are read. A device and its MIG instances are in one answer.
pub fn queries(division: Division) -> Vec<String> {
    let names = metrics();
    match division {
        Division::Whole => vec![format!("{{__name__=~\"{names}\"}}")],
        Division::ByUuid => {
            let of_digit = |digit| format!("{{__name__=~\"{names}\",UUID=~\"([A-Z]+-)?{digit}.*\"}}");
            let of_none = format!("{{__name__=~\"{names}\",UUID!~\"([A-Z]+-)?[0-9a-f].*\"}}");
            "0123456789abcdef".chars().map(of_digit).chain([of_none]).collect()
        }
    }
}

/// A regular expression of the names of all metrics that are read.
fn metrics() -> String {
    let dcgm = dcgm::METRICS.iter().map(|metric| metric.name.to_owned());
    let amd = amd::METRICS.iter().map(|metric| format!("({})?{}", amd::PREFIX, metric.name));
    let neuron = [neuron::UTILIZATION, neuron::RUNTIME_MEMORY, neuron::HARDWARE].map(str::to_owned);
    let memory = format!("{}.+", neuron::CORE_MEMORY);
    let names: Vec<String> = dcgm.chain(amd).chain(neuron).chain([memory]).collect();
    names.join("|")
}

/// Reads the answer to one of the [`queries`]: the devices of each Node, ordered as those of a page. A series whose Node is
/// not known is left out.
///
/// # Errors
/// When it is no such answer, or tells of an error.
pub fn read_answer(body: &[u8], places: &Places) -> Result<BTreeMap<Sym, Vec<DeviceReading>>, Unreadable> {
    let mut nodes: BTreeMap<Sym, Formats> = BTreeMap::new();
    for_each(body, "vector", |sample: Instant<'_>| {
        let Some(series) = Scraped::of(&sample.metric, places) else { return };
        if nodes.len() < MAX_NODES || nodes.contains_key(&series.node) {
            let value = sample.value.1.parse().unwrap_or(f64::NAN);
            nodes.entry(series.node.clone()).or_default().take(&series.at(value));
        }
    })?;
    let read = nodes.into_iter().map(|(node, formats)| (node, formats.finish()));
    Ok(read.filter(|(_, devices)| !devices.is_empty()).collect())
}

/// Adds what a further answer tells to what those before it told, in the order of a page.
pub fn add_answer(told: &mut BTreeMap<Sym, Vec<DeviceReading>>, more: BTreeMap<Sym, Vec<DeviceReading>>) {
    for (node, more) in more {
        let devices = told.entry(node).or_default();
        devices.extend(more);
        devices.sort_by(|one, other| (one.index, &one.uuid).cmp(&(other.index, &other.uuid)));
        devices.truncate(MAX_DEVICES);
    }
}

/// The series of an answer whose result is of a type.
///
/// # Errors
/// When it is none, or tells of an error.
pub(super) fn result<'a, T: Deserialize<'a>>(body: &'a [u8], result_type: &str) -> Result<Vec<T>, Unreadable> {
    let mut all = Vec::new();
    for_each(body, result_type, |series| all.push(series))?;
    Ok(all)
}

/// Hands out the series of an answer one by one: an answer of 20 MB would take thrice as much in series.
fn for_each<'a, T: Deserialize<'a>>(body: &'a [u8], result_type: &str, take: impl FnMut(T)) -> Result<(), Unreadable> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Unreadable::NoAnswer)?;
    if let Some(error) = answer.error {
        return Err(Unreadable::Refused(error.chars().take(MAX_ERROR_CHARS).collect()));
    }
    let data = answer.data.filter(|data| data.result_type == result_type).ok_or(Unreadable::NoAnswer)?;
    let mut series = serde_json::Deserializer::from_str(data.result.get());
    series.deserialize_seq(Each { take, of: PhantomData }).map_err(|_| Unreadable::NoAnswer)
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// Takes the elements of an array.
struct Each<T, F> {
    take: F,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("series")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut series: A) -> Result<(), A::Error> {
        while let Some(next) = series.next_element()? {
            (self.take)(next);
        }
        Ok(())
    }
}

/// The labels of a series, the name of its metric among them.
type Metric<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// A series of the answer: its labels, and time and value.
#[derive(Deserialize)]
struct Instant<'a> {
    #[serde(borrow)]
    metric: Metric<'a>,
    #[serde(borrow)]
    value: (f64, Cow<'a, str>),
}

/// A series with its Node.
pub(super) struct Scraped<'a> {
    metric: &'a Metric<'a>,
    node: Sym,
    /// Whether the labels of a container are those of the exporter itself.
    is_of_exporter: bool,
}

/// One of its values.
pub(super) struct ScrapedValue<'a> {
    series: &'a Scraped<'a>,
    value: f64,
}

impl<'a> Scraped<'a> {
    /// By the exporter's pod. A server that keeps the labels of exporters (`honor_labels: true`) has put the pod that holds
    /// the device in its place: then by the labels that may name the Node.
    pub(super) fn of(metric: &'a Metric<'a>, places: &Places) -> Option<Self> {
        let label = |name: &str| metric.get(name).map(AsRef::as_ref).filter(|value: &&str| !value.is_empty());
        let pod = label("namespace").zip(label("pod")).map(|(namespace, pod)| ObjectKey::new(namespace, pod));
        if let Some(node) = pod.and_then(|pod| places.exporters.get(&pod)) {
            return Some(Self { metric, node: node.clone(), is_of_exporter: true });
        }
        let mut named = ["node", "Hostname", "hostname", "instance"].into_iter().filter_map(label);
        let node = named.find_map(|name| places.nodes.get(without_port(name)))?;
        Some(Self { metric, node: node.clone(), is_of_exporter: false })
    }

    /// With one of its values; may be NaN or infinite.
    pub(super) const fn at(&'a self, value: f64) -> ScrapedValue<'a> {
        ScrapedValue { series: self, value }
    }
}

fn without_port(instance: &str) -> &str {
    instance.rsplit_once(':').map_or(instance, |(host, _)| host)
}

impl Series for ScrapedValue<'_> {
    fn name(&self) -> &str {
        self.series.metric.get("__name__").map_or("", AsRef::as_ref)
    }

    fn raw_label(&self, name: &str) -> Option<Cow<'_, str>> {
        let is_hidden = self.series.is_of_exporter && ["pod", "namespace", "container"].contains(&name);
        self.series.metric.get(name).filter(|_| !is_hidden).map(|value| Cow::Borrowed(value.as_ref()))
    }

    fn value(&self) -> f64 {
        self.value
    }
}

/// The metrics of one Node, whoever exported them.
#[derive(Default)]
pub(super) struct Formats {
    dcgm: dcgm::Dcgm,
    amd: amd::Amd,
    neuron: neuron::Neuron,
}

impl Formats {
    pub(super) fn take(&mut self, series: &impl Series) {
        let _ = self.dcgm.take(series) || self.amd.take(series) || self.neuron.take(series);
    }

    pub(super) fn finish(self) -> Vec<DeviceReading> {
        // A Node has the devices of one of them, and the others tell of none.
        let lists = [self.dcgm.finish(), self.amd.finish(), self.neuron.finish()];
        lists.into_iter().flatten().flat_map(|list| list.devices).collect()
    }
}
