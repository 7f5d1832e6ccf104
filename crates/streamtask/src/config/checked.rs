//! What a session makes of its configuration, once: options of the core, and TLS.

use std::sync::Arc;

use rustls::KeyLog;
use rustls::client::danger::ServerCertVerifier;
use streamtask_proto::tls::{NamedRoots, PinnedServers, TlsConfig, TlsSettings};
use streamtask_proto::{Error, ErrorKind, Options, ProxyOptions, RaceOptions};

use super::Configuration;
use crate::net::platform::PlatformVerifier;
use crate::roots::{Roots, only};

impl Configuration {
    pub(crate) fn options(&self) -> Options {
        Options {
            timeout_for_request: self.timeout_for_request,
            timeout_for_resource: self.timeout_for_resource,
            strict_barriers: self.strict_barriers,
            timeout_is_fatal: self.timeout_is_fatal,
            unread_clear_text: self.unread_clear_text,
            tolerate_truncation: self.tolerate_truncation,
            stop_secure_is_noop: self.stop_secure_is_noop,
            write_queue_limit: self.write_queue_limit.unwrap_or(usize::MAX),
            proxies: ProxyOptions {
                chains: self.proxies.iter().map(|chain| chain.as_slice().into()).collect(),
                except: self.no_proxy.clone(),
                turn: self.proxy_timeout,
            },
            race: RaceOptions {
                resolution_delay: self.resolution_delay,
                attempt_delay: self.attempt_delay,
                lookup_timeout: self.lookup_timeout,
                preferred: self.preferred_family,
            },
        }
    }

    pub(crate) fn tls(&self) -> Result<TlsConfig, Error> {
        let platform = self.platform();
        let tls = TlsConfig::new(TlsSettings {
            minimum: self.tls_minimum,
            maximum: self.tls_maximum,
            alpn: self.alpn.clone(),
            verifier: self.verifier(platform.clone())?,
            verifier_blocks: false,
            identity: self.identity.clone(),
            key_log: self.open_key_log()?,
        })?;
        Ok(match platform {
            Some(platform) => tls.blocking_while(move || platform.may_block()),
            None => tls,
        })
    }

    /// The platform's evaluation, where the platform has a say.
    fn platform(&self) -> Option<Arc<PlatformVerifier>> {
        let named = self.roots.named().to_vec();
        match &self.roots {
            _ if !self.pins.is_empty() => None,
            Roots::Platform | Roots::Extra(_) => Some(Arc::new(PlatformVerifier::new(named))),
            Roots::Only(_) => None,
        }
    }

    fn verifier(
        &self,
        platform: Option<Arc<PlatformVerifier>>,
    ) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        if !self.pins.is_empty() {
            return Ok(PinnedServers::new(self.pins.clone()));
        }
        let named = self.roots.named();
        let others: Arc<dyn ServerCertVerifier> = match platform {
            Some(platform) => platform,
            None => only(named)?,
        };
        Ok(Arc::new(NamedRoots::new(named.to_vec(), others)))
    }

    fn open_key_log(&self) -> Result<Option<Arc<dyn KeyLog>>, Error> {
        let Some(path) = &self.key_log else { return Ok(None) };
        let log = crate::net::key_log::FileLog::open(path).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument)
                .with_detail("the key log cannot be opened")
                .caused_by(error)
        })?;
        Ok(Some(Arc::new(log)))
    }
}
