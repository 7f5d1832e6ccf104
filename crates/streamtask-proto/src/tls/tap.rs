//! Where rustls logs secrets: keeps what the exporter needs, passes all on to the user's log.

use std::fmt;
use std::sync::Arc;

use rustls::KeyLog;

use super::binding::Secrets;
use super::context;

/// Sits where rustls logs secrets: keeps what the exporter needs, passes all on to the user's log.
pub(crate) struct SecretTap(Option<Arc<dyn KeyLog>>);

impl SecretTap {
    pub(crate) fn new(log: Option<Arc<dyn KeyLog>>) -> Self {
        SecretTap(log)
    }
}

impl KeyLog for SecretTap {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        context::with(|context| match label {
            "EXPORTER_SECRET" => context.secrets = Secrets::tls13(secret),
            "CLIENT_RANDOM" => {
                context.secrets =
                    Secrets::tls12(secret, client_random, context.server_hello.facts());
            }
            _ => {}
        });
        if let Some(log) = &self.0 {
            log.log(label, client_random, secret);
        }
    }

    fn will_log(&self, label: &str) -> bool {
        matches!(label, "EXPORTER_SECRET" | "CLIENT_RANDOM")
            || self.0.as_ref().is_some_and(|log| log.will_log(label))
    }
}

impl fmt::Debug for SecretTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretTap")
    }
}
