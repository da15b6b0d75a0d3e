//! batch/v1 Job and CronJob.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::condition::{SlimCondition, conditions};
use super::meta::{SlimMeta, SlimTime, time};
use super::pod_spec::{PodSpec, template_requests};
use super::text::{Text, or_default};
use super::{DecodeError, Project};
use crate::fleet::kinds::{CronJobs, Jobs};
use crate::fleet::{CronJobRow, DisruptedPods, Interner, JobRow};

/// The API server's defaults (kubernetes pkg/apis/batch/v1/defaults.go).
const DEFAULT_PARALLELISM: i64 = 1;
const DEFAULT_BACKOFF_LIMIT: i64 = 6;

/// One Job, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimJob<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: JobSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: JobStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JobSpec<'a> {
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
    parallelism: Option<i64>,
    completions: Option<i64>,
    backoff_limit: Option<i64>,
    active_deadline_seconds: Option<i64>,
    #[serde(borrow, deserialize_with = "or_default")]
    pod_failure_policy: FailurePolicy<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    template: Template<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FailurePolicy<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    rules: Vec<FailureRule<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct FailureRule<'a> {
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    on_pod_conditions: Vec<ConditionPattern<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ConditionPattern<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
}

impl ConditionPattern<'_> {
    /// The condition that an eviction sets; the API server fills in a status that is absent.
    fn is_disruption(&self) -> bool {
        &*self.kind == "DisruptionTarget" && matches!(&*self.status, "True" | "")
    }
}

impl FailurePolicy<'_> {
    fn disrupted_pods(&self) -> DisruptedPods {
        let first = self.rules.iter().find(|rule| rule.on_pod_conditions.iter().any(ConditionPattern::is_disruption));
        match first.map(|rule| &*rule.action) {
            Some("Ignore") => DisruptedPods::Ignored,
            Some("FailJob") => DisruptedPods::FailJob,
            Some("FailIndex") => DisruptedPods::FailIndex,
            _ => DisruptedPods::Counted,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Template<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    metadata: SlimMeta<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    spec: PodSpec<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JobStatus<'a> {
    #[serde(deserialize_with = "or_default")]
    active: i64,
    #[serde(deserialize_with = "or_default")]
    ready: i64,
    #[serde(deserialize_with = "or_default")]
    succeeded: i64,
    #[serde(deserialize_with = "or_default")]
    failed: i64,
    #[serde(borrow)]
    start_time: SlimTime<'a>,
    #[serde(borrow)]
    completion_time: SlimTime<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    conditions: Vec<SlimCondition<'a>>,
}

impl Project for Jobs {
    type Slim<'a> = SlimJob<'a>;

    fn row(slim: &SlimJob<'_>, interner: &mut Interner) -> Result<JobRow, DecodeError> {
        let (spec, status) = (&slim.spec, &slim.status);
        Ok(JobRow {
            meta: slim.metadata.meta(interner)?,
            labels: slim.metadata.labels(interner),
            owner: slim.metadata.owner(interner),
            suspended: spec.suspend,
            parallelism: spec.parallelism.unwrap_or(DEFAULT_PARALLELISM),
            completions: spec.completions,
            backoff_limit: spec.backoff_limit.unwrap_or(DEFAULT_BACKOFF_LIMIT),
            disrupted_pods: spec.pod_failure_policy.disrupted_pods(),
            active_deadline_seconds: spec.active_deadline_seconds,
            requests: template_requests(&spec.template.spec, interner)?,
            active: status.active,
            ready: status.ready,
            succeeded: status.succeeded,
            failed: status.failed,
            started: time("status.startTime", &status.start_time)?,
            completed: time("status.completionTime", &status.completion_time)?,
            conditions: conditions(&status.conditions, interner)?,
            do_not_disrupt: slim.metadata.do_not_disrupt(interner),
            template_do_not_disrupt: spec.template.metadata.do_not_disrupt(interner),
            stamps: slim.metadata.stamps(interner),
        })
    }
}

/// One CronJob, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimCronJob<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: CronJobSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: CronJobStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CronJobSpec<'a> {
    #[serde(borrow)]
    schedule: Text<'a>,
    #[serde(borrow)]
    time_zone: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CronJobStatus<'a> {
    #[serde(deserialize_with = "or_default")]
    active: Vec<IgnoredAny>,
    #[serde(borrow)]
    last_schedule_time: SlimTime<'a>,
    #[serde(borrow)]
    last_successful_time: SlimTime<'a>,
}

impl Project for CronJobs {
    type Slim<'a> = SlimCronJob<'a>;

    fn row(slim: &SlimCronJob<'_>, interner: &mut Interner) -> Result<CronJobRow, DecodeError> {
        let (spec, status) = (&slim.spec, &slim.status);
        Ok(CronJobRow {
            meta: slim.metadata.meta(interner)?,
            schedule: interner.sym(&spec.schedule),
            time_zone: spec.time_zone.some().map(|zone| interner.sym(zone)),
            suspended: spec.suspend,
            active: i64::try_from(status.active.len()).unwrap_or(i64::MAX),
            last_schedule: time("status.lastScheduleTime", &status.last_schedule_time)?,
            last_success: time("status.lastSuccessfulTime", &status.last_successful_time)?,
        })
    }
}
