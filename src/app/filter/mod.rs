//! The filter's grammar: terms separated by spaces, all of which a row has to meet.
//!
//! `text` is a case-insensitive part of what a row shows; `key:value` asks one field; `key>5` and `key<2h` compare; `a|b` is
//! met by either; a leading `!` negates.

mod asked;
mod matching;
mod parse;
mod term;

pub use asked::Asked;
pub use matching::{Filter, error, report, words};
