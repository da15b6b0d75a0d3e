//! batch/v1 Job and CronJob.

use serde_json::{Value, json};

use super::super::cast::{CRONS, JOBS};
use super::super::model::{Job, JobId, JobSpec};
use super::super::world::World;
use super::pod::container;
use super::{condition, metadata, mirrored, owner, stamp, stamp_of};

fn template(spec: &JobSpec, labels: &Value) -> Value {
    json!({
        "metadata": {
            "labels": labels,
            "annotations": { "karpenter.sh/do-not-disrupt": spec.template.do_not_disrupt },
        },
        "spec": {
            "containers": [container(&spec.template)],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": spec.template.grace,
            "schedulerName": "default-scheduler",
        },
    })
}

/// Numbers as the Job controller writes index sets: `0,2-4`.
pub(super) fn ranges(numbers: &[i64]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for number in sorted {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == number => *end = number,
            _ => runs.push((number, number)),
        }
    }
    let text = |(from, to): &(i64, i64)| match to - from {
        0 => from.to_string(),
        1 => format!("{from},{to}"),
        _ => format!("{from}-{to}"),
    };
    runs.iter().map(text).collect::<Vec<_>>().join(",")
}

fn conditions(job: &Job) -> Value {
    let exceeded = "Job has reached the specified backoff limit";
    let reached = "Reached expected number of succeeded pods";
    let mut list = Vec::new();
    if job.spec.suspended {
        list.push(condition("Suspended", "True", job.identity.created, "JobSuspended", "Job suspended"));
    }
    if let Some(at) = job.failing {
        list.push(condition("FailureTarget", "True", at, "BackoffLimitExceeded", exceeded));
    }
    match (job.finished, job.failing) {
        (Some(at), Some(_)) => list.push(condition("Failed", "True", at, "BackoffLimitExceeded", exceeded)),
        (Some(at), None) => {
            list.push(condition("SuccessCriteriaMet", "True", at, "CompletionsReached", reached));
            list.push(condition("Complete", "True", at, "CompletionsReached", reached));
        }
        (None, _) => {}
    }
    for entry in &mut list {
        entry["lastProbeTime"] = entry["lastTransitionTime"].clone();
    }
    Value::Array(list)
}

fn status(job: &Job) -> Value {
    let positive = |count: i64| if count > 0 { json!(count) } else { Value::Null };
    let succeeded = i64::try_from(job.succeeded.len()).unwrap_or(i64::MAX);
    json!({
        "startTime": stamp_of(job.started),
        "completionTime": stamp_of(job.finished.filter(|_| job.failing.is_none())),
        "active": positive(job.counts.active),
        "ready": job.counts.ready,
        "terminating": job.counts.terminating,
        "succeeded": positive(succeeded),
        "failed": positive(job.failed),
        "completedIndexes": (job.spec.indexed && succeeded > 0).then(|| ranges(&job.succeeded)),
        "conditions": conditions(job),
    })
}

fn spec(job: &Job, labels: &Value) -> Value {
    let spec = job.spec;
    json!({
        "parallelism": spec.parallelism,
        "completions": spec.completions,
        "completionMode": if spec.indexed { "Indexed" } else { "NonIndexed" },
        "backoffLimit": spec.backoff_limit,
        "ttlSecondsAfterFinished": spec.ttl,
        "suspend": spec.suspended,
        "manualSelector": false,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": { "rules": [
            { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
        ] },
        "selector": { "matchLabels": { "batch.kubernetes.io/controller-uid": job.identity.uid } },
        "template": template(spec, labels),
    })
}

impl World {
    pub(super) fn render_job(&self, id: JobId) -> Option<Value> {
        let job = self.jobs.get(&id)?;
        let labels = json!({
            "batch.kubernetes.io/controller-uid": job.identity.uid,
            "batch.kubernetes.io/job-name": job.name,
            "controller-uid": job.identity.uid,
            "job-name": job.name,
        });
        let mut meta = metadata(&job.identity, job.spec.namespace, &job.name);
        meta["generation"] = json!(1);
        if let Some((at, scheduled)) = job.cron {
            let (cron, state) = (CRONS.get(at)?, self.crons.get(at)?);
            meta["annotations"] = json!({ "batch.kubernetes.io/cronjob-scheduled-timestamp": stamp(scheduled) });
            meta["ownerReferences"] = owner("batch/v1", "CronJob", cron.name, &state.identity.uid);
        }
        Some(json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": meta,
            "spec": spec(job, &labels),
            "status": status(job),
        }))
    }

    /// The group of the scheduler's plugin coscheduling, of the Job's name.
    pub(super) fn render_pod_group(&self, id: JobId) -> Option<Value> {
        let job = self.jobs.get(&id)?;
        let mut meta = metadata(&job.identity, job.spec.namespace, &job.name);
        // It has an identity of its own, which follows from the Job's, and never changes.
        meta["uid"] = json!(mirrored(&job.identity.uid));
        meta["resourceVersion"] = json!(job.identity.created.to_string());
        Some(json!({
            "apiVersion": "scheduling.x-k8s.io/v1alpha1",
            "kind": "PodGroup",
            "metadata": meta,
            "spec": { "minMember": job.spec.parallelism, "scheduleTimeoutSeconds": 60 },
        }))
    }

    pub(super) fn render_cron(&self, at: usize) -> Option<Value> {
        let (cron, state) = (CRONS.get(at)?, self.crons.get(at)?);
        let job = &JOBS[cron.job];
        let active: Vec<Value> = state
            .active
            .iter()
            .map(|(name, uid)| json!({ "apiVersion": "batch/v1", "kind": "Job", "namespace": job.namespace, "name": name, "uid": uid }))
            .collect();
        Some(json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": metadata(&state.identity, job.namespace, cron.name),
            "spec": {
                "schedule": cron.schedule,
                "timeZone": "Etc/UTC",
                "suspend": false,
                "concurrencyPolicy": "Allow",
                "successfulJobsHistoryLimit": 3,
                "failedJobsHistoryLimit": 1,
                "jobTemplate": { "spec": {
                    "parallelism": job.parallelism,
                    "completions": job.completions,
                    "backoffLimit": job.backoff_limit,
                    "ttlSecondsAfterFinished": job.ttl,
                    "template": template(job, &Value::Null),
                } },
            },
            "status": {
                "active": active,
                "lastScheduleTime": stamp_of(state.last),
                "lastSuccessfulTime": stamp_of(state.last_success),
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn completed_indexes_are_written_as_ranges() {
        assert_eq!(ranges(&[4, 0, 3, 2]), "0,2-4");
        assert_eq!(ranges(&[1, 0]), "0,1");
        assert_eq!(ranges(&[]), "");
    }
}
