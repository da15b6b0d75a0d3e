//! Every duration of the streams in one place, so that tests can shrink them.

use std::time::Duration;

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// TCP and TLS, each connection.
    pub connect: Duration,
    /// From a request to the head of its response.
    pub request: Duration,
    /// Between two pieces of a body.
    pub stall: Duration,
    /// `timeoutSeconds` of a watch: the server ends it then, and a quiet one is told from a dead one.
    pub watch: Duration,
    /// How much longer than `watch` a watch may last before it counts as dead.
    pub watch_slack: Duration,
    /// The first wait after a failure; each further one is twice as long.
    pub backoff_first: Duration,
    /// The longest wait after a failure.
    pub backoff_max: Duration,
    /// Until something forbidden is tried again for the first time; each further wait is twice as long.
    pub forbidden_first: Duration,
    /// The longest wait until something forbidden is tried again: permissions can be granted.
    pub forbidden_retry: Duration,
    /// How long what was read before may be forbidden until that is believed, and its rows are forgotten.
    pub forbidden_patience: Duration,
    /// Between two requests for the APIs that the server has: CustomResourceDefinitions can be installed.
    pub absent_retry: Duration,
    /// Between two lists of what is not watched, because all connections for watches are in use.
    pub relist: Duration,
    /// Between two looks at Karpenter's CustomResourceDefinition.
    pub crd_interval: Duration,
    /// How long events of a watch are gathered before they are sent.
    pub batch_window: Duration,
    /// How long the bulk kinds wait for Nodes and claims to have been listed.
    pub first_tier_wait: Duration,
    /// How long an exec plugin may run.
    pub exec: Duration,
    /// How long before credentials expire they are renewed.
    pub renew_before: Duration,
    /// Between two looks at the file of a token, as client-go has it.
    pub token_file: Duration,
    /// The least time between two reports that only say "still live".
    pub health: Duration,
    /// How long an exporter of metrics may take for its page, and a Prometheus server for its answer.
    pub exporter: Duration,
    /// Between two readings of an exporter that is wanted first.
    pub exporter_first: Duration,
    /// Between two readings of any other exporter.
    pub exporter_others: Duration,
    /// Between two queries of a Prometheus server; longer and longer while none tells anything.
    pub prometheus: Duration,
    /// The least time between two of them, where more Nodes have come to be asked for.
    pub prometheus_again: Duration,
    /// Between two lists of what Nodes use; metrics-server measures every 15 s.
    pub node_metrics: Duration,
    /// How long a log may be silent before it is asked for again, for the connection may be dead.
    pub quiet_log: Duration,
    /// How long lines of a log are gathered before they are sent.
    pub log_window: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            watch: Duration::from_secs(55),
            watch_slack: Duration::from_secs(5),
            backoff_first: Duration::from_millis(800),
            backoff_max: Duration::from_secs(30),
            forbidden_first: Duration::from_secs(1),
            forbidden_retry: Duration::from_mins(1),
            forbidden_patience: Duration::from_mins(2),
            absent_retry: Duration::from_secs(30),
            relist: Duration::from_secs(15),
            crd_interval: Duration::from_mins(1),
            batch_window: Duration::from_millis(50),
            first_tier_wait: Duration::from_secs(3),
            exec: Duration::from_secs(30),
            renew_before: Duration::from_mins(1),
            token_file: Duration::from_mins(1),
            health: Duration::from_secs(1),
            exporter: Duration::from_secs(10),
            exporter_first: Duration::from_secs(15),
            exporter_others: Duration::from_mins(1),
            prometheus: Duration::from_secs(30),
            prometheus_again: Duration::from_secs(5),
            node_metrics: Duration::from_secs(30),
            quiet_log: Duration::from_mins(2),
            log_window: Duration::from_millis(100),
        }
    }
}

impl Timing {
    /// With the request limit that the user asked for, if any; zero is kubectl's word for "no limit".
    #[must_use]
    pub fn limited(self, request: Option<Duration>) -> Self {
        match request {
            None => self,
            Some(Duration::ZERO) => Self { request: Duration::MAX, ..self },
            Some(request) => Self { request, ..self },
        }
    }
}
