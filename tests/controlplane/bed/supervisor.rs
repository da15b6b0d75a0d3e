//! The process between a test and the components it started: it is their parent,
//! and it ends them and removes the bed's folder when its standard input closes.
//! The kernel closes that pipe however the test process ends, a SIGKILL included,
//! so nothing stays behind. Should the supervisor itself be killed, the components
//! get SIGKILL from the kernel (Linux: parent death signal); only the folder stays.
//!
//! Supervisor and component launcher are the test binary itself, run again with a
//! first argument that nobody types; see [`run_if_asked`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::failure::{Context, Failure, Result};

const SUPERVISE: &str = "--bed-supervisor";
const BECOME: &str = "--bed-component";

/// How long a component may take to end after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(20);

/// A program that the supervisor runs under a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Program {
    /// Unique among the running ones.
    pub name: String,
    /// Path of the executable.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment: nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// Receives standard output and error, appended.
    pub log: PathBuf,
}

/// How to end a component.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Ending {
    /// SIGTERM, then SIGKILL if that is not enough.
    Terminate,
    /// SIGKILL at once.
    Kill,
}

#[derive(Debug, Serialize, Deserialize)]
enum Request {
    Start(Program),
    Stop { name: String, ending: Ending },
    Status { name: String },
}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Ready { folder: PathBuf },
    Started { id: u32 },
    Stopped,
    Status(State),
    Refused(String),
}

/// Whether a component runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// With this process id.
    Running(u32),
    /// It ended by itself; how, in words.
    Ended(String),
    /// Never started, or stopped on request.
    Absent,
}

/// The test's handle on its supervisor. Dropping it ends everything and waits for that.
#[derive(Debug)]
pub struct Supervisor {
    process: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Supervisor {
    /// Starts a supervisor with an empty folder of its own.
    pub fn start() -> Result<Self> {
        let mut process = this_executable()?
            .arg(SUPERVISE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Away from the terminal's group: Ctrl-C must end the tests, and the
            // supervisor must live on to clear up after them.
            .process_group(0)
            .spawn()
            .context("starting the supervisor")?;
        let requests = process.stdin.take();
        let replies = process.stdout.take().context("supervisor without output")?;
        let mut supervisor = Self { process, requests, replies: BufReader::new(replies), folder: PathBuf::new() };
        match supervisor.reply()? {
            Reply::Ready { folder } => supervisor.folder = folder,
            other => return Err(unexpected(&other)),
        }
        Ok(supervisor)
    }

    /// The folder that lives as long as the supervisor.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The supervisor's own process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Runs a program and returns its process id.
    pub fn run(&mut self, program: Program) -> Result<u32> {
        match self.ask(&Request::Start(program))? {
            Reply::Started { id } => Ok(id),
            other => Err(unexpected(&other)),
        }
    }

    /// Ends a program and waits until it is gone; no error if it is not running.
    pub fn stop(&mut self, name: &str, ending: Ending) -> Result<()> {
        match self.ask(&Request::Stop { name: name.to_owned(), ending })? {
            Reply::Stopped => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Whether a program runs.
    pub fn state(&mut self, name: &str) -> Result<State> {
        match self.ask(&Request::Status { name: name.to_owned() })? {
            Reply::Status(state) => Ok(state),
            other => Err(unexpected(&other)),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Reply> {
        let requests = self.requests.as_mut().context("the supervisor has been told to end")?;
        write_line(requests, request).context("writing to the supervisor")?;
        self.reply()
    }

    fn reply(&mut self) -> Result<Reply> {
        let mut line = String::new();
        self.replies.read_line(&mut line).context("reading from the supervisor")?;
        serde_json::from_str(&line).context("the supervisor ended or answered nonsense")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}

/// Every `main` that may start a bed calls this first. `Some`: this process was
/// started to be a supervisor or a component, has done so, and must return this code.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()?.to_str()? {
        SUPERVISE => Some(supervise()),
        BECOME => Some(become_component(arguments)),
        _ => None,
    }
}

/// A command for a short-lived helper (`kubectl`, `go`) that dies with this process.
pub fn mortal(executable: &Path) -> Result<Command> {
    let mut command = this_executable()?;
    command.arg(BECOME).arg(std::process::id().to_string()).arg(executable);
    Ok(command)
}

fn this_executable() -> Result<Command> {
    Ok(Command::new(std::env::current_exe().context("finding this executable")?))
}

fn unexpected(reply: &Reply) -> Failure {
    match reply {
        Reply::Refused(reason) => Failure::new(reason.clone()),
        other => Failure::new(format!("unexpected reply of the supervisor: {other:?}")),
    }
}

fn write_line(target: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    target.write_all(&line)?;
    target.flush()
}

/// Replaces this process by a program, after asking the kernel to kill it with its parent.
fn become_component(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let parent = arguments.next().and_then(|id| id.to_str()?.parse::<u32>().ok());
    let Some((parent, executable)) = parent.zip(arguments.next()) else {
        return ExitCode::from(2);
    };
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    // The parent may have ended before the kernel knew whom to tell.
    if std::os::unix::process::parent_id() != parent {
        return ExitCode::from(2);
    }
    let error = Command::new(&executable).args(arguments).exec();
    let _ = writeln!(io::stderr(), "cannot run {}: {error}", executable.display());
    ExitCode::from(127)
}

/// The supervisor's whole life.
fn supervise() -> ExitCode {
    let mut components = Components::default();
    match tempfile::Builder::new().prefix("batchtop-bed-").tempdir() {
        Ok(folder) => {
            let folder = folder.keep();
            let _ = serve(&folder, &mut components);
            components.kill_all();
            remove(&folder)
        }
        Err(error) => {
            let refusal = Reply::Refused(format!("creating the bed's folder: {error}"));
            let _ = write_line(&mut io::stdout(), &refusal);
            ExitCode::FAILURE
        }
    }
}

/// Answers requests until the test closes the pipe or is gone.
fn serve(folder: &Path, components: &mut Components) -> io::Result<()> {
    let mut replies = io::stdout();
    write_line(&mut replies, &Reply::Ready { folder: folder.to_owned() })?;
    for line in io::stdin().lock().lines() {
        let reply = match serde_json::from_str(&line?) {
            Ok(Request::Start(program)) => components.start(program),
            Ok(Request::Stop { name, ending }) => components.stop(&name, ending),
            Ok(Request::Status { name }) => Reply::Status(components.state(&name)),
            Err(error) => Reply::Refused(format!("bad request: {error}")),
        };
        write_line(&mut replies, &reply)?;
    }
    Ok(())
}

/// A component may still be writing its last file when it is killed: try a few times.
fn remove(folder: &Path) -> ExitCode {
    for _ in 0..50 {
        let _ = fs::remove_dir_all(folder);
        if !folder.exists() {
            return ExitCode::SUCCESS;
        }
        thread::sleep(Duration::from_millis(20));
    }
    ExitCode::FAILURE
}

/// The children of the supervisor.
#[derive(Default)]
struct Components {
    running: BTreeMap<String, Child>,
}

impl Components {
    fn start(&mut self, program: Program) -> Reply {
        let name = program.name.clone();
        if let State::Running(id) = self.state(&name) {
            return Reply::Refused(format!("{name} runs already, process {id}"));
        }
        match spawn(program) {
            Ok(child) => {
                let id = child.id();
                self.running.insert(name, child);
                Reply::Started { id }
            }
            Err(error) => Reply::Refused(format!("starting {name}: {error}")),
        }
    }

    fn stop(&mut self, name: &str, ending: Ending) -> Reply {
        let Some(mut child) = self.running.remove(name) else {
            return Reply::Stopped;
        };
        if let Ending::Terminate = ending {
            signal(&mut child, Signal::TERM);
            if ended_within(&mut child, GRACE) {
                return Reply::Stopped;
            }
        }
        signal(&mut child, Signal::KILL);
        let _ = child.wait();
        Reply::Stopped
    }

    fn state(&mut self, name: &str) -> State {
        let Some(child) = self.running.get_mut(name) else {
            return State::Absent;
        };
        match child.try_wait() {
            Ok(None) => State::Running(child.id()),
            Ok(Some(status)) => State::Ended(match status.signal() {
                Some(signal) => format!("killed by signal {signal}"),
                None => status.to_string(),
            }),
            Err(error) => State::Ended(error.to_string()),
        }
    }

    /// All at once, without grace: their data goes away with them.
    fn kill_all(&mut self) {
        for child in self.running.values_mut() {
            signal(child, Signal::KILL);
        }
        for child in self.running.values_mut() {
            let _ = child.wait();
        }
    }
}

fn spawn(program: Program) -> io::Result<Child> {
    let log: File = OpenOptions::new().create(true).append(true).open(&program.log)?;
    Command::new(std::env::current_exe()?)
        .arg(BECOME)
        .arg(std::process::id().to_string())
        .arg(program.executable)
        .args(program.arguments)
        .env_clear()
        .envs(program.environment)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
}

/// Signals the child's whole process group, of which it is the leader, unless it
/// has ended: its id may be somebody else's by now.
fn signal(child: &mut Child, signal: Signal) {
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, signal);
    }
}

fn ended_within(child: &mut Child, limit: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}
