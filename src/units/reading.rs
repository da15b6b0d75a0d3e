//! A value together with how it is known.

use super::Time;

/// A value of type `T` with the source `S` that told it, or why there is none: the reason `R`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading<T, S, R> {
    /// A source has told the value.
    Known {
        /// The value.
        value: T,
        /// Who told it.
        source: S,
        /// When the value was known to hold; `None` where the source does not say.
        as_of: Option<Time>,
    },
    /// A source that may tell the value has not answered yet.
    Pending,
    /// No source has the value.
    Unknown(R),
}

impl<T, S, R> Reading<T, S, R> {
    /// The reading without a copy of what it holds.
    pub const fn as_ref(&self) -> Reading<&T, &S, &R> {
        match self {
            Self::Known { value, source, as_of } => Reading::Known { value, source, as_of: *as_of },
            Self::Pending => Reading::Pending,
            Self::Unknown(reason) => Reading::Unknown(reason),
        }
    }

    /// The reading of what is made from the value: of the same source and age, or missing for the same reason.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Reading<U, S, R> {
        match self {
            Self::Known { value, source, as_of } => Reading::Known { value: make(value), source, as_of },
            Self::Pending => Reading::Pending,
            Self::Unknown(reason) => Reading::Unknown(reason),
        }
    }

    /// The value, where it is known.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Pending | Self::Unknown(_) => None,
        }
    }

    /// Who told the value, where it is known.
    pub const fn source(&self) -> Option<&S> {
        match self {
            Self::Known { source, .. } => Some(source),
            Self::Pending | Self::Unknown(_) => None,
        }
    }

    /// When the value was known to hold, where it is known and its source says so.
    pub const fn as_of(&self) -> Option<Time> {
        match self {
            Self::Known { as_of, .. } => *as_of,
            Self::Pending | Self::Unknown(_) => None,
        }
    }

    /// Why no source has the value.
    pub const fn reason(&self) -> Option<&R> {
        match self {
            Self::Unknown(reason) => Some(reason),
            Self::Known { .. } | Self::Pending => None,
        }
    }

    /// For how many seconds nobody has confirmed the value; `None` where that is not known.
    pub fn age_seconds(&self, now: Time) -> Option<i64> {
        self.as_of().map(|as_of| now.seconds_since(as_of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Price = Reading<i64, &'static str, &'static str>;

    const NOW: Time = Time::from_seconds(1_000);

    #[test]
    fn a_mapped_reading_keeps_its_source_and_age() {
        let as_of = Some(Time::from_seconds(940));
        let price: Price = Reading::Known { value: 21, source: "AWS", as_of };
        let double = price.map(|price| price * 2);
        assert_eq!(double, Reading::Known { value: 42, source: "AWS", as_of });
        assert_eq!((double.value(), double.source(), double.age_seconds(NOW)), (Some(42), Some(&"AWS"), Some(60)));
    }

    #[test]
    fn a_mapped_missing_reading_keeps_its_reason() {
        let unknown: Price = Reading::Unknown("not listed");
        assert_eq!(unknown.map(|price| price * 2).reason(), Some(&"not listed"));
        assert_eq!((unknown.value(), unknown.source(), unknown.age_seconds(NOW)), (None, None, None));
        assert_eq!(Price::Pending.map(|price| price * 2), Reading::Pending);
        assert_eq!((Price::Pending.value(), Price::Pending.reason()), (None, None));
    }

    #[test]
    fn a_reading_without_a_time_has_no_age() {
        let price: Price = Reading::Known { value: 21, source: "label", as_of: None };
        assert_eq!(price.age_seconds(NOW), None);
    }
}
