//! Why a certificate was refused, and what somebody at a shell can do about it.

use std::error::Error as StdError;
use std::iter::successors;

use rustls::CertificateError;
use streamtask::Error;

use crate::args::TrustArgs;

/// Advice by cause and by what was told already; none where the kind of the error says enough.
pub(super) fn advice(error: &Error, trust: &TrustArgs) -> Option<String> {
    use CertificateError as Reason;
    let reason = reason(error)?;
    if trust.insecure {
        return Some(UNPROVEN.to_owned());
    }
    Some(match (reason, &trust.ca) {
        (Reason::UnknownIssuer, Some(file)) => format!(
            "the certificate does not lead to a root in {}: is that the right file, does the \
             server send its intermediates?",
            file.display()
        ),
        (Reason::NotValidForName | Reason::NotValidForNameContext { .. }, _) => {
            "the certificate is for other names: --server-name NAME asks for one of them".into()
        }
        (Reason::InvalidPurpose | Reason::InvalidPurposeContext { .. }, _) => {
            "the certificate is not for servers: the server's operator has to replace it".into()
        }
        (Reason::BadSignature | Reason::Revoked, _) => {
            "do not go on: somebody may be posing as the server; tell its operator".into()
        }
        (reason, _) if is_of_a_ca(reason) => {
            "the server shows a CA's certificate as its own: to be trusted, that very certificate \
             has to be in --ca FILE"
                .into()
        }
        _ => return None,
    })
}

fn reason(error: &Error) -> Option<&CertificateError> {
    let causes = successors(error.source(), |&cause| cause.source());
    let mut causes = causes.filter_map(|cause: &(dyn StdError + 'static)| cause.downcast_ref());
    causes.find_map(|error| match error {
        rustls::Error::InvalidCertificate(reason) => Some(reason),
        _ => None,
    })
}

/// What `openssl req -x509` makes, if nobody says otherwise.
fn is_of_a_ca(reason: &CertificateError) -> bool {
    let CertificateError::Other(other) = reason else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

const UNPROVEN: &str = "even with --insecure the server must prove that it holds the \
                        certificate's key: its operator has to replace it";
