//! What a Prometheus server tells of the past of accelerators, in answers of its HTTP API.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries>. Asked about one Node or one Job, never about the
//! whole fleet.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::prometheus::{Formats, Places, Scraped, result};
use super::{Unreadable, amd, dcgm, neuron};
use crate::fleet::{DeviceReading, DeviceSeconds, HistoryPeriod, HistoryQuestion, HistoryTold, ObjectKey};
use crate::units::Time;

/// At how many times a value is taken over of an answer.
const MAX_TIMES: usize = 512;

/// How many devices a Job can have had at a time; more is a mistake of the server.
const MAX_DEVICES_OF_JOB: f64 = 1e6;

/// How much of a Job's name is in the names of its pods (k8s.io/apiserver pkg/storage/names/generate.go).
const MAX_POD_PREFIX_BYTES: usize = 57;

/// The query in PromQL.
pub fn range_query(question: &HistoryQuestion) -> String {
    match question {
        HistoryQuestion::Node { node, exporter, .. } => node_query(node, exporter.as_ref()),
        HistoryQuestion::Job { job, period } => job_query(job, period.step_seconds),
    }
}

/// The period of which a question is.
pub const fn period(question: &HistoryQuestion) -> HistoryPeriod {
    match question {
        HistoryQuestion::Node { period, .. } | HistoryQuestion::Job { period, .. } => *period,
    }
}

/// Reads the answer to [`range_query`].
///
/// # Errors
/// When it is no such answer, or tells of an error.
pub fn read_range(body: &[u8], question: &HistoryQuestion) -> Result<HistoryTold, Unreadable> {
    let series: Vec<Range<'_>> = result(body, "matrix")?;
    Ok(match question {
        HistoryQuestion::Node { node, exporter, period } => {
            let places = Places {
                exporters: exporter.iter().map(|pod| (pod.clone(), node.clone())).collect(),
                nodes: [node.clone()].into(),
            };
            HistoryTold::Node(devices_at(&series, &places, *period))
        }
        HistoryQuestion::Job { period, .. } => HistoryTold::Job(device_seconds(&series, *period)),
    })
}

/// How busy devices were, of all series that may be of a Node: by the pod of its exporter, or by a label that names it.
fn node_query(node: &str, exporter: Option<&ObjectKey>) -> String {
    let amd = amd::BUSY;
    let names = format!(
        "{}|({})?{amd}|{}",
        dcgm::BUSY.join("|"),
        amd::PREFIX,
        [neuron::UTILIZATION, neuron::HARDWARE].join("|")
    );
    let of_exporter = exporter.map(|pod| format!("namespace={},pod={}", quoted(&pod.namespace), quoted(&pod.name)));
    let named = ["node", "Hostname", "hostname"].map(|label| format!("{label}={}", quoted(node)));
    let instance = format!("instance=~{}", quoted(&format!("{}(:[0-9]+)?", literal(node))));
    let labels = of_exporter.into_iter().chain(named).chain([instance]);
    let selectors: Vec<String> = labels.map(|labels| format!("{{__name__=~\"{names}\",{labels}}}")).collect();
    selectors.join(" or ")
}

/// The devices of a Job's pods and how busy they were together, as means over each step. A server that keeps the labels of
/// exporters has the pods in other labels than one that does not.
fn job_query(job: &ObjectKey, step_seconds: i64) -> String {
    let pods = quoted(&pods_of(&job.name));
    let namespace = quoted(&job.namespace);
    let labels =
        [format!("exported_namespace={namespace},exported_pod=~{pods}"), format!("namespace={namespace},pod=~{pods}")];
    let mean =
        |metric: &str, labels: &str, unit: &str| format!("avg_over_time({metric}{{{labels}}}[{step_seconds}s]){unit}");
    let amd = amd::BUSY;
    let [exact, coarse] = dcgm::PERCENT_AFTER_RATIO;
    let metrics = [(exact, ""), (coarse, " / 100"), (amd, " / 100")];
    let prefixed = format!("{}{amd}", amd::PREFIX);
    let metrics = metrics.into_iter().chain([(prefixed.as_str(), " / 100")]);
    let each: Vec<String> =
        metrics.flat_map(|(metric, unit)| labels.each_ref().map(|labels| mean(metric, labels, unit))).collect();
    let busy = each.join(" or ");
    format!(
        "label_replace(sum({busy}), \"{WHAT}\", \"{BUSY}\", \"\", \"\") or \
         label_replace(count({busy}), \"{WHAT}\", \"{HELD}\", \"\", \"\")"
    )
}

const WHAT: &str = "batchtop";
const BUSY: &str = "busy";
const HELD: &str = "held";

/// The names of a Job's pods, also of those that are gone: an index where it is indexed, and five characters. The names of a
/// CronJob's Jobs have more digits.
fn pods_of(job: &str) -> String {
    let prefix = job.get(..job.floor_char_boundary(MAX_POD_PREFIX_BYTES)).unwrap_or(job);
    if prefix.len() == job.len() {
        format!("{}(-[0-9]{{1,5}})?-[a-z0-9]{{5}}", literal(prefix))
    } else {
        format!("{}[-a-z0-9]{{5,6}}", literal(prefix))
    }
}

/// A string of PromQL.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Text in a regular expression of PromQL that stands for itself. Names in Kubernetes have letters, digits, `-` and `.`.
fn literal(text: &str) -> String {
    text.replace('.', "\\.")
}

/// A series of the answer: its labels, and times and values.
#[derive(Deserialize)]
struct Range<'a> {
    #[serde(borrow)]
    metric: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow)]
    values: Vec<(f64, Cow<'a, str>)>,
}

impl Range<'_> {
    /// The values within a period, with their times in seconds. What is not a number stays so.
    fn within(&self, period: HistoryPeriod) -> impl Iterator<Item = (i64, f64)> {
        let times = period.from.seconds()..=period.to.seconds();
        self.values.iter().filter_map(move |(at, value)| {
            #[expect(clippy::cast_possible_truncation, reason = "what is beyond is no time of the period")]
            let at = at.floor() as i64;
            times.contains(&at).then(|| (at, value.parse().unwrap_or(f64::NAN)))
        })
    }
}

/// The devices at each time of which something is told.
fn devices_at(series: &[Range<'_>], places: &Places, period: HistoryPeriod) -> Vec<(Time, Vec<DeviceReading>)> {
    let mut times: BTreeMap<i64, Formats> = BTreeMap::new();
    for range in series {
        let Some(scraped) = Scraped::of(&range.metric, places) else { continue };
        for (at, value) in range.within(period) {
            if times.len() < MAX_TIMES || times.contains_key(&at) {
                times.entry(at).or_default().take(&scraped.at(value));
            }
        }
    }
    times.into_iter().map(|(at, formats)| (Time::from_seconds(at), formats.finish())).collect()
}

/// Each value stands for the step before it.
fn device_seconds(series: &[Range<'_>], period: HistoryPeriod) -> DeviceSeconds {
    let of = |what: &str| -> i64 {
        let is_it = |range: &&Range<'_>| range.metric.get(WHAT).is_some_and(|label| label == what);
        let values: BTreeMap<i64, f64> = series.iter().filter(is_it).flat_map(|range| range.within(period)).collect();
        let can_be = |devices: &f64| (0.0..=MAX_DEVICES_OF_JOB).contains(devices);
        let seconds = |devices: f64| {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "a step of a few days at most"
            )]
            let seconds = (devices * period.step_seconds as f64).round() as i64;
            seconds
        };
        values.into_values().filter(can_be).take(MAX_TIMES).map(seconds).fold(0, i64::saturating_add)
    };
    DeviceSeconds { held: of(HELD), busy: of(BUSY) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Sym, Utilization};

    fn period() -> HistoryPeriod {
        HistoryPeriod { from: Time::from_seconds(1_000), to: Time::from_seconds(1_900), step_seconds: 30 }
    }

    fn of_node() -> HistoryQuestion {
        let exporter = Some(ObjectKey::new("gpu", "dcgm-0"));
        HistoryQuestion::Node { node: Sym::new("n0"), exporter, period: period() }
    }

    fn of_job(name: &str) -> HistoryQuestion {
        HistoryQuestion::Job { job: ObjectKey::new("ml", name), period: period() }
    }

    fn matrix(series: &[(&str, &str)]) -> String {
        let series: Vec<String> =
            series.iter().map(|(labels, values)| format!(r#"{{"metric":{{{labels}}},"values":[{values}]}}"#)).collect();
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, series.join(","))
    }

    /// Time, device and percent, or -1 where that is not told.
    fn devices(answer: &str) -> Vec<(i64, String, i64)> {
        let told = match read_range(answer.as_bytes(), &of_node()) {
            Ok(HistoryTold::Node(told)) => told,
            other => panic!("{other:?}"),
        };
        let percent = |utilization: Option<Utilization>| utilization.map_or(-1, |one| one.whole_percent().into());
        let each = |(at, devices): (Time, Vec<DeviceReading>)| {
            devices.into_iter().map(move |one| (at.seconds(), one.uuid.to_string(), percent(one.utilization)))
        };
        told.into_iter().flat_map(each).collect()
    }

    fn seconds(answer: &str) -> DeviceSeconds {
        match read_range(answer.as_bytes(), &of_job("train")) {
            Ok(HistoryTold::Job(told)) => told,
            other => panic!("{other:?}"),
        }
    }

    const BOARD: &str =
        r#""__name__":"DCGM_FI_PROF_GR_ENGINE_ACTIVE","UUID":"G1","gpu":"0","namespace":"gpu","pod":"dcgm-0""#;
    const COARSE: &str = r#""__name__":"DCGM_FI_DEV_GPU_UTIL","UUID":"G1","gpu":"0","namespace":"gpu","pod":"dcgm-0""#;
    const OTHER_NODE: &str =
        r#""__name__":"DCGM_FI_DEV_GPU_UTIL","UUID":"G9","gpu":"0","namespace":"gpu","pod":"dcgm-9""#;

    #[test]
    fn the_devices_of_a_node_are_told_in_the_order_of_time() {
        let told = devices(&matrix(&[
            (BOARD, r#"[1060,"0.5"],[1030,"0.25"],[1030.9,"0.3"],[1090,"NaN"]"#),
            (COARSE, r#"[1030,"99"],[1120,"7"]"#),
            (OTHER_NODE, r#"[1030,"1"]"#),
        ]));
        let want = [(1_030, 30), (1_060, 50), (1_090, -1), (1_120, 7)];
        assert_eq!(told, want.map(|(at, percent)| (at, "G1".to_owned(), percent)));
    }

    #[test]
    fn times_outside_of_the_period_and_too_many_of_them_are_left_out() {
        let values = (0..900).map(|second| format!(r#"[{},"0.1"]"#, 1_000 + second)).collect::<Vec<_>>().join(",");
        let far = r#"[-1e300,"1"],[999,"1"],[1901,"1"],[1e300,"1"]"#;
        let told = devices(&matrix(&[(BOARD, &format!("{far},{values}"))]));
        assert_eq!((told.len(), told.first().map(|first| first.0)), (MAX_TIMES, Some(1_000)));
    }

    #[test]
    fn the_devices_of_a_job_are_added_up_over_all_steps() {
        let busy = r#""batchtop":"busy""#;
        let held = r#""batchtop":"held""#;
        let told = seconds(&matrix(&[
            (busy, r#"[1030,"1.5"],[1060,"NaN"],[1090,"-3"],[1120,"1e99"],[1150,"2"],[2000,"5"]"#),
            (held, r#"[1030,"2"],[1060,"2"],[1150,"2"]"#),
            (r#""other":"busy""#, r#"[1030,"9"]"#),
        ]));
        assert_eq!(told, DeviceSeconds { held: 180, busy: 105 });
        assert_eq!(seconds(&matrix(&[])), DeviceSeconds::default());
    }

    #[test]
    fn what_is_no_answer_to_a_range_query_is_named() {
        let words = |body: &str| read_range(body.as_bytes(), &of_node()).expect_err("no answer").to_string();
        let none = "it is not the answer of a Prometheus server to a query";
        for body in ["", "<html>", r#"{"data":{"resultType":"vector","result":[]}}"#, r#"{"data":null}"#] {
            assert_eq!(words(body), none, "{body}");
        }
        let refused = r#"{"status":"error","error":"query timed out"}"#;
        assert_eq!(words(refused), "the Prometheus server answered with an error: query timed out");
    }

    #[test]
    fn a_query_asks_for_one_node_or_one_job_only() {
        let of_node = range_query(&of_node());
        assert!(
            of_node.contains(r#"namespace="gpu",pod="dcgm-0""#) && of_node.contains(r#"Hostname="n0""#),
            "{of_node}"
        );
        assert!(of_node.split(" or ").all(|selector| selector.matches('=').count() > 1), "{of_node}");
        let of_job_query = range_query(&of_job("train.v2"));
        assert!(of_job_query.contains(r#"exported_pod=~"train\\.v2(-[0-9]{1,5})?-[a-z0-9]{5}""#), "{of_job_query}");
        assert!(of_job_query.contains("[30s]"), "{of_job_query}");
        let long = "a".repeat(60);
        assert!(range_query(&of_job(&long)).contains(&format!("\"{}[-a-z0-9]{{5,6}}\"", "a".repeat(57))));
    }
}
