//! The example `starttls` on tokio and tokio-rustls, with what it promises: whole lines of a bounded length,
//! a limit for each step, and no clear text taken for TLS.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const LIMIT: Duration = Duration::from_secs(30);

/// What the server says it can do under TLS.
pub async fn capabilities(host: &str, port: u16, config: Arc<ClientConfig>) -> Result<Vec<String>> {
    let stream = timeout(LIMIT, TcpStream::connect((host, port))).await??;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    line(&mut stream).await?;
    ask(&mut stream, "a1", "STARTTLS").await?;
    if !stream.buffer().is_empty() {
        // What came with the answer would be taken for the server's words under TLS, or be lost.
        return Err(Error::new(ErrorKind::InvalidData, "clear text behind STARTTLS"));
    }
    let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
    let connecting = TlsConnector::from(config).connect(name, stream.into_inner());
    let stream = timeout(LIMIT, connecting).await??;
    let (_, tls) = stream.get_ref();
    eprintln!("{:?} with {:?}", tls.protocol_version(), tls.negotiated_cipher_suite());
    let mut stream = BufReader::new(stream);
    let capabilities = ask(&mut stream, "a2", "CAPABILITY").await?;
    timeout(LIMIT, stream.write_all(b"a3 LOGOUT\r\n")).await??;
    timeout(LIMIT, stream.shutdown()).await??;
    Ok(capabilities)
}

/// Says a command and reads to its answer; what comes before that is returned.
async fn ask<S: AsyncBufRead + AsyncWrite + Unpin>(
    stream: &mut S,
    tag: &str,
    command: &str,
) -> Result<Vec<String>> {
    timeout(LIMIT, stream.write_all(format!("{tag} {command}\r\n").as_bytes())).await??;
    timeout(LIMIT, stream.flush()).await??;
    let mut untagged = Vec::new();
    loop {
        let line = line(stream).await?;
        match line.strip_prefix(tag).map(str::trim_start) {
            Some(answer) if answer.starts_with("OK") => return Ok(untagged),
            Some(answer) => {
                return Err(Error::other(format!("{command} was refused: {answer}")));
            }
            None => untagged.push(line),
        }
    }
}

/// A whole line, or an error: the stream that ends within one has no line.
async fn line<S: AsyncBufRead + Unpin>(stream: &mut S) -> Result<String> {
    let mut line = Vec::new();
    let mut bounded = stream.take(8192);
    timeout(LIMIT, bounded.read_until(b'\n', &mut line)).await??;
    if !line.ends_with(b"\r\n") {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "localhost".into());
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(143);
    use rustls_platform_verifier::ConfigVerifierExt;
    let config = ClientConfig::with_platform_verifier().map_err(Error::other)?;
    capabilities(&host, port, Arc::new(config)).await?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
