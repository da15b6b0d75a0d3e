//! How many Events were told, minute by minute.

use super::App;
use crate::fleet::EventClass;
use crate::units::Time;

/// The Events of one minute that disrupt, block or take something, or that are about capacity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EventMinute {
    /// How many were last seen in it.
    pub count: u32,
    /// The gravest class among them; `None` where there are none.
    pub class: Option<EventClass>,
}

/// The minutes of an hour.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventDensity {
    /// The number of the last minute since 1970.
    newest: i64,
    minutes: Vec<EventMinute>,
}

/// So many minutes are told.
const MINUTES: i64 = 60;

const SECONDS_PER_MINUTE: i64 = 60;

fn minute_of(at: Time) -> i64 {
    at.seconds().div_euclid(SECONDS_PER_MINUTE)
}

impl EventDensity {
    /// Of the Events that the namespaces and labels leave.
    pub(super) fn of(app: &App) -> Self {
        let newest = minute_of(app.now);
        let mut minutes = vec![EventMinute::default(); usize::try_from(MINUTES).unwrap_or(0)];
        let told = app.fleet.events.iter().filter(|event| gravity(event.class) > 0);
        for event in told.filter(|event| app.scope.has_event(&app.fleet, event)) {
            let at = usize::try_from(minute_of(event.at) - newest + MINUTES - 1).ok();
            let Some(minute) = at.and_then(|at| minutes.get_mut(at)) else { continue };
            minute.count = minute.count.saturating_add(1);
            minute.class = minute.class.into_iter().chain([event.class]).max_by_key(|class| gravity(*class));
        }
        Self { newest, minutes }
    }

    /// The minutes of the hour that ends now, the oldest first; of those after it was counted nothing is known yet.
    pub fn until(&self, now: Time) -> Vec<EventMinute> {
        let passed = usize::try_from(minute_of(now) - self.newest).unwrap_or(0).min(self.minutes.len());
        let mut minutes = self.minutes.get(passed..).unwrap_or_default().to_vec();
        minutes.resize(self.minutes.len(), EventMinute::default());
        minutes
    }
}

/// The gravest class has the largest number; none of those that are not told.
const fn gravity(class: EventClass) -> u8 {
    match class {
        EventClass::Interruption => 5,
        EventClass::Eviction => 4,
        EventClass::Disrupting => 3,
        EventClass::Blocked => 2,
        EventClass::Provisioning => 1,
        EventClass::Image | EventClass::Scheduling | EventClass::Other => 0,
    }
}
