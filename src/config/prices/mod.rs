//! The user's price file: TOML with rules, or CSV exported from a spreadsheet.
//!
//! Unlike other files, a price file with a mistake is not used at all: half a price list would give a wrong sum that
//! looks right.

mod amount;
mod file;
mod rate;
mod rule;
mod sheet;

use std::path::Path;

use super::problem::Problem;
use crate::fleet::UserPrices;

/// Age in days after which prices count as outdated, unless the file sets `max_age_days`.
const DEFAULT_MAX_AGE_DAYS: i64 = 45;

/// Format of a price file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PriceFormat {
    /// TOML.
    Toml,
    /// Comma-separated values.
    Csv,
}

impl PriceFormat {
    /// By the extension of the file: `.csv`, else TOML.
    pub fn from_path(path: &Path) -> Self {
        let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv { Self::Csv } else { Self::Toml }
    }
}

/// Reads a price file; `file` is its name in problems and on screen.
///
/// # Errors
/// All mistakes, if there are any: a file with a mistake is not used.
pub fn parse(format: PriceFormat, file: &str, text: &str) -> Result<UserPrices, Vec<Problem>> {
    // Windows editors and spreadsheets begin files with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        PriceFormat::Toml => file::parse(file, text),
        PriceFormat::Csv => sheet::parse(file, text),
    }
}
