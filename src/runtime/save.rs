//! Files that the user saves: what is in them, and where they are.

use std::io;
use std::path::{Path, PathBuf};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::atomic::{write_new, write_output};
use crate::app::{App, ExistingFile, SaveFailure, SaveFormat};
use crate::config::Theme;
use crate::{export, ui, view};

/// What is saved of what is shown.
///
/// # Errors
/// A sentence why it cannot be saved in this form.
pub fn content(app: &App, theme: &Theme, format: SaveFormat) -> Result<Vec<u8>, String> {
    match (format, &app.ui.log) {
        (SaveFormat::Text, Some(log)) => Ok(view::log_text(log).into_bytes()),
        (SaveFormat::Text, None) => Ok(view::table_text(app)?.into_bytes()),
        (SaveFormat::Csv, _) => Ok(view::table_csv(app)?.into_bytes()),
        (SaveFormat::Json, _) => {
            let mut bytes = serde_json::to_vec_pretty(&export::rows(app)).map_err(|error| error.to_string())?;
            bytes.push(b'\n');
            Ok(bytes)
        }
        (SaveFormat::Svg, _) => Ok(picture(app, theme).into_bytes()),
    }
}

fn picture(app: &App, theme: &Theme) -> String {
    let (width, height) = app.ui.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    ui::draw(&view::derive(app), theme, &mut buffer);
    ui::svg(&buffer, theme)
}

/// Writes a file and returns its whole path.
///
/// # Errors
/// When there is a file that is to stay, or it cannot be written.
pub fn write(path: &str, bytes: &[u8], existing: ExistingFile) -> Result<String, SaveFailure> {
    let failed = |error: io::Error| SaveFailure::Failed(error.to_string());
    let path = std::path::absolute(at_home(path)).map_err(failed)?;
    let written = match existing {
        ExistingFile::Kept => write_new(&path, bytes),
        ExistingFile::Replaced => write_output(&path, bytes),
    };
    match written {
        Ok(()) => Ok(path.display().to_string()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(SaveFailure::Exists),
        Err(error) => Err(failed(error)),
    }
}

/// `~/` is the home folder, as in shells.
fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), etcetera::home_dir()) {
        (Some(rest), Ok(home)) => home.join(rest),
        _ => Path::new(path).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_new_and_private_or_replaced_only_when_that_was_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.csv");
        let text = path.to_str().expect("UTF-8");
        assert_eq!(write(text, b"one", ExistingFile::Kept), Ok(text.to_owned()));
        assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        assert_eq!(write(text, b"two", ExistingFile::Kept), Err(SaveFailure::Exists));
        assert_eq!(fs::read(&path).expect("the file"), b"one");
        assert_eq!(write(text, b"two", ExistingFile::Replaced), Ok(text.to_owned()));
        assert_eq!(fs::read(&path).expect("the file"), b"two");
        let nowhere = folder.path().join("none/rows.csv");
        let failure = write(nowhere.to_str().expect("UTF-8"), b"one", ExistingFile::Kept);
        assert!(matches!(failure, Err(SaveFailure::Failed(words)) if words.contains("No such file")));
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing else is left");
    }
}
