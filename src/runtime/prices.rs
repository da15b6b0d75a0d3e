//! The user's price file, as it is watched. Every connection is told the embedded prices before it.

use std::path::PathBuf;

use super::watched_file::{Watched, WatchedFile};
use crate::config::{self, Problem};
use crate::fleet::{Delta, PriceChange, SourceId, UserPrices};
use crate::source::prices::embedded;
use crate::units::Time;

/// The price file as read at the start.
pub type PriceFile = WatchedFile<UserPrices>;

impl Watched for UserPrices {
    const SOURCE: SourceId = SourceId::PriceFile;
    const ABSENT: &'static str = "no price file";
    const CONTENT: &'static str = "prices";

    fn read(places: &[PathBuf]) -> Result<Option<Self>, Vec<Problem>> {
        config::read_prices(places)
    }

    fn file(&self) -> &str {
        &self.file
    }

    fn as_of(&self) -> Time {
        self.as_of
    }

    fn entries(&self) -> usize {
        self.rules.len() + self.nodes.len()
    }

    fn delta(content: Option<Box<Self>>) -> Delta {
        Delta::Prices(vec![PriceChange::User(content)])
    }

    fn first() -> Option<Delta> {
        Some(Delta::Prices(embedded()))
    }
}
