//! The real program in a pseudo-terminal, with a terminal emulator that knows what is on the screen.

#![allow(
    dead_code,
    clippy::expect_used,
    reason = "tests include this each for itself, use a part, and fail by panicking"
)]

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// How long anything may take before a test gives up; far beyond what it takes on a slow machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the emulator has seen.
struct Seen {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

/// One run of the program.
pub struct Session {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
    reader: Option<JoinHandle<()>>,
}

impl Session {
    /// Starts `program` with `args` in a terminal of this size; its home is `home`, its environment otherwise empty.
    pub fn start(program: &str, args: &[&str], env: &[(&str, &str)], home: &Path, (width, height): (u16, u16)) -> Self {
        let size = PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let child = pair.slave.spawn_command(command(program, args, env, home)).expect("the program starts");
        drop(pair.slave);
        let (rows, columns) = (NonZero::new(height).expect("rows"), NonZero::new(width).expect("columns"));
        let seen = Arc::new(Mutex::new(Seen { screen: vt100::Parser::new(rows, columns, 0), bytes: Vec::new() }));
        let reader = read_into(pair.master.try_clone_reader().expect("a reader"), Arc::clone(&seen));
        let writer = pair.master.take_writer().expect("a writer");
        Self { master: pair.master, writer, child, seen, reader: Some(reader) }
    }

    /// What is on the screen now.
    pub fn screen(&self) -> String {
        self.seen.lock().expect("no reader panicked").screen.screen().contents()
    }

    /// Red, green and blue behind the cell at the lower right; `None` for another kind of colour.
    pub fn background(&self) -> Option<[u8; 3]> {
        let seen = self.seen.lock().expect("no reader panicked");
        let (rows, columns) = seen.screen.screen().size();
        match seen.screen.screen().cell(rows.get() - 1, columns.get() - 1)?.bgcolor() {
            vt100::Color::Rgb(red, green, blue) => Some([red, green, blue]),
            _ => None,
        }
    }

    /// Whether the alternate screen is shown.
    pub fn in_alternate_screen(&self) -> bool {
        self.seen.lock().expect("no reader panicked").screen.screen().alternate_screen()
    }

    /// Everything the program wrote.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("no reader panicked").bytes).into_owned()
    }

    /// Types text, or keys as escape sequences.
    pub fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush()).expect("the terminal takes keys");
    }

    /// Waits until the screen holds `text`.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} on the screen"), |screen| screen.contains(text))
    }

    /// Waits until the screen satisfies `wanted`; fails with the screen otherwise.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}; the screen is:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Tells the program another size of the terminal, and leaves the emulator as it is.
    pub fn claim_size(&self, (width, height): (u16, u16)) {
        let size = PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("the terminal can be resized");
    }

    /// Changes the size of the terminal.
    pub fn resize(&self, (width, height): (u16, u16)) {
        self.claim_size((width, height));
        let (rows, columns) = (NonZero::new(height).expect("rows"), NonZero::new(width).expect("columns"));
        self.seen.lock().expect("no reader panicked").screen.screen_mut().set_size(rows, columns);
    }

    /// Sends a signal by name, for example `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.process_id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(sent.success(), "signal {name} to {pid}");
    }

    /// The process id.
    pub fn process_id(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Waits for the program to end, and for its last words.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end; the screen is:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no reader panicked");
        }
        (status, self.written())
    }
}

/// Starts the program, closes its terminal once `text` was drawn, and waits for it to end.
pub fn close_under(program: &str, args: &[&str], home: &Path, text: &str) -> ExitStatus {
    let pair = native_pty_system().openpty(PtySize::default()).expect("a pseudo-terminal");
    let mut child = pair.slave.spawn_command(command(program, args, &[], home)).expect("the program starts");
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let mut written = Vec::new();
    let mut chunk = [0; 16 * 1024];
    while !String::from_utf8_lossy(&written).contains(text) {
        let count = reader.read(&mut chunk).expect("the program draws");
        written.extend_from_slice(&chunk[..count]);
    }
    drop((reader, pair.master));
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("its state") {
            return status;
        }
        assert!(began.elapsed() < PATIENCE, "it does not end with its terminal");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Its home is `home`, its environment otherwise empty.
fn command(program: &str, args: &[&str], env: &[(&str, &str)], home: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.env_clear();
    command.args(args);
    command.cwd(home);
    command.env("HOME", home);
    command.env("TERM", "xterm-256color");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    env.iter().for_each(|(name, value)| command.env(name, value));
    command
}

fn read_into(mut reader: Box<dyn Read + Send>, seen: Arc<Mutex<Seen>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut chunk = [0; 16 * 1024];
        while let Ok(count) = reader.read(&mut chunk) {
            if count == 0 {
                return;
            }
            let mut seen = seen.lock().expect("no other panicked");
            seen.screen.process(&chunk[..count]);
            seen.bytes.extend_from_slice(&chunk[..count]);
        }
    })
}
