//! From a name to addresses: whoever is asked, and what is known without asking.
//!
//! The system's own way of asking stands in [`net::names`](crate::net::names). In what order addresses are
//! tried is the core's to say.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use streamtask_proto::AddressFamily;

use crate::Error;
use crate::net::names::System;

/// Looks names up: the system does, unless [`Configuration::resolver`](crate::Configuration::resolver) names
/// somebody else.
///
/// ```
/// use streamtask::{AddressFamily, Configuration, ErrorKind, Resolve, Resolving};
///
/// /// Knows one name.
/// struct Hosts;
///
/// impl Resolve for Hosts {
///     fn resolve(&self, host: &str, port: u16, family: AddressFamily) -> Resolving {
///         let answer = match (host, family) {
///             ("printer.test", AddressFamily::V4) => Ok(vec![([192, 0, 2, 7], port).into()]),
///             _ => Err(ErrorKind::CannotFindHost.into()),
///         };
///         Box::pin(async { answer })
///     }
/// }
///
/// let configuration = Configuration::default().resolver(Hosts);
/// # drop(configuration);
/// ```
pub trait Resolve: Send + Sync + 'static {
    /// Asks for the addresses of one family, the best first, each with `port`. Both families are asked for at
    /// once, and the race begins with the first answer: see
    /// [`Configuration::resolution_delay`](crate::Configuration::resolution_delay).
    ///
    /// The future is polled by the runtime that runs the task, and dropped when a connection stands or the task
    /// is over. An answer that is later than
    /// [`Configuration::lookup_timeout`](crate::Configuration::lookup_timeout) is not used.
    ///
    /// # Errors
    /// [`ErrorKind::CannotFindHost`](crate::ErrorKind::CannotFindHost) where there is no such name, or none of
    /// this family; [`ErrorKind::DnsLookupFailed`](crate::ErrorKind::DnsLookupFailed) where that could not be
    /// found out.
    fn resolve(&self, host: &str, port: u16, family: AddressFamily) -> Resolving;
}

/// An answer that is on its way.
pub type Resolving = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, Error>> + Send>>;

/// Who is asked for addresses, and names that nobody has to be asked about.
#[derive(Clone)]
pub struct Resolver {
    fixed: Vec<Fixed>,
    asked: Arc<dyn Resolve>,
}

/// A name that has this address on this port, whatever others say.
#[derive(Clone)]
struct Fixed {
    host: String,
    port: u16,
    address: IpAddr,
}

impl Default for Resolver {
    /// The system is asked about every name.
    fn default() -> Self {
        Resolver { fixed: Vec::new(), asked: Arc::new(System) }
    }
}

impl Resolver {
    pub(crate) fn ask(&mut self, asked: impl Resolve) {
        self.asked = Arc::new(asked);
    }

    pub(crate) fn fix(&mut self, host: &str, port: u16, address: IpAddr) {
        self.fixed.push(Fixed { host: plain(host).to_owned(), port, address });
    }

    pub(crate) fn resolve(&self, host: &str, port: u16, family: AddressFamily) -> Resolving {
        let is_meant =
            |fixed: &&Fixed| fixed.port == port && fixed.host.eq_ignore_ascii_case(plain(host));
        let known: Vec<_> = self.fixed.iter().filter(is_meant).map(|fixed| fixed.address).collect();
        if known.is_empty() {
            return self.asked.resolve(host, port, family);
        }
        let of_family = known.into_iter().filter(|address| match family {
            AddressFamily::V6 => address.is_ipv6(),
            AddressFamily::V4 => address.is_ipv4(),
        });
        let addresses = of_family.map(|address| SocketAddr::new(address, port)).collect();
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// A trailing dot keeps resolvers from trying other names, and is not of the name.
fn plain(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fixed = |fixed: &Fixed| format!("{}:{}:{}", fixed.host, fixed.port, fixed.address);
        let known: Vec<_> = self.fixed.iter().map(fixed).collect();
        f.debug_struct("Resolver").field("fixed", &known).finish_non_exhaustive()
    }
}
