//! Suggestions for misspelt names.

/// Typing errors (inserted, deleted or replaced characters) that a suggestion may have.
const MAX_EDITS: usize = 2;

/// The names for "did you mean", the nearest first: those that begin with what was typed, then those that are at most
/// two typing errors away, in either case of letters. Each once.
pub fn suggestions<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| (edits_to_suggest(&typed, &name.to_lowercase()), name))
        .filter(|(edits, name)| *edits <= MAX_EDITS && *edits < name.chars().count())
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().map(|(_, name)| name).collect()
}

/// None for what begins a name.
fn edits_to_suggest(typed: &str, name: &str) -> usize {
    if !typed.is_empty() && name.starts_with(typed) { 0 } else { strsim::levenshtein(typed, name) }
}

/// At most so many names that are spelled most like a text, however far they are, the nearest first; those that have it
/// in them come before all others.
pub fn nearest<'a>(typed: &str, names: &[&'a str], most: usize) -> Vec<&'a str> {
    let rank = |name: &&'a str| (!name.contains(typed), strsim::levenshtein(typed, name), *name);
    let mut ranked: Vec<_> = names.iter().map(rank).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(most).map(|(.., name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::{nearest, suggestions};

    #[test]
    fn only_similar_names_are_suggested() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("wran", &["ok", "warn"], &["warn"]),
            ("purple", &["ok", "warn"], &[]),
            ("event", &["node", "evens", "events", "event", "event"], &["event", "events", "evens"]),
            ("pre", &["previous-screen", "pro"], &["previous-screen", "pro"]),
            ("Prod", &["prod-EU", "PROD"], &["PROD", "prod-EU"]),
            ("é", &["e", "éa"], &["éa"]),
            ("", &["ok", "warn"], &[]),
            ("ab", &["xy"], &[]),
        ];
        for (typed, names, wanted) in cases {
            assert_eq!(suggestions(typed, names.iter().copied()), *wanted, "{typed:?}");
        }
    }

    #[test]
    fn nearest_names_are_returned_even_if_dissimilar() {
        assert_eq!(nearest("node-7", &["ip-1", "node-17", "node-7a", "node-8"], 3), ["node-7a", "node-17", "node-8"]);
        assert_eq!(nearest("x", &[], 3), Vec::<&str>::new());
    }
}
