//! Dollars over time: what has been paid while batchtop looked on, by whom, and for what.
//!
//! Rates are added up second by second, so that what was seen is paid for and nothing else. Sums are whole: micro-dollars
//! per hour times seconds, of which 3,600 are a micro-dollar.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::fleet::{CapacityType, ObjectKey, Sym};
use crate::units::{Time, money};

/// The dimension by which dollars are grouped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum GroupBy {
    /// By NodePool of the machine.
    #[default]
    NodePool,
    /// Namespaces of pods.
    Namespace,
    /// Jobs of pods.
    Job,
    /// What somebody wrote and pods came from: Deployment, CronJob, Job, the pod itself.
    Owner,
    /// By capacity type of the machine.
    CapacityType,
    /// By instance type of the machine.
    InstanceType,
    /// By zone of the machine.
    Zone,
    /// Nodes, and NodeClaims that have none yet.
    Node,
    /// By what the accelerators of the machine do; a Node whose devices differ pays a part for each class.
    DeviceClass,
}

impl GroupBy {
    /// Every dimension.
    pub const ALL: [Self; 9] = [
        Self::NodePool,
        Self::Namespace,
        Self::Job,
        Self::Owner,
        Self::CapacityType,
        Self::InstanceType,
        Self::Zone,
        Self::DeviceClass,
        Self::Node,
    ];

    /// The name of the dimension on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NodePool => "NodePool",
            Self::Namespace => "namespace",
            Self::Job => "Job",
            Self::Owner => "owner",
            Self::CapacityType => "capacity type",
            Self::InstanceType => "instance type",
            Self::Zone => "zone",
            Self::Node => "node",
            Self::DeviceClass => "GPU class",
        }
    }

    /// The dimension of this name, or of a name that begins so; spaces and hyphens do not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
        let name = plain(name);
        let short = [
            ("pool", Self::NodePool),
            ("ns", Self::Namespace),
            ("type", Self::InstanceType),
            ("class", Self::DeviceClass),
        ];
        let alias = short.into_iter().find(|(alias, _)| *alias == name).map(|(_, dimension)| dimension);
        let of = |fits: fn(&str, &str) -> bool| Self::ALL.into_iter().find(|one| fits(&plain(one.name()), &name));
        alias.or_else(|| of(|one, name| one == name)).or_else(|| of(|one, name| one.starts_with(name)))
    }

    /// Whether pods pay, each a share of its Node; otherwise machines do.
    pub const fn is_of_pods(self) -> bool {
        matches!(self, Self::Namespace | Self::Job | Self::Owner)
    }

    /// Whether it is known who pays only where all pods are.
    const fn depends_on_pods(self) -> bool {
        self.is_of_pods() || matches!(self, Self::DeviceClass)
    }

    /// The dimensions in which machines pay as a whole.
    pub const OF_MACHINES: [Self; 5] = [Self::NodePool, Self::CapacityType, Self::InstanceType, Self::Zone, Self::Node];

    /// The dimensions in which pods pay.
    pub const OF_PODS: [Self; 3] = [Self::Namespace, Self::Job, Self::Owner];
}

/// One group by which dollars are told apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CostGroup {
    /// What has a name and no namespace: NodePool, namespace, Node, instance type, zone, class of accelerators.
    Named(Sym),
    /// A capacity type.
    Capacity(CapacityType),
    /// A Job, by namespace and name.
    Job(ObjectKey),
    /// The owner of pods: its kind, and its name.
    Owner(Sym, ObjectKey),
    /// Machines without the label or NodePool; where pods pay, what no pod requests.
    Nobody,
    /// Pods that belong to no Job.
    OtherPods,
    /// Everybody who was let go because there were too many.
    Former,
}

impl CostGroup {
    /// As it is called on screen, in a dimension: a name, or what nobody pays.
    pub fn words(&self, dimension: GroupBy) -> String {
        match self {
            Self::Named(name) => name.to_string(),
            Self::Capacity(capacity) => capacity.name().to_owned(),
            Self::Job(key) => key.to_string(),
            Self::Owner(kind, key) => format!("{kind} {key}"),
            Self::Nobody if dimension.is_of_pods() => "(unrequested)".to_owned(),
            Self::Nobody if dimension == GroupBy::DeviceClass => "(without GPUs)".to_owned(),
            Self::Nobody => format!("(no {})", dimension.name()),
            Self::OtherPods => "(pods of no Job)".to_owned(),
            Self::Former => "(former)".to_owned(),
        }
    }

    /// The namespace, where it has one.
    pub fn namespace(&self) -> Option<&Sym> {
        match self {
            Self::Job(key) | Self::Owner(_, key) => Some(&key.namespace),
            _ => None,
        }
    }

    /// A name, or nobody.
    pub fn named(name: Option<&Sym>) -> Self {
        name.map_or(Self::Nobody, |name| Self::Named(name.clone()))
    }
}

/// A group, and by what dollars are grouped.
pub type CostKey = (GroupBy, CostGroup);

/// A part of what everything costs. Parts overlap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CostPart {
    /// Nodes for which annotations or PodDisruptionBudgets stop Karpenter for at least one reason.
    Protected,
    /// The protected Nodes for which nothing else stops Karpenter for at least one reason.
    Held,
    /// The part of held Nodes that no pod requests.
    HeldUnrequested,
    /// The part of all Nodes that no pod requests.
    Unrequested,
    /// Accelerators that no pod requests.
    UnallocatedGpu,
    /// Accelerators that pods request and that do nothing.
    IdleGpu,
    /// What pods pay that are on their way to be ready.
    Waiting,
    /// NodeClaims that are billed and have no Node yet.
    Starting,
}

impl CostPart {
    /// Every part.
    pub const ALL: [Self; 8] = [
        Self::Protected,
        Self::Held,
        Self::HeldUnrequested,
        Self::Unrequested,
        Self::UnallocatedGpu,
        Self::IdleGpu,
        Self::Waiting,
        Self::Starting,
    ];

    /// Whether it is known only where the protection of every Node is.
    pub const fn is_of_protection(self) -> bool {
        matches!(self, Self::Protected | Self::Held | Self::HeldUnrequested)
    }
}

/// One value for each [`CostPart`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PerPart<T> {
    values: [T; CostPart::ALL.len()],
}

impl<T: Copy> PerPart<T> {
    /// The value of a part.
    pub const fn get(&self, part: CostPart) -> T {
        self.values[part as usize]
    }

    /// Puts a value in the place of the one of a part.
    pub const fn set(&mut self, part: CostPart, value: T) {
        self.values[part as usize] = value;
    }
}

/// The machines of one payer in a dimension of machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Machines {
    /// Nodes, and NodeClaims that are billed and have none yet.
    pub count: u64,
    /// Those of them whose price nobody tells.
    pub unpriced: u64,
    /// What is paid for those that are held, in micro-dollars per hour; says nothing where [`CostPart::Held`] is not known.
    pub held: i64,
    /// What no pod requests of them, in micro-dollars per hour; says nothing where [`CostPart::Unrequested`] is not known.
    pub unrequested: i64,
}

/// What is paid per hour at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CostRates {
    /// Everything that is priced, in micro-dollars per hour.
    pub total: i64,
    /// What of it is not for machines: the control plane; `None` where not known.
    pub cluster_fixed: Option<i64>,
    /// Parts of it, in micro-dollars per hour; `None` where not known.
    pub parts: PerPart<Option<i64>>,
    /// Machines that are billed and whose price nobody tells.
    pub unpriced: u64,
    /// Machines whose fee of EKS Auto Mode nobody tells.
    pub without_fee: u64,
    /// Whether all pods are known; who pays is told in dimensions of pods only then.
    pub are_pods_known: bool,
    by_group: HashMap<CostKey, i64, RandomState>,
    machines: HashMap<CostKey, Machines, RandomState>,
}

impl CostRates {
    /// The total, a lower bound where some machines have no price; `None` where none has one, and so nothing is known.
    pub fn known_total(&self) -> Option<i64> {
        let machines = self.total - self.cluster_fixed.unwrap_or(0);
        (machines > 0 || self.unpriced == 0).then_some(self.total)
    }

    /// What one payer pays, in micro-dollars per hour; `None` for nothing, and for what is not known.
    pub fn rate_of(&self, payer: &CostKey) -> Option<i64> {
        self.by_group.get(payer).copied().filter(|_| self.knows(payer.0))
    }

    /// The machines of one payer.
    pub fn machines_of(&self, payer: &CostKey) -> Machines {
        self.machines.get(payer).copied().unwrap_or_default()
    }

    /// Everybody who pays, with what, in micro-dollars per hour. The rates of one dimension add up to the total less
    /// what is not for machines.
    pub fn by_group(&self) -> impl Iterator<Item = (&CostKey, i64)> {
        self.by_group.iter().filter(|(payer, _)| self.knows(payer.0)).map(|(payer, rate)| (payer, *rate))
    }

    /// Everybody who has machines.
    pub fn by_machines(&self) -> impl Iterator<Item = (&CostKey, Machines)> {
        self.machines.iter().map(|(payer, machines)| (payer, *machines))
    }

    const fn knows(&self, dimension: GroupBy) -> bool {
        self.are_pods_known || !dimension.depends_on_pods()
    }

    /// Adds to what a payer pays; who pays nothing is forgotten.
    pub fn add(&mut self, payer: CostKey, rate: i64) {
        if rate == 0 {
            return;
        }
        match self.by_group.entry(payer) {
            Entry::Vacant(place) => drop(place.insert(rate)),
            Entry::Occupied(sum) if *sum.get() + rate == 0 => drop(sum.remove()),
            Entry::Occupied(mut sum) => *sum.get_mut() += rate,
        }
    }

    /// Adds machines to those of a payer (`sign` 1), or takes them away (`sign` -1).
    pub fn add_machines(&mut self, payer: &CostKey, machines: Machines, sign: i64) {
        let sum = self.machines.entry(payer.clone()).or_default();
        sum.count = sum.count.saturating_add_signed(sign * machines.count.cast_signed());
        sum.unpriced = sum.unpriced.saturating_add_signed(sign * machines.unpriced.cast_signed());
        sum.held += sign * machines.held;
        sum.unrequested += sign * machines.unrequested;
        if sum.count == 0 {
            self.machines.remove(payer);
        }
    }

    /// Whether something is missing in it: a price, or a fee.
    pub const fn is_incomplete(&self) -> bool {
        self.unpriced > 0 || self.without_fee > 0
    }
}

/// A sum of dollars, and over how much time it was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Account {
    micro_usd_per_hour_seconds: i128,
    /// For how many seconds its rate was known.
    pub observed_seconds: i64,
    /// For how many of them only in part: some machine had no price.
    pub incomplete_seconds: i64,
}

impl Account {
    /// What was paid, in micro-dollars, rounded down.
    pub fn micro_usd(&self) -> i64 {
        i64::try_from(self.micro_usd_per_hour_seconds / i128::from(money::SECONDS_PER_HOUR)).unwrap_or(i64::MAX)
    }

    /// What was paid, exactly: micro-dollars per hour times seconds.
    pub const fn exact(&self) -> i128 {
        self.micro_usd_per_hour_seconds
    }

    fn pay(&mut self, micro_usd_per_hour: i64, seconds: i64) {
        self.micro_usd_per_hour_seconds += i128::from(micro_usd_per_hour.max(0)) * i128::from(seconds);
        self.observed_seconds += seconds;
    }
}

/// The mean rate of one minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Minute {
    number: i64,
    account: Account,
    /// Those parts of it that [`BurnMinute`] tells apart, as far as they were known.
    held: Account,
    idle: Account,
    waiting: Account,
}

impl Minute {
    fn burn(&self) -> Option<BurnMinute> {
        let mean = |account: Account| {
            let seconds = i128::from(account.observed_seconds.max(1));
            i64::try_from(account.micro_usd_per_hour_seconds / seconds).ok()
        };
        let known = |account: Account| mean(account).filter(|_| account.observed_seconds > 0);
        let total = mean(self.account)?;
        let parts =
            || Some(BurnParts { held: known(self.held)?, idle: known(self.idle)?, waiting: known(self.waiting)? });
        Some(BurnMinute { total, parts: parts() })
    }
}

/// The mean rates of one minute, in micro-dollars per hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BurnMinute {
    /// Of everything.
    pub total: i64,
    /// Parts of it that do not overlap; `None` where they were not known.
    pub parts: Option<BurnParts>,
}

/// What of a rate does not serve pods that may be moved: the rest does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BurnParts {
    /// What pods request of Nodes that are held.
    pub held: i64,
    /// What no pod requests, of held Nodes and of others.
    pub idle: i64,
    /// What is paid before pods run: by pods that start, and for machines that do.
    pub waiting: i64,
}

impl BurnParts {
    /// Of what is paid at one moment.
    fn of(burn: &CostRates) -> Option<Self> {
        let part = |part| burn.parts.get(part);
        let held = (part(CostPart::Held)? - part(CostPart::HeldUnrequested)?).max(0);
        let idle = part(CostPart::Unrequested)?.max(0);
        // A pod that starts on a held Node is in both; what is left for it is not more than all.
        let waiting =
            (part(CostPart::Waiting)? + part(CostPart::Starting)?).clamp(0, (burn.total - held - idle).max(0));
        Some(Self { held, idle, waiting })
    }

    /// All of them together.
    pub const fn sum(self) -> i64 {
        self.held + self.idle + self.waiting
    }
}

/// What has been paid since batchtop looks on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    since: Option<Time>,
    last: Option<Time>,
    total: Account,
    parts: PerPart<Account>,
    payers: HashMap<CostKey, Account, RandomState>,
    minutes: VecDeque<Minute>,
}

/// So many payers are kept that pay no more; beyond that all of them are put together. Those that pay are as many as the
/// cluster has.
pub const MOST_FORMER: usize = 20_000;

/// The sparkline's length.
pub const MINUTES_KEPT: usize = 60;

const SECONDS_PER_MINUTE: i64 = 60;

impl Ledger {
    /// It is `now`: what was burnt since the last look is paid. While rates are not known nothing is, nor for a look away of
    /// more than `longest_seconds` (a suspended laptop), which nobody saw.
    pub fn look(&mut self, now: Time, burn: Option<&CostRates>, longest_seconds: i64) {
        let Some(burn) = burn else {
            self.last = None;
            return;
        };
        let seconds = self.last.map_or(0, |last| now.seconds_since(last));
        self.last = Some(now);
        self.since.get_or_insert(now);
        if (1..=longest_seconds).contains(&seconds) {
            self.pay(now, seconds, burn);
        }
    }

    fn pay(&mut self, now: Time, seconds: i64, burn: &CostRates) {
        self.total.pay(burn.total, seconds);
        self.total.incomplete_seconds += if burn.is_incomplete() { seconds } else { 0 };
        for part in CostPart::ALL {
            if let Some(rate) = burn.parts.get(part) {
                let mut account = self.parts.get(part);
                account.pay(rate, seconds);
                self.parts.set(part, account);
            }
        }
        for (payer, rate) in burn.by_group() {
            match self.payers.get_mut(payer) {
                Some(account) => account.pay(rate, seconds),
                None => self.payers.entry(payer.clone()).or_default().pay(rate, seconds),
            }
        }
        if self.payers.len().saturating_sub(burn.by_group.len()) > MOST_FORMER {
            self.forget_former(burn);
        }
        self.note_minute(now, seconds, burn);
    }

    /// Puts together those that pay no more; their dollars stay in the sums.
    fn forget_former(&mut self, burn: &CostRates) {
        for (payer, account) in std::mem::take(&mut self.payers) {
            let keeps = burn.by_group.contains_key(&payer);
            let sum = self.payers.entry(if keeps { payer } else { (payer.0, CostGroup::Former) }).or_default();
            sum.micro_usd_per_hour_seconds += account.micro_usd_per_hour_seconds;
            sum.observed_seconds = sum.observed_seconds.max(account.observed_seconds);
        }
    }

    fn note_minute(&mut self, now: Time, seconds: i64, burn: &CostRates) {
        let number = now.seconds().div_euclid(SECONDS_PER_MINUTE);
        if self.minutes.back().is_none_or(|minute| minute.number != number) {
            let none = Account::default();
            self.minutes.push_back(Minute { number, account: none, held: none, idle: none, waiting: none });
        }
        while self.minutes.len() > MINUTES_KEPT {
            self.minutes.pop_front();
        }
        if let Some(minute) = self.minutes.back_mut() {
            minute.account.pay(burn.total, seconds);
            if let Some(parts) = BurnParts::of(burn) {
                minute.held.pay(parts.held, seconds);
                minute.idle.pay(parts.idle, seconds);
                minute.waiting.pay(parts.waiting, seconds);
            }
        }
    }

    /// Since when it looks on; `None` before the first rates were known.
    pub const fn since(&self) -> Option<Time> {
        self.since
    }

    /// Everything that was paid.
    pub const fn total(&self) -> Account {
        self.total
    }

    /// What was paid for a part of everything.
    pub const fn part(&self, part: CostPart) -> Account {
        self.parts.get(part)
    }

    /// The dollars that a payer has paid since the start.
    pub fn paid_by(&self, payer: &CostKey) -> Account {
        self.payers.get(payer).copied().unwrap_or_default()
    }

    /// Everybody who has paid in a dimension.
    pub fn payers(&self, dimension: GroupBy) -> impl Iterator<Item = (&CostGroup, Account)> {
        self.payers.iter().filter(move |((of, _), _)| *of == dimension).map(|((_, who), account)| (who, *account))
    }

    /// The mean rates of the last hour minute by minute, in micro-dollars per hour; `None` for minutes that nobody saw.
    pub fn last_hour(&self) -> Vec<Option<BurnMinute>> {
        let Some(newest) = self.minutes.back().map(|minute| minute.number) else { return Vec::new() };
        let kept = i64::try_from(MINUTES_KEPT).unwrap_or(i64::MAX);
        let oldest = self.minutes.front().map_or(newest, |minute| minute.number).max(newest - kept + 1);
        let of = |number: i64| self.minutes.iter().find(|minute| minute.number == number).and_then(Minute::burn);
        (oldest..=newest).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::testing::sym;

    fn burn(total: i64, payers: &[(&str, i64)]) -> CostRates {
        let mut rates = CostRates { total, ..CostRates::default() };
        payers.iter().for_each(|(name, rate)| rates.add((GroupBy::NodePool, CostGroup::Named(sym(name))), *rate));
        rates
    }

    const LONGEST: i64 = 600;

    const fn at(seconds: i64) -> Time {
        Time::from_seconds(1_790_000_000 + seconds)
    }

    #[test]
    fn an_hour_at_a_rate_costs_the_rate() {
        let mut ledger = Ledger::default();
        let burning = burn(55_040_000, &[("gpu", 55_040_000)]);
        (0..=3_600).for_each(|second| ledger.look(at(second), Some(&burning), LONGEST));
        assert_eq!(ledger.total().micro_usd(), 55_040_000);
        assert_eq!(ledger.total().observed_seconds, 3_600);
        assert_eq!(ledger.paid_by(&(GroupBy::NodePool, CostGroup::Named(sym("gpu")))).micro_usd(), 55_040_000);
        assert_eq!(ledger.since(), Some(at(0)));
        let hour = ledger.last_hour();
        let minute = BurnMinute { total: 55_040_000, parts: None };
        assert_eq!((hour.len(), hour.iter().all(|rate| *rate == Some(minute))), (60, true), "no part is known");
    }

    #[test]
    fn parts_of_a_minute_do_not_overlap() {
        let mut ledger = Ledger::default();
        let mut burning = burn(100, &[]);
        let held = [(CostPart::Held, 40), (CostPart::HeldUnrequested, 10)];
        let parts =
            held.into_iter().chain([(CostPart::Unrequested, 25), (CostPart::Waiting, 30), (CostPart::Starting, 20)]);
        parts.for_each(|(part, rate)| burning.parts.set(part, Some(rate)));
        (0..=10).for_each(|second| ledger.look(at(second), Some(&burning), LONGEST));
        let parts = BurnParts { held: 30, idle: 25, waiting: 45 };
        assert_eq!(ledger.last_hour(), [Some(BurnMinute { total: 100, parts: Some(parts) })]);
    }

    #[test]
    fn a_stopped_clock_and_unknown_rates_cost_nothing() {
        let mut ledger = Ledger::default();
        let burning = burn(3_600, &[]);
        for (second, rates) in [(0, Some(&burning)), (0, Some(&burning)), (10, Some(&burning)), (20, None)] {
            ledger.look(at(second), rates, LONGEST);
        }
        ledger.look(at(30), Some(&burning), LONGEST);
        ledger.look(at(30 + LONGEST + 1), Some(&burning), LONGEST);
        ledger.look(at(5), Some(&burning), LONGEST);
        assert_eq!((ledger.total().micro_usd(), ledger.total().observed_seconds), (10, 10));
    }

    #[test]
    fn time_with_an_unknown_part_is_not_counted_as_observed() {
        let mut ledger = Ledger::default();
        let mut known = burn(7_200, &[]);
        known.parts.set(CostPart::Held, Some(7_200));
        for (second, rates) in [(0, &known), (1, &known), (2, &burn(7_200, &[]))] {
            ledger.look(at(second), Some(rates), LONGEST);
        }
        let held = ledger.part(CostPart::Held);
        assert_eq!((held.micro_usd(), held.observed_seconds), (2, 1));
        assert_eq!(ledger.total().micro_usd(), 4);
    }

    #[test]
    fn former_payers_beyond_their_limit_are_merged_without_losing_dollars() {
        let mut ledger = Ledger::default();
        ledger.look(at(0), Some(&burn(0, &[])), LONGEST);
        let count = i64::try_from(MOST_FORMER).expect("a small number") + 5;
        for number in 1..=count {
            ledger.look(at(number), Some(&burn(3_600, &[(&format!("pool-{number}"), 3_600)])), LONGEST);
        }
        assert!(ledger.payers.len() <= MOST_FORMER);
        let sum: i64 = ledger.payers(GroupBy::NodePool).map(|(_, account)| account.micro_usd()).sum();
        assert_eq!((sum, ledger.total().micro_usd()), (count, count));
    }
}
