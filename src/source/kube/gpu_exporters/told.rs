//! The health of the Source, from what the exporters answered.

use super::schedule::Summary;
use crate::fleet::{Exporter, GpuFailure};

/// What is told of all exporters together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Told {
    /// None is wanted.
    NotNeeded,
    /// Some have not been asked for the first time yet.
    Reading {
        /// Those that answered so far.
        answered: u64,
    },
    /// At least one can be read.
    Live {
        /// How many of them.
        live: u64,
        /// What cannot be read.
        note: Option<String>,
    },
    /// None may be read.
    Forbidden(String),
    /// None can be read.
    Failed(String),
}

impl Told {
    /// From how the last requests ended, and what was told before. Once all have been asked, a further exporter that has
    /// not been is no reason to call the rest incomplete.
    pub(super) fn of(summary: &Summary, before: Option<&Self>) -> Self {
        let Summary { wanted, live, forbidden, failed, first } = summary;
        let is_unread = live + forbidden + failed < *wanted;
        let was_complete = !matches!(before, None | Some(Self::NotNeeded | Self::Reading { .. }));
        let why = |(exporter, failure): &(Exporter, GpuFailure)| match (wanted, failure) {
            (_, GpuFailure::Forbidden(_)) => words(exporter, failure),
            (1, GpuFailure::Failed(_)) => format!("{}: {}", exporter.pod, words(exporter, failure)),
            _ => format!(
                "none of {wanted} exporters could be read; the first: {}: {}",
                exporter.pod,
                words(exporter, failure)
            ),
        };
        match (first, live) {
            _ if *wanted == 0 => Self::NotNeeded,
            _ if is_unread && !was_complete => Self::Reading { answered: *live as u64 },
            (Some(first), 0) if *failed == 0 => Self::Forbidden(why(first)),
            (Some(first), 0) => Self::Failed(why(first)),
            // New ones have taken the place of all that had been asked.
            (None, 0) => Self::Reading { answered: 0 },
            (first, live) => Self::Live { live: *live as u64, note: first.as_ref().map(|first| note(summary, first)) },
        }
    }
}

/// `3 of 40 exporters could not be read; the first: gpu/dcgm-x: no answer within 10s`.
fn note(summary: &Summary, (exporter, failure): &(Exporter, GpuFailure)) -> String {
    let (bad, wanted) = (summary.forbidden + summary.failed, summary.wanted);
    format!("{bad} of {wanted} exporters could not be read; the first: {}: {}", exporter.pod, words(exporter, failure))
}

fn words(exporter: &Exporter, failure: &GpuFailure) -> String {
    match failure {
        GpuFailure::Forbidden(words) => {
            format!("may not get pods/proxy in namespace {}: {words}", exporter.pod.namespace)
        }
        GpuFailure::Failed(words) => words.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{ExporterKind, ObjectKey, Sym};

    fn of(wanted: usize, [live, forbidden, failed]: [usize; 3], first: Option<GpuFailure>) -> Summary {
        let exporter = Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new("gpu", "dcgm-x") };
        Summary { wanted, live, forbidden, failed, first: first.map(|failure| (exporter, failure)) }
    }

    #[test]
    fn the_health_says_how_many_can_be_read_and_why_others_cannot() {
        let hangs = || Some(GpuFailure::Failed(Sym::new("no answer within 10s")));
        let refused = || Some(GpuFailure::Forbidden(Sym::new("jane cannot")));
        let told = |summary: &Summary| Told::of(summary, None);
        assert_eq!(told(&of(0, [0, 0, 0], None)), Told::NotNeeded);
        assert_eq!(told(&of(3, [1, 0, 1], hangs())), Told::Reading { answered: 1 });
        assert_eq!(told(&of(3, [3, 0, 0], None)), Told::Live { live: 3, note: None });
        let note = "3 of 40 exporters could not be read; the first: gpu/dcgm-x: no answer within 10s";
        assert_eq!(told(&of(40, [37, 1, 2], hangs())), Told::Live { live: 37, note: Some(note.to_owned()) });
        let words = "may not get pods/proxy in namespace gpu: jane cannot";
        assert_eq!(told(&of(2, [0, 2, 0], refused())), Told::Forbidden(words.to_owned()));
        let words = "none of 2 exporters could be read; the first: gpu/dcgm-x: no answer within 10s";
        assert_eq!(told(&of(2, [0, 1, 1], hangs())), Told::Failed(words.to_owned()));
        assert_eq!(told(&of(1, [0, 0, 1], hangs())), Told::Failed("gpu/dcgm-x: no answer within 10s".to_owned()));
    }

    #[test]
    fn a_new_exporter_does_not_make_the_others_incomplete() {
        let live = Told::Live { live: 2, note: None };
        assert_eq!(Told::of(&of(3, [2, 0, 0], None), Some(&live)), live);
        assert_eq!(Told::of(&of(3, [2, 0, 0], None), Some(&Told::NotNeeded)), Told::Reading { answered: 2 });
        assert_eq!(Told::of(&of(3, [0, 0, 0], None), Some(&live)), Told::Reading { answered: 0 });
    }
}
