//! Stories told in keys: a fleet, what somebody presses, and what they notice.

mod dsl;
mod fixture;
mod keys;
mod lists;
mod moving;
mod properties;
mod writing;
