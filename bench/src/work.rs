//! What is measured, and what is to be reached.

/// One thing that both candidates do.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) layer: Layer,
    pub(crate) job: Job,
    /// The highest ratio of our CPU time to the peer's that is good enough.
    pub(crate) target: f64,
}

/// What the bytes travel in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Clear,
    /// TLS 1.3 with a whole handshake for each connection.
    Tls,
    /// TLS 1.3, each connection resuming an earlier one's session.
    Resumed,
}

impl Layer {
    /// Sees to it that what is measured is what the name says.
    ///
    /// # Errors
    /// When a whole handshake was wanted and a session resumed, or the other way round.
    pub(crate) fn check(self, is_resumed: bool) -> Result<(), &'static str> {
        match (self, is_resumed) {
            (Layer::Resumed, false) => Err("the TLS session was not resumed"),
            (Layer::Tls | Layer::Clear, true) => Err("the TLS session was resumed"),
            _ => Ok(()),
        }
    }
}

/// What is done, and how often.
#[derive(Clone, Copy)]
pub(crate) enum Job {
    /// Connections, one after the other, each of one byte out and one back.
    Connect(usize),
    /// Bytes on one connection, which stands before it counts.
    Carry(Traffic),
}

/// What a connection carries.
#[derive(Clone, Copy)]
pub(crate) enum Traffic {
    /// [`MESSAGE`] bytes out and back.
    RoundTrips(usize),
    /// [`BURST`] writes of [`MORSEL`] bytes, then as many reads.
    Bursts(usize),
    /// So many bytes from the server, at most [`BLOCK`] at a time.
    Down(u64),
    /// So many blocks of [`BLOCK`] bytes to the server.
    Up(u64),
}

/// How much of each work.
#[derive(Clone, Copy)]
pub(crate) enum Scale {
    Full,
    Quick,
}

/// The bytes of a round trip.
pub(crate) const MESSAGE: usize = 64;
/// How many writes are queued before the first read.
pub(crate) const BURST: usize = 1000;
/// The bytes of each of them.
pub(crate) const MORSEL: usize = 16;
/// The bytes of one operation in bulk.
pub(crate) const BLOCK: usize = 64 << 10;

/// Everything there is to measure.
pub(crate) fn all(scale: Scale) -> Vec<Work> {
    use Job::{Carry, Connect};
    use Layer::{Clear, Resumed, Tls};
    use Traffic::{Bursts, Down, RoundTrips, Up};
    let part = match scale {
        Scale::Full => 1,
        Scale::Quick => 8,
    };
    let many = |count: usize| count / part;
    let bytes = |mebibytes: u64| (mebibytes << 20) / part as u64;
    let blocks = |mebibytes: u64| bytes(mebibytes) / BLOCK as u64;
    let work = |name, layer, job, target| Work { name, layer, job, target };
    vec![
        work("round-trip-clear", Clear, Carry(RoundTrips(many(20_000))), 1.00),
        work("round-trip-tls", Tls, Carry(RoundTrips(many(20_000))), 1.00),
        work("burst-clear", Clear, Carry(Bursts(many(50))), 0.10),
        work("burst-tls", Tls, Carry(Bursts(many(50))), 0.10),
        work("down-clear", Clear, Carry(Down(bytes(512))), 1.00),
        work("down-tls", Tls, Carry(Down(bytes(256))), 0.85),
        work("up-clear", Clear, Carry(Up(blocks(512))), 1.00),
        work("up-tls", Tls, Carry(Up(blocks(256))), 0.95),
        work("connect-tcp", Clear, Connect(many(3000)), 1.05),
        work("connect-full", Tls, Connect(many(300)), 1.05),
        work("connect-resumed", Resumed, Connect(many(1000)), 1.05),
    ]
}
