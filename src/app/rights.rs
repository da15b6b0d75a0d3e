//! What the user may do, as far as the API server has said so.

use super::App;
use crate::fleet::Right;
use crate::input::Action;

/// Whether an action may be of use to this user: not where every right that it could need is missing.
pub fn is_offered(app: &App, action: Action) -> bool {
    let rights = &app.cluster.rights;
    match action {
        Action::Cordon => !rights.is_missing_everywhere(Right::PatchNodes),
        Action::Evict => !rights.is_missing_everywhere(Right::EvictPods),
        Action::Logs => !rights.is_missing_everywhere(Right::ReadLogs),
        Action::Protect | Action::Unprotect => {
            ![Right::PatchPods, Right::PatchNodes].into_iter().all(|right| rights.is_missing_everywhere(right))
        }
        _ => true,
    }
}

/// The sentence about a right that the user is known to lack for an object of a namespace (empty for an object of the
/// cluster), in words that follow its name.
pub fn missing(app: &App, right: Right, namespace: &str) -> Option<String> {
    let place = if right.is_namespaced() { format!(" in namespace {namespace}") } else { String::new() };
    let is_missing = app.cluster.rights.is_missing(right, namespace);
    is_missing.then(|| format!("you may not {}{place}; {} prints the rights", right.words(), right.manifest()))
}
