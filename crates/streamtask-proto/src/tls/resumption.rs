//! What a session remembers of its handshakes.
//!
//! A resumed handshake asks nobody, so it inherits the trust of the one that made the ticket. Hence two
//! rules: a connection whose trust was overruled, or whose identity was its own, leaves nothing behind;
//! and a connection that must ask takes nothing (see [`Context`](super::context::Context)).

use std::sync::Arc;

use rustls::NamedGroup;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;

use super::context;

/// How many servers a session remembers; the oldest goes first.
const SERVERS: usize = 256;

/// The tickets of one session, given and taken only where trust allows it.
#[derive(Debug)]
pub(crate) struct TrustedSessions(Arc<ClientSessionMemoryCache>);

impl TrustedSessions {
    pub(crate) fn new() -> Self {
        TrustedSessions(Arc::new(ClientSessionMemoryCache::new(SERVERS)))
    }
}

fn may_remember() -> bool {
    context::with(|context| context.may_be_remembered()).unwrap_or(false)
}

fn may_resume() -> bool {
    context::with(|context| context.may_resume).unwrap_or(false)
}

impl ClientSessionStore for TrustedSessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        if may_remember() {
            self.0.set_tls12_session(name, session);
        }
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        may_resume().then(|| self.0.tls12_session(name)).flatten()
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.0.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        if may_remember() {
            self.0.insert_tls13_ticket(name, ticket);
        }
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        may_resume().then(|| self.0.take_tls13_ticket(name)).flatten()
    }
}
