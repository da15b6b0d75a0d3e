//! batchtop itself on a real control plane.

mod dra;
mod encodings;
mod evictions;
mod exporters;
mod faults;
mod gpus;
mod money;
pub mod program;
mod rights;
mod snapshot;
mod spot;
mod starts;
mod story;

use libtest_mimic::Trial;

/// All tests of batchtop.
pub fn trials() -> Vec<Trial> {
    [
        encodings::trials(),
        snapshot::trials(),
        story::trials(),
        faults::trials(),
        rights::trials(),
        evictions::trials(),
        gpus::trials(),
        dra::trials(),
        exporters::trials(),
        starts::trials(),
        money::trials(),
        spot::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
