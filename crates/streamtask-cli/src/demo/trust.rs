//! The demo's delegate: asked whether to trust the peer, it shows the question and answers knowingly.

use rustls::pki_types::CertificateDer;
use streamtask::{Challenge, Credential, ServerTrust, Session, SessionDelegate, StreamTask};

use super::show::Show;
use crate::subject::names;

/// Trusts one certificate, compared byte for byte, and nobody else.
pub(super) struct OnlyThisOne {
    known: CertificateDer<'static>,
    show: Show,
}

impl OnlyThisOne {
    pub(super) fn new(known: CertificateDer<'static>, show: Show) -> Self {
        OnlyThisOne { known, show }
    }

    fn show_question(&self, trust: &ServerTrust, leaf: &CertificateDer<'_>) {
        self.show.event(&format!("the server at {} asks to be trusted", trust.server_name));
        if let Some(names) = names(leaf) {
            self.show.detail(&format!("it is {:?}, issued by {:?}", names.subject, names.issuer));
        }
        let fingerprint = trust.sha256().to_string();
        let (first, second) = fingerprint.split_at(fingerprint.len().div_ceil(2));
        self.show.detail(&format!("SHA-256 {first}"));
        self.show.detail(&format!("        {second}"));
        let default = match &trust.evaluation {
            Ok(()) => "yes".to_owned(),
            Err(error) => format!("no ({error})"),
        };
        self.show.detail(&format!("by default: {default}"));
    }
}

impl SessionDelegate for OnlyThisOne {
    fn task_did_receive_challenge(
        &self,
        _: &Session,
        _: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        let trust = challenge.server_trust()?;
        let Some(leaf) = trust.certificates.first() else { return Some(challenge) };
        self.show_question(trust, leaf);
        if *leaf != self.known {
            self.show.event("the delegate says no: not the certificate that the demo made");
            challenge.reject_protection_space();
            return None;
        }
        self.show.event("the delegate says yes: the very certificate that the demo made");
        challenge.use_credential(Credential::Trust);
        None
    }
}
