//! From what rustls says to whose fault it was.

use rustls::{AlertDescription, CertificateError};

use super::context::{Context, GivenUp};
use super::possession::Uncheckable;
use crate::{Error, ErrorKind};

/// Turns what rustls says into whose fault it was.
pub(super) fn failure(error: rustls::Error, context: &Option<Box<Context>>) -> Error {
    let (given_up, showed_identity) = context
        .as_ref()
        .map_or((None, false), |context| (context.given_up, context.showed_identity));
    match given_up {
        Some(GivenUp::Cancelled) => return Error::new(ErrorKind::Cancelled).caused_by(error),
        Some(GivenUp::Unasked) => {
            let why = "too many questions wait for an answer, so this one was not asked";
            return Error::new(ErrorKind::ResourceExhausted).detail(why);
        }
        None => {}
    }
    let kind = match &error {
        rustls::Error::InvalidCertificate(reason) => certificate_kind(reason),
        rustls::Error::NoCertificatesPresented => ErrorKind::CertificateUntrusted,
        rustls::Error::AlertReceived(alert) => alert_kind(*alert, showed_identity),
        _ => ErrorKind::SecureConnectionFailed,
    };
    let detail = detail(&error);
    let error = Error::new(kind).caused_by(error);
    match detail {
        Some(detail) => error.detail(detail),
        None => error,
    }
}

/// A sentence for what rustls has no good words for.
fn detail(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::AlertReceived(AlertDescription::CloseNotify) => {
            Some("the peer ended TLS during the handshake".into())
        }
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref::<Uncheckable>().map(ToString::to_string)
        }
        _ => None,
    }
}

fn certificate_kind(reason: &CertificateError) -> ErrorKind {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ErrorKind::CertificateExpired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ErrorKind::CertificateNotYetValid
        }
        CertificateError::UnknownIssuer => ErrorKind::CertificateUnknownRoot,
        CertificateError::ApplicationVerificationFailure => ErrorKind::SecureConnectionFailed,
        CertificateError::Other(other) if other.0.is::<Uncheckable>() => {
            // It was trusted; that it is who it says it is cannot be shown.
            ErrorKind::SecureConnectionFailed
        }
        _ => ErrorKind::CertificateUntrusted,
    }
}

/// Alerts about certificates can only mean ours (RFC 8446, 6.2).
fn alert_kind(alert: AlertDescription, showed_identity: bool) -> ErrorKind {
    match alert {
        AlertDescription::CertificateRequired => ErrorKind::ClientCertificateRequired,
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied
            if showed_identity =>
        {
            ErrorKind::ClientCertificateRejected
        }
        _ => ErrorKind::SecureConnectionFailed,
    }
}
