//! Every number that reaches the screen is written here.

use std::borrow::Cow;

use super::money;
use crate::fleet::Utilization;
use crate::insight::gpu::Thousandths;
use crate::insight::sentence::{Part, Sentence};
use crate::units::{Time, duration};

/// What stands for something that does not exist.
pub(super) const NONE: &str = "–";
/// What stands for something that is not known.
pub(super) const UNKNOWN: &str = "?";
/// What stands for something that is not known yet.
pub(super) const NOT_YET: &str = "…";

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// An age as kubectl writes it, but in one unit past two minutes, so that an idle screen does not change every second.
/// A clock that runs behind the cluster's is no reason for a negative age.
pub(super) fn age(seconds: i64) -> String {
    match seconds {
        ..=0 => "0s".to_owned(),
        1..MINUTE => format!("{seconds}s"),
        MINUTE..120 => format!("1m{:02}s", seconds - MINUTE),
        120..HOUR => format!("{}m", seconds / MINUTE),
        HOUR..172_800 => format!("{}h", seconds / HOUR),
        _ => format!("{}d", seconds / DAY),
    }
}

/// How long something took or will take, in at most two units: `58s`, `11m02s`, `4h 12m`, `29d 23h`.
pub(super) fn span(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / MINUTE);
    match seconds {
        ..0 => format!("-{}", span(seconds.saturating_neg())),
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{minutes}m{:02}s", seconds % MINUTE),
        HOUR..DAY if minutes == 0 => format!("{hours}h"),
        HOUR..DAY => format!("{hours}h {minutes:02}m"),
        _ if hours == 0 => format!("{days}d"),
        _ => format!("{days}d {hours}h"),
    }
}

/// `15:02` in UTC; with the date where that is not today.
pub(super) fn clock(now: Time, at: Time) -> String {
    let (today, then) = (now.to_string(), at.to_string());
    let (Some(date), Some(time)) = (then.get(..10), then.get(11..16)) else { return UNKNOWN.to_owned() };
    match (today.get(..10) == Some(date), today.get(..4) == then.get(..4)) {
        (true, _) => time.to_owned(),
        (false, true) => format!("{} {time}", &date[5..]),
        (false, false) => format!("{date} {time}"),
    }
}

/// The same in a column: the date alone more than a day ahead, and no date before, for each time of day comes once until then.
pub(super) fn day_or_clock(now: Time, at: Time) -> String {
    let text = clock(now, at);
    match (text.rsplit_once(' '), at.seconds_since(now)) {
        (Some((date, _)), DAY..) => date.to_owned(),
        (Some((_, time)), 0..) => time.to_owned(),
        _ => text,
    }
}

/// `15:02:07` in UTC; with the date where that is not today.
pub(super) fn clock_seconds(now: Time, at: Time) -> String {
    let seconds = at.to_string().get(16..19).unwrap_or_default().to_owned();
    clock(now, at) + &seconds
}

/// A sentence of an insight with its holes filled in for the eye.
pub(super) fn sentence(now: Time, sentence: &Sentence) -> String {
    sentence.parts().iter().map(|one| part(now, one)).collect()
}

fn part(now: Time, part: &Part) -> Cow<'_, str> {
    match part {
        Part::Text(words) => Cow::Borrowed(words),
        Part::Name(name) => Cow::Borrowed(name),
        Part::Object(key) => Cow::Owned(key.to_string()),
        Part::Number(number) => Cow::Owned(number.to_string()),
        Part::Time(at) => Cow::Owned(clock(now, *at)),
        Part::Seconds(seconds) => Cow::Owned(duration::format_compact(*seconds)),
        Part::MicroUsd(micros) => Cow::Owned(money::dollars(*micros)),
        Part::Bytes(size) => Cow::Owned(bytes(*size)),
    }
}

/// `in 1h 07m`, `41m ago`, `now`: coarse, for sentences.
pub(super) fn relative(now: Time, at: Time) -> String {
    match at.seconds_since(now) {
        0 => "now".to_owned(),
        ahead @ 1.. => format!("in {}", age(ahead)),
        past => format!("{} ago", age(past.saturating_neg())),
    }
}

/// What is left of minutes, second by second: `1:32`; never less than nothing.
pub(super) fn countdown(seconds: i64) -> String {
    let left = seconds.max(0);
    match left {
        HOUR.. => span(left),
        _ => format!("{}:{:02}", left / MINUTE, left % MINUTE),
    }
}

/// Thousands apart: `12,300`.
pub(super) fn count(number: impl TryInto<i128>) -> String {
    let number: i128 = number.try_into().unwrap_or(i128::MAX);
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 node`, `2 nodes`.
pub(super) fn plural(number: impl TryInto<i128>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(i128::MAX);
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// How much of a whole, rounded down so that 100% means all of it; `None` where there is no whole.
pub(super) fn percent(part: i64, whole: i64) -> Option<String> {
    if whole <= 0 {
        return None;
    }
    let percent = i128::from(part.max(0)) * 100 / i128::from(whole);
    Some(if percent == 0 && part > 0 { "<1%".to_owned() } else { format!("{percent}%") })
}

/// How much of a whole, rounded to the nearest, so that all parts together make about 100; `None` where there is no whole.
pub(super) fn rounded_percent(part: i64, whole: i64) -> Option<String> {
    if whole <= 0 {
        return None;
    }
    let (part, whole) = (i128::from(part.max(0)), i128::from(whole));
    let percent = (part * 200 + whole) / (whole * 2);
    Some(if percent == 0 && part > 0 { "<1%".to_owned() } else { format!("{percent}%") })
}

/// Cores: `48`, `3.9`, `250m`.
pub(super) fn cores(millis: i64) -> String {
    match millis {
        m if m % 1000 == 0 => (m / 1000).to_string(),
        m if m.abs() < 1000 => format!("{m}m"),
        m => format!("{}.{}", m / 1000, (m % 1000).abs() / 100),
    }
}

/// Devices, with the digits behind the point that they have: `2`, `0.429`.
pub(super) fn thousandths(devices: Thousandths) -> String {
    let digits = format!("{}.{:03}", devices.0 / 1000, (devices.0 % 1000).abs());
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes in binary units, with one digit behind the point below ten: `64 MiB`, `1.5 TiB`.
pub(super) fn bytes(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut tenths, mut unit) = (i128::from(bytes) * 10, 0);
    while tenths.abs() >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if tenths % 10 != 0 && tenths.abs() < 100 {
        return format!("{}.{} {}", tenths / 10, (tenths % 10).abs(), UNITS[unit]);
    }
    format!("{} {}", tenths / 10, UNITS[unit])
}

/// A part of so many bytes, both in the unit of the whole: `12 of 80 GiB`.
pub(super) fn bytes_of(part: i64, whole: i64) -> String {
    let whole = bytes(whole);
    let part = bytes(part);
    match (part.split_once(' '), whole.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} of {whole}"),
        _ => format!("{part} of {whole}"),
    }
}

/// `91%`, as a whole number.
pub(super) fn utilization(utilization: Utilization) -> String {
    format!("{}%", utilization.whole_percent())
}

/// One column of a curve between zero and `most` in eight steps; a dot where the value is not known.
pub(super) fn step(value: Option<i64>, most: i64) -> char {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let Some(value) = value else { return '·' };
    let at = i128::from(value) * 7 / i128::from(most.max(1));
    STEPS[usize::try_from(at).unwrap_or(0).min(7)]
}

/// A bar of one mark per device, or of at most `longest` marks where there are more: (filled, empty).
pub(super) fn bar(part: i64, whole: i64, longest: usize) -> (String, String) {
    let (part, whole) = (part.clamp(0, whole.max(0)), whole.max(0));
    let length = usize::try_from(whole).unwrap_or(longest).min(longest);
    let wide = i128::try_from(length).unwrap_or_default();
    let scaled = if whole == 0 { 0 } else { (i128::from(part) * wide + i128::from(whole) - 1) / i128::from(whole) };
    let filled = usize::try_from(scaled).unwrap_or(length).min(length);
    ("▇".repeat(filled), "▁".repeat(length - filled))
}

/// A share in millionths as a bar of so many columns in steps of an eighth of one: (filled, empty). Whatever is not nothing
/// shows.
pub(super) fn eighths(share_millionths: i64, columns: usize) -> (String, String) {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    const MILLION: i128 = 1_000_000;
    let wide = i128::try_from(columns).unwrap_or_default();
    let share = i128::from(share_millionths).clamp(0, MILLION);
    let steps = usize::try_from((share * wide * 8 + MILLION - 1) / MILLION).unwrap_or(0);
    let (whole, part) = (steps / 8, PARTS[steps % 8]);
    let rest = columns.saturating_sub(whole + usize::from(!part.is_empty()));
    (format!("{}{part}", "█".repeat(whole)), " ".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{ObjectKey, Sym};
    use crate::insight::sentence::sentence;

    #[test]
    fn ages_from_two_minutes_on_have_one_unit() {
        let cases = [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (72, "1m12s"),
            (120, "2m"),
            (41 * 60 + 59, "41m"),
            (11 * 3600 + 59, "11h"),
            (47 * 3600, "47h"),
            (29 * 86_400 + 86_399, "29d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(age(seconds), text);
        }
    }

    #[test]
    fn spans_have_at_most_two_units() {
        let cases =
            [(58, "58s"), (662, "11m02s"), (15_120, "4h 12m"), (7200, "2h"), (2_588_400, "29d 23h"), (-90, "-1m30s")];
        for (seconds, text) in cases {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn a_clock_time_of_another_day_has_its_date() {
        let now = Time::parse("2026-11-21T12:04:00Z").unwrap();
        for (at, text) in [
            ("2026-11-21T15:02:07Z", "15:02"),
            ("2026-11-22T00:00:00Z", "11-22 00:00"),
            ("2027-01-01T00:00:00Z", "2027-01-01 00:00"),
        ] {
            assert_eq!(clock(now, Time::parse(at).unwrap()), text);
        }
        assert_eq!(clock_seconds(now, Time::parse("2026-11-21T15:02:07Z").unwrap()), "15:02:07");
        assert_eq!(clock(now, Time::from_seconds(i64::MAX)), "?");
        for (at, text) in [
            ("2026-11-22T00:30:00Z", "00:30"),
            ("2026-11-22T12:04:00Z", "11-22"),
            ("2026-11-20T23:00:00Z", "11-20 23:00"),
            ("2026-12-22T00:30:00Z", "12-22"),
            ("2026-11-21T15:02:00Z", "15:02"),
        ] {
            assert_eq!(day_or_clock(now, Time::parse(at).unwrap()), text);
        }
    }

    #[test]
    fn the_parts_of_a_sentence_are_formatted() {
        let at = |text| Time::parse(text).unwrap();
        let now = at("2026-11-21T12:04:00Z");
        let pod = ObjectKey::new("ml", "train-0");
        let said = sentence![
            &pod,
            " is killed ",
            at("2026-11-21T14:29:30Z"),
            ": ",
            &Sym::new("gpu"),
            " expires ",
            at("2026-12-01T14:20:00Z"),
            " (",
            Part::Seconds(2_592_000),
            "), number ",
            7_i64,
            ", at ",
            Part::MicroUsd(1_234_567),
        ];
        let text = "ml/train-0 is killed 14:29: gpu expires 12-01 14:20 (720h), number 7, at $1.23";
        assert_eq!(sentence(now, &said), text);
        let verbatim = "Karpenter said 2026-11-21T14:29:30Z";
        assert_eq!(sentence(now, &Sentence::of(verbatim)), verbatim, "other people's words stay as they are");
    }

    #[test]
    fn counts_percentages_cores_and_bytes_are_formatted_for_reading() {
        assert_eq!(count(1_234_567_i64), "1,234,567");
        assert_eq!(count(999_usize), "999");
        assert_eq!(count(-1000_i64), "-1,000");
        assert_eq!(percent(999, 1000).as_deref(), Some("99%"));
        assert_eq!(percent(1, 1000).as_deref(), Some("<1%"));
        assert_eq!(percent(1, 0), None);
        assert_eq!(cores(3920), "3.9");
        assert_eq!(cores(250), "250m");
        assert_eq!(bytes(1_649_267_441_664), "1.5 TiB");
        assert_eq!(bytes(67_108_864), "64 MiB");
        assert_eq!(bytes(i64::MAX), "8191 PiB");
    }

    #[test]
    fn a_bar_of_eighths_is_as_wide_whatever_it_shows() {
        let bars = [0, 1, 500_000, 230_769, 1_000_000, 2_000_000].map(|share| eighths(share, 4));
        let full: Vec<&str> = bars.iter().map(|(full, _)| full.as_str()).collect();
        assert_eq!(full, ["", "▏", "██", "█", "████", "████"]);
        assert!(bars.iter().all(|(full, rest)| full.chars().count() + rest.len() == 4));
        assert_eq!(eighths(400_000, 4).0, "█▋");
    }

    #[test]
    fn a_countdown_ends_at_zero() {
        assert_eq!([92, 60, 5, 0, -7, 3_600].map(countdown), ["1:32", "1:00", "0:05", "0:00", "0:00", "1h"]);
    }

    #[test]
    fn a_bar_shows_at_least_one_mark_for_any_use() {
        assert_eq!(bar(2, 4, 8), ("▇▇".to_owned(), "▁▁".to_owned()));
        assert_eq!(bar(1, 16, 8), ("▇".to_owned(), "▁▁▁▁▁▁▁".to_owned()));
        assert_eq!(bar(5, 4, 8), ("▇▇▇▇".to_owned(), String::new()));
        assert_eq!(bar(3, 0, 8), (String::new(), String::new()));
    }
}
