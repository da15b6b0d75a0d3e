//! Tests on a real Kubernetes control plane with Karpenter, started by this binary.
//!
//! Its own `main`: beds start when the first test needs them, tests share them, and
//! they end before the process does. Without Go every test is reported as ignored,
//! with the reason; where the variable `CI` is set that is a failure instead.

mod bed;
mod product;
#[path = "../terminal/pty.rs"]
mod pty;
mod shared;
mod stay;
mod tests_bed;
mod tests_proxy;
mod verdicts;

use std::process::ExitCode;

use libtest_mimic::Arguments;

/// Tests here mostly wait for controllers, so more of them than processors run at a time.
const DEFAULT_THREADS: usize = 6;

fn main() -> ExitCode {
    if let Some(code) = bed::run_if_asked().or_else(tests_bed::run_if_asked).or_else(stay::run_if_asked) {
        return code;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(DEFAULT_THREADS);
    if std::env::var_os("CI").is_some() && !arguments.list {
        shared::build_everything();
    }
    // The long ones last: they take turns.
    let trials = [tests_bed::trials(), tests_proxy::trials(), product::trials(), verdicts::trials()];
    let conclusion = libtest_mimic::run(&arguments, trials.into_iter().flatten().collect());
    shared::end_all();
    conclusion.exit_code()
}
