//! Patterns with a star.

/// Whether a text fits a pattern in which `*` stands for any characters.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(begin) else { return false };
    // A star may stand for as much as is left; the shortest that lets the rest fit is found by trying each.
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_in_a_pattern_matches_any_text() {
        for (pattern, text) in
            [("p5.*", "p5.48xlarge"), ("*", ""), ("*.metal*", "g5g.metal"), ("g*d*.x*", "g4dn.xlarge")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("p5.*", "p5en.48xlarge"), ("", "a"), ("*.metal", "m5.metal-24xl"), ("a", "A")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
