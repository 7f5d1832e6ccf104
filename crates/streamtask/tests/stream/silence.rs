//! Races in which an address says nothing at all: only Linux drops what it has no room for.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use streamtask::{Attempt, Configuration};
use streamtask_testkit::free_port;

use crate::race::{connect, connected, fours, listening};

/// Where whoever comes is neither let in nor sent away: the queue is full, so the system drops what says hello.
pub(crate) struct Silence {
    pub(crate) address: SocketAddr,
    _held: (Socket, Vec<Socket>),
}

impl Silence {
    pub(crate) fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port is free");
        listener.listen(0).expect("it can listen");
        let address = listener.local_addr().expect("it is bound").as_socket().expect("of IPv4");
        let fill = |_| {
            let caller = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            caller.set_nonblocking(true).expect("it can be");
            let _ = caller.connect(&address.into());
            caller
        };
        let callers = (0..4).map(fill).collect();
        Silence { address, _held: (listener, callers) }
    }
}

/// Between two attempts.
fn between(attempts: &[Attempt]) -> Vec<Duration> {
    attempts.windows(2).map(|two| two[1].began - two[0].began).collect()
}

#[tokio::test]
async fn a_silent_first_address_costs_the_attempt_delay_and_little_more() {
    let (listener, address) = listening();
    let silence = Silence::new();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let names = fours([silence.address, address]);
        let task = connect(Configuration::default().resolver(names));
        assert_eq!(connected(&task).await, address);
        let attempts = task.attempts();
        assert!(between(&attempts)[0] >= Duration::from_millis(250), "{attempts:?}");
        assert!(attempts.iter().all(|attempt| attempt.ended.is_some()), "{attempts:?}");
        assert!(attempts.iter().all(|attempt| attempt.error.is_none()), "{attempts:?}");
        best = best.min(attempts[1].ended.unwrap() - attempts[0].began);
        let mut hello = [0; 5];
        listener.accept().unwrap().0.read_exact(&mut hello).unwrap();
        assert_eq!(&hello, b"hello");
    }
    assert!(best < Duration::from_millis(300), "{best:?}");
}

#[tokio::test]
async fn of_twenty_addresses_the_last_answers_whether_the_others_are_silent_or_refuse() {
    let (_listener, address) = listening();
    let silence = Silence::new();
    // A whole network leads to the same place, so each is another address.
    let silent = (1..=10).map(|last| SocketAddr::new(Ipv4Addr::new(127, 0, 0, last).into(), 0));
    let silent = silent.map(|known| SocketAddr::new(known.ip(), silence.address.port()));
    let port = free_port();
    let refusing = (1..=9).map(|last| SocketAddr::new(Ipv4Addr::new(127, 0, 0, last).into(), port));
    let mixed = silent.zip(refusing.chain([address])).flat_map(|(one, other)| [one, other]);
    let delay = Duration::from_millis(20);
    let task = connect(Configuration::default().resolver(fours(mixed)).attempt_delay(delay));
    assert_eq!(connected(&task).await, address);
    let attempts = task.attempts();
    assert_eq!(attempts.len(), 20);
    let refused = attempts.iter().filter(|attempt| attempt.error.is_some()).count();
    // 127.0.0.1 alone has a full queue; elsewhere nobody listens.
    assert_eq!(refused, 18, "{attempts:?}");
}
