//! Money in whole micro-dollars, so that sums are exact.

use std::cmp::Ordering;

/// Micro-dollars in a dollar.
pub const MICROS: i64 = 1_000_000;

/// Hours of a month as AWS's calculator counts them: 365 × 24 ÷ 12.
pub const HOURS_PER_MONTH: i64 = 730;

/// Seconds of an hour, to convert a rate per hour to an amount.
pub const SECONDS_PER_HOUR: i64 = 3_600;

/// Upper limit of a price, a million dollars, so that sums over a fleet do not overflow.
pub const MOST_MICROS: i64 = 1_000_000 * MICROS;

/// Micro-dollars from decimal dollars such as `0.0960000000`, rounded half up.
///
/// `None` where the text is no such number: a sign, an exponent, no digit at all, or more than a million dollars.
pub fn parse_usd(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let dollars: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let micros = dollars.checked_mul(MICROS)?.checked_add(micros_of(fraction))?;
    (micros <= MOST_MICROS).then_some(micros)
}

/// The first six decimals, the seventh rounding them.
fn micros_of(fraction: &str) -> i64 {
    let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |byte| i64::from(byte - b'0'));
    let micros = (0..6).fold(0, |micros, at| micros * 10 + digit(at));
    micros + i64::from(digit(6) >= 5)
}

/// Dollars to the micro-dollar: `$55.04`, `$0.000001`. Screens round (see the view's own formats); this does not.
pub fn exact_usd(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}${}", decimal(micros.saturating_abs(), 2))
}

/// A number of millionths, exactly, with at least so many decimals, at most six.
pub fn decimal(millionths: i64, least: usize) -> String {
    let text = format!("{}.{:06}", millionths / MICROS, millionths.unsigned_abs() % 1_000_000);
    let zeros = text.bytes().rev().take_while(|byte| *byte == b'0').count().min(6_usize.saturating_sub(least));
    text[..text.len() - zeros].trim_end_matches('.').to_owned()
}

/// Parts of a whole that add up to it exactly: each is `whole × weight ÷ sum of weights`, rounded down, and what is
/// left goes to those that lost most by that, of equals to the first.
///
/// Weights are not negative; where all are zero, so are the parts. Source: largest remainder (Hamilton).
pub fn split(whole: i64, weights: &[i128]) -> Vec<i64> {
    let sum: i128 = weights.iter().sum();
    if sum <= 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &i128| i128::from(whole) * weight;
    let mut parts: Vec<i64> =
        weights.iter().map(|weight| i64::try_from(exact(weight) / sum).unwrap_or(i64::MAX)).collect();
    let left = whole - parts.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| match (exact(&weights[*b]) % sum).cmp(&(exact(&weights[*a]) % sum)) {
        Ordering::Equal => a.cmp(b),
        unequal => unequal,
    });
    let lucky = usize::try_from(left).unwrap_or(0);
    order.into_iter().take(lucky).for_each(|at| parts[at] += 1);
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dollars_are_read_to_the_micro_dollar() {
        for (text, micros) in [
            ("0.0960000000", 96_000),
            ("55.04", 55_040_000),
            ("7", 7_000_000),
            (".5", 500_000),
            ("21.957642", 21_957_642),
            ("0.0000005", 1),
            ("0.00000049", 0),
            ("0", 0),
        ] {
            assert_eq!(parse_usd(text), Some(micros), "{text}");
        }
        for text in ["", ".", "-1", "+1", "1e3", "NaN", "1,5", "$5", "1000001", "99999999999999999999"] {
            assert_eq!(parse_usd(text), None, "{text}");
        }
    }

    #[test]
    fn exact_dollars_have_cents_and_no_trailing_zeros() {
        for (micros, text) in
            [(55_040_000, "$55.04"), (21_957_642, "$21.957642"), (0, "$0.00"), (100, "$0.0001"), (-500_000, "-$0.50")]
        {
            assert_eq!(exact_usd(micros), text);
        }
        assert_eq!((decimal(4_000_000, 0), decimal(250_000, 0)), ("4".to_owned(), "0.25".to_owned()));
    }

    #[test]
    fn remaining_micro_dollars_go_to_the_largest_remainders_then_the_first_parts() {
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(10, &[0, 2, 1]), [0, 7, 3]);
        assert_eq!(split(10, &[]), [0; 0]);
        assert_eq!(split(10, &[0, 0]), [0, 0]);
    }

    proptest! {
        #[test]
        fn split_parts_add_up_and_are_exact_within_a_micro_dollar(whole in 0..200_000_000_i64, weights in prop::collection::vec(0..1_i128 << 60, 1..40)) {
            let (parts, sum) = (split(whole, &weights), weights.iter().sum::<i128>());
            prop_assume!(sum > 0);
            prop_assert_eq!(parts.iter().sum::<i64>(), whole);
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = i128::from(whole) * weight;
                prop_assert!((i128::from(*part) * sum - exact).abs() < sum);
            }
        }
    }
}
