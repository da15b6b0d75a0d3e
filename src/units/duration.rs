//! Durations, in Go's grammar as Kubernetes and Karpenter write them.

use std::fmt;

/// A duration field that may also say `Never`, as in `expireAfter` and `consolidateAfter`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lifetime {
    /// The field is absent.
    #[default]
    Unset,
    /// `Never`.
    Never,
    /// Whole seconds, rounded down.
    Seconds(i64),
    /// Text that is neither.
    Invalid,
}

impl Lifetime {
    /// Reads `Never` or a Go duration that is not negative (karpenter pkg/apis/v1/duration.go, NillableDuration).
    pub fn parse(text: &str) -> Self {
        match text {
            "Never" => Self::Never,
            _ => match parse_go(text) {
                Ok(nanos) if nanos >= 0 => Self::Seconds(nanos / NANOS_PER_SECOND),
                Ok(_) | Err(_) => Self::Invalid,
            },
        }
    }
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// One more than the largest duration: Go counts in 64 bits without sign up to here, for the most negative one.
const LIMIT: u64 = 1 << 63;

/// Error of a Go duration, with the message of Go's `time.ParseDuration`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DurationError {
    /// Not of the form, or too long for 64 bits of nanoseconds.
    #[error("time: invalid duration {}", Quoted(.0))]
    Invalid(String),
    /// A number without unit.
    #[error("time: missing unit in duration {}", Quoted(.0))]
    MissingUnit(String),
    /// A unit that Go does not have, such as `d`.
    #[error("time: unknown unit {} in duration {}", Quoted(.unit), Quoted(.text))]
    UnknownUnit {
        /// The unit that Go does not know.
        unit: String,
        /// Text that was parsed.
        text: String,
    },
}

/// Text in quotes, as Go's package time quotes it: bytes that are not printable ASCII as `\x..`.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for byte in self.0.bytes() {
            match byte {
                b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                b' '..=0x7f => write!(f, "{}", char::from(byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_str("\"")
    }
}

/// Reads a duration exactly as Go's `time.ParseDuration` does: nanoseconds.
///
/// A sign, then numbers with units `ns us µs μs ms s m h`; a bare `0` needs none. There are no days.
pub fn parse_go(text: &str) -> Result<i64, DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (nanos, tail) = parse_term(rest, text)?;
        total = total.checked_add(nanos).filter(|sum| *sum <= LIMIT).ok_or_else(invalid)?;
        rest = tail;
    }
    if negative { Ok(0_i64.wrapping_sub_unsigned(total)) } else { i64::try_from(total).map_err(|_| invalid()) }
}

/// One number with its unit at the start of `rest`: its nanoseconds, and what follows.
fn parse_term<'a>(rest: &'a str, text: &str) -> Result<(u64, &'a str), DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let (whole, after_whole) = split_at_first(rest, |byte| !byte.is_ascii_digit());
    let (fraction, after_number) = match after_whole.strip_prefix('.') {
        Some(after_point) => split_at_first(after_point, |byte| !byte.is_ascii_digit()),
        None => ("", after_whole),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let whole = leading_integer(whole).ok_or_else(invalid)?;
    let (unit, tail) = split_at_first(after_number, |byte| byte == b'.' || byte.is_ascii_digit());
    if unit.is_empty() {
        return Err(DurationError::MissingUnit(text.to_owned()));
    }
    let Some(unit_nanos) = unit_nanos(unit) else {
        return Err(DurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() });
    };
    let nanos = whole.checked_mul(unit_nanos).filter(|nanos| *nanos <= LIMIT).ok_or_else(invalid)?;
    let nanos = nanos.checked_add(fraction_nanos(fraction, unit_nanos)).filter(|nanos| *nanos <= LIMIT);
    Ok((nanos.ok_or_else(invalid)?, tail))
}

fn split_at_first(text: &str, is_end: impl Fn(u8) -> bool) -> (&str, &str) {
    text.split_at(text.bytes().position(is_end).unwrap_or(text.len()))
}

/// The number these digits write; `None` above 2^63. No digits are zero.
fn leading_integer(digits: &str) -> Option<u64> {
    digits.bytes().try_fold(0_u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|sum| *sum <= LIMIT)
    })
}

/// The nanoseconds of the digits after the point. Go uses floating point here, so this must, too.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most one hour in nanoseconds")]
fn fraction_nanos(digits: &str, unit_nanos: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in digits.bytes() {
        if value > (LIMIT - 1) / 10 {
            break;
        }
        let next = value * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit_nanos as f64 / scale)) as u64
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// Writes nanoseconds as Go's `Duration.String()` does: `4h0m0s`, `1m30s`, `1.5s`, `20ms`, `0s`.
pub fn format_go(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let second = NANOS_PER_SECOND.unsigned_abs();
    if nanos < second {
        return format!("{sign}{}", below_a_second(nanos));
    }
    let (minutes, rest) = (nanos / (60 * second), nanos % (60 * second));
    let seconds = decimal(rest, second);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

fn below_a_second(nanos: u64) -> String {
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}\u{b5}s", decimal(nanos, 1_000)),
        _ => format!("{}ms", decimal(nanos, 1_000_000)),
    }
}

/// `value / one` without trailing zeros; `one` is a power of ten.
fn decimal(value: u64, one: u64) -> String {
    let (whole, fraction) = (value / one, value % one);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = one.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// Writes whole seconds so that Go reads them and a person does, too: `4h`, `1h30m`, `1m30s`, `45s`, `0s`.
pub fn format_compact(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let total = seconds.unsigned_abs();
    let parts = [(total / 3600, 'h'), (total / 60 % 60, 'm'), (total % 60, 's')];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { format!("{sign}{}", parts.concat()) }
}

/// Reads what a person types, in humantime's grammar (`2 days 4h`, `90min`): whole seconds, at least one.
///
/// The longest is what a Go duration can hold, about 292 years. The error is a sentence for the person.
pub fn from_human(text: &str) -> Result<i64, String> {
    let duration = humantime::parse_duration(text.trim()).map_err(|error| format!("\"{text}\": {error}"))?;
    if duration.subsec_nanos() != 0 || duration.as_secs() == 0 {
        return Err(format!("\"{text}\": give whole seconds, at least 1s"));
    }
    i64::try_from(duration.as_secs())
        .ok()
        .filter(|seconds| seconds.checked_mul(NANOS_PER_SECOND).is_some())
        .ok_or_else(|| format!("\"{text}\": longer than {}", format_compact(i64::MAX / NANOS_PER_SECOND)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, want) in [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("-5s", -5_000_000_000),
            ("+5s", 5_000_000_000),
            ("-0", 0),
            ("5.0s", 5_000_000_000),
            ("5.s", 5_000_000_000),
            (".5s", 500_000_000),
            ("1.00400s", 1_004_000_000),
            ("10ns", 10),
            ("11us", 11_000),
            ("12\u{b5}s", 12_000),
            ("12\u{3bc}s", 12_000),
            ("3h30m", 12_600_000_000_000),
            ("10.5s4m", 250_500_000_000),
            ("-2m3.4s", -123_400_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("39h9m14.425s", 140_954_425_000_000),
            ("52763797000ns", 52_763_797_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("9007199254740993ns", 9_007_199_254_740_993),
            ("9223372036854775807ns", i64::MAX),
            ("9223372036854775.807us", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("-2562047h47m16.854775808s", i64::MIN),
            ("0.100000000000000000000h", 360_000_000_000),
            ("0.830103483285477580700h", 2_988_372_539_827),
        ] {
            assert_eq!(parse_go(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn invalid_durations_are_refused_with_gos_messages() {
        for (text, want) in [
            ("", "time: invalid duration \"\""),
            ("3", "time: missing unit in duration \"3\""),
            ("-", "time: invalid duration \"-\""),
            ("s", "time: invalid duration \"s\""),
            (".", "time: invalid duration \".\""),
            ("-.", "time: invalid duration \"-.\""),
            (".s", "time: invalid duration \".s\""),
            ("+.s", "time: invalid duration \"+.s\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("true", "time: invalid duration \"true\""),
            ("1h 2m", "time: unknown unit \"h \" in duration \"1h 2m\""),
            ("\u{85}\u{85}", "time: invalid duration \"\\xc2\\x85\\xc2\\x85\""),
            ("hello \u{fffd} \"world\"", "time: invalid duration \"hello \\xef\\xbf\\xbd \\\"world\\\"\""),
            ("9223372036854775810ns", "time: invalid duration \"9223372036854775810ns\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
            ("-9223372036854775809ns", "time: invalid duration \"-9223372036854775809ns\""),
            ("3000000h", "time: invalid duration \"3000000h\""),
            ("9223372036854775ms775us808ns", "time: invalid duration \"9223372036854775ms775us808ns\""),
        ] {
            assert_eq!(parse_go(text).map_err(|error| error.to_string()), Err(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (nanos, want) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1\u{b5}s"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (480_000_000_001, "8m0.000000001s"),
            (4 * 3600 * NANOS_PER_SECOND, "4h0m0s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(format_go(nanos), want);
        }
    }

    #[test]
    fn the_compact_form_omits_zero_units() {
        for (seconds, want) in
            [(14_400, "4h"), (5_400, "1h30m"), (90, "1m30s"), (45, "45s"), (0, "0s"), (-3600, "-1h"), (3601, "1h1s")]
        {
            assert_eq!(format_compact(seconds), want);
        }
    }

    #[test]
    fn typed_durations_may_have_days_but_not_fractions_of_seconds() {
        assert_eq!(from_human("2 days 4h"), Ok(187_200));
        assert_eq!(from_human(" 90min "), Ok(5_400));
        assert_eq!(from_human("1.5h"), Ok(5_400));
        for text in ["", "1", "5ms", "0s", "soon", "1000years", "1.5"] {
            assert!(from_human(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_lifetime_is_never_or_a_duration_that_is_not_negative() {
        for (text, want) in [
            ("Never", Lifetime::Never),
            ("720h", Lifetime::Seconds(2_592_000)),
            ("0s", Lifetime::Seconds(0)),
            ("1.9s", Lifetime::Seconds(1)),
            ("-1s", Lifetime::Invalid),
            ("never", Lifetime::Invalid),
            ("30d", Lifetime::Invalid),
            ("", Lifetime::Invalid),
        ] {
            assert_eq!(Lifetime::parse(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_is_read_back(nanos: i64, seconds in 0..=i64::MAX / NANOS_PER_SECOND) {
            prop_assert_eq!(parse_go(&format_go(nanos)), Ok(nanos));
            prop_assert_eq!(parse_go(&format_compact(seconds)), Ok(seconds * NANOS_PER_SECOND));
            prop_assert_eq!(parse_go(&format_compact(-seconds)), Ok(-seconds * NANOS_PER_SECOND));
        }

        #[test]
        fn reading_a_duration_never_panics(text in "[-+0-9.a-z\u{b5} ]{0,12}|.*") {
            let _ = (parse_go(&text), from_human(&text), Lifetime::parse(&text));
        }
    }
}
