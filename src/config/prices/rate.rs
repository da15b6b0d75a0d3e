//! Combines the rate fields of a TOML rule or a CSV row into one rate.

use crate::fleet::{Adjustment, PartRates, RuleRate};

/// Rate fields of a rule or row; `None` for those left out. Amounts in micro-dollars per hour.
#[derive(Clone, Copy, Default)]
pub(super) struct RateFields {
    pub(super) per_hour: Option<i64>,
    pub(super) includes_gpu: Option<bool>,
    pub(super) per_gpu_hour: Option<i64>,
    pub(super) per_vcpu_hour: Option<i64>,
    pub(super) per_gib_hour: Option<i64>,
    pub(super) adjust: Option<Adjustment>,
}

impl RateFields {
    /// The resulting rate.
    ///
    /// # Errors
    /// The message for a combination of fields that is not allowed.
    pub(super) fn rate(self) -> Result<RuleRate, &'static str> {
        match (self.adjust, self.per_hour) {
            (None, Some(node)) => self.of_node(node),
            (None, None) => self.of_parts(),
            (Some(adjust), None) if self.has_only_per_hour_or_adjust() => Ok(RuleRate::Adjust(adjust)),
            (Some(_), _) => {
                Err("\"adjust\" changes the price of another source and cannot be combined with other rates")
            }
        }
    }

    fn of_node(self, node: i64) -> Result<RuleRate, &'static str> {
        if self.per_vcpu_hour.or(self.per_gib_hour).is_some() {
            return Err("\"per_hour\" is for the whole node; per_vcpu_hour and per_gib_hour are for nodes without it");
        }
        match (self.includes_gpu.unwrap_or(true), self.per_gpu_hour) {
            (true, None) => Ok(RuleRate::PerHour(node)),
            (true, Some(_)) => Err("\"per_gpu_hour\" is added to per_hour only with includes_gpu = false"),
            (false, Some(gpu)) => Ok(RuleRate::Parts(PartRates { node, gpu, ..PartRates::default() })),
            (false, None) => Err("\"per_gpu_hour\" is missing; includes_gpu = false requires it"),
        }
    }

    fn of_parts(self) -> Result<RuleRate, &'static str> {
        if self.includes_gpu.is_some() {
            return Err("\"includes_gpu\" applies to per_hour, which is missing");
        }
        if self.has_only_per_hour_or_adjust() {
            return Err("no rate; allowed: per_hour, or any of per_gpu_hour, per_vcpu_hour, per_gib_hour, or adjust");
        }
        let or_zero = |rate: Option<i64>| rate.unwrap_or_default();
        let (gpu, vcpu, gib) = (or_zero(self.per_gpu_hour), or_zero(self.per_vcpu_hour), or_zero(self.per_gib_hour));
        Ok(RuleRate::Parts(PartRates { node: 0, gpu, vcpu, gib }))
    }

    /// Whether no field besides `adjust` and `per_hour` is set.
    fn has_only_per_hour_or_adjust(self) -> bool {
        let rates = [self.per_gpu_hour, self.per_vcpu_hour, self.per_gib_hour];
        self.includes_gpu.is_none() && rates.iter().all(Option::is_none)
    }
}
