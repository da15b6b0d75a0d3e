//! The last line: the keys that mean something now, or a line that is being typed.

use super::context::FrameContext;
use super::screen::{Area, Placed};
use super::{Line, text};
use crate::app::{self, App, Detail, Overlay, Prompt, PromptKind, UseOfRows, WriteDialog, is_offered};
use crate::config::Role;
use crate::fleet::Kind;
use crate::input::{Action, Context, spell};

/// Action and the word for it.
type Hint = (Action, &'static str);

/// The keys of the layer that is on top, generated from the keymap: an action without a key is not offered.
pub(super) fn keys(frame: &FrameContext<'_>, area: Area) -> Placed {
    let (context, hints) = hints(frame);
    let pressed = spell(&frame.app.ui.pressed);
    let room = usize::from(area.width).saturating_sub(pressed.len() + 6);
    let mut line = Line::new();
    for (action, word) in hints.iter().filter(|(action, _)| is_offered(frame.app, *action)) {
        let Some(keys) = keys_of(frame, context, *action) else { continue };
        let hint = Line::plain(if line.is_empty() { " " } else { "  " })
            .and(Role::Key, keys)
            .and(Role::TextDim, format!(" {word}"));
        if line.width() + hint.width() > room {
            break;
        }
        line = line.then(hint);
    }
    if !pressed.is_empty() {
        line = line.and(Role::Input, format!("   {pressed} …"));
    }
    Placed { area, line: line.cut(usize::from(area.width)) }
}

/// The first keys of an action in a context; keys of text count in a log, too.
fn keys_of(frame: &FrameContext<'_>, context: Context, action: Action) -> Option<String> {
    let keymap = &frame.app.settings.keymap;
    let of_text = || keymap.keys_of(Context::Text, action).filter(|_| context == Context::Log);
    keymap.keys_of(context, action).or_else(of_text)
}

const TEXT: &[Hint] =
    &[(Action::Back, "close"), (Action::Down, "down"), (Action::Up, "up"), (Action::PageDown, "page")];
const DIALOG: &[Hint] = &[(Action::Open, "do it"), (Action::Back, "leave"), (Action::Right, "next choice")];
/// Hints of a dialog in which there is nothing to choose.
const CONFIRMATION: &[Hint] = &[(Action::Open, "do it"), (Action::Back, "leave")];
const PICKER: &[Hint] =
    &[(Action::Open, "choose"), (Action::Back, "leave"), (Action::Down, "down"), (Action::Up, "up")];
const SAVING: &[Hint] = &[(Action::Open, "save"), (Action::Back, "leave"), (Action::Right, "another form")];
const OWNERS: &[Hint] =
    &[(Action::Copy, "copy the command"), (Action::Down, "down"), (Action::Up, "up"), (Action::Back, "close")];
const DETAIL: &[Hint] = &[
    (Action::Back, "close"),
    (Action::Yaml, "yaml"),
    (Action::Down, "down"),
    (Action::PageDown, "page"),
    (Action::Help, "help"),
];
/// Hints of the details of a spot pool, which is no object.
const DETAIL_WITHOUT_YAML: &[Hint] =
    &[(Action::Back, "close"), INTO, (Action::Down, "down"), (Action::PageDown, "page"), (Action::Help, "help")];
const DETAIL_WRITING: &[Hint] = &[
    (Action::Back, "close"),
    (Action::Yaml, "yaml"),
    (Action::Protect, "protect"),
    (Action::Unprotect, "unprotect"),
    LOGS,
    (Action::PageDown, "page"),
    (Action::Help, "help"),
    EVICT,
    OWNERS_OF,
];
/// Hints of the details of a Node.
const DETAIL_OF_NODE: &[Hint] = &[
    (Action::Back, "close"),
    (Action::Yaml, "yaml"),
    (Action::Protect, "protect"),
    (Action::Unprotect, "unprotect"),
    (Action::Cordon, "cordon"),
    (Action::CopyDrain, "copy drain"),
    (Action::PageDown, "page"),
    (Action::Help, "help"),
    EVICT,
    OWNERS_OF,
];
const INTO: Hint = (Action::Into, "into");
const OPEN: Hint = (Action::Open, "open");
const INTO_BY_ENTER: Hint = (Action::Open, "into");
const MARK: Hint = (Action::Mark, "mark");
const PROTECT: Hint = (Action::Protect, "protect");
const UNPROTECT: Hint = (Action::Unprotect, "unprotect");
const EVICT: Hint = (Action::Evict, "evict");
const OWNERS_OF: Hint = (Action::Owners, "owners");
const LOGS: Hint = (Action::Logs, "logs");
const UNDO: Hint = (Action::Undo, "undo");
const FILTER: Hint = (Action::Filter, "filter");
const SORT: Hint = (Action::Sort, "sort");
const SAVE: Hint = (Action::Save, "save");
const NAMESPACES: Hint = (Action::Namespaces, "namespaces");
const COMMAND: Hint = (Action::Command, "command");
const VIEW: Hint = (Action::NextView, "view");
const HELP: Hint = (Action::Help, "help");
const QUIT: Hint = (Action::Quit, "quit");

/// Hints of a table whose rows can be protected.
const TABLE_WRITING: &[Hint] = &[
    OPEN, MARK, PROTECT, UNPROTECT, FILTER, SORT, HELP, VIEW, INTO, EVICT, UNDO, OWNERS_OF, NAMESPACES, SAVE, COMMAND,
    QUIT,
];
/// Hints of a table whose rows cannot be protected.
const TABLE: &[Hint] = &[OPEN, INTO, FILTER, SORT, HELP, VIEW, NAMESPACES, SAVE, COMMAND, QUIT];

/// Hints of the log of a container.
const LOG: &[Hint] = &[
    (Action::Back, "close"),
    (Action::Search, "search"),
    (Action::NextMatch, "next"),
    (Action::PreviousMatch, "before"),
    (Action::Wrap, "wrap"),
    (Action::Timestamps, "times"),
    (Action::PreviousRun, "previous run"),
    (Action::Containers, "container"),
    (Action::Bottom, "follow"),
    SAVE,
    HELP,
];

/// Hints of devices.
const DEVICES: &[Hint] = &[
    (Action::Open, "node"),
    PROTECT,
    UNPROTECT,
    FILTER,
    SORT,
    HELP,
    VIEW,
    (Action::NextGrouping, "by what"),
    (Action::Into, "pods"),
    EVICT,
    UNDO,
    OWNERS_OF,
    COMMAND,
    QUIT,
];

/// Hints of Cost and of groups of devices, whose rows are no objects.
const GROUPS: &[Hint] = &[INTO_BY_ENTER, (Action::NextView, "by what"), FILTER, SORT, HELP, COMMAND, QUIT];

/// Hints of a dialog before a write.
pub(super) const fn of_dialog(dialog: &WriteDialog) -> &'static [Hint] {
    if dialog.choices.len() > 1 { DIALOG } else { CONFIRMATION }
}

fn hints(frame: &FrameContext<'_>) -> (Context, &'static [Hint]) {
    match &frame.app.ui.overlay {
        Some(Overlay::Write(dialog)) => return (Context::Dialog, of_dialog(dialog)),
        Some(Overlay::Picker(_) | Overlay::Sort(_)) => return (Context::Dialog, PICKER),
        Some(Overlay::Save(_)) => return (Context::Dialog, SAVING),
        Some(Overlay::Owners(_)) => return (Context::Text, OWNERS),
        Some(Overlay::Help { .. } | Overlay::Sources { .. } | Overlay::Results { .. }) => {
            return (Context::Text, TEXT);
        }
        Some(Overlay::Prompt(_)) | None => {}
    }
    if frame.app.ui.log.is_some() {
        return (Context::Log, LOG);
    }
    let detail = frame.app.ui.level.detail.as_ref();
    if detail.is_some_and(|detail| detail.object().is_none()) {
        return (Context::Text, DETAIL_WITHOUT_YAML);
    }
    match detail.and_then(Detail::object).map(|key| key.kind) {
        Some(Kind::Node) => return (Context::Text, DETAIL_OF_NODE),
        Some(Kind::Pod | Kind::Job) => return (Context::Text, DETAIL_WRITING),
        Some(_) => return (Context::Text, DETAIL),
        None => {}
    }
    let hints = match frame.app.ui.level.table().use_of_rows {
        UseOfRows::Protect => TABLE_WRITING,
        UseOfRows::Open => TABLE,
        UseOfRows::Enter => GROUPS,
        UseOfRows::OpenNode => DEVICES,
    };
    (Context::Table, hints)
}

/// The line that is being typed, and the column of its cursor; behind it what is wrong with it, what its last word may
/// become, or what can be typed.
pub(super) fn prompt(app: &App, prompt: &Prompt, area: Area) -> (Placed, (u16, u16)) {
    let (sign, hint) = match prompt.kind {
        PromptKind::Filter => {
            ("/", "text, pool:gpu, gpu:idle, gpu>0, $>5, dies<24h, a|b, !ns:kube-system; ↑ earlier ones")
        }
        PromptKind::Search => ("/", "a text, in whichever case; ↑ earlier ones"),
        PromptKind::Command => (":", "a screen, node NAME, ns NAME, sort COLUMN, by WHAT, or an action of help"),
    };
    let error = app::filter_error(app).filter(|_| prompt.kind == PromptKind::Filter);
    let role = if error.is_some() { Role::NoticeError } else { Role::Input };
    let width = usize::from(area.width).saturating_sub(3);
    let (value, at) = visible(prompt.input.value(), prompt.input.cursor(), width);
    let mut line = Line::of(Role::Key, format!(" {sign}")).and(role, &value);
    if line.width() + 4 < width {
        line = match (error, candidates(app, prompt)) {
            (Some(error), _) => line.and(Role::NoticeError, format!("   {error}")),
            (None, Some(words)) => line.and(Role::TextDim, format!("   tab: {words}")),
            (None, None) => line.and(Role::TextDim, format!("   {hint}")),
        };
    }
    let x = area.x.saturating_add(u16::try_from(at + 2).unwrap_or(area.width));
    (Placed { area, line: line.cut(usize::from(area.width)) }, (x.min(area.width.saturating_sub(1)), area.y))
}

/// More words than these are not listed behind a line.
const MOST_CANDIDATES: usize = 12;

/// What the last word of a line may become, once something is typed.
fn candidates(app: &App, prompt: &Prompt) -> Option<String> {
    let typed = prompt.input.value();
    let words = app::candidates(app, prompt.kind, typed);
    let is_useful = !typed.trim().is_empty() && !words.is_empty();
    is_useful.then(|| words.iter().take(MOST_CANDIDATES).map(String::as_str).collect::<Vec<_>>().join("  "))
}

/// The part of a typed text that fits, and the column of the cursor in it; the cursor is always inside.
pub(super) fn visible(value: &str, cursor: usize, limit: usize) -> (String, usize) {
    let split = value.char_indices().nth(cursor).map_or(value.len(), |(at, _)| at);
    let clean = |part: &str| text::Span::new(Role::Input, part).text().to_owned();
    let (mut before, after) = (clean(&value[..split]), clean(&value[split..]));
    while text::width(&before) > limit && !before.is_empty() {
        before.remove(0);
    }
    let at = text::width(&before);
    (before + &after, at)
}
