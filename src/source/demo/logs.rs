//! What the containers write: the logs that a kubelet would tell of them.
//!
//! Nothing is kept: a line follows from the pod and the second, so that the same second always reads the same.

use super::clock::Sec;
use super::model::{Pod, PodOwner};
use super::rng::Rng;
use super::simulation::Simulation;
use super::world::World;
use crate::fleet::{LogLine, LogQuestion, LogReport, LogRun, ObjectKey};
use crate::units::Time;

/// How many of the newest seconds are looked at when a log is opened.
const HISTORY_SECONDS: i64 = 1_800;

/// What is told of a log.
pub(super) struct ToldLog {
    /// In its order.
    pub(super) reports: Vec<LogReport>,
    /// Whether nothing more will come.
    pub(super) is_over: bool,
}

impl ToldLog {
    fn over(report: LogReport) -> Self {
        Self { reports: vec![report], is_over: true }
    }
}

impl Simulation {
    /// What a log tells between two times; `since` is the Unix epoch when it is opened.
    pub(super) fn log(&self, question: &LogQuestion, since: Time, now: Time) -> ToldLog {
        let LogQuestion { pod: key, container, run, .. } = question;
        let Some(pod) = pod_of(&self.world, key) else {
            return ToldLog::over(LogReport::Gone(format!(
                "there is no such pod any more: pods \"{}\" not found",
                key.name
            )));
        };
        if *run == LogRun::Previous {
            let words = format!("previous terminated container \"{container}\" in pod \"{}\" not found", key.name);
            return ToldLog::over(LogReport::Gone(words));
        }
        if container != pod.template.container {
            return ToldLog::over(LogReport::Ended("Completed".to_owned()));
        }
        self.log_of(pod, since, now)
    }

    fn log_of(&self, pod: &Pod, since: Time, now: Time) -> ToldLog {
        let is_first = since == Time::default();
        let Some(began) = pod.running else {
            let waiting = LogReport::Waiting("ContainerCreating".to_owned());
            return ToldLog { reports: if is_first { vec![waiting] } else { Vec::new() }, is_over: false };
        };
        let mut reports = Vec::new();
        if is_first || began > since.seconds() {
            reports.push(LogReport::Live);
        }
        let until = pod.finished.map_or(now.seconds(), |(at, _)| at.min(now.seconds()));
        let from = if is_first { began.max(until - HISTORY_SECONDS) } else { began.max(since.seconds() + 1) };
        let writer = Writer::of(&self.world, pod, began);
        let lines: Vec<LogLine> = (from..=until).flat_map(|second| writer.lines(second)).collect();
        if !lines.is_empty() {
            reports.push(LogReport::Lines(lines));
        }
        if let Some((_, code)) = pod.finished {
            let words = if code == 0 { "Completed".to_owned() } else { format!("Error, exit code {code}") };
            reports.push(LogReport::Ended(words));
        }
        ToldLog { reports, is_over: pod.finished.is_some() }
    }
}

fn pod_of<'a>(world: &'a World, key: &ObjectKey) -> Option<&'a Pod> {
    world.pods.values().find(|pod| key.namespace == pod.namespace && key.name == pod.name.as_str())
}

/// What a program writes.
#[derive(Clone, Copy)]
enum Program {
    Trainer,
    Worker,
    Notebook,
    Server,
    Agent,
}

/// The program of a container.
struct Writer {
    program: Program,
    /// Apart from those of other pods.
    seed: u64,
    began: Sec,
    finished: Option<(Sec, i64)>,
    /// How many pods train together.
    world_size: i64,
    rank: i64,
}

impl Writer {
    fn of(world: &World, pod: &Pod, began: Sec) -> Self {
        let program = match (pod.owner, pod.template.container) {
            (PodOwner::Job(_), "trainer") => Program::Trainer,
            (PodOwner::Job(_), _) => Program::Worker,
            (PodOwner::User, _) => Program::Notebook,
            (PodOwner::Deployment(_), _) => Program::Server,
            (PodOwner::Daemon(_), _) => Program::Agent,
        };
        let job = if let PodOwner::Job(id) = pod.owner { world.jobs.get(&id) } else { None };
        Self {
            program,
            seed: pod.identity.uid.bytes().fold(7, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte))),
            began,
            finished: pod.finished,
            world_size: job.map_or(1, |job| job.spec.parallelism),
            rank: pod.index.unwrap_or(0),
        }
    }

    /// What is written in a second.
    fn lines(&self, second: Sec) -> Vec<LogLine> {
        let mut rng = Rng::new(self.seed ^ second.unsigned_abs());
        let elapsed = second - self.began;
        let mut texts = match self.program {
            Program::Trainer => self.trainer(elapsed, &mut rng),
            Program::Worker => worker(elapsed, &mut rng),
            Program::Notebook => notebook(second, elapsed, &mut rng),
            Program::Server => server(elapsed, &mut rng),
            Program::Agent => agent(elapsed, &mut rng),
        };
        texts.extend(self.last_words(second));
        let at = |number: usize| Time::from_micros(second * 1_000_000 + 1_000 * i64::try_from(number).unwrap_or(0));
        texts
            .into_iter()
            .enumerate()
            .map(|(number, text)| LogLine { at: Some(at(number)), text, cut_bytes: 0 })
            .collect()
    }

    fn trainer(&self, elapsed: i64, rng: &mut Rng) -> Vec<String> {
        /// Seconds of one step.
        const STEP_SECONDS: i64 = 6;
        /// A checkpoint is written after so many steps.
        const CHECKPOINT_STEPS: i64 = 100;
        match elapsed {
            0 => {
                let (rank, size) = (self.rank, self.world_size);
                return vec![
                    format!("[rank{rank}] torch 2.9.1+cu129, NCCL 2.27.7, {size} nodes"),
                    format!("[rank{rank}] NCCL INFO Bootstrap: Using eth0, NET/OFI Selected Provider is efa"),
                    format!(
                        "[rank{rank}] \u{1b}[32mINFO\u{1b}[0m loading dataset index: 10%|#   |\r100%|####| 4,096 shards"
                    ),
                ];
            }
            _ if elapsed % STEP_SECONDS != 0 => return Vec::new(),
            _ => {}
        }
        let step = elapsed / STEP_SECONDS;
        // 1.9 at last, beginning with 10.4.
        let loss = 19_000 + 85_000 / (1 + step / 40) + rng.between((-900, 900));
        let line = format!(
            "[rank{}] step {step:>6}  loss {}.{:04}  grad 0.{:02}  lr 3.0e-04  {} tokens/s",
            self.rank,
            loss / 10_000,
            loss % 10_000,
            rng.between((31, 88)),
            thousands(rng.between((181_000, 189_500))),
        );
        let mut texts = vec![line];
        if step % CHECKPOINT_STEPS == 0 {
            texts.push(format!(
                "[rank{}] \u{1b}[32mINFO\u{1b}[0m saved checkpoint to s3://ml-checkpoints/step-{step:06} in {}.{}s",
                self.rank,
                rng.between((11, 19)),
                rng.between((0, 9)),
            ));
        }
        texts
    }

    /// What a program that fails writes at its end.
    fn last_words(&self, second: Sec) -> Vec<String> {
        let has_failed = self.finished.is_some_and(|(at, code)| at == second && code != 0);
        let error = match self.program {
            Program::Trainer if has_failed => "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.31 GiB",
            Program::Worker if has_failed => {
                "ValueError: shard has 3 columns, expected 4: text, source, language, license"
            }
            _ => return Vec::new(),
        };
        let trace =
            ["Traceback (most recent call last):", "  File \"/app/main.py\", line 214, in <module>", "    main()"];
        trace.into_iter().chain([error]).map(str::to_owned).collect()
    }
}

fn worker(elapsed: i64, rng: &mut Rng) -> Vec<String> {
    match elapsed {
        0 => vec!["worker started, queue sqs://frames-todo".to_owned()],
        _ if elapsed % 4 == 0 => vec![format!(
            "done shard-{:05}: {} rows, {} rejected, {}.{}s",
            elapsed / 4,
            thousands(rng.between((38_000, 61_000))),
            rng.between((0, 40)),
            rng.between((2, 5)),
            rng.between((0, 9)),
        )],
        _ => Vec::new(),
    }
}

fn notebook(second: Sec, elapsed: i64, rng: &mut Rng) -> Vec<String> {
    let clock = Time::from_seconds(second).to_string().replace('T', " ").replace('Z', ".000");
    let line = |words: &str| vec![format!("[I {clock} ServerApp] {words}")];
    match elapsed {
        0 => line("Jupyter Server 2.17.0 is running at http://0.0.0.0:8888/lab"),
        _ if rng.chance(3) => line("Saving file at /experiments/ablation.ipynb"),
        _ if rng.chance(1) => line("Kernel interrupted: 8f0c2f1e-6a53-4a39-9d0e-2f6f7f1a9f42"),
        _ => Vec::new(),
    }
}

fn server(elapsed: i64, rng: &mut Rng) -> Vec<String> {
    if elapsed == 0 {
        return vec!["listening on 0.0.0.0:8080".to_owned()];
    }
    let requests = rng.below(4);
    let request = |rng: &mut Rng| {
        let status = if rng.chance(2) { 503 } else { 200 };
        let path = rng.pick(&["/v1/predict", "/v1/embed", "/healthz", "/v1/search?k=20"]).copied().unwrap_or("/");
        format!(
            "10.0.{}.{} \"POST {path} HTTP/1.1\" {status} {}ms",
            rng.below(90),
            rng.below(250),
            rng.between((3, 210))
        )
    };
    (1..requests).map(|_| request(rng)).collect()
}

fn agent(elapsed: i64, rng: &mut Rng) -> Vec<String> {
    match elapsed {
        0 => vec!["I starting, waiting for caches to sync".to_owned(), "I caches are in sync".to_owned()],
        _ if elapsed % 30 == 0 => vec![format!("I reconciled node in {}ms", rng.between((4, 80)))],
        _ => Vec::new(),
    }
}

/// `182,304`.
fn thousands(number: i64) -> String {
    format!("{},{:03}", number / 1_000, number % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Time {
        Time::parse("2026-11-20T12:00:00Z").unwrap_or_default()
    }

    fn lines(told: &ToldLog) -> Vec<LogLine> {
        let of_report =
            |report: &LogReport| if let LogReport::Lines(lines) = report { lines.clone() } else { Vec::new() };
        told.reports.iter().flat_map(of_report).collect()
    }

    #[test]
    fn every_pod_has_a_log_and_it_goes_on_without_a_gap() {
        let mut simulation = Simulation::new(1, start());
        let keys: Vec<(ObjectKey, String)> = simulation
            .world
            .pods
            .values()
            .map(|pod| (ObjectKey::new(pod.namespace, &pod.name), pod.template.container.to_owned()))
            .collect();
        let later = start().plus_seconds(600);
        let ask = |pod: &ObjectKey, container: &str| LogQuestion {
            pod: pod.clone(),
            container: container.to_owned(),
            run: LogRun::Present,
            restarts: 0,
        };
        let first: Vec<_> =
            keys.iter().map(|(pod, name)| simulation.log(&ask(pod, name), Time::default(), start())).collect();
        assert!(first.iter().all(|told| !told.reports.is_empty()));
        assert!(first.iter().filter(|told| !lines(told).is_empty()).count() > 200);
        simulation.advance(later);
        for ((pod, name), before) in keys.iter().zip(&first).filter(|(_, told)| !told.is_over) {
            let rest = simulation.log(&ask(pod, name), start(), later);
            let whole = simulation.log(&ask(pod, name), Time::default(), later);
            let (before, rest, whole) = (lines(before), lines(&rest), lines(&whole));
            let joined: Vec<_> = before.into_iter().chain(rest).collect();
            assert!(joined.ends_with(&whole) || whole.ends_with(&joined), "{pod}: {joined:?} {whole:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_said() {
        let simulation = Simulation::new(1, start());
        let pod = ObjectKey::new("research", "jupyter-mkowalski");
        let ask =
            |pod: &ObjectKey, run| LogQuestion { pod: pod.clone(), container: "notebook".to_owned(), run, restarts: 0 };
        for question in [ask(&pod, LogRun::Previous), ask(&ObjectKey::new("ml", "none"), LogRun::Present)] {
            let told = simulation.log(&question, Time::default(), start());
            assert!(told.is_over && matches!(&told.reports[..], [LogReport::Gone(_)]), "{question:?}");
        }
    }
}
