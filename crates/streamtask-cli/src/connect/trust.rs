//! `--insecure`: says yes to every certificate, and says so.

use anstyle::{AnsiColor, Style};
use streamtask::{Challenge, Credential, Session, SessionDelegate, StreamTask};

use crate::certificate::fingerprint;
use crate::stdio;
use crate::subject::{Names, names};
use crate::text::printable;

/// A delegate that trusts anybody.
pub(super) struct AcceptAnything;

impl SessionDelegate for AcceptAnything {
    fn task_did_receive_challenge(
        &self,
        _: &Session,
        _: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        let Some(trust) = challenge.server_trust() else { return Some(challenge) };
        if let Err(error) = &trust.evaluation {
            let leaf = trust.certificates.first().map_or(&[][..], |leaf| leaf);
            warn(&trust.server_name, leaf, error);
        }
        challenge.use_credential(Credential::Trust);
        None
    }
}

fn warn(name: &str, leaf: &[u8], error: &rustls::Error) {
    let error = printable(error.to_string().as_bytes());
    let warning = format!("{YELLOW}warning:{YELLOW:#} --insecure: {name} could be anybody");
    let identity = names(leaf).map_or_else(String::new, |Names { subject, issuer }| {
        format!("  it says it is {subject}, issued by {issuer}\n")
    });
    stdio::tell(&format!("{warning} ({error})\n{identity}  SHA-256 {}\n", fingerprint(leaf)));
}

const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
