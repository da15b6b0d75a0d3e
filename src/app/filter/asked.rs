//! What a filter asks of rows beyond their own text, prepared once for all rows.

use std::cell::OnceCell;

use super::term::Part;
use crate::app::field::Field;
use crate::app::payers::{self, RatesByUid};
use crate::app::rows::RowRef;
use crate::app::{App, status};
use crate::fleet::{NodeRow, PodRow};
use crate::insight::disruption::{Outlook, Standing, words};
use crate::insight::gpu::GpuClass;
use crate::insight::picture::Evaluator;
use crate::units::Time;

/// Answers what a filter asks; what takes long is computed when it is asked first, and then known for all rows.
pub struct Asked<'a> {
    app: &'a App,
    evaluator: OnceCell<Evaluator<'a>>,
    rates: OnceCell<RatesByUid<'a>>,
}

impl<'a> Asked<'a> {
    /// Of everything known now.
    pub const fn new(app: &'a App) -> Self {
        Self { app, evaluator: OnceCell::new(), rates: OnceCell::new() }
    }

    /// What is asked.
    pub const fn app(&self) -> &'a App {
        self.app
    }

    fn outlook(&self, pod: &'a PodRow) -> Outlook {
        self.evaluator.get_or_init(|| self.app.evaluator()).pod(pod)
    }

    /// A number of a row, in the unit of its field: thousandths of accelerators, micro-dollars per hour, seconds. `None` where
    /// it has none, or where it is not known.
    pub(super) fn number(&self, field: Field, row: RowRef<'a>) -> Option<i64> {
        match field {
            Field::Gpu => Some(row.gpus(self.app).0),
            Field::Dollars => self.rate(row),
            Field::Age => Some(self.app.now.seconds_since(row.meta().created)),
            Field::Dies => self.dies_at(row).map(|at| at.seconds_since(self.app.now)),
            _ => None,
        }
    }

    fn rate(&self, row: RowRef<'a>) -> Option<i64> {
        match row {
            RowRef::Pod(pod) => {
                let rates = self.rates.get_or_init(|| payers::pod_rates(self.app, |pod| Some(&pod.meta.uid)));
                rates.get(&pod.meta.uid).copied()
            }
            RowRef::Job(job) => self.app.insights.picture.job_rate(&self.app.fleet, &job.meta.uid),
            _ => payers::machine_rate(row, self.app),
        }
    }

    /// When something ends a row in spite of its protection; of a Job the first of its pods.
    fn dies_at(&self, row: RowRef<'a>) -> Option<Time> {
        match row {
            RowRef::Node(node) => self.end_of_node(node),
            RowRef::Pod(pod) => self.end_of_pod(pod),
            RowRef::Job(job) => self.app.fleet.pods_of_job(&job.meta.uid).filter_map(|pod| self.end_of_pod(pod)).min(),
            _ => None,
        }
    }

    fn end_of_node(&self, node: &NodeRow) -> Option<Time> {
        let summary = self.app.insights.verdicts.summary(node)?;
        let is_broken = matches!(summary.standing, Standing::WillNotHold | Standing::Interrupted);
        is_broken.then(|| summary.ends_at.unwrap_or(self.app.now))
    }

    fn end_of_pod(&self, pod: &'a PodRow) -> Option<Time> {
        pod.do_not_disrupt.as_ref()?;
        let outlook = self.outlook(pod);
        (outlook.holds == Some(false)).then(|| outlook.fails_at.unwrap_or(self.app.now))
    }

    /// Whether accelerators of a row do nothing: those of a Node, or those that a pod or the pods of a Job request.
    pub(super) fn has_idle_gpus(&self, row: RowRef<'a>) -> bool {
        match row {
            RowRef::Node(_) => status::gpu_state(row, self.app).is_some_and(|state| state.activity.class.is_waste()),
            RowRef::Pod(pod) => self.is_idle(pod),
            RowRef::Job(job) => self.app.fleet.pods_of_job(&job.meta.uid).any(|pod| self.is_idle(pod)),
            _ => false,
        }
    }

    fn is_idle(&self, pod: &PodRow) -> bool {
        let activity = self.app.insights.gpus.of_pod(&self.app.fleet, pod);
        activity.is_some_and(|found| matches!(found.class, Some(GpuClass::Idle | GpuClass::Parked)))
    }

    /// Whether a text is in the words that a row shows about its protection, or about what it waits for.
    pub(super) fn is_in_words(&self, part: &Part, row: RowRef<'a>) -> bool {
        match row {
            RowRef::Node(node) => self.is_in_verdict(part, node) || is_in_gpus(part, row, self.app),
            RowRef::Pod(pod) => self.is_in_protection(part, pod),
            RowRef::Job(job) => {
                let state = status::job_state(job, self.app);
                let told = [&state.reason, &state.message].into_iter().flatten().any(|text| part.is_in(text));
                told || self.app.fleet.pods_of_job(&job.meta.uid).any(|pod| self.is_in_cause(part, pod))
            }
            RowRef::Claim(_) | RowRef::Pool(_) | RowRef::Event(_) => false,
        }
    }

    /// What stops Karpenter, and whether that is protection.
    fn is_in_verdict(&self, part: &Part, node: &NodeRow) -> bool {
        let Some(summary) = self.app.insights.verdicts.summary(node) else { return false };
        let held = match (summary.protection.is_held, summary.protection.is_protected) {
            (Some(true), _) => "held",
            (_, Some(true)) => "protected",
            _ => "",
        };
        let drifted = self.app.fleet.claim_of(node).is_some_and(crate::fleet::NodeClaimRow::is_drifted);
        let drifted = if drifted { "drifted" } else { "" };
        let by = summary.by.as_deref().unwrap_or_default();
        [words::label(summary.verdict), held, drifted, by].into_iter().any(|text| part.is_in(text))
    }

    fn is_in_protection(&self, part: &Part, pod: &'a PodRow) -> bool {
        let is_word = part.reach().0 && status::SHIELD_WORDS.iter().any(|word| part.is_in(word));
        if !is_word || pod.do_not_disrupt.is_none() {
            return false;
        }
        status::shield_word(&self.outlook(pod)).is_some_and(|word| part.is_in(word))
    }

    fn is_in_cause(&self, part: &Part, pod: &PodRow) -> bool {
        let start = self.app.insights.starts.of_pod(&pod.meta.key);
        start.and_then(|start| start.cause.as_ref()).is_some_and(|cause| part.is_in(&cause.message))
    }
}

/// `0/8`, as the column of accelerators has it.
fn is_in_gpus(part: &Part, row: RowRef<'_>, app: &App) -> bool {
    let RowRef::Node(node) = row else { return false };
    let gpu = || app.insights.picture.node(&node.meta.key.name)?.gpu.as_ref();
    part.is_of_counts() && gpu().is_some_and(|gpu| part.is_in(&format!("{}/{}", gpu.requested, gpu.advertised)))
}
