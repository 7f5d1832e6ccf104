//! What a session is to do, chosen before it begins.
//!
//! A leaf: plain data with a default for everything. What a session makes of it, and whether it makes sense, is
//! [`checked`]'s; proxies can be taken from the [`environment`].

mod checked;
mod environment;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use streamtask_proto::tls::{Identity, Pin, TlsVersion};
use streamtask_proto::{AddressFamily, Error, NoProxy, Options, Proxy, Timeout, UnreadClearText};

use crate::resolve::{Resolve, Resolver};
use crate::roots::Roots;

/// How the tasks of a session behave (`URLSessionConfiguration`, the part that concerns streams).
///
/// The session copies it: later changes have no effect. Every setter takes and returns the whole, to be
/// chained; the fields are there for reading, and say what each is and what it begins with.
///
/// ```
/// use std::time::Duration;
/// use streamtask::{Configuration, TlsVersion};
///
/// let configuration = Configuration::default()
///     .timeout_for_request(Duration::from_secs(20))
///     .tls_minimum(TlsVersion::Tls13)
///     .alpn(["imap"]);
/// assert_eq!(configuration.alpn, [b"imap"]);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Configuration {
    /// How long connecting, each TLS handshake and each stop of TLS may take (60 s). Not idle time: an
    /// idle stream lives on. (`timeoutIntervalForRequest`)
    pub timeout_for_request: Timeout,
    /// How long a task may live from its first resume (7 days). (`timeoutIntervalForResource`)
    pub timeout_for_resource: Timeout,
    /// How long a closing connection may go without progress before it is given up (10 s): what was written
    /// leaves, then FIN, then what the peer still sends is thrown away (72 MiB at most) until it ends too.
    /// The time begins anew while something of ours still arrives. Nothing waits for it: a task is over
    /// before, and [`Session::lingering`](crate::Session::lingering) tells when all is closed. It does not
    /// concern [`cancel`](crate::StreamTask::cancel) and failures, which close at once.
    pub linger: Timeout,
    /// The lowest version of TLS to accept (1.2). (`tlsMinimumSupportedProtocolVersion`)
    pub tls_minimum: TlsVersion,
    /// The highest version of TLS to offer (1.3). (`tlsMaximumSupportedProtocolVersion`)
    pub tls_maximum: TlsVersion,
    /// The application protocols to offer, most wanted first (none; RFC 7301).
    pub alpn: Vec<Vec<u8>>,
    /// Whom to trust (the platform).
    pub roots: Roots,
    /// If there are any, the servers to trust, whatever their names, dates and issuers; nobody else is, and
    /// `roots` are not asked (none).
    pub pins: Vec<Pin>,
    /// Who we are to servers that ask (nobody).
    pub identity: Option<Identity>,
    /// A file to append TLS secrets to, for debugging with a packet analyser (none). Whoever has the file
    /// can read the traffic.
    pub key_log: Option<PathBuf>,
    /// What becomes of clear text that lies unread when TLS is to start (the task fails).
    pub unread_clear_text: UnreadClearText,
    /// Whether an end of TLS without close_notify is an end rather than an error (no). The end then says
    /// what it was: [`EofKind::Truncated`](crate::EofKind::Truncated).
    pub tolerate_truncation: bool,
    /// Whether closing the sending side and switching TLS wait for reads that have no byte yet, too, as
    /// Foundation's documentation has it (no).
    pub strict_barriers: bool,
    /// Whether a read's timeout fails the whole task (no).
    pub timeout_is_fatal: bool,
    /// Whether `stop_secure_connection` does nothing, as on Apple's systems (no).
    pub stop_secure_is_noop: bool,
    /// How much later than the other the address family that is preferred may be resolved before the race
    /// for a connection begins without it (50 ms; RFC 8305, 3).
    pub resolution_delay: Duration,
    /// How long an attempt to connect has before the next address is tried beside it (250 ms; RFC 8305, 5).
    /// An attempt that fails starts the next one at once, and less than 10 ms is 10 ms.
    pub attempt_delay: Duration,
    /// How long a name may take to be resolved (30 s). The system's resolver cannot be called off, so its
    /// thread stays until it has an answer.
    pub lookup_timeout: Timeout,
    /// The address family that is tried first; from then on they take turns (IPv6; RFC 8305, 4).
    pub preferred_family: AddressFamily,
    /// The ways to a host: each a chain of proxies, the nearest first, of which the next one is tried where one
    /// has failed. If there are any, nobody is connected to
    /// directly, unless one of the chains is empty (none: directly).
    pub proxies: Vec<Vec<Proxy>>,
    /// How long one of these ways may take before the next is tried (10 s); the last one has the whole of
    /// `timeout_for_request`.
    pub proxy_timeout: Timeout,
    /// Who is connected to directly although there are proxies (nobody).
    pub no_proxy: NoProxy,
    /// Who knows the addresses of names (the system).
    pub resolver: Resolver,
    /// How many bytes of a task's writes may wait for the operating system (as many as there are). A write
    /// over it fails with [`ErrorKind::WriteQueueFull`](crate::ErrorKind::WriteQueueFull); the first in line may be of any length.
    pub write_queue_limit: Option<usize>,
}

impl Default for Configuration {
    fn default() -> Self {
        let options = Options::default();
        Configuration {
            timeout_for_request: options.timeout_for_request,
            timeout_for_resource: options.timeout_for_resource,
            linger: LINGER.into(),
            tls_minimum: TlsVersion::Tls12,
            tls_maximum: TlsVersion::Tls13,
            alpn: Vec::new(),
            roots: Roots::Platform,
            pins: Vec::new(),
            identity: None,
            key_log: None,
            unread_clear_text: UnreadClearText::Fail,
            tolerate_truncation: false,
            strict_barriers: false,
            timeout_is_fatal: false,
            stop_secure_is_noop: false,
            resolution_delay: options.race.resolution_delay,
            attempt_delay: options.race.attempt_delay,
            lookup_timeout: options.race.lookup_timeout,
            preferred_family: options.race.preferred,
            proxies: Vec::new(),
            proxy_timeout: options.proxies.turn,
            no_proxy: NoProxy::default(),
            resolver: Resolver::default(),
            write_queue_limit: None,
        }
    }
}

/// Setters that take the value as it is.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, value: $type) -> Self {
                self.$name = value;
                self
            }
        )*
    };
}

impl Configuration {
    setters! {
        /// Accepts no version of TLS below this.
        tls_minimum: TlsVersion,
        /// Offers no version of TLS above this.
        tls_maximum: TlsVersion,
        /// Trusts whom these vouch for.
        roots: Roots,
        /// Decides what becomes of clear text that lies unread when TLS is to start.
        unread_clear_text: UnreadClearText,
        /// Takes an end of TLS without close_notify for an end, of its own kind, and no error.
        tolerate_truncation: bool,
        /// Has barriers wait for reads that have no byte yet, too.
        strict_barriers: bool,
        /// Has a read's timeout fail the whole task.
        timeout_is_fatal: bool,
        /// Has `stop_secure_connection` do nothing, as on Apple's systems.
        stop_secure_is_noop: bool,
        /// Waits so long for the preferred family's addresses once the other's are there.
        resolution_delay: Duration,
        /// Tries the next address when an attempt has had so long.
        attempt_delay: Duration,
        /// Connects to these hosts directly.
        no_proxy: NoProxy,
        /// Tries the addresses of this family first.
        preferred_family: AddressFamily,
    }

    /// Gives a name so long to be resolved.
    #[must_use]
    pub fn lookup_timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.lookup_timeout = timeout.into();
        self
    }

    /// Connects through this proxy, and never without: where it fails, so does the task. Said again, it is the
    /// next one to try.
    ///
    /// ```
    /// use streamtask::{Configuration, Session};
    ///
    /// # fn main() -> Result<(), streamtask::Error> {
    /// let tor = "socks5h://127.0.0.1:9050".parse()?;
    /// let session = Session::new(Configuration::default().proxy(tor))?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn proxy(self, proxy: Proxy) -> Self {
        self.proxy_chain([proxy])
    }

    /// Connects through all of these, the nearest first. Said again, it is the next way to try; an empty chain is
    /// the direct way.
    #[must_use]
    pub fn proxy_chain(mut self, proxies: impl IntoIterator<Item = Proxy>) -> Self {
        self.proxies.push(proxies.into_iter().collect());
        self
    }

    /// Takes proxies, and who is exempt from them, from the environment: the first of `SOCKS_PROXY`, `ALL_PROXY`
    /// and `HTTPS_PROXY` that says something, each in lower case before upper, and `NO_PROXY`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) when there is one that cannot be read: going round it would be worse.
    pub fn proxies_from_environment(self) -> Result<Self, Error> {
        environment::proxies(self, |name| std::env::var_os(name))
    }

    /// Tries the next way through proxies when one has had so long.
    #[must_use]
    pub fn proxy_timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.proxy_timeout = timeout.into();
        self
    }

    /// Asks this one for the addresses of names instead of the system.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver.ask(resolver);
        self
    }

    /// Says that `host` has this address on this port, so that nobody is asked (curl's `--resolve`); proxies that
    /// resolve names themselves know nothing of it. Said again,
    /// it has several. What the server is verified as stays the name.
    ///
    /// ```
    /// use streamtask::{Configuration, Session};
    ///
    /// # fn main() -> Result<(), streamtask::Error> {
    /// let before_the_move = [198, 51, 100, 7].into();
    /// let configuration = Configuration::default().resolve("mail.example.org", 993, before_the_move);
    /// let session = Session::new(configuration)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn resolve(mut self, host: &str, port: u16, address: IpAddr) -> Self {
        self.resolver.fix(host, port, address);
        self
    }

    /// Limits connecting, each TLS handshake and each stop of TLS to this.
    #[must_use]
    pub fn timeout_for_request(mut self, timeout: impl Into<Timeout>) -> Self {
        self.timeout_for_request = timeout.into();
        self
    }

    /// Limits the whole life of a task, from its first resume, to this.
    #[must_use]
    pub fn timeout_for_resource(mut self, timeout: impl Into<Timeout>) -> Self {
        self.timeout_for_resource = timeout.into();
        self
    }

    /// Gives a closing connection so long without progress. With [`Timeout::NEVER`] only the peer ends it, or the bytes it sends.
    /// Where losing the end of what was written is all right, `cancel` closes at once.
    #[must_use]
    pub fn linger(mut self, timeout: impl Into<Timeout>) -> Self {
        self.linger = timeout.into();
        self
    }

    /// Offers these application protocols, most wanted first.
    #[must_use]
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Trusts a server that shows what is pinned. With several pins, whoever shows one of them; with one or
    /// more, nobody else.
    ///
    /// ```
    /// use streamtask::{Configuration, Pin};
    ///
    /// # fn main() -> Result<(), streamtask::Error> {
    /// // openssl x509 -in server.pem -noout -fingerprint -sha256
    /// let shown = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
    /// let configuration = Configuration::default().pin(Pin::Certificate(shown.parse()?));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn pin(mut self, pin: Pin) -> Self {
        self.pins.push(pin);
        self
    }

    /// Lets so many bytes of a task's writes wait, and refuses more:
    /// [`StreamTask::queued_bytes`](crate::StreamTask::queued_bytes) tells how many there are.
    #[must_use]
    pub fn write_queue_limit(mut self, bytes: usize) -> Self {
        self.write_queue_limit = Some(bytes);
        self
    }

    /// Shows this certificate to servers that ask for one; a delegate is not asked then.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::fs::read;
    /// use streamtask::{Configuration, Identity, Session};
    ///
    /// let identity = Identity::from_pem(read("me.pem")?, read("me.key")?)?;
    /// let session = Session::new(Configuration::default().identity(identity))?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Appends TLS secrets to this file: for debugging, since whoever has it can read the traffic.
    #[must_use]
    pub fn key_log(mut self, file: impl Into<PathBuf>) -> Self {
        self.key_log = Some(file.into());
        self
    }
}

/// Long enough for a peer that does something else first, and short beside a program's end.
const LINGER: Duration = Duration::from_secs(10);

/// What Foundation's configuration begins with (spec, section 4).
#[cfg(test)]
mod tests {
    use streamtask_proto::ErrorKind;

    use super::*;

    #[test]
    fn the_defaults_are_foundations() {
        let configuration = Configuration::default();
        let seconds = |count| Some(Duration::from_secs(count));
        assert_eq!(configuration.timeout_for_request.duration(), seconds(60));
        assert_eq!(configuration.timeout_for_resource.duration(), seconds(604_800));
        assert_eq!(configuration.linger.duration(), seconds(10));
        assert_eq!(configuration.tls_minimum, TlsVersion::Tls12);
        assert_eq!(configuration.tls_maximum, TlsVersion::Tls13);
    }

    #[test]
    fn what_is_set_can_be_read_again() {
        let configuration = Configuration::default()
            .timeout_for_request(Duration::from_secs(5))
            .timeout_for_resource(Timeout::NEVER)
            .strict_barriers(true)
            .tolerate_truncation(true);
        assert_eq!(configuration.timeout_for_request.duration(), Some(Duration::from_secs(5)));
        assert_eq!(configuration.timeout_for_resource, Timeout::NEVER);
        assert!(configuration.strict_barriers && configuration.tolerate_truncation);
    }

    #[test]
    fn versions_the_wrong_way_round_are_refused() {
        let configuration =
            Configuration::default().tls_minimum(TlsVersion::Tls13).tls_maximum(TlsVersion::Tls12);
        let error = configuration.tls().expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}
