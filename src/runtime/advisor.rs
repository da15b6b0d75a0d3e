//! The user's copy of the data of the Spot Instance Advisor, as it is watched.

use std::path::PathBuf;

use super::watched_file::{Watched, WatchedFile};
use crate::config::{self, Problem};
use crate::fleet::{Advisor, Delta, SourceId, SpotMarketChange};
use crate::units::Time;

/// The file of the advisor as read at the start.
pub type AdvisorFile = WatchedFile<Advisor>;

impl Watched for Advisor {
    const SOURCE: SourceId = SourceId::SpotAdvisor;
    const ABSENT: &'static str = "no file of the Spot Instance Advisor";
    const CONTENT: &'static str = "ranges of the Spot Instance Advisor";

    fn read(places: &[PathBuf]) -> Result<Option<Self>, Vec<Problem>> {
        config::read_advisor(places)
    }

    fn file(&self) -> &str {
        &self.file
    }

    fn as_of(&self) -> Time {
        self.as_of
    }

    fn entries(&self) -> usize {
        Self::entries(self)
    }

    fn delta(content: Option<Box<Self>>) -> Delta {
        Delta::SpotMarket(SpotMarketChange::Advisor(content))
    }
}
