//! Errors of AWS requests, with the message that tells the user what to do.

use crate::fleet::HealthState;

/// Error of an AWS request. The strings are AWS's or the SDK's own message, shortened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// No provider of the default credential chain has credentials.
    NoCredentials(String),
    /// The credentials or the SSO session have expired.
    Expired(String),
    /// AWS does not accept the credentials.
    Refused(String),
    /// The credentials are valid, but IAM does not allow the action.
    Forbidden {
        /// IAM action, for example `pricing:GetProducts`.
        action: &'static str,
        message: String,
    },
    /// Request throttling; the quota is shared with every client of the account and region.
    Throttled(String),
    /// EC2 takes no more new configurations of placement scores within 24 hours.
    TooManyConfigurations(String),
    /// The file that limits new configurations cannot be read or written, so nothing is asked.
    NoBook(String),
    /// No connection, or no response in time.
    Unreachable(String),
    /// Any other error of the service.
    Service { code: String, message: String },
    /// The response cannot be parsed.
    Unreadable(String),
}

/// An error response of an AWS service.
pub(super) struct ServiceError<'s> {
    /// IAM action, for example `pricing:GetProducts`.
    pub(super) action: &'static str,
    /// HTTP status of the answer.
    pub(super) status: u16,
    /// Error code, for example `ExpiredToken`.
    pub(super) code: Option<&'s str>,
    /// The service's own message.
    pub(super) message: &'s str,
}

/// Longest message of AWS or the SDK, in characters; longer ones are cut.
const MAX_MESSAGE_CHARS: usize = 300;

impl Failure {
    /// Classifies an error response by its code, or by its status where it has none.
    ///
    /// Source: "Common client error codes" of EC2 and "Common errors" of the price list.
    pub(super) fn from_service(error: &ServiceError<'_>) -> Self {
        let message = shortened(error.message);
        match error.code.unwrap_or_default() {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Self::Expired(message),
            "AuthFailure"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "OptInRequired" => Self::Refused(message),
            "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" | "NotAuthorized" => {
                Self::Forbidden { action: error.action, message }
            }
            "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "TooManyRequestsException" => Self::Throttled(message),
            "MaxConfigLimitExceeded" => Self::TooManyConfigurations(message),
            "" if error.status == 429 || error.status == 503 => Self::Throttled(message),
            "" if error.status == 403 => Self::Forbidden { action: error.action, message },
            "" => Self::Service { code: format!("HTTP {}", error.status), message },
            code => Self::Service { code: code.to_owned(), message },
        }
    }

    /// Classifies the error of a credentials provider that should have had credentials.
    pub(super) fn from_credentials(message: &str) -> Self {
        let lower = message.to_ascii_lowercase();
        let is_session = ["expired", "sso", "token"].iter().any(|word| lower.contains(word));
        if is_session { Self::Expired(shortened(message)) } else { Self::NoCredentials(shortened(message)) }
    }

    /// One sentence for the user: what failed, AWS's message, and what to do.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NoCredentials(message) => format!(
                "no AWS credentials{}; run `aws sso login` or `aws configure`, set AWS_PROFILE, or turn AWS off with --no-aws",
                after_colon(message)
            ),
            Self::Expired(message) => {
                format!("the AWS credentials have expired{}; run `aws sso login` or get new ones", after_colon(message))
            }
            Self::Refused(message) => {
                format!("AWS does not accept the credentials{}; check AWS_PROFILE and the keys", after_colon(message))
            }
            Self::Forbidden { action, message } => format!("not authorised for {action}{}", after_colon(message)),
            Self::Throttled(message) => format!("AWS throttles the requests{}", after_colon(message)),
            Self::TooManyConfigurations(message) => {
                format!("AWS takes no more new configurations of placement scores today{}", after_colon(message))
            }
            Self::NoBook(message) => {
                format!("nothing is asked without the file that limits it{}", after_colon(message))
            }
            Self::Unreachable(message) => {
                format!("AWS cannot be reached{}; check the network, the proxy and the endpoint", after_colon(message))
            }
            Self::Service { code, message } => format!("AWS returned {code}{}", after_colon(message)),
            Self::Unreadable(message) => format!("the AWS response cannot be parsed{}", after_colon(message)),
        }
    }

    /// State of a Source that has this failure and no answers yet.
    pub(super) fn state(&self) -> HealthState {
        match self {
            Self::Forbidden { .. } => HealthState::Forbidden,
            _ => HealthState::Failed,
        }
    }

    /// Whether the credentials are at fault, so that requests to other regions would fail, too.
    pub(super) fn is_about_credentials(&self) -> bool {
        matches!(self, Self::NoCredentials(_) | Self::Expired(_))
    }
}

fn after_colon(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// First line, at most [`MAX_MESSAGE_CHARS`] long, without a full stop, because what to do follows it.
fn shortened(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service_failure(status: u16, code: Option<&str>, message: &str) -> Failure {
        Failure::from_service(&ServiceError { action: "ec2:DescribeSpotPriceHistory", status, code, message })
    }

    #[test]
    fn aws_error_codes_become_readable_sentences() {
        for (failure, sentence) in [
            (
                service_failure(
                    403,
                    Some("UnauthorizedOperation"),
                    "You are not authorized to perform this operation.",
                ),
                "not authorised for ec2:DescribeSpotPriceHistory: You are not authorized to perform this operation",
            ),
            (
                service_failure(
                    400,
                    Some("ExpiredTokenException"),
                    "The security token included in the request is expired",
                ),
                "the AWS credentials have expired: The security token included in the request is expired; \
                 run `aws sso login` or get new ones",
            ),
            (
                service_failure(401, Some("AuthFailure"), ""),
                "AWS does not accept the credentials; check AWS_PROFILE and the keys",
            ),
            (
                service_failure(503, Some("RequestLimitExceeded"), "Request limit exceeded."),
                "AWS throttles the requests: Request limit exceeded",
            ),
            (service_failure(500, None, ""), "AWS returned HTTP 500"),
            (Failure::Unreadable("no XML".to_owned()), "the AWS response cannot be parsed: no XML"),
            (
                service_failure(400, Some("InvalidParameterValue"), "no\nsense"),
                "AWS returned InvalidParameterValue: no",
            ),
        ] {
            assert_eq!(failure.sentence(), sentence);
        }
        assert!(matches!(service_failure(503, None, ""), Failure::Throttled(_)));
        assert!(matches!(service_failure(403, None, ""), Failure::Forbidden { .. }));
    }

    #[test]
    fn expired_credentials_are_distinguished_from_missing_ones() {
        assert!(matches!(Failure::from_credentials("the SSO session has expired"), Failure::Expired(_)));
        let none = Failure::from_credentials("external process exited with code 1");
        assert!(none.sentence().starts_with("no AWS credentials: external process"), "{}", none.sentence());
        assert!(none.is_about_credentials());
    }

    #[test]
    fn a_failure_message_is_cut_at_its_limit() {
        assert!(
            service_failure(400, Some("X"), &"é".repeat(5_000)).sentence().chars().count() < MAX_MESSAGE_CHARS + 40
        );
    }
}
