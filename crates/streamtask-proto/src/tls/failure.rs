//! From what rustls says to whose fault it was.

use rustls::{AlertDescription, CertificateError, OtherError};

use super::context::{Context, GivenUp};
use super::pin::NotPinned;
use super::possession::Uncheckable;
use super::x509;
use crate::{Error, ErrorKind};

/// Turns what rustls says into whose fault it was.
pub(super) fn failure(error: rustls::Error, context: &Option<Box<Context>>) -> Error {
    let (given_up, showed_identity) = context
        .as_ref()
        .map_or((None, false), |context| (context.given_up.clone(), context.showed_identity));
    let because = |kind, why: Option<std::sync::Arc<str>>| match why {
        Some(why) => Error::new(kind).with_detail(why),
        None => Error::new(kind),
    };
    match given_up {
        Some(GivenUp::Cancelled(why)) => because(ErrorKind::Cancelled, why),
        Some(GivenUp::Refused(why)) => because(ErrorKind::ServerRejected, why),
        Some(GivenUp::Unasked) => {
            let why = "too many questions wait for an answer, so this one was not asked";
            Error::new(ErrorKind::ResourceExhausted).with_detail(why)
        }
        None => of_rustls(error, showed_identity),
    }
}

/// What an evaluation came to.
pub(super) fn judged(error: rustls::Error) -> Error {
    of_rustls(error, false)
}

fn of_rustls(error: rustls::Error, showed_identity: bool) -> Error {
    let kind = match &error {
        rustls::Error::InvalidCertificate(reason) => certificate_kind(reason),
        rustls::Error::NoCertificatesPresented => ErrorKind::CertificateUntrusted,
        rustls::Error::AlertReceived(alert) => alert_kind(*alert, showed_identity),
        _ => ErrorKind::SecureConnectionFailed,
    };
    let words = words(&error);
    let error = Error::new(kind).caused_by(error);
    match words {
        Some(words) => error.with_detail(words),
        None => error,
    }
}

/// A sentence for people. What rustls says is for its own authors: names of variants, seconds since 1970.
fn words(error: &rustls::Error) -> Option<String> {
    use rustls::Error as Said;
    Some(match error {
        Said::InvalidCertificate(reason) => return certificate_words(reason),
        Said::NoCertificatesPresented => "the server showed no certificate".into(),
        Said::AlertReceived(AlertDescription::CloseNotify) => {
            "the peer ended TLS during the handshake".into()
        }
        Said::AlertReceived(alert) => format!("the peer said: {}", spaced(&format!("{alert:?}"))),
        Said::InvalidMessage(_) | Said::InappropriateMessage { .. } => {
            "what the peer says is no TLS".into()
        }
        Said::InappropriateHandshakeMessage { .. } | Said::PeerMisbehaved(_) => {
            "the peer breaks the rules of TLS".into()
        }
        Said::PeerIncompatible(_) => "the peer and this end have no way of TLS in common".into(),
        Said::DecryptError => "a record was changed on its way, or was for somebody else".into(),
        Said::PeerSentOversizedRecord => "a record is larger than TLS allows".into(),
        Said::NoApplicationProtocol => "the peer speaks none of the protocols offered".into(),
        _ => return None,
    })
}

/// `HandshakeFailure` as two words.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn certificate_words(reason: &CertificateError) -> Option<String> {
    use CertificateError as Wrong;
    Some(match reason {
        Wrong::ExpiredContext { not_after, .. } => {
            format!("it was valid until {}", x509::date(*not_after))
        }
        Wrong::NotValidYetContext { not_before, .. } => {
            format!("it is valid from {} on", x509::date(*not_before))
        }
        Wrong::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            match named(presented) {
                names if names.is_empty() => format!("it names nobody, so not {expected}"),
                names => format!("it is for {names}, not for {expected}"),
            }
        }
        Wrong::NotValidForName => "it is for another name".into(),
        Wrong::BadEncoding => "it cannot be read".into(),
        Wrong::BadSignature => "its signature is wrong".into(),
        Wrong::Revoked => "it was revoked".into(),
        Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => {
            "it is not for servers".into()
        }
        Wrong::UnhandledCriticalExtension => {
            "it has a critical extension that is not known here".into()
        }
        Wrong::UnknownIssuer | Wrong::Expired | Wrong::NotValidYet => return None,
        Wrong::Other(OtherError(other)) if other.is::<Uncheckable>() || other.is::<NotPinned>() => {
            other.to_string()
        }
        // webpki's, which is not among what is built on here.
        Wrong::Other(OtherError(other)) if other.to_string() == "CaUsedAsEndEntity" => {
            "it is that of an authority, not of a server".into()
        }
        _ => "it breaks the rules of certificates".into(),
    })
}

/// The first few names of a certificate. They are the peer's words, so no control character gets through.
fn named(presented: &[String]) -> String {
    const MOST: usize = 4;
    // webpki says `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
    let inside = |name: &str, kind| {
        let name = name.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')?;
        Some(name.trim_matches('"').to_owned())
    };
    let plain = |name: &String| {
        let name = inside(name, "DnsName").or_else(|| inside(name, "IpAddress"));
        let name = name.as_deref().unwrap_or("something else");
        name.chars().filter(|letter| !letter.is_control()).take(100).collect::<String>()
    };
    let mut names: Vec<_> = presented.iter().take(MOST).map(plain).collect();
    if presented.len() > MOST {
        names.push(format!("{} more", presented.len() - MOST));
    }
    names.join(", ")
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
