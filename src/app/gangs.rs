//! The starts of the pods of each Job, together.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::App;
use crate::fleet::{JobRow, Uid};
use crate::insight::cold_start::{ColdStart, starts_together};
use crate::insight::relation;

/// So many pods of a Job wait for one another: one alone is no gang.
const FEWEST_PODS: usize = 2;

/// The known starts of the pods of a Job.
pub fn starts_of<'a>(app: &'a App, job: &JobRow) -> Vec<&'a ColdStart> {
    let pods = app.fleet.pods_of_job(&job.meta.uid);
    pods.filter_map(|pod| app.insights.starts.of_pod(&pod.meta.key)).collect()
}

/// The Jobs whose pods start together and of which several starts are known, each with these.
pub fn all(app: &App) -> Vec<(&JobRow, Vec<&ColdStart>)> {
    let mut by_job: HashMap<&Uid, (&JobRow, Vec<&ColdStart>), RandomState> = HashMap::default();
    for start in app.insights.starts.all() {
        let job = app.fleet.pods.get(&start.pod).and_then(|pod| relation::job_of(&app.fleet, pod));
        if let Some(job) = job.filter(|job| starts_together(job)) {
            by_job.entry(&job.meta.uid).or_insert_with(|| (job, Vec::new())).1.push(start);
        }
    }
    by_job.into_values().filter(|(_, starts)| starts.len() >= FEWEST_PODS).collect()
}
