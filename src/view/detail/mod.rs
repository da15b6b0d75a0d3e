//! The details of one object as readable text: what it is, what belongs to it, in which state, what happened to it.

mod claim;
mod cost;
mod event;
mod gpu_hours;
mod gpus;
mod images;
mod incident;
mod job;
mod node;
mod pod;
mod pool;
mod spot_job;
mod spot_node;
mod spot_pool;
mod spot_price;
mod starts;
mod verdict;

use super::context::FrameContext;
use super::panel::Sheet;
use super::{Line, events, format};
use crate::app::{Detail, DetailText, Opened};
use crate::config::Role;
use crate::fleet::{Condition, EventObject, EventRow, Key, Kind, Status, Sym};
use crate::insight::disruption::Outlook;

/// The details that are open.
pub(super) fn sheet(frame: &FrameContext<'_>, detail: &Detail) -> Sheet {
    let mut page = match &detail.of {
        Opened::Object(key) => page_of_object(frame, detail, key),
        Opened::SpotPool(pool) => spot_pool::page(frame, pool),
        Opened::Observed(observed) => images::page(frame, observed),
        Opened::Incident(incident) => incident::page(frame, incident),
    };
    let title = std::mem::take(&mut page.title);
    Sheet { scroll: detail.scroll.line, indent: 4, lines: page.lines, ..Sheet::new(title) }
}

fn page_of_object(frame: &FrameContext<'_>, detail: &Detail, key: &Key) -> Page {
    let mut page = page(frame, key);
    match (detail.text, &detail.fetched) {
        (DetailText::Yaml, Some(Ok(fetched))) => {
            page.lines = fetched.yaml.lines().map(Line::plain).collect();
        }
        (DetailText::Yaml, _) => page.lines = Vec::new(),
        (DetailText::Readable, _) => page.events(frame, key),
    }
    page.fetched(detail);
    page
}

fn page(frame: &FrameContext<'_>, key: &Key) -> Page {
    let page = match key.kind {
        Kind::Node => node::page(frame, &key.object),
        Kind::Pod => pod::page(frame, &key.object),
        Kind::Job => job::page(frame, &key.object),
        Kind::NodeClaim => claim::page(frame, &key.object),
        Kind::NodePool => pool::page(frame, &key.object),
        Kind::Event => event::page(frame, &key.object),
        _ => None,
    };
    page.unwrap_or_else(|| gone(key))
}

/// The object was deleted while its details are open.
fn gone(key: &Key) -> Page {
    let mut page = Page::new(key.kind.name(), &key.object.to_string());
    page.line(Line::of(Role::Warn, "✗ it is gone: it was deleted, or it is no longer readable"));
    page
}

/// A text that is being put together.
struct Page {
    title: Line,
    lines: Vec<Line>,
}

/// Columns of the longest label with the gap behind it.
const LABEL_WIDTH: usize = 14;

impl Page {
    fn new(kind: &str, name: &str) -> Self {
        let title = Line::of(Role::TextDim, format!("{kind} ")).and(Role::Title, name);
        Self { title, lines: Vec::new() }
    }

    /// A heading, with an empty line before it.
    fn section(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::new());
        }
        self.lines.push(Line::of(Role::Title, title));
    }

    fn line(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// A line below a heading.
    fn item(&mut self, line: Line) {
        self.lines.push(Line::plain("  ").then(line));
    }

    /// A fact with its name.
    fn fact(&mut self, label: &str, value: Line) {
        let gap = LABEL_WIDTH.saturating_sub(label.len()).max(1);
        self.lines.push(Line::of(Role::TextDim, format!("  {label}{}", " ".repeat(gap))).then(value));
    }

    /// A fact that may not be there.
    fn fact_if(&mut self, label: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value.filter(|value| !value.as_ref().is_empty()) {
            self.fact(label, Line::plain(value));
        }
    }

    /// Whether a protection holds, and everything that it does not protect from.
    fn items_of_outlook(&mut self, frame: &FrameContext<'_>, outlook: &Outlook) {
        match outlook.holds {
            Some(true) => self.item(Line::of(Role::Protected, "▣ nothing that is known ends the pod before that")),
            None if outlook.protection.state.is_active() => {
                self.item(Line::of(Role::Unknown, "? whether it holds is not known: its Node is not"));
            }
            _ => {}
        }
        let (glyph, role) = if outlook.holds == Some(false) { ("△", Role::Warn) } else { ("·", Role::TextDim) };
        for gap in &outlook.gaps {
            self.item(Line::of(role, format!("{glyph} {}", format::sentence(frame.app.now, gap))));
        }
    }

    /// Conditions as sentences, those that are not `True` with their message.
    fn conditions(&mut self, frame: &FrameContext<'_>, conditions: &[Condition]) {
        if conditions.is_empty() {
            return;
        }
        self.section("CONDITIONS");
        for condition in conditions {
            self.item(condition_line(frame, condition));
        }
    }

    /// What happened to it, newest first.
    fn events(&mut self, frame: &FrameContext<'_>, key: &Key) {
        if key.kind == Kind::Event {
            return;
        }
        // An Event's object has the kind as Kubernetes writes it.
        let object = EventObject { kind: Sym::new(key.kind.name()), key: key.object.clone() };
        let mut found: Vec<&EventRow> = frame.app.fleet.events.about(&object).collect();
        found.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.meta.key.cmp(&b.meta.key)));
        self.section("EVENTS");
        if !frame.readable(Kind::Event) {
            self.item(Line::of(Role::Unknown, format!("{} events are not known yet", format::NOT_YET)));
        } else if found.is_empty() {
            self.item(Line::of(Role::TextDim, "none that the server still keeps"));
        }
        for event in found.into_iter().take(MOST_EVENTS) {
            self.item(event_line(frame, event));
        }
    }

    /// What is fetched only when details are opened.
    fn fetched(&mut self, detail: &Detail) {
        match &detail.fetched {
            None => self.fetching(),
            Some(Err(reason)) => {
                self.section("ANNOTATIONS");
                self.item(Line::of(Role::Bad, format!("✗ could not be fetched: {reason}")));
            }
            Some(Ok(fetched)) if detail.text == DetailText::Readable => self.annotations(&fetched.annotations),
            Some(Ok(_)) => {}
        }
    }

    fn fetching(&mut self) {
        self.section("ANNOTATIONS");
        self.item(Line::of(Role::Pending, "◌ being fetched"));
    }

    fn annotations(&mut self, annotations: &[(String, String)]) {
        self.section("ANNOTATIONS");
        if annotations.is_empty() {
            self.item(Line::of(Role::TextDim, "none"));
        }
        for (key, value) in annotations {
            self.item(Line::of(Role::TextDim, format!("{key}: ")).and(Role::Text, value));
        }
    }
}

/// More than a person reads; the Events screen has them all.
const MOST_EVENTS: usize = 50;

fn event_line(frame: &FrameContext<'_>, event: &EventRow) -> Line {
    let (glyph, role) = events::class(event.class);
    let line = Line::of(Role::TextDim, format!("{} ", format::clock(frame.app.now, event.at)))
        .and(role, format!("{glyph} {} ", event.reason));
    let line = line.and(Role::Text, event.message.trim());
    if event.count > 1 { line.and(Role::TextDim, format!(" ×{}", format::count(event.count))) } else { line }
}

fn condition_line(frame: &FrameContext<'_>, condition: &Condition) -> Line {
    let is_bad = is_bad(condition);
    let glyph = if is_bad { "△" } else { "·" };
    let role = if is_bad { Role::Warn } else { Role::Text };
    let since =
        condition.last_transition.map_or_else(String::new, |at| format!(" since {}", format::clock(frame.app.now, at)));
    let line =
        Line::of(role, format!("{glyph} {} is {}", condition.kind, condition.status.name())).and(Role::TextDim, since);
    let why = match (condition.reason.is_empty(), condition.message.is_empty()) {
        (true, true) => return line,
        (false, true) => format!(": {}", condition.reason),
        (true, false) => format!(": {}", condition.message),
        (false, false) => format!(": {}, {}", condition.reason, condition.message),
    };
    line.and(Role::TextDim, why)
}

/// Conditions that are well when they are `False`.
const GOOD_WHEN_FALSE: [&str; 9] = [
    "MemoryPressure",
    "DiskPressure",
    "PIDPressure",
    "NetworkUnavailable",
    "Drifted",
    "DisruptionReason",
    "InstanceTerminating",
    "Failed",
    "FailureTarget",
];
/// Conditions that say something only when they are `True`.
const NEUTRAL: [&str; 5] = ["Consolidatable", "Suspended", "Complete", "SuccessCriteriaMet", "Drained"];

fn is_bad(condition: &Condition) -> bool {
    let kind = condition.kind.as_str();
    match condition.status {
        _ if NEUTRAL.contains(&kind) => false,
        Status::True => GOOD_WHEN_FALSE.contains(&kind),
        Status::False => !GOOD_WHEN_FALSE.contains(&kind),
        Status::Unknown => true,
    }
}
