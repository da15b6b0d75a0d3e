//! Whom a rule of the user's file means.

use super::machine::Machine;
use crate::fleet::{CapacityType, PartRates, PriceRule, RuleMatch, Sym};
use crate::units::glob::matches;
use crate::units::money;

/// The rules that mean a machine, in order.
pub fn fitting<'a>(rules: &'a [PriceRule], machine: &Machine<'_>) -> impl Iterator<Item = &'a PriceRule> {
    rules.iter().filter(move |rule| means(&rule.matches, machine))
}

/// Whether everything that is given fits.
fn means(wanted: &RuleMatch, machine: &Machine<'_>) -> bool {
    let fits = |glob: &Option<Sym>, value: Option<&str>| {
        glob.as_ref().is_none_or(|glob| value.is_some_and(|value| matches(glob, value)))
    };
    fits(&wanted.cloud, machine.cloud())
        && fits(&wanted.region, machine.region().map(Sym::as_str))
        && fits(&wanted.zone, machine.zone().map(Sym::as_str))
        && fits(&wanted.instance, machine.instance_type().map(Sym::as_str))
        && fits(&wanted.capacity, machine.capacity_type.map(CapacityType::name))
        && fits(&wanted.node_pool, machine.node_pool().map(Sym::as_str))
        && wanted
            .label
            .as_ref()
            .is_none_or(|(key, glob)| machine.labels.get(key).is_some_and(|value| matches(glob, value)))
}

const GIB: i128 = 1 << 30;

/// What the parts of a machine cost together.
pub fn sum(rates: PartRates, machine: &Machine<'_>) -> i64 {
    let parts = [
        i128::from(rates.node),
        i128::from(rates.gpu) * i128::from(machine.gpus.max(0)),
        i128::from(rates.vcpu) * i128::from(machine.capacity.cpu_millis.max(0)) / 1_000,
        i128::from(rates.gib) * i128::from(machine.capacity.memory_bytes.max(0)) / GIB,
    ];
    i64::try_from(parts.into_iter().sum::<i128>()).unwrap_or(i64::MAX).min(money::MOST_MICROS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::testing::{labels, resources, sym};

    #[test]
    fn a_price_rule_matches_a_machine_that_meets_every_condition() {
        let (name, id) = (sym("n1"), sym("gce://project/us-central1-a/n1"));
        let labels = labels(&[
            ("node.kubernetes.io/instance-type", "a2-highgpu-1g"),
            ("topology.kubernetes.io/region", "us-central1"),
            ("team.example/tier", "onprem"),
        ]);
        let capacity = resources(12_000, 85 << 30, &[("nvidia.com/gpu", 1)]);
        let machine = Machine {
            name: &name,
            provider_id: Some(&id),
            labels: &labels,
            capacity_type: Some(CapacityType::Spot),
            capacity: &capacity,
            gpus: 1,
            fargate: None,
        };
        let of = |change: fn(&mut RuleMatch)| {
            let mut wanted = RuleMatch::default();
            change(&mut wanted);
            means(&wanted, &machine)
        };
        assert!(of(|_| ()));
        assert!(of(|it| it.cloud = Some(sym("gcp"))));
        assert!(of(|it| (it.instance, it.capacity) = (Some(sym("a2-*")), Some(sym("spot")))));
        assert!(of(|it| it.label = Some((sym("team.example/tier"), sym("on*")))));
        assert!(!of(|it| (it.instance, it.capacity) = (Some(sym("a2-*")), Some(sym("on-demand")))));
        assert!(!of(|it| it.zone = Some(sym("*"))), "what is not known fits nothing");
        let rates = PartRates { node: 1, gpu: 1_100_000, vcpu: 10_000, gib: 2_000 };
        assert_eq!(sum(rates, &machine), 1 + 1_100_000 + 120_000 + 170_000);
    }
}
