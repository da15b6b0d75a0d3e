//! Spot capacity in the details of a Job: what it loses if one of its pools goes.

use super::super::context::FrameContext;
use super::super::{Line, format, spot};
use super::Page;
use crate::config::Role;
use crate::fleet::{DisruptedPods, JobRow, PodRow};
use crate::insight::picture::JobStake;
use crate::insight::spot::SpotPool;

/// More pools of one Job nobody reads.
const MOST_POOLS: usize = 20;

/// What goes with each spot pool on which the Job has pods, the one with most of them first. Nothing where there is none.
pub(super) fn section(frame: &FrameContext<'_>, job: &JobRow, page: &mut Page) {
    if !frame.pods_known_of(job) {
        return;
    }
    let pods: Vec<&PodRow> = frame.app.fleet.pods_of_job(&job.meta.uid).filter(|pod| pod.is_active()).collect();
    let there = |pool: &SpotPool| {
        pods.iter().filter(|pod| pod.node.as_ref().is_some_and(|node| pool.members.contains_key(node))).count()
    };
    let all = frame.app.insights.spot.pools().filter(|pool| pool.stake.jobs.contains_key(&job.meta.key));
    let mut pools: Vec<(usize, &SpotPool)> = all.map(|pool| (there(pool), pool)).collect();
    pools.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.key.cmp(&b.1.key)));
    let Some(((most, _), _)) = pools.split_first() else { return };
    page.section("IF THIS POOL GOES NOW");
    for (count, pool) in pools.iter().take(MOST_POOLS) {
        pool_line(frame, job, pool, (*count, pods.len()), page);
    }
    if pools.len() > MOST_POOLS {
        let more = format!("and {}", format::plural(pools.len() - MOST_POOLS, "other pool"));
        page.item(Line::of(Role::TextDim, more));
    }
    if *most > 0 {
        page.item(Line::of(Role::TextDim, retries(job)));
    }
}

fn pool_line(frame: &FrameContext<'_>, job: &JobRow, pool: &SpotPool, (count, all): (usize, usize), page: &mut Page) {
    let line = Line::of(Role::TextStrong, pool.key.to_string())
        .and(Role::Text, "  ")
        .then(spot::state(pool.state, pool.ends_at, frame.app.now))
        .and(Role::TextDim, "  risk ")
        .then(spot::risk(&pool.score, &frame.app.settings.spot));
    page.item(line);
    let since = pool.stake.jobs.get(&job.meta.key).copied().flatten();
    let loss = JobStake::of(&frame.app.fleet, &job.meta.key, since, frame.app.work_settings());
    let pods = format!("  {} of its {} go:", format::count(count), format::plural(all, "active pod"));
    page.item(Line::plain(pods).then(loss.as_ref().map(spot::job_loss).unwrap_or_default()));
}

/// What becomes of the pods that go.
fn retries(job: &JobRow) -> String {
    match job.disrupted_pods {
        DisruptedPods::Counted => {
            format!("each pod that goes counts as a failure: {} of at most {} so far", job.failed, job.backoff_limit)
        }
        DisruptedPods::Ignored => "pods that go do not count as failures".to_owned(),
        DisruptedPods::FailJob => "the first pod that goes fails the Job".to_owned(),
        DisruptedPods::FailIndex => "the index of a pod that goes fails".to_owned(),
    }
}
