//! The user's price file: TOML with rules, or CSV out of a spreadsheet.
//!
//! Unlike other files, one with a mistake does not count at all: half a price list would give a wrong sum that looks right.

mod amount;
mod file;
mod rate;
mod rule;
mod sheet;

use std::path::Path;

use super::problem::Problem;
use crate::fleet::UserPrices;

/// After how many days prices are doubtful, where the file does not say.
const DEFAULT_MAX_AGE_DAYS: i64 = 45;

/// How a price file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PriceFormat {
    /// TOML.
    Toml,
    /// Comma-separated values.
    Csv,
}

impl PriceFormat {
    /// By the extension of the file: `.csv`, else TOML.
    pub fn of(path: &Path) -> Self {
        let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv { Self::Csv } else { Self::Toml }
    }
}

/// Reads a price file; `file` is how problems and the screen call it. Every mistake is told, and one is enough for the file
/// not to count.
pub fn parse(format: PriceFormat, file: &str, text: &str) -> Result<UserPrices, Vec<Problem>> {
    // Editors and spreadsheets of Windows begin a file with it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        PriceFormat::Toml => file::parse(file, text),
        PriceFormat::Csv => sheet::parse(file, text),
    }
}
