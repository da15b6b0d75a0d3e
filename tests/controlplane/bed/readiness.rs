//! Asks a component on loopback whether it is ready, without a client library.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(2);

/// Whether something listens on this port.
pub fn listens(port: u16) -> bool {
    connect(port).is_some()
}

/// Whether a plain HTTP server on this port answers 200 to GET of this path.
pub fn answers_ok(port: u16, path: &str) -> bool {
    status_line(port, path).is_some_and(|line| line.contains(" 200 "))
}

/// What such a server answers to GET of this path, without the headers.
pub fn body(port: u16, path: &str) -> Option<String> {
    let answer = answer(port, path)?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

fn status_line(port: u16, path: &str) -> Option<String> {
    answer(port, path)?.lines().next().map(str::to_owned)
}

fn answer(port: u16, path: &str) -> Option<String> {
    let mut stream = connect(port)?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn connect(port: u16) -> Option<TcpStream> {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LIMIT).ok()
}
