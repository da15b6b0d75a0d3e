//! The only place that reads the user's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::library::{Library, Origin, Text};
use super::problem::Problem;

/// What stands in the configuration directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files {
    /// Path and text of `config.toml`, where there is one.
    pub settings: Option<(String, String)>,
    /// Embedded and own themes and keymaps.
    pub library: Library,
    /// Files that could not be read.
    pub problems: Vec<Problem>,
}

/// `$XDG_CONFIG_HOME/batchtop`, also on macOS; `None` where the home directory is not known.
pub fn directory() -> Option<PathBuf> {
    etcetera::base_strategy::Xdg::new().ok().map(|xdg| xdg.config_dir().join("batchtop"))
}

/// Reads the configuration directory; what is not there is no mistake.
pub fn read(directory: &Path) -> Files {
    let mut files = Files::default();
    let path = directory.join("config.toml");
    let text = noted(&path, fs::read_to_string(&path), &mut files.problems);
    files.settings = text.map(|text| (path.display().to_string(), text));
    files.library.themes.extend(texts(&directory.join("themes"), &mut files.problems));
    files.library.keymaps.extend(texts(&directory.join("keymaps"), &mut files.problems));
    files
}

fn texts(directory: &Path, problems: &mut Vec<Problem>) -> Vec<Text> {
    let Some(entries) = noted(directory, fs::read_dir(directory), problems) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.iter().filter_map(|path| text(path, problems)).collect()
}

fn text(path: &Path, problems: &mut Vec<Problem>) -> Option<Text> {
    let name = path.file_stem()?.to_str()?.to_owned();
    let text = noted(path, fs::read_to_string(path), problems)?;
    Some(Text { name, file: path.display().to_string(), text, origin: Origin::User })
}

fn noted<T>(path: &Path, result: io::Result<T>, problems: &mut Vec<Problem>) -> Option<T> {
    match result {
        Ok(value) => return Some(value),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => problems.push(Problem::of_file(path.display().to_string(), format!("cannot be read: {error}"))),
    }
    None
}
