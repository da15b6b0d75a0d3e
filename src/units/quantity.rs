//! Kubernetes' `resource.Quantity`: `250m`, `1.5Gi`, `8`, `1e3`.
//!
//! Grammar and rounding follow k8s.io/apimachinery/pkg/api/resource/quantity.go (ParseQuantity, Value, MilliValue). The
//! one difference: Go reads a number without any digit (`+`, `.`) as zero; here it is no quantity.

/// Thousandths, rounded away from zero as `MilliValue()` does; for CPU. What does not fit saturates.
///
/// `None` where `text` is no quantity.
pub fn millis(text: &str) -> Option<i64> {
    Some(Parts::parse(text)?.scaled(3))
}

/// Whole units, rounded away from zero as `Value()` does; for bytes and counts. What does not fit saturates.
///
/// `None` where `text` is no quantity.
pub fn units(text: &str) -> Option<i64> {
    Some(Parts::parse(text)?.scaled(0))
}

/// A quantity taken apart: (-1)^negative × 0.digits × 10^point × multiplier.
struct Parts {
    negative: bool,
    /// Decimal digits (not their characters), without leading zeros.
    digits: Vec<u8>,
    /// Where the decimal point stands, counted from the first digit.
    point: i64,
    /// 1, or the power of 1024 that the suffix names.
    multiplier: u128,
}

/// No `i64` has more decimal digits, whatever the binary multiplier.
const MOST_DIGITS: i64 = 20;

impl Parts {
    fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = split_sign(text);
        let (whole, rest) = split_digits(unsigned);
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => split_digits(rest),
            None => ("", rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (exponent, multiplier) = read_suffix(suffix)?;
        let mut point = i64::try_from(whole.len()).ok()?.saturating_add(exponent);
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        point = point.saturating_sub(i64::try_from(zeros).ok()?);
        Some(Self { negative, digits, point, multiplier })
    }

    /// The value × 10^`scale`, rounded away from zero.
    fn scaled(&self, scale: i64) -> i64 {
        let magnitude = self.magnitude(self.point.saturating_add(scale)).min(1 << 63);
        let signed = i128::try_from(magnitude).unwrap_or(i128::MAX);
        let value = if self.negative { -signed } else { signed };
        i64::try_from(value).unwrap_or(i64::MAX)
    }

    /// The absolute value with the point at `point`, rounded up.
    fn magnitude(&self, point: i64) -> u128 {
        if self.digits.is_empty() {
            return 0;
        }
        if point > MOST_DIGITS {
            return u128::MAX;
        }
        let whole_len = usize::try_from(point).unwrap_or(0).min(self.digits.len());
        let (whole, fraction) = self.digits.split_at(whole_len);
        let mut integer = whole.iter().fold(0_u128, |sum, digit| sum * 10 + u128::from(*digit));
        for _ in i64::try_from(whole_len).unwrap_or(0)..point {
            integer *= 10;
        }
        integer * self.multiplier + self.fraction_times_multiplier(fraction, point.min(0).unsigned_abs())
    }

    /// 0.(`leading_zeros`)`fraction` × multiplier, rounded up: multiplication by hand, from the last digit on.
    fn fraction_times_multiplier(&self, fraction: &[u8], leading_zeros: u64) -> u128 {
        let (mut carry, mut inexact) = (0_u128, false);
        for digit in fraction.iter().rev() {
            let product = u128::from(*digit) * self.multiplier + carry;
            inexact |= !product.is_multiple_of(10);
            carry = product / 10;
        }
        for _ in 0..leading_zeros.min(MOST_DIGITS.unsigned_abs()) {
            inexact |= !carry.is_multiple_of(10);
            carry /= 10;
        }
        carry + u128::from(inexact)
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// The power of ten and the multiplier that a suffix stands for.
fn read_suffix(suffix: &str) -> Option<(i64, u128)> {
    let decimal = |exponent| Some((exponent, 1));
    let binary = |power: u32| Some((0, 1 << (10 * power)));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => decimal(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{millis, units};

    #[test]
    fn quantities_of_manifests_are_read_in_thousandths_and_rounded_up_to_units() {
        for (text, want_millis, want_units) in [
            ("0", 0, 0),
            ("100m", 100, 1),
            ("1", 1000, 1),
            ("1.5", 1500, 2),
            (".5", 500, 1),
            ("1.", 1000, 1),
            ("+2", 2000, 2),
            ("-1.5", -1500, -2),
            ("1k", 1_000_000, 1000),
            ("1e3", 1_000_000, 1000),
            ("1E3", 1_000_000, 1000),
            ("12e-1", 1200, 2),
            ("5e+1", 50_000, 50),
            ("1Ki", 1_024_000, 1024),
            ("1.5Gi", 1_610_612_736_000, 1_610_612_736),
            ("16384Mi", 17_179_869_184_000, 17_179_869_184),
            ("129e6", 129_000_000_000, 129_000_000),
            ("1n", 1, 1),
            ("1500u", 2, 1),
            ("0.0001", 1, 1),
            ("-1n", -1, -1),
            ("0.1Ki", 102_400, 103),
            ("00012", 12_000, 12),
            ("0e99999999999", 0, 0),
            ("1e-99999999999", 1, 1),
        ] {
            assert_eq!((millis(text), units(text)), (Some(want_millis), Some(want_units)), "{text}");
        }
    }

    #[test]
    fn quantities_beyond_64_bits_saturate() {
        assert_eq!(units("1E"), Some(1_000_000_000_000_000_000));
        assert_eq!(units("7Ei"), Some(8_070_450_532_247_928_832));
        assert_eq!(units("8Ei"), Some(i64::MAX));
        assert_eq!(millis("1E"), Some(i64::MAX));
        assert_eq!(units("9223372036854775807"), Some(i64::MAX));
        assert_eq!(units("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(units("-1e40"), Some(i64::MIN));
        assert_eq!(units("1e9223372036854775807"), Some(i64::MAX));
    }

    #[test]
    fn text_outside_the_grammar_is_no_quantity() {
        for text in ["", "+", ".", "m", "1 Gi", "1GiB", "1K", "1e", "1e1.5", "1ee3", "--1", "1Mim", "x", "1m2", "१"] {
            assert_eq!((millis(text), units(text)), (None, None), "{text}");
        }
    }

    /// A natural number in decimal, least digit first, with the two operations that the definition needs.
    struct Natural(Vec<u32>);

    impl Natural {
        fn times(mut self, factor: u32) -> Self {
            let mut carry = 0;
            for digit in &mut self.0 {
                let product = *digit * factor + carry;
                *digit = product % 10;
                carry = product / 10;
            }
            while carry > 0 {
                self.0.push(carry % 10);
                carry /= 10;
            }
            self
        }

        fn tenth_rounded_up(self, places: usize) -> Self {
            let inexact = self.0.iter().take(places).any(|digit| *digit != 0);
            let mut rest: Vec<u32> = self.0.into_iter().skip(places).collect();
            if inexact {
                let nines = rest.iter().take_while(|digit| **digit == 9).count();
                rest[..nines].fill(0);
                match rest.get_mut(nines) {
                    Some(digit) => *digit += 1,
                    None => rest.push(1),
                }
            }
            Self(rest)
        }

        fn saturated(&self) -> i64 {
            let text: String = self.0.iter().rev().filter_map(|digit| char::from_digit(*digit, 10)).collect();
            let text = text.trim_start_matches('0');
            if text.is_empty() { 0 } else { text.parse().unwrap_or(i64::MAX) }
        }
    }

    /// The powers of 10 and of 1024 that a suffix stands for.
    fn powers(suffix: &str) -> (i32, u32) {
        if let Some(exponent) = suffix.strip_prefix(['e', 'E']).filter(|rest| !rest.is_empty() && *rest != "i") {
            return (exponent.parse().unwrap(), 0);
        }
        if let Some(at) = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter().position(|name| *name == suffix) {
            return (0, u32::try_from(at).unwrap() + 1);
        }
        let at = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].iter().position(|name| *name == suffix).unwrap();
        (3 * i32::try_from(at).unwrap() - 9, 0)
    }

    /// By the definition: multiply first, divide by the power of ten last.
    fn oracle(whole: &str, fraction: &str, suffix: &str, scale: u32) -> i64 {
        let mut value =
            Natural(format!("{whole}{fraction}").bytes().rev().map(|digit| u32::from(digit - b'0')).collect());
        let (mut tens, kibis) = powers(suffix);
        for _ in 0..kibis {
            value = value.times(1024);
        }
        tens += i32::try_from(scale).unwrap() - i32::try_from(fraction.len()).unwrap();
        for _ in 0..tens {
            value = value.times(10);
        }
        value.tenth_rounded_up(usize::try_from(-tens).unwrap_or(0)).saturated()
    }

    proptest! {
        #[test]
        fn quantities_agree_with_decimal_arithmetic(
            negative: bool,
            whole in "[0-9]{1,24}",
            fraction in "[0-9]{0,30}",
            suffix in "(n|u|m||k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{1,2})",
        ) {
            let sign = if negative { "-" } else { "" };
            let text = format!("{sign}{whole}.{fraction}{suffix}");
            let signed = |value: i64| if negative && value == i64::MAX { None } else { Some(if negative { -value } else { value }) };
            if let Some(want) = signed(oracle(&whole, &fraction, &suffix, 0)) {
                prop_assert_eq!(units(&text), Some(want), "{}", text);
            }
            if let Some(want) = signed(oracle(&whole, &fraction, &suffix, 3)) {
                prop_assert_eq!(millis(&text), Some(want), "{}", text);
            }
        }

        #[test]
        fn reading_a_quantity_never_panics(text: String) {
            let _ = (millis(&text), units(&text));
        }
    }
}
