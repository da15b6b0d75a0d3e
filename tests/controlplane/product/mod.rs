//! batchtop itself on a real control plane.

mod faults;
pub mod program;
mod rights;
mod snapshot;
mod story;

use libtest_mimic::Trial;

/// All tests of batchtop.
pub fn trials() -> Vec<Trial> {
    [snapshot::trials(), story::trials(), faults::trials(), rights::trials()].into_iter().flatten().collect()
}
