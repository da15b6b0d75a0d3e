//! Sentences for the user, and when they go away.

use super::{App, Notice, Severity};
use crate::units::Time;

/// How long a notice stays that is no error.
const SHOWN_SECONDS: i64 = 10;

/// How long an error stays at least, so that a key pressed in the same moment does not hide it.
const ERROR_SHOWN_SECONDS: i64 = 1;

/// Takes away what has been shown for long enough.
pub fn expire(app: &mut App) {
    let expired = |(notice, since): &(Notice, Time)| {
        notice.severity != Severity::Error && app.now.seconds_since(*since) >= SHOWN_SECONDS
    };
    if app.ui.notice.as_ref().is_some_and(expired) {
        app.ui.notice = None;
    }
}

/// Shows a notice in place of the one before.
pub fn show(app: &mut App, notice: Notice) {
    app.ui.notice = Some((notice, app.now));
}

/// An error has been read when a key is pressed.
pub fn key_pressed(app: &mut App) {
    let read = |(notice, since): &(Notice, Time)| {
        notice.severity == Severity::Error && app.now.seconds_since(*since) >= ERROR_SHOWN_SECONDS
    };
    if app.ui.notice.as_ref().is_some_and(read) {
        app.ui.notice = None;
    }
}

/// Shows a sentence that calls for nothing.
pub fn info(app: &mut App, text: impl Into<String>) {
    show(app, Notice { severity: Severity::Info, text: text.into() });
}

/// Shows a sentence about what was not done, or only in part.
pub fn warning(app: &mut App, text: impl Into<String>) {
    show(app, Notice { severity: Severity::Warning, text: text.into() });
}

/// Shows a sentence about a failure, which stays until a key is pressed.
pub fn error(app: &mut App, text: impl Into<String>) {
    show(app, Notice { severity: Severity::Error, text: text.into() });
}
