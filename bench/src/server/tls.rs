//! The server's certificate, and how it speaks TLS.

use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;

use crate::Outcome;

/// A certificate of its own, made on the spot, for the address that clients connect to.
pub(super) struct Credentials(CertifiedKey<KeyPair>);

/// Whether clients may come back to an earlier session.
#[derive(Clone, Copy)]
pub(super) enum Tickets {
    Given,
    Never,
}

impl Credentials {
    pub(super) fn new() -> Outcome<Self> {
        let names = [super::listen::HOST.to_string()];
        Ok(Credentials(rcgen::generate_simple_self_signed(names)?))
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.0.cert.der().clone()
    }

    pub(super) fn config(&self, tickets: Tickets) -> Outcome<Arc<ServerConfig>> {
        let key = PrivatePkcs8KeyDer::from(self.0.signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate()], key.into())?;
        match tickets {
            Tickets::Given => config.ticketer = aws_lc_rs::Ticketer::new()?,
            Tickets::Never => {
                config.send_tls13_tickets = 0;
                config.session_storage = Arc::new(NoServerSessionStorage {});
            }
        }
        Ok(Arc::new(config))
    }
}

/// The cryptography of everybody here. Always named: nothing depends on the process's default.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
