//! A TCP relay on loopback that counts what comes back from the server, TLS and all.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::bed::{Context, Result};

/// Bytes moved at a time.
const CHUNK: usize = 256 * 1024;

/// The relay. Its threads end with the connections, or with the benchmark.
pub struct Relay {
    port: u16,
    received: Arc<AtomicU64>,
}

impl Relay {
    /// Relays to this port of loopback.
    pub fn to(server: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("a port for the relay")?;
        let port = listener.local_addr().context("the port of the relay")?.port();
        let received = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&received);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Whoever connects sees the same as with the server itself: a closed connection.
                let _ = connect(client, server, &counter);
            }
        });
        Ok(Self { port, received })
    }

    /// Address on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Bytes that have come from the server since this was last asked.
    pub fn take_received(&self) -> u64 {
        self.received.swap(0, Ordering::Relaxed)
    }
}

fn connect(client: TcpStream, server: u16, counter: &Arc<AtomicU64>) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (up, down) = ((client.try_clone()?, server.try_clone()?), (server, client));
    let counter = Arc::clone(counter);
    thread::spawn(move || pump(up.0, up.1, &AtomicU64::new(0)));
    thread::spawn(move || pump(down.0, down.1, &counter));
    Ok(())
}

/// Passes bytes on until either end is closed, and then closes both.
fn pump(mut from: TcpStream, mut to: TcpStream, counter: &AtomicU64) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
        if to.write_all(&chunk[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
