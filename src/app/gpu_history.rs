//! What a Prometheus server is asked about the past when details are opened, and what is made of its answer.

use super::effects::Effects;
use super::{App, Effect, GpuPast, PastTold, job_state};
use crate::fleet::{Epoch, HistoryAnswer, HistoryPeriod, HistoryQuestion, HistoryTold, JobRow, Key, Kind, Uid};
use crate::insight::gpu::history::{self, NodeHistory};
use crate::units::Time;

/// At most so many values are asked for of a Job.
const MOST_STEPS_OF_JOB: i64 = 240;

/// The shortest step of a Job.
const SHORTEST_STEP_SECONDS: i64 = 60;

/// Asks of the past of an object whose details are opened, where it has accelerators.
pub(super) fn ask(app: &App, key: &Key, effects: &mut Effects) {
    if let Some(question) = question(app, key) {
        effects.push(Effect::AskHistory { epoch: app.epoch, key: key.clone(), question });
    }
}

/// A server has answered; the details may have been closed meanwhile, or be of another cluster.
pub(super) fn told(app: &mut App, epoch: Epoch, key: &Key, result: Result<Option<HistoryAnswer>, String>) {
    if epoch != app.epoch {
        return;
    }
    let past = match result {
        Ok(None) => None,
        Err(why) => Some(Err(why)),
        Ok(Some(answer)) => Some(Ok(Box::new(past(app, key, answer)))),
    };
    if let Some(detail) = app.ui.level.detail.as_mut().filter(|detail| detail.is_of(key)) {
        detail.gpu_past = past;
    }
}

fn question(app: &App, key: &Key) -> Option<HistoryQuestion> {
    match key.kind {
        Kind::Node => {
            let name = &key.object.name;
            let exporter = app.insights.gpus.of_node(name)?.activity.exporter.pod.clone();
            Some(HistoryQuestion::Node { node: name.clone(), exporter, period: last_minutes(app.now) })
        }
        Kind::Job => {
            let job = app.fleet.jobs.get(&key.object).filter(|job| has_devices(app, job))?;
            Some(HistoryQuestion::Job { job: key.object.clone(), period: since_start(app, job)? })
        }
        _ => None,
    }
}

fn has_devices(app: &App, job: &JobRow) -> bool {
    !job.requests.gpus.is_empty() || app.insights.gpus.seconds_of_job(&job.meta.uid).is_some()
}

fn last_minutes(now: Time) -> HistoryPeriod {
    let slots = i64::try_from(history::SLOTS).unwrap_or(0);
    HistoryPeriod {
        from: now.plus_seconds(-slots * history::SLOT_SECONDS),
        to: now,
        step_seconds: history::SLOT_SECONDS,
    }
}

/// From the start of a Job to its end; each value is that of the step before it.
fn since_start(app: &App, job: &JobRow) -> Option<HistoryPeriod> {
    let (from, to) = (job.started?, job_state(job, app).finished.unwrap_or(app.now));
    let seconds = to.seconds_since(from);
    let step_seconds = SHORTEST_STEP_SECONDS.max(seconds / MOST_STEPS_OF_JOB + 1);
    (seconds >= step_seconds).then(|| HistoryPeriod { from: from.plus_seconds(step_seconds), to, step_seconds })
}

fn past(app: &App, key: &Key, answer: HistoryAnswer) -> GpuPast {
    let told = match answer.told {
        HistoryTold::Node(samples) => {
            let uid = app.fleet.nodes.get(&key.object).map_or_else(|| Uid::parse(""), |node| node.meta.uid.clone());
            let mut history = NodeHistory::new(uid);
            samples.iter().for_each(|(at, devices)| history.record(*at, devices));
            PastTold::Node(history)
        }
        HistoryTold::Job(seconds) => PastTold::Job(seconds),
    };
    GpuPast { server: answer.server, at: app.now, told }
}
