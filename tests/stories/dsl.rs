//! The language of the stories: keys in, what a person would notice out.

use batchtop::app::{
    App, DeviceId, DeviceKey, Effect, Msg, ObservedKey, Overlay, RowKey, Screen, Settings, Severity, WriteDialog,
    settle, update,
};
use batchtop::fleet::{Epoch, Key, LogQuestion, ObjectChange, Report, WriteOutcome};
use batchtop::input::Chord;
use batchtop::insight::cost::CostGroup;
use batchtop::view;

use crate::fixture::noon;
use crate::keys;

/// An App with a past.
pub struct Story {
    pub app: App,
    /// What the last keys asked of the outside.
    pub effects: Vec<Effect>,
}

/// A story that begins with these reports.
pub fn story(reports: Vec<Report>) -> Story {
    story_with(reports, Settings::default())
}

pub fn story_with(reports: Vec<Report>, settings: Settings) -> Story {
    let settings = Settings { keymap: keys::default(), ..settings };
    let mut story = Story { app: App::new(settings, noon()), effects: Vec::new() };
    story.send(Msg::Resize { width: 100, height: 24 });
    story.told(reports)
}

impl Story {
    /// One message, then all work that it leaves and a frame, as in the event loop.
    pub fn send(&mut self, msg: Msg) {
        self.effects = update(&mut self.app, msg);
        self.effects.extend(settle(&mut self.app));
        self.draw();
    }

    /// What a frame shows now.
    pub fn draw(&mut self) -> view::Screen {
        draw(&mut self.app)
    }

    /// Sources report, all in one moment, then a frame is drawn.
    pub fn told(mut self, reports: Vec<Report>) -> Self {
        for report in reports {
            let epoch = self.app.epoch;
            update(&mut self.app, Msg::Source(epoch, report));
        }
        settle(&mut self.app);
        self.send(Msg::Frame);
        self
    }

    /// Presses keys: `j`, `ctrl-d`, `space`; `'text'` types each character.
    pub fn keys(mut self, keys: &str) -> Self {
        let mut effects = Vec::new();
        for chord in chords(keys) {
            self.send(Msg::Key(chord));
            effects.append(&mut self.effects);
        }
        self.effects = effects;
        self
    }

    /// Time passes, second by second.
    pub fn seconds(mut self, seconds: i64) -> Self {
        for _ in 0..seconds {
            let now = self.app.now.plus_seconds(1);
            self.send(Msg::Clock(now));
        }
        self
    }

    pub fn answered(mut self, write: u64, item: usize, outcome: WriteOutcome) -> Self {
        self.send(Msg::Written { write, item, outcome });
        self
    }

    /// Answers every request as done, and those that follow.
    pub fn all_done(mut self) -> Self {
        let mut waiting = std::mem::take(&mut self.effects);
        while let Some(effect) = waiting.pop() {
            if let Effect::Write { write, item, .. } = effect {
                self.send(Msg::Written { write, item, outcome: WriteOutcome::Done });
                waiting.append(&mut self.effects);
            }
        }
        self
    }

    pub fn screen(self, want: Screen) -> Self {
        assert_eq!(self.app.ui.level.screen, want);
        self
    }

    /// The rows, in order, by name.
    pub fn rows(self, want: &[&str]) -> Self {
        let rows: Vec<String> = self.app.ui.listing.rows.iter().map(row_name).collect();
        assert_eq!(rows, want);
        self
    }

    pub fn selected(self, want: &str) -> Self {
        let selected = self.app.ui.listing.rows.get(self.app.ui.listing.cursor).map(row_words);
        assert_eq!(selected.as_deref(), Some(want));
        self
    }

    pub fn marks(self, want: &[&str]) -> Self {
        assert_eq!(self.app.ui.marks.iter().map(words).collect::<Vec<_>>(), want);
        self
    }

    /// What the keys asked of the outside, one line each.
    pub fn asks(self, want: &[&str]) -> Self {
        assert_eq!(self.effects.iter().map(effect_words).collect::<Vec<_>>(), want);
        self
    }

    pub fn says(self, part: &str) -> Self {
        let text = self.app.ui.notice.as_ref().map_or("", |(notice, _)| &notice.text);
        assert!(text.contains(part), "the notice is {text:?}, wanted {part:?}");
        self
    }

    pub fn says_nothing(self) -> Self {
        assert_eq!(self.app.ui.notice, None);
        self
    }

    pub fn severity(self, want: Severity) -> Self {
        assert_eq!(self.app.ui.notice.as_ref().map(|(notice, _)| notice.severity), Some(want));
        self
    }

    pub fn nothing_open(self) -> Self {
        assert!(self.app.ui.overlay.is_none(), "{:?}", self.app.ui.overlay);
        self
    }

    pub fn dialog(&self) -> &WriteDialog {
        match &self.app.ui.overlay {
            Some(Overlay::Write(dialog)) => dialog,
            other => panic!("no dialog but {other:?}; notice {:?}", self.app.ui.notice),
        }
    }

    /// The dialog's title, as verb and subject.
    pub fn asks_to(self, want: &str) -> Self {
        let dialog = self.dialog();
        assert_eq!(format!("{} {} in {}", dialog.verb.name(), dialog.subject, dialog.context), want);
        self
    }

    pub fn notes(self, part: &str) -> Self {
        let notes = &self.dialog().notes;
        assert!(notes.iter().any(|note| note.contains(part)), "{notes:?} lack {part:?}");
        self
    }

    pub fn no_note(self, part: &str) -> Self {
        let notes = &self.dialog().notes;
        assert!(!notes.iter().any(|note| note.contains(part)), "{notes:?} have {part:?}");
        self
    }

    pub fn skips(self, want: &[&str]) -> Self {
        let skipped: Vec<String> =
            self.dialog().skipped.iter().map(|it| format!("{}: {}", words(&it.key), it.reason)).collect();
        assert_eq!(skipped, want);
        self
    }

    pub fn refuses(self, part: &str) -> Self {
        let error = self.dialog().error.clone().unwrap_or_default();
        assert!(error.contains(part), "{error:?} lacks {part:?}");
        self
    }

    pub fn ends(self, part: &str) -> Self {
        let ends = self.dialog().ends.clone().unwrap_or_default();
        assert!(ends.contains(part), "{ends:?} lacks {part:?}");
        self
    }
}

/// `ml/train-0`, `Named("gpu")`.
pub fn row_name(row: &RowKey) -> String {
    match row {
        RowKey::Object(key) => key.object.to_string(),
        RowKey::CostKey(payer) => payer_name(&payer.1),
        RowKey::Device(device) => device_name(device),
        RowKey::DeviceGroup(group) => group.1.words(group.0),
        RowKey::SpotPool(pool) => pool.to_string(),
        RowKey::SpotZone(zone) => zone.to_string(),
        RowKey::Observed(observed) => observed_name(observed),
        RowKey::Matter(matter) => format!("{} {}", matter.concern.name(), matter.object),
        RowKey::Incident(incident) => format!("{} {}", incident.kind.name(), incident.name),
    }
}

fn row_words(row: &RowKey) -> String {
    match row {
        RowKey::Object(key) => words(key),
        RowKey::CostKey(payer) => format!("{} {}", payer.0.name(), payer_name(&payer.1)),
        RowKey::Device(device) => format!("device {}", device_name(device)),
        RowKey::DeviceGroup(group) => format!("{} {}", group.0.name(), group.1.words(group.0)),
        RowKey::SpotPool(pool) => format!("spot pool {pool}"),
        RowKey::SpotZone(zone) => format!("zone {zone}"),
        RowKey::Observed(observed) => format!("observed {}", observed_name(observed)),
        RowKey::Matter(matter) => format!("{} {} {}", matter.concern.name(), matter.kind, matter.object),
        RowKey::Incident(incident) => format!("incident {} {}", incident.kind.name(), incident.name),
    }
}

/// `ml/train:1 p5.48xlarge gpu`, or the NodePool.
fn observed_name(observed: &ObservedKey) -> String {
    match observed {
        ObservedKey::Image { image, instance_type, pool } => {
            let place = [instance_type, pool].into_iter().flatten().map(ToString::to_string);
            std::iter::once(image.to_string()).chain(place).collect::<Vec<_>>().join(" ")
        }
        ObservedKey::NodePool(name) => name.to_string(),
    }
}

/// `gpu-a/GPU-3`, `gpu-a/GPU-3/7` of a MIG instance, `gpu-a/*` of those of which nobody tells.
fn device_name(device: &DeviceKey) -> String {
    match &device.id {
        None => format!("{}/*", device.node),
        Some(DeviceId { uuid, mig: None }) => format!("{}/{uuid}", device.node),
        Some(DeviceId { uuid, mig: Some(mig) }) => format!("{}/{uuid}/{mig}", device.node),
    }
}

fn payer_name(who: &CostGroup) -> String {
    match who {
        CostGroup::Named(name) => name.to_string(),
        CostGroup::Job(key) => key.to_string(),
        CostGroup::Owner(kind, key) => format!("{kind} {key}"),
        other => format!("{other:?}"),
    }
}

/// `pod ml/train-0`.
pub fn words(key: &Key) -> String {
    format!("{} {}", key.kind.name(), key.object)
}

fn effect_words(effect: &Effect) -> String {
    match effect {
        Effect::Quit => "quit".to_owned(),
        Effect::Set { setting, value } => format!("set {} = {}", setting.key, value.toml()),
        Effect::Connect { context, epoch: Epoch(epoch) } => format!("connect {context} #{epoch}"),
        Effect::Write { verb, change, .. } => match change {
            ObjectChange::Value(change) => {
                format!("{verb} {}: {:?} -> {:?}", words(&change.key), change.from, change.to)
            }
            ObjectChange::Eviction(eviction) => format!("{verb} {}", words(&eviction.key)),
        },
        Effect::Fetch { key, .. } => format!("fetch {}", words(key)),
        Effect::AskHistory { key, .. } => format!("ask the past of {}", words(key)),
        Effect::AskContainers { pod, .. } => format!("ask the containers of {pod}"),
        Effect::FollowLog { question, .. } => {
            let LogQuestion { pod, container, run, .. } = question;
            format!("follow {pod} {container} {run:?}")
        }
        Effect::LeaveLog => "leave the log".to_owned(),
        Effect::Demand(demand) => {
            format!("want prices of {} regions", demand.prices.as_ref().map_or(0, |prices| prices.regions.len()))
        }
        Effect::Remember(held) => format!("remember {} held", held.len()),
        Effect::RememberStarts(observed) => format!("remember {} pulls", observed.history.pulls.len()),
        Effect::RememberSpot(record) => format!("remember {} spot pools", record.memory.pools.len()),
        Effect::Edit { name, text } => format!("edit {name}: {text}"),
        Effect::Save { path, existing, .. } => format!("save {path}, what is there: {existing:?}"),
        Effect::Copy(text) => format!("copy {text}"),
        Effect::Suspend => "suspend".to_owned(),
        Effect::Redraw => "redraw".to_owned(),
    }
}

/// Lays out a frame, and tells the App.
pub fn draw(app: &mut App) -> view::Screen {
    update(app, Msg::KeyFrame);
    let screen = view::derive(app);
    update(app, Msg::Geometry(screen.geometry));
    screen
}

pub fn chords(keys: &str) -> Vec<Chord> {
    keys.split_whitespace().flat_map(chords_of).collect()
}

fn chords_of(token: &str) -> Vec<Chord> {
    match token.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(text) => text.chars().map(Chord::char).collect(),
        None => vec![token.parse().unwrap_or_else(|error| panic!("{error}"))],
    }
}
