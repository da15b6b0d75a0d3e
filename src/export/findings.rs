//! `findings[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::object::Object;
use super::words::Severity;
use crate::app::App;
use crate::fleet::Sym;
use crate::insight::picture::{self, Evaluator};

/// A mistake or a waste worth telling.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Id of the rule that found it.
    pub rule: String,
    /// Severity of the finding.
    pub severity: Severity,
    /// The object that has the mistake or makes the waste.
    pub object: Object,
    /// The mistake or the waste, in one sentence.
    pub message: String,
    /// What the user can do about it.
    pub hint: String,
}

/// Of the whole cluster, the gravest first.
pub(super) fn of(app: &App, evaluator: &Evaluator<'_>) -> Vec<Finding> {
    picture::findings(&app.fleet, evaluator, app.insights.node_states()).iter().map(finding).collect()
}

fn finding(found: &picture::Finding) -> Finding {
    Finding {
        rule: found.rule.id.to_owned(),
        severity: found.severity.into(),
        object: Object::new(Sym::new(found.kind), &found.object),
        message: found.message.machine_text(),
        hint: found.hint.to_owned(),
    }
}
