//! A Job: how far it is, its pods by state, what becomes of its retries.

use std::collections::BTreeMap;

use super::super::context::FrameContext;
use super::super::{Line, format, jobs, words};
use super::{Page, cost, gpu_hours, node, spot_job, starts};
use crate::app::job_state;
use crate::config::Role;
use crate::fleet::{JobRow, Kind, ObjectKey, Owner, PodRow};
use crate::insight::batch;

/// Details of a Job; `None` where it is gone.
pub(super) fn page(frame: &FrameContext<'_>, key: &ObjectKey) -> Option<Page> {
    let job = frame.app.fleet.jobs.get(key)?;
    let mut page = Page::new("Job", &key.to_string());
    let state = job_state(job, frame.app);
    let reason = state.reason.as_ref().map_or_else(String::new, |reason| format!("   {reason}"));
    page.line(words::job(state.status).line().and(Role::Text, reason));
    state.message.iter().for_each(|message| page.item(Line::plain(message)));
    progress(frame, job, &state, &mut page);
    protection(frame, job, &mut page);
    starts::of_job(frame, job, &mut page);
    spot_job::section(frame, job, &mut page);
    pods(frame, job, &mut page);
    cron_job(frame, job, &mut page);
    page.conditions(frame, &job.conditions);
    Some(page)
}

fn progress(frame: &FrameContext<'_>, job: &JobRow, state: &batch::JobState, page: &mut Page) {
    page.section("PROGRESS");
    page.fact("complete", Line::plain(jobs::progress(job)));
    page.fact(
        "now",
        Line::plain(format!("{} active, {} ready, parallelism {}", job.active, job.ready, job.parallelism)),
    );
    let role = if job.failed > 0 { Role::Warn } else { Role::Text };
    page.fact("failed", Line::of(role, format!("{} of at most {}", job.failed, job.backoff_limit)));
    let clock = |at| format!("{} ({})", format::clock(frame.app.now, at), format::relative(frame.app.now, at));
    page.fact_if("started", job.started.map(clock));
    page.fact_if("finished", state.finished.map(clock));
    if let Some(started) = job.started {
        let took = state.finished.unwrap_or(frame.app.now).seconds_since(started);
        page.fact("duration", Line::plain(format::span(took)));
    }
    if let (Some(started), Some(deadline)) = (job.started, job.active_deadline_seconds) {
        page.fact("deadline", Line::plain(format::clock(frame.app.now, started.plus_seconds(deadline))));
    }
    cost::of_job(frame, job, page);
    gpu_hours::facts(frame, job, page);
    page.fact_if("queue", batch::queue(job, frame.app.fleet.workload_of(job)));
}

fn unknown(frame: &FrameContext<'_>) -> Line {
    Line::of(Role::Unknown, format!("{} {}", frame.unknown(Kind::Pod), frame.pods_unknown()))
}

fn protection(frame: &FrameContext<'_>, job: &JobRow, page: &mut Page) {
    page.section("PROTECTION");
    match frame.protected_of(job) {
        None => page.item(unknown(frame)),
        Some((0, _)) => page.item(Line::of(Role::TextDim, "none of its pods is protected")),
        Some((protected, active)) => {
            page.item(Line::of(Role::Protected, format!("▣ {protected} of {active} active pods protected")));
        }
    }
    match &job.template_do_not_disrupt {
        Some(value) => page.item(Line::plain(format!("its template has \"{value}\", so new pods have it, too"))),
        None => page.item(Line::of(Role::TextDim, "its template has no annotation: retries are not protected")),
    }
    if let Some(value) = &job.do_not_disrupt {
        page.item(Line::of(Role::Warn, format!("△ the Job itself has \"{value}\", which nothing reads")));
    }
}

fn pods(frame: &FrameContext<'_>, job: &JobRow, page: &mut Page) {
    page.section("PODS");
    if !frame.pods_known_of(job) {
        page.item(unknown(frame));
        return;
    }
    let mut pods: Vec<&PodRow> = frame.app.fleet.pods_of_job(&job.meta.uid).collect();
    pods.sort_by(|a, b| (a.phase, &a.meta.key).cmp(&(b.phase, &b.meta.key)));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    pods.iter().for_each(|pod| *counts.entry(pod.phase.name()).or_default() += 1);
    let counts: Vec<String> = counts.into_iter().map(|(phase, count)| format!("{count} {phase}")).collect();
    page.item(Line::plain(if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }));
    for pod in pods.into_iter().take(MOST_PODS) {
        let place = pod.node.as_ref().map_or_else(String::new, |node| format!("  on {node}"));
        page.item(node::pod_line(frame, pod).and(Role::TextDim, place));
    }
}

/// The Pods screen, narrowed to the Job, has them all.
const MOST_PODS: usize = 100;

fn cron_job(frame: &FrameContext<'_>, job: &JobRow, page: &mut Page) {
    let Some(owner) = &job.owner else { return };
    page.section("BELONGS TO");
    page.fact("owner", jobs::owner(Some(owner)));
    let Some(cron_job) = find(frame, job, owner) else { return };
    let zone = cron_job.time_zone.as_ref().map_or_else(String::new, |zone| format!(" ({zone})"));
    page.fact("schedule", Line::plain(format!("{}{zone}", cron_job.schedule)));
    if cron_job.suspended {
        page.fact("", Line::of(Role::Warn, "△ the CronJob is suspended"));
    }
    let clock = |at| format!("{} ({})", format::clock(frame.app.now, at), format::relative(frame.app.now, at));
    page.fact_if("last run", cron_job.last_schedule.map(clock));
    page.fact_if("last success", cron_job.last_success.map(clock));
}

fn find<'a>(frame: &FrameContext<'a>, job: &JobRow, owner: &Owner) -> Option<&'a crate::fleet::CronJobRow> {
    let key = ObjectKey { namespace: job.meta.key.namespace.clone(), name: owner.name.clone() };
    frame.app.fleet.cron_jobs.get(&key).filter(|row| owner.kind == "CronJob" && row.meta.uid == owner.uid)
}
