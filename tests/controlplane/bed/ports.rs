//! Free loopback ports for components that cannot choose one themselves.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use super::failure::{Failure, Result};

/// Below the range (32768 and up on Linux) from which outgoing connections take
/// their port, so that none of those can slip in between finding and using one.
const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;

/// Ports already handed out by this process are not offered again.
static OFFSET: AtomicU16 = AtomicU16::new(0);

/// A port on which nobody listens now. Another process may still take it before
/// its user does; a bed that meets this starts again with others.
pub fn free_port() -> Result<u16> {
    (0..COUNT)
        .map(|_| candidate())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| Failure::new("no free loopback port"))
}

/// The next port in a sequence that begins elsewhere in each process.
fn candidate() -> u16 {
    let process = u16::try_from(std::process::id().wrapping_mul(977) % u32::from(COUNT)).unwrap_or(0);
    let step = OFFSET.fetch_add(1, Ordering::Relaxed) % COUNT;
    FIRST + (process + step) % COUNT
}
