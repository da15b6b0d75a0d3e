//! What counts of an estimate, and as how much; the user's configuration may set it.

/// What counts as high, from where on there is a number, and how fast what was watched fades.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpotThresholds {
    /// From this risk on it is high: 1 to 100.
    pub high_risk: u8,
    /// Below this coverage there is no number, in percent.
    pub least_coverage_percent: u8,
    /// After this time what was watched counts half, in seconds; at least one.
    pub half_life_seconds: i64,
}

impl SpotThresholds {
    /// Where the user sets none.
    pub const DEFAULT: Self = Self { high_risk: 70, least_coverage_percent: 35, half_life_seconds: 7 * 86_400 };
}

impl Default for SpotThresholds {
    fn default() -> Self {
        Self::DEFAULT
    }
}
