//! Placement scores: what EC2 is asked to score, and which score is of a spot Node.
//!
//! A score is of all instance types of a NodePool together: EC2 scores fewer than three types low whatever capacity there is. It
//! names zones by their IDs, for their names differ between accounts.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::{
    Fleet, NodeOperator, NodePoolRow, NodeRow, ObjectKey, PlacementConfiguration, PlacementPlace, PriceDemand, Sym,
};
use crate::insight::interruption::SpotKind;
use crate::insight::spot::{PlacementScore, SpotNode};
use crate::units::Time;

/// The well-known label of Kubernetes, in requirements of NodePools.
const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
/// On Nodes of AWS (cloud-provider-aws, EKS).
const ZONE_ID: &str = "topology.k8s.aws/zone-id";

/// What is there of spot capacity of a NodePool in a region.
#[derive(Default)]
struct Present {
    nodes: u32,
    instance_types: BTreeSet<Sym>,
}

/// Notes what is to be scored: for each NodePool with spot Nodes as many instances as it has, of its instance types.
pub(super) fn note_demand(demand: &mut PriceDemand, fleet: &Fleet, claim_of: impl Fn(&NodeRow) -> Option<ObjectKey>) {
    let mut present: BTreeMap<PlacementPlace, Present> = BTreeMap::new();
    for node in fleet.nodes.iter() {
        let claim = claim_of(node).and_then(|key| fleet.node_claims.get(&key));
        let place = node.region().cloned().zip(node.node_pool().cloned());
        let is_spot = SpotKind::of(node, claim) == Some(SpotKind::AwsSpot);
        let Some((region, node_pool)) = place.filter(|_| is_spot) else { continue };
        let present = present.entry(PlacementPlace { region, node_pool }).or_default();
        present.nodes += 1;
        present.instance_types.extend(node.instance_type().cloned());
    }
    for (PlacementPlace { region, node_pool }, present) in present {
        let listed = fleet.node_pools.get(&ObjectKey::cluster(&node_pool)).and_then(listed_types);
        let types = listed.unwrap_or(present.instance_types);
        if let Some(wanted) = PlacementConfiguration::new(types, present.nodes) {
            demand.regions.entry(region).or_default().placements.insert(node_pool, wanted);
        }
    }
}

/// The instance types that the requirements of a NodePool list; `None` where they list none. Families and sizes are no list: which
/// of their types there are, only EC2 knows.
fn listed_types(pool: &NodePoolRow) -> Option<BTreeSet<Sym>> {
    let is_list = |operator| operator == NodeOperator::In;
    let lists = pool.template.requirements.iter().filter(|one| one.key == INSTANCE_TYPE && is_list(one.operator));
    lists.map(|one| one.values.iter().cloned().collect::<BTreeSet<Sym>>()).reduce(|one, other| &one & &other)
}

/// How EC2 scored the NodePool of a spot Node in its zone; `None` where that is not known, or no longer counts.
pub(super) fn score_of(fleet: &Fleet, node: &NodeRow, found: &SpotNode, now: Time) -> Option<PlacementScore> {
    let place = PlacementPlace { region: node.region()?.clone(), node_pool: found.node_pool.clone()? };
    let scores = fleet.spot_market.placement(&place).filter(|_| found.kind == SpotKind::AwsSpot)?;
    let zone_id = node.labels.get(ZONE_ID).or_else(|| fleet.prices.zone_id(found.pool.zone.as_deref()?))?;
    PlacementScore::new(scores.score(zone_id, now)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{
        Delta, NodeRequirement, NodeTemplate, PlacementScores, PriceChange, RegionDemand, SpotMarketChange,
    };
    use crate::insight::KarpenterVersion;
    use crate::insight::picture::{Picture, SpotSettings};
    use crate::insight::spot::EventSources;
    use crate::insight::testing::{NOW, fleet, labels, node, pool, sym, upserts};

    fn spot(name: &str, instance_type: &str, more: &[(&str, &str)]) -> NodeRow {
        let own = [
            ("karpenter.sh/capacity-type", "spot"),
            ("karpenter.sh/nodepool", "gpu"),
            ("node.kubernetes.io/instance-type", instance_type),
            ("topology.kubernetes.io/region", "us-east-1"),
            ("topology.kubernetes.io/zone", "us-east-1a"),
        ];
        let labels = labels(&[&own[..], more].concat());
        NodeRow { labels, provider_id: Some(sym("aws:///us-east-1a/i-1")), ..node(name) }
    }

    fn listing(lists: &[&[&str]]) -> Delta {
        let requirement = |values: &&[&str]| NodeRequirement {
            key: sym(INSTANCE_TYPE),
            operator: NodeOperator::In,
            values: values.iter().map(|value| sym(value)).collect(),
        };
        let requirements = lists.iter().map(requirement).collect();
        let template = NodeTemplate { requirements, ..NodeTemplate::default() };
        Delta::NodePools(upserts(vec![NodePoolRow { template, ..pool("gpu") }]))
    }

    /// What is scored of NodePool `gpu`: number of instances, and types.
    fn wanted(deltas: Vec<Delta>) -> Option<(u32, Vec<String>)> {
        let fleet = fleet(deltas);
        let demand = Picture::full(&fleet).price_demand(&fleet);
        let found = demand.regions.get("us-east-1").and_then(|region: &RegionDemand| region.placements.get("gpu"))?;
        Some((found.instances, found.instance_types.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn the_listed_types_of_a_node_pool_are_scored_else_those_of_its_spot_nodes() {
        let nodes = |types: &[&str]| {
            let rows = types.iter().enumerate().map(|(number, of)| spot(&number.to_string(), of, &[])).collect();
            Delta::Nodes(upserts(rows))
        };
        let of = |types: &[&str]| types.iter().map(ToString::to_string).collect::<Vec<_>>();
        let few = || nodes(&["g5.xlarge", "g5.xlarge", "g6.xlarge"]);
        assert_eq!(wanted(vec![few()]), None, "two types are always scored low");
        let three = nodes(&["g5.xlarge", "g6.xlarge", "g5.2xlarge"]);
        assert_eq!(wanted(vec![three]), Some((4, of(&["g5.2xlarge", "g5.xlarge", "g6.xlarge"]))));
        let list = listing(&[&["a.large", "b.large", "c.large", "d.large"]]);
        assert_eq!(wanted(vec![few(), list.clone()]), Some((4, of(&["a.large", "b.large", "c.large", "d.large"]))));
        let both =
            listing(&[&["a.large", "b.large", "c.large", "d.large"], &["b.large", "c.large", "d.large", "e.large"]]);
        assert_eq!(wanted(vec![few(), both]), Some((4, of(&["b.large", "c.large", "d.large"]))), "both hold");
        assert_eq!(wanted(vec![few(), listing(&[&["a.large"]])]), None, "a NodePool of one type");
        assert_eq!(wanted(vec![list]), None, "it has no spot node");
    }

    #[test]
    fn a_score_is_of_the_zone_whose_id_a_label_tells_else_spot_prices_else_it_is_unknown() {
        let place = PlacementPlace { region: sym("us-east-1"), node_pool: sym("gpu") };
        let scores = |minutes: i64| {
            let zones = [(sym("use1-az2"), 3), (sym("use1-az4"), 9)].into();
            let scores = PlacementScores { zones, as_of: NOW.plus_seconds(-60 * minutes) };
            Delta::SpotMarket(SpotMarketChange::Placement(place.clone(), scores))
        };
        let prices = || Delta::Prices(vec![PriceChange::ZoneId(sym("us-east-1a"), sym("use1-az4"))]);
        let score = |more: &[(&str, &str)], deltas: Vec<Delta>| {
            let nodes = Delta::Nodes(upserts(vec![spot("a", "g5.xlarge", more)]));
            let fleet = fleet([vec![nodes], deltas].concat());
            let (karpenter, sources) = (KarpenterVersion::default(), EventSources::default());
            let settings = SpotSettings { karpenter: &karpenter, sources, checkpoint_annotation: "", now: NOW };
            let found = Picture::full(&fleet).spot_node(&fleet, "a", settings).expect("a spot node");
            found.placement.map(PlacementScore::get)
        };
        let labelled = [(ZONE_ID, "use1-az2")];
        assert_eq!(score(&labelled, vec![scores(60), prices()]), Some(3));
        assert_eq!(score(&[], vec![scores(60), prices()]), Some(9));
        assert_eq!(score(&[], vec![scores(60)]), None, "nothing tells which zone it is");
        assert_eq!(score(&labelled, vec![scores(61), prices()]), None, "it is too old");
        assert_eq!(score(&[(ZONE_ID, "use1-az6")], vec![scores(0)]), None, "a zone without a score");
        assert_eq!(score(&labelled, vec![]), None);
    }
}
