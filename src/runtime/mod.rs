//! The part with side effects: event loop, effects, terminal, journal, log, and the commands other than the dashboard.

mod advisor;
mod atomic;
mod backend;
mod background;
mod clock;
mod commands;
mod completion;
mod configuration;
mod configuration_watch;
mod crash;
mod dashboard;
mod demo_spot;
mod editor;
mod effects;
mod event_loop;
mod explain;
mod failure;
mod gpus;
mod held_file;
mod in_force;
mod journal;
mod keys;
mod logging;
mod options;
mod pace;
mod prices;
mod rbac;
mod redact;
mod save;
mod session;
mod setup;
mod signals;
mod snapshot;
mod spot;
mod spot_file;
mod start_file;
mod starts;
mod state;
mod state_file;
mod terminal;
mod themes;
mod watched_file;

pub use commands::run;
pub use completion::complete_if_asked;
pub use session::run_if_asked;

/// Capacity of the channel of reports; when it is full Sources wait, so that back-pressure reaches their sockets.
const REPORTS_BOUND: usize = 8;
