//! The terminal: raw mode, alternate screen, drawing. Restored however the program ends.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::{TerminalOptions, Viewport};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::oneshot;

/// Size of the write buffer; a frame fits, so that it is one write.
const WRITE_BUFFER_BYTES: usize = 64 * 1024;

/// The most columns and rows that are drawn. A terminal may claim to have 65,535 of each, for which there is no memory.
const MAX_SIZE: Size = Size { width: 1_024, height: 512 };

/// Clicks and the wheel (1000), at any width (1006). Not the movements that crossterm asks for as well (1002, 1003): they are
/// not used, and are twelve bytes for each cell.
const ENABLE_CLICKS: &str = "\u{1b}[?1000h\u{1b}[?1006h";

/// Whether the terminal is in raw mode; global, because the panic hook reads it.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether standard input and output are both a terminal.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Restores the terminal; may be called repeatedly. Errors are ignored, because nothing could be done about them.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = queue!(out, DisableMouseCapture, DisableBracketedPaste, EndSynchronizedUpdate);
    let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// Whether an error of the terminal means that it has gone away: its window was closed, or its connection broke.
pub fn is_gone(error: &io::Error) -> bool {
    let gone = [Errno::IO, Errno::NXIO, Errno::NODEV, Errno::PIPE].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| gone.contains(&code))
}

/// Tells when the terminal goes away. Whoever leads the session gets SIGHUP then, but a program that it started may get
/// nothing, and crossterm reads for ever from what is no longer there. Where this cannot be watched it is never told.
pub fn hang_up() -> oneshot::Receiver<()> {
    let (gone, told) = oneshot::channel();
    // The thread sleeps until then, or until the program ends.
    std::thread::spawn(move || {
        if wait_for_hang_up() {
            // Nobody listens if the program is leaving already.
            let _ = gone.send(());
        }
    });
    told
}

fn wait_for_hang_up() -> bool {
    loop {
        let input = rustix::stdio::stdin();
        // No event is asked for: the end of the terminal is told in any case.
        let mut fds = [PollFd::new(&input, PollFlags::empty())];
        match poll(&mut fds, None) {
            Ok(_) => return fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR),
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// The terminal in raw mode; restored when dropped.
pub struct Terminal {
    /// Never dropped: ratatui would show the cursor, which [`restore`] does, and panic where the terminal is gone.
    inner: ManuallyDrop<ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
    mouse: MouseUse,
}

/// Whether mouse events are captured; if so, selecting text in the terminal requires shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MouseUse {
    /// Captured: rows can be clicked, the wheel scrolls.
    On,
    /// Left to the terminal.
    Off,
}

impl Terminal {
    /// Enters raw mode and the alternate screen.
    pub fn take(mouse: MouseUse) -> io::Result<Self> {
        let out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, io::stdout());
        // Fixed: of itself ratatui follows the terminal to any size.
        let viewport = Viewport::Fixed(Rect::default());
        let options = TerminalOptions { viewport };
        let inner = ManuallyDrop::new(ratatui::Terminal::with_options(CrosstermBackend::new(out), options)?);
        let mut terminal = Self { inner, mouse };
        terminal.enter()?;
        Ok(terminal)
    }

    fn enter(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        let out = self.inner.backend_mut();
        queue!(out, EnterAlternateScreen, cursor::Hide, EnableBracketedPaste)?;
        if self.mouse == MouseUse::On {
            queue!(out, Print(ENABLE_CLICKS))?;
        }
        Write::flush(out)?;
        self.forget()
    }

    /// Forgets what the terminal shows, so that the next frame is drawn in full. Not `clear`, which asks the terminal
    /// where its cursor is and waits for the answer among the keys.
    fn forget(&mut self) -> io::Result<()> {
        let (width, height) = self.size()?;
        self.inner.resize(Rect::new(0, 0, width, height))
    }

    /// Asks the terminal something; its answer comes among the keys.
    pub fn ask(&mut self, question: &str) -> io::Result<()> {
        let out = self.inner.backend_mut();
        queue!(out, Print(question))?;
        Write::flush(out)
    }

    /// Uses the mouse from now on, or leaves it to the terminal.
    pub fn use_mouse(&mut self, mouse: MouseUse) -> io::Result<()> {
        if mouse == self.mouse {
            return Ok(());
        }
        self.mouse = mouse;
        let out = self.inner.backend_mut();
        match mouse {
            MouseUse::On => queue!(out, Print(ENABLE_CLICKS))?,
            MouseUse::Off => queue!(out, DisableMouseCapture)?,
        }
        Write::flush(out)
    }

    /// Restores the terminal until [`Self::resume`].
    pub fn pause() {
        restore();
    }

    /// Enters raw mode again after [`Self::pause`].
    pub fn resume(&mut self) -> io::Result<()> {
        self.enter()
    }

    /// Follows the size of the terminal; width and height in cells that are drawn from now on.
    pub fn fit(&mut self) -> io::Result<(u16, u16)> {
        let size = self.size()?;
        let drawn = self.inner.get_frame().area();
        if size != (drawn.width, drawn.height) {
            self.forget()?;
        }
        Ok(size)
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.inner.size()?;
        Ok((size.width.min(MAX_SIZE.width), size.height.min(MAX_SIZE.height)))
    }

    /// Draws one frame in one write. `paint` returns the position of the cursor, `None` to hide it.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer) -> Option<Position>) -> io::Result<()> {
        queue!(self.inner.backend_mut(), BeginSynchronizedUpdate)?;
        self.inner.draw(|frame| {
            if let Some(position) = paint(frame.buffer_mut()) {
                frame.set_cursor_position(position);
            }
        })?;
        queue!(self.inner.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.inner.backend_mut())
    }

    /// Asks the terminal to put text on the clipboard (OSC 52, which also works over SSH).
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let out = self.inner.backend_mut();
        queue!(out, crossterm::clipboard::CopyToClipboard::to_clipboard_from(text))?;
        Write::flush(out)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}
