//! Signals for the event loop.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Reaction that a signal requires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interrupt {
    /// Quit, with the number of the signal.
    End(i32),
    /// Stop until SIGCONT.
    Stop,
    /// Continued after SIGSTOP, which cannot be caught.
    Continued,
}

/// The signals that batchtop handles.
pub struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    quit: Signal,
    stop: Signal,
    continued: Signal,
}

impl Signals {
    /// Installs the handlers.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            stop: signal(SignalKind::from_raw(SIGTSTP))?,
            continued: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.terminate.recv() => Interrupt::End(SIGTERM),
            _ = self.hang_up.recv() => Interrupt::End(SIGHUP),
            _ = self.interrupt.recv() => Interrupt::End(SIGINT),
            _ = self.quit.recv() => Interrupt::End(SIGQUIT),
            _ = self.stop.recv() => Interrupt::Stop,
            _ = self.continued.recv() => Interrupt::Continued,
        }
    }
}

/// Stops this process as if SIGTSTP were not caught; returns when it is continued.
pub fn stop_self() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(SIGTSTP)
}
