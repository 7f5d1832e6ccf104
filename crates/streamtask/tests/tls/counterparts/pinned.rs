//! The example `pinned` on tokio and tokio-rustls: the same trust, and the same limits.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const LIMIT: Duration = Duration::from_secs(30);

/// Trusts one certificate, by its SHA-256.
#[derive(Debug)]
struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let suite = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().expect("TLS 1.3");
        match suite.common.hash_provider.hash(leaf).as_ref() == self.sha256 {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, leaf, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What trusts this one server.
pub fn config(sha256: &str) -> Result<Arc<ClientConfig>> {
    let bytes = sha256.split(':').map(|byte| u8::from_str_radix(byte, 16));
    let bytes = bytes.collect::<std::result::Result<Vec<_>, _>>().map_err(Error::other)?;
    let sha256 = bytes.try_into().map_err(|_| Error::other("a SHA-256 has 32 bytes"))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { sha256, provider }))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// How many mails there are, and how many bytes they have.
pub async fn count(
    (host, port): (&str, u16),
    config: Arc<ClientConfig>,
    user: &str,
    password: &str,
) -> Result<(u64, u64)> {
    let stream = timeout(LIMIT, TcpStream::connect((host, port))).await??;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
    let connecting = TlsConnector::from(config).connect(name, stream);
    let (input, mut output) = tokio::io::split(timeout(LIMIT, connecting).await??);
    let mut input = BufReader::new(input);
    let words = format!("USER {user}\r\nPASS {password}\r\nSTAT\r\nQUIT\r\n");
    // Beside each other: a server that answers before it has read all would be waited for in vain.
    let say = async {
        timeout(LIMIT, output.write_all(words.as_bytes())).await??;
        timeout(LIMIT, output.flush()).await?
    };
    let hear = async {
        for _ in 0..3 {
            fine(&line(&mut input).await?)?;
        }
        line(&mut input).await
    };
    let ((), counted) = tokio::try_join!(say, hear)?;
    timeout(LIMIT, output.shutdown()).await??;
    let mut numbers = fine(&counted)?.split(' ').filter_map(|number| number.parse().ok());
    Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

/// A whole line, or an error.
async fn line<S: tokio::io::AsyncBufRead + Unpin>(stream: &mut S) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    timeout(LIMIT, stream.take(512).read_until(b'\n', &mut line)).await??;
    if !line.ends_with(b"\r\n") {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

/// What stands behind `+OK`.
fn fine(answer: &[u8]) -> Result<&str> {
    let answer = std::str::from_utf8(answer).unwrap_or_default().trim_end();
    let said = || Error::other(format!("the server said {answer:?}"));
    answer.strip_prefix("+OK").map(str::trim_start).ok_or_else(said)
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, sha256, user, password] = arguments.as_slice() else {
        eprintln!("usage: pinned HOST PORT SHA256 USER PASSWORD");
        std::process::exit(2);
    };
    let server = (host.as_str(), port.parse().unwrap_or(995));
    let (mails, bytes) = count(server, config(sha256)?, user, password).await?;
    println!("{mails} mails, {bytes} bytes");
    Ok(())
}
