//! The terminal: taken, given back, and written to. Whatever happens, it is given back as it was.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// One frame fits; a frame is then one write.
const WRITE_BUFFER_BYTES: usize = 64 * 1024;

/// Whether the terminal is ours; read by the hook of panics, which has no other way to know.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether standard input and output are both a terminal.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Gives the terminal back, as often as it is called; errors are of no use to anybody here.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = queue!(out, DisableMouseCapture, DisableBracketedPaste, EndSynchronizedUpdate);
    let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// The terminal while it is ours.
pub struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: MouseUse,
}

/// Whether the mouse is asked for; while it is, the terminal's own selection needs shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MouseUse {
    /// Rows can be clicked, the wheel scrolls.
    On,
    /// The terminal keeps it.
    Off,
}

impl Terminal {
    /// Takes the terminal.
    pub fn take(mouse: MouseUse) -> io::Result<Self> {
        let out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, io::stdout());
        let inner = ratatui::Terminal::new(CrosstermBackend::new(out))?;
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
            queue!(out, EnableMouseCapture)?;
        }
        Write::flush(out)?;
        self.forget()
    }

    /// Forgets what the terminal shows, so that the next frame is drawn in full. Not `clear`, which asks the terminal
    /// where its cursor is and waits for the answer among the keys.
    fn forget(&mut self) -> io::Result<()> {
        let size = self.inner.size()?;
        self.inner.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Gives the terminal back until [`Self::resume`].
    pub fn pause() {
        restore();
    }

    /// Takes the terminal again after a pause.
    pub fn resume(&mut self) -> io::Result<()> {
        self.enter()
    }

    /// Width and height.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.inner.size().map(|size| (size.width, size.height))
    }

    /// Draws one frame in one write. `paint` returns where the cursor stands, if it is to be seen.
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
