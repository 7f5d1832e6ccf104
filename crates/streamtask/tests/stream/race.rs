//! From a name to a connection: who is asked, which addresses are tried, what is said when none answers.

use std::future::{pending, ready};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use streamtask::{
    AddressFamily, Attempt, Configuration, Error, ErrorKind, Resolve, Resolving, StreamTask,
};
use streamtask_testkit::{echo, free_port};

use crate::support::*;

const NAME: &str = "server.test";

/// Knows addresses by their family; of what is `None` it never says anything.
pub(crate) struct Names {
    v6: Option<Vec<SocketAddr>>,
    v4: Option<Vec<SocketAddr>>,
}

impl Resolve for Names {
    fn resolve(&self, host: &str, _: u16, family: AddressFamily) -> Resolving {
        assert_eq!(host, NAME);
        let known = match family {
            AddressFamily::V6 => &self.v6,
            AddressFamily::V4 => &self.v4,
        };
        match known.clone() {
            Some(addresses) => Box::pin(ready(Ok(addresses))),
            None => Box::pin(pending()),
        }
    }
}

/// Both families are known, IPv4 alone has addresses.
pub(crate) fn fours(addresses: impl IntoIterator<Item = SocketAddr>) -> Names {
    Names { v6: Some(vec![]), v4: Some(addresses.into_iter().collect()) }
}

pub(crate) fn connect(configuration: Configuration) -> StreamTask {
    session_of(configuration).connect(NAME, 25).expect("a task")
}

/// Where somebody listens.
pub(crate) fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

/// Where nobody listens.
fn refusing() -> SocketAddr {
    ([127, 0, 0, 1], free_port()).into()
}

pub(crate) async fn connected(task: &StreamTask) -> SocketAddr {
    done(task.write("hello", GUARD)).await;
    task.remote_address().expect("it is connected")
}

#[tokio::test]
async fn a_family_whose_lookup_hangs_is_waited_for_as_long_as_the_resolution_delay() {
    let (_listener, address) = listening();
    let names = Names { v6: None, v4: Some(vec![address]) };
    let before = std::time::Instant::now();
    let task = connect(Configuration::default().resolver(names));
    assert_eq!(connected(&task).await, address);
    let waited = task.attempts()[0].began - before;
    assert!((Duration::from_millis(50)..GUARD).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_resolver_that_never_answers_is_given_up_at_its_limit() {
    let names = Names { v6: None, v4: None };
    let task = connect(Configuration::default().resolver(names).lookup_timeout(SHORT));
    let error = soon(task.completion()).await.expect_err("nobody knows it");
    assert_eq!(error.kind(), ErrorKind::DnsLookupFailed);
    let said = "server.test:25: the name lookup failed (the name was not resolved within 100 ms)";
    assert_eq!(error.to_string(), said);
    assert!(task.attempts().is_empty());
}

#[tokio::test]
async fn when_nobody_answers_the_error_names_each_address_with_what_it_came_to() {
    let [first, second] = [refusing(), refusing()];
    let task = connect(Configuration::default().resolver(fours([first, second])));
    let error = soon(task.completion()).await.expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::CannotConnect);
    let tried = format!("tried {first}: connection refused, {second}: connection refused");
    assert_eq!(error.detail(), Some(&*tried));
    let addresses: Vec<_> = task.attempts().iter().map(|attempt| attempt.address.ip()).collect();
    assert_eq!(addresses, [Some(first), Some(second)]);
}

#[tokio::test]
async fn families_take_turns_and_the_preferred_one_begins() {
    let at = |ip: IpAddr| [1, 2].map(|port| SocketAddr::new(ip, port)).to_vec();
    let (sixes, fours) = (at(Ipv6Addr::LOCALHOST.into()), at(Ipv4Addr::LOCALHOST.into()));
    for (family, order) in [(AddressFamily::V6, "6464"), (AddressFamily::V4, "4646")] {
        let names = Names { v6: Some(sixes.clone()), v4: Some(fours.clone()) };
        let configuration = Configuration::default().resolver(names).preferred_family(family);
        let task = connect(configuration);
        assert!(soon(task.completion()).await.is_err(), "nobody listens there");
        let tried = task.attempts();
        let is_six = |known: &Attempt| known.address.ip().is_some_and(|address| address.is_ipv6());
        let tried = tried.iter().map(|known| if is_six(known) { '6' } else { '4' });
        assert_eq!(tried.collect::<String>(), order);
    }
}

#[tokio::test]
async fn a_name_with_a_fixed_address_is_asked_about_nowhere() {
    let server = echo();
    let nobody = Names { v6: None, v4: None };
    let configuration = Configuration::default()
        .resolver(nobody)
        .resolve("Server.Test", 25, IpAddr::from([127, 0, 0, 1]))
        .resolve(NAME, server.port(), Ipv4Addr::LOCALHOST.into())
        .lookup_timeout(SHORT);
    let session = session_of(configuration);
    for host in [NAME, "SERVER.test", "server.test."] {
        let task = session.connect(host, server.port()).expect("a task");
        done(task.write("x", GUARD)).await;
        assert_eq!(done(task.read_exact(1, GUARD)).await.data, "x");
    }
    let other_port = session.connect(NAME, 7).expect("a task");
    assert_eq!(failed(other_port.completion()).await, ErrorKind::DnsLookupFailed);
}

/// Panics, when it is asked or while it thinks.
struct Panics {
    at_once: bool,
}

impl Resolve for Panics {
    fn resolve(&self, _: &str, _: u16, _: AddressFamily) -> Resolving {
        if self.at_once {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        Box::pin(async { std::panic::resume_unwind(Box::new("on purpose")) })
    }
}

#[tokio::test]
async fn a_resolver_that_panics_has_failed_and_no_more() {
    for at_once in [true, false] {
        let task = connect(Configuration::default().resolver(Panics { at_once }));
        let error = soon(task.completion()).await.expect_err("it is not resolved");
        assert_eq!(error.kind(), ErrorKind::DnsLookupFailed);
        assert_eq!(error.detail(), Some("the resolver panicked"));
    }
}

/// Looks at its task when its answers are dropped, which must find no lock taken.
#[derive(Clone)]
struct Curious(Arc<Mutex<Option<StreamTask>>>, mpsc::Sender<()>);

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(task) = &*self.0.lock().unwrap() {
            task.state();
            let _ = self.1.send(());
        }
    }
}

impl Resolve for Curious {
    fn resolve(&self, _: &str, _: u16, _: AddressFamily) -> Resolving {
        let mine = self.clone();
        Box::pin(async move {
            pending::<()>().await;
            drop(mine);
            Ok(vec![])
        })
    }
}

#[test]
fn what_a_cancelled_task_had_asked_is_dropped_without_its_lock() {
    within(|| {
        let (dropped, is_dropped) = mpsc::channel();
        let slot = Arc::new(Mutex::new(None));
        let curious = Curious(slot.clone(), dropped);
        let session = session_of(Configuration::default().resolver(curious));
        let task = session.connect(NAME, 25).expect("a task");
        // The questions are out, as far as that can be seen from here.
        let late = task.read_exact(1, SHORT).wait().map(drop);
        assert!(late.is_err_and(|error| error.is_timeout()));
        *slot.lock().unwrap() = Some(task.clone());
        task.cancel();
        is_dropped.recv_timeout(GUARD).expect("both answers are dropped");
        is_dropped.recv_timeout(GUARD).expect("both answers are dropped");
        assert!(task.completion().wait().is_err_and(|error: Error| error.is_cancelled()));
        slot.lock().unwrap().take();
    });
}

#[tokio::test]
async fn the_race_goes_on_while_the_task_is_suspended_and_its_operations_wait() {
    let (listener, address) = listening();
    let names = Names { v6: None, v4: Some(vec![address]) };
    let task = connect(Configuration::default().resolver(names));
    task.suspend();
    let mut write = task.write("hello", GUARD);
    let accepted = soon(tokio::task::spawn_blocking(move || listener.accept())).await;
    let (mut peer, _): (TcpStream, _) = accepted.unwrap().expect("somebody comes");
    assert!(is_pending(&mut write).await);
    task.resume();
    done(write).await;
    let mut hello = [0; 5];
    peer.read_exact(&mut hello).unwrap();
    assert_eq!(&hello, b"hello");
}
