//! The server's process, as its starter sees it.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;

use rustls::pki_types::CertificateDer;

use crate::Outcome;
use crate::work::Layer;

/// A running server. Dropping it ends its process.
pub(crate) struct Server {
    process: Child,
    site: Site,
}

impl Server {
    /// Starts this program again, as the server.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start() -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = process.stdout.take().ok_or("the server has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        Ok(Server { process, site: line.parse()? })
    }

    /// Where it listens.
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Should it be gone already, that is what was wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where a server listens, and whom to trust there. As text it is one line.
#[derive(Clone)]
pub(crate) struct Site {
    pub(super) clear: SocketAddr,
    pub(super) tls: SocketAddr,
    /// The one that gives tickets.
    pub(super) resuming: SocketAddr,
    pub(crate) certificate: CertificateDer<'static>,
}

impl Site {
    /// Where connections of this kind go.
    pub(crate) fn address(&self, layer: Layer) -> SocketAddr {
        match layer {
            Layer::Clear => self.clear,
            Layer::Tls => self.tls,
            Layer::Resumed => self.resuming,
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.clear, self.tls, self.resuming)?;
        self.certificate.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Site {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(line: &str) -> Outcome<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [clear, tls, resuming, certificate] = words[..] else {
            return Err("the server did not say where it listens".into());
        };
        Ok(Site {
            clear: clear.parse()?,
            tls: tls.parse()?,
            resuming: resuming.parse()?,
            certificate: from_hex(certificate)?.into(),
        })
    }
}

fn from_hex(text: &str) -> Outcome<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(std::str::from_utf8);
    pairs.map(|pair| Ok(u8::from_str_radix(pair?, 16)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_survives_being_told() {
        let port = |port| SocketAddr::new(super::super::listen::HOST, port);
        let certificate = vec![0, 0x7f, 0xff].into();
        let site = Site { clear: port(1), tls: port(2), resuming: port(3), certificate };
        let told: Site = site.to_string().parse().expect("it is whole");
        assert_eq!(told.address(Layer::Clear), port(1));
        assert_eq!(told.address(Layer::Tls), port(2));
        assert_eq!(told.address(Layer::Resumed), port(3));
        assert_eq!(told.certificate, site.certificate);
    }
}
