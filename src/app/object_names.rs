//! The names of objects that commands lead to.

use super::App;
use crate::fleet::{Kind, ObjectKey};

/// The names of objects of a kind that begin like this, as a command takes them: with the namespace where one is typed.
pub fn names(app: &App, kind: Kind, typed: &str) -> Vec<String> {
    let has_namespace = typed.contains('/');
    let begins = |key: &&ObjectKey| {
        if has_namespace { key.to_string().starts_with(typed) } else { key.name.starts_with(typed) }
    };
    let words = |key: &ObjectKey| if has_namespace { key.to_string() } else { key.name.to_string() };
    keys(app, kind).into_iter().filter(begins).map(words).collect()
}

/// The objects of a kind that commands lead to.
pub fn keys(app: &App, kind: Kind) -> Vec<&ObjectKey> {
    match kind {
        Kind::Node => app.fleet.nodes.iter().map(|row| &row.meta.key).collect(),
        Kind::Pod => app.fleet.pods.iter().map(|row| &row.meta.key).collect(),
        Kind::Job => app.fleet.jobs.iter().map(|row| &row.meta.key).collect(),
        _ => Vec::new(),
    }
}
