//! Beds that several tests share, and what every test of this binary has in common.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Completion, Failed, Trial};

use crate::bed::go::{Missing, Toolchain};
use crate::bed::{Bed, BedOptions, Karpenter, Result};

/// A bed that starts with the first test that wants it.
struct Shared {
    options: fn() -> BedOptions,
    /// A start that failed is not tried again: each test then fails with its reason.
    bed: Mutex<Option<Result<Arc<Bed>>>>,
}

static FULL: Shared = Shared::new(BedOptions::full);
static API_ONLY: Shared = Shared::new(BedOptions::api_only);

/// The control plane with everything. A test that leaves pods pending or stops a
/// component disturbs the others: it takes a bed of its own.
pub fn full() -> Result<Arc<Bed>> {
    FULL.get()
}

/// The API server alone; what a test writes there stays as it is.
pub fn api_only() -> Result<Arc<Bed>> {
    API_ONLY.get()
}

/// Ends the shared beds. No test may be running.
pub fn end_all() {
    FULL.end();
    API_ONLY.end();
}

/// A test that is skipped, with the reason, where there is no usable Go.
pub fn trial(name: &str, test: fn() -> Result<()>) -> Trial {
    Trial::ignorable_test(name, move || match toolchain() {
        Ok(_) => test().map(|()| Completion::Completed).map_err(Failed::from),
        Err(Missing(reason)) if std::env::var_os("CI").is_some() => {
            Err(format!("{reason} (CI is set: the toolchain must be there)").into())
        }
        Err(Missing(reason)) => Ok(Completion::ignored_with(reason)),
    })
}

/// Builds all programs now, so that no compiler takes the processors from tests that measure time. What cannot be built is
/// told by the tests that need it.
pub fn build_everything() {
    if let Ok(toolchain) = toolchain() {
        Karpenter::ALL.iter().for_each(|karpenter| drop(toolchain.binaries(*karpenter)));
    }
}

fn toolchain() -> &'static Result<Toolchain, Missing> {
    static TOOLCHAIN: OnceLock<Result<Toolchain, Missing>> = OnceLock::new();
    TOOLCHAIN.get_or_init(Toolchain::find)
}

impl Shared {
    const fn new(options: fn() -> BedOptions) -> Self {
        Self { options, bed: Mutex::new(None) }
    }

    fn get(&self) -> Result<Arc<Bed>> {
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        bed.get_or_insert_with(|| Bed::start(&(self.options)()).map(Arc::new)).clone()
    }

    fn end(&self) {
        self.bed.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
