//! The command line, typed.
//!
//! What can be known to be wrong from the words alone is refused here, by clap and with its exit code 2.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use streamtask::{AddressFamily, TlsVersion};

use crate::report::EXIT_CODES;
use crate::starttls::Protocol;

/// One safe tool for raw streams: connects, starts TLS in place, verifies, half-closes.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 80)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Shows the whole life of a stream task against a peer inside this process.
    Demo,
    /// Connects stdin and stdout to a peer, over TLS if told to.
    ///
    /// What stdin gives goes to the peer, what the peer says to stdout, byte for byte. At the end of stdin
    /// the sending side is closed and the peer's rest is read. The peer's end ends the program, as soon as
    /// stdin has nothing more at hand.
    Connect(ConnectArgs),
    /// Waits for a connection: the other end, for trying things.
    ///
    /// Takes one connection and ties it to stdin and stdout; with --echo any number, each of which gets
    /// back what it sends.
    Listen(ListenArgs),
}

#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ConnectArgs {
    /// A name or an address.
    pub(crate) host: String,
    /// From 1 to 65535.
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
    /// TLS from the first byte.
    #[arg(long, group = "secured")]
    pub(crate) tls: bool,
    /// Clear text first: asks the server to start TLS, in this protocol. Nothing of stdin is sent before.
    #[arg(long, value_name = "PROTOCOL", group = "secured")]
    pub(crate) starttls: Option<Protocol>,
    #[command(flatten)]
    pub(crate) way: WayArgs,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// The certificate to show to a server that asks for one, in PEM.
    #[arg(long, value_name = "FILE", requires_all = ["key", "secured"])]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Application protocols to offer, most wanted first, with commas between.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "secured")]
    #[arg(value_parser = application_protocol)]
    pub(crate) alpn: Vec<String>,
    /// The lowest version of TLS to accept.
    #[arg(long, value_name = "VERSION", requires = "secured", default_value = "1.2")]
    pub(crate) tls_min: Version,
    /// The highest version of TLS to offer.
    #[arg(long, value_name = "VERSION", requires = "secured", default_value = "1.3")]
    pub(crate) tls_max: Version,
    /// How long connecting, the dialogue before TLS and the handshake may take together; 0 is for ever.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Seconds,
    /// Tells on stderr what happens, the server's words before TLS included.
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// How to get there. Without any of these: directly, to whichever address answers first.
#[derive(clap::Args)]
pub(crate) struct WayArgs {
    /// Goes through this proxy and never without it: SCHEME://HOST:PORT or SCHEME://USER:PASSWORD@HOST:PORT
    /// (PORT is 1080, of http 80, if it is not said),
    /// of socks4, socks4a, socks5, socks5h (it resolves names) and http; a comma or colon in a login is %2C or
    /// %3A. Again: a chain, the nearest first. With commas between: the next one where one fails. `env` alone:
    /// the proxy of SOCKS_PROXY, ALL_PROXY or HTTPS_PROXY, if there is one, except for whom NO_PROXY names;
    /// other users of this machine cannot read it there. Some proxies take the end of stdin for the end of
    /// both directions.
    // Read later: clap would repeat what it cannot read, and there may be a password in it.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Vec<String>,
    /// Takes these addresses for HOST on PORT instead of looking it up; may be said again. Proxies that resolve
    /// names know nothing of it.
    #[arg(long, value_name = "HOST:PORT:ADDRESS[,ADDRESS...]", value_parser = known_host)]
    pub(crate) resolve: Vec<KnownHost>,
    /// Tries addresses of IPv4 or of IPv6 first; then they take turns.
    #[arg(long, value_name = "4|6")]
    pub(crate) prefer: Option<Prefer>,
    /// How long connecting alone may take, proxies included, within --timeout; 0 is for ever.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) connect_timeout: Option<Seconds>,
}

/// A family of addresses.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Prefer {
    #[value(name = "4")]
    Four,
    #[value(name = "6")]
    Six,
}

impl From<Prefer> for AddressFamily {
    fn from(prefer: Prefer) -> Self {
        match prefer {
            Prefer::Four => AddressFamily::V4,
            Prefer::Six => AddressFamily::V6,
        }
    }
}

/// A host whose addresses are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownHost {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) addresses: Vec<IpAddr>,
}

/// `host:port:address,…`; addresses of IPv6 may stand in brackets.
fn known_host(text: &str) -> Result<KnownHost, String> {
    let shape = || "not HOST:PORT:ADDRESS".to_owned();
    let bare = |text: &str| {
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).to_owned()
    };
    // A host in brackets has colons of its own.
    let end = text.find("]:").map_or(0, |end| end + 1);
    let (host, rest) = text[end..].split_once(':').ok_or_else(shape)?;
    let host = format!("{}{host}", &text[..end]);
    let (port, addresses) = rest.split_once(':').ok_or_else(shape)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._:[]%".contains(c);
    if host.is_empty() || !host.chars().all(is_name) {
        return Err("HOST is no name".to_owned());
    }
    let port = port.parse().ok().filter(|port| *port > 0);
    let port = port.ok_or("PORT is no number from 1 to 65535")?;
    let address = |text: &str| bare(text).parse().map_err(|_| format!("{text:?} is no address"));
    let addresses = addresses.split(',').map(address).collect::<Result<_, _>>()?;
    Ok(KnownHost { host: bare(&host), port, addresses })
}

/// Whom to believe. Without any of these: whoever the platform trusts, under the host's name.
#[derive(clap::Args)]
pub(crate) struct TrustArgs {
    /// Accepts any certificate, with a warning.
    #[arg(long, requires = "secured", conflicts_with = "ca")]
    pub(crate) insecure: bool,
    /// Trusts these roots and no others, in PEM.
    #[arg(long, value_name = "FILE", requires = "secured")]
    pub(crate) ca: Option<PathBuf>,
    /// The name to ask for and to verify, instead of HOST.
    #[arg(long, value_name = "NAME", requires = "secured")]
    pub(crate) server_name: Option<String>,
}

#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ListenArgs {
    /// 0 takes any free port; stderr says which.
    pub(crate) port: u16,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Sends back what comes, on any number of connections.
    #[arg(long)]
    pub(crate) echo: bool,
    /// Ends after the first connection, --echo or not.
    #[arg(long)]
    pub(crate) once: bool,
    /// TLS from the first byte, with a certificate made on the spot for localhost.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Another certificate for --tls, in PEM.
    #[arg(long, value_name = "FILE", requires_all = ["key", "tls"])]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Saves the certificate made on the spot, for the other end's --ca.
    #[arg(long, value_name = "FILE", requires = "tls", conflicts_with = "cert")]
    pub(crate) write_ca: Option<PathBuf>,
}

/// A version of TLS, as people write it.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Version {
    #[value(name = "1.2")]
    Tls12,
    #[value(name = "1.3")]
    Tls13,
}

impl From<Version> for TlsVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::Tls12 => TlsVersion::Tls12,
            Version::Tls13 => TlsVersion::Tls13,
        }
    }
}

/// A limit in time; `None` is for ever.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Option<Duration>);

fn seconds(text: &str) -> Result<Seconds, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    let limit = Duration::try_from_secs_f64(number).map_err(|error| error.to_string())?;
    Ok(Seconds((!limit.is_zero()).then_some(limit)))
}

/// One byte says how long a name is (RFC 7301, 3.1), and none may be empty.
fn application_protocol(name: &str) -> Result<String, String> {
    match name.len() {
        1..=255 => Ok(name.to_owned()),
        _ => Err("a name has 1 to 255 bytes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_of_tls_want_tls() {
        let parse = |line: &str| Args::try_parse_from(line.split(' ')).map(drop);
        for option in ["--insecure", "--ca f", "--server-name n", "--alpn a", "--tls-min 1.3"] {
            assert!(parse(&format!("streamtask connect h 1 {option}")).is_err(), "{option}");
            assert!(parse(&format!("streamtask connect h 1 --tls {option}")).is_ok(), "{option}");
        }
        assert!(parse("streamtask connect h 1 --tls --starttls smtp").is_err());
        assert!(parse("streamtask connect h 1").is_ok(), "defaults do not count");
    }

    #[test]
    fn a_known_host_has_a_port_and_addresses_with_brackets_or_without() {
        let known = |text, host: &str, addresses: &[&str]| {
            let addresses = addresses.iter().map(|text| text.parse().expect("one")).collect();
            let expected = KnownHost { host: host.into(), port: 25, addresses };
            assert_eq!(known_host(text), Ok(expected), "{text}");
        };
        known("mail.test:25:192.0.2.1", "mail.test", &["192.0.2.1"]);
        known("mail.test:25:2001:db8::1", "mail.test", &["2001:db8::1"]);
        known("mail.test:25:[::1],127.0.0.1", "mail.test", &["::1", "127.0.0.1"]);
        known("[2001:db8::2]:25:[::1]", "2001:db8::2", &["::1"]);
        for wrong in [
            "mail.test",
            "mail.test:25",
            "mail.test:0:::1",
            "mail.test:25:mail",
            "h:25:",
            ":25:::1",
            "*:25:::1",
        ] {
            assert!(known_host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_seconds_are_for_ever() {
        assert!(seconds("0").is_ok_and(|limit| limit.0.is_none()));
        assert!(seconds("0.5").is_ok_and(|limit| limit.0 == Some(Duration::from_millis(500))));
        for wrong in ["-1", "soon", "nan", "1e300"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
