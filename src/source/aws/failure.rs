//! Why AWS told nothing, in a form that says what to do.

use crate::fleet::HealthState;

/// Why a request brought nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// No provider of the chain has credentials.
    NoCredentials(String),
    /// They were there, and are good no more.
    Expired(String),
    /// AWS does not know them.
    Refused(String),
    /// They are good, but not for this.
    Forbidden {
        /// As a policy names it, for example `pricing:GetProducts`.
        action: &'static str,
        words: String,
    },
    /// Too much was asked for, also by others of the account.
    Throttled(String),
    /// No connection, or no answer.
    Unreachable(String),
    /// AWS answered with another error.
    Service { code: String, words: String },
    /// The answer is not what was asked for.
    Unreadable(String),
}

/// What a service says when something is wrong.
pub(super) struct Said<'s> {
    pub(super) action: &'static str,
    /// The HTTP status.
    pub(super) status: u16,
    pub(super) code: Option<&'s str>,
    pub(super) words: &'s str,
}

/// Longer sentences of others than this are cut.
const MOST_WORDS: usize = 300;

impl Failure {
    /// From the answer of a service.
    ///
    /// Source: "Common client error codes" of EC2 and "Common errors" of the price list.
    pub(super) fn of_service(said: &Said<'_>) -> Self {
        let words = trimmed(said.words);
        match said.code.unwrap_or_default() {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Self::Expired(words),
            "AuthFailure"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "OptInRequired" => Self::Refused(words),
            "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" | "NotAuthorized" => {
                Self::Forbidden { action: said.action, words }
            }
            "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "TooManyRequestsException" => Self::Throttled(words),
            "" if said.status == 429 || said.status == 503 => Self::Throttled(words),
            "" if said.status == 403 => Self::Forbidden { action: said.action, words },
            "" => Self::Service { code: format!("HTTP {}", said.status), words },
            code => Self::Service { code: code.to_owned(), words },
        }
    }

    /// From what a provider of credentials says that should have had some.
    pub(super) fn of_credentials(words: &str) -> Self {
        let lower = words.to_ascii_lowercase();
        let is_session = ["expired", "sso", "token"].iter().any(|word| lower.contains(word));
        if is_session { Self::Expired(trimmed(words)) } else { Self::NoCredentials(trimmed(words)) }
    }

    /// One sentence with AWS's words, and what to do.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NoCredentials(words) => format!(
                "no AWS credentials{}; run `aws sso login` or `aws configure`, set AWS_PROFILE, or leave AWS out with --no-aws",
                after_colon(words)
            ),
            Self::Expired(words) => {
                format!("the AWS credentials have expired{}; run `aws sso login` or get new ones", after_colon(words))
            }
            Self::Refused(words) => {
                format!("AWS does not accept the credentials{}; check AWS_PROFILE and the keys", after_colon(words))
            }
            Self::Forbidden { action, words } => format!("not authorised for {action}{}", after_colon(words)),
            Self::Throttled(words) => format!("AWS asks for patience{}", after_colon(words)),
            Self::Unreachable(words) => {
                format!("AWS cannot be reached{}; check the network, the proxy and the endpoint", after_colon(words))
            }
            Self::Service { code, words } => format!("AWS answered {code}{}", after_colon(words)),
            Self::Unreadable(words) => format!("AWS's answer cannot be read{}", after_colon(words)),
        }
    }

    /// The state of a Source that never had an answer.
    pub(super) fn state(&self) -> HealthState {
        match self {
            Self::Forbidden { .. } => HealthState::Forbidden,
            _ => HealthState::Failed,
        }
    }

    /// Whether it would be the same in any other region.
    pub(super) fn is_about_credentials(&self) -> bool {
        matches!(self, Self::NoCredentials(_) | Self::Expired(_))
    }
}

fn after_colon(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

/// One line of bearable length, without a full stop, for it is followed by what to do.
fn trimmed(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    match line.char_indices().nth(MOST_WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, code: Option<&str>, words: &str) -> Failure {
        Failure::of_service(&Said { action: "ec2:DescribeSpotPriceHistory", status, code, words })
    }

    #[test]
    fn codes_of_aws_become_sentences_that_say_what_to_do() {
        for (failure, sentence) in [
            (
                said(403, Some("UnauthorizedOperation"), "You are not authorized to perform this operation."),
                "not authorised for ec2:DescribeSpotPriceHistory: You are not authorized to perform this operation",
            ),
            (
                said(400, Some("ExpiredTokenException"), "The security token included in the request is expired"),
                "the AWS credentials have expired: The security token included in the request is expired; \
                 run `aws sso login` or get new ones",
            ),
            (said(401, Some("AuthFailure"), ""), "AWS does not accept the credentials; check AWS_PROFILE and the keys"),
            (
                said(503, Some("RequestLimitExceeded"), "Request limit exceeded."),
                "AWS asks for patience: Request limit exceeded",
            ),
            (said(500, None, ""), "AWS answered HTTP 500"),
            (Failure::Unreadable("no XML".to_owned()), "AWS's answer cannot be read: no XML"),
            (said(400, Some("InvalidParameterValue"), "no\nsense"), "AWS answered InvalidParameterValue: no"),
        ] {
            assert_eq!(failure.sentence(), sentence);
        }
        assert!(matches!(said(503, None, ""), Failure::Throttled(_)));
        assert!(matches!(said(403, None, ""), Failure::Forbidden { .. }));
    }

    #[test]
    fn a_session_that_ended_is_told_from_none() {
        assert!(matches!(Failure::of_credentials("the SSO session has expired"), Failure::Expired(_)));
        let none = Failure::of_credentials("external process exited with code 1");
        assert!(none.sentence().starts_with("no AWS credentials: external process"), "{}", none.sentence());
        assert!(none.is_about_credentials());
    }

    #[test]
    fn words_are_bounded() {
        assert!(said(400, Some("X"), &"é".repeat(5_000)).sentence().chars().count() < MOST_WORDS + 40);
    }
}
