//! Programs in a session of their own, which has no terminal.
//!
//! A credential plugin could otherwise write on the screen, read the keys and end raw mode by opening `/dev/tty`. A process
//! can only leave its own session, and to do that between fork and exec needs unsafe code. So batchtop starts itself with
//! [`ARGUMENT`], leaves the session, and becomes the plugin.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::source::kube::NOT_STARTED;

/// The first argument that makes batchtop become the program named by the others. No command of the command line, because
/// nobody should use it.
const ARGUMENT: &str = "__run-in-own-session";

/// The running program itself, even if its file has been replaced meanwhile.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// Exit code of a program that cannot be started, as in shells.
const EXIT_NOT_STARTED: u8 = 127;

/// What to put before a program and its arguments, so that it has a session of its own; empty if the file of batchtop is
/// not known.
pub fn launcher() -> Vec<OsString> {
    let own = Path::new(OWN_PROGRAM);
    let program = if own.exists() { Some(own.to_owned()) } else { std::env::current_exe().ok() };
    program.map(|program| vec![program.into(), ARGUMENT.into()]).unwrap_or_default()
}

/// Becomes another program if the arguments say so, and then returns only if that fails.
pub fn run_if_asked(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    arguments.nth(1).filter(|first| first == ARGUMENT)?;
    let error = match (arguments.next(), rustix::process::setsid()) {
        (None, _) => io::Error::from(io::ErrorKind::InvalidInput),
        (Some(_), Err(error)) => error.into(),
        (Some(program), Ok(_)) => Command::new(program).args(arguments).exec(),
    };
    // Without standard error, the exit code still says it.
    let _ = writeln!(io::stderr(), "{NOT_STARTED}{error}");
    Some(ExitCode::from(EXIT_NOT_STARTED))
}
