//! Where the streams of one connection send their Reports.

use tokio::sync::mpsc;

use crate::fleet::{Delta, Epoch, Report};

/// Nobody listens any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Closed;

/// Sends reports of one connection. A full channel makes the sender wait, and in the end the API server.
#[derive(Clone)]
pub(super) struct Sink {
    pub(super) reports: mpsc::Sender<(Epoch, Report)>,
    pub(super) epoch: Epoch,
}

impl Sink {
    pub(super) async fn send(&self, report: Report) -> Result<(), Closed> {
        self.reports.send((self.epoch, report)).await.map_err(|_| Closed)
    }

    pub(super) async fn delta(&self, delta: Delta) -> Result<(), Closed> {
        self.send(Report::Delta(delta)).await
    }
}
