//! karpenter.sh NodePool, v1 and v1beta1.

use serde::Deserialize;

use super::condition::{SlimCondition, conditions};
use super::karpenter::{SlimClassRef, lifetime, seconds};
use super::meta::{Pairs, SlimMeta};
use super::placement::{SlimRequirement, SlimTaint, pairs, requirements};
use super::text::{Text, or_default};
use super::{DecodeError, Project};
use crate::fleet::kinds::NodePools;
use crate::fleet::{Budget, Interner, NodePoolRow, NodeTemplate, Sym};

/// One NodePool, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimPool<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: PoolSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: PoolStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PoolSpec<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    template: Template<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    disruption: Disruption<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    limits: Pairs<'a>,
    #[serde(deserialize_with = "or_default")]
    weight: i64,
    replicas: Option<i64>,
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
            limits: sorted(&spec.limits, interner),
            usage: sorted(&status.resources, interner),
            conditions: conditions(&status.conditions, interner)?,
            do_not_disrupt: slim.metadata.do_not_disrupt(interner),
        })
    }
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

fn sorted(pairs: &Pairs<'_>, interner: &mut Interner) -> Vec<(Sym, Sym)> {
    let mut pairs: Vec<_> = pairs.0.iter().map(|(key, value)| (interner.sym(key), interner.sym(value))).collect();
    pairs.sort();
    pairs
}
