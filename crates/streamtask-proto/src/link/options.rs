//! How a way is gone: what a session's configuration says of the race and of proxies.

use std::sync::Arc;
use std::time::Duration;

use crate::{NoProxy, Proxy, Timeout};

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    /// IPv6: AAAA records.
    V6,
    /// IPv4: A records.
    V4,
}

impl AddressFamily {
    pub(crate) fn other(self) -> Self {
        match self {
            AddressFamily::V6 => AddressFamily::V4,
            AddressFamily::V4 => AddressFamily::V6,
        }
    }
}

/// How patient the race is, and whom it likes better.
#[derive(Clone, Debug)]
pub struct RaceOptions {
    /// How much later than the other the family that is liked better may answer before the race begins
    /// without it (Resolution Delay, RFC 8305, 3).
    pub resolution_delay: Duration,
    /// How long an attempt has before the next one is made beside it (Connection Attempt Delay, RFC 8305, 5).
    pub attempt_delay: Duration,
    /// How long a lookup may take. The RFC leaves that to the resolver; some have no limit.
    pub lookup_timeout: Timeout,
    /// The family that is tried first (Preferred Address Family, RFC 8305, 4).
    pub preferred: AddressFamily,
}

impl Default for RaceOptions {
    /// As RFC 8305, 8, recommends.
    fn default() -> Self {
        RaceOptions {
            resolution_delay: Duration::from_millis(50),
            attempt_delay: Duration::from_millis(250),
            lookup_timeout: Timeout::seconds(30),
            preferred: AddressFamily::V6,
        }
    }
}

/// Proxies, the nearest first; none is the direct way.
pub type Chain = Arc<[Proxy]>;

/// The ways to hosts that lead through proxies.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// Tried in turn; without any the way is direct.
    pub chains: Vec<Chain>,
    /// Who is connected to directly all the same.
    pub except: NoProxy,
    /// How long one of them may take before the next is tried, if there is one.
    pub turn: Timeout,
}

impl Default for ProxyOptions {
    fn default() -> Self {
        let (chains, except) = (Vec::new(), NoProxy::default());
        ProxyOptions { chains, except, turn: Timeout::seconds(10) }
    }
}
