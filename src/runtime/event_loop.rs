//! The event loop: takes messages, calls `update`, performs effects, and draws frames when they are due.

use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::REPORTS_BOUND;
use super::backend::Backend;
use super::background;
use super::clock::Clock;
use super::configuration_watch::{READINGS_BOUND, Reading};
use super::dashboard;
use super::editor;
use super::effects::Executor;
use super::failure::Failure;
use super::in_force::{self, InForce};
use super::keys::{self, Input};
use super::options::Options;
use super::pace::Pacer;
use super::save;
use super::signals::{Interrupt, Signals};
use super::state::StateFiles;
use super::terminal::{self, MouseUse, Terminal};
use crate::app::{self, App, Effect, Mouse, Msg, Notice, Severity, update};
use crate::config::{Setting, Theme};
use crate::fleet::{Epoch, Report};
use crate::ui;
use crate::view::{self, Hit, Screen};

/// Time after which no further report is begun before keys are handled: one takes up to 2 ms, and a step of the loop has 4.
const REPORTS_TURN: Duration = Duration::from_millis(2);

/// Capacity of the channel of answers; tasks wait when it is full.
const ANSWERS_BOUND: usize = 16;

/// State of the event loop.
pub struct EventLoop {
    app: App,
    in_force: InForce,
    theme: Theme,
    terminal: Terminal,
    executor: Executor,
    reports: mpsc::Receiver<(Epoch, Report)>,
    done: mpsc::Receiver<Msg>,
    clock: Clock,
    pacer: Pacer,
    shown: Option<Screen>,
    /// Name and text that are to be shown in the user's editor.
    to_edit: Option<(String, String)>,
    /// Picks the answer about the background out of the keys, where the terminal was asked.
    background: Option<background::Answer>,
    began: Instant,
}

/// Reason why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The user quit.
    Left,
    /// The terminal has gone away.
    HungUp,
    /// A signal with this number.
    Signal(i32),
}

impl EventLoop {
    /// Creates the loop; [`Self::run`] connects to the cluster.
    pub fn new(
        app: App,
        in_force: InForce,
        terminal: Terminal,
        clock: Clock,
        backend: Backend,
        state: Option<StateFiles>,
    ) -> Self {
        let (sink, reports) = mpsc::channel(REPORTS_BOUND);
        let (answers, done) = mpsc::channel(ANSWERS_BOUND);
        let executor = Executor::new(backend, sink, answers, clock.clone(), state);
        let (pacer, began) = (Pacer::default(), Instant::now());
        Self {
            app,
            theme: in_force.theme(),
            in_force,
            terminal,
            executor,
            reports,
            done,
            clock,
            pacer,
            shown: None,
            to_edit: None,
            background: None,
            began,
        }
    }

    /// Asks the terminal for its background, where that decides about the theme.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn ask_background(&mut self) -> io::Result<()> {
        if self.in_force.asks_for_background() {
            self.terminal.ask(background::QUESTION)?;
            self.background = Some(background::Answer::asked(Instant::now()));
        }
        Ok(())
    }

    /// Connects and runs until the user quits or a signal arrives.
    ///
    /// # Errors
    /// When the terminal cannot be read or written.
    pub async fn run(mut self) -> io::Result<Ended> {
        let ended = self.follow().await;
        self.done.close();
        self.executor.finish_writes().await;
        ended
    }

    /// Handles whatever comes, until something ends the program.
    async fn follow(&mut self) -> io::Result<Ended> {
        let mut signals = Signals::new()?;
        let mut events = EventStream::new();
        let mut hang_up = pin!(gone());
        let mut clock = tokio::time::interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        self.resize()?;
        self.draw(Frame::Key)?;
        self.executor.connect(self.app.epoch, None);
        self.executor.follow_files();
        let (readings, mut read) = mpsc::channel(READINGS_BOUND);
        tokio::spawn(self.in_force.follow(readings));
        loop {
            tokio::select! {
                biased;
                interrupt = signals.next() => match interrupt {
                    Interrupt::End(signal) => return Ok(Ended::Signal(signal)),
                    Interrupt::Stop => self.stop()?,
                    Interrupt::Continued => self.resume()?,
                },
                () = &mut hang_up => return Ok(Ended::HungUp),
                event = events.next() => match event {
                    Some(Ok(event)) => if self.take_event(event)? { return Ok(Ended::Left) },
                    Some(Err(_)) | None => return Ok(Ended::HungUp),
                },
                () = due(self.background.as_ref().and_then(background::Answer::due)) => {
                    let told = self.background.as_mut().map(background::Answer::give_up);
                    if self.take_told(told.unwrap_or_default())? { return Ok(Ended::Left) }
                }
                Some(reading) = read.recv() => self.read_anew(reading)?,
                Some(msg) = self.done.recv() => if self.handle_answer(msg)? { return Ok(Ended::Left) },
                () = sleep_until(self.began, self.pacer.due()) => self.frame()?,
                () = std::future::ready(()), if self.app.insights.has_work() => self.run_insights(),
                Some(report) = self.reports.recv() => self.handle_reports(report),
                _ = clock.tick() => self.tick(),
            }
            if let Some((name, text)) = self.to_edit.take() {
                // The editor reads the keys, and nobody else.
                drop(events);
                let ended = self.edit(&name, &text, &mut signals).await?;
                events = EventStream::new();
                if let Some(ended) = ended {
                    return Ok(ended);
                }
            }
        }
    }

    /// Handles an event, unless it is a part of the answer about the background.
    fn take_event(&mut self, event: Event) -> io::Result<bool> {
        match &mut self.background {
            None => self.handle_event(event),
            Some(answer) => {
                let told = answer.take(event, Instant::now());
                self.take_told(told)
            }
        }
    }

    fn take_told(&mut self, told: background::Told) -> io::Result<bool> {
        if let Some(background) = told.background {
            self.in_force.set_background(background);
            let options = self.in_force.options().clone();
            self.configure(Ok(options))?;
        }
        for event in told.events {
            if self.handle_event(event)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next frame is drawn even if it says the same.
    fn draw_anew(&mut self) {
        self.shown = None;
        self.pacer.key();
    }

    fn handle_event(&mut self, event: Event) -> io::Result<bool> {
        let msg = match keys::input(event) {
            Some(Input::Msg(msg)) => Some(msg),
            Some(Input::Click(x, y)) => self.click(x, y).map(Msg::Mouse),
            Some(Input::Resize) => Some(self.new_size()?),
            None => None,
        };
        msg.map_or(Ok(false), |msg| self.handle_key(msg))
    }

    /// The row or tab at this cell of the last frame, as a mouse message.
    fn click(&self, x: u16, y: u16) -> Option<Mouse> {
        Some(match self.shown.as_ref()?.hit(x, y)? {
            Hit::Row(key) => Mouse::Row(key),
            Hit::Title(screen) => Mouse::Title(screen),
            Hit::Column(column) => Mouse::Column(column),
        })
    }

    /// Handles what a request or a log brings. Lines of a log are drawn with the next frame of data.
    fn handle_answer(&mut self, msg: Msg) -> io::Result<bool> {
        if matches!(msg, Msg::Log { .. }) {
            self.change(msg);
            return Ok(false);
        }
        self.handle_key(msg)
    }

    /// Handles a message whose effect the user waits for, and draws at once. Returns whether to quit.
    fn handle_key(&mut self, msg: Msg) -> io::Result<bool> {
        let effects = update(&mut self.app, msg);
        self.pacer.key();
        self.perform(effects)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> io::Result<bool> {
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(true),
                Effect::Set { setting, value } => {
                    let options = self.in_force.set(setting, value);
                    self.configure(options)?;
                }
                Effect::Connect { context, epoch } => {
                    self.choose_context(&context)?;
                    self.executor.perform(Effect::Connect { context, epoch }, &self.app.cluster);
                }
                Effect::Suspend => self.stop()?,
                Effect::Redraw => self.resume()?,
                Effect::Copy(text) => self.terminal.copy(&text)?,
                Effect::Edit { name, text } => self.to_edit = Some((name, text)),
                Effect::Save { format, path, existing } => {
                    let content = save::content(&self.app, &self.theme, format);
                    self.executor.save(format, path, content, existing);
                }
                other => self.executor.perform(other, &self.app.cluster),
            }
        }
        Ok(false)
    }

    /// Puts the settings of a context in force. Where they cannot be read nothing is written: they may forbid it.
    fn choose_context(&mut self, context: &str) -> io::Result<()> {
        let options = self.in_force.choose_context(context);
        let mistake = options.as_ref().ok().and_then(|options| dashboard::problem_summary(&options.problems));
        if self.configure(options)?.is_none() {
            let settings = app::Settings { readonly: true, ..self.app.settings.clone() };
            self.change(Msg::Configured(Box::new(settings)));
        }
        if let Some(text) = mistake {
            self.change(Msg::Notice(Notice { severity: Severity::Error, text }));
        }
        Ok(())
    }

    /// The files changed: what is in them is put in force, unless there is a mistake in it.
    fn read_anew(&mut self, reading: Reading) -> io::Result<()> {
        if let Some(notice) = in_force::refusal(&reading) {
            self.change(Msg::Notice(notice));
            return Ok(());
        }
        if let Some(changed) = self.configure(reading.map(|options| *options))? {
            self.change(Msg::Notice(in_force::news(&changed)));
        }
        Ok(())
    }

    /// Puts settings in force, and says which of them are others than before; `None` where they could not be read.
    fn configure(&mut self, options: Result<Options, Failure>) -> io::Result<Option<Vec<&'static Setting>>> {
        let replaced = options.and_then(|options| self.in_force.replace(options));
        let (settings, changed) = match replaced {
            Ok(replaced) => replaced,
            Err(failure) => {
                self.change(Msg::Notice(Notice { severity: Severity::Error, text: failure.message }));
                return Ok(None);
            }
        };
        let options = self.in_force.options();
        self.terminal.use_mouse(if options.mouse { MouseUse::On } else { MouseUse::Off })?;
        self.executor.configure(self.in_force.connection(), &options.files);
        self.theme = self.in_force.theme();
        self.change(Msg::Configured(Box::new(settings)));
        self.draw_anew();
        Ok(Some(changed))
    }

    fn handle_reports(&mut self, first: (Epoch, Report)) {
        let turn = Instant::now();
        let mut next = Some(first);
        while let Some((epoch, report)) = next {
            let effects = update(&mut self.app, Msg::Source(epoch, report));
            effects.into_iter().for_each(|effect| self.executor.perform(effect, &self.app.cluster));
            next = if turn.elapsed() < REPORTS_TURN { self.reports.try_recv().ok() } else { None };
        }
        self.pacer.data();
    }

    fn tick(&mut self) {
        self.change(Msg::Clock((self.clock)()));
    }

    /// Runs one slice of the insights while nothing else is due.
    fn run_insights(&mut self) {
        self.change(Msg::Work);
    }

    /// Handles a message that no key caused; drawn with the next frame that is due.
    fn change(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg);
        effects.into_iter().for_each(|effect| self.executor.perform(effect, &self.app.cluster));
        self.pacer.data();
    }

    fn frame(&mut self) -> io::Result<()> {
        let now = self.began.elapsed();
        self.draw(if self.pacer.data_due(now) { Frame::Data } else { Frame::Key })
    }

    /// Derives the screen and draws it if it differs from the one shown.
    fn draw(&mut self, frame: Frame) -> io::Result<()> {
        let began = self.began.elapsed();
        update(&mut self.app, frame.msg());
        let screen = view::derive(&self.app);
        update(&mut self.app, Msg::Geometry(screen.geometry));
        if self.shown.as_ref() != Some(&screen) {
            self.terminal.draw(|buffer| ui::draw(&screen, &self.theme, buffer))?;
            self.shown = Some(screen);
        }
        self.pacer.drawn(began, self.began.elapsed().saturating_sub(began));
        Ok(())
    }

    fn resize(&mut self) -> io::Result<()> {
        let size = self.new_size()?;
        update(&mut self.app, size);
        Ok(())
    }

    /// Follows the size of the terminal.
    fn new_size(&mut self) -> io::Result<Msg> {
        let (width, height) = self.terminal.fit()?;
        Ok(Msg::Resize { width, height })
    }

    /// Restores the terminal and stops the process, as ctrl-z does; returns when continued.
    fn stop(&mut self) -> io::Result<()> {
        Terminal::pause();
        super::signals::stop_self()?;
        self.resume()
    }

    /// Shows a text in the user's editor and waits until that ends; a signal may end batchtop before.
    async fn edit(&mut self, name: &str, text: &str, signals: &mut Signals) -> io::Result<Option<Ended>> {
        let editor = editor::editor();
        Terminal::pause();
        let (told, ended) = match show(name, text, &editor, signals).await {
            Ok(Shown::Left(told)) => (told, None),
            Ok(Shown::Ended(signal)) => (None, Some(Ended::Signal(signal))),
            Err(error) => (Some((Severity::Error, format!("{editor} cannot be used: {error}"))), None),
        };
        self.resume()?;
        if let Some((severity, text)) = told {
            self.change(Msg::Notice(Notice { severity, text }));
        }
        Ok(ended)
    }

    fn resume(&mut self) -> io::Result<()> {
        self.terminal.resume()?;
        self.shown = None;
        self.resize()?;
        self.pacer.key();
        Ok(())
    }
}

/// How showing a text in an editor ended.
enum Shown {
    /// The editor was left; what is to be said of it.
    Left(Option<(Severity, String)>),
    /// A signal with this number ends batchtop.
    Ended(i32),
}

/// Shows a copy of a text in an editor.
async fn show(name: &str, text: &str, editor: &str, signals: &mut Signals) -> io::Result<Shown> {
    let copy = editor::Copy::of(name, text)?;
    let mut child = copy.open(editor)?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            interrupt = signals.next() => match interrupt {
                Interrupt::End(signal) => return Ok(Shown::Ended(signal)),
                // The editor stops by itself; whoever waits for it has to stop as well.
                Interrupt::Stop => super::signals::stop_self()?,
                Interrupt::Continued => {}
            },
        }
    };
    if !status.success() {
        return Ok(Shown::Left(Some((Severity::Warning, format!("{editor} ended with {status}")))));
    }
    let is_changed = copy.is_changed();
    let told = || (Severity::Warning, "what was changed in the editor is not applied".to_owned());
    Ok(Shown::Left(is_changed.then(told)))
}

/// Cause of a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// A key or the mouse; rows keep their order.
    Key,
    /// New data; rows are sorted anew.
    Data,
}

impl Frame {
    /// What the App does before such a frame.
    const fn msg(self) -> Msg {
        match self {
            Self::Key => Msg::KeyFrame,
            Self::Data => Msg::Frame,
        }
    }
}

/// Waits until the terminal goes away; for ever where that cannot be watched.
async fn gone() {
    if terminal::hang_up().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(began: Instant, due: Option<Duration>) {
    match due {
        Some(due) => tokio::time::sleep_until((began + due).into()).await,
        None => std::future::pending().await,
    }
}
