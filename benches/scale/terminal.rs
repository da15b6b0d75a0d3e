//! The program in a pseudo-terminal, with the moment at which each change came to its screen.
//!
//! Separate from the terminal of the tests, which does not record times.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::Screen;

use crate::bed::{Context, Failure, Result};

/// Rows and columns.
const SIZE: (u16, u16) = (50, 200);

/// Longest wait for a change of the screen.
const PATIENCE: Duration = Duration::from_mins(4);

/// State of the emulator, and when its last input arrived.
struct ScreenState {
    emulator: vt100::Parser,
    at: Instant,
    /// No more will come: the program has ended.
    ended: bool,
}

type Shared = Arc<(Mutex<ScreenState>, Condvar)>;

/// One run of the program; dropping it ends it.
pub struct Terminal {
    seen: Shared,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    began: Instant,
    /// Closing this end would hang up.
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts a program; its home is `home`, its environment otherwise has PATH and these variables.
    pub fn start(program: &str, arguments: &[&str], home: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        let size = PtySize { rows: SIZE.0, cols: SIZE.1, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).context("a pseudo-terminal")?;
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        command.args(arguments);
        command.cwd(home);
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in variables {
            command.env(name, value);
        }
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).context(program)?;
        let rows = NonZero::new(SIZE.0).context("rows")?;
        let columns = NonZero::new(SIZE.1).context("columns")?;
        let seen = ScreenState { emulator: vt100::Parser::new(rows, columns, 0), at: began, ended: false };
        let seen: Shared = Arc::new((Mutex::new(seen), Condvar::new()));
        let reader = pair.master.try_clone_reader().context("reading the terminal")?;
        let shared = Arc::clone(&seen);
        thread::spawn(move || read(reader, &shared));
        let writer = pair.master.take_writer().context("writing to the terminal")?;
        Ok(Self { seen, writer, child, began, _master: pair.master })
    }

    /// Start time.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Process id.
    pub fn id(&self) -> Result<u32> {
        self.child.process_id().context("the program has ended")
    }

    /// Types.
    pub fn send(&mut self, keys: &str) -> Result<()> {
        self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush()).context("typing")
    }

    /// One row of the screen now.
    pub fn row(&self, row: usize) -> String {
        row_of(self.seen().emulator.screen(), row)
    }

    /// All text of the screen now.
    pub fn contents(&self) -> String {
        self.seen().emulator.screen().contents()
    }

    /// Waits until the screen is as wanted, and says when what made it so arrived.
    pub fn wait(&self, what: &str, wanted: impl Fn(&Screen) -> bool) -> Result<Instant> {
        let end = Instant::now() + PATIENCE;
        let mut seen = self.seen();
        while !wanted(seen.emulator.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.ended {
                let screen = seen.emulator.screen().contents();
                return Err(Failure::new(format!("waited in vain for {what}; the screen is:\n{screen}")));
            }
            let waited = self.seen.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(seen.at)
    }

    fn seen(&self) -> MutexGuard<'_, ScreenState> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One row of a screen.
pub fn row_of(screen: &Screen, row: usize) -> String {
    screen.rows(0, SIZE.1).nth(row).unwrap_or_default()
}

fn read(mut reader: Box<dyn Read + Send>, (seen, changed): &(Mutex<ScreenState>, Condvar)) {
    let mut chunk = [0; 16 * 1024];
    while let Ok(count @ 1..) = reader.read(&mut chunk) {
        let at = Instant::now();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.emulator.process(&chunk[..count]);
        seen.at = at;
        changed.notify_all();
    }
    seen.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    changed.notify_all();
}
