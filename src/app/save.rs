//! Saving what is shown to a file: the dialog that asks in which form and where.

use tui_input::Input;

use super::effects::Effects;
use super::screens::Rows;
use super::{App, Effect, Overlay, line, notice};
use crate::input::{Action, Chord};

/// In which form something is saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SaveFormat {
    /// The table or the log as text.
    Text,
    /// The table as comma-separated values.
    Csv,
    /// The rows as the snapshot has them.
    Json,
    /// The screen as a picture.
    Svg,
}

impl SaveFormat {
    /// Its name, which is also the ending of a file.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Svg => "svg",
        }
    }

    /// What it saves.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Csv => "CSV",
            Self::Json => "JSON of the rows",
            Self::Svg => "picture (SVG)",
        }
    }
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExistingFile {
    /// It stays, and nothing is saved.
    Kept,
    /// It is replaced: the user has been asked.
    Replaced,
}

/// Why something was not saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SaveFailure {
    /// There is a file of this name.
    Exists,
    /// The reason in one sentence.
    Failed(String),
}

/// The dialog before something is saved.
#[derive(Clone, Debug)]
pub struct SaveDialog {
    /// The forms that there are of what is shown.
    pub formats: Vec<SaveFormat>,
    /// Index of the chosen one.
    pub chosen: usize,
    /// The name of the file that is typed.
    pub name: Input,
    /// Sentence about why it was not saved.
    pub error: Option<String>,
    /// Whether a file of just this name is replaced: the user was told that there is one.
    pub existing: ExistingFile,
}

impl SaveDialog {
    /// The chosen form.
    pub fn format(&self) -> SaveFormat {
        self.formats.get(self.chosen).copied().unwrap_or(SaveFormat::Text)
    }
}

/// Opens the dialog for the table, or for the log that is looked at.
pub fn open(app: &mut App) {
    let formats = formats(app);
    let format = formats.first().copied().unwrap_or(SaveFormat::Text);
    let name = default_name(app, format);
    open_with(app, format, name);
}

fn open_with(app: &mut App, format: SaveFormat, name: String) {
    let formats = formats(app);
    let chosen = formats.iter().position(|known| *known == format).unwrap_or(0);
    let dialog = SaveDialog { formats, chosen, name: Input::new(name), error: None, existing: ExistingFile::Kept };
    app.ui.overlay = Some(Overlay::Save(Box::new(dialog)));
}

/// The rows of some tables are objects of the snapshot.
fn formats(app: &App) -> Vec<SaveFormat> {
    let are_objects = matches!(app.ui.level.table().rows, Rows::Objects { .. });
    match (&app.ui.log, are_objects) {
        (Some(_), _) => vec![SaveFormat::Text, SaveFormat::Svg],
        (None, true) => vec![SaveFormat::Text, SaveFormat::Csv, SaveFormat::Json, SaveFormat::Svg],
        (None, false) => vec![SaveFormat::Text, SaveFormat::Csv, SaveFormat::Svg],
    }
}

/// `batchtop-fleet-2026-11-21T120000Z.csv`, in the folder in which batchtop was started.
fn default_name(app: &App, format: SaveFormat) -> String {
    let subject = match &app.ui.log {
        Some(log) => format!("{}-{}", log.pod.name, log.container),
        None => app.ui.level.table().name.to_lowercase().replace(' ', "-"),
    };
    let second = crate::units::Time::from_seconds(app.now.seconds());
    let time = second.to_string().replace(':', "");
    format!("batchtop-{subject}-{time}.{}", format.ending())
}

fn dialog(app: &mut App) -> Option<&mut SaveDialog> {
    match &mut app.ui.overlay {
        Some(Overlay::Save(dialog)) => Some(dialog),
        _ => None,
    }
}

/// A key that types the name.
pub fn types(app: &mut App, chord: Chord) -> bool {
    let Some(dialog) = dialog(app) else { return false };
    let types = line::type_into(&mut dialog.name, chord);
    if types {
        changed(dialog);
    }
    types
}

/// Pastes into the name.
pub fn paste(app: &mut App, text: &str) {
    if let Some(dialog) = dialog(app) {
        line::paste(&mut dialog.name, text);
        changed(dialog);
    }
}

/// What was said of another name does not hold for this one.
fn changed(dialog: &mut SaveDialog) {
    dialog.error = None;
    dialog.existing = ExistingFile::Kept;
}

/// An action while the dialog is open.
pub fn act(app: &mut App, action: Action, effects: &mut Effects) {
    match action {
        Action::Open => save(app, effects),
        Action::Back | Action::Quit => app.ui.overlay = None,
        Action::Right | Action::Down => choose(app, 1),
        Action::Left | Action::Up => choose(app, -1),
        _ => {}
    }
}

/// Another form, with its ending where the name had that of the one before.
fn choose(app: &mut App, by: isize) {
    let Some(dialog) = dialog(app) else { return };
    let count = dialog.formats.len().cast_signed();
    let before = dialog.format();
    dialog.chosen = (dialog.chosen.cast_signed() + by).rem_euclid(count.max(1)).cast_unsigned();
    let ending = format!(".{}", before.ending());
    if let Some(stem) = dialog.name.value().strip_suffix(&ending) {
        let name = format!("{stem}.{}", dialog.format().ending());
        dialog.name = Input::new(name);
    }
    changed(dialog);
}

fn save(app: &mut App, effects: &mut Effects) {
    let Some(dialog) = dialog(app) else { return };
    let path = dialog.name.value().trim().to_owned();
    if path.is_empty() {
        dialog.error = Some("type the name of a file".to_owned());
        return;
    }
    let effect = Effect::Save { format: dialog.format(), path, existing: dialog.existing };
    app.ui.overlay = None;
    effects.push(effect);
}

/// Something was saved, or not; a file that is there already is only replaced when the user says so.
pub fn saved(app: &mut App, format: SaveFormat, path: String, result: Result<String, SaveFailure>) {
    match result {
        Ok(whole) => notice::info(app, format!("saved {whole}")),
        Err(SaveFailure::Failed(why)) => notice::error(app, format!("{path} was not saved: {why}")),
        // Whoever does something else by now is not interrupted.
        Err(SaveFailure::Exists) if app.ui.overlay.is_some() => {
            notice::warning(app, format!("{path} was not saved: there is a file of this name"));
        }
        Err(SaveFailure::Exists) => {
            open_with(app, format, path);
            if let Some(dialog) = dialog(app) {
                dialog.existing = ExistingFile::Replaced;
                dialog.error =
                    Some("there is a file of this name: enter replaces it, another name keeps it".to_owned());
            }
        }
    }
}
