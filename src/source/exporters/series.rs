//! A value with its labels, from a page or from a Prometheus server.

use std::borrow::Cow;

use crate::fleet::{DeviceHolder, ObjectKey, Sym};
use crate::units::exposition::Sample;

/// A value with its labels.
pub(super) trait Series {
    /// Name of the metric.
    fn name(&self) -> &str;

    /// The value of a label, also if it is empty.
    fn raw_label(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The value; may be NaN or infinite.
    fn value(&self) -> f64;

    /// The value of a label; an empty one is none, as in Prometheus.
    fn label(&self, name: &str) -> Option<Cow<'_, str>> {
        self.raw_label(name).filter(|value| !value.is_empty())
    }

    /// The value of a label that is a number.
    fn number(&self, name: &str) -> Option<u32> {
        self.label(name)?.parse().ok()
    }

    /// The first of these labels that there is.
    fn first_label(&self, names: &[&str]) -> Option<Sym> {
        names.iter().find_map(|name| self.label(name)).map(|value| kept(&value))
    }
}

impl Series for Sample<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn raw_label(&self, name: &str) -> Option<Cow<'_, str>> {
        self.labels.get(name)
    }

    fn value(&self) -> f64 {
        self.value
    }
}

/// How much of a label is kept: no name in Kubernetes is longer.
const MAX_LABEL_BYTES: usize = 253;

/// A text, or its first part with a mark that no name has.
fn kept(text: &str) -> Sym {
    if text.len() <= MAX_LABEL_BYTES {
        return Sym::new(text);
    }
    let head = text.get(..text.floor_char_boundary(MAX_LABEL_BYTES)).unwrap_or_default();
    Sym::new(&format!("{head}…"))
}

/// The names of the labels of a container: its pod, the pod's namespace, and the container.
type Dialect = [&'static str; 3];

/// What Prometheus makes of the labels of an exporter where it has set its own (`honor_labels: false`): those without the
/// prefix are of the exporter's pod.
const EXPORTED: Dialect = ["exported_pod", "exported_namespace", "exported_container"];

/// What exporters write now, and what dcgm-exporter wrote before 2.0 and still does with `--use-old-namespace`.
const OWN: [Dialect; 2] = [["pod", "namespace", "container"], ["pod_name", "pod_namespace", "container_name"]];

/// The container that the labels of a series name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum HolderLabel {
    /// None.
    #[default]
    None,
    /// This one, in the labels of a device.
    Own(DeviceHolder),
    /// This one, in labels that Prometheus has renamed, or none in them. Where any series has them, the others are those of
    /// the exporter's own pod.
    Exported(Option<DeviceHolder>),
}

/// The container to which the device of a series is given. A pod without a namespace could be any, and is none.
pub(super) fn holder(series: &impl Series) -> HolderLabel {
    if series.raw_label(EXPORTED[0]).is_some() {
        return HolderLabel::Exported(holder_in(series, EXPORTED));
    }
    OWN.into_iter().find_map(|dialect| holder_in(series, dialect)).map_or(HolderLabel::None, HolderLabel::Own)
}

fn holder_in(series: &impl Series, [pod, namespace, container]: Dialect) -> Option<DeviceHolder> {
    let (namespace, name) = (kept(&series.label(namespace)?), kept(&series.label(pod)?));
    Some(DeviceHolder { pod: ObjectKey { namespace, name }, container: series.first_label(&[container]) })
}
