//! The Job and CronJob controllers, and the people who submit Jobs.

use super::cast::{CRONS, JOBS, PROGRAMME};
use super::clock::{Sec, SimEvent};
use super::controllers::NewPod;
use super::events::{EventText, Recorder, Subject};
use super::model::{Job, JobCounts, JobId, JobSpec, PodId, PodOwner};
use super::world::{Item, World};
use crate::fleet::Kind;

/// How many finished Jobs of a CronJob are kept (`successfulJobsHistoryLimit`).
const HISTORY: usize = 3;
/// Back-off after the first failure; it doubles with each one (`DefaultJobPodFailureBackOff`).
const FIRST_BACKOFF: i64 = 10;
/// Longest back-off (`MaxJobPodFailureBackOff`).
const MAX_BACKOFF: i64 = 600;

impl World {
    /// Somebody submits an entry of the programme.
    pub(super) fn submit(&mut self, at: usize) {
        let Some(entry) = PROGRAMME.get(at) else { return };
        let spec = &JOBS[entry.job];
        let name = match entry.every {
            None => spec.name.to_owned(),
            Some(every) => format!("{}-{}", spec.name, 40 + (self.now - self.start).div_euclid(every) + 2),
        };
        self.create_job(spec, name, None, self.now);
        if let Some(every) = entry.every {
            self.after(every, SimEvent::Submit(at));
        }
    }

    /// Creates a Job; the controller syncs it within a second.
    pub(super) fn create_job(
        &mut self,
        spec: &'static JobSpec,
        name: String,
        cron: Option<(usize, Sec)>,
        created: Sec,
    ) -> JobId {
        let id = self.fresh_id();
        let identity = self.identity(created);
        let job = Job {
            identity,
            name,
            spec,
            cron,
            started: None,
            succeeded: Vec::new(),
            failed: 0,
            retry_at: created,
            failing: None,
            finished: None,
            counts: JobCounts::default(),
        };
        self.jobs.insert(id, job);
        self.touch(Item::Job(id));
        if spec.is_gang() {
            self.dirty.insert(Item::PodGroup(id));
        }
        if spec.suspended {
            self.job_event(id, EventText::normal("Suspended", "Job suspended"));
        } else {
            self.once_after(0, SimEvent::SyncJob(id));
        }
        id
    }

    /// A CronJob is due.
    pub(super) fn run_cron(&mut self, at: usize) {
        let Some(cron) = CRONS.get(at) else { return };
        let spec = &JOBS[cron.job];
        let name = format!("{}-{}", cron.name, self.now / 60);
        let now = self.now;
        self.create_job(spec, name.clone(), Some((at, now)), now);
        if let Some(state) = self.crons.get_mut(at) {
            state.last = Some(now);
        }
        self.cron_event(at, EventText::normal("SuccessfulCreate", format!("Created job {name}")));
        self.recount_cron(at);
        self.after(cron.every, SimEvent::Cron(at));
        self.trim_history(at);
    }

    fn trim_history(&mut self, at: usize) {
        let done: Vec<JobId> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.is_done() && job.cron.is_some_and(|(cron, _)| cron == at))
            .map(|(id, _)| *id)
            .collect();
        for id in done.iter().take(done.len().saturating_sub(HISTORY)) {
            self.delete_job(*id);
        }
    }

    /// One sync of a Job by the Job controller.
    pub(super) fn sync_job(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if job.is_done() || job.spec.suspended {
            return;
        }
        job.started.get_or_insert(now);
        let over_limit = job.failed > job.spec.backoff_limit;
        let complete = i64::try_from(job.succeeded.len()).unwrap_or(i64::MAX) >= job.spec.completions;
        let retry_at = job.retry_at;
        if over_limit {
            self.fail_job(id);
        } else if complete {
            self.complete_job(id);
        } else if now < retry_at {
            self.once_after(retry_at - now, SimEvent::SyncJob(id));
        } else {
            self.start_pods(id);
        }
        self.recount_job(id);
    }

    /// Counts a Job's pods into its status, and its CronJob's active Jobs into that one's.
    pub(super) fn recount_job(&mut self, id: JobId) {
        let mut counts = JobCounts::default();
        for pod in self.pods.values().filter(|pod| pod.owner == PodOwner::Job(id) && pod.finished.is_none()) {
            counts.active += i64::from(pod.deleting.is_none());
            counts.terminating += i64::from(pod.deleting.is_some());
            counts.ready += i64::from(pod.is_healthy());
        }
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.counts = counts;
        self.touch(Item::Job(id));
    }

    /// `status.active` of a CronJob.
    fn recount_cron(&mut self, at: usize) {
        let active = self
            .jobs
            .values()
            .filter(|job| !job.is_done() && job.cron.is_some_and(|(cron, _)| cron == at))
            .map(|job| (job.name.clone(), job.identity.uid.clone()))
            .collect();
        if let Some(state) = self.crons.get_mut(at) {
            state.active = active;
        }
        self.touch(Item::Cron(at));
    }

    /// Pods of a Job that have not ended; those being deleted are replaced only when they are gone
    /// (`podReplacementPolicy: Failed`, which a pod failure policy implies).
    pub(super) fn unfinished_pods(&self, job: JobId) -> Vec<PodId> {
        let of_job = |owner| owner == PodOwner::Job(job);
        self.pods.iter().filter(|(_, pod)| of_job(pod.owner) && pod.finished.is_none()).map(|(id, _)| *id).collect()
    }

    fn start_pods(&mut self, id: JobId) {
        let unfinished = self.unfinished_pods(id);
        let Some(job) = self.jobs.get(&id) else { return };
        let (spec, name) = (job.spec, job.name.clone());
        let open = spec.completions - i64::try_from(job.succeeded.len()).unwrap_or(0);
        let want = spec.parallelism.min(open) - i64::try_from(unfinished.len()).unwrap_or(0);
        let taken: Vec<i64> = job
            .succeeded
            .iter()
            .copied()
            .chain(unfinished.iter().filter_map(|pod| self.pods.get(pod)?.index))
            .collect();
        let mut free = (0..spec.completions).filter(|index| !taken.contains(index));
        let indexes: Vec<Option<i64>> =
            (0..want.max(0)).map(|_| if spec.indexed { free.next() } else { None }).collect();
        for index in indexes {
            self.start_pod_of_job(id, spec, &name, index);
        }
    }

    fn start_pod_of_job(&mut self, id: JobId, spec: &'static JobSpec, name: &str, index: Option<i64>) {
        let pod = self.create_pod_of_job(id, spec, name, index, self.now);
        let pod_name = self.pods.get(&pod).map(|pod| pod.name.clone()).unwrap_or_default();
        self.job_event(id, EventText::normal("SuccessfulCreate", format!("Created pod: {pod_name}")));
    }

    /// A pod of a Job, not bound yet.
    pub(super) fn create_pod_of_job(
        &mut self,
        id: JobId,
        spec: &'static JobSpec,
        name: &str,
        index: Option<i64>,
        created: Sec,
    ) -> PodId {
        let prefix = index.map_or_else(|| name.to_owned(), |index| format!("{name}-{index}"));
        let new =
            NewPod { namespace: spec.namespace, prefix, owner: PodOwner::Job(id), template: &spec.template, index };
        self.create_pod(&new, created)
    }

    /// A pod of a Job ended by itself.
    pub(super) fn pod_of_job_ended(&mut self, id: JobId, pod: PodId, code: i64) {
        let index = self.pods.get(&pod).and_then(|pod| pod.index);
        let now = self.now;
        if let Some(job) = self.jobs.get_mut(&id) {
            if code == 0 {
                let number = i64::try_from(job.succeeded.len()).unwrap_or(0);
                job.succeeded.push(index.unwrap_or(number));
            } else {
                let doublings = u32::try_from(job.failed.clamp(0, 10)).unwrap_or(0);
                job.retry_at = now + (FIRST_BACKOFF << doublings).min(MAX_BACKOFF);
                job.failed += 1;
            }
        }
        self.once_after(0, SimEvent::SyncJob(id));
    }

    fn complete_job(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.finished = Some(now);
        let (ttl, cron, name) = (job.spec.ttl, job.cron, job.name.clone());
        self.job_event(id, EventText::normal("Completed", "Job completed"));
        if let Some((at, _)) = cron {
            if let Some(state) = self.crons.get_mut(at) {
                state.last_success = Some(now);
            }
            self.cron_event(
                at,
                EventText::normal("SawCompletedJob", format!("Saw completed job: {name}, condition: Complete")),
            );
            self.recount_cron(at);
        }
        self.after(ttl, SimEvent::DeleteJob(id));
    }

    /// Beyond the limit of failures the remaining pods are ended first, then the Job is Failed.
    fn fail_job(&mut self, id: JobId) {
        let now = self.now;
        let unfinished = self.unfinished_pods(id);
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.failing.get_or_insert(now);
        let (grace, ttl, cron) = (job.spec.template.grace, job.spec.ttl, job.cron);
        if unfinished.is_empty() {
            job.finished = Some(now);
            let text = EventText::warning("BackoffLimitExceeded", "Job has reached the specified backoff limit");
            self.job_event(id, text);
            self.after(ttl, SimEvent::DeleteJob(id));
            if let Some((at, _)) = cron {
                self.recount_cron(at);
            }
            return;
        }
        for pod in unfinished {
            self.delete_pod(pod, grace);
        }
    }

    /// The Job's time to live is over: it goes, and its pods with it.
    pub(super) fn delete_job(&mut self, id: JobId) {
        let Some(job) = self.jobs.remove(&id) else { return };
        self.forget(Kind::Job, job.spec.namespace, &job.name);
        self.dirty.remove(&Item::Job(id));
        if job.spec.is_gang() {
            self.forget(Kind::PodGroup, job.spec.namespace, &job.name);
            self.dirty.remove(&Item::PodGroup(id));
        }
        let pods: Vec<PodId> =
            self.pods.iter().filter(|(_, pod)| pod.owner == PodOwner::Job(id)).map(|(id, _)| *id).collect();
        for pod in pods {
            self.remove_pod(pod);
        }
    }

    fn job_event(&mut self, id: JobId, text: EventText) {
        let Some(subject) = self.job_subject(id) else { return };
        self.record(Recorder::Jobs, subject, text);
    }

    fn job_subject(&self, id: JobId) -> Option<Subject> {
        let job = self.jobs.get(&id)?;
        Some(Self::batch_subject("Job", job.spec.namespace, &job.name, &job.identity.uid))
    }

    fn cron_event(&mut self, at: usize, text: EventText) {
        let (Some(cron), Some(state)) = (CRONS.get(at), self.crons.get(at)) else { return };
        let subject = Self::batch_subject("CronJob", JOBS[cron.job].namespace, cron.name, &state.identity.uid);
        self.record(Recorder::Crons, subject, text);
    }
}
