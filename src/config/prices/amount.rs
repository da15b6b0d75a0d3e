//! Amounts, shares and dates of a price file. Error messages follow the key they are about.

use crate::units::{Time, money};

/// Micro-dollars per hour from decimal dollars, not negative.
pub(super) fn dollars(text: &str) -> Result<i64, String> {
    let Some(micros) = positive(text) else {
        return Err(format!(
            "invalid amount: {text:?}; allowed: dollars per hour from 0 (prepaid) to 1000000 as a plain decimal number, for \
             example 3.06"
        ));
    };
    if micros == 0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        // Rounded to 0, it would mean prepaid.
        return Err(format!("too small: {text:?}; the smallest amount is 0.000001, and 0 means prepaid"));
    }
    Ok(micros)
}

/// Millionths from a share between 0 and 1.
pub(super) fn share(text: &str) -> Result<i64, String> {
    let millionths = positive(text).filter(|millionths| *millionths <= money::MICROS);
    millionths
        .ok_or_else(|| format!("invalid share: {text:?}; allowed: a number from 0 to 1, for example 0.18 for 18 %"))
}

fn positive(text: &str) -> Option<i64> {
    money::parse_usd(text.strip_prefix('+').unwrap_or(text))
}

/// Start of a day in UTC.
pub(super) fn day(text: &str) -> Result<Time, String> {
    let is_day = text.len() == "2026-11-01".len();
    let time = is_day.then(|| Time::parse(&format!("{text}T00:00:00Z"))).flatten();
    time.ok_or_else(|| format!("invalid date: {text:?}; write it like 2026-11-01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_too_small_ones_are_refused() {
        assert_eq!(dollars("21.957642"), Ok(21_957_642));
        assert_eq!(dollars("0.1"), Ok(100_000));
        assert_eq!(dollars("+31.50"), Ok(31_500_000));
        assert_eq!(dollars("0.0000005"), Ok(1));
        assert_eq!(dollars("0.000"), Ok(0));
        assert_eq!(dollars("1000000"), Ok(1_000_000_000_000));
        for rubbish in ["-1", "-0", "nan", "inf", "+inf", "1e3", "1000000.01", "$3", "3,06", "++1", ""] {
            assert!(dollars(rubbish).is_err_and(|message| message.starts_with("invalid amount")), "{rubbish}");
        }
        assert!(dollars("0.0000001").is_err_and(|message| message.starts_with("too small")));
    }

    #[test]
    fn a_discount_share_is_a_fraction_from_0_to_1() {
        assert_eq!(share("0.18"), Ok(180_000));
        assert_eq!(share("1.0"), Ok(1_000_000));
        for rubbish in ["18", "1.01", "-0.1", "18%"] {
            assert!(share(rubbish).is_err(), "{rubbish}");
        }
    }

    #[test]
    fn a_date_is_the_start_of_its_day_in_utc() {
        assert_eq!(day("2026-11-01"), Ok(Time::from_seconds(1_793_491_200)));
        for rubbish in ["2026-02-30", "1.11.2026", "2026-11-1", "2026-11-01T00:00:00Z", ""] {
            assert!(day(rubbish).is_err(), "{rubbish}");
        }
    }
}
