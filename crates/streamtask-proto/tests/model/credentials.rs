//! The configurations of both ends: real TLS, as cheap as it can be had. Trust is not tried here.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::kx_group::X25519;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::{DigitallySignedStruct, ServerConfig, SignatureScheme};
use streamtask_proto::tls::{TlsConfig, TlsSettings, TlsVersion, provider};

/// `blocks`: steps of the handshake have to be made outside of the core.
pub(crate) fn client_config(blocks: bool) -> TlsConfig {
    static CONFIGS: OnceLock<[TlsConfig; 2]> = OnceLock::new();
    let make = |verifier_blocks| {
        let settings = TlsSettings {
            minimum: TlsVersion::Tls12,
            maximum: TlsVersion::Tls13,
            alpn: Vec::new(),
            verifier: Arc::new(Trusting),
            verifier_blocks,
            identity: None,
            key_log: None,
        };
        TlsConfig::new(settings).expect("settings that make sense")
    };
    CONFIGS.get_or_init(|| [false, true].map(make))[usize::from(blocks)].clone()
}

pub(crate) fn server_config(is_tls12: bool) -> Arc<ServerConfig> {
    static CONFIGS: OnceLock<[Arc<ServerConfig>; 2]> = OnceLock::new();
    let configs = CONFIGS.get_or_init(|| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let leaf = rcgen::CertificateParams::new(vec!["server.test".to_owned()]);
        let leaf = leaf.and_then(|leaf| leaf.self_signed(&key)).expect("a certificate");
        let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
        versions.map(|version| {
            let mut provider = (*provider()).clone();
            provider.kx_groups = vec![X25519];
            let key = PrivatePkcs8KeyDer::from(key.serialize_der());
            let config = ServerConfig::builder_with_provider(provider.into());
            let config = config.with_protocol_versions(&[version]).expect("a version");
            let config = config.with_no_client_auth();
            let config = config.with_single_cert(vec![leaf.der().clone()], key.into());
            let mut config = config.expect("a key of its certificate");
            // Sessions that come back have other flights than the model's.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
            Arc::new(config)
        })
    });
    configs[usize::from(is_tls12)].clone()
}

#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
