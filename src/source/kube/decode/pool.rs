//! karpenter.sh NodePool, v1 and v1beta1, and what v1alpha5 had in its place: Provisioner.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::condition::{SlimCondition, conditions};
use super::karpenter::{SlimClassRef, lifetime, seconds};
use super::meta::{Pairs, SlimMeta};
use super::placement::{SlimRequirement, SlimTaint, pairs, requirements};
use super::text::{Text, or_default};
use super::{DecodeError, Project};
use crate::fleet::kinds::NodePools;
use crate::fleet::{Budget, Interner, NodePoolRow, NodeTemplate, Sym};
use crate::units::Lifetime;

/// One NodePool, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SlimPool<'a> {
    #[serde(borrow, default)]
    api_version: Text<'a>,
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: PoolSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: PoolStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PoolSpec<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    template: Template<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    disruption: Disruption<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    limits: Limits<'a>,
    #[serde(deserialize_with = "or_default")]
    weight: i64,
    replicas: Option<i64>,
    // Only in v1alpha5 (karpenter v0.31 pkg/apis/v1alpha5/provisioner.go): what later came into the template, or became part
    // of `disruption`.
    #[serde(borrow, deserialize_with = "or_default")]
    labels: Pairs<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    taints: Vec<SlimTaint<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    requirements: Vec<SlimRequirement<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    provider_ref: SlimClassRef<'a>,
    ttl_seconds_after_empty: Option<i64>,
    ttl_seconds_until_expired: Option<i64>,
    consolidation: Option<Consolidation>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Consolidation {
    #[serde(deserialize_with = "or_default")]
    enabled: bool,
}

/// `spec.limits`: amounts by resource, which v1alpha5 had one level deeper.
#[derive(Default)]
struct Limits<'a>(Vec<(Text<'a>, Text<'a>)>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Limit<'a> {
    #[serde(borrow)]
    Amounts(Pairs<'a>),
    #[serde(borrow)]
    Amount(Text<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Limits<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LimitsVisitor)
    }
}

struct LimitsVisitor;

impl<'de> Visitor<'de> for LimitsVisitor {
    type Value = Limits<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of amounts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut limits = Vec::new();
        while let Some((resource, limit)) = map.next_entry()? {
            match limit {
                Limit::Amount(amount) => limits.push((resource, amount)),
                Limit::Amounts(amounts) => limits.extend(amounts.0),
            }
        }
        Ok(Limits(limits))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Template<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    metadata: TemplateMeta<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    spec: TemplateSpec<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TemplateMeta<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    labels: Pairs<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct TemplateSpec<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    taints: Vec<SlimTaint<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    requirements: Vec<SlimRequirement<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    node_class_ref: SlimClassRef<'a>,
    #[serde(borrow)]
    expire_after: Text<'a>,
    #[serde(borrow)]
    termination_grace_period: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Disruption<'a> {
    #[serde(borrow)]
    consolidation_policy: Text<'a>,
    #[serde(borrow)]
    consolidate_after: Text<'a>,
    /// v1beta1 only; v1 has it in the template.
    #[serde(borrow)]
    expire_after: Text<'a>,
    #[serde(borrow)]
    budgets: Option<Vec<SlimBudget<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SlimBudget<'a> {
    #[serde(borrow)]
    nodes: Text<'a>,
    #[serde(borrow)]
    reasons: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    schedule: Text<'a>,
    #[serde(borrow)]
    duration: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PoolStatus<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    resources: Pairs<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    conditions: Vec<SlimCondition<'a>>,
}

impl Project for NodePools {
    type Slim<'a> = SlimPool<'a>;

    fn row(slim: &SlimPool<'_>, interner: &mut Interner) -> Result<NodePoolRow, DecodeError> {
        if &*slim.api_version == PROVISIONER {
            return provisioner(slim, interner);
        }
        let (spec, status) = (&slim.spec, &slim.status);
        let template = &spec.template.spec;
        let expire_after =
            if template.expire_after.is_empty() { &spec.disruption.expire_after } else { &template.expire_after };
        Ok(NodePoolRow {
            meta: slim.metadata.meta(interner)?,
            node_class: template.node_class_ref.class(interner),
            template: NodeTemplate {
                labels: pairs(&spec.template.metadata.labels, interner),
                taints: template.taints.iter().map(|taint| taint.taint(interner)).collect(),
                requirements: requirements(&template.requirements, interner),
            },
            weight: spec.weight,
            replicas: spec.replicas,
            consolidation_policy: interner.sym(&spec.disruption.consolidation_policy),
            consolidate_after: lifetime(&spec.disruption.consolidate_after),
            budgets: spec.disruption.budgets.as_ref().map(|all| budgets(all, interner)),
            expire_after: lifetime(expire_after),
            termination_grace_seconds: seconds(&template.termination_grace_period),
            limits: sorted(&spec.limits.0, interner),
            usage: sorted(&status.resources.0, interner),
            conditions: conditions(&status.conditions, interner)?,
            do_not_disrupt: slim.metadata.do_not_disrupt(interner),
        })
    }
}

/// `apiVersion` of a Provisioner.
const PROVISIONER: &str = "karpenter.sh/v1alpha5";

/// A Provisioner as the NodePool that Karpenter itself makes of it (karpenter v0.32 pkg/utils/nodepool/nodepool.go, New).
fn provisioner(slim: &SlimPool<'_>, interner: &mut Interner) -> Result<NodePoolRow, DecodeError> {
    let (spec, status) = (&slim.spec, &slim.status);
    let is_consolidated = spec.consolidation.as_ref().is_some_and(|consolidation| consolidation.enabled);
    let after = |seconds: Option<i64>| seconds.map_or(Lifetime::Never, Lifetime::Seconds);
    let mut conditions = conditions(&status.conditions, interner)?;
    // What is `Ready` of a NodePool.
    conditions.iter_mut().filter(|one| one.kind == "Active").for_each(|one| one.kind = interner.sym("Ready"));
    Ok(NodePoolRow {
        meta: slim.metadata.meta(interner)?,
        node_class: spec.provider_ref.class(interner),
        template: NodeTemplate {
            labels: pairs(&spec.labels, interner),
            taints: spec.taints.iter().map(|taint| taint.taint(interner)).collect(),
            requirements: requirements(&spec.requirements, interner),
        },
        weight: spec.weight,
        replicas: None,
        consolidation_policy: interner.sym(if is_consolidated { "WhenUnderutilized" } else { "WhenEmpty" }),
        consolidate_after: after(spec.ttl_seconds_after_empty),
        budgets: None,
        expire_after: after(spec.ttl_seconds_until_expired),
        termination_grace_seconds: None,
        limits: sorted(&spec.limits.0, interner),
        usage: sorted(&status.resources.0, interner),
        conditions,
        do_not_disrupt: slim.metadata.do_not_disrupt(interner),
    })
}

fn budgets(slim: &[SlimBudget<'_>], interner: &mut Interner) -> Vec<Budget> {
    slim.iter().map(|budget| row_budget(budget, interner)).collect()
}

fn row_budget(slim: &SlimBudget<'_>, interner: &mut Interner) -> Budget {
    Budget {
        nodes: interner.sym(&slim.nodes),
        reasons: slim.reasons.as_ref().map(|all| all.iter().map(|reason| interner.sym(reason)).collect()),
        schedule: slim.schedule.some().map(|schedule| interner.sym(schedule)),
        duration: slim.duration.some().map(|duration| interner.sym(duration)),
    }
}

fn sorted(pairs: &[(Text<'_>, Text<'_>)], interner: &mut Interner) -> Vec<(Sym, Sym)> {
    let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| (interner.sym(key), interner.sym(value))).collect();
    pairs.sort();
    pairs
}
