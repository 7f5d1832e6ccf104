//! What the tests of this binary share.

use std::future::Future;
use std::time::Duration;

use streamtask::{Configuration, Roots, Session, StreamTask, TlsVersion};
use streamtask_testkit::{Authority, TlsSettings, Version};

/// Long enough that only a hang reaches it.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) const VERSIONS: [Version; 2] = [Version::Tls12, Version::Tls13];

/// A session that trusts `authority` alone.
pub(crate) fn session(authority: &Authority) -> Session {
    Session::new(configuration(authority)).expect("a configuration that makes sense")
}

pub(crate) fn configuration(authority: &Authority) -> Configuration {
    Configuration::default().roots(Roots::Only(vec![authority.der()]))
}

/// What a server named localhost needs, on one version.
pub(crate) fn settings(authority: &Authority, version: Version) -> TlsSettings {
    TlsSettings::new(&authority.issue(&["localhost", "127.0.0.1"])).version(version)
}

/// A resumed task to a port of this machine.
pub(crate) fn task(session: &Session, port: u16) -> StreamTask {
    let task = session.stream_task("localhost", port).expect("a valid endpoint");
    task.resume();
    task
}

pub(crate) fn number(version: Version) -> TlsVersion {
    match version {
        Version::Tls12 => TlsVersion::Tls12,
        Version::Tls13 => TlsVersion::Tls13,
    }
}

/// Fails instead of hanging.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(SOON * 3, future).await.expect("it takes no minute")
}

/// Bytes in which a displaced one shows.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
