//! Jobs: how far each is, and what of it is protected.

use super::columns::{Size, Spec};
use super::facts::Seen;
use super::{Line, format, money, words};
use crate::app::{self, Column};
use crate::config::Role;
use crate::fleet::{JobRow, Key, Kind, Owner};
use crate::insight::batch::{self, JobState, JobStatus};

/// One row.
pub(super) struct Row<'a> {
    app: &'a Seen<'a>,
    job: &'a JobRow,
    state: JobState,
}

/// The row of a key.
pub(super) fn row<'a>(app: &'a Seen<'a>, key: &Key) -> Option<Row<'a>> {
    let job = app.app().fleet.jobs.get(&key.object).filter(|_| key.kind == Kind::Job)?;
    Some(Row { app, job, state: app::job_state(job, app) })
}

/// The columns.
pub(super) fn columns<'a>() -> Vec<Spec<Row<'a>>> {
    vec![
        Spec::left("NAME", 0, Size(16, 20, 60), Row::name).by(Column::Name),
        Spec::left("NS", 3, Size(8, 14, 24), Row::namespace).by(Column::Namespace),
        Spec::left("STATUS", 1, Size(11, 14, 34), Row::status).by(Column::Status),
        Spec::right("PROGRESS", 2, Size(8, 11, 14), Row::progress).by(Column::Progress),
        Spec::right("ACTIVE", 5, Size(6, 7, 7), Row::active).by(Column::Active),
        Spec::right("READY", 7, Size(5, 7, 7), Row::ready),
        Spec::right("FAILED", 6, Size(6, 8, 8), Row::failed).by(Column::Failed),
        Spec::right("GPU", 4, Size(3, 5, 5), Row::gpu).by(Column::Gpu),
        Spec::right("$/H", 4, Size(5, 7, 12), Row::cost).by(Column::Cost),
        Spec::right("PAID", 8, Size(6, 7, 12), Row::paid).by(Column::Paid),
        Spec::left("PROTECTED", 4, Size(9, 9, 11), Row::protected).by(Column::Protection),
        Spec::right("AGE", 4, Size(5, 6, 6), Row::age).by(Column::Age),
        Spec::right("DURATION", 8, Size(8, 8, 8), Row::duration).by(Column::Duration),
        Spec::left("OWNER", 9, Size(8, 20, 36), Row::owner).by(Column::Owner),
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
        let line = words::job(self.state.status).line();
        match &self.state.reason {
            Some(reason) if self.state.status == JobStatus::Failed => line.and(Role::TextDim, format!(" {reason}")),
            _ => line,
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
        if !self.app.pods_known_of(self.job) {
            return Line::of(Role::Unknown, self.app.unknown(Kind::Pod));
        }
        match self.app.insights.picture.job(self.job).map_or(0, |picture| picture.gpu_requested) {
            0 => Line::new(),
            gpus => Line::of(Role::Gpu, format::count(gpus)),
        }
    }

    /// What its pods pay now.
    fn cost(&self) -> Line {
        money::of_job(self.app, self.job)
    }

    /// What they have paid since batchtop looks on.
    fn paid(&self) -> Line {
        money::paid_by_job(self.app, self.job)
    }

    fn protected(&self) -> Line {
        match self.app.protected_of(self.job) {
            None => Line::of(Role::Unknown, self.app.unknown(Kind::Pod)),
            Some((0, _)) => Line::new(),
            Some((protected, active)) => Line::of(Role::Protected, format!("▣ {protected}/{active}")),
        }
    }

    fn age(&self) -> Line {
        Line::plain(format::age(self.app.now.seconds_since(self.job.meta.created)))
    }

    fn duration(&self) -> Line {
        let Some(started) = self.job.started else { return Line::of(Role::TextDim, format::NONE) };
        let until = self.state.finished.unwrap_or(self.app.now);
        Line::plain(format::age(until.seconds_since(started)))
    }

    fn owner(&self) -> Line {
        owner(self.job.owner.as_ref())
    }

    /// What a colleague would say about it.
    pub(super) fn sentence(&self) -> Line {
        let state = words::job(self.state.status);
        let line = Line::of(state.role, state.glyph).and(Role::Text, " Job ");
        line.and(Role::TextStrong, self.job.meta.key.to_string())
            .and(Role::Text, format!(" {}{}", self.what(), self.protection()))
    }

    fn what(&self) -> String {
        let now = self.app.now;
        let reason = self.state.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        let finished = self.state.finished.map_or_else(String::new, |at| format!(" {}", format::relative(now, at)));
        match self.state.status {
            JobStatus::Suspended => format!("is suspended{reason}"),
            JobStatus::Queued => "is suspended until its queue admits it".to_owned(),
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
        match self.app.protected_of(self.job) {
            Some((protected, active)) if protected > 0 => format!(", {protected} of {active} pods protected"),
            _ => String::new(),
        }
    }
}
