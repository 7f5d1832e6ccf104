//! Which handshakes need a thread that may block, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::{Client, Server, VERSIONS, config, converse, pki, verifier};
use crate::tls::{TlsConfig, TlsSettings, TlsVersion};

/// Writes somewhere slow.
#[derive(Debug)]
struct Log;

impl rustls::KeyLog for Log {
    fn log(&self, _: &str, _: &[u8], _: &[u8]) {}
}

fn with_key_log() -> TlsConfig {
    TlsConfig::new(TlsSettings {
        minimum: TlsVersion::Tls12,
        maximum: TlsVersion::Tls13,
        alpn: Vec::new(),
        verifier: verifier(pki().root.clone()),
        verifier_blocks: false,
        identity: None,
        key_log: Some(Arc::new(Log)),
    })
    .expect("settings that make sense")
}

#[test]
fn whoever_logs_keys_makes_handshakes_where_writing_a_file_holds_up_nobody() {
    for version in VERSIONS {
        let (mut client, mut server) = (Client::with(&with_key_log(), None), Server::new(version));
        assert!(client.engine.may_block());
        converse(&mut client, &mut server).expect("a handshake");
        assert!(!client.engine.may_block(), "nothing is logged behind the handshake");
    }
}

#[test]
fn a_verifier_that_blocks_until_it_has_loaded_its_roots_blocks_no_later_handshake() {
    let is_loaded = Arc::new(AtomicBool::new(false));
    let seen = is_loaded.clone();
    let config =
        config(verifier(pki().root.clone())).blocking_while(move || !seen.load(Ordering::Relaxed));
    assert!(Client::with(&config, None).engine.may_block());
    is_loaded.store(true, Ordering::Relaxed);
    assert!(!Client::with(&config, None).engine.may_block());
}
