//! What starts cost: the machine of a pod is paid from its launch on, and the pod does nothing on it before it is ready.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::{Picture, spend};
use crate::fleet::{Fleet, PodRow, Sym, Uid};
use crate::insight::cold_start::ColdStart;
use crate::units::Time;
use crate::units::money::SECONDS_PER_HOUR;

impl Picture {
    /// What the pod of a start pays of its Node, in micro-dollars per hour, or would if it were there alone besides those
    /// that are: also before it is bound, and after it has ended. `None` where there is no Node, or its price is not known.
    pub fn start_rate(&self, fleet: &Fleet, start: &ColdStart) -> Option<i64> {
        let pod = fleet.pods.get(&start.pod)?;
        let node = fleet.node(start.node.as_ref()?)?;
        let said = self.node(&node.meta.key.name)?;
        let rate = said.cost.rate()?;
        let is_other = |other: &&PodRow| other.holds_resources() && other.meta.uid != pod.meta.uid;
        let pods: Vec<&PodRow> = [pod].into_iter().chain(fleet.pods_on(&node.meta.key.name).filter(is_other)).collect();
        spend::pod_shares(fleet, node, rate, said.gpu.as_ref(), &pods).pods.first().copied()
    }

    /// The [rates](Self::start_rate) of many starts by the uid of the pod, those that are known: each Node is shared between
    /// its pods once, and not once for each of them.
    pub fn start_rates<'a>(&self, fleet: &Fleet, starts: impl Iterator<Item = &'a ColdStart>) -> StartRates<'a> {
        let mut by_node: BTreeMap<&Sym, Vec<&'a ColdStart>> = BTreeMap::new();
        for start in starts {
            if let Some(node) = &start.node {
                by_node.entry(node).or_default().push(start);
            }
        }
        let mut rates = StartRates::default();
        for (name, starts) in by_node {
            let Some(node) = fleet.node(name) else { continue };
            let on_node = self.rates_on(fleet, node);
            for start in starts {
                let shared = on_node.iter().find(|(pod, _)| pod.meta.uid == start.uid).map(|(_, rate)| *rate);
                let rate = shared.or_else(|| self.start_rate(fleet, start));
                rates.extend(rate.map(|rate| (&start.uid, rate)));
            }
        }
        rates
    }

    /// What of a Node is paid for these starts that go on, in micro-dollars per hour, never more than all of it; `None` where
    /// there are none. Zero where the price of the Node is not known.
    pub fn waiting_rate<'a>(
        &self,
        fleet: &Fleet,
        node: &Sym,
        starts: impl Iterator<Item = &'a ColdStart>,
    ) -> Option<i64> {
        let mut starts = starts.peekable();
        starts.peek()?;
        let all = self.node(node).and_then(|said| said.cost.rate()).unwrap_or(0);
        let sum: i64 = self.start_rates(fleet, starts).into_values().sum();
        Some(sum.min(all))
    }

    /// What has been paid for pods that wait for one another, in micro-dollars: each from when it is billed until the last of
    /// them is ready, or until now. `None` where a rate is not known.
    pub fn gang_start_cost(&self, fleet: &Fleet, starts: &[&ColdStart], now: Time) -> Option<i64> {
        let is_open = starts.iter().any(|start| start.open_phase().is_some());
        let until = starts.iter().filter_map(|start| start.ended()).max().filter(|_| !is_open).unwrap_or(now);
        let rates = self.start_rates(fleet, starts.iter().copied());
        let cost = |start: &&ColdStart| {
            let Some(since) = start.billed_since else { return Some(0) };
            Some(i128::from(*rates.get(&start.uid)?) * i128::from(until.seconds_since(since).max(0)))
        };
        let sum: i128 = starts.iter().map(cost).sum::<Option<i128>>()?;
        i64::try_from(sum / i128::from(SECONDS_PER_HOUR)).ok()
    }

    /// What has been paid for a start without use, in micro-dollars; `None` where its rate is not known.
    pub fn start_cost(&self, fleet: &Fleet, start: &ColdStart, now: Time) -> Option<i64> {
        cost_at(self.start_rate(fleet, start)?, start, now)
    }
}

/// The rates of starts by the uid of the pod, in micro-dollars per hour.
pub type StartRates<'a> = HashMap<&'a Uid, i64, RandomState>;

/// What has been paid for a start without use at such a rate, in micro-dollars.
pub fn cost_at(rate: i64, start: &ColdStart, now: Time) -> Option<i64> {
    let micros = i128::from(rate) * i128::from(start.billed_seconds(now)) / i128::from(SECONDS_PER_HOUR);
    i64::try_from(micros).ok()
}
