//! Ways to misbehave.

use std::time::Duration;

use bytes::Bytes;

/// What happens to the next request that matches.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An error with a Status.
    Status(u16, &'static str),
    /// Not done, and answered with 200 and this body.
    Answer(String),
    /// Not done, and answered with this code and this body.
    AnswerWith(u16, &'static str),
    /// Not done, and answered with 200 and a body in these pieces, which says that it is zipped. Each waits a moment.
    Zipped(Vec<Bytes>),
    /// The request is done, and the answer is an error all the same.
    DoneBut(u16, &'static str),
    /// The request is done, and never answered.
    DoneInSilence,
    /// 429 with Retry-After.
    Busy(u64),
    /// No answer.
    Hang,
    /// A watch that is answered and then says nothing, as when the network swallows packets.
    HalfOpen,
    /// A body that never ends, without an end of line.
    Endless,
    /// A list or watch that breaks in the middle of a chunk.
    Cut,
    /// A body that comes in small pieces with pauses.
    Drip(Duration),
}

/// Which request.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Text that the path and query contain, with the method before it: `GET /api/v1/pods?limit`.
    pub matching: String,
    /// What happens.
    pub fault: Fault,
    /// How many times.
    pub times: usize,
}
