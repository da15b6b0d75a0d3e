//! The journal of writes: the intent before each request, and the result after it.
//!
//! JSON lines in `$XDG_STATE_HOME/batchtop/journal.jsonl`, readable by the user alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use serde::Serialize;
use tokio::sync::Mutex;

use super::atomic::create_private_folder;
use crate::fleet::{ObjectChange, WriteOutcome};
use crate::units::Time;

/// Size at which the journal is renamed to `journal.jsonl.1`, replacing the previous one.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The journal file.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
    /// Held while an entry is written, so that a full journal is renamed only once, and handed on in the order in which it
    /// was asked for.
    writing: Arc<Mutex<()>>,
}

/// A request, as recorded in an entry.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `protect`, `unprotect`, `undo` or `evict`.
    pub verb: &'a str,
    /// Context of the kubeconfig.
    pub context: &'a str,
    /// URL of the API server.
    pub server: &'a str,
    /// The change that is requested.
    pub change: &'a ObjectChange,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    at: String,
    stage: &'a str,
    verb: &'a str,
    context: &'a str,
    server: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    uid: String,
    #[serde(flatten)]
    values: Option<Values<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// The annotation before and after, both `null` where it is absent.
#[derive(Serialize)]
struct Values<'a> {
    from: Option<&'a str>,
    to: Option<&'a str>,
}

impl Journal {
    /// The journal in a state folder; created with the first entry.
    pub fn in_folder(state: &Path) -> Self {
        Self { path: state.join("journal.jsonl"), writing: Arc::default() }
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records a request that is about to be made; returns when the entry is on disk.
    pub async fn intent(&self, at: Time, request: Request<'_>) -> io::Result<()> {
        self.append(&entry(at, "intent", request, None)).await
    }

    /// Records the result of a request.
    pub async fn result(&self, at: Time, request: Request<'_>, outcome: &WriteOutcome) -> io::Result<()> {
        self.append(&entry(at, "result", request, Some(outcome))).await
    }

    /// Writes on a thread for what may block: a slow disk or a network drive must stop neither screen nor network.
    async fn append(&self, entry: &Entry<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let (path, writing) = (self.path.clone(), Arc::clone(&self.writing).lock_owned().await);
        let written = tokio::task::spawn_blocking(move || {
            let written = append_line(&path, &line);
            drop(writing);
            written
        });
        written.await.map_err(io::Error::other)?
    }
}

fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    end_torn_line(&mut file)?;
    file.write_all(line)?;
    file.sync_data()
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        create_private_folder(folder)?;
    }
    if fs::metadata(path).is_ok_and(|known| known.len() >= MAX_BYTES) {
        fs::rename(path, path.with_extension("jsonl.1"))?;
    }
    // Without NONBLOCK, to open a pipe would wait for the other end.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// Ends the last line if a crash or a full disk has cut it off, so that the next entry is a line of its own.
fn end_torn_line(file: &mut File) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

fn entry<'a>(at: Time, stage: &'a str, request: Request<'a>, outcome: Option<&WriteOutcome>) -> Entry<'a> {
    let change = request.change;
    let values = change.value().map(|change| Values { from: change.from.as_deref(), to: change.to.as_deref() });
    let key = change.key();
    Entry {
        at: at.to_string(),
        stage,
        verb: request.verb,
        context: request.context,
        server: request.server,
        kind: key.kind.name(),
        namespace: &key.object.namespace,
        name: &key.object.name,
        uid: change.uid().to_string(),
        values,
        outcome: outcome.map(word),
        message: outcome.and_then(detail),
    }
}

fn word(outcome: &WriteOutcome) -> &'static str {
    match outcome {
        WriteOutcome::Done => "done",
        WriteOutcome::ChangedBySomebody { .. } => "changed-by-somebody",
        WriteOutcome::Recreated => "recreated",
        WriteOutcome::Gone => "gone",
        WriteOutcome::Refused { .. } => "refused",
        WriteOutcome::Unanswered { .. } => "unanswered",
        WriteOutcome::NotJournaled { .. } => "not-journaled",
    }
}

fn detail(outcome: &WriteOutcome) -> Option<String> {
    match outcome {
        WriteOutcome::ChangedBySomebody { now } => Some(format!("now {now:?}")),
        WriteOutcome::Refused { code, message } => Some(format!("{code}: {message}")),
        WriteOutcome::Unanswered { message } | WriteOutcome::NotJournaled { message } => Some(message.clone()),
        WriteOutcome::Done | WriteOutcome::Recreated | WriteOutcome::Gone => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::fleet::{ChangedValue, Key, Kind, ObjectKey, PodEviction, Uid, ValueChange};

    fn change() -> ObjectChange {
        ObjectChange::Value(ValueChange {
            key: Key::new(Kind::Pod, ObjectKey::new("ml", "train-0")),
            value: ChangedValue::DoNotDisrupt,
            uid: Uid::parse("0a1b2c3d-0000-4fff-8123-00000000000f"),
            resource_version: "7".into(),
            from: None,
            to: Some("true".into()),
        })
    }

    fn request(change: &ObjectChange) -> Request<'_> {
        Request { verb: "protect", context: "prod", server: "https://10.0.0.1", change }
    }

    #[tokio::test]
    async fn an_incomplete_last_line_is_terminated_before_the_next_entry() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::in_folder(state.path());
        fs::write(journal.path(), "{\"whole\":1}\n{\"at\":\"2026-").expect("a torn journal");
        let change = change();
        for _ in 0..2 {
            journal.intent(Time::from_seconds(0), request(&change)).await.expect("intent");
        }
        let text = fs::read_to_string(journal.path()).expect("journal");
        let readable: Vec<bool> =
            text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).collect();
        assert_eq!(readable, [true, false, true, true], "{text}");
    }

    #[tokio::test]
    async fn a_pipe_as_journal_is_refused_without_waiting() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::in_folder(state.path());
        assert!(std::process::Command::new("mkfifo").arg(journal.path()).status().expect("mkfifo runs").success());
        let change = change();
        let refused = journal.intent(Time::from_seconds(0), request(&change)).await.expect_err("refused");
        assert_eq!(refused.to_string(), "it is not a regular file");
    }

    #[test]
    fn journal_entries_are_written_on_blocking_threads() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::in_folder(state.path());
        let change = change();
        // With the only such thread in use, an entry has to wait, and everything else goes on.
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.max_blocking_threads(1).build().expect("a runtime");
        let (release, held) = std::sync::mpsc::channel::<()>();
        runtime.block_on(async {
            let busy = tokio::task::spawn_blocking(move || held.recv());
            let mut intent = std::pin::pin!(journal.intent(Time::from_seconds(0), request(&change)));
            assert!(futures::poll!(&mut intent).is_pending() && !journal.path().exists());
            release.send(()).expect("the thread waits");
            intent.await.expect("written");
            busy.await.expect("the thread ended").expect("released");
        });
        assert!(journal.path().exists());
    }

    #[tokio::test]
    async fn journal_entries_keep_their_order() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::in_folder(state.path());
        let change = change();
        // Somebody writes; the entries wait.
        let writing = Arc::clone(&journal.writing).lock_owned().await;
        let at = |seconds| journal.intent(Time::from_seconds(seconds), request(&change));
        let release = async {
            tokio::task::yield_now().await;
            drop(writing);
        };
        let (first, second, third, ()) = tokio::join!(at(1), at(2), at(3), release);
        first.and(second).and(third).expect("intents");
        let text = fs::read_to_string(journal.path()).expect("journal");
        let times: Vec<bool> =
            text.lines().zip(1..).map(|(line, at)| line.contains(&format!("00:00:0{at}Z"))).collect();
        assert_eq!(times, [true; 3], "{text}");
    }

    #[tokio::test]
    async fn intent_and_result_are_two_lines_that_only_the_user_can_read() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::in_folder(&state.path().join("batchtop"));
        let (change, at) = (change(), Time::from_seconds(0));
        journal.intent(at, request(&change)).await.expect("intent");
        let refused = WriteOutcome::Refused { code: 403, message: "no".into() };
        journal.result(at, request(&change), &refused).await.expect("result");
        let text = fs::read_to_string(journal.path()).expect("journal");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0]["stage"].as_str(), lines[0]["to"].as_str()), (Some("intent"), Some("true")));
        assert_eq!((lines[1]["outcome"].as_str(), lines[1]["message"].as_str()), (Some("refused"), Some("403: no")));
        let mode = fs::metadata(journal.path()).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn an_eviction_is_recorded_without_values_and_with_the_words_of_the_server() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::in_folder(state.path());
        let (key, uid) = (change().key().clone(), change().uid().clone());
        let change = ObjectChange::Eviction(PodEviction { key, uid });
        let request = Request { verb: "evict", ..request(&change) };
        journal.intent(Time::from_seconds(0), request).await.expect("intent");
        let refused = WriteOutcome::Refused { code: 429, message: "over budget".into() };
        journal.result(Time::from_seconds(1), request, &refused).await.expect("result");
        let text = fs::read_to_string(journal.path()).expect("journal");
        let entry = |stage: &str, rest: &str| {
            format!(
                r#""stage":"{stage}","verb":"evict","context":"prod","server":"https://10.0.0.1","kind":"Pod","namespace":"ml","name":"train-0","uid":"0a1b2c3d-0000-4fff-8123-00000000000f"{rest}}}"#
            )
        };
        let refusal = r#","outcome":"refused","message":"429: over budget""#;
        let told: Vec<&str> = text.lines().map(|line| line.split_once(',').map_or("", |(_, rest)| rest)).collect();
        assert_eq!(told, [entry("intent", ""), entry("result", refusal)]);
    }

    #[tokio::test]
    async fn a_full_journal_is_renamed_and_started_anew() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::in_folder(state.path());
        File::create(journal.path()).and_then(|file| file.set_len(MAX_BYTES)).expect("a full journal");
        let change = change();
        journal.intent(Time::from_seconds(0), request(&change)).await.expect("intent");
        assert!(fs::metadata(journal.path()).expect("metadata").len() < 1024);
        assert!(state.path().join("journal.jsonl.1").exists());
    }
}
