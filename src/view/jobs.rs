//! Cells and sentence of the screen Jobs: how far each is, and what of it is protected.

use std::cmp::Reverse;

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::{Line, TableView, format, money, start_words, words};
use crate::app::screens::jobs as columns;
use crate::app::{self, gang_starts};
use crate::config::Role;
use crate::fleet::{JobRow, Key, Kind, Owner};
use crate::insight::batch::{self, JobState, JobStatus};
use crate::insight::insights::GpuSeconds;

/// Look of the screen Jobs.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &cells(), |key| row(frame, key.object()?)),
    sentence: |frame, key| row(frame, key.object()?).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// A row of Jobs, from which its cells are written.
pub(super) struct Row<'a> {
    frame: &'a FrameContext<'a>,
    job: &'a JobRow,
    state: JobState,
}

/// The row of a key.
pub(super) fn row<'a>(frame: &'a FrameContext<'a>, key: &Key) -> Option<Row<'a>> {
    let job = frame.app.fleet.jobs.get(&key.object).filter(|_| key.kind == Kind::Job)?;
    Some(Row { frame, job, state: app::job_state(job, frame.app) })
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NAME, Row::name),
        Shown::new(&columns::NAMESPACE, Row::namespace),
        Shown::new(&columns::STATUS, Row::status),
        Shown::new(&columns::WHY, Row::why),
        Shown::new(&columns::PROGRESS, Row::progress),
        Shown::new(&columns::ACTIVE, Row::active),
        Shown::new(&columns::READY, Row::ready),
        Shown::new(&columns::FAILED, Row::failed),
        Shown::new(&columns::GPU, Row::gpu),
        Shown::new(&columns::BUSY, Row::busy),
        Shown::new(&columns::EFFICIENCY, Row::efficiency),
        Shown::new(&columns::COST, Row::cost),
        Shown::new(&columns::PAID, Row::paid),
        Shown::new(&columns::PROTECTION, Row::protected),
        Shown::new(&columns::AGE, Row::age),
        Shown::new(&columns::DURATION, Row::duration),
        Shown::new(&columns::OWNER, Row::owner),
    ]
}

/// `3/8`, or what a work queue has done so far.
pub(super) fn progress(job: &JobRow) -> String {
    let progress = batch::progress(job);
    match progress.wanted {
        Some(wanted) => format!("{}/{wanted}", progress.done),
        None => format!("{} done", progress.done),
    }
}

/// `CronJob nightly`.
pub(super) fn owner(owner: Option<&Owner>) -> Line {
    words::or_none(owner.map(|owner| format!("{} {}", owner.kind, owner.name)))
}

impl Row<'_> {
    fn name(&self) -> Line {
        Line::of(Role::TextStrong, &self.job.meta.key.name)
    }

    fn namespace(&self) -> Line {
        Line::plain(&self.job.meta.key.namespace)
    }

    fn status(&self) -> Line {
        words::job(self.state.status).line()
    }

    /// In the words of who knows: the Job's own reason, else what most of its pods wait for.
    fn why(&self) -> Line {
        match &self.state.reason {
            _ if self.state.status == JobStatus::Complete => return Line::new(),
            Some(reason) => return Line::plain(reason),
            None => {}
        }
        let now = self.frame.app.now;
        let starts = gang_starts(self.frame.app, self.job).into_iter();
        let mut waiting: Vec<(String, usize)> = Vec::new();
        for words in starts.filter_map(|start| start_words::waits_for(start, now)) {
            match waiting.iter_mut().find(|(known, _)| *known == words) {
                Some((_, pods)) => *pods += 1,
                None => waiting.push((words, 1)),
            }
        }
        match waiting.into_iter().min_by_key(|(_, pods)| Reverse(*pods)) {
            None => Line::new(),
            Some((words, 1)) => Line::plain(words),
            Some((words, pods)) => Line::plain(format!("{words} ×{}", format::count(pods))),
        }
    }

    fn progress(&self) -> Line {
        Line::plain(progress(self.job))
    }

    fn active(&self) -> Line {
        Line::plain(format::count(self.job.active))
    }

    fn ready(&self) -> Line {
        Line::plain(format::count(self.job.ready))
    }

    fn failed(&self) -> Line {
        let role = if self.job.failed > 0 { Role::Warn } else { Role::Text };
        Line::of(role, format!("{}/{}", self.job.failed, self.job.backoff_limit))
    }

    fn gpu(&self) -> Line {
        if !self.frame.pods_known_of(self.job) {
            return Line::of(Role::Unknown, self.frame.unknown(Kind::Pod));
        }
        match self.frame.app.insights.picture.job(self.job).map_or(0, |picture| picture.gpu_requested.ceil()) {
            0 => Line::new(),
            gpus => Line::of(Role::Gpu, format::count(gpus)),
        }
    }

    /// How busy the accelerators of its pods are.
    fn busy(&self) -> Line {
        let told = self.frame.app.insights.gpus.utilization_of_job(&self.frame.app.fleet, &self.job.meta.uid);
        told.map_or_else(Line::new, |utilization| Line::of(Role::Gpu, format::utilization(utilization)))
    }

    /// How much of the time its accelerators were busy.
    fn efficiency(&self) -> Line {
        let seconds = self.frame.app.insights.gpus.seconds_of_job(&self.job.meta.uid);
        let share = seconds.and_then(GpuSeconds::efficiency_millionths);
        let percent = share.and_then(|millionths| format::percent(millionths, 1_000_000));
        percent.map_or_else(Line::new, Line::plain)
    }

    /// What its pods pay now.
    fn cost(&self) -> Line {
        money::of_job(self.frame, self.job)
    }

    /// What they have paid since batchtop looks on.
    fn paid(&self) -> Line {
        money::paid_by_job(self.frame, self.job)
    }

    fn protected(&self) -> Line {
        match self.frame.protected_of(self.job) {
            None => Line::of(Role::Unknown, self.frame.unknown(Kind::Pod)),
            Some((0, _)) => Line::new(),
            Some((protected, active)) => Line::of(Role::Protected, format!("▣ {protected}/{active}")),
        }
    }

    fn age(&self) -> Line {
        Line::plain(format::age(self.frame.app.now.seconds_since(self.job.meta.created)))
    }

    fn duration(&self) -> Line {
        let Some(started) = self.job.started else { return Line::of(Role::TextDim, format::NONE) };
        let until = self.state.finished.unwrap_or(self.frame.app.now);
        Line::plain(format::age(until.seconds_since(started)))
    }

    fn owner(&self) -> Line {
        owner(self.job.owner.as_deref())
    }

    /// What a colleague would say about it.
    pub(super) fn sentence(&self) -> Line {
        let state = words::job(self.state.status);
        let line = Line::of(state.role, state.glyph).and(Role::Text, " Job ");
        line.and(Role::TextStrong, self.job.meta.key.to_string())
            .and(Role::Text, format!(" {}{}", self.what(), self.protection()))
    }

    fn what(&self) -> String {
        let now = self.frame.app.now;
        let reason = self.state.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        let message = self.state.message.as_ref();
        let finished = self.state.finished.map_or_else(String::new, |at| format!(" {}", format::relative(now, at)));
        match self.state.status {
            JobStatus::Suspended => {
                message.map_or_else(|| format!("is suspended{reason}"), |it| format!("is suspended: {it}"))
            }
            JobStatus::Queued => message
                .map_or_else(|| "is suspended until its queue admits it".to_owned(), |it| format!("is queued: {it}")),
            JobStatus::Pending => {
                format!("waits: none of its {} is ready", format::plural(self.job.active, "active pod"))
            }
            JobStatus::Running => {
                format!("runs: {} complete, {} ready", progress(self.job), format::plural(self.job.ready, "pod"))
            }
            JobStatus::Complete => format!("completed{finished}"),
            JobStatus::Failed => {
                format!("failed{finished}{reason} after {}", format::plural(self.job.failed, "failed pod"))
            }
        }
    }

    fn protection(&self) -> String {
        match self.frame.protected_of(self.job) {
            Some((protected, active)) if protected > 0 => format!(", {protected} of {active} pods protected"),
            _ => String::new(),
        }
    }
}
