//! Cron schedules as Karpenter's budgets write them: `ParseStandard` of github.com/robfig/cron v3.0.1, in UTC.

use super::{Time, duration};

/// Error of a schedule, with robfig's message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct CronError(String);

/// A cron schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Schedule {
    /// Five fields, or a descriptor that stands for them.
    Fields(Fields),
    /// `@every`: this many whole seconds after whatever time is asked about.
    Every {
        /// At least 1.
        seconds: i64,
    },
}

/// The five fields as bit sets; bit n is set where value n matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fields {
    minutes: u64,
    hours: u64,
    days_of_month: u64,
    months: u64,
    days_of_week: u64,
}

/// Set in a field that was written as `*` or `?` (with step 1): days of month and week are then both required.
const STAR: u64 = 1 << 63;

const SECONDS_PER_DAY: i64 = 86_400;

/// Years that robfig searches ahead.
const YEARS_AHEAD: i16 = 5;

impl Schedule {
    /// Reads five fields or a descriptor (`@hourly`, `@every 2h`).
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        if text.starts_with('@') {
            return parse_descriptor(text);
        }
        parse_fields(text).map(Self::Fields)
    }

    /// The first time after `after`; `None` where there is none within five years.
    pub fn next(&self, after: Time) -> Option<Time> {
        match self {
            Self::Every { seconds } => Some(Time::from_seconds(after.seconds().saturating_add(*seconds))),
            Self::Fields(fields) => fields.next(after),
        }
    }
}

impl Fields {
    /// Walks day by day from the upcoming second to the end of the fifth year from there (robfig's spec.go, Next).
    fn next(&self, after: Time) -> Option<Time> {
        let start = after.seconds().checked_add(1)?;
        let first_day = start.div_euclid(SECONDS_PER_DAY);
        let mut date = date_of(first_day)?;
        let last_year = date.year().saturating_add(YEARS_AHEAD);
        let mut from_minute = minute_at_or_after(start);
        for day in first_day.. {
            if date.year() > last_year {
                return None;
            }
            if self.matches_day(date)
                && let Some(minute) = self.minute_of_day_from(from_minute)
            {
                return Some(Time::from_seconds(day * SECONDS_PER_DAY + i64::from(minute) * 60));
            }
            from_minute = 0;
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// Both day fields must match where one of them is a star, else either.
    fn matches_day(&self, date: jiff::civil::Date) -> bool {
        let in_month = has(self.days_of_month, date.day());
        let in_week = has(self.days_of_week, date.weekday().to_sunday_zero_offset());
        let both = (self.days_of_month | self.days_of_week) & STAR != 0;
        has(self.months, date.month()) && if both { in_month && in_week } else { in_month || in_week }
    }

    /// The first matching minute of a day that is not before `from` (0 to 1440).
    pub(super) fn minute_of_day_from(&self, from: u32) -> Option<u32> {
        let minutes = self.minutes & !STAR;
        (from / 60..24).filter(|hour| self.hours >> hour & 1 == 1).find_map(|hour| {
            let first = if hour == from / 60 { from % 60 } else { 0 };
            let rest = minutes >> first << first;
            (rest != 0).then(|| hour * 60 + rest.trailing_zeros())
        })
    }

    /// Whether it begins on every day.
    pub(super) fn is_daily(&self) -> bool {
        self.days_of_month & self.days_of_week & self.months & STAR != 0
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits.checked_shr(value).is_some_and(|rest| rest & 1 == 1))
}

fn date_of(day: i64) -> Option<jiff::civil::Date> {
    let timestamp = jiff::Timestamp::from_second(day.checked_mul(SECONDS_PER_DAY)?).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(timestamp).date())
}

fn minute_at_or_after(second: i64) -> u32 {
    u32::try_from((second.rem_euclid(SECONDS_PER_DAY) + 59) / 60).unwrap_or(0)
}

fn parse_descriptor(text: &str) -> Result<Schedule, CronError> {
    let fields = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => return parse_every(text),
    };
    parse_fields(fields).map(Schedule::Fields)
}

fn parse_every(text: &str) -> Result<Schedule, CronError> {
    let Some(delay) = text.strip_prefix("@every ") else {
        return Err(CronError(format!("unrecognized descriptor: {text}")));
    };
    match duration::parse_go(delay) {
        Ok(nanos) => Ok(Schedule::Every { seconds: (nanos / 1_000_000_000).max(1) }),
        Err(error) => Err(CronError(format!("failed to parse duration {text}: {error}"))),
    }
}

fn parse_fields(text: &str) -> Result<Fields, CronError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [minutes, hours, days_of_month, months, days_of_week] = words[..] else {
        let (count, words) = (words.len(), words.join(" "));
        return Err(CronError(format!("expected exactly 5 fields, found {count}: [{words}]")));
    };
    Ok(Fields {
        minutes: MINUTES.parse(minutes)?,
        hours: HOURS.parse(hours)?,
        days_of_month: DAYS_OF_MONTH.parse(days_of_month)?,
        months: MONTHS.parse(months)?,
        days_of_week: DAYS_OF_WEEK.parse(days_of_week)?,
    })
}

/// The values a field may have.
struct Bounds {
    min: u64,
    max: u64,
    /// Names of the values from `min` on.
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { min: 0, max: 23, names: &[] };
const DAYS_OF_MONTH: Bounds = Bounds { min: 1, max: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Sunday is 0 and only 0.
const DAYS_OF_WEEK: Bounds = Bounds { min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Bounds {
    /// A list of ranges; robfig lets empty entries pass, so `,` matches nothing at all.
    fn parse(&self, field: &str) -> Result<u64, CronError> {
        field
            .split(',')
            .filter(|range| !range.is_empty())
            .try_fold(0, |bits, range| Ok(bits | self.parse_range(range)?))
    }

    /// `number | number "-" number [ "/" step ]`, with `*` or `?` for the whole range (robfig's parser.go, getRange).
    fn parse_range(&self, text: &str) -> Result<u64, CronError> {
        let (range, step) = text.split_once('/').map_or((text, None), |(range, step)| (range, Some(step)));
        let (low, high) = range.split_once('-').map_or((range, None), |(low, high)| (low, Some(high)));
        let is_star = low == "*" || low == "?";
        let (start, mut end) = if is_star { (self.min, self.max) } else { self.parse_ends(low, high, text)? };
        let step = match step {
            None => 1,
            Some(step) if step.contains('/') => return Err(CronError(format!("too many slashes: {text}"))),
            Some(step) => {
                let step = parse_number(step)?;
                // "N/step" means "N-max/step".
                end = if high.is_none() { self.max } else { end };
                step
            }
        };
        self.check(start, end, step, text)?;
        let star = if is_star && step == 1 { STAR } else { 0 };
        Ok((start..=end)
            .step_by(usize::try_from(step).unwrap_or(usize::MAX))
            .fold(star, |bits, value| bits | 1 << value))
    }

    fn parse_ends(&self, low: &str, high: Option<&str>, text: &str) -> Result<(u64, u64), CronError> {
        let start = self.parse_value(low)?;
        match high {
            None => Ok((start, start)),
            Some(high) if high.contains('-') => Err(CronError(format!("too many hyphens: {text}"))),
            Some(high) => Ok((start, self.parse_value(high)?)),
        }
    }

    fn parse_value(&self, text: &str) -> Result<u64, CronError> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        match named.and_then(|at| u64::try_from(at).ok()) {
            Some(at) => Ok(self.min + at),
            None => parse_number(text),
        }
    }

    fn check(&self, start: u64, end: u64, step: u64, text: &str) -> Result<(), CronError> {
        let (min, max) = (self.min, self.max);
        Err(CronError(if start < min {
            format!("beginning of range ({start}) below minimum ({min}): {text}")
        } else if end > max {
            format!("end of range ({end}) above maximum ({max}): {text}")
        } else if start > end {
            format!("beginning of range ({start}) beyond end of range ({end}): {text}")
        } else if step == 0 {
            format!("step of range should be a positive number: {text}")
        } else {
            return Ok(());
        }))
    }
}

/// Go's `strconv.Atoi`, with its words.
fn parse_number(text: &str) -> Result<u64, CronError> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let why = if is_number { "value out of range" } else { "invalid syntax" };
    let number = digits.parse::<i64>().ok().filter(|_| is_number).and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| CronError(format!("failed to parse int from {text}: strconv.Atoi: parsing \"{text}\": {why}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What robfig's own code answers, line by line.
    const FACTS: &str = include_str!("cron_next.tsv");

    #[test]
    fn next_times_agree_with_robfig_cron() {
        for line in FACTS.lines().skip(1) {
            let [schedule, after, want] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let answer = match Schedule::parse(&schedule.replace("\\t", "\t")) {
                Err(error) => format!("!{error}"),
                Ok(parsed) => parsed.next(Time::parse(after).unwrap()).map_or("-".to_owned(), |next| next.to_string()),
            };
            assert_eq!(answer, want, "{line}");
        }
    }

    proptest! {
        #[test]
        fn the_next_time_is_later_with_no_scheduled_time_between(
            schedule in "[*0-9]{1}(/[1-9])?,[1-5]?[0-9] ([01]?[0-9]|\\*) (\\*|[1-9]) (\\*|[1-9]) (\\*|[0-6])",
            after in 0_i64..4_000_000_000, within: u16,
        ) {
            let schedule = Schedule::parse(&schedule).unwrap();
            let after = Time::from_seconds(after);
            if let Some(next) = schedule.next(after) {
                prop_assert!(next > after);
                prop_assert_eq!(next.seconds() % 60, 0);
                let between = after.plus_seconds(i64::from(within)).min(next.plus_seconds(-1)).max(after);
                prop_assert_eq!(schedule.next(between), Some(next));
            }
        }

        #[test]
        fn reading_a_schedule_never_panics(text in "[-*?/,0-9a-z@ ]{0,16}|.*", after: i64) {
            if let Ok(schedule) = Schedule::parse(&text) {
                let _ = schedule.next(Time::from_micros(after));
            }
        }
    }
}
