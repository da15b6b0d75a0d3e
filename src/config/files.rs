//! Reads the user's files. No other file of `config` touches the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use etcetera::BaseStrategy;

use super::advisor;
use super::library::{Library, Origin, Text};
use super::prices::{self, PriceFormat};
use super::problem::Problem;
use crate::files;
use crate::fleet::{Advisor, UserPrices};
use crate::units::Time;

/// Larger price files are rejected unread.
const MAX_PRICE_BYTES: u64 = 4 << 20;

/// Larger files of the Spot Instance Advisor are rejected unread; AWS's has one megabyte.
const MAX_ADVISOR_BYTES: u64 = 8 << 20;

/// Larger configuration files, themes and keymaps are rejected unread.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Most themes, and most keymaps, that are read.
pub const MAX_FILES: usize = 256;

/// Contents of the configuration directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files {
    /// Path and text of `config.toml`, if it exists.
    pub settings: Option<(String, String)>,
    /// Themes and keymaps, built in and the user's own.
    pub library: Library,
    /// Files that could not be read.
    pub problems: Vec<Problem>,
}

/// `$XDG_CONFIG_HOME/batchtop`, also on macOS; `None` if the home directory is unknown.
pub fn directory() -> Option<PathBuf> {
    etcetera::base_strategy::Xdg::new().ok().map(|xdg| xdg.config_dir().join("batchtop"))
}

/// Reads the configuration directory; every file in it is optional.
pub fn read(directory: &Path) -> Files {
    let mut found = Files::default();
    let path = directory.join("config.toml");
    let text = noted(&path, files::read_text(&path, MAX_CONFIG_BYTES), &mut found.problems);
    found.settings = text.map(|text| (path.display().to_string(), text));
    found.library.themes.extend(texts(&directory.join("themes"), &mut found.problems));
    found.library.keymaps.extend(texts(&directory.join("keymaps"), &mut found.problems));
    found
}

/// Paths of price files in the configuration directory.
pub fn price_places(directory: &Path) -> Vec<PathBuf> {
    ["prices.toml", "prices.csv"].map(|name| directory.join(name)).to_vec()
}

/// Reads the price file from the only one of these paths that exists; `None` if none does.
///
/// # Errors
/// When more than one exists, or the file cannot be read or has mistakes.
pub fn read_prices(places: &[PathBuf]) -> Result<Option<UserPrices>, Vec<Problem>> {
    let mut found: Option<(&PathBuf, String)> = None;
    for path in places {
        let text = match files::read_text(path, MAX_PRICE_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(vec![problem_of(path, format!("cannot be read: {error}"))]),
        };
        if let Some((first, _)) = found {
            let message = format!("{} exists, too; remove one of the two files", first.display());
            return Err(vec![problem_of(path, message)]);
        }
        found = Some((path, text));
    }
    found
        .map(|(path, text)| prices::parse(PriceFormat::from_path(path), &path.display().to_string(), &text))
        .transpose()
}

/// Path of the file of the Spot Instance Advisor in the configuration directory, under the name that AWS gives it.
pub fn advisor_place(directory: &Path) -> PathBuf {
    directory.join("spot-advisor-data.json")
}

/// Reads the file of the Spot Instance Advisor; `None` if none of the paths exists. It does not say of when it is: when it
/// was written counts.
///
/// # Errors
/// When the file cannot be read or has mistakes.
pub fn read_advisor(places: &[PathBuf]) -> Result<Option<Advisor>, Vec<Problem>> {
    let Some(path) = places.iter().find(|path| path.exists()) else { return Ok(None) };
    let unreadable = |error: io::Error| vec![problem_of(path, format!("cannot be read: {error}"))];
    let text = files::read_text(path, MAX_ADVISOR_BYTES).map_err(unreadable)?;
    let written = fs::metadata(path).and_then(|file| file.modified()).map_err(unreadable)?;
    let micros = written.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let as_of = Time::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
    advisor::parse(&path.display().to_string(), &text, as_of).map(Some).map_err(|problem| vec![problem])
}

fn problem_of(path: &Path, message: String) -> Problem {
    Problem::of_file(path.display().to_string(), message)
}

fn texts(directory: &Path, problems: &mut Vec<Problem>) -> Vec<Text> {
    let Some(entries) = noted(directory, fs::read_dir(directory), problems) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.truncate(MAX_FILES);
    paths.iter().filter_map(|path| text(path, problems)).collect()
}

fn text(path: &Path, problems: &mut Vec<Problem>) -> Option<Text> {
    let name = path.file_stem()?.to_str()?.to_owned();
    let text = noted(path, files::read_text(path, MAX_CONFIG_BYTES), problems)?;
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
