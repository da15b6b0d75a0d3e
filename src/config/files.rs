//! The only place that reads the user's files.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::library::{Library, Origin, Text};
use super::prices::{self, PriceFormat};
use super::problem::Problem;
use crate::fleet::UserPrices;

/// A price file that is larger was not written for this.
const MOST_PRICE_BYTES: u64 = 4 << 20;

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

/// Where prices are looked for in the configuration directory.
pub fn price_places(directory: &Path) -> Vec<PathBuf> {
    ["prices.toml", "prices.csv"].map(|name| directory.join(name)).to_vec()
}

/// Reads the price file, which may be in one of these places and not in two; `None` where there is none.
pub fn read_prices(places: &[PathBuf]) -> Result<Option<UserPrices>, Vec<Problem>> {
    let mut found: Option<(&PathBuf, String)> = None;
    for path in places {
        let text = match bounded_text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(vec![of_path(path, format!("cannot be read: {error}"))]),
        };
        if let Some((first, _)) = found {
            let message = format!("{} is there, too; which one counts? remove one of them", first.display());
            return Err(vec![of_path(path, message)]);
        }
        found = Some((path, text));
    }
    found.map(|(path, text)| prices::parse(PriceFormat::of(path), &path.display().to_string(), &text)).transpose()
}

fn of_path(path: &Path, message: String) -> Problem {
    Problem::of_file(path.display().to_string(), message)
}

fn bounded_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MOST_PRICE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_PRICE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {MOST_PRICE_BYTES} bytes")));
    }
    Ok(text)
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
